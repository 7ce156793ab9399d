/** Descriptors of which edges will not tell again though there is more; each at most once, and no object per turn. */
export class Unfinished {
  #descriptors: number[] = [];
  #taken: number[] = [];
  readonly #isAdded: boolean[] = [];

  /** Adds a descriptor unless it is there. */
  add(fd: number): void {
    if (this.#isAdded[fd] === true) return;
    this.#isAdded[fd] = true;
    this.#descriptors.push(fd);
  }

  /** Takes all of them; borrowed until the next call. */
  take(): readonly number[] {
    const taken = this.#descriptors;
    for (let index = 0; index < taken.length; index++) this.#isAdded[taken[index]!] = false;
    this.#descriptors = this.#taken;
    this.#descriptors.length = 0;
    this.#taken = taken;
    return taken;
  }
}
