/** Who of the two a connection of the media server belongs to. */
export type Side = 'caller' | 'callee';

/** A candidate as browsers make and take it. */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/** What the media server has to say to both. */
export interface Answers {
  /** Answer to the offer of the caller. */
  readonly caller: string;
  /** Answer to the offer of the callee; absent when the callee has answered itself. */
  readonly callee?: string;
}

/** What becomes known of a call while it lasts. */
export interface MediaCallEvents {
  /** The media server can be reached at another address. */
  readonly candidate: (side: Side, candidate: IceCandidate) => void;
  /** The media server has ended the call, once; in words for the users. */
  readonly ended: (reason: string) => void;
}

/** One call through the media server: both browsers are connected to it, and it hands the media of one to the other. */
export interface MediaCall {
  /**
   * Takes the offer of the caller.
   *
   * @returns the offer that the callee has to answer; undefined when the callee has to make an offer of its own.
   */
  offer(sdp: string): Promise<string | undefined>;
  /** Takes what the callee says: its answer to what `offer` has returned, or its own offer. */
  accept(sdp: string): Promise<Answers>;
  /** Takes an address of a browser, in any order with the descriptions. */
  addCandidate(side: Side, candidate: IceCandidate): void;
  /** Ends the call without an event. */
  close(): void;
}

/** Something that carries calls, in a process of its own that is started again when it has died. */
export interface MediaServer {
  /** @throws Error when the media server cannot be had. */
  open(events: MediaCallEvents): Promise<MediaCall>;
  /** Ends the process. */
  stop(): Promise<void>;
}

/** Where the media server receives media. */
export interface MediaPlace {
  /** Its only address. */
  readonly address: string;
  readonly ports: PortRange;
  /** From where the gateway relays: nobody else has to be heard. */
  readonly relayPorts: PortRange;
}

/** Ports from one to another, both included. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}
