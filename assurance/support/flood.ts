import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayProcess } from '../../test/support/gateway-process.ts';
import type { LoadCount } from '../../test/support/relay-load.ts';
import type { Finding, Scenario, ScenarioOptions } from '../scenario.ts';
import { attackNetwork, missingNetwork } from './attack-network.ts';
import { droppedDatagrams, startTarget, TARGET } from './attacked-gateway.ts';
import { atLeast, atMost, count, percent } from './finding.ts';
import type { FloodKind } from './flood-messages.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { FlooderApi, FloodResult } from './parties/flooder.ts';
import type { LiveCallsApi, NewcomersResult } from './parties/live-calls.ts';
import { RemoteProcess } from './remote-process.ts';

const CALLS = 200;
const PACKETS_PER_SECOND = 25;
const NEWCOMERS = 100;
const SECONDS = 10;
const WARMING_SECONDS = 1;
const SOURCES = 1_000_000;
const GROWTH_MEGABYTES_MAX = 8;
const KEPT_MIN = 0.99;
const SERVED_MIN = 0.95;

interface Parties {
  readonly gateway: GatewayProcess;
  readonly calls: RemoteProcess<LiveCallsApi>;
  readonly flooder: RemoteProcess<FlooderApi>;
}

/** Makes the scenario of a flood of one kind, with live calls and newcomers beside it. */
export function floodScenario(name: string, kind: FloodKind, port: number = TARGET.port): Scenario {
  return {
    name,
    promise:
      'A flood from a million addresses costs neither memory nor live calls, and new clients still get in.',
    missing: missingNetwork,
    run: (options) => withParties((parties) => run(parties, kind, port, options)),
  };
}

async function withParties<Value>(use: (parties: Parties) => Promise<Value>): Promise<Value> {
  const prefix = attackNetwork().others;
  const gateway = await startTarget();
  const calls = new RemoteProcess<LiveCallsApi>(
    new URL('parties/live-calls.ts', import.meta.url),
    prefix,
  );
  const flooder = new RemoteProcess<FlooderApi>(
    new URL('parties/flooder.ts', import.meta.url),
    prefix,
  );
  try {
    return await use({ gateway, calls, flooder });
  } finally {
    await Promise.all([calls.stop(), flooder.stop(), gateway.stop()]);
  }
}

async function run(
  { gateway, calls, flooder }: Parties,
  kind: FloodKind,
  port: number,
  { scale, progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  const { pid } = gateway.child;
  const client = { server: TARGET, secret: TARGET.secret };
  const flood = { kind, server: { host: TARGET.host, port } };
  await calls.call('open', { ...client, calls: CALLS, packetsPerSecond: PACKETS_PER_SECOND });
  // The first ones compile the code and stretch the heap, for good.
  await flooder.call('flood', { ...flood, sources: 10_000, seconds: WARMING_SECONDS });

  progress('live calls without a flood');
  await calls.call('start', undefined);
  const comers = { ...client, count: NEWCOMERS };
  const undisturbed = await calls.call('newcomers', comers);
  await pause(SECONDS * 1000);
  const control = await calls.call('stop', undefined);

  progress(`the same beside a flood of ${kind}`);
  const memory = new MemoryWatch(pid);
  const dropped = droppedDatagrams(pid, port);
  await calls.call('start', undefined);
  const flooding = flooder.call('flood', {
    ...flood,
    sources: Math.max(1, Math.round(SOURCES * Math.min(1, scale))),
    seconds: SECONDS * Math.max(1, scale),
  });
  const newcomers = await calls.call('newcomers', comers);
  const flooded = await flooding;
  const loss = droppedDatagrams(pid, port) - dropped;
  const attacked = await calls.call('stop', undefined);
  const growth = memory.stop() / 2 ** 20;
  return [
    strength(flooded, loss),
    keptCalls(control, attacked),
    served(undisturbed, newcomers),
    atMost(
      'resident memory, growth at most',
      growth,
      GROWTH_MEGABYTES_MAX,
      `${growth.toFixed(1)} MB for ${count(flooded.sources)} addresses`,
      ' MB',
    ),
    {
      what: 'the gateway',
      figure: aliveText(gateway),
      bound: 'lives',
      holds: gateway.child.isAlive,
    },
  ];
}

function aliveText({ child }: GatewayProcess): string {
  return child.isAlive ? 'lives' : 'has ended';
}

/** How hard it was; a flood that is not seen from every address proves nothing. */
function strength({ sent, seconds, sources, answers }: FloodResult, dropped: number): Finding {
  const saturation = sent / Math.max(1, sent - dropped);
  const figure =
    `${count(sent)} messages at ${count(sent / seconds)} per second, ${count(answers)} answers seen, ` +
    `${saturation.toFixed(1)} times what the gateway took`;
  return {
    what: 'the flood',
    figure,
    bound: `>= ${count(sources)} messages`,
    holds: sent >= sources,
  };
}

function keptCalls(control: LoadCount, attacked: LoadCount): Finding {
  const [before, during] = [control, attacked].map(({ sent, received }) => received / sent) as [
    number,
    number,
  ];
  return atLeast(
    'packets of live calls that come back, relative to those without the flood',
    during / before,
    KEPT_MIN,
    `${percent(during / before)} (${percent(during)} of ${count(attacked.sent)}, ` +
      `${percent(before)} of ${count(control.sent)} without it)`,
  );
}

function served(control: NewcomersResult, attacked: NewcomersResult): Finding {
  const share = attacked.served / attacked.tried;
  return atLeast(
    'new clients with an allocation after three tries at most',
    share,
    SERVED_MIN,
    `${attacked.served} of ${attacked.tried} (${control.served} of ${control.tried} without the flood)`,
  );
}
