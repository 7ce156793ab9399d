import { IPV4, IPV6, TransportAddress, type AddressFamily } from '../stun/transport-address.ts';
import type { RelayAddress } from '../turn/allocation.ts';

/** Which relay addresses the allocations of a listener get; plain data, so that it can be sent to workers. */
export interface RelayAddressPlan {
  /** Configured addresses, at most one per family; IP addresses as text. */
  readonly configured: readonly { readonly bind: string; readonly advertise: string }[];
  /** Addresses of the host, for families that neither the configuration nor the client's 5-tuple settles. */
  readonly host: readonly string[];
}

/**
 * Chooses the relay addresses for clients that reached the server at `local`, at most one per family: the configured
 * one, else `local` itself, else an address of the host with the same reach (loopback or not).
 */
export function relayAddressesFor(plan: RelayAddressPlan, local: TransportAddress): RelayAddress[] {
  return [IPV4, IPV6].flatMap(
    (family) => relayAddressOf(plan, local, family as AddressFamily) ?? [],
  );
}

function relayAddressOf(
  plan: RelayAddressPlan,
  local: TransportAddress,
  family: AddressFamily,
): RelayAddress | undefined {
  for (const { bind, advertise } of plan.configured) {
    const address = { bind: parse(bind), advertise: parse(advertise) };
    if (address.bind.family === family) return address;
  }
  if (local.family === family) {
    const address = local.clone();
    address.port = 0;
    return { bind: address, advertise: address };
  }
  const candidates = plan.host.map(parse);
  const address = candidates.find(
    (candidate) => candidate.family === family && isLoopback(candidate) === isLoopback(local),
  );
  return address && { bind: address, advertise: address };
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback({ family, word0, word1, word2, word3 }: TransportAddress): boolean {
  if (family === IPV4) return word0 >>> 24 === 127;
  return word0 === 0 && word1 === 0 && word2 === 0 && word3 === 1;
}

function parse(ip: string): TransportAddress {
  const address = TransportAddress.parse(ip);
  if (address === undefined) throw new TypeError(`not an IP address: ${ip}`);
  return address;
}
