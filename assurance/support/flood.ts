import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayProcess } from '../../test/support/gateway-process.ts';
import type { LoadCount } from '../../test/support/relay-load.ts';
import type { Finding, Scenario, ScenarioOptions } from '../scenario.ts';
import type { Owner } from '../../test/support/owner.ts';
import { attackNetwork, missingNetwork } from './attack-network.ts';
import { droppedDatagrams, startTarget, TARGET } from './attacked-gateway.ts';
import { Cleanup } from './cleanup.ts';
import { ControlGroup, missingControlGroup } from './control-group.ts';
import { atLeast, atMost, count, isSo, percent } from './findings.ts';
import type { FloodKind } from './flood-messages.ts';
import { MemoryWatch } from './memory-watch.ts';
import type { FlooderApi, FloodOrder } from './parties/flooder.ts';
import type { LiveCallsApi, NewcomersResult } from './parties/live-calls.ts';
import { RemoteProcess } from './remote-process.ts';

const CALLS = 200;
const PACKETS_PER_SECOND = 25;
const NEWCOMERS_AT_ONCE = 10;
const NEWCOMERS_EVERY_MS = 500;
const SECONDS = 10;
const WARMING_SECONDS = 1;
const WARMING_SOURCES = 10_000;
const SOURCES = 1_000_000;
const ROUNDS_MAX = 6;
/** The kernel deals a processor out in such turns. */
const TURN_MICROSECONDS = 10_000;
const GROWTH_MEGABYTES_MAX = 8;
const KEPT_MIN = 0.99;
/** Bounds for a gateway that has a whole processor: how much more is sent than it handles, and who is served. */
const USUAL = {
  promise:
    'a flood from a million addresses costs neither memory nor live calls, and new clients still get in',
  saturationMin: 1,
  servedMin: 0.95,
};
/** What does not fit into a queue is lost, whoever it is from: nobody new is promised anything. */
const SATURATED = {
  promise: 'a flood of five times what the gateway can handle costs neither memory nor live calls',
  saturationMin: 5,
  servedMin: 0,
};

/** A flood, and the gateway that it meets. */
export interface FloodPlan {
  readonly name: string;
  readonly kind: FloodKind;
  /** Port that it is sent to; that of the UDP listener unless given. */
  readonly port?: number;
  /** Share of a processor that the gateway has; a whole one unless given. */
  readonly share?: number;
}

interface Parties {
  readonly owner: Owner;
  readonly gateway: GatewayProcess;
  readonly calls: RemoteProcess<LiveCallsApi>;
  readonly flooder: RemoteProcess<FlooderApi>;
  /** Gives the gateway no more of a processor than it shall have. */
  readonly slowDown: () => void;
}

/** Makes the scenario of a flood of one kind, with live calls and newcomers beside it. */
export function floodScenario(plan: FloodPlan): Scenario {
  const { name, share } = plan;
  return {
    name,
    promise: boundsOf(plan).promise,
    missing: () => missingNetwork() || (share !== undefined && missingControlGroup('cpu')),
    run: (options) =>
      Cleanup.around(async (cleanup) => run(await openParties(cleanup, share), plan, options)),
  };
}

function boundsOf({ share }: FloodPlan) {
  return share === undefined ? USUAL : SATURATED;
}

async function openParties(owner: Owner, share: number | undefined): Promise<Parties> {
  const prefix = attackNetwork().others;
  const group = share === undefined ? undefined : new ControlGroup(owner, 'cpu');
  const gateway = await startTarget({}, group?.launcher);
  owner.teardown(() => gateway.stop());
  const calls = new RemoteProcess<LiveCallsApi>(
    new URL('parties/live-calls.ts', import.meta.url),
    prefix,
  );
  const flooder = new RemoteProcess<FlooderApi>(
    new URL('parties/flooder.ts', import.meta.url),
    prefix,
  );
  owner.teardown(() => Promise.all([calls.stop(), flooder.stop()]));
  const slowDown = (): void => {
    group?.set('cpu.cfs_period_us', TURN_MICROSECONDS);
    group?.set('cpu.cfs_quota_us', TURN_MICROSECONDS * (share ?? 1));
  };
  return { owner, gateway, calls, flooder, slowDown };
}

/** What came of a flood. */
interface Flooded {
  readonly sent: number;
  readonly seconds: number;
  readonly answers: number;
  /** Messages that the gateway has taken from its sockets. */
  readonly arrived: number;
}

/** What came of calls and newcomers meanwhile. */
interface Served {
  readonly load: LoadCount;
  readonly newcomers: NewcomersResult;
}

