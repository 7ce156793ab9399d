const DESCRIPTORS_MAX = 1 << 20;

/** Memory that notes which worker owns which file descriptor. */
export function createDescriptorMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(DESCRIPTORS_MAX);
}

/**
 * Notes which worker owns which file descriptor, so that those of a worker that died can be closed.
 *
 * File descriptors belong to the process, not to the thread that opened them.
 */
export class DescriptorLedger {
  readonly #owners: Uint8Array;
  readonly #owner: number;

  /** `worker` counts from 0, at most 254; `memory` comes from `createDescriptorMemory`. */
  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#owners = new Uint8Array(memory);
    this.#owner = worker + 1;
  }

  /** Notes `fd` as this worker's, also when another worker had it before. */
  own(fd: number): void {
    this.#owners[fd] = this.#owner;
  }

  /** Forgets `fd`; to be called before it is closed. */
  disown(fd: number): void {
    this.#owners[fd] = 0;
  }

  /** Takes everything a dead worker owned out of the ledger, for the caller to close. */
  takeAllOf(worker: number): number[] {
    const taken: number[] = [];
    for (
      let fd = this.#owners.indexOf(worker + 1);
      fd >= 0;
      fd = this.#owners.indexOf(worker + 1, fd + 1)
    ) {
      this.#owners[fd] = 0;
      taken.push(fd);
    }
    return taken;
  }
}
