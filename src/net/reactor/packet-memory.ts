import { DATAGRAM_BYTES_MAX } from '../../limits.ts';
import { Arena } from '../../sys/arena.ts';
import { ErrorQueue } from '../../sys/error-queue.ts';
import { ReceiveBatch } from '../../sys/receive-batch.ts';
import { SendBatch } from '../../sys/send-batch.ts';
import { DATA_INDICATION_HEADROOM_BYTES } from '../../turn/data-indication.ts';

/** Datagrams taken from a listener with one system call. */
export const UPSTREAM_SLOTS = 64;
/** Datagrams from peers, and replies, that wait for the end of the turn. */
export const DOWNSTREAM_SLOTS = 128;
/** Bytes read from a stream with one system call. */
export const STREAM_READ_BYTES = 64 * 1024;

/** A Data indication goes in front of the payload, and up to three bytes of padding behind it. */
const HEADROOM_BYTES = 64;
const PADDING_BYTES = 4;
const ARENA_BYTES = 32 * 1024 * 1024;

/**
 * All memory of a worker's packet path, taken once.
 *
 * Datagrams are relayed from the slot they were received into: the header is written in front of the payload or
 * skipped, and nothing is copied.
 */
export class PacketMemory {
  readonly arena = new Arena(ARENA_BYTES);
  /** From clients; emptied within one call. */
  readonly upstream: ReceiveBatch;
  /** From peers, a ring of slots; a slot is in use until the downstream queue is flushed. */
  readonly downstream: ReceiveBatch;
  readonly upstreamSend: SendBatch;
  readonly downstreamSend: SendBatch;
  readonly errors: ErrorQueue;
  /** Where streams are read to. */
  readonly streamOffset: number;
  /** Where a payload is put that arrived in pieces. */
  readonly stagingOffset: number;
  /** Where ciphertext for one stream is put. */
  readonly ciphertextOffset: number;
  /** Where messages for one plain stream are gathered. */
  readonly gatheredOffset: number;

  constructor() {
    const { arena } = this;
    const slotBytes = DATAGRAM_BYTES_MAX + PADDING_BYTES;
    this.upstream = new ReceiveBatch(arena, {
      slots: UPSTREAM_SLOTS,
      slotBytes,
      headroomBytes: HEADROOM_BYTES,
      control: true,
    });
    this.downstream = new ReceiveBatch(arena, {
      slots: DOWNSTREAM_SLOTS,
      slotBytes,
      headroomBytes: HEADROOM_BYTES,
      control: false,
    });
    this.upstreamSend = new SendBatch(arena, UPSTREAM_SLOTS);
    this.downstreamSend = new SendBatch(arena, DOWNSTREAM_SLOTS);
    this.errors = new ErrorQueue(arena);
    this.streamOffset = arena.allocate(STREAM_READ_BYTES, 64);
    this.stagingOffset = arena.allocate(STREAM_READ_BYTES + HEADROOM_BYTES, 64);
    this.ciphertextOffset = arena.allocate(STREAM_READ_BYTES, 64);
    this.gatheredOffset = arena.allocate(STREAM_READ_BYTES, 64);
  }
}

if (HEADROOM_BYTES < DATA_INDICATION_HEADROOM_BYTES) throw new RangeError('headroom is too small');
