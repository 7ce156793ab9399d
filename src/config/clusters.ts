import { parseBlock, type AddressBlock } from './addresses.ts';
import { parseEndpoint } from './endpoints.ts';
import type { ClusterConfig } from './gateway-config.ts';
import type { NormaliseContext } from './normalise-context.ts';
import { checkUniqueNames } from './routes.ts';
import type { ClusterEntry } from './schema.ts';
import { usableEntries } from './validate.ts';

/** Fills in the clusters and checks names and endpoints. */
export function normaliseClusters(
  entries: readonly ClusterEntry[] | undefined,
  context: NormaliseContext,
): readonly ClusterConfig[] {
  checkUniqueNames(entries, 'clusters', context);
  return usableEntries(entries).map(([index, entry]) => {
    const type = entry.type?.toUpperCase() === 'STRICT_DNS' ? 'STRICT_DNS' : 'STATIC';
    return {
      name: entry.name,
      type,
      protocol: entry.protocol?.toUpperCase() === 'TCP' ? 'tcp' : 'udp',
      endpoints: endpointsOf(entry, type, index, context),
      dangerouslyAllow: exceptionsOf(entry, index, context),
    };
  });
}

function endpointsOf(
  entry: ClusterEntry,
  type: ClusterConfig['type'],
  clusterIndex: number,
  { report }: NormaliseContext,
): ClusterConfig['endpoints'] {
  const isTypeKnown = !report.hasProblemAt(['clusters', clusterIndex, 'type']);
  return usableEntries(entry.endpoints).flatMap(([index, text]) => {
    const endpoint = parseEndpoint(text, type);
    if (typeof endpoint !== 'string') return [endpoint];
    if (isTypeKnown) report.problem(['clusters', clusterIndex, 'endpoints', index], endpoint);
    return [];
  });
}

function exceptionsOf(
  entry: ClusterEntry,
  clusterIndex: number,
  { report }: NormaliseContext,
): readonly AddressBlock[] {
  return usableEntries(entry.dangerously_allow).flatMap(([index, text]) => {
    const block = parseBlock(text);
    if (block !== undefined) return [block];
    const path = ['clusters', clusterIndex, 'dangerously_allow', index];
    report.problem(path, 'must be an IP address or block such as 127.0.0.1/32, without ports');
    return [];
  });
}
