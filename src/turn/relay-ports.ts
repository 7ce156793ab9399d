import type { RandomSource } from './policy.ts';

const RANDOM_TRIES = 8;

/** Which port an Allocate needs (RFC 8656 §18.6, EVEN-PORT). */
export type PortWish = 'any' | 'even' | 'evenWithNext';

/** Ports that relayed transport addresses are taken from, both ends included. */
export interface PortRange {
  readonly minPort: number;
  readonly maxPort: number;
}

/**
 * The ports of one address family from which relayed transport addresses are taken (RFC 8656 §7.2).
 *
 * `owners` has one byte per port of the range: 0 is free, anything else names the worker that holds it. It may lie in
 * shared memory, so that several workers draw from one range without ever choosing the same port.
 */
export class RelayPorts {
  readonly #firstPort: number;
  readonly #owners: Uint8Array;
  readonly #owner: number;
  #minPort: number;
  #maxPort: number;

  /** `owner` is 1 to 255; `owners.length` is the number of ports from `firstPort` on, all of which are in the range. */
  constructor(firstPort: number, owners: Uint8Array, owner: number) {
    this.#firstPort = firstPort;
    this.#owners = owners;
    this.#owner = owner;
    this.#minPort = firstPort;
    this.#maxPort = firstPort + owners.length - 1;
  }

  /** Lets ports be taken from another range, within that of `owners`; those that are held stay so. */
  replaceRange({ minPort, maxPort }: PortRange): void {
    this.#minPort = minPort;
    this.#maxPort = maxPort;
  }

  /** Takes a free port at random, or returns undefined when none fits the wish. */
  take(wish: PortWish, random: RandomSource): number | undefined {
    const count = this.#maxPort - this.#minPort + 1;
    for (let attempt = 0; attempt < RANDOM_TRIES; attempt++) {
      const port = this.#minPort + random.below(count);
      if (this.#tryTake(port, wish)) return port;
    }
    const start = random.below(count);
    for (let step = 0; step < count; step++) {
      const port = this.#minPort + ((start + step) % count);
      if (this.#tryTake(port, wish)) return port;
    }
    return undefined;
  }

  /** Gives a port back; giving back a port of another owner does nothing. */
  release(port: number): void {
    Atomics.compareExchange(this.#owners, port - this.#firstPort, this.#owner, 0);
  }

  /** Makes a port that another worker reserved our own. */
  adopt(port: number): void {
    Atomics.store(this.#owners, port - this.#firstPort, this.#owner);
  }

  #tryTake(port: number, wish: PortWish): boolean {
    if (wish !== 'any' && port % 2 !== 0) return false;
    if (!this.#claim(port)) return false;
    if (wish !== 'evenWithNext' || this.#claim(port + 1)) return true;
    this.release(port);
    return false;
  }

  #claim(port: number): boolean {
    if (port > this.#maxPort) return false;
    return Atomics.compareExchange(this.#owners, port - this.#firstPort, 0, this.#owner) === 0;
  }
}
