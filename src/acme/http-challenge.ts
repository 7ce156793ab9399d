import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { HttpEndpoint } from '../config/gateway-config.ts';
import { formatHttpEndpoint } from '../config/http-endpoints.ts';
import { errorText, GatewayError } from '../errors.ts';
import {
  ACME_CONNECTIONS_MAX,
  HTTP_HEADER_BYTES_MAX,
  HTTP_REQUEST_SECONDS_MAX,
} from '../limits.ts';
import type { ChallengeAnswer, ServeAnswers } from './challenge-answer.ts';

/** RFC 8555 §8.3: where the answers lie. */
const PATH = '/.well-known/acme-challenge/';

/** Serves the answers to HTTP-01 challenges (RFC 8555 §8.3) over plain HTTP. */
export function serveHttpAnswers({ host, port }: HttpEndpoint): ServeAnswers {
  return async (answers) => {
    const server = createServer(SERVER_OPTIONS, answerFrom(answers));
    server.maxConnections = ACME_CONNECTIONS_MAX;
    server.listen({ host: host === '' ? '::' : host, port });
    try {
      await once(server, 'listening');
    } catch (error) {
      const where = formatHttpEndpoint({ host, port });
      const detail = `the answers to HTTP-01 cannot be served on ${where}: ${errorText(error)}`;
      throw new GatewayError('GW_ERR_ACME', detail, { cause: error });
    }
    return () => close(server);
  };
}

const SERVER_OPTIONS = {
  headersTimeout: HTTP_REQUEST_SECONDS_MAX * 1000,
  requestTimeout: HTTP_REQUEST_SECONDS_MAX * 1000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: HTTP_HEADER_BYTES_MAX,
};

function answerFrom(answers: readonly ChallengeAnswer[]): RequestListener {
  const bodyByPath = new Map(
    answers.map(({ token, keyAuthorization }) => [PATH + token, keyAuthorization]),
  );
  return ({ method = '', url = '' }, response) => {
    const body = ['GET', 'HEAD'].includes(method) ? bodyByPath.get(url) : undefined;
    response.writeHead(body === undefined ? 404 : 200, {
      'cache-control': 'no-store',
      connection: 'close',
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
    });
    response.end(body);
  };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
