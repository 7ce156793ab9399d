import { setTimeout as pause } from 'node:timers/promises';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { missingBuild } from '../../../test/support/gateway-process.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { Finding, Scenario, ScenarioOptions } from '../../scenario.ts';
import { callThrough } from '../../support/chaos/calls.ts';
import { ChaosProxy, type ChaosProxyOptions } from '../../support/chaos/chaos-proxy.ts';
import { FAULTLESS, type Faults } from '../../support/chaos/faults.ts';
import { aliveFinding, callFinding, iceServerAt, withGateway } from '../../support/chaos/scene.ts';
import { Cleanup } from '../../support/cleanup.ts';
import type { LiveGateway } from '../../support/live-gateway.ts';

const RUNS = 20;
const CALL_MS_MAX = 30_000;
const CHANNEL = 0x4000;
const PACKETS = 50;
const SMALL_BYTES = 160;
const LARGE_BYTES = 1300;
const SETTLE_MS = 300;
const BLACK_HOLE: Faults = { ...FAULTLESS, largestBytes: 1200 };

/** Paths that swallow large datagrams, and NATs that forget. */
export const chaosPath: Scenario = {
  name: 'chaos-path',
  promise:
    'small packets flow where large ones disappear, and a client whose address changes goes on',
  missing: missingBuild,
  run: (options) => withGateway((gateway) => run(gateway, options)),
};

async function run(gateway: LiveGateway, options: ScenarioOptions): Promise<readonly Finding[]> {
  const runs = Math.max(1, Math.round(RUNS * options.scale));
  const peer = await openUdpEchoPeer();
  try {
    const blackHoles = await repeat(runs, (cleanup, number) =>
      throughBlackHole(cleanup, gateway, peer, options.seed + number),
    );
    const rebindings = await repeat(runs, (cleanup, number) =>
      afterRebinding(cleanup, gateway, peer, options.seed + number),
    );
    return [
      runsFinding('small packets next to large ones that disappear', blackHoles),
      runsFinding('clients whose address changes', rebindings),
      await callsThroughBlackHole(gateway, runs, options.seed),
      aliveFinding(gateway),
    ];
  } finally {
    peer.close();
  }
}

async function repeat(
  runs: number,
  work: (cleanup: Cleanup, number: number) => Promise<string | undefined>,
): Promise<(string | undefined)[]> {
  const problems: (string | undefined)[] = [];
  for (let number = 0; number < runs; number++) {
    const worked = Cleanup.around((cleanup) => work(cleanup, number));
    problems.push(await worked.catch((error: unknown) => String(error)));
  }
  return problems;
}

function runsFinding(what: string, problems: readonly (string | undefined)[]): Finding {
  const bad = problems.filter((problem) => problem !== undefined);
  return {
    what,
    figure: [`${problems.length - bad.length} of ${problems.length} runs`, ...new Set(bad)].join(
      '; ',
    ),
    bound: 'all',
    holds: bad.length === 0,
  };
}

/** A client with a channel to the peer, on a bad network of its own. */
async function openClient(
  cleanup: Cleanup,
  { udp, secret }: LiveGateway,
  peer: UdpEchoPeer,
  network: Pick<ChaosProxyOptions, 'faults' | 'seed'>,
): Promise<{ readonly client: TurnClient; readonly proxy: ChaosProxy }> {
  const proxy = await ChaosProxy.open({ server: udp, ...network });
  cleanup.teardown(() => proxy.close());
  const credential = ephemeralCredential(secret, 'path');
  const client = await TurnClient.open({ server: proxy.address, credential });
  cleanup.teardown(() => client.close());
  await client.allocate();
  await client.channelBind(CHANNEL, peer.address);
  return { client, proxy };
}

/** Says what is wrong when not all small packets come back, or when a large one does. */
async function throughBlackHole(
  cleanup: Cleanup,
  gateway: LiveGateway,
  peer: UdpEchoPeer,
  seed: number,
): Promise<string | undefined> {
  const { client } = await openClient(cleanup, gateway, peer, { faults: BLACK_HOLE, seed });
  let [small, large] = [0, 0];
  client.onData = ({ length }) => void (length === SMALL_BYTES ? small++ : large++);
  for (let count = 0; count < PACKETS; count++) {
    client.sendOnChannel(CHANNEL, Buffer.alloc(LARGE_BYTES));
    client.sendOnChannel(CHANNEL, Buffer.alloc(SMALL_BYTES));
    await pause(1);
  }
  await untilTrue(() => small === PACKETS);
  await client.refresh(0);
  if (small === PACKETS && large === 0) return undefined;
  return `${small} of ${PACKETS} small ones, ${large} large ones`;
}

/** Says what is wrong when the old 5-tuple is of use to the new one, or the client cannot begin anew. */
async function afterRebinding(
  cleanup: Cleanup,
  gateway: LiveGateway,
  peer: UdpEchoPeer,
  seed: number,
): Promise<string | undefined> {
  const { client, proxy } = await openClient(cleanup, gateway, peer, { faults: FAULTLESS, seed });
  const received: string[] = [];
  client.onData = (data) => void received.push(Buffer.from(data).toString());
  client.sendOnChannel(CHANNEL, Buffer.from('before'));
  await untilTrue(() => received.length === 1);
  if (received.at(-1) !== 'before') return 'nothing came back before';
  proxy.rebind();
  client.sendOnChannel(CHANNEL, Buffer.from('with nothing allocated'));
  await pause(SETTLE_MS);
  if (received.length !== 1) return 'the new address used the allocation of the old one';
  await client.allocate();
  await client.channelBind(CHANNEL, peer.address);
  client.sendOnChannel(CHANNEL, Buffer.from('after'));
  await untilTrue(() => received.length === 2);
  await client.refresh(0);
  return received.at(-1) === 'after' ? undefined : 'nothing came back after';
}

async function untilTrue(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue() && waited < 20; waited++) await pause(SETTLE_MS / 10);
}

async function callsThroughBlackHole(
  gateway: LiveGateway,
  runs: number,
  seed: number,
): Promise<Finding> {
  const proxy = await ChaosProxy.open({ server: gateway.udp, faults: BLACK_HOLE, seed });
  try {
    const iceServer = iceServerAt(gateway, proxy.address, 'udp');
    const order = { stack: 'libjuice', iceServer, runs, callMsMax: CALL_MS_MAX, attemptsMax: 1 };
    return callFinding(
      'calls of libjuice where nothing above 1200 bytes passes',
      await callThrough(order),
    );
  } finally {
    proxy.close();
  }
}
