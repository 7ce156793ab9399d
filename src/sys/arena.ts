import assert from 'node:assert';
import { loadLibc } from './libc.ts';

const PAGE_BYTES = 4096;
const WINDOW_BYTES = 2 ** 32;
const ADDRESSES_MAX = 4096;

/**
 * Memory that native calls and JavaScript share: one per worker, allocated once and never freed piecemeal.
 *
 * The backing store of an ArrayBuffer lies outside the V8 heap and never moves; it lives as long as the arena does. It
 * is zero at first, and a page costs nothing before it is touched. The arena lies within one 4 GiB window, so all
 * pointers into it share their high half.
 */
export class Arena {
  /** All bytes; an offset anywhere in this folder is an index into it. */
  readonly bytes: Uint8Array;
  /** The same memory as native-endian words. */
  readonly int32: Int32Array;
  /** The same memory as native-endian halves. */
  readonly uint16: Uint16Array;
  /** The same memory for network-order access. */
  readonly view: DataView;
  /** Native address of offset 0, page-aligned. */
  readonly address: number;
  readonly #addressLow: number;
  readonly #addressHigh: number;
  readonly #addressByOffset = new Map<number, bigint>();
  #next = 0;

  /** @param byteLength - rounded up to whole pages; at most 1 GiB. */
  constructor(byteLength: number) {
    assert(byteLength > 0 && byteLength <= 2 ** 30);
    const size = align(byteLength, PAGE_BYTES);
    const { buffer, start, address } = reserve(size);
    this.bytes = new Uint8Array(buffer, start, size);
    this.int32 = new Int32Array(buffer, start, size / 4);
    this.uint16 = new Uint16Array(buffer, start, size / 2);
    this.view = new DataView(buffer, start, size);
    this.address = address;
    this.#addressLow = address | 0;
    this.#addressHigh = Math.floor(address / WINDOW_BYTES);
  }

  /**
   * Takes `byteLength` zeroed bytes for good.
   *
   * @param alignment - a power of two up to the page size.
   * @returns their offset.
   * @throws RangeError when the arena is full.
   */
  allocate(byteLength: number, alignment = 8): number {
    const offset = align(this.#next, alignment);
    if (offset + byteLength > this.bytes.length) {
      throw new RangeError(
        `arena is full: ${byteLength} bytes wanted at ${offset} of ${this.bytes.length}`,
      );
    }
    this.#next = offset + byteLength;
    return offset;
  }

  /**
   * The native address of an offset, made once for each of those in use: a number of that size would be boxed anew for
   * every call.
   */
  addressOf(offset: number): bigint {
    const known = this.#addressByOffset.get(offset);
    if (known !== undefined) return known;
    if (this.#addressByOffset.size === ADDRESSES_MAX) this.#addressByOffset.clear();
    const address = BigInt(this.address + offset);
    this.#addressByOffset.set(offset, address);
    return address;
  }

  /** Stores a native pointer to `target` at `at`; both are offsets, `at` a multiple of 4. */
  writePointer(at: number, target: number): void {
    this.int32[at >> 2] = (this.#addressLow + target) | 0;
    this.int32[(at >> 2) + 1] = this.#addressHigh;
  }
}

function reserve(size: number): { buffer: ArrayBuffer; start: number; address: number } {
  const libc = loadLibc();
  const rejected: ArrayBuffer[] = [];
  for (;;) {
    const buffer = new ArrayBuffer(size + PAGE_BYTES);
    const first = libc.addressOf(buffer);
    const address = Math.ceil(first / PAGE_BYTES) * PAGE_BYTES;
    if ((address % WINDOW_BYTES) + size <= WINDOW_BYTES) {
      return { buffer, start: address - first, address };
    }
    // Held until another one is found, so that the same addresses are not handed out again.
    rejected.push(buffer);
  }
}

/** Integer operations, so that V8 keeps offsets as small integers and not as doubles. */
function align(value: number, powerOfTwo: number): number {
  return (value + powerOfTwo - 1) & -powerOfTwo;
}
