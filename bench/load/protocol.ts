import type { CpuUse } from '../measure/process-times.ts';

/** What clients reach the server over. */
export type Transport = 'udp' | 'tcp' | 'tls';

/** Which way packets travel: ChannelData from clients to the peer, or UDP from the peer to clients. */
export type Direction = 'up' | 'down';

/** What clients wrap their data into. */
export type Framing = 'channelData' | 'sendIndication';

/** What the generator is asked to do, one request at a time. */
export type LoadRequest =
  /** Opens sockets for clients, drops those it had, and makes an allocation for each. */
  | { readonly kind: 'allocate'; readonly clients: number; readonly transport: Transport }
  /** Binds a channel to the peer in every allocation. */
  | { readonly kind: 'bindChannels' }
  | ({ readonly kind: 'traffic' } & TrafficOrder);

/** One measured run of packets. */
export interface TrafficOrder {
  readonly direction: Direction;
  /** Matters on the way up only. */
  readonly framing: Framing;
  /** Packets per second over all clients; undefined is as fast as they can be sent. */
  readonly packetsPerSecond: number | undefined;
  readonly seconds: number;
  /** Datagrams sent with one system call; streams take one packet at a time. */
  readonly burst: number;
  /** Process whose CPU time is taken. */
  readonly serverPid: number;
}

/** How fast a step of the set-up went. */
export interface StepResult {
  readonly seconds: number;
  /** Messages that had to be sent again. */
  readonly retransmissions: number;
}

/** What came out of a run of packets. */
export interface TrafficResult {
  /** Packets that a socket took. */
  readonly sent: number;
  readonly received: number;
  /** Packets that arrived behind a later one of the same client. */
  readonly reordered: number;
  /** From the first packet sent to the last one received. */
  readonly seconds: number;
  /** Share of the time for sending in which the generator sent or received something, 0 to 1. */
  readonly generatorBusyShare: number;
  /** CPU that the server spent on exactly these packets. */
  readonly cpu: CpuUse;
}

/** What the generator answers; `failed` instead when it threw. */
export type LoadReply =
  | { readonly kind: 'done'; readonly result: StepResult | TrafficResult }
  | { readonly kind: 'failed'; readonly message: string };
