import { randomUUID } from 'node:crypto';
import type { JanusConnection, JanusMessage } from './janus-connection.ts';
import type { Answers, IceCandidate, MediaCall, MediaCallEvents, Side } from './media-server.ts';

const PLUGIN = 'janus.plugin.videocall';
const SIDES: readonly Side[] = ['caller', 'callee'];
const EVENT_MS_MAX = 10_000;

/** Takes the next session description for one of them; undefined when it is not waited for any longer. */
type Expectation = (sdp: string | undefined) => void;

/**
 * A call of the plugin `videocall`, in which both parties are users of Janus that nobody else knows. The plugin hands
 * the offer of one to the other, so that the callee answers in place of making an offer of its own.
 */
export class JanusCall implements MediaCall {
  readonly #connection: JanusConnection;
  readonly #events: MediaCallEvents;
  readonly #handles = new Map<Side, number>();
  readonly #expected = new Map<Side, Expectation>();
  readonly #calleeName = randomUUID();
  readonly #forget: (call: JanusCall) => void;
  #isOver = false;

  private constructor(
    connection: JanusConnection,
    events: MediaCallEvents,
    forget: (call: JanusCall) => void,
  ) {
    this.#connection = connection;
    this.#events = events;
    this.#forget = forget;
  }

  /**
   * Registers two users for the call.
   *
   * @param forget - called when the call is over, however it ends.
   */
  static async open(
    connection: JanusConnection,
    events: MediaCallEvents,
    forget: (call: JanusCall) => void,
  ): Promise<JanusCall> {
    const call = new JanusCall(connection, events, forget);
    try {
      for (const side of SIDES) await call.#register(side);
    } catch (error) {
      call.close();
      throw error;
    }
    return call;
  }

  async offer(sdp: string): Promise<string> {
    const offered = this.#next('callee');
    const body = { request: 'call', username: this.#calleeName };
    await this.#connection.ask(this.#handles.get('caller')!, body, { type: 'offer', sdp });
    return offered;
  }

  async accept(sdp: string): Promise<Answers> {
    const answered = this.#next('caller');
    const body = { request: 'accept' };
    await this.#connection.ask(this.#handles.get('callee')!, body, { type: 'answer', sdp });
    return { caller: await answered };
  }

  addCandidate(side: Side, { candidate, sdpMid, sdpMLineIndex }: IceCandidate): void {
    const handle = this.#handles.get(side)!;
    // Janus does not take null for what is not said.
    const of = { sdpMid: sdpMid ?? undefined, sdpMLineIndex: sdpMLineIndex ?? undefined };
    this.#connection.trickle(handle, { candidate, ...of });
  }

  close(): void {
    this.#isOver = true;
    this.#forget(this);
    for (const take of this.#expected.values()) take(undefined);
    for (const handle of this.#handles.values()) this.#connection.detach(handle);
  }

  /** Tells that the call is over, once. */
  end(reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#events.ended(reason);
  }

  async #register(side: Side): Promise<void> {
    const handle = await this.#connection.attach(PLUGIN, (message) => this.#hear(side, message));
    this.#handles.set(side, handle);
    const username = side === 'callee' ? this.#calleeName : randomUUID();
    await this.#connection.ask(handle, { request: 'register', username });
  }

  #hear(side: Side, message: JanusMessage): void {
    if (message.jsep !== undefined) this.#expected.get(side)?.(message.jsep.sdp);
    const { candidate, ...of } = message.candidate ?? {};
    if (candidate !== undefined) this.#events.candidate(side, { candidate, ...of });
    const result = message.plugindata?.data.result;
    if (result?.event === 'hangup') this.end(result.reason ?? 'the media server hangs up');
    if (message.janus === 'hangup') this.end(`the media of the ${side} has stopped`);
  }

  #next(side: Side): Promise<string> {
    const next = new Promise<string>((resolve, reject) => {
      const take = (sdp: string | undefined): void => {
        clearTimeout(timer);
        this.#expected.delete(side);
        if (sdp === undefined) reject(new Error('the media server does not go on with the call'));
        else resolve(sdp);
      };
      const timer = setTimeout(take, EVENT_MS_MAX, undefined);
      this.#expected.set(side, take);
    });
    // Nobody awaits it when the request before it fails.
    next.catch(() => undefined);
    return next;
  }
}
