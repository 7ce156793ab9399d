import type { HttpEndpoint } from '../config/gateway-config.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';
import { errorText, GatewayError } from '../errors.ts';
import { ECHO_ANSWER_BYTES_MAX, ECHO_REQUEST_SECONDS_MAX } from '../limits.ts';

/**
 * Offers a WebRTC connection to an echo (WHIP, RFC 9725 §4.2) and resolves with its answer.
 *
 * @param endpoint - undefined: none is configured.
 * @throws GatewayError GW_ERR_ECHO or GW_ERR_ECHO_BUSY.
 */
export async function offerToEcho(
  endpoint: HttpEndpoint | undefined,
  offer: string,
): Promise<string> {
  if (endpoint === undefined) {
    throw new GatewayError('GW_ERR_ECHO', 'admin.echo_endpoint names no WebRTC echo');
  }
  const url = formatHttpEndpoint(endpoint);
  const { status, text } = await post(url, offer);
  if (status === 201) return text;
  if (status === 503) {
    throw new GatewayError('GW_ERR_ECHO_BUSY', `every port of the WebRTC echo at ${url} is taken`);
  }
  throw new GatewayError('GW_ERR_ECHO', `the WebRTC echo at ${url} answers ${status}`);
}

async function post(url: string, offer: string): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: offer,
      redirect: 'error',
      signal: AbortSignal.timeout(ECHO_REQUEST_SECONDS_MAX * 1000),
    });
    return { status: response.status, text: await readBounded(response) };
  } catch (error) {
    const detail = `the WebRTC echo at ${url} does not answer: ${reason(error)}`;
    throw new GatewayError('GW_ERR_ECHO', detail, { cause: error });
  }
}

async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > ECHO_ANSWER_BYTES_MAX) throw new RangeError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** `fetch` says what has happened in the cause of its error. */
function reason(error: unknown): string {
  return errorText(error instanceof TypeError && error.cause ? error.cause : error);
}
