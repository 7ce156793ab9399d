import { setTimeout as pause } from 'node:timers/promises';
import { ephemeralCredential } from '../../test/support/credentials.ts';
import type { UdpEchoPeer } from '../../test/support/echo-peer.ts';
import { TurnClient } from '../../test/support/turn-client.ts';
import type { LiveGateway } from './live-gateway.ts';

const CHANNEL = 0x4000;
const PACKETS = 20;
const PACKET_BYTES = 160;
const PACKET_MS = 100;
const LINGER_MS = 500;
const USERS = 500;
const ERRORS_KEPT_MAX = 10;

/** Sessions that begin at a steady rate, each with all that a session has, and end after some seconds. */
export class Churn {
  readonly counts = { begun: 0, ended: 0, packets: 0, echoed: 0, failed: 0 };
  /** The first errors. */
  readonly errors: string[] = [];
  /** Time from the client through the gateway to the peer and back, milliseconds, since they were taken last. */
  #latencies: number[] = [];
  readonly #gateway: LiveGateway;
  readonly #peer: UdpEchoPeer;
  readonly #live = new Set<Promise<void>>();

  constructor(gateway: LiveGateway, peer: UdpEchoPeer) {
    this.#gateway = gateway;
    this.#peer = peer;
  }

  /** Begins sessions until the time is up, and waits for the last to end. */
  async run(seconds: number, sessionsPerSecond: number): Promise<void> {
    const start = performance.now();
    for (let due = 0; due < seconds * sessionsPerSecond; await pause(10)) {
      const elapsed = Math.min(seconds, (performance.now() - start) / 1000);
      due = Math.floor(elapsed * sessionsPerSecond);
      while (this.counts.begun < due) this.#begin();
    }
    await Promise.all(this.#live);
  }

  /** The latencies since the last call. */
  takeLatencies(): readonly number[] {
    return this.#latencies.splice(0);
  }

  #begin(): void {
    const session = this.#session(this.counts.begun++).then(
      () => void this.counts.ended++,
      (error: unknown) => {
        this.counts.failed++;
        if (this.errors.length < ERRORS_KEPT_MAX) this.errors.push(String(error));
      },
    );
    this.#live.add(session);
    void session.then(() => this.#live.delete(session));
  }

  async #session(number: number): Promise<void> {
    const transport = number % 5 === 4 ? 'tcp' : 'udp';
    const credential = ephemeralCredential(this.#gateway.secret, `soak-${number % USERS}`);
    const server = this.#gateway[transport];
    const client = await TurnClient.open({ server, transport, credential });
    try {
      await client.allocate();
      await client.createPermission(this.#peer.address);
      await client.channelBind(CHANNEL, this.#peer.address);
      await this.#exchange(client);
      await client.refresh(600);
      await client.refresh(0);
    } finally {
      await client.close();
    }
  }

  async #exchange(client: TurnClient): Promise<void> {
    const missing = new Set(Array.from({ length: PACKETS }, (_, count) => count));
    client.onData = (data) => {
      missing.delete(data[8]!);
      this.counts.echoed++;
      const sentAt = Buffer.from(data.buffer, data.byteOffset, 8).readDoubleBE();
      this.#latencies.push(performance.now() - sentAt);
    };
    for (let count = 0; count < PACKETS; count++) {
      const packet = Buffer.alloc(PACKET_BYTES);
      packet.writeDoubleBE(performance.now());
      packet[8] = count;
      client.sendOnChannel(CHANNEL, packet);
      this.counts.packets++;
      await pause(PACKET_MS);
    }
    for (let waited = 0; missing.size > 0 && waited < LINGER_MS; waited += 50) await pause(50);
  }
}
