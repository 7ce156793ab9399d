import { createHmac } from 'node:crypto';
import type { ConformanceCase, Topic } from '../conformance-case.ts';
import { expectError, expectSuccess } from '../expectations.ts';
import { withSecret } from '../requirements.ts';
import type { Session } from '../session.ts';
import type { Account } from '../wire/integrity.ts';

const RFC = 'draft-uberti-behave-turn-rest-00';
const SECTION = '2.2';
const VALID_SECONDS = 600;

/** Credentials that an application server makes from a shared secret. */
export const TIME_LIMITED_CREDENTIAL: Topic = {
  name: 'time-limited-credential',
  cases: [
    {
      id: 'time-limited-valid',
      rfc: RFC,
      section: SECTION,
      title: 'a credential that has not expired allocates',
      requires: [withSecret],
      run: async (session) => {
        const client = await session.client(
          timeLimited(session, `${inSeconds(VALID_SECONDS)}:judge`),
        );
        expectSuccess(await client.allocate());
      },
    },
    {
      id: 'time-limited-other-user',
      rfc: 'RFC 8656',
      section: '5',
      title: 'a credential of another user does not (441)',
      requires: [withSecret],
      run: async (session) => {
        const first = timeLimited(session, `${inSeconds(VALID_SECONDS)}:judge`);
        const client = await session.client(first);
        expectSuccess(await client.allocate());
        const account = timeLimited(session, `${inSeconds(VALID_SECONDS)}:jury`);
        expectError(await client.refresh([], { account }), 441);
      },
    },
    ...refused(),
  ],
};

function refused(): ConformanceCase[] {
  const future = (): number => inSeconds(VALID_SECONDS);
  const table: readonly (readonly [string, string, () => string])[] = [
    ['expired', 'that has expired', () => `${inSeconds(-10)}:judge`],
    ['zero', 'that expired in 1970', () => '0:judge'],
    ['negative', 'with a negative time', () => `-${future()}:judge`],
    ['plus', 'with a sign before its time', () => `+${future()}:judge`],
    ['space', 'with a space before its time', () => ` ${future()}:judge`],
    ['letters', 'without a time', () => 'tomorrow:judge'],
    ['huge', 'with a time beyond all numbers', () => `${'9'.repeat(30)}:judge`],
    ['fraction', 'with a fraction of a second', () => `${future()}.5:judge`],
    ['hexadecimal', 'with a hexadecimal time', () => `0x${future().toString(16)}:judge`],
    ['empty', 'with an empty time', () => ':judge'],
  ];
  return [
    ...table.map(([id, what, username]): ConformanceCase => ({
      id: `time-limited-${id}`,
      rfc: RFC,
      section: SECTION,
      title: `a credential ${what} is refused with 401, or 400`,
      requires: [withSecret],
      run: async (session) => {
        const client = await session.client(timeLimited(session, username()));
        expectError(await client.allocate(), 401, 400);
      },
    })),
    {
      id: 'time-limited-wrong-secret',
      rfc: RFC,
      section: SECTION,
      title: 'a credential of another secret is refused with 401',
      requires: [withSecret],
      run: async (session) => {
        const username = `${future()}:judge`;
        const client = await session.client(timeLimitedAccount('another secret', username));
        expectError(await client.allocate(), 401);
      },
    },
    {
      id: 'time-limited-secret-as-password',
      rfc: RFC,
      section: SECTION,
      title: 'the secret itself is no password (401)',
      requires: [withSecret],
      run: async (session) => {
        const account = { username: `${future()}:judge`, password: session.setup.secret! };
        const client = await session.client(account);
        expectError(await client.allocate(), 401);
      },
    },
  ];
}

/** The credential for a username that is to expire in some seconds. */
export function timeLimitedAccount(secret: string, username: string): Account {
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}

/** So many seconds from now, in seconds since 1970. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function timeLimited({ setup }: Session, username: string): Account {
  return timeLimitedAccount(setup.secret!, username);
}
