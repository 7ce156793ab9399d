import { parseEphemeralUsername } from '../../auth/ephemeral-credentials.ts';
import { ClientError, ResponseError } from '../../client/client-error.ts';
import { errorText } from '../../errors.ts';

/** A problem in plain words, and what to do about it. */
export interface Advice {
  readonly detail: string;
  readonly next: string;
}

/** How the doctor went to a listener. */
export interface Approach {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly port: number;
}

/** Explains why nothing, or nothing useful, came back from where a listener should be. */
export function adviseOnReach(error: unknown, { transport, port }: Approach): Advice {
  const protocol = transport === 'udp' ? 'UDP' : 'TCP';
  const detail = errorText(error);
  const kind = error instanceof ClientError ? error.kind : 'protocol';
  switch (kind) {
    case 'refused':
      return {
        detail: `nothing listens on ${protocol} port ${port}: ${detail}`,
        next: `check port and transport of the listener, and that the gateway runs: ss -lntu | grep ${port}`,
      };
    case 'timeout':
      return {
        detail: `no answer on ${protocol} port ${port}: ${detail}`,
        next:
          `a wrong port, or a firewall that drops in silence: open ${protocol} ${port} to clients in the firewall ` +
          'and the security group, and forward it when there is NAT or a load balancer',
      };
    case 'unreachable':
      return { detail, next: 'check the address, and the network and routes of this machine' };
    case 'tls':
      return {
        detail,
        next: 'check that the listener speaks TLS on this port; a port for plain TURN needs turn:, not turns:',
      };
    default:
      return {
        detail: `something answers on ${protocol} port ${port}, but not like a TURN server: ${detail}`,
        next: 'check that the port is that of the TURN listener and that no proxy for HTTP stands in front',
      };
  }
}

/** Explains why no allocation was granted. */
export function adviseOnAllocate(error: unknown, username: string, nowSeconds: number): Advice {
  if (!(error instanceof ResponseError)) {
    return {
      detail: errorText(error),
      next: 'look into the log of the gateway at the time of this test',
    };
  }
  if (error.code === UNAUTHENTICATED) return adviseOnCredential(username, nowSeconds);
  if (error.code === TRY_ALTERNATE) {
    const other = error.alternate?.address.toString() ?? 'another server';
    return {
      detail: `the gateway sends clients to ${other} (300)`,
      next: `it drains or balances; test that one: turnpike doctor turn://user:password@${other}`,
    };
  }
  const next = ALLOCATE_ADVICE.get(error.code) ?? 'look into the log of the gateway';
  return { detail: `refused with ${error.code} ${error.reason}`, next };
}

/** Explains why a permission or a channel was refused; 403 is the business of the routes and not explained here. */
export function adviseOnPeer(error: unknown): Advice {
  const code = error instanceof ResponseError ? error.code : 0;
  const next = PEER_ADVICE.get(code) ?? 'look into the log of the gateway at the time of this test';
  return { detail: errorText(error), next };
}

/** True when the error is a response with this code. */
export function isResponse(error: unknown, code: number): boolean {
  return error instanceof ResponseError && error.code === code;
}

function adviseOnCredential(username: string, nowSeconds: number): Advice {
  const expiry = parseEphemeralUsername(username)?.expiresAtUnixSeconds;
  if (expiry !== undefined && expiry < nowSeconds) {
    const at = new Date(expiry * 1000).toISOString();
    return {
      detail: `the credential has expired: it was valid until ${at} (401)`,
      next:
        'get a fresh one from the ICE API; when that one is expired too, compare the clocks of app server and ' +
        'gateway, and raise its lifetime (ttl, auth.max_ttl)',
    };
  }
  const what = expiry === undefined ? 'user name or password' : 'secret';
  return {
    detail: `the credential is refused: wrong ${what} (401)`,
    next:
      expiry === undefined
        ? 'compare user and password with auth.credentials and auth.users of the gateway'
        : 'the app server and the gateway must have the same auth.credentials.secret; restart or reload the one ' +
          'that was changed last, and compare their clocks',
  };
}

const UNAUTHENTICATED = 401;
const TRY_ALTERNATE = 300;

const ALLOCATE_ADVICE: ReadonlyMap<number, string> = new Map([
  [
    400,
    'the gateway takes the request for malformed: is something between here and there that changes packets?',
  ],
  [403, 'the gateway forbids it: is it STUN only (auth.type: none)?'],
  [437, 'this port had an allocation already: try again'],
  [
    438,
    'the nonce is stale each time: several gateways behind one address need client affinity in the load balancer',
  ],
  [440, 'the gateway has no relay address of that family: add one to relay.addresses'],
  [441, 'the allocation belongs to another credential: try again'],
  [442, 'the gateway relays no UDP for this client'],
  [
    486,
    'the quota is used up: raise admin.user_quota or limits.allocations_per_address_max, or end old sessions',
  ],
  [500, 'look into the log of the gateway'],
  [
    508,
    'it is full: raise limits.allocations_max or the range relay.min_port to relay.max_port, or add a gateway',
  ],
]);

const PEER_ADVICE: ReadonlyMap<number, string> = new Map([
  [
    443,
    'the peer is of the other address family than the relayed address: add a relay address of its family',
  ],
  [437, 'the allocation is gone: look into the log of the gateway'],
  [486, 'the quota is used up'],
  [508, 'raise limits.permissions_per_allocation_max or limits.channels_per_allocation_max'],
]);
