import type { TransportAddress } from '../stun/transport-address.ts';
import { type PortRange, PortRanges } from './port-ranges.ts';
import { Prefix, type PrefixData } from './prefix.ts';

/** Backends as plain data: an address range and the ports from `minPort` to `maxPort`. */
export interface EndpointData extends PrefixData {
  readonly minPort: number;
  readonly maxPort: number;
}

/** A named set of backends as plain data. */
export interface ClusterData {
  readonly name: string;
  readonly protocol: 'udp' | 'tcp';
  readonly endpoints: readonly EndpointData[];
  /** Exceptions from the hard deny list that hold for endpoints of this cluster only. */
  readonly dangerouslyAllow: readonly PrefixData[];
}

/** A cluster with its data checked and turned into numbers. */
export class Cluster {
  readonly name: string;
  readonly protocol: 'udp' | 'tcp';
  readonly endpoints: readonly Endpoint[];
  readonly #dangerouslyAllow: readonly Prefix[];

  /** @throws RangeError when an address, prefix length or port is none. */
  constructor(data: ClusterData) {
    this.name = data.name;
    this.protocol = data.protocol;
    this.endpoints = data.endpoints.map((endpoint) => new Endpoint(this, endpoint));
    this.#dangerouslyAllow = data.dangerouslyAllow.map((range) => new Prefix(range));
  }

  /** True when a forbidden address is one of the exceptions; it still has to match an endpoint. */
  dangerouslyAllows(address: TransportAddress): boolean {
    return this.#dangerouslyAllow.some((prefix) => prefix.contains(address));
  }
}

/** Backends of a cluster: an address range and a port range. */
export class Endpoint {
  readonly cluster: Cluster;
  readonly prefix: Prefix;
  readonly minPort: number;
  readonly maxPort: number;
  readonly ports: PortRanges;

  /** @throws RangeError when the address, prefix length or a port is none. */
  constructor(cluster: Cluster, data: EndpointData) {
    this.cluster = cluster;
    this.prefix = new Prefix(data);
    this.minPort = data.minPort;
    this.maxPort = data.maxPort;
    this.ports = new PortRanges([this.portRange]);
  }

  /** The ports as a pair. */
  get portRange(): PortRange {
    return [this.minPort, this.maxPort];
  }

  /** How many ports the given one is away from the range; 0 inside it. */
  portDistance(port: number): number {
    return Math.max(this.minPort - port, port - this.maxPort, 0);
  }

  /** As configurations write it: `10.0.0.0/24:10000-20000`, `[fd00::7]:5004`; the ports only when they are not all. */
  toString(): string {
    const { minPort, maxPort } = this;
    const range = this.prefix.toString();
    if (minPort <= 1 && maxPort === 65_535) return range;
    const address = range.includes(':') ? range.replace(/^[^/]+/, '[$&]') : range;
    return `${address}:${minPort === maxPort ? minPort : `${minPort}-${maxPort}`}`;
  }
}
