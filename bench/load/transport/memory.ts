import { Arena } from '../../../src/sys/arena.ts';
import { SendBatch } from '../../../src/sys/send-batch.ts';
import { StampedBatch } from './stamped-batch.ts';

/** Longest message of a client, bytes. */
export const MESSAGE_BYTES_MAX = 1500;
/** Bytes taken from a stream with one system call. */
export const STREAM_READ_BYTES = 64 * 1024;

/** Datagrams taken with one system call. */
const DATAGRAM_SLOTS = 64;
const DATAGRAM_BYTES = 2048;

/** Memory of the generator: it does one thing at a time, so all clients share it. */
export class GeneratorMemory {
  readonly arena = new Arena(1024 * 1024);
  /** Where datagrams are received to. */
  readonly datagrams = new StampedBatch(this.arena, DATAGRAM_SLOTS, DATAGRAM_BYTES);
  readonly datagramSend = new SendBatch(this.arena, 1);
  /** Where streams are read to. */
  readonly streamOffset = this.arena.allocate(STREAM_READ_BYTES, 64);
  /** Where the next message of a client is written. */
  readonly messageOffset = this.arena.allocate(MESSAGE_BYTES_MAX, 64);
}
