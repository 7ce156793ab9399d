import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { clientCertificateProblem, nodeTlsOptions } from '../../tls/node-tls.ts';
import type { TlsSettings } from '../../tls/tls-settings.ts';
import { ALPN_PROTOCOLS } from '../shared/alpn-protocols.ts';

/** What becomes of a handshake; nothing when the client is gone before its end, for then the socket closes. */
export interface HandshakeHandlers {
  /** From now on the stream is read and written here. */
  onSecure(secure: TLSSocket, settings: TlsSettings): void;
  /** The socket closes by itself, and must not be closed in this call; `reason` in words of OpenSSL. */
  onFailure(reason: string): void;
}

/** Does the handshakes of connections that others have accepted, each with the settings of the moment it begins. */
export class TlsAcceptor {
  /** Never listens: connections are handed to it. */
  #server: Server;
  readonly #handlersByPath = new Map<string, HandshakeHandlers>();

  /** @throws Error of OpenSSL when it cannot use the settings. */
  constructor(settings: TlsSettings) {
    this.#server = this.#serverFor(settings);
  }

  /** Takes other settings for handshakes to come; throws like the constructor, and then keeps those it had. */
  replace(settings: TlsSettings): void {
    this.#server = this.#serverFor(settings);
  }

  /** Begins a handshake with what is unread of a socket, which is paused and has no listener for data. */
  accept(socket: Socket, handlers: HandshakeHandlers): void {
    const path = pathOf(socket);
    this.#handlersByPath.set(path, handlers);
    socket.once('close', () => this.#forget(path, handlers));
    this.#server.emit('connection', socket);
  }

  #serverFor(settings: TlsSettings): Server {
    const protocol = { alpn: ALPN_PROTOCOLS, acceptsOtherAlpn: true };
    const server = createServer(nodeTlsOptions(settings, protocol));
    const fail = (secure: TLSSocket, reason: string): void => {
      this.#take(secure)?.onFailure(reason);
      secure.destroy();
    };
    server.on('tlsClientError', (error, secure) => fail(secure, reasonOf(error)));
    server.on('secureConnection', (secure) => {
      const problem = clientCertificateProblem(secure, settings);
      if (problem === undefined) this.#take(secure)?.onSecure(secure, settings);
      else fail(secure, problem);
    });
    return server;
  }

  /** Undefined also for a client that is gone, whose path nobody can tell any more. */
  #take(secure: TLSSocket): HandshakeHandlers | undefined {
    const path = pathOf(secure);
    const handlers = this.#handlersByPath.get(path);
    this.#handlersByPath.delete(path);
    return handlers;
  }

  /** The same path may have a new connection already. */
  #forget(path: string, handlers: HandshakeHandlers): void {
    if (this.#handlersByPath.get(path) === handlers) this.#handlersByPath.delete(path);
  }
}

/** Tells connections apart, also by the local address, since a listener may have several. */
function pathOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** OpenSSL's own words where there are some, the message being full of addresses in memory and source. */
function reasonOf(error: Error & { reason?: string }): string {
  return error.reason ?? error.message;
}
