import type { RandomSource } from './policy.ts';

const RANDOM_TRIES = 8;

/** Which port an Allocate needs (RFC 8656 §18.6, EVEN-PORT). */
export type PortWish = 'any' | 'even' | 'evenWithNext';

/**
 * The ports of one address family from which relayed transport addresses are taken (RFC 8656 §7.2).
 *
 * `owners` has one byte per port of the range: 0 is free, anything else names the worker that holds it. It may lie in
 * shared memory, so that several workers draw from one range without ever choosing the same port.
 */
export class RelayPorts {
  readonly #minPort: number;
  readonly #owners: Uint8Array;
  readonly #owner: number;

  /** `owner` is 1 to 255; `owners.length` is the number of ports from `minPort` on. */
  constructor(minPort: number, owners: Uint8Array, owner: number) {
    this.#minPort = minPort;
    this.#owners = owners;
    this.#owner = owner;
  }

  /** Takes a free port at random, or returns undefined when none fits the wish. */
  take(wish: PortWish, random: RandomSource): number | undefined {
    const count = this.#owners.length;
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
    Atomics.compareExchange(this.#owners, port - this.#minPort, this.#owner, 0);
  }

  /** Makes a port that another worker reserved our own. */
  adopt(port: number): void {
    Atomics.store(this.#owners, port - this.#minPort, this.#owner);
  }

  #tryTake(port: number, wish: PortWish): boolean {
    if (wish !== 'any' && port % 2 !== 0) return false;
    if (!this.#claim(port)) return false;
    if (wish !== 'evenWithNext' || this.#claim(port + 1)) return true;
    this.release(port);
    return false;
  }

  #claim(port: number): boolean {
    const index = port - this.#minPort;
    if (index >= this.#owners.length) return false;
    return Atomics.compareExchange(this.#owners, index, 0, this.#owner) === 0;
  }
}