async function run(
  { owner, gateway, calls, flooder, slowDown }: Parties,
  floodPlan: FloodPlan,
  { scale, progress }: ScenarioOptions,
): Promise<readonly Finding[]> {
  const { kind, port = TARGET.port } = floodPlan;
  const bounds = boundsOf(floodPlan);
  const { pid } = gateway.child;
  const sources = Math.max(1, Math.round(SOURCES * Math.min(1, scale)));
  const plan = { kind, server: { host: TARGET.host, port }, sources };
  const everyMs = NEWCOMERS_EVERY_MS * Math.max(1, scale);
  const client = { server: TARGET, secret: TARGET.secret };
  await calls.call('open', { ...client, calls: CALLS, packetsPerSecond: PACKETS_PER_SECOND });
  progress('what a flood needs');
  await flooder.call('prepare', plan);
  // The first ones compile the code and stretch the heap, for good.
  const warming = { sources: Math.min(sources, WARMING_SOURCES), seconds: WARMING_SECONDS };
  await flooder.call('flood', { ...plan, ...warming });
  slowDown();

  progress('live calls without a flood');
  const control = await serve(calls, pause(SECONDS * 1000), everyMs);
  progress(`the same beside a flood of ${kind}`);
  const memory = new MemoryWatch(pid, owner);
  const order = { ...plan, seconds: SECONDS * Math.max(1, scale) };
  const flooding = flood(flooder, order, () => droppedDatagrams(pid, port));
  const attacked = await serve(calls, flooding, everyMs);
  const growth = memory.stop() / 2 ** 20;
  return [
    ...strength(await flooding, sources, bounds.saturationMin),
    keptCalls(control.load, attacked.load),
    served(control.newcomers, attacked.newcomers, bounds.servedMin),
    atMost('resident memory, growth at most', growth, GROWTH_MEGABYTES_MAX, {
      unit: 'MB',
      text: `${growth.toFixed(1)} MB for ${count(sources)} addresses`,
    }),
    isSo('the gateway lives', gateway.child.isAlive),
  ];
}

/** Floods until as many messages have arrived as there are addresses. */
async function flood(
  flooder: RemoteProcess<FlooderApi>,
  order: FloodOrder,
  dropped: () => number,
): Promise<Flooded> {
  const droppedBefore = dropped();
  let [sent, seconds, answers, arrived] = [0, 0, 0, 0];
  for (let round = 0; round < ROUNDS_MAX && arrived < order.sources; round++) {
    const result = await flooder.call('flood', order);
    sent += result.sent;
    seconds += result.seconds;
    answers += result.answers;
    arrived = sent - (dropped() - droppedBefore);
  }
  return { sent, seconds, answers, arrived };
}

/** Lets calls go on and new clients come, some every now and then, until something has ended. */
async function serve(
  calls: RemoteProcess<LiveCallsApi>,
  end: Promise<unknown>,
  everyMs: number,
): Promise<Served> {
  const isOver = new AbortController();
  const over = end.catch(() => undefined).then(() => isOver.abort());
  const order = { server: TARGET, secret: TARGET.secret, count: NEWCOMERS_AT_ONCE };
  const newcomers = { tried: 0, served: 0 };
  await calls.call('start', undefined);
  while (!isOver.signal.aborted) {
    const result = await calls.call('newcomers', order);
    newcomers.tried += result.tried;
    newcomers.served += result.served;
    await Promise.race([over, pause(everyMs)]);
  }
  return { load: await calls.call('stop', undefined), newcomers };
}

/** How hard it was; a flood that is not seen from every address proves nothing. */
function strength(
  { sent, seconds, answers, arrived }: Flooded,
  sources: number,
  saturationMin: number,
): readonly Finding[] {
  const saturation = sent / Math.max(1, arrived);
  return [
    atLeast('messages of the flood that arrived, one for each address and more', arrived, sources, {
      text:
        `${count(arrived)} of ${count(sent)} in ${seconds.toFixed(1)} s, ` +
        `${count(sent / seconds)} per second, ${count(answers)} answers seen`,
    }),
    atLeast('messages sent, in times of what the gateway handled', saturation, saturationMin, {
      text: saturation.toFixed(2),
    }),
  ];
}

function keptCalls(control: LoadCount, attacked: LoadCount): Finding {
  const [before, during] = [control, attacked].map(({ sent, received }) => received / sent) as [
    number,
    number,
  ];
  const what = 'packets of live calls that come back, relative to those without the flood';
  const text =
    `${percent(during / before)} (${percent(during)} of ${count(attacked.sent)}, ` +
    `${percent(before)} of ${count(control.sent)} without it)`;
  return atLeast(what, during / before, KEPT_MIN, { text });
}

function served(control: NewcomersResult, attacked: NewcomersResult, min: number): Finding {
  const share = attacked.served / attacked.tried;
  const what = 'new clients with an allocation after three tries at most';
  const text =
    `${attacked.served} of ${attacked.tried} ` +
    `(${control.served} of ${control.tried} without the flood)`;
  return atLeast(what, share, min, { text });
}
