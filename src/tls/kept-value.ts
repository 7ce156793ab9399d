import { createHash } from 'node:crypto';
import { errorText } from '../errors.ts';
import type { Content } from './file-content.ts';

/** Where a kept value comes from; both steps throw an Error that says what is wrong. */
export interface ValueOrigin<T> {
  read(): Promise<readonly Content[]>;
  parse(contents: readonly Content[]): T | Promise<T>;
}

/** A kept value with the files that it is made from and the names of the endpoints that use it. */
export interface Followed<T> {
  readonly kept: KeptValue<T>;
  readonly files: readonly string[];
  readonly uses: string[];
}

/** What a look at the origin has found. */
export type Refresh = 'same' | 'changed' | 'recovered' | 'failed' | 'failed-otherwise';

/** Something made from files that stays as it is while the files cannot be used. */
export class KeptValue<T> {
  readonly #origin: ValueOrigin<T>;
  #kept: { readonly value: T; readonly hash: string } | undefined;
  /** Hash, or error, of what was looked at last. */
  #lastLook = '';
  #failures = 0;
  #lastError: string | undefined;

  constructor(origin: ValueOrigin<T>) {
    this.#origin = origin;
  }

  /** What is in use; only after `load`. */
  get value(): T {
    if (this.#kept === undefined) throw new TypeError('the value has not been loaded');
    return this.#kept.value;
  }

  /** How often the files came to hold something that cannot be used. */
  get failures(): number {
    return this.#failures;
  }

  /** Why the files cannot be used now; undefined when they can. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Reads for the first time; throws what reading and parsing throw. */
  async load(): Promise<void> {
    const contents = await this.#origin.read();
    const hash = hashOf(contents);
    this.#kept = { value: await this.#origin.parse(contents), hash };
    this.#lastLook = hash;
  }

  /**
   * Reads again, and keeps the old value when the new one cannot be used. Contents that have been looked at before cost
   * no more than reading them.
   *
   * @returns `failed-otherwise` when it has failed before, for another reason or with other contents.
   */
  async refresh(): Promise<Refresh> {
    let look = '';
    try {
      const contents = await this.#origin.read();
      look = hashOf(contents);
      if (look === this.#lastLook) return 'same';
      return await this.#accept(look, contents);
    } catch (error) {
      return this.#refuse(look, errorText(error));
    }
  }

  async #accept(hash: string, contents: readonly Content[]): Promise<Refresh> {
    const isKnown = hash === this.#kept?.hash;
    if (!isKnown) this.#kept = { value: await this.#origin.parse(contents), hash };
    this.#lastLook = hash;
    this.#lastError = undefined;
    return isKnown ? 'recovered' : 'changed';
  }

  #refuse(hash: string, reason: string): Refresh {
    const look = hash === '' ? reason : hash;
    if (look === this.#lastLook) return 'same';
    const hadFailed = this.#lastError !== undefined;
    this.#lastLook = look;
    this.#lastError = reason;
    this.#failures += 1;
    return hadFailed ? 'failed-otherwise' : 'failed';
  }
}

function hashOf(contents: readonly Content[]): string {
  const hash = createHash('sha256');
  for (const { bytes } of contents) hash.update(`${bytes.length}:`).update(bytes);
  return hash.digest('hex');
}
