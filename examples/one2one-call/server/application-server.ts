import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { once } from 'node:events';
import { type WebSocket, WebSocketServer } from 'ws';
import type { PemPair } from '../../../src/tls/tls-settings.ts';
import { parseMessage, type ServerMessage } from './messages.ts';
import { servePage } from './page-files.ts';
import type { Switchboard } from './switchboard.ts';

const PATH = '/one2one';
const MESSAGE_BYTES_MAX = 128 * 1024;
const BROWSERS_MAX = 500;
const HEARTBEAT_MS = 10_000;
/** WebSocket close code "try again later". */
const TRY_AGAIN_LATER = 1013;

/** What an application server is started with. */
export interface ApplicationServerOptions {
  readonly switchboard: Switchboard;
  /** Undefined: every address. */
  readonly host: string | undefined;
  readonly port: number;
  /** Undefined: plain HTTP. */
  readonly certificate: PemPair | undefined;
  /** Pages of other origins that may use it. */
  readonly origins: readonly string[];
}

/** Serves the page, and the WebSocket over which browsers call each other. */
export class ApplicationServer {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #switchboard: Switchboard;
  readonly #alive = new WeakSet<WebSocket>();
  readonly #heartbeat: NodeJS.Timeout;

  private constructor({ switchboard, certificate, origins }: ApplicationServerOptions) {
    this.#switchboard = switchboard;
    this.#server =
      certificate === undefined
        ? createServer()
        : createSecureServer({ cert: certificate.certificatePem, key: certificate.keyPem });
    this.#server.on('request', (request, response) => {
      servePage(request, response).catch(() => response.destroy());
    });
    this.#sockets = new WebSocketServer({
      server: this.#server,
      path: PATH,
      maxPayload: MESSAGE_BYTES_MAX,
      verifyClient: ({ origin, req }: { origin?: string; req: IncomingMessage }) =>
        isAllowed(origin, req.headers.host, origins),
    });
    this.#sockets.on('connection', (socket) => this.#connect(socket));
    // Those of the server, which whoever starts it is told.
    this.#sockets.on('error', () => undefined);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Starts it; rejects when the port is taken. */
  static async start(options: ApplicationServerOptions): Promise<ApplicationServer> {
    const server = new ApplicationServer(options);
    server.#server.listen({ host: options.host, port: options.port });
    try {
      await once(server.#server, 'listening');
    } catch (error) {
      clearInterval(server.#heartbeat);
      throw error;
    }
    return server;
  }

  /** Ends it with every connection. */
  stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #connect(socket: WebSocket): void {
    // A `close` follows.
    socket.on('error', () => undefined);
    if (this.#sockets.clients.size > BROWSERS_MAX) {
      socket.close(TRY_AGAIN_LATER);
      return;
    }
    const send = (message: ServerMessage): void => socket.send(JSON.stringify(message));
    const line = this.#switchboard.connect(send);
    this.#alive.add(socket);
    socket.on('pong', () => this.#alive.add(socket));
    socket.on('message', (data: Buffer) => {
      const message = parseMessage(data.toString());
      if ('problem' in message) send({ id: 'error', message: message.problem });
      else line.hear(message);
    });
    socket.on('close', () => line.close());
  }

  /** Lets go of browsers that have not been heard of since the beat before. */
  #beat(): void {
    for (const socket of this.#sockets.clients) {
      if (this.#alive.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }
}

/** Pages of others must not use the connection in the name of who looks at them; programs say no origin. */
function isAllowed(
  origin: string | undefined,
  host: string | undefined,
  others: readonly string[],
): boolean {
  if (origin === undefined || others.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
