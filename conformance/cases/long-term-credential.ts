import type { ConformanceCase, Topic } from '../conformance-case.ts';
import {
  expectAttribute,
  expectEqual,
  expectError,
  expectNoAttribute,
  expectRefusal,
  expectSuccess,
  expectThat,
  expectUnsigned,
} from '../expectations.ts';
import type { Session } from '../session.ts';
import {
  attribute,
  channelNumber,
  lifetime,
  requestedTransport,
  xorPeerAddress,
  type Attribute,
} from '../wire/attributes.ts';
import { ATTRIBUTE, METHOD, SHA_256 } from '../wire/numbers.ts';
import type { Reply } from '../wire/reply.ts';

const RFC = 'RFC 8489';
const SECTION = '9.2.4';
const UNKNOWN_REQUIRED = 0x7ff1;

/** Who may ask, proven by a key that both sides derive from a password. */
export const LONG_TERM_CREDENTIAL: Topic = {
  name: 'long-term-credential',
  cases: [...incomplete(), ...wrong(), ...integrity(), ...behindIntegrity(), ...order()],
};

function incomplete(): ConformanceCase[] {
  return (['user', 'realm', 'nonce'] as const).map((part) => {
    const name = part === 'user' ? 'USERNAME' : part.toUpperCase();
    return {
      id: `signed-without-${part}`,
      rfc: RFC,
      section: SECTION,
      title: `a signed request without ${name} is refused with 400, without challenge or integrity`,
      run: async (session: Session) => {
        const client = await session.client();
        const reply = expectError(await client.allocate([], { [part]: [] }), 400);
        expectNoAttribute(reply, ATTRIBUTE.NONCE, 'NONCE');
        expectNoAttribute(reply, ATTRIBUTE.REALM, 'REALM');
        expectUnsigned(reply);
      },
    };
  });
}

function wrong(): ConformanceCase[] {
  const nobody = { username: 'nobody-of-that-name', password: 'none' };
  const named = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  return [
    {
      id: 'user-unknown',
      rfc: RFC,
      section: SECTION,
      title: 'an unknown user is refused with 401 and a challenge',
      run: async (session) => {
        const client = await session.client();
        expectChallenge(await client.allocate([], { account: nobody }));
      },
    },
    {
      id: 'password-wrong',
      rfc: RFC,
      section: SECTION,
      title: 'a wrong password is refused with 401 and a challenge',
      run: async (session) => {
        const client = await session.client();
        const account = { ...client.account, password: 'wrong' };
        expectChallenge(await client.allocate([], { account }));
      },
    },
    {
      id: 'user-or-password',
      rfc: RFC,
      section: SECTION,
      title: 'the two look the same, attribute by attribute and length by length',
      run: async (session) => {
        const client = await session.client();
        const account = { ...client.account, password: 'wrong' };
        const badPassword = await client.allocate([], { account });
        const badUser = await client.allocate([], { account: nobody });
        expectEqual('the attributes', badUser.types.join(), badPassword.types.join());
        expectEqual('the lengths', badUser.lengths.join(), badPassword.lengths.join());
      },
    },
    ...named.map((username): ConformanceCase => ({
      id: `user-${username}`,
      rfc: RFC,
      section: SECTION,
      title: `nobody is called ${username} (401)`,
      run: async (session) => {
        const client = await session.client();
        const account = { username, password: 'undefined' };
        expectError(await client.allocate([], { account }), 401);
      },
    })),
  ];
}

function integrity(): ConformanceCase[] {
  const flipped: readonly (readonly [string, string, (bytes: Buffer) => number])[] = [
    ['integrity', 'its MESSAGE-INTEGRITY', (bytes) => bytes.length - 1],
    ['transaction', 'its transaction ID', () => 19],
    ['value', 'the value of an attribute', () => 24],
  ];
  return [
    {
      id: 'signed-success',
      rfc: RFC,
      section: SECTION,
      title: 'the success response has the right MESSAGE-INTEGRITY',
      run: async (session) => {
        const client = await session.client();
        const reply = expectSuccess(await client.allocate());
        expectThat(
          reply.isSigned(ATTRIBUTE.MESSAGE_INTEGRITY, client.key()),
          'none, or a wrong one',
        );
      },
    },
    {
      id: 'signed-error',
      rfc: RFC,
      section: SECTION,
      title: 'the error response to a signed request has the right MESSAGE-INTEGRITY',
      run: async (session) => {
        const client = await session.client();
        const reply = expectError(await client.refresh(), 437);
        expectThat(
          reply.isSigned(ATTRIBUTE.MESSAGE_INTEGRITY, client.key()),
          'none, or a wrong one',
        );
      },
    },
    {
      id: 'signed-fingerprint',
      rfc: RFC,
      section: '14.7',
      title: 'a signed request with FINGERPRINT succeeds',
      run: async (session) => {
        const client = await session.client();
        const reply = await client.allocate([], {
          integrity: (writer, key) => writer.sha1(key).fingerprint(),
        });
        expectSuccess(reply);
      },
    },
    ...flipped.map(([id, what, where]): ConformanceCase => ({
      id: `flipped-${id}`,
      rfc: RFC,
      section: '14.5',
      title: `a bit flipped in ${what} is refused with 401`,
      run: async (session) => {
        const client = await session.client();
        const request = client.build(METHOD.ALLOCATE, [requestedTransport(), lifetime(1200)]);
        request[where(request)]! ^= 1;
        expectError(await client.ask(request), 401);
      },
    })),
    {
      id: 'integrity-short',
      rfc: RFC,
      section: '14.5',
      title: 'MESSAGE-INTEGRITY of 16 bytes is refused',
      run: async (session) => {
        const client = await session.client();
        const short = attribute(ATTRIBUTE.MESSAGE_INTEGRITY, Buffer.alloc(16));
        expectRefusal(await client.allocate([], { integrity: (writer) => writer.add(short) }));
      },
    },
    {
      id: 'integrity-empty',
      rfc: RFC,
      section: '14.5',
      title: 'MESSAGE-INTEGRITY of no bytes is refused',
      run: async (session) => {
        const client = await session.client();
        const empty = attribute(ATTRIBUTE.MESSAGE_INTEGRITY);
        expectRefusal(await client.allocate([], { integrity: (writer) => writer.add(empty) }));
      },
    },
    {
      id: 'integrity-plain-password',
      rfc: RFC,
      section: '9.2.2',
      title: 'the password itself is not the key',
      run: async (session) => {
        const client = await session.client();
        expectError(await client.allocate([], { key: Buffer.from(client.account.password) }), 401);
      },
    },
    {
      id: 'integrity-sha256-key-unasked',
      rfc: RFC,
      section: SECTION,
      title: 'a key of SHA-256 that no PASSWORD-ALGORITHM chooses is refused with 401',
      run: async (session) => {
        const client = await session.client();
        expectError(await client.allocate([], { key: client.key(SHA_256) }), 401);
      },
    },
  ];
}

