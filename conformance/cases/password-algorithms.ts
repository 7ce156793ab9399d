import type { Client } from '../client.ts';
import { NotApplicable, type ConformanceCase, type Topic } from '../conformance-case.ts';
import {
  expectAttribute,
  expectEqual,
  expectError,
  expectRefusal,
  expectSuccess,
  expectThat,
} from '../expectations.ts';
import type { Session } from '../session.ts';
import type { Signing } from '../signing.ts';
import {
  algorithmEntry,
  attribute,
  lifetime,
  passwordAlgorithm,
  requestedTransport,
  type Attribute,
} from '../wire/attributes.ts';
import { longTermKey, userhash } from '../wire/integrity.ts';
import type { MessageWriter } from '../wire/message-writer.ts';
import { ATTRIBUTE, MD5, METHOD, SHA_256 } from '../wire/numbers.ts';
import type { Reply } from '../wire/reply.ts';

const RFC = 'RFC 8489';
const SECTION = '9.2.4';
const COOKIE = 'obMatJos2';
const FEATURES_END = COOKIE.length + 4;
const PASSWORD_ALGORITHMS_BIT = 1;
const USERNAME_ANONYMITY_BIT = 2;
const { MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256, PASSWORD_ALGORITHMS } = ATTRIBUTE;

/** Keys and integrity of SHA-256, names that stay hidden, and nobody who can talk either side out of them. */
export const PASSWORD_ALGORITHM: Topic = {
  name: 'password-algorithms',
  cases: [...offers(), ...choices(), ...bidsDown(), ...integrity(), ...hashedNames()],
};

function offers(): ConformanceCase[] {
  const carries = (id: string, what: string, ask: (client: Client) => Promise<Reply>) => ({
    id: `algorithms-in-${id}`,
    rfc: RFC,
    section: SECTION,
    title: `${what} has PASSWORD-ALGORITHMS`,
    run: async (session: Session) => {
      const reply = await ask(await offered(session));
      expectAttribute(reply, PASSWORD_ALGORITHMS, 'PASSWORD-ALGORITHMS');
    },
  });
  return [
    {
      id: 'algorithms-form',
      rfc: RFC,
      section: '14.11',
      title: 'PASSWORD-ALGORITHMS is a list of algorithms with their parameters',
      run: async (session) => {
        const { challenge } = await offered(session);
        expectThat(algorithmsIn(challenge.algorithms!).length > 0, 'an empty list');
      },
    },
    {
      id: 'algorithms-sha256-offered',
      rfc: RFC,
      section: '18.5.1',
      title: 'SHA-256 is among them',
      run: async (session) => {
        const { challenge } = await offered(session);
        expectThat(algorithmsIn(challenge.algorithms!).includes(SHA_256), 'it is not');
      },
    },
    carries('401', 'the 401 for a wrong password', (client) => {
      return client.allocate([], { account: { ...client.account, password: 'wrong' } });
    }),
    carries('438', 'the 438 for a stale NONCE', (client) => {
      return client.allocate([], { nonce: [attribute(ATTRIBUTE.NONCE, 'stale')] });
    }),
  ];
}

