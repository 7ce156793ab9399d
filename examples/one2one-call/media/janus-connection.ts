import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { IceCandidate } from './media-server.ts';

/** A session description as Janus takes and gives it. */
interface Jsep {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

/** What a plugin says. */
interface JanusEvent {
  readonly error?: string;
  readonly result?: { readonly event?: string; readonly reason?: string };
}

/** A message of Janus; only what is read here. */
export interface JanusMessage {
  readonly janus: string;
  readonly transaction?: string;
  /** Handle that it is about. */
  readonly sender?: number;
  readonly data?: { readonly id: number };
  readonly error?: { readonly reason: string };
  readonly plugindata?: { readonly data: JanusEvent };
  readonly jsep?: Jsep;
  /** Without an address it says that there are no more. */
  readonly candidate?: Partial<IceCandidate>;
}

const KEEP_ALIVE_MS = 20_000;
const ANSWER_MS_MAX = 5000;
const NO_ANSWER: JanusMessage = {
  janus: 'error',
  error: { reason: 'the media server does not answer' },
};

type Listener = (message: JanusMessage) => void;

/** A session with Janus over its WebSocket API. */
export class JanusConnection {
  /** Resolves once it is closed, by whichever side. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, Listener>();
  readonly #handles = new Map<number, Listener>();
  #session: number | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as JanusMessage));
    const keepAlive = setInterval(() => this.#send({ janus: 'keepalive' }), KEEP_ALIVE_MS);
    // A `close` follows.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearInterval(keepAlive);
        for (const answer of this.#waiting.values()) answer(NO_ANSWER);
        resolve();
      });
    });
  }

  /** Connects and opens a session; rejects when nobody listens. */
  static async open(url: string): Promise<JanusConnection> {
    const socket = new WebSocket(url, 'janus-protocol', { handshakeTimeout: ANSWER_MS_MAX });
    await once(socket, 'open');
    const connection = new JanusConnection(socket);
    try {
      connection.#session = (await connection.#request({ janus: 'create' })).data!.id;
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /**
   * Attaches to a plugin.
   *
   * @param hear - called with whatever Janus says of the handle.
   * @returns the handle.
   */
  async attach(plugin: string, hear: Listener): Promise<number> {
    const handle = (await this.#request({ janus: 'attach', plugin })).data!.id;
    this.#handles.set(handle, hear);
    return handle;
  }

  /** Asks a plugin for something; rejects with what it says is wrong. */
  async ask(handle: number, body: object, jsep?: Jsep): Promise<void> {
    const message = { janus: 'message', handle_id: handle, body, ...(jsep ? { jsep } : {}) };
    const event = await this.#request(message);
    const error = event.plugindata?.data.error;
    if (error !== undefined) throw new Error(error);
  }

  /** Hands on a candidate of the browser. */
  trickle(handle: number, candidate: object): void {
    this.#send({ janus: 'trickle', handle_id: handle, candidate });
  }

  /** Ends what a handle does. */
  detach(handle: number): void {
    this.#handles.delete(handle);
    this.#send({ janus: 'detach', handle_id: handle });
  }

  /** Ends the session. */
  close(): void {
    this.#socket.terminate();
  }

  #request(message: object): Promise<JanusMessage> {
    return new Promise((resolve, reject) => {
      const transaction = this.#send(message);
      const take = (answer: JanusMessage): void => {
        // The answer of a plugin comes after it.
        if (answer.janus === 'ack') return;
        clearTimeout(timer);
        this.#waiting.delete(transaction);
        if (answer.error === undefined) resolve(answer);
        else reject(new Error(answer.error.reason));
      };
      const timer = setTimeout(take, ANSWER_MS_MAX, NO_ANSWER);
      this.#waiting.set(transaction, take);
      if (this.#socket.readyState !== WebSocket.OPEN) take(NO_ANSWER);
    });
  }

  #send(message: object): string {
    const transaction = randomUUID();
    const session = this.#session === undefined ? {} : { session_id: this.#session };
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ ...message, ...session, transaction }));
    }
    return transaction;
  }

  #hear(message: JanusMessage): void {
    const answered = this.#waiting.get(message.transaction ?? '');
    if (answered !== undefined) answered(message);
    else if (message.sender !== undefined) this.#handles.get(message.sender)?.(message);
  }
}
