import ipaddr from 'ipaddr.js';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { Advice } from './advice.ts';

/** From where an address can be reached. */
export type Reach = 'nowhere' | 'machine' | 'link' | 'network' | 'internet';

/** Says from where an address can be reached, by its range alone. */
export function reachOf(address: TransportAddress): Reach {
  return REACH_BY_RANGE[ipaddr.parse(address.ip()).range()] ?? 'internet';
}

/**
 * Judges a relayed transport address by what can be known without a packet: whether clients that see the gateway where
 * we see it can reach it at all.
 *
 * @param mapped - our own address as the gateway sees it.
 * @param server - where the gateway was reached.
 * @returns what is wrong, or undefined.
 */
export function relayedAddressProblem(
  relayed: TransportAddress,
  { mapped, server }: { mapped: TransportAddress; server: TransportAddress },
): Advice | undefined {
  const reach = reachOf(relayed);
  if (reach === 'nowhere') {
    return wrong(relayed, 'no address at all', 'nobody can send to it');
  }
  const needed = widest(reachOf(mapped), reachOf(server));
  if (ORDER.indexOf(reach) >= ORDER.indexOf(needed)) return undefined;
  return wrong(relayed, KIND[reach], `clients on ${CLIENTS[needed]} cannot send to it`);
}

/** Says that another address than the gateway's own is given out, when it is. */
export function relayedAddressRemark(
  relayed: TransportAddress,
  server: TransportAddress,
): string | undefined {
  if (relayed.equalsIp(server) || relayed.family !== server.family) return undefined;
  return `another address than the gateway's ${server.ip()}, which is right only when it leads there too`;
}

/** The advice for a relayed address that does not lead to the gateway. */
export function wrongAddressNext(relayed: TransportAddress): string {
  return (
    `set relay.addresses to { bind: <own address>, advertise: <address that clients reach> }, ` +
    `or the listener's address, in place of ${relayed.ip()}`
  );
}

function wrong(relayed: TransportAddress, kind: string, consequence: string): Advice {
  return {
    detail: `wrong advertised address: ${relayed.toString()} is ${kind}; ${consequence}`,
    next: wrongAddressNext(relayed),
  };
}

function widest(a: Reach, b: Reach): Reach {
  return ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b;
}

const ORDER: readonly Reach[] = ['nowhere', 'machine', 'link', 'network', 'internet'];

const KIND: Readonly<Record<Reach, string>> = {
  nowhere: 'an unusable address',
  machine: 'a loopback address',
  link: 'a link-local address',
  network: 'a private address',
  internet: 'a public address',
};

const CLIENTS: Readonly<Record<Reach, string>> = {
  nowhere: 'this machine',
  machine: 'this machine',
  link: 'this link',
  network: 'this network',
  internet: 'the internet',
};

const REACH_BY_RANGE: Readonly<Partial<Record<string, Reach>>> = {
  unspecified: 'nowhere',
  broadcast: 'nowhere',
  multicast: 'nowhere',
  loopback: 'machine',
  linkLocal: 'link',
  private: 'network',
  uniqueLocal: 'network',
  carrierGradeNat: 'network',
};
