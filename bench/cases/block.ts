import type { Wishes } from '../measure/running-server.ts';
import type { RelayCase } from '../report-data.ts';
import type { MeasuredServer } from '../servers/server.ts';

/** Cases that one start of a server serves. */
export interface Block {
  readonly title: string;
  readonly wishes: Wishes;
  readonly cases: readonly RelayCase[];
}

/**
 * Divides cases into blocks, in their order.
 *
 * Servers take turns block by block, so that short blocks have them measured in the same minutes.
 *
 * @param isByGroup - whether groups are kept apart; otherwise servers are started less often.
 */
export function blocksOf(cases: readonly RelayCase[], isByGroup: boolean): Block[] {
  const blockKey = (relayCase: RelayCase): string =>
    [...(isByGroup ? [relayCase.group] : []), ...describeSetUp(relayCase)].join(', ');
  const keys = new Set(cases.map(blockKey));
  return [...keys].map((key) => {
    const members = cases.filter((relayCase) => blockKey(relayCase) === key);
    return { title: key, wishes: wishesOf(members), cases: members };
  });
}

/** Why a server cannot take part in a case, or undefined. */
export function inability(server: MeasuredServer, relayCase: RelayCase): string | undefined {
  const { transport, framing, workers, routes } = relayCase;
  const has = (feature: MeasuredServer['features'][number]): boolean =>
    server.features.includes(feature);
  if (!server.transports.includes(transport)) return `it has no ${transport}`;
  if (framing === 'sendIndication' && !has('indications')) return 'it relays no indications';
  if (workers > 1 && !has('workers')) return 'it has one thread';
  if (routes > 1 && !has('routes')) return 'it has no route table';
  return undefined;
}

/** Allocations over UDP outlive their clients, so that other numbers of them need another start. */
function describeSetUp(relayCase: RelayCase): string[] {
  const { transport, allocations, framing, routes, workers } = relayCase;
  return [
    transport === 'udp' ? `${allocations} allocations` : 'streams',
    ...(transport === 'udp' && framing === 'sendIndication' ? ['indications'] : []),
    ...(routes === 1 ? [] : [`${routes} routes`]),
    ...(workers === 1 ? [] : [`${workers} workers`]),
  ];
}

function wishesOf(cases: readonly RelayCase[]): Wishes {
  const { routes, workers } = cases[0]!;
  const transports = new Set(['udp' as const, ...cases.map(({ transport }) => transport)]);
  return { transports: [...transports], routes, workers };
}
