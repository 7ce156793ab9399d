import type { IceCandidate, MediaCall, MediaServer, Side } from '../media/media-server.ts';
import type { User } from './user.ts';

const RING_MS_MAX = 60_000;
const CANDIDATES_MAX = 100;

/** What an end is to be called to either of them; whom nothing is said to is not told. */
type LastWords = Readonly<Partial<Record<Side, string>>>;

/** A call from its first ring to its end. */
export class Call {
  readonly #parties: Readonly<Record<Side, User>>;
  readonly #ringing: NodeJS.Timeout;
  #state: 'ringing' | 'connecting' | 'talking' | 'over' = 'ringing';
  #media: MediaCall | undefined;
  /** What browsers have sent before the media server was ready for it. */
  #early: { readonly side: Side; readonly candidate: IceCandidate }[] = [];
  readonly #candidates: Record<Side, number> = { caller: 0, callee: 0 };
  /** What the media server has sent for the callee, who does not know of the call yet; undefined once it rings. */
  #forCallee: IceCandidate[] | undefined = [];

  private constructor(caller: User, callee: User) {
    this.#parties = { caller, callee };
    caller.call = this;
    callee.call = this;
    this.#ringing = setTimeout(() => {
      this.#end({ caller: `${callee.name} does not answer`, callee: `${caller.name} gave up` });
    }, RING_MS_MAX);
  }

  /** Rings at the callee. */
  static start(caller: User, callee: User, sdpOffer: string, server: MediaServer): void {
    const call = new Call(caller, callee);
    call.#ring(sdpOffer, server).catch((error: unknown) => call.#fail(error));
  }

  /** True while somebody of this name rings at this user. */
  isRinging(user: User, from: string): boolean {
    const { caller, callee } = this.#parties;
    return this.#state === 'ringing' && user === callee && from === caller.name;
  }

  /** Takes the offer of the callee, or its answer to the one it was given: the call has been accepted. */
  accept(sdp: string): void {
    if (this.#state !== 'ringing' || this.#media === undefined) return;
    this.#state = 'connecting';
    clearTimeout(this.#ringing);
    this.#connect(this.#media, sdp).catch((error: unknown) => this.#fail(error));
  }

  /** Takes an address of one of the browsers, of which there are more than a few only with bad intent. */
  addCandidate(of: User, candidate: IceCandidate): void {
    const side = this.#sideOf(of);
    if (++this.#candidates[side] > CANDIDATES_MAX) return;
    if (this.#media !== undefined) this.#media.addCandidate(side, candidate);
    else this.#early.push({ side, candidate });
  }

  /**
   * Ends the call because one of them wants to, or is gone.
   *
   * @param reason - what the other one is told.
   */
  leave(user: User, reason: string): void {
    this.#end(this.#sideOf(user) === 'caller' ? { callee: reason } : { caller: reason });
  }

  /** Ends the call, once. */
  #end(words: LastWords): void {
    if (this.#state === 'over') return;
    const wasAnswered = this.#state === 'talking';
    this.#state = 'over';
    clearTimeout(this.#ringing);
    this.#media?.close();
    const { caller, callee } = this.#parties;
    caller.call = undefined;
    callee.call = undefined;
    if (words.callee !== undefined) callee.send({ id: 'stopCommunication', message: words.callee });
    if (words.caller === undefined) return;
    const message = words.caller;
    caller.send(
      wasAnswered
        ? { id: 'stopCommunication', message }
        : { id: 'callResponse', response: 'rejected', message },
    );
  }

  async #ring(sdpOffer: string, server: MediaServer): Promise<void> {
    const media = await server.open({
      candidate: (side, candidate) => this.#sendCandidate(side, candidate),
      ended: (reason) => this.#endBoth(reason),
    });
    if (this.#isOver()) return media.close();
    this.#media = media;
    const offer = await media.offer(sdpOffer);
    for (const { side, candidate } of this.#early) media.addCandidate(side, candidate);
    this.#early = [];
    if (this.#isOver()) return;
    const { caller, callee } = this.#parties;
    const sdp = offer === undefined ? {} : { sdpOffer: offer };
    callee.send({ id: 'incomingCall', from: caller.name, ...sdp });
    const candidates = this.#forCallee ?? [];
    this.#forCallee = undefined;
    for (const candidate of candidates) this.#sendCandidate('callee', candidate);
  }

  #sendCandidate(side: Side, candidate: IceCandidate): void {
    if (side === 'callee' && this.#forCallee !== undefined) this.#forCallee.push(candidate);
    else this.#parties[side].send({ id: 'iceCandidate', candidate });
  }

  async #connect(media: MediaCall, sdp: string): Promise<void> {
    const answers = await media.accept(sdp);
    if (this.#isOver()) return;
    this.#state = 'talking';
    const { caller, callee } = this.#parties;
    const sdpAnswer = answers.callee === undefined ? {} : { sdpAnswer: answers.callee };
    callee.send({ id: 'startCommunication', ...sdpAnswer });
    caller.send({ id: 'callResponse', response: 'accepted', sdpAnswer: answers.caller });
  }

  #fail(error: unknown): void {
    this.#endBoth(error instanceof Error ? error.message : String(error));
  }

  #endBoth(reason: string): void {
    this.#end({ caller: reason, callee: reason });
  }

  /** A method, because the compiler does not expect that it changes while something is awaited. */
  #isOver(): boolean {
    return this.#state === 'over';
  }

  #sideOf(user: User): Side {
    return user === this.#parties.caller ? 'caller' : 'callee';
  }
}
