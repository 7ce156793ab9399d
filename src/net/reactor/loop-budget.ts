import { STREAM_READ_BYTES } from './packet-memory.ts';

const TURN_BYTES = 512 * 1024;
const STRANGERS_TURN_BYTES = 16 * 1024;
const STRANGER_READ_BYTES = 4 * 1024;
/** One with RSA takes a millisecond. */
const HANDSHAKE_STEPS = 4;

/**
 * How much is read from streams in one turn of the loop, and how many steps of handshakes are taken, so that datagrams
 * have their turn soon whatever else comes.
 *
 * Clients without an allocation share a small part of it: each of their messages may cost an HMAC and is worth nothing.
 * A connection that gets nothing is reported again in the next turn.
 */
export class LoopBudget {
  #bytes = TURN_BYTES;
  #strangersBytes = STRANGERS_TURN_BYTES;
  #handshakeSteps = HANDSHAKE_STEPS;

  /** Starts a turn. */
  renew(): void {
    this.#bytes = TURN_BYTES;
    this.#strangersBytes = STRANGERS_TURN_BYTES;
    this.#handshakeSteps = HANDSHAKE_STEPS;
  }

  /** True when one more step of a handshake, which costs far more than a packet, may be taken in this turn. */
  grantHandshakeStep(): boolean {
    return this.#handshakeSteps-- > 0;
  }

  /** Bytes that one connection may read now; 0 when it has to wait for the next turn. */
  grant(isStranger: boolean): number {
    if (this.#bytes <= 0) return 0;
    if (!isStranger) return STREAM_READ_BYTES;
    return this.#strangersBytes <= 0 ? 0 : STRANGER_READ_BYTES;
  }

  /** Counts what was read. */
  spend(bytes: number, isStranger: boolean): void {
    this.#bytes -= bytes;
    if (isStranger) this.#strangersBytes -= bytes;
  }
}