function choices(): ConformanceCase[] {
  const chosen = (name: string, algorithm: number): ConformanceCase => ({
    id: `chosen-${name}`,
    rfc: RFC,
    section: SECTION,
    title: `PASSWORD-ALGORITHM ${name} succeeds, and MESSAGE-INTEGRITY-SHA256 of that key answers`,
    run: async (session) => {
      const client = await offered(session, algorithm);
      const reply = expectSuccess(await client.allocate([], { algorithm }));
      const isSigned = reply.isSigned(MESSAGE_INTEGRITY_SHA256, client.key(algorithm));
      expectThat(isSigned, 'no right MESSAGE-INTEGRITY-SHA256');
    },
  });
  return [
    chosen('SHA-256', SHA_256),
    chosen('MD5', MD5),
    {
      id: 'chosen-nothing',
      rfc: RFC,
      section: SECTION,
      title:
        'without PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS, MD5 is meant: MESSAGE-INTEGRITY answers',
      run: async (session) => {
        const client = await offered(session, MD5);
        const reply = expectSuccess(await client.allocate());
        expectThat(reply.isSigned(MESSAGE_INTEGRITY, client.key()), 'no right MESSAGE-INTEGRITY');
      },
    },
    {
      id: 'chosen-error',
      rfc: RFC,
      section: SECTION,
      title: 'the error response to a request with SHA-256 has MESSAGE-INTEGRITY-SHA256',
      run: async (session) => {
        const client = await offered(session, SHA_256);
        const reply = expectError(await client.refresh([], { algorithm: SHA_256 }), 437);
        const isSigned = reply.isSigned(MESSAGE_INTEGRITY_SHA256, client.key(SHA_256));
        expectThat(isSigned, 'no right MESSAGE-INTEGRITY-SHA256');
      },
    },
    {
      id: 'chosen-wrong-password',
      rfc: RFC,
      section: SECTION,
      title: 'a wrong password with SHA-256 is refused with 401',
      run: async (session) => {
        const client = await offered(session, SHA_256);
        const account = { ...client.account, password: 'wrong' };
        expectError(await client.allocate([], { account, algorithm: SHA_256 }), 401);
      },
    },
    {
      id: 'chosen-other-key',
      rfc: RFC,
      section: SECTION,
      title: 'the key of MD5 with PASSWORD-ALGORITHM SHA-256 is refused with 401',
      run: async (session) => {
        const client = await offered(session, SHA_256);
        expectError(await client.allocate([], { algorithm: SHA_256, key: client.key(MD5) }), 401);
      },
    },
    {
      id: 'chosen-changed',
      rfc: RFC,
      section: SECTION,
      title: 'an allocation of a client with SHA-256 can be refreshed with MD5',
      run: async (session) => {
        const client = await offered(session, SHA_256);
        expectSuccess(await client.allocate([], { algorithm: SHA_256 }));
        expectSuccess(await client.refresh());
      },
    },
  ];
}

/** What somebody between the two would do to have the weaker algorithm. */
function bidsDown(): ConformanceCase[] {
  const entries = (list: Buffer): Buffer[] =>
    algorithmsIn(list).map((each) => algorithmEntry(each));
  const withList = (parts: readonly Buffer[], algorithm = SHA_256): Attribute[] => [
    attribute(PASSWORD_ALGORITHMS, Buffer.concat(parts)),
    passwordAlgorithm(algorithm),
  ];
  const table: readonly (readonly [string, string, (list: Buffer) => Attribute[]])[] = [
    ['no-choice', 'without PASSWORD-ALGORITHM', (list) => [attribute(PASSWORD_ALGORITHMS, list)]],
    ['no-list', 'without PASSWORD-ALGORITHMS', () => [passwordAlgorithm(SHA_256)]],
    ['reordered', 'in another order', (list) => withList(entries(list).toReversed())],
    ['removed', 'without its last entry', (list) => withList(entries(list).slice(0, -1))],
    ['added', 'with an entry more', (list) => withList([...entries(list), algorithmEntry(0x7777)])],
    ['empty', 'without any entry', () => withList([])],
    [
      'parameters',
      'with parameters that were not there',
      (list) => withList([algorithmEntry(SHA_256, [0, 0, 0, 1]), ...entries(list).slice(1)]),
    ],
    ['unknown', 'and a choice that is not in it', (list) => withList([list], 0x7777)],
  ];
  return [
    ...table.map(([id, what, change]): ConformanceCase => ({
      id: `bid-down-${id}`,
      rfc: RFC,
      section: SECTION,
      title: `the list of algorithms returned ${what} is refused with 400`,
      run: async (session) => {
        const client = await offered(session, SHA_256);
        if (algorithmsIn(client.challenge.algorithms!).length < 2)
          throw new NotApplicable('offers but one algorithm');
        const algorithms = change(client.challenge.algorithms!);
        expectError(await client.allocate([], { algorithm: SHA_256, algorithms }), 400);
      },
    })),
    {
      id: 'bid-down-nonce-features',
      rfc: RFC,
      section: '9.2',
      title: 'a NONCE without its security features is refused with 438',
      run: async (session) => {
        const client = await offered(session);
        const nonce = `${COOKIE}AAAA${client.challenge.nonce.slice(FEATURES_END)}`;
        client.challenge = { ...client.challenge, nonce };
        expectError(await client.allocate(), 438);
      },
    },
  ];
}

