import type { SeededRandom } from '../../../test/support/core/seeded-random.ts';

const BYTES_MAX = 4096;
/** Where lengths and signs turn over. */
const BOUNDARIES = [0, 1, 3, 4, 5, 0x0c, 0x0d, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff];
const LENGTHS = [0, 1, 3, 4, 8, 0x14, 0x100, 0x7ffc, 0x7fff, 0x8000, 0xfffc, 0xffff];

/** Real messages of one format. */
export interface Corpus {
  readonly messages: readonly Uint8Array[];
  /** Makes the lengths that a message says of itself agree with what it is, so that mutants get further. */
  readonly repair?: (bytes: Uint8Array, length: number) => void;
}

/** Changes real messages of any format in one to six places, without making an object for each of them. */
export class ByteMutator {
  /** The mutant, up to `length`; overwritten by the next one. */
  readonly bytes = new Uint8Array(BYTES_MAX);
  length = 0;
  readonly #messages: readonly Uint8Array[];
  readonly #repair: Corpus['repair'];
  readonly #random: SeededRandom;

  constructor({ messages, repair }: Corpus, random: SeededRandom) {
    this.#messages = messages;
    this.#repair = repair;
    this.#random = random;
  }

  /** Makes the next mutant. */
  next(): void {
    const seed = this.#random.pick(this.#messages);
    this.bytes.set(seed);
    this.length = seed.length;
    for (let edits = this.#random.below(6) + 1; edits > 0; edits--) this.#edit();
    if (this.#random.below(3) > 0) this.#repair?.(this.bytes, this.length);
  }

  #edit(): void {
    const { bytes } = this;
    const random = this.#random;
    const at = random.below(Math.max(1, this.length));
    switch (random.below(8)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        bytes[at] = random.pick(BOUNDARIES);
        break;
      case 2:
        this.#putUint16(at, random.pick(LENGTHS));
        break;
      case 3:
        this.#putUint16(at & ~1, random.below(this.length + 8));
        break;
      case 4:
        this.length = at;
        break;
      case 5:
        this.#insert(at, random.below(24));
        break;
      case 6:
        bytes.copyWithin(at, at + random.below(16) + 1, this.length);
        break;
      default:
        this.#splice(at);
    }
  }

  #putUint16(at: number, value: number): void {
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  #insert(at: number, count: number): void {
    if (this.length + count > BYTES_MAX) return;
    this.bytes.copyWithin(at + count, at, this.length);
    for (let index = at; index < at + count; index++) this.bytes[index] = this.#random.below(256);
    this.length += count;
  }

  /** Goes on from here with the rest of another message. */
  #splice(at: number): void {
    const other = this.#random.pick(this.#messages);
    const from = this.#random.below(Math.max(1, other.length));
    const count = Math.min(other.length - from, BYTES_MAX - at);
    for (let index = 0; index < count; index++) this.bytes[at + index] = other[from + index]!;
    this.length = at + count;
  }
}