/** What stands behind MESSAGE-INTEGRITY was added by nobody knows whom. */
function behindIntegrity(): ConformanceCase[] {
  const table: readonly (readonly [string, number, Attribute])[] = [
    ['LIFETIME 0', METHOD.REFRESH, lifetime(0)],
    ['XOR-PEER-ADDRESS', METHOD.CREATE_PERMISSION, xorPeerAddress({ ip: '192.0.2.1', port: 9 })],
    // The peer is all else that a channel takes.
    ['CHANNEL-NUMBER', METHOD.CHANNEL_BIND, channelNumber(0x4000)],
    [
      'an unknown comprehension-required attribute',
      METHOD.REFRESH,
      attribute(UNKNOWN_REQUIRED, 'x'),
    ],
  ];
  return table.map(([what, method, late]) => ({
    id: `behind-integrity-${late.type.toString(16)}`,
    rfc: RFC,
    section: '14.5',
    title: `${what} behind MESSAGE-INTEGRITY is ignored`,
    run: async (session) => {
      const { client, peer } = await session.scene();
      const signed = method === METHOD.CHANNEL_BIND ? [xorPeerAddress(peer.address)] : [];
      const reply = await client.request(method, signed, {
        integrity: (writer, key) => writer.sha1(key).add(late),
      });
      if (method === METHOD.REFRESH) expectEqual('LIFETIME', expectSuccess(reply).lifetime, 600);
      else expectError(reply, 400);
      expectSuccess(await client.refresh());
    },
  }));
}

function order(): ConformanceCase[] {
  const unknown = attribute(UNKNOWN_REQUIRED, 'x');
  return [
    {
      id: 'order-unknown-unsigned',
      rfc: RFC,
      section: '6.3',
      title: 'authentication comes before unknown attributes: 401',
      run: async (session) => {
        const client = await session.stranger();
        const attributes = [requestedTransport(), unknown];
        expectError(await client.unsigned(METHOD.ALLOCATE, attributes), 401);
      },
    },
    {
      id: 'order-unknown-signed',
      rfc: RFC,
      section: '6.3.1',
      title: 'an unknown comprehension-required attribute in a signed request is answered 420',
      run: async (session) => {
        const client = await session.client();
        const reply = expectError(await client.allocate([unknown]), 420);
        const list = expectAttribute(reply, ATTRIBUTE.UNKNOWN_ATTRIBUTES, 'UNKNOWN-ATTRIBUTES');
        expectEqual('UNKNOWN-ATTRIBUTES', list.toString('hex'), UNKNOWN_REQUIRED.toString(16));
      },
    },
    {
      id: 'order-unknown-integrity',
      rfc: RFC,
      section: SECTION,
      title: 'that 420 is signed',
      run: async (session) => {
        const client = await session.client();
        const reply = expectError(await client.allocate([unknown]), 420);
        expectThat(
          reply.isSigned(ATTRIBUTE.MESSAGE_INTEGRITY, client.key()),
          'none, or a wrong one',
        );
      },
    },
    {
      id: 'order-transport-unsigned',
      rfc: 'RFC 8656',
      section: '7.2',
      title: 'authentication comes before the checks of Allocate: 401',
      run: async (session) => {
        const client = await session.stranger();
        expectError(await client.unsigned(METHOD.ALLOCATE, [requestedTransport(255)]), 401);
      },
    },
    {
      id: 'order-password-mismatch',
      rfc: 'RFC 8656',
      section: '5',
      title: 'authentication comes before the missing allocation: 401',
      run: async (session) => {
        const client = await session.client();
        const account = { ...client.account, password: 'wrong' };
        expectError(await client.refresh([], { account }), 401);
      },
    },
  ];
}

function expectChallenge(reply: Reply): void {
  expectError(reply, 401);
  expectAttribute(reply, ATTRIBUTE.NONCE, 'NONCE');
  expectAttribute(reply, ATTRIBUTE.REALM, 'REALM');
  expectUnsigned(reply);
}
