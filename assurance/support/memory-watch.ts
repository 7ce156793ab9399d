import type { Owner } from '../../test/support/owner.ts';
import { residentBytes } from '../../bench/measure/process-times.ts';

const LOOK_MS = 250;

/** Watches how much resident memory of a process grows, from now until `stop`, or until its owner ends. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #before: number;
  readonly #timer: NodeJS.Timeout;
  #most: number;

  /** @param pid - of a process that ends after its owner's newer things. */
  constructor(pid: number, owner: Owner) {
    this.#pid = pid;
    this.#before = this.#most = residentBytes(pid);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    owner.teardown(() => clearInterval(this.#timer));
  }

  /** Ends the watch; returns the growth at its highest, bytes. */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#most - this.#before;
  }

  #look(): void {
    this.#most = Math.max(this.#most, residentBytes(this.#pid));
  }
}
