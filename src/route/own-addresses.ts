import { TransportAddress } from '../stun/transport-address.ts';
import { embeddedIpv4 } from './canonical-address.ts';
import type { Prefix } from './prefix.ts';
import { type PortRange, PortRanges } from './port-ranges.ts';

/** One of the gateway's addresses and the ports it listens on or relays from, as plain data. */
export interface OwnAddressData {
  /** Text form of one IP address; a wildcard stands for itself only and has to be expanded by the caller. */
  readonly address: string;
  readonly ports: readonly PortRange[];
}

interface OwnAddress {
  readonly address: TransportAddress;
  readonly ports: PortRanges;
}

const scratch = new TransportAddress();

/** The transport addresses of the gateway itself, which are no peers (RFC 8656 §21.1.7). */
export class OwnAddresses {
  readonly #byIpHash = new Map<number, OwnAddress[]>();
  readonly #nat64Prefixes: readonly Prefix[];

  /**
   * @param nat64Prefixes - see `embeddedIpv4`.
   * @throws RangeError when an address or port is none.
   */
  constructor(data: readonly OwnAddressData[], nat64Prefixes: readonly Prefix[]) {
    this.#nat64Prefixes = nat64Prefixes;
    for (const { address, ports } of data) {
      const parsed = TransportAddress.parse(address);
      if (parsed === undefined) throw new RangeError(`not an address: ${address}`);
      const bucket = this.#byIpHash.get(parsed.hashIp()) ?? [];
      this.#byIpHash.set(parsed.hashIp(), bucket);
      bucket.push({ address: parsed, ports: new PortRanges(ports) });
    }
  }

  /** True when the address, or an IPv4 address it embeds, is ours with this port. */
  includes(address: TransportAddress, port: number): boolean {
    if (this.#lists(address, port)) return true;
    for (const ipv4 of embeddedIpv4(address, this.#nat64Prefixes)) {
      if (this.#lists(scratch.setIpv4(ipv4, 0), port)) return true;
    }
    return false;
  }

  #lists(address: TransportAddress, port: number): boolean {
    const bucket = this.#byIpHash.get(address.hashIp());
    if (bucket === undefined) return false;
    for (const own of bucket) {
      if (own.address.equalsIp(address) && own.ports.has(port)) return true;
    }
    return false;
  }
}
