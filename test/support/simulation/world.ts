import { createCredentialPolicy } from '../../../src/auth/credential-policy.ts';
import { RouteTable } from '../../../src/route/route-table.ts';
import type { CredentialExpiry } from '../../../src/turn/turn-context.ts';
import type { CredentialPolicy } from '../../../src/turn/policy.ts';
import { authOptions, cluster, LISTENER } from '../core/turn-driver.ts';

/** Peers of one cluster, known by how their addresses begin. */
interface Cluster {
  readonly name: string;
  readonly prefix: string;
  readonly minPort: number;
  readonly maxPort: number;
}

/** What an operator decides, as plain data that both the server and the reference server are told. */
export interface World {
  clusters: readonly Cluster[];
  /** Newest first. */
  secrets: readonly string[];
  /** First second in which a user is accepted again. */
  revokedUntil: ReadonlyMap<string, number>;
  onCredentialExpiry: CredentialExpiry;
  permissionsMax: number;
  channelsMax: number;
  userQuota: number;
  isDraining: boolean;
  hasAlternateServer: boolean;
  minPort: number;
  maxPort: number;
}

/** A user whose password is known beforehand, and who is confined to a cluster. */
export const CONFINED_USER = { username: 'carol', password: 'singer', routes: ['other'] } as const;

const MEDIA: Cluster = { name: 'media', prefix: '10.0.', minPort: 1, maxPort: 65_535 };
const MEDIA_IPV6: Cluster = { ...MEDIA, prefix: 'fd00:' };
const NARROW: Cluster = { name: 'narrow', prefix: '10.2.', minPort: 4000, maxPort: 4999 };
const OTHER: Cluster = { name: 'other', prefix: '10.1.', minPort: 1, maxPort: 65_535 };

/** Route tables that an operator may choose from; the first has everything. */
export const ROUTE_SETS: readonly (readonly Cluster[])[] = [
  [MEDIA, MEDIA_IPV6, NARROW, OTHER],
  [MEDIA, MEDIA_IPV6, OTHER],
  [{ ...MEDIA, maxPort: 4999 }, { ...NARROW, maxPort: 4400 }, OTHER],
  [NARROW, OTHER],
];

/** Peers that clients try, some of which no cluster names. */
export const PEER_IPS = ['10.0.0.1', '10.0.0.2', '10.0.7.7', '10.1.0.1', '10.2.0.1'].concat([
  'fd00::1',
  'fd00::2',
  '127.0.0.1',
  '192.168.1.1',
]);
/** Ports that they try. */
export const PEER_PORTS = [4000, 4400, 4500, 5000];

const PREFIX_LENGTH = 16;

/** The route table that the server is given. */
export function routeTableOf({ clusters }: World): RouteTable {
  const names = [...new Set(clusters.map(({ name }) => name))];
  return new RouteTable({
    listeners: [{ name: LISTENER, routes: names }],
    clusters: names.map((name) =>
      cluster(name, ...clusters.filter((each) => each.name === name).map(rangeOf)),
    ),
    own: [],
  });
}

/** The credential policy that the server is given. */
export function credentialsOf({ secrets, revokedUntil }: World): CredentialPolicy {
  const revocations = [...revokedUntil].map(([userId, untilUnixSeconds]) => {
    return { userId, untilUnixSeconds };
  });
  const users = [CONFINED_USER];
  return createCredentialPolicy(authOptions({ type: 'ephemeral', users, secrets, revocations }));
}

/** True when somebody who may use these clusters, or all, may reach a peer; any port unless given. */
export function isRouted(
  { clusters }: World,
  userRoutes: readonly string[] | undefined,
  ip: string,
  port?: number,
): boolean {
  return clusters.some(
    ({ name, prefix, minPort, maxPort }) =>
      ip.startsWith(prefix) &&
      (userRoutes === undefined || userRoutes.includes(name)) &&
      (port === undefined || (port >= minPort && port <= maxPort)),
  );
}

function rangeOf({ prefix, minPort, maxPort }: Cluster): [string, number, number, number] {
  const address = prefix.endsWith(':') ? `${prefix}:` : `${prefix}0.0`;
  return [address, PREFIX_LENGTH, minPort, maxPort];
}
