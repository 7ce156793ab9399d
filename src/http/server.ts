import {
  createServer as createHttpServer,
  type RequestListener,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import {
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADER_BYTES_MAX,
  HTTP_IDLE_SECONDS_MAX,
  HTTP_REQUEST_SECONDS_MAX,
} from '../limits.ts';
import { clientCertificateProblem, nodeTlsOptions } from '../tls/node-tls.ts';
import { ACME_TLS_PROTOCOL, type TlsSettings } from '../tls/tls-settings.ts';

/** The servers of one endpoint, one for each of its addresses, with TLS or without, bounded by `limits.ts`. */
export class HttpServers {
  #tls: TlsSettings | undefined;
  readonly #secure = new Set<HttpsServer>();
  readonly #servers = new Set<HttpServer>();

  /** @param tls - undefined: plain HTTP. */
  constructor(tls?: TlsSettings) {
    this.#tls = tls;
  }

  /** Makes a server; it does not listen yet. */
  create(onRequest: RequestListener): HttpServer {
    const server =
      this.#tls === undefined
        ? createHttpServer(SERVER_OPTIONS, onRequest)
        : this.#createSecure(this.#tls, onRequest);
    server.maxConnections = HTTP_CONNECTIONS_MAX;
    server.setTimeout(HTTP_IDLE_SECONDS_MAX * 1000);
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    return server;
  }

  /** Ends every connection of every server, whatever is under way. */
  closeConnections(): void {
    for (const server of this.#servers) server.closeAllConnections();
  }

  /**
   * Lets new connections have other settings; those that are open go on as they began.
   *
   * @throws TypeError when the servers are plain HTTP.
   */
  replaceTls(settings: TlsSettings): void {
    if (this.#tls === undefined) throw new TypeError('plain HTTP has no TLS to replace');
    const options = nodeTlsOptions(settings);
    for (const server of this.#secure) {
      server.setSecureContext(options);
      // node:tls reads it for every connection, but its types know it only as an option of a new server.
      Object.assign(server, { requestCert: options.requestCert });
    }
    this.#tls = settings;
  }

  #createSecure(settings: TlsSettings, onRequest: RequestListener): HttpsServer {
    const current = (): TlsSettings => this.#tls ?? settings;
    const tlsOptions = nodeTlsOptions(current, { alpn: ALPN_PROTOCOLS });
    const server = createHttpsServer({ ...tlsOptions, ...SERVER_OPTIONS }, onRequest);
    server.prependListener('secureConnection', (socket) => disconnectUnlessHttp(socket, current()));
    this.#secure.add(server);
    server.once('close', () => this.#secure.delete(server));
    return server;
  }
}

const ALPN_PROTOCOLS = ['http/1.1', 'http/1.0'];

const SERVER_OPTIONS = {
  headersTimeout: HTTP_REQUEST_SECONDS_MAX * 1000,
  requestTimeout: HTTP_REQUEST_SECONDS_MAX * 1000,
  keepAliveTimeout: HTTP_IDLE_SECONDS_MAX * 1000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: HTTP_HEADER_BYTES_MAX,
};

function disconnectUnlessHttp(socket: TLSSocket, settings: TlsSettings): void {
  if (clientCertificateProblem(socket, settings) !== undefined) socket.destroy();
  // RFC 8737 §3: nothing follows the handshake.
  if (socket.alpnProtocol === ACME_TLS_PROTOCOL) socket.destroySoon();
}
