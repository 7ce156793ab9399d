import { parseArgs } from 'node:util';
import { inSeconds, timeLimitedAccount } from './cases/time-limited-credential.ts';
import type { Setup } from './session.ts';
import type { Account } from './wire/integrity.ts';

/** What a run is asked for. */
export interface Options {
  readonly uris: readonly string[];
  readonly setup: Setup;
  /** Cases and topics whose names contain one of these texts; all when there is none. */
  readonly only: readonly string[];
  readonly jobs: number;
  /** Prints sums alone. */
  readonly isSummary: boolean;
  /** File for all results. */
  readonly json: string | undefined;
}

/** How it is called. */
export const USAGE = `npm run conformance -- URI... --user NAME --password TEXT | --secret TEXT
  URI                      turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT][?transport=udp|tcp]
  --user, --password       a user of the server
  --other-user, --other-password   another one
  --secret                 the shared secret of time-limited credentials
  --peer ADDRESS           own address that the server may relay to; loopback, or that towards the server
  --forbidden ADDRESS      an address that the server must not relay to
  --insecure               takes any certificate
  --only TEXT              topics and cases whose names contain it
  --jobs N                 cases at a time, 8 unless given
  --patience MS            how long a response may take, 3000 unless given
  --summary                prints sums alone
  --json FILE              writes every result`;

const VALID_SECONDS = 3600;

/** Reads the command line; throws an Error that says what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      user: text,
      password: text,
      'other-user': text,
      'other-password': text,
      secret: text,
      peer: { ...text, multiple: true, default: [] },
      forbidden: text,
      insecure: flag,
      only: { ...text, multiple: true, default: [] },
      jobs: { ...text, default: '8' },
      patience: { ...text, default: '3000' },
      summary: flag,
      json: text,
    },
  });
  if (positionals.length === 0) throw new Error(USAGE);
  const { secret } = values;
  const account = accountOf(values.user, values.password) ?? accountFor('judge', secret);
  if (account === undefined) throw new Error('--user and --password, or --secret, are missing');
  const other = accountOf(values['other-user'], values['other-password']);
  return {
    uris: positionals,
    setup: {
      account,
      other: other ?? (values.user === undefined ? accountFor('jury', secret) : undefined),
      secret,
      peers: values.peer,
      forbidden: values.forbidden,
      isInsecure: values.insecure,
      patienceMs: positive(values.patience),
    },
    only: values.only,
    jobs: positive(values.jobs),
    isSummary: values.summary,
    json: values.json,
  };
}

function accountOf(username: string | undefined, password: string | undefined) {
  return username === undefined || password === undefined ? undefined : { username, password };
}

function accountFor(name: string, secret: string | undefined): Account | undefined {
  return secret === undefined
    ? undefined
    : timeLimitedAccount(secret, `${inSeconds(VALID_SECONDS)}:${name}`);
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${text} is not a whole number above 0`);
}
