import { CandidatePairState, type IceConnection, type Message } from 'werift';

type Address = readonly [host: string, port: number];

/**
 * Has a connection send where its browser wants to be sent to. A browser with several ways to the gateway nominates
 * one, then a better one, and lets the first one go; the library would stay with the first (RFC 8445 §8.1.1).
 */
export class Nomination {
  #wanted: Address | undefined;

  /** Takes a request of the browser; the wish may come before the pair that it is about has been checked from here. */
  follow(connection: IceConnection, { attributesKeys }: Message, from: Address): void {
    if (attributesKeys.includes('USE-CANDIDATE')) this.#wanted = from;
    const pair = connection.candidatePairs.find(
      ({ remoteAddr: [host, port], state }) =>
        state === CandidatePairState.SUCCEEDED &&
        host === this.#wanted?.[0] &&
        port === this.#wanted[1],
    );
    // Without a nominated one the library takes it itself.
    if (connection.nominated !== undefined && pair !== undefined) connection.nominated = pair;
  }
}
