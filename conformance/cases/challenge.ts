import { randomBytes } from 'node:crypto';
import type { ConformanceCase, Topic } from '../conformance-case.ts';
import {
  expectAttribute,
  expectEqual,
  expectError,
  expectNoAttribute,
  expectSuccess,
  expectThat,
  expectUnsigned,
} from '../expectations.ts';
import type { Session } from '../session.ts';
import { challengeOf } from '../signing.ts';
import { attribute, requestedTransport } from '../wire/attributes.ts';
import { ATTRIBUTE, METHOD } from '../wire/numbers.ts';
import type { Reply } from '../wire/reply.ts';

const RFC = 'RFC 8489';
const SECTION = '9.2.4';
const TEXT_CHARACTERS_MAX = 127;

/** What whoever has proven nothing is told, and what a NONCE is good for. */
export const CHALLENGE: Topic = { name: 'challenge', cases: [...challenges(), ...nonces()] };

function challenges(): ConformanceCase[] {
  const seen = (
    id: string,
    section: string,
    title: string,
    look: (reply: Reply) => void,
  ): ConformanceCase => ({
    id: `challenge-${id}`,
    rfc: RFC,
    section,
    title,
    run: async (session) => {
      const client = await session.stranger();
      look(await client.unsigned(METHOD.ALLOCATE, [requestedTransport()]));
    },
  });
  const unsigned = (name: string, method: number): ConformanceCase => ({
    id: `unsigned-${name}`,
    rfc: RFC,
    section: SECTION,
    title: `an unsigned ${name} request is refused with 401`,
    run: async (session) =>
      void expectError(await (await session.stranger()).unsigned(method), 401),
  });
  return [
    unsigned('Allocate', METHOD.ALLOCATE),
    unsigned('Refresh', METHOD.REFRESH),
    unsigned('CreatePermission', METHOD.CREATE_PERMISSION),
    unsigned('ChannelBind', METHOD.CHANNEL_BIND),
    seen('realm', '14.9', 'the 401 has a REALM of fewer than 128 characters', (reply) => {
      const { length } = expectAttribute(reply, ATTRIBUTE.REALM, 'REALM').toString();
      expectThat(length > 0 && length <= TEXT_CHARACTERS_MAX, `${length} characters`);
    }),
    seen('nonce', '14.10', 'the 401 has a NONCE of fewer than 128 characters', (reply) => {
      const { length } = expectAttribute(reply, ATTRIBUTE.NONCE, 'NONCE').toString();
      expectThat(length > 0 && length <= TEXT_CHARACTERS_MAX, `${length} characters`);
    }),
    seen('no-user', SECTION, 'the 401 has neither USERNAME nor USERHASH', (reply) => {
      expectNoAttribute(reply, ATTRIBUTE.USERNAME, 'USERNAME');
      expectNoAttribute(reply, ATTRIBUTE.USERHASH, 'USERHASH');
    }),
    seen('no-integrity', SECTION, 'the 401 has no integrity', expectUnsigned),
    seen('reason', '14.8', 'the reason phrase has fewer than 128 characters', (reply) => {
      const value = expectAttribute(reply, ATTRIBUTE.ERROR_CODE, 'ERROR-CODE');
      expectThat(value.subarray(4).toString().length <= TEXT_CHARACTERS_MAX, 'a longer one');
    }),
    seen('reserved', '14.8', 'the reserved bits of ERROR-CODE are zero', (reply) => {
      const value = expectAttribute(reply, ATTRIBUTE.ERROR_CODE, 'ERROR-CODE');
      expectEqual('the first 21 bits', value.readUInt32BE() >>> 11, 0);
    }),
    {
      id: 'challenge-nonce-cookie',
      rfc: RFC,
      section: '9.2',
      title: 'NONCE begins with obMatJos2 and the security features',
      run: async (session) => {
        const { challenge } = await session.client();
        expectThat(/^obMatJos2[A-Za-z0-9+/]{4}/.test(challenge.nonce), 'it does not');
      },
    },
  ];
}

function nonces(): ConformanceCase[] {
  const section = SECTION;
  return [
    {
      id: 'nonce-per-address',
      rfc: RFC,
      section,
      title: 'two clients do not get the same NONCE',
      run: async (session) => {
        const [one, two] = [await session.client(), await session.client()];
        expectThat(one.challenge.nonce !== two.challenge.nonce, 'the same for both');
      },
    },
    {
      id: 'nonce-of-another',
      rfc: RFC,
      section,
      title: 'the NONCE of another client is refused with 438',
      run: async (session) => {
        const [one, two] = [await session.client(), await session.client()];
        two.challenge = one.challenge;
        expectError(await two.allocate(), 438);
      },
    },
    {
      id: 'nonce-unknown',
      rfc: RFC,
      section,
      title: 'a NONCE that was never issued is refused with 438',
      run: async (session) => {
        const reply = await withNonce(session, randomBytes(15).toString('base64'));
        expectError(reply, 438);
      },
    },
    {
      id: 'nonce-changed',
      rfc: RFC,
      section,
      title: 'a NONCE with its last character changed is refused with 438',
      run: async (session) => {
        const client = await session.client();
        const { nonce } = client.challenge;
        const last = nonce.endsWith('A') ? 'B' : 'A';
        client.challenge = { ...client.challenge, nonce: nonce.slice(0, -1) + last };
        expectError(await client.allocate(), 438);
      },
    },
    {
      id: 'nonce-stale-challenge',
      rfc: RFC,
      section,
      title: 'the 438 has NONCE and REALM',
      run: async (session) => {
        const reply = expectError(await withNonce(session, 'stale'), 438);
        expectAttribute(reply, ATTRIBUTE.NONCE, 'NONCE');
        expectAttribute(reply, ATTRIBUTE.REALM, 'REALM');
      },
    },
    {
      id: 'nonce-renewed',
      rfc: RFC,
      section,
      title: 'the NONCE of the 438 is good for the next request',
      run: async (session) => {
        const client = await session.client();
        const nonce = [attribute(ATTRIBUTE.NONCE, 'stale')];
        const challenge = challengeOf(expectError(await client.allocate([], { nonce }), 438));
        expectThat(challenge !== undefined, 'a 438 without a challenge');
        client.challenge = challenge;
        expectSuccess(await client.allocate());
      },
    },
    {
      id: 'nonce-again',
      rfc: RFC,
      section,
      title: 'a NONCE is good for several requests',
      run: async (session) => {
        const client = await session.allocated();
        for (let count = 0; count < 3; count++) expectSuccess(await client.refresh());
      },
    },
    {
      id: 'nonce-allocation-survives',
      rfc: 'RFC 8656',
      section: '5',
      title: 'an allocation outlives a request with a stale NONCE',
      run: async (session) => {
        const client = await session.allocated();
        expectError(
          await client.refresh([], { nonce: [attribute(ATTRIBUTE.NONCE, 'stale')] }),
          438,
        );
        expectSuccess(await client.refresh());
      },
    },
  ];
}

async function withNonce(session: Session, nonce: string): Promise<Reply> {
  const client = await session.client();
  return client.allocate([], { nonce: [attribute(ATTRIBUTE.NONCE, nonce)] });
}
