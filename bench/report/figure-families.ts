import type { RelayCase, RelayFigures } from '../report-data.ts';
import { formatCount } from './formats.ts';

/** Figures of cases that differ in direction and in one property of the load only. */
export interface Family {
  /** One of the cases, for what they have in common. */
  readonly example: RelayCase;
  readonly figures: readonly RelayFigures[];
}

/** A property of the load that plots are drawn by. */
export type Variable =
  'packetsPerSecond' | 'clients' | 'payloadBytes' | 'allocations' | 'routes' | 'workers';

const LOAD = [
  'transport',
  'clients',
  'allocations',
  'framing',
  'payloadBytes',
  'burst',
  'packetsPerSecond',
  'routes',
  'workers',
] as const satisfies readonly (keyof RelayCase)[];

/**
 * Sorts figures into families in which `variable` has at least two values.
 *
 * Where it is `clients`, only cases count in which there are no other allocations than theirs.
 */
export function familiesBy(variable: Variable, figures: readonly RelayFigures[]): Family[] {
  const considered = figures.filter(
    (each) => variable !== 'clients' || each.case.clients === each.case.allocations,
  );
  const groups = new Map<string, RelayFigures[]>();
  for (const each of considered) {
    const key = keyOf(each.case, variable);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [each]);
    else members.push(each);
  }
  return [...groups.values()]
    .filter((members) => new Set(members.map((each) => each.case[variable])).size > 1)
    .map((members) => ({ example: members[0]!.case, figures: withoutRepetitions(members) }));
}

/** What all cases of a family have in common, such as `UDP, 100 flows, 8 × 1100 B`. */
export function describeFamily(variable: Variable, { example }: Family): string {
  const {
    transport,
    clients,
    allocations,
    framing,
    payloadBytes,
    burst,
    packetsPerSecond,
    routes,
    workers,
  } = example;
  const size = variable === 'payloadBytes' ? '' : `${payloadBytes} B`;
  const facts: Readonly<Record<Variable, string>> = {
    clients: flows(clients, transport),
    payloadBytes: burst === 1 ? size : `bursts of ${burst} × ${size}`,
    packetsPerSecond: packetsPerSecond === null ? 'saturated' : `${packetsPerSecond / 1000} k/s`,
    allocations: allocations === clients ? '' : `${formatCount(allocations)} allocations`,
    routes: routes === 1 ? '' : `${formatCount(routes)} route endpoints`,
    workers: workers === 1 ? '' : `${workers} workers`,
  };
  const common = (Object.keys(facts) as Variable[])
    .filter((each) => each !== variable)
    .map((each) => facts[each]);
  const indications = framing === 'channelData' ? '' : 'indications';
  return [transport.toUpperCase(), ...common, indications].filter((fact) => fact !== '').join(', ');
}

function flows(clients: number, transport: string): string {
  const what = transport === 'udp' ? 'flow' : 'stream';
  return `${formatCount(clients)} ${what}${clients === 1 ? '' : 's'}`;
}

function keyOf(relayCase: RelayCase, variable: Variable): string {
  const varied: readonly string[] =
    variable === 'clients' ? ['clients', 'allocations'] : [variable];
  return LOAD.filter((property) => !varied.includes(property))
    .map((property) => String(relayCase[property]))
    .join(' ');
}

/** The same load can belong to several groups of cases; the first counts. */
function withoutRepetitions(figures: readonly RelayFigures[]): RelayFigures[] {
  const byLoad = new Map(
    figures.toReversed().map((each) => {
      const load = [...LOAD, 'direction' as const].map((property) => String(each.case[property]));
      return [`${each.server} ${load.join(' ')}`, each];
    }),
  );
  return [...byLoad.values()].toReversed();
}
