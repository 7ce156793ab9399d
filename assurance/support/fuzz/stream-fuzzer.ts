import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { SeededRandom } from '../../../test/support/core/seeded-random.ts';
import { DtlsClient } from '../../../test/support/dtls-client.ts';
import type { ServerAddress } from '../../../test/support/turn-transport.ts';
import type { LiveGateway } from '../live-gateway.ts';
import { ByteMutator } from './byte-mutator.ts';
import { parserCorpus } from './parser-corpus.ts';

const OPEN_MAX = 60;
const PACE_MS = 10;
const LINGER_MS = 400;

/** Opens streams of TCP, TLS and DTLS to a gateway, sends mutants on them and ends them at any byte in any way. */
export class StreamFuzzer {
  readonly counts = { tcp: 0, hello: 0, tls: 0, dtls: 0, failed: 0 };
  readonly #gateway: LiveGateway;
  readonly #random: SeededRandom;
  readonly #frames: ByteMutator;
  readonly #hellos: ByteMutator;
  readonly #open = new Set<Promise<void>>();

  constructor(gateway: LiveGateway, seed: number) {
    const corpus = parserCorpus();
    this.#gateway = gateway;
    this.#random = new SeededRandom(seed);
    this.#frames = new ByteMutator(corpus['stream-framer'], this.#random);
    this.#hellos = new ByteMutator({ messages: [corpus['tls-hello'].messages[0]!] }, this.#random);
  }

  /** Streams so far. */
  get total(): number {
    const { tcp, hello, tls, dtls } = this.counts;
    return tcp + hello + tls + dtls;
  }

  /** Opens streams at a steady rate, as long as not too many are open, until told to stop; waits for their ends. */
  async run(perSecond: number, isOver: () => boolean): Promise<void> {
    const start = performance.now();
    while (!isOver()) {
      const due = ((performance.now() - start) / 1000) * perSecond;
      while (this.total < due && this.#open.size < OPEN_MAX) this.#begin();
      await pause(PACE_MS);
    }
    await Promise.all(this.#open);
  }

  #begin(): void {
    const stream = this.#one().catch(() => void this.counts.failed++);
    this.#open.add(stream);
    void stream.then(() => this.#open.delete(stream));
  }

  async #one(): Promise<void> {
    const { tcp, tls, dtls } = this.#gateway;
    const kind = this.#random.below(16);
    if (kind < 8) {
      this.counts.tcp++;
      return this.#abuse(await openPlain(tcp), this.#frames);
    }
    if (kind < 13) {
      this.counts.hello++;
      return this.#abuse(await openPlain(tls), this.#hellos);
    }
    if (kind < 15) {
      this.counts.tls++;
      return this.#abuse(await openSecure(tls), this.#frames);
    }
    this.counts.dtls++;
    return this.#abuse(await DtlsClient.connect(dtls), this.#frames);
  }

  /** Sends some mutants, the last one not to its end. */
  async #abuse(stream: Duplex, mutator: ByteMutator): Promise<void> {
    const random = this.#random;
    stream.on('error', () => undefined);
    stream.resume();
    for (let rest = random.below(3); rest >= 0 && stream.writable; rest--) {
      mutator.next();
      const length = rest > 0 ? mutator.length : random.below(mutator.length + 1);
      if (length > 0) stream.write(Buffer.from(mutator.bytes.subarray(0, length)));
      if (random.below(2) === 0) await pause(1);
    }
    await this.#end(stream);
  }

  async #end(stream: Duplex): Promise<void> {
    const manner = this.#random.below(3);
    if (manner === 0 && 'resetAndDestroy' in stream) (stream as Socket).resetAndDestroy();
    else if (manner === 1) stream.end();
    await pause(this.#random.below(LINGER_MS));
    stream.destroy();
  }
}

async function openPlain(server: ServerAddress): Promise<Socket> {
  const socket = connect({ ...server, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function openSecure(server: ServerAddress): Promise<Duplex> {
  // Whose certificate it is plays no part here.
  const socket = connectTls({ ...server, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}