function integrity(): ConformanceCase[] {
  const put = (type: number, bytes: number): Attribute => attribute(type, Buffer.alloc(bytes, 7));
  const signed = async (session: Session, write: Signing['integrity']): Promise<Reply> => {
    const client = await offered(session, SHA_256);
    return client.allocate([], { algorithm: SHA_256, integrity: write! });
  };
  const lengths = [0, 8, 12, 16, 20, 28, 30, 36].map((bytes): ConformanceCase => ({
    id: `sha256-length-${bytes}`,
    rfc: bytes < 16 || bytes % 4 !== 0 || bytes > 32 ? RFC : 'RFC 8656',
    section: bytes < 16 || bytes % 4 !== 0 || bytes > 32 ? '14.6' : '5',
    title: `MESSAGE-INTEGRITY-SHA256 of ${bytes} bytes is refused`,
    run: async (session) => {
      const write = (writer: MessageWriter, key: Buffer): unknown =>
        bytes > 32 ? writer.add(put(MESSAGE_INTEGRITY_SHA256, bytes)) : writer.sha256(key, bytes);
      expectRefusal(await signed(session, write));
    },
  }));
  return [
    ...lengths,
    {
      id: 'both-sha256-right',
      rfc: RFC,
      section: SECTION,
      title: 'of both kinds of integrity that of SHA-256 counts: it is right',
      run: async (session) => {
        const write = (writer: MessageWriter, key: Buffer): unknown =>
          writer.add(put(MESSAGE_INTEGRITY, 20)).sha256(key);
        expectSuccess(await signed(session, write));
      },
    },
    {
      id: 'both-sha256-wrong',
      rfc: RFC,
      section: SECTION,
      title: 'of both kinds of integrity that of SHA-256 counts: it is wrong (401)',
      run: async (session) => {
        const write = (writer: MessageWriter, key: Buffer): unknown =>
          writer.sha1(key).add(put(MESSAGE_INTEGRITY_SHA256, 32));
        expectError(await signed(session, write), 401);
      },
    },
    {
      id: 'behind-sha256-lifetime',
      rfc: RFC,
      section: '14.6',
      title: 'LIFETIME behind MESSAGE-INTEGRITY-SHA256 is ignored',
      run: async (session) => {
        const write = (writer: MessageWriter, key: Buffer): unknown =>
          writer.sha256(key).add(lifetime(1200));
        expectEqual('LIFETIME', expectSuccess(await signed(session, write)).lifetime, 600);
      },
    },
    {
      id: 'behind-sha256-sha1',
      rfc: RFC,
      section: '14.6',
      title: 'a wrong MESSAGE-INTEGRITY behind MESSAGE-INTEGRITY-SHA256 is ignored',
      run: async (session) => {
        const write = (writer: MessageWriter, key: Buffer): unknown =>
          writer.sha256(key).add(put(MESSAGE_INTEGRITY, 20));
        expectSuccess(await signed(session, write));
      },
    },
    {
      id: 'sha256-fingerprint',
      rfc: RFC,
      section: '14.7',
      title: 'FINGERPRINT behind MESSAGE-INTEGRITY-SHA256 is looked at, and answered with its like',
      run: async (session) => {
        const write = (writer: MessageWriter, key: Buffer): unknown =>
          writer.sha256(key).fingerprint();
        const reply = expectSuccess(await signed(session, write));
        expectThat(reply.hasRightFingerprint, 'no right FINGERPRINT at the end');
      },
    },
    {
      id: 'sha256-flipped',
      rfc: RFC,
      section: '14.6',
      title: 'a bit flipped in a request with MESSAGE-INTEGRITY-SHA256 is refused with 401',
      run: async (session) => {
        const client = await offered(session, SHA_256);
        const attributes = [requestedTransport(), lifetime(1200)];
        const request = client.build(METHOD.ALLOCATE, attributes, { algorithm: SHA_256 });
        request[request.length - 1]! ^= 1;
        expectError(await client.ask(request), 401);
      },
    },
  ];
}

