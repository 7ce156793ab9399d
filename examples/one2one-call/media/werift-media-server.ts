import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type {
  Answers,
  IceCandidate,
  MediaCall,
  MediaCallEvents,
  MediaPlace,
  MediaServer,
  Side,
} from './media-server.ts';
import type { WeriftReply, WeriftRequest } from './werift-messages.ts';

const PROCESS = fileURLToPath(new URL('werift-process.ts', import.meta.url));
const DIED = 'the media server has died';

/** Forwards RTP between two browsers with werift, in a process of its own. */
export class WeriftMediaServer implements MediaServer {
  readonly #place: MediaPlace;
  readonly #calls = new Map<number, WeriftCall>();
  #process: ChildProcess | undefined;
  #count = 0;

  /** Starts the process. */
  constructor(place: MediaPlace) {
    this.#place = place;
    this.#start();
  }

  /** Opens a call, in a new process when the one before has died. */
  async open(events: MediaCallEvents): Promise<MediaCall> {
    const child = this.#process ?? this.#start();
    const id = this.#count++;
    const send = (request: WeriftRequest): void => {
      if (child.connected) child.send(request);
    };
    const call = new WeriftCall(id, send, events, () => this.#calls.delete(id));
    this.#calls.set(id, call);
    send({ does: 'open', call: id });
    return call;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }

  #start(): ChildProcess {
    const child = fork(PROCESS, [JSON.stringify(this.#place)]);
    this.#process = child;
    child.on('message', (reply: WeriftReply) => this.#calls.get(reply.call)?.hear(reply));
    const gone = (): void => {
      if (this.#process !== child) return;
      this.#process = undefined;
      for (const call of this.#calls.values()) call.end(DIED);
    };
    child.on('exit', gone);
    child.on('error', gone);
    return child;
  }
}

/** A call in the other process. */
class WeriftCall implements MediaCall {
  readonly #id: number;
  readonly #send: (request: WeriftRequest) => void;
  readonly #events: MediaCallEvents;
  readonly #forget: () => void;
  readonly #answers: Promise<Answers>;
  #answered!: (answers: Answers) => void;
  #failed!: (error: Error) => void;
  #callerOffer = '';

  constructor(
    id: number,
    send: (request: WeriftRequest) => void,
    events: MediaCallEvents,
    forget: () => void,
  ) {
    this.#id = id;
    this.#send = send;
    this.#events = events;
    this.#forget = forget;
    this.#answers = new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
    });
    // Nobody may have asked for them yet.
    this.#answers.catch(() => undefined);
  }

  async offer(sdp: string): Promise<undefined> {
    this.#callerOffer = sdp;
  }

  accept(sdp: string): Promise<Answers> {
    const offers = { callerOffer: this.#callerOffer, calleeOffer: sdp };
    this.#send({ does: 'accept', call: this.#id, ...offers });
    return this.#answers;
  }

  addCandidate(side: Side, candidate: IceCandidate): void {
    this.#send({ does: 'candidate', call: this.#id, side, candidate });
  }

  close(): void {
    this.#forget();
    this.#send({ does: 'close', call: this.#id });
  }

  /** Takes what the process says of this call. */
  hear(reply: WeriftReply): void {
    if (reply.says === 'answers') this.#answered(reply.answers);
    else this.end(reply.reason);
  }

  /** Tells that the call is over. */
  end(reason: string): void {
    this.#forget();
    this.#failed(new Error(reason));
    this.#events.ended(reason);
  }
}
