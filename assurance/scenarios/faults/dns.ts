import { setTimeout as pause } from 'node:timers/promises';
import { openDnsServer, type DnsServer } from '../../../test/support/dns-server.ts';
import { PEER_PORTS } from '../../../test/support/free-ports.ts';
import { startReady } from '../../../test/support/gateway-process.ts';
import { poll } from '../../../test/support/poll.ts';
import { addressFrom } from '../../../test/support/turn-client.ts';
import type { Scenario } from '../../scenario.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { FaultScene, missingForFaults } from '../../support/fault-scene.ts';
import { atLeast, atMost, exactly, isSo } from '../../support/findings.ts';

const PRELOAD = new URL('../../../test/support/test-dns.mjs', import.meta.url).href;
const NAME = 'media.test';
const GOOD = '127.0.0.1';
const METADATA_SERVICE = '169.254.169.254';
/** As many as fit into a datagram; those that are used of so many are the first by name, and the good one is. */
const MANY = Array.from({ length: 4000 }, (_, index) => `20.${index >> 8}.${index & 255}.1`);
const LOOK_UP_MS = 1000;
const FAULT_MS = 3000;
/** Two tries of two seconds each for both families at once. */
const SILENCE_MS = 12_000;
const PROBLEM = 'name does not resolve as it should';
const AGAIN = 'name resolves again';
/** Look-ups come a hundred times as often here as anywhere else. */
const PROCESSOR_SHARE_MAX = 0.6;

const FAULTS: readonly { readonly answer: DnsServer['answer']; readonly problem: string }[] = [
  { answer: 'SERVFAIL', problem: 'lookUpFailed' },
  { answer: 'silence', problem: 'lookUpFailed' },
  { answer: 'NXDOMAIN', problem: 'notFound' },
  { answer: [], problem: 'notFound' },
  { answer: [METADATA_SERVICE, '0.0.0.0', '224.0.0.1'], problem: 'forbiddenAnswer' },
  { answer: [GOOD, ...MANY], problem: 'tooManyAddresses' },
];

/** Has the name of a backend resolve to nothing, to lies, or never. */
export const dns: Scenario = {
  name: 'dns',
  promise:
    'whatever a name server says or does not say, the last good answer stays, and it is logged once',
  missing: missingForFaults,
  run: ({ scale, progress }) =>
    Cleanup.around(async (cleanup) => {
      const server = await openDnsServer([GOOD]);
      cleanup.teardown(() => server.close());
      const cluster = {
        name: 'peers',
        type: 'STRICT_DNS',
        endpoints: [`${NAME}:${PEER_PORTS}`],
        dangerously_allow: [GOOD],
      };
      const environment = { NODE_OPTIONS: `--import ${PRELOAD}`, TEST_DNS_SERVER: server.address };
      const options = { changes: { clusters: [cluster] }, environment, launch: startResolved };
      return FaultScene.under(cleanup, options, async (scene) => {
        for (const fault of FAULTS) {
          progress(describe(fault.answer));
          await bear(scene, server, fault, scale);
        }
        await scene.expectRecovery();
      });
    }),
};

/** It may be ready before its first look-up is. */
const startResolved: typeof startReady = async (...how) => {
  const gateway = await startReady(...how);
  await pause(LOOK_UP_MS);
  return gateway;
};

async function bear(
  scene: FaultScene,
  server: DnsServer,
  { answer, problem }: (typeof FAULTS)[number],
  scale: number,
): Promise<void> {
  const { gateway, findings } = scene;
  const what = describe(answer);
  const before = gateway.records(PROBLEM).length;
  const repairs = gateway.records(AGAIN).length;
  const series = `turnpike_name_problems_total{reason="${problem}"}`;
  const counted = (await gateway.metric(series)) ?? 0;
  const { processorShare } = await scene.spare(what, async () => {
    server.answer = answer;
    await gateway.waitForRecords(PROBLEM, before + 1);
    await pause((answer === 'silence' ? SILENCE_MS : FAULT_MS) * scale);
  });
  const isCalling = await scene.callAnew(`caller-${what}`).then(
    () => true,
    () => false,
  );
  const told = gateway.records(PROBLEM);
  findings.push(
    isSo(`${what}: a new client calls`, isCalling),
    exactly(`${what}: log records`, told.length - before, 1),
    isSo(`${what}: told as ${problem}`, told.at(-1)?.['problem'] === problem),
    atLeast(`${what}: counted`, ((await gateway.metric(series)) ?? 0) - counted, 1),
    isSo(`${what}: metadata is denied`, await isDenied(scene)),
    atMost(
      `${what}: processor beyond control`,
      processorShare - scene.controlShare,
      PROCESSOR_SHARE_MAX,
    ),
  );
  server.answer = [GOOD];
  await poll(
    () => gateway.records(AGAIN).length,
    (count) => count === repairs + 1,
  );
}

async function isDenied(scene: FaultScene): Promise<boolean> {
  const client = await scene.openClient('curious');
  await client.allocate();
  const code = await client.createPermission(addressFrom(METADATA_SERVICE, 80)).then(
    () => 0,
    (error: { code?: number }) => error.code,
  );
  await client.refresh(0);
  return code === 403;
}

function describe(answer: DnsServer['answer']): string {
  if (typeof answer === 'string') return answer;
  return answer.length > 10 ? `${answer.length} addresses` : `[${answer.join(' ')}]`;
}
