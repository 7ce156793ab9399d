import { setTimeout as pause } from 'node:timers/promises';
import { DurationHistogram } from '../../bench/load/duration-histogram.ts';
import { PacketNumbers, PacketTally } from '../../bench/load/numbered-packets.ts';
import type { TransportAddress } from '../../src/stun/transport-address.ts';
import { ephemeralCredential } from './credentials.ts';
import { TurnClient } from './turn-client.ts';
import type { ServerAddress } from './turn-transport.ts';

const CHANNEL = 0x4000;
/** Clients that open at the same time. */
const OPENING_MAX = 50;
const TICK_MS = 20;
/** What is still under way when a load ends arrives within this time, or never. */
const LINGER_MS = 1000;

/** What a load is made of. */
export interface RelayLoadOptions {
  readonly server: ServerAddress;
  readonly peer: TransportAddress;
  readonly clients: number;
  /** Of each client. */
  readonly packetsPerSecond: number;
  /** Signs the credentials of users `load-0`, `load-1`, … */
  readonly secret: string;
  readonly transport?: 'udp' | 'tcp';
  /** IP address that a client over UDP sends from; the kernel's choice unless given. */
  readonly localAddressOf?: (client: number) => string;
}

/** Packets that went to a peer and came back. */
export interface LoadCount {
  readonly sent: number;
  readonly received: number;
}

/** Clients that relay to an echo peer at a steady pace, whatever comes back. */
export class RelayLoad {
  readonly clients: readonly TurnClient[];
  readonly #packetsPerSecond: number;
  #sent = 0;
  #run = 0;
  #numbers!: PacketNumbers;
  #tally!: PacketTally;
  #end = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(clients: readonly TurnClient[], packetsPerSecond: number) {
    this.clients = clients;
    this.#packetsPerSecond = packetsPerSecond;
    this.#beginCount();
  }

  /** Takes over clients that have an allocation and a channel already, perhaps from another load. */
  static of(clients: readonly TurnClient[], packetsPerSecond: number): RelayLoad {
    return new RelayLoad(clients, packetsPerSecond);
  }

  /** Opens every client with its allocation and channel. */
  static async open(options: RelayLoadOptions): Promise<RelayLoad> {
    const clients: TurnClient[] = [];
    for (let first = 0; first < options.clients; first += OPENING_MAX) {
      const count = Math.min(OPENING_MAX, options.clients - first);
      const opening = Array.from({ length: count }, (_, index) =>
        openClient(options, first + index),
      );
      clients.push(...(await Promise.all(opening)));
    }
    return new RelayLoad(clients, options.packetsPerSecond);
  }

  /** Packets so far. */
  get count(): LoadCount {
    return { sent: this.#sent, received: this.#tally.received };
  }

  /** Begins to send; the counts begin anew. */
  start(): void {
    this.#beginCount();
    for (const client of this.clients) {
      client.onData = (data) => this.#tally.count(data, 0, data.length, 0);
    }
    this.#end = new AbortController();
    this.#running = this.#send(this.#end.signal);
  }

  /** Stops to send; resolves with the counts when everything that is under way has had its time. */
  async stop(): Promise<LoadCount> {
    this.#end.abort();
    await this.#running;
    const deadline = performance.now() + LINGER_MS;
    while (this.#tally.received < this.#sent && performance.now() < deadline) await pause(TICK_MS);
    return this.count;
  }

  /** Closes every client. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.clients.map((client) => client.close()));
  }

  async #send(signal: AbortSignal): Promise<void> {
    const start = performance.now();
    let next = 0;
    for (let due = 0; !signal.aborted; await pause(TICK_MS)) {
      const seconds = (performance.now() - start) / 1000;
      due = Math.floor(seconds * this.#packetsPerSecond * this.clients.length);
      for (; next < due; next++) {
        const client = next % this.clients.length;
        this.#numbers.write(PAYLOAD, 0, client, 0);
        this.clients[client]!.sendOnChannel(CHANNEL, PAYLOAD);
        this.#sent++;
      }
    }
  }

  #beginCount(): void {
    this.#sent = 0;
    this.#run += 1;
    this.#numbers = new PacketNumbers(this.#run, this.clients.length);
    this.#tally = new PacketTally(this.#run, this.clients.length, new DurationHistogram());
  }
}

const PAYLOAD = Buffer.alloc(160, 7);

async function openClient(
  { server, peer, secret, transport = 'udp', localAddressOf }: RelayLoadOptions,
  index: number,
): Promise<TurnClient> {
  const credential = ephemeralCredential(secret, `load-${index}`);
  const localAddress = localAddressOf?.(index);
  const client = await TurnClient.open({ server, credential, transport, localAddress });
  await client.allocate();
  await client.channelBind(CHANNEL, peer);
  return client;
}
