import type { PortRange } from './media-server.ts';

/**
 * Pairs of neighbouring ports, each for one connection: the library looks for a free port and binds it later, so that
 * two connections that look in the same range at a time would find the same one.
 */
export class PortPairs {
  readonly #free: number[] = [];

  constructor({ min, max }: PortRange) {
    for (let port = min; port < max; port += 2) this.#free.push(port);
  }

  /** Takes a pair; undefined when none is left. */
  take(): PortRange | undefined {
    const min = this.#free.shift();
    return min === undefined ? undefined : { min, max: min + 1 };
  }

  /** Gives a pair back. */
  give({ min }: PortRange): void {
    this.#free.push(min);
  }
}
