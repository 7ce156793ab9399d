import type { CpuUse } from '../measure/process-times.ts';

/** What clients reach the server over. */
export type Transport = 'udp' | 'tcp' | 'tls';

/** Which way packets travel: from clients to the peer, from the peer to clients, or half of them each way. */
export type Direction = 'up' | 'down' | 'both';

/** What application data is wrapped into between client and server; with indications no channel is bound. */
export type Framing = 'channelData' | 'sendIndication';

/** What the generator is asked to do, one request at a time. */
export type LoadRequest =
  /** Waits until the server answers a Binding request. */
  | { readonly kind: 'awaitServer' }
  /** Drops the clients there were and opens as many new sockets; streams are connected then. */
  | { readonly kind: 'open'; readonly clients: number; readonly transport: Transport }
  /** Makes an allocation for some clients, `to` not among them, or for every one. */
  | { readonly kind: 'allocate'; readonly from?: number; readonly to?: number }
  /** Binds a channel to the peer in every allocation. */
  | { readonly kind: 'bindChannels' }
  /** Permits the peer in every allocation. */
  | { readonly kind: 'createPermissions' }
  | ({ readonly kind: 'traffic' } & TrafficOrder);

/** One measured run of packets. */
export interface TrafficOrder {
  readonly direction: Direction;
  /** How many of the clients send or receive, the first ones. */
  readonly clients: number;
  /** What clients send. */
  readonly framing: Framing;
  /** What clients get; other messages do not count. */
  readonly expected: Framing;
  /** Bytes of application data in one packet, at least `NUMBER_BYTES`. */
  readonly payloadBytes: number;
  /** Over all clients and directions; null is as fast as packets can be sent. */
  readonly packetsPerSecond: number | null;
  readonly seconds: number;
  /** Datagrams of one client, or for one client, that leave with one system call; streams take one at a time. */
  readonly burst: number;
  /** Settles when paced clients send. */
  readonly seed: number;
  /** Leaves the server out: clients and peer send to each other. */
  readonly isDirect: boolean;
  /** Process whose CPU time is taken. */
  readonly serverPid: number;
}

/** How fast a step of the set-up went. */
export interface StepResult {
  readonly seconds: number;
  /** Messages that had to be sent again. */
  readonly retransmissions: number;
  /** Share of the time in which the generator did not wait for the server, 0 to 1. */
  readonly generatorBusyShare: number;
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
  /** From the system call that sent a packet to its arrival; null over streams and when nothing arrived. */
  readonly latency: Percentiles | null;
  /** How much later than scheduled packets were sent; null when nothing was scheduled. */
  readonly lateness: Percentiles | null;
  /** Share of the time for sending in which the generator sent or received something, 0 to 1. */
  readonly generatorBusyShare: number;
  /** For how long the generator did not get on at most, as when it had no processor. */
  readonly longestPauseSeconds: number;
  /** CPU that the server spent on exactly these packets. */
  readonly cpu: CpuUse;
}

/** Of many durations, microseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What the generator answers; `failed` instead when it threw. */
export type LoadReply =
  | { readonly kind: 'done'; readonly result: StepResult | TrafficResult }
  | { readonly kind: 'failed'; readonly message: string };
