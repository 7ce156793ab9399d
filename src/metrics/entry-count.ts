import { readdirSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';

/** How many entries a directory of /proc has, told at once. */
export class EntryCount {
  readonly #directory: string;
  #last: number | undefined;
  #isReading = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * The number of now where the system tells it (file descriptors since Linux 6.2), else that of the last time it was
   * asked for: reading 10,000 names takes longer than all the rest of a scrape. Undefined when there is no such
   * directory.
   */
  read(): number | undefined {
    try {
      const { size } = statSync(this.#directory);
      if (size > 0) return size;
      this.#last ??= readdirSync(this.#directory).length;
      void this.#readAgain();
      return this.#last;
    } catch {
      return undefined;
    }
  }

  async #readAgain(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      this.#last = (await readdir(this.#directory)).length;
    } catch {
      // A read that failed leaves the number as it was.
    } finally {
      this.#isReading = false;
    }
  }
}
