/** What proves to the directory that a domain leads to this gateway. */
export interface ChallengeAnswer {
  readonly domain: string;
  /** RFC 8555 §8.3: last part of the path that HTTP-01 asks for. */
  readonly token: string;
  /** RFC 8555 §8.1: token and thumbprint of the account key. */
  readonly keyAuthorization: string;
}

/**
 * Serves answers until the function that it returns is called.
 *
 * @throws GatewayError GW_ERR_ACME when they cannot be served.
 */
export type ServeAnswers = (answers: readonly ChallengeAnswer[]) => Promise<() => Promise<void>>;
