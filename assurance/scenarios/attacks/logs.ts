import { METHOD } from '../../../src/stun/registry.ts';
import { LOG_TEXT_CHARACTERS_MAX } from '../../../src/limits.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { Exposition } from '../../../test/support/exposition.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { OperatedGateway } from '../../../test/support/operated-gateway.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario } from '../../scenario.ts';
import { Asker } from '../../support/asker.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { atMost, count } from '../../support/findings.ts';

const NAMES = 100_000;
const SERIES_MAX = 2000;
const SECRET = 'canary-secret-0123456789';
const PASSWORD = 'canary-password-0123456789';
const CANARY = 'canary-';

/** What somebody might like to see in the log of somebody else. */
const INJECTIONS = [
  'line\nbreak',
  'carriage\r\nreturn',
  '\u001b[2J\u001b[31mred',
  '{"level":"error","msg":"forged"}',
  '"},"msg":"forged","x":{"',
  'null\u0000byte',
  '\u2028separator\u2029',
  '\u202eright to left',
  '\u0085next line\u009b31m',
  'l'.repeat(700),
];

/** What a terminal or an editor takes for more than a character. */
const CONTROL = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;

/** Clients write nothing into a log but short text, and no series of metrics at all. */
export const logs: Scenario = {
  name: 'logs',
  promise:
    'names that clients make up neither break the log nor make metrics, and no secret is ever written',
  missing: missingBuild,
  run: ({ scale, progress }) =>
    Cleanup.around(async (t) => {
      const gateway = await OperatedGateway.start(t, {
        admin: { loglevel: 'all:TRACE' },
        auth: {
          credentials: { secret: SECRET },
          users: [{ username: 'carol', password: PASSWORD }],
        },
      });
      const asker = await Asker.open(gateway.server);
      t.teardown(() => asker.close());
      progress('names that sign in');
      for (const injection of INJECTIONS) {
        await signIn(gateway, ephemeralCredential(SECRET, injection));
      }
      await signIn(gateway, { username: 'carol', password: PASSWORD });
      progress('names that fail to');
      const names = Math.ceil(NAMES * scale);
      for (let number = 0; number < names; number++) {
        const username = `${INJECTIONS[number % INJECTIONS.length]!}-${number}`;
        await asker.ask(asker.signer.build(METHOD.ALLOCATE, undefined, { username }));
      }
      const { metrics } = new Exposition(await gateway.metrics());
      const series = [...metrics.values()].reduce((sum, { samples }) => sum + samples.length, 0);
      await gateway.process.child.stop();
      return [
        ...judge(gateway.process.child.lines),
        atMost(`series of metrics after ${count(names)} names`, series, SERIES_MAX),
      ];
    }),
};

async function signIn(
  gateway: OperatedGateway,
  credential: { readonly username: string; readonly password: string },
): Promise<void> {
  const client = await TurnClient.open({ server: gateway.server, credential });
  await client.allocate();
  await client.refresh(0);
  await client.close();
}

function judge(lines: readonly string[]): Finding[] {
  const bare = lines.filter((line) => CONTROL.test(line));
  const records = lines.map(recordIn);
  const broken = records.filter((record) => record === undefined);
  const forged = records.filter((record) => record?.['msg'] === 'forged');
  const texts = records.flatMap((record) => Object.values(record ?? {})).map(String);
  const longest = Math.max(...texts.map((text) => text.length));
  const canaries = lines.filter((line) => line.includes(CANARY));
  const none = (what: string, { length }: readonly unknown[]): Finding =>
    atMost(what, length, 0, { text: `${length} of ${count(lines.length)}` });
  // A name is cut, and what tells so is added; other texts are of the gateway.
  const charactersMax = 2 * LOG_TEXT_CHARACTERS_MAX;
  return [
    {
      ...none('lines that are no record', broken),
      holds: broken.length === 0 && lines.length > INJECTIONS.length,
    },
    none('lines with control characters', bare),
    none('records that a client has written', forged),
    atMost('characters of the longest text', longest, charactersMax),
    none('lines with a secret', canaries),
  ];
}

function recordIn(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
