const HANDLE_MAX = 0x7fff_ffff;

/** Names things by numbers for the core; a name is used again only after all others. */
export class HandleTable<T> {
  readonly #valueByHandle = new Map<number, T>();
  #last: number;

  /** `last` is the name given last. */
  constructor(last = -1) {
    this.#last = last;
  }

  /** Number of things named. */
  get size(): number {
    return this.#valueByHandle.size;
  }

  /** Names a thing that `create` makes of its name: 0 to 2^31 - 1. */
  add(create: (handle: number) => T): T {
    do {
      this.#last = this.#last === HANDLE_MAX ? 0 : this.#last + 1;
    } while (this.#valueByHandle.has(this.#last));
    const value = create(this.#last);
    this.#valueByHandle.set(this.#last, value);
    return value;
  }

  /** The thing of that name, or undefined. */
  get(handle: number): T | undefined {
    return this.#valueByHandle.get(handle);
  }

  /** Takes a thing out. */
  remove(handle: number): T | undefined {
    const value = this.#valueByHandle.get(handle);
    this.#valueByHandle.delete(handle);
    return value;
  }

  /** All things, oldest first. */
  values(): Iterable<T> {
    return this.#valueByHandle.values();
  }
}
