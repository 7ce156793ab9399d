import type { Direction } from '../load/protocol.ts';
import type { Options } from '../options.ts';
import type { RelayCase } from '../report-data.ts';
import { isForGoal } from '../report/goals.ts';
import { OURS } from '../report/server-names.ts';
import { relayCase } from './relay-case.ts';

const ONE_WAY = ['up', 'down'] as const satisfies readonly Direction[];
const VIDEO_FRAME = { burst: 8, payloadBytes: 1100 } as const;

/** Every group of cases in which packets are relayed at a given rate; names are unique over all of them. */
export const RELAY_CASES: readonly RelayCase[] = [
  ...paced(),
  ...saturated(),
  ...bursts(),
  ...streams(),
  ...matrix(),
  ...scale(),
];

/** Loads of which the highest rate is looked for. */
export const HIGHEST_CASES: readonly RelayCase[] = [{}, VIDEO_FRAME].flatMap((size) =>
  ONE_WAY.map((direction) => {
    const load = relayCase({ group: 'highest', direction, ...size });
    return { ...load, name: load.name.replace('saturated', 'highest rate') };
  }),
);

/** The one rate of these groups in a run that is to be over in a minute. */
const QUICK_PACKETS_PER_SECOND = 60_000;
const QUICK_GROUPS: readonly string[] = ['paced', 'bursts'];

/** Those cases that a run is asked for. */
export function selectCases(
  cases: readonly RelayCase[],
  { groups, nameFilter, isQuick, isForGoals }: Omit<Options, 'rounds' | 'output'>,
): RelayCase[] {
  const wanted = isForGoals ? cases.filter((each) => isForGoal(each, OURS)) : cases;
  return wanted.filter(
    ({ group, name, packetsPerSecond }) =>
      groups.some((each) => each === group) &&
      name.includes(nameFilter) &&
      (!isQuick || !QUICK_GROUPS.includes(group) || packetsPerSecond === QUICK_PACKETS_PER_SECOND),
  );
}

function paced(): RelayCase[] {
  return [20_000, 60_000, 100_000].flatMap((packetsPerSecond) =>
    ONE_WAY.map((direction) => relayCase({ group: 'paced', direction, packetsPerSecond })),
  );
}

function saturated(): RelayCase[] {
  return ONE_WAY.map((direction) => relayCase({ group: 'saturated', direction }));
}

function bursts(): RelayCase[] {
  return [60_000, 100_000, null].flatMap((packetsPerSecond) =>
    ONE_WAY.map((direction) =>
      relayCase({ group: 'bursts', direction, packetsPerSecond, ...VIDEO_FRAME }),
    ),
  );
}

/** None is saturated: the generator would be the limit, and each server under a load of its own. */
function streams(): RelayCase[] {
  return (['tcp', 'tls'] as const).flatMap((transport) =>
    [1, 100].flatMap((clients) =>
      ONE_WAY.flatMap((direction) =>
        [40_000, 80_000].map((packetsPerSecond) =>
          relayCase({ group: 'streams', transport, clients, direction, packetsPerSecond }),
        ),
      ),
    ),
  );
}

function matrix(): RelayCase[] {
  const packetsPerSecond = 60_000;
  const inGroup = { group: 'matrix', packetsPerSecond };
  return [
    ...[1, 8, 64, 1000].flatMap((clients) =>
      ONE_WAY.map((direction) => relayCase({ ...inGroup, direction, clients })),
    ),
    ...[120, 1100].flatMap((payloadBytes) =>
      ONE_WAY.map((direction) => relayCase({ ...inGroup, direction, payloadBytes })),
    ),
    relayCase({ ...inGroup, direction: 'both' }),
    relayCase({ ...inGroup, direction: 'both', packetsPerSecond: null }),
    ...ONE_WAY.map((direction) => relayCase({ ...inGroup, direction, framing: 'sendIndication' })),
  ];
}

function scale(): RelayCase[] {
  const packetsPerSecond = 60_000;
  const inGroup = { group: 'scale', packetsPerSecond };
  const allocations = [100, 1000, 10_000].flatMap((count) =>
    [...new Set([100, count])].flatMap((clients) =>
      ONE_WAY.map((direction) => {
        const remark = `, ${count} allocations`;
        return relayCase({ ...inGroup, direction, clients, allocations: count }, remark);
      }),
    ),
  );
  // One route and one worker, paced, is what 100 allocations have.
  const routes = [100, 10_000].flatMap((count) =>
    ONE_WAY.map((direction) =>
      relayCase({ ...inGroup, direction, routes: count }, `, routes: ${count}`),
    ),
  );
  const workers = [1, 2].flatMap((count) =>
    [packetsPerSecond, null].flatMap((rate) =>
      ONE_WAY.map((direction) =>
        relayCase(
          { ...inGroup, direction, packetsPerSecond: rate, workers: count },
          `, workers: ${count}`,
        ),
      ),
    ),
  );
  return [...allocations, ...routes, ...workers];
}
