import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { DatagramProxy } from '../../../test/support/datagram-proxy.ts';
import type { UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { garbage } from '../../../test/support/garbage.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { LiveGateway } from '../live-gateway.ts';
import { ByteMutator } from './byte-mutator.ts';
import { parserCorpus } from './parser-corpus.ts';

const HOST = '127.0.0.1';
const SOCKETS = 8;
const CHANNEL = 0x4000;
const PACE_MS = 10;

/**
 * Sends mutants of real messages to the UDP and DTLS listeners of a gateway: from sockets that nobody knows, and in the
 * name of a client that has an allocation, whose own messages they are mutants of.
 */
export class DatagramFuzzer {
  sent = 0;
  readonly #gateway: LiveGateway;
  readonly #random: SeededRandom;
  readonly #sockets: readonly Socket[];
  readonly #victim: TurnClient;
  readonly #proxy: DatagramProxy;
  readonly #stun: ByteMutator;
  readonly #dtls: ByteMutator;
  readonly #victims: ByteMutator;

  private constructor(
    gateway: LiveGateway,
    seed: number,
    sockets: readonly Socket[],
    victim: TurnClient,
    proxy: DatagramProxy,
  ) {
    const corpus = parserCorpus();
    this.#gateway = gateway;
    this.#random = new SeededRandom(seed);
    this.#sockets = sockets;
    this.#victim = victim;
    this.#proxy = proxy;
    const { repair } = corpus['stun-decode'];
    this.#stun = new ByteMutator(corpus['stun-decode'], this.#random);
    this.#dtls = new ByteMutator(corpus['dtls-hello'], this.#random);
    const messages = [...proxy.seen.toServer];
    this.#victims = new ByteMutator({ messages, ...(repair && { repair }) }, this.#random);
  }

  /** Opens sockets, and an allocation to be fuzzed. */
  static async open(
    gateway: LiveGateway,
    peer: UdpEchoPeer,
    seed: number,
  ): Promise<DatagramFuzzer> {
    const proxy = await DatagramProxy.open(gateway.udp);
    const credential = ephemeralCredential(gateway.secret, 'victim');
    const victim = await TurnClient.open({ server: proxy.address, credential });
    victim.onData = () => undefined;
    await victim.allocate();
    await victim.createPermission(peer.address);
    await victim.channelBind(CHANNEL, peer.address);
    victim.send(peer.address, Buffer.from('in an indication'));
    victim.sendOnChannel(CHANNEL, Buffer.from('on a channel'));
    const sockets = await Promise.all(Array.from({ length: SOCKETS }, openSocket));
    return new DatagramFuzzer(gateway, seed, sockets, victim, proxy);
  }

  /** Sends at a steady rate until told to stop. */
  async run(perSecond: number, isOver: () => boolean): Promise<void> {
    const start = performance.now();
    const already = this.sent;
    while (!isOver()) {
      const due = already + ((performance.now() - start) / 1000) * perSecond;
      while (this.sent < due) this.#sendOne();
      await pause(PACE_MS);
    }
  }

  /** Ends the allocation, if it is still there, and closes everything. */
  async close(): Promise<void> {
    await this.#victim.refresh(0).catch(() => undefined);
    await this.#victim.close();
    this.#proxy.close();
    for (const socket of this.#sockets) socket.close();
  }

  #sendOne(): void {
    const { udp, dtls } = this.#gateway;
    const number = this.sent++;
    switch (this.#random.below(8)) {
      case 0:
        return this.#sendTo(dtls.port, mutantOf(this.#dtls));
      case 1:
        return this.#sendTo(udp.port, garbage(number));
      case 2:
      case 3:
        return this.#proxy.inject(mutantOf(this.#victims));
      default:
        return this.#sendTo(udp.port, mutantOf(this.#stun));
    }
  }

  #sendTo(port: number, bytes: Uint8Array): void {
    this.#sockets[this.sent % SOCKETS]!.send(bytes, port, HOST, () => undefined);
  }
}

function mutantOf(mutator: ByteMutator): Uint8Array {
  mutator.next();
  return mutator.bytes.slice(0, mutator.length);
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}
