import { Resolver } from 'node:dns/promises';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { Log } from '../log.ts';
import { ClusterResolver, type ClusterResolverInputs } from '../route/cluster-resolver.ts';
import { hostNamesOf } from '../route/resolved-endpoints.ts';
import { RouteTable } from '../route/route-table.ts';
import { routeTableData } from './policy-data.ts';
import { hostAddresses, ownAddresses } from './relay-plan.ts';

const DNS_TIMEOUT_MS = 2000;
const DNS_TRIES = 2;

/** Looks up the addresses of a name; rejects as `node:dns/promises` does. */
export type NameService = Pick<ClusterResolverInputs, 'resolve4' | 'resolve6'>;

/** Watches the host names of a configuration's STRICT_DNS clusters; the caller closes the resolver. */
export function watchClusterNames(
  config: GatewayConfig,
  log: Log,
  onChange: (addressesByName: ReadonlyMap<string, readonly string[]>) => void,
  names: NameService = systemNames(),
): ClusterResolver {
  const resolver = new ClusterResolver({
    ...names,
    schedule: (callback, delayMs) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    onChange: (addressesByName) => {
      const addresses = Object.fromEntries(addressesByName);
      log.scope('dns').debug({ addresses }, 'names of routes resolve to new addresses');
      onChange(addressesByName);
    },
    onReport: ({ name, problem, detail }) => {
      if (problem === undefined) log.scope('dns').info({ name }, 'name resolves again');
      else log.scope('dns').warn({ name, problem, detail }, 'name does not resolve as it should');
    },
  });
  resolver.watch(hostNamesOf(config.clusters));
  return resolver;
}

/** Looks up the host names of a configuration once and builds its route table; names that fail route nowhere. */
export async function resolveRouteTable(
  config: GatewayConfig,
  names: NameService = systemNames(),
): Promise<RouteTable> {
  const lookUps = hostNamesOf(config.clusters).map(
    async ({ name }): Promise<[string, string[]]> => {
      const answers = await Promise.allSettled([names.resolve4(name), names.resolve6(name)]);
      const records = answers.flatMap((answer) =>
        answer.status === 'fulfilled' ? answer.value : [],
      );
      return [name, records.map(({ address }) => address)];
    },
  );
  const own = ownAddresses(config, hostAddresses());
  const addressesByName = new Map(await Promise.all(lookUps));
  return new RouteTable(routeTableData(config, { own, addressesByName }));
}

/** Asks the name servers of this host. */
function systemNames(): NameService {
  const dns = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  return {
    resolve4: (name) => dns.resolve4(name, { ttl: true }),
    resolve6: (name) => dns.resolve6(name, { ttl: true }),
  };
}
