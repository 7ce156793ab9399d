import t from 'tap';
import {
  timeLimitedAccount,
  inSeconds,
} from '../../../conformance/cases/time-limited-credential.ts';
import { sumsOf } from '../../../conformance/report.ts';
import type { Result } from '../../../conformance/run-cases.ts';
import { TOPICS } from '../../../conformance/topics.ts';
import {
  CONFORMANCE_USERS,
  judge,
  startConformanceGateway,
  type ConformanceColumn,
} from '../../support/conformance-gateway.ts';
import { missingDtlsClient } from '../../support/dtls-client.ts';
import { missingBuild } from '../../support/gateway-process.ts';

const CASES_MIN = 360;
const [account, other] = CONFORMANCE_USERS;
const HOSTS = ['127.0.0.1', '::1'];

/** What a server that has it all cannot be judged by: it says why. */
const REASONS = [
  /^(?:UDP|TCP|TLS|DTLS|datagrams|streams) only$/,
  /^needs --secret$/,
  /^sends no SOFTWARE$/,
  /^offers USERHASH$/,
  /^has both families$/,
];

/** What the sockets of Node.js cannot do (docs/conformance.md). */
const NOT_PORTABLE = ['alpn-foreign', 'icmp-port-unreachable'];

const MODES = [
  { mode: 'reactor', protocols: ['UDP', 'TCP', 'TLS', 'DTLS'], lacks: [] },
  { mode: 'portable', protocols: ['UDP', 'TCP', 'TLS'], lacks: NOT_PORTABLE },
] as const;

const skip = missingBuild() || missingDtlsClient();

t.test('the suite has cases, each with a name of its own, a document and a section', (t) => {
  const cases = TOPICS.flatMap((topic) => topic.cases);
  t.ok(cases.length >= CASES_MIN, `${cases.length} cases`);
  t.equal(new Set(cases.map(({ id }) => id)).size, cases.length, 'names');
  t.same(
    cases.filter(({ rfc, section }) => !/^(?:RFC \d+|draft-[\w-]+)$/.test(rfc) || section === ''),
    [],
    'documents',
  );
  t.end();
});

for (const { mode, protocols, lacks } of MODES) {
  await t.test(`${mode} mode conforms`, { skip }, async (t) => {
    const columns = HOSTS.flatMap((host) =>
      protocols.map((protocol): ConformanceColumn => ({ protocol, host })),
    );
    const gateway = await startConformanceGateway(t, mode, columns, 'static');
    for (const column of columns) {
      const results = await judge(gateway, column, { account, other }, { lacks });
      const name = `${column.protocol} on ${column.host}`;
      t.same(failures(results), [], `${name}: ${sumsOf(results).passed} cases pass`);
      t.same(withoutReason(results), [], `${name}: the others do not concern it`);
    }
  });
}

await t.test('time-limited credentials conform', { skip }, async (t) => {
  const column: ConformanceColumn = { protocol: 'UDP', host: '127.0.0.1' };
  const gateway = await startConformanceGateway(t, 'reactor', [column], 'ephemeral');
  const { secret } = gateway;
  const judgeAccount = timeLimitedAccount(secret, `${inSeconds(600)}:judge`);
  const only = ['time-limited', 'userhash', 'password-algorithms'];
  const results = await judge(gateway, column, { account: judgeAccount, secret }, { only });
  t.same(failures(results), [], `${sumsOf(results).passed} cases pass`);
  t.ok(
    results.filter(({ topic }) => topic === 'time-limited-credential').every(isPassed),
    'all of them apply',
  );
});

function failures(results: readonly Result[]): string[] {
  return results
    .filter(({ verdict }) => verdict === 'FAIL')
    .map(({ id, detail }) => `${id}: ${detail}`);
}

function withoutReason(results: readonly Result[]): string[] {
  return results
    .filter(({ verdict, detail }) => {
      return verdict === 'n/a' && !REASONS.some((reason) => reason.test(detail));
    })
    .map(({ id, detail }) => `${id}: ${detail}`);
}

function isPassed({ verdict }: Result): boolean {
  return verdict === 'pass';
}