function hashedNames(): ConformanceCase[] {
  const hashed = async (session: Session, value: Buffer | undefined, algorithm?: number) => {
    const client = await anonymous(session);
    const { username } = client.account;
    const hash = value ?? userhash(username, client.challenge.realm);
    const user = [attribute(ATTRIBUTE.USERHASH, hash)];
    return client.allocate([], algorithm === undefined ? { user } : { user, algorithm });
  };
  return [
    {
      id: 'userhash-md5',
      rfc: RFC,
      section: '9.2.4',
      title: 'USERHASH in the place of USERNAME succeeds',
      run: async (session) => void expectSuccess(await hashed(session, undefined)),
    },
    {
      id: 'userhash-sha256',
      rfc: RFC,
      section: '9.2.4',
      title: 'USERHASH with PASSWORD-ALGORITHM SHA-256 succeeds',
      run: async (session) => void expectSuccess(await hashed(session, undefined, SHA_256)),
    },
    {
      id: 'userhash-unknown',
      rfc: RFC,
      section: '9.2.4',
      title: 'USERHASH of nobody is refused with 401',
      run: async (session) => {
        expectError(await hashed(session, userhash('nobody', 'nowhere')), 401);
      },
    },
    ...[0, 31, 33].map((length): ConformanceCase => ({
      id: `userhash-length-${length}`,
      rfc: RFC,
      section: '14.4',
      title: `USERHASH of ${length} bytes is refused`,
      run: async (session) => void expectRefusal(await hashed(session, Buffer.alloc(length))),
    })),
    {
      id: 'userhash-not-offered',
      rfc: RFC,
      section: '9.2.4',
      title: 'USERHASH is refused where the NONCE does not offer it',
      run: async (session) => {
        const client = await session.client();
        if (hasFeature(client, USERNAME_ANONYMITY_BIT)) throw new NotApplicable('offers USERHASH');
        const { realm } = client.challenge;
        const user = [attribute(ATTRIBUTE.USERHASH, userhash(client.account.username, realm))];
        expectRefusal(await client.allocate([], { user, key: longTermKey(client.account, realm) }));
      },
    },
  ];
}

/** A client whose challenge offers password algorithms, this one among them. */
async function offered(session: Session, algorithm?: number): Promise<Client> {
  const client = await session.client();
  if (!hasFeature(client, PASSWORD_ALGORITHMS_BIT))
    throw new NotApplicable('the nonce offers no password algorithms');
  expectThat(client.challenge.algorithms !== undefined, '401 without PASSWORD-ALGORITHMS');
  const isOffered =
    algorithm === undefined || algorithmsIn(client.challenge.algorithms).includes(algorithm);
  if (!isOffered) throw new NotApplicable(`does not offer algorithm ${algorithm}`);
  return client;
}

async function anonymous(session: Session): Promise<Client> {
  const client = await session.client();
  if (!hasFeature(client, USERNAME_ANONYMITY_BIT))
    throw new NotApplicable('the nonce offers no username anonymity');
  return client;
}

function hasFeature({ challenge: { nonce } }: Client, bit: number): boolean {
  if (!nonce.startsWith(COOKIE)) return false;
  const features = Buffer.from(nonce.slice(COOKIE.length, FEATURES_END), 'base64');
  return features.length === 3 && (features.readUIntBE(0, 3) & bit) !== 0;
}

/** Numbers of the algorithms in PASSWORD-ALGORITHMS; a malformed list is a mismatch. */
function algorithmsIn(list: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < list.length;) {
    expectThat(at + 4 <= list.length, 'half an entry in PASSWORD-ALGORITHMS');
    numbers.push(list.readUInt16BE(at));
    at += 4 + Math.ceil(list.readUInt16BE(at + 2) / 4) * 4;
  }
  return numbers;
}
