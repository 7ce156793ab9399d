import { setTimeout as pause } from 'node:timers/promises';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { RelayLoad, type LoadCount } from '../../../test/support/relay-load.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { aliveFinding, withGateway } from '../../support/chaos/scene.ts';
import { missingForFaults } from '../../support/fault-scene.ts';
import { DatagramFuzzer } from '../../support/fuzz/datagram-fuzzer.ts';
import { StreamFuzzer } from '../../support/fuzz/stream-fuzzer.ts';
import { Leftovers } from '../../support/leftovers.ts';
import type { LiveGateway } from '../../support/live-gateway.ts';

const CLIENTS = 200;
const PACKETS_PER_SECOND = 5;
const CONTROL_SECONDS = 15;
const FUZZ_SECONDS = 30;
const DATAGRAMS_PER_SECOND = 6000;
const STREAMS_PER_SECOND = 150;
const LOSS_PERCENT_MAX = 0.1;

/** Mutants on every listener of a live gateway while sessions relay. */
export const liveFuzz: Scenario = {
  name: 'live-fuzz',
  promise:
    'malformed datagrams and broken streams cost live sessions nothing and leave nothing behind',
  missing: missingForFaults,
  run: (options) => withGateway((gateway) => run(gateway, options)),
};

async function run(gateway: LiveGateway, options: ScenarioOptions): Promise<readonly Finding[]> {
  const peer = await openUdpEchoPeer();
  try {
    const leftovers = await Leftovers.before(gateway);
    const loads = await openLoads(gateway, peer);
    const control = await measure(loads, () => pause(CONTROL_SECONDS * 1000));
    const datagrams = await DatagramFuzzer.open(gateway, peer, options.seed);
    const streams = new StreamFuzzer(gateway, options.seed);
    const fuzzed = await measure(loads, () => fuzz(datagrams, streams, options));
    await datagrams.close();
    const alive = await endSessions(loads);
    options.progress(JSON.stringify({ datagrams: datagrams.sent, ...streams.counts }));
    return [
      lossFinding(`${datagrams.sent} datagrams and ${streams.total} streams`, control, fuzzed),
      {
        what: 'sessions that live on',
        figure: `${alive} of ${CLIENTS}`,
        bound: 'all',
        holds: alive === CLIENTS,
      },
      await leftovers.finding(),
      aliveFinding(gateway),
    ];
  } finally {
    peer.close();
  }
}

function openLoads(gateway: LiveGateway, peer: UdpEchoPeer): Promise<readonly RelayLoad[]> {
  return Promise.all(
    (['udp', 'tcp'] as const).map((transport) =>
      RelayLoad.open({
        server: gateway[transport],
        peer: peer.address,
        clients: CLIENTS / 2,
        packetsPerSecond: PACKETS_PER_SECOND,
        secret: gateway.secret,
        transport,
      }),
    ),
  );
}

/** What gets lost of the loads while something happens. */
async function measure(
  loads: readonly RelayLoad[],
  work: () => Promise<unknown>,
): Promise<LoadCount> {
  for (const load of loads) load.start();
  await work();
  const counts = await Promise.all(loads.map((load) => load.stop()));
  const sum = (key: keyof LoadCount): number =>
    counts.reduce((total, each) => total + each[key], 0);
  return { sent: sum('sent'), received: sum('received') };
}

async function fuzz(
  datagrams: DatagramFuzzer,
  streams: StreamFuzzer,
  { scale, progress }: ScenarioOptions,
): Promise<void> {
  const end = performance.now() + FUZZ_SECONDS * 1000 * scale;
  const isOver = (): boolean => performance.now() >= end;
  const report = setInterval(
    () => progress(`${datagrams.sent} datagrams, ${streams.total} streams`),
    30_000,
  );
  await Promise.all([
    datagrams.run(DATAGRAMS_PER_SECOND, isOver),
    streams.run(STREAMS_PER_SECOND, isOver),
  ]).finally(() => clearInterval(report));
}

/** Refreshes every session, and then ends it; counts those that could. */
async function endSessions(loads: readonly RelayLoad[]): Promise<number> {
  let alive = 0;
  for (const client of loads.flatMap(({ clients }) => clients)) {
    const lifetime = await client.refresh(600).catch(() => 0);
    if (lifetime === 600) alive++;
    await client.refresh(0).catch(() => undefined);
  }
  await Promise.all(loads.map((load) => load.close()));
  return alive;
}

function lossFinding(under: string, control: LoadCount, fuzzed: LoadCount): Finding {
  const beyond = percentLost(fuzzed) - percentLost(control);
  return {
    what: `loss of ${CLIENTS} sessions under ${under}, beyond that without them`,
    figure: `${beyond.toFixed(3)} %: ${fuzzed.sent - fuzzed.received} of ${fuzzed.sent}, and before ${
      control.sent - control.received
    } of ${control.sent}`,
    bound: `<= ${LOSS_PERCENT_MAX} %`,
    holds: beyond <= LOSS_PERCENT_MAX,
  };
}

function percentLost({ sent, received }: LoadCount): number {
  return (100 * (sent - received)) / sent;
}
