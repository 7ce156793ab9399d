import type { RouteAnswer } from '../../admin/gateway-control.ts';

/** An answer in words, and whether it is a yes. */
export interface Verdict {
  readonly isAdmitted: boolean;
  /** Begins with a capital and ends with a full stop. */
  readonly text: string;
  /** What to look at next; empty when there is nothing to do. */
  readonly advice: string;
}

const REASONS: Readonly<Record<string, string>> = {
  noRoute: 'no route of the listener contains the address',
  portNotRouted: 'a route contains the address, but not this port',
  forbiddenPeer: 'the address is on the hard deny list',
  ownAddress: 'the address belongs to the gateway itself',
  unknownUser: 'there is no such user',
  expired: 'the credential has expired',
  malformed: 'the user name has no valid expiry time, or one too far ahead',
  revoked: 'the user is revoked',
  badIntegrity: 'the password or the shared secret is wrong',
  userQuotaReached: 'the user holds as many allocations as admin.user_quota allows',
  addressQuotaReached: 'the address holds as many as limits.allocations_per_address_max allows',
  insufficientCapacity: 'the gateway is full (limits.allocations_max)',
  noRelayPort: 'every port of relay.min_port to relay.max_port is taken',
  draining: 'the gateway drains',
  tooManyConnections: 'there are too many connections, in all or of this client',
  tooManyHandshakes: 'too many TLS handshakes begin, in all or by this client',
  proxyHeaderMissing: 'the PROXY header of the load balancer is missing',
  proxyHeaderMalformed: 'the PROXY header is malformed',
  proxyUntrusted: 'a PROXY header came from an address that is not in proxy_trusted',
};

const FORBIDDEN: Readonly<Record<string, string>> = {
  unspecified: 'the unspecified address',
  thisNetwork: '“this network”, 0.0.0.0/8',
  loopback: 'loopback',
  linkLocal: 'link-local',
  siteLocal: 'site-local',
  multicast: 'multicast',
  broadcast: 'broadcast',
  reserved: 'reserved',
  metadata: 'instance metadata of a cloud',
  sixToFour: '6to4',
  teredo: 'Teredo',
  ipv4InIpv6: 'IPv4 inside IPv6',
};

const EVENT_TITLES: Readonly<Record<string, string>> = {
  'peer.denied': 'Peer denied',
  'auth.failed': 'Login failed',
  'allocation.refused': 'Allocation refused',
  'connection.refused': 'Connection refused',
  'handshake.failed': 'TLS handshake failed',
  'channel.failed': 'TLS connection failed',
};

/**
 * Why a page is not up to date.
 *
 * @param status - of the answer, 0 without one; undefined when the fault is in the page.
 */
export function outageWords(status: number | undefined, message: string): string {
  const old = 'What you see is from before; this page goes on by itself.';
  if (status === undefined) return `This page has failed: ${message}.`;
  if (status === 0) return `The gateway does not answer. ${old}`;
  if (status === 403) return `The gateway refuses this page: ${message}. ${old}`;
  if (status >= 500) return `The gateway has failed (${status}): ${message}. ${old}`;
  return `The gateway has not done it (${status}): ${message}. ${old}`;
}

/** A reason of the API in words; one that this page does not know stays as it is. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? reason;
}

/** Names a type of event. */
export function eventTitle(type: string): string {
  return EVENT_TITLES[type] ?? type;
}

/** Why somebody was refused, from the data of an event. */
export function refusalWords(data: Readonly<Record<string, unknown>>): string {
  const text = (key: string): string => (typeof data[key] === 'string' ? data[key] : '');
  const nearest = text('nearestRoute');
  return [
    denialWords(text('reason'), text('forbidden')),
    ...(nearest === '' ? [] : [nearest === 'none' ? 'it has no routes' : `nearest: ${nearest}`]),
  ].join('; ');
}

/** Would a peer be relayed, in words. */
export function routeVerdict(answer: RouteAnswer): Verdict {
  const { listener, peer, verdict, cluster, endpoint, forbidden } = answer;
  if (verdict === 'admitted') {
    const exception =
      forbidden === undefined
        ? ''
        : ` It is on the hard deny list (${forbiddenWords(forbidden)}), and the cluster makes an exception.`;
    const text = `Yes. ${peer} is relayed by cluster ${cluster}, endpoint ${endpoint}.${exception}`;
    return { isAdmitted: true, text, advice: '' };
  }
  const text = `No. ${listener} does not relay to ${peer}: ${denialWords(verdict, forbidden)}.`;
  return { isAdmitted: false, text, advice: `${nearestWords(answer)} ${remedy(answer)}`.trim() };
}

/** The address may be on the hard deny list, and its port be what is wrong. */
function denialWords(reason: string, forbidden = ''): string {
  const isWhy = reason === 'forbiddenPeer' && forbidden !== '';
  return reasonWords(reason) + (isWhy ? ` (${forbiddenWords(forbidden)})` : '');
}

function nearestWords({ nearest, why }: RouteAnswer): string {
  return nearest === undefined
    ? 'The listener has no endpoints at all.'
    : `The nearest route is ${nearest}: ${why}.`;
}

function remedy({ verdict, listener }: RouteAnswer): string {
  switch (verdict) {
    case 'noRoute':
    case 'portNotRouted':
      return `Add it to the endpoints of a cluster that the routes of ${listener} name, then reload.`;
    case 'forbiddenPeer':
      return 'Only dangerously_allow of a cluster makes an exception.';
    default:
      return '';
  }
}

function forbiddenWords(category: string): string {
  return FORBIDDEN[category] ?? category;
}
