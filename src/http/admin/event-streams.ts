import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { SECURITY_HEADERS } from '../shared/security-headers.ts';
import { apiError } from './errors.ts';
import type { GatewayControl, GatewayEvent } from './gateway-control.ts';

/** Bounds of the event streams. */
export interface EventStreamLimits {
  /** Streams at a time; 32 by default. */
  readonly streamsMax: number;
  /** A comment is sent so often, that middleboxes keep the connection; 15,000 by default. */
  readonly heartbeatMilliseconds: number;
  /** A reader that lets more wait is disconnected; 256 kB by default. */
  readonly waitingBytesMax: number;
}

/** What a reader asks for. */
export interface EventStreamRequest {
  /** Types, or what they begin with up to a dot, such as `allocation`; none: all. */
  readonly types: readonly string[];
  /** Id of the last event that the reader has seen; undefined: it wants only what comes. */
  readonly afterId: number | undefined;
}

const LIMITS_DEFAULT: EventStreamLimits = {
  streamsMax: 32,
  heartbeatMilliseconds: 15_000,
  waitingBytesMax: 256 * 1024,
};

const RETRY_MILLISECONDS = 2000;

/** The open streams of server-sent events. */
export class EventStreams {
  readonly #control: Pick<GatewayControl, 'subscribe'>;
  readonly #limits: EventStreamLimits;
  readonly #streams = new Set<EventStream>();

  constructor(control: Pick<GatewayControl, 'subscribe'>, limits: Partial<EventStreamLimits> = {}) {
    this.#control = control;
    this.#limits = { ...LIMITS_DEFAULT, ...limits };
  }

  /**
   * Answers a request with a stream.
   *
   * @throws HttpError API_ERR_TOO_MANY_STREAMS.
   */
  open(reply: FastifyReply, request: EventStreamRequest): void {
    if (this.#streams.size >= this.#limits.streamsMax) {
      throw apiError('API_ERR_TOO_MANY_STREAMS', 'too many event streams are open', {
        'retry-after': '5',
      });
    }
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      ...SECURITY_HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    const stream = new EventStream(reply.raw, request, this.#limits);
    this.#streams.add(stream);
    reply.raw.once('close', () => this.#streams.delete(stream));
    stream.start(this.#control);
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#streams) stream.end();
  }
}

class EventStream {
  readonly #response: ServerResponse;
  readonly #request: EventStreamRequest;
  readonly #limits: EventStreamLimits;
  /** Bytes of what the reader has missed: they do not count against it until it has caught up. */
  #replayedBytes = 0;
  #isCheckDue = false;
  /** Of the latest event, whether the reader wants its type or not. */
  #lastId: number | undefined;

  constructor(response: ServerResponse, request: EventStreamRequest, limits: EventStreamLimits) {
    this.#response = response;
    this.#request = request;
    this.#limits = limits;
    this.#lastId = request.afterId;
  }

  start(control: Pick<GatewayControl, 'subscribe'>): void {
    const response = this.#response;
    this.#write(`retry: ${RETRY_MILLISECONDS}\n\n`);
    const unsubscribe = control.subscribe((event) => this.#send(event), this.#request.afterId);
    this.#replayedBytes = response.writableLength;
    response.once('drain', () => (this.#replayedBytes = 0));
    const heartbeat = setInterval(() => this.#beat(), this.#limits.heartbeatMilliseconds);
    heartbeat.unref();
    response.once('close', () => {
      unsubscribe();
      clearInterval(heartbeat);
    });
  }

  end(): void {
    this.#response.end();
    this.#response.socket?.destroySoon();
  }

  #send(event: GatewayEvent): void {
    const { id, type } = event;
    const missed = this.#lastId === undefined ? 0 : id - this.#lastId - 1;
    if (missed > 0) this.#write(`event: stream.gap\ndata: ${JSON.stringify({ missed })}\n\n`);
    this.#lastId = id;
    if (!this.#isWanted(type)) return;
    this.#write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** An id without data moves the reader on past events that it does not want. */
  #beat(): void {
    this.#write(`: heartbeat\n${this.#lastId === undefined ? '' : `id: ${this.#lastId}\n`}\n`);
  }

  #isWanted(type: string): boolean {
    const { types } = this.#request;
    return types.length === 0 || types.some((wanted) => `${type}.`.startsWith(`${wanted}.`));
  }

  #write(text: string): void {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return;
    response.write(text);
    if (this.#isCheckDue || !this.#isSlow()) return;
    // What was written in one go has not had the chance to leave yet.
    this.#isCheckDue = true;
    setImmediate(() => {
      this.#isCheckDue = false;
      if (this.#isSlow()) response.destroy();
    });
  }

  #isSlow(): boolean {
    return this.#response.writableLength > this.#limits.waitingBytesMax + this.#replayedBytes;
  }
}
