import type { RTCPeerConnection } from 'werift';

type IceConnection = RTCPeerConnection['iceTransports'][number]['connection'];

/** A request of a browser as the library shows it. */
export interface BindingRequest {
  readonly attributesKeys: readonly string[];
}

/** `CandidatePairState.SUCCEEDED` of the library. */
const SUCCEEDED = 3;

/**
 * Sends where the browser wants to be sent to. A browser with several ways to the gateway nominates one, then a better
 * one, and lets the first one go; the library would stay with the first (RFC 8445 §8.1.1).
 *
 * @param from - address and port that the request has come from.
 */
export function followNomination(
  { iceTransports }: RTCPeerConnection,
  { attributesKeys }: BindingRequest,
  from: readonly [string, number],
): void {
  if (!attributesKeys.includes('USE-CANDIDATE')) return;
  for (const { connection } of iceTransports) {
    const pair = pairWith(connection, from);
    if (connection.nominated !== undefined && pair !== undefined) connection.nominated = pair;
  }
}

function pairWith({ candidatePairs }: IceConnection, [host, port]: readonly [string, number]) {
  return candidatePairs.find(
    ({ remoteAddr, state }) =>
      state === SUCCEEDED && remoteAddr[0] === host && remoteAddr[1] === port,
  );
}
