/** First retransmission of a request over UDP (RFC 8489 §6.2.1: RTO), milliseconds. */
export const RETRANSMIT_MS = 500;
/** Transmissions of a request over UDP (RFC 8489 §6.2.1: Rc). */
export const TRANSMISSIONS_MAX = 7;
/** Deadline of a request unless told otherwise: 39.5 s of RFC 8489 §6.2.1 and Ti of §6.2.2, milliseconds. */
export const REQUEST_MS_DEFAULT = 39_500;

/** When transmission `count` follows the one before, counted from 1: doubled each time; undefined after the last. */
export function nextTransmissionMs(count: number): number | undefined {
  return count < TRANSMISSIONS_MAX ? RETRANSMIT_MS * 2 ** (count - 1) : undefined;
}
