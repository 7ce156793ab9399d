/** What the gateway hands out for a user: the argument of `new RTCPeerConnection`, and until when it is good. */
export interface IceConfiguration {
  readonly iceServers: readonly {
    readonly urls: readonly string[];
    readonly username: string;
    readonly credential: string;
  }[];
  readonly iceTransportPolicy: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

const ANSWER_MS_MAX = 10_000;

/**
 * Asks the gateway's ICE API for the configuration of a user: this is all that an application has to do.
 *
 * @param endpoint - such as `http://127.0.0.1:8088`.
 * @throws Error that says in words why there is none.
 */
export async function fetchIceConfiguration(
  endpoint: string,
  username: string,
): Promise<IceConfiguration> {
  const query = new URLSearchParams({ service: 'turn', username, iceTransportPolicy: 'relay' });
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const response = await fetch(`${endpoint}/ice?${query.toString()}`, { signal }).catch(() => {
    throw new Error('the ICE API of the gateway does not answer');
  });
  if (!response.ok) throw new Error(`the ICE API of the gateway answers ${response.status}`);
  return (await response.json()) as IceConfiguration;
}
