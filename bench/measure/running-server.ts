import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { StunWriter } from '../../src/stun/message-writer.ts';
import { CLASS, METHOD } from '../../src/stun/registry.ts';
import type { Transport } from '../load/protocol.ts';
import { writeCertificate } from '../servers/certificate.ts';
import type { MeasuredServer } from '../servers/server.ts';
import { PROCESSORS, SERVER_IP, SERVER_PORTS } from '../settings.ts';
import { spawnPinned, stopProcess } from './pinned-process.ts';

const READY_MS_MAX = 10_000;
const ASK_MS = 100;

/** A server process that answers. */
export class RunningServer {
  readonly name: string;
  /** What it printed so far, line by line. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(server: MeasuredServer, folder: string, transports: readonly Transport[]) {
    this.name = server.name;
    this.#folder = folder;
    const command = server.prepare(folder, transports);
    this.#child = spawnPinned(command, PROCESSORS.server, ['ignore', 'pipe', 'pipe']);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => this.lines.push(line));
    }
  }

  /**
   * Starts a server and waits until it answers a Binding request.
   *
   * @param streams - what it listens for besides UDP.
   */
  static async start(
    server: MeasuredServer,
    streams: readonly Transport[] = [],
  ): Promise<RunningServer> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    if (streams.includes('tls')) await writeCertificate(folder);
    const running = new RunningServer(server, folder, ['udp', ...streams]);
    try {
      await waitForAnswer();
    } catch (error) {
      await running.stop();
      throw new Error(`${server.name} does not answer:\n${running.lines.join('\n')}`, {
        cause: error,
      });
    }
    return running;
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Ends the process and removes its files. */
  async stop(): Promise<void> {
    await stopProcess(this.#child);
    rmSync(this.#folder, { recursive: true });
  }
}

async function waitForAnswer(): Promise<void> {
  const request = new StunWriter(new Uint8Array(20))
    .begin(METHOD.BINDING, CLASS.REQUEST, new Uint8Array(12))
    .written();
  const socket = createSocket('udp4');
  // Until the server listens, a request may be answered with an ICMP error.
  socket.on('error', () => undefined);
  const ask = setInterval(() => socket.send(request, SERVER_PORTS.udp, SERVER_IP), ASK_MS);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('message', () => resolve());
      timer = setTimeout(() => reject(new Error('no answer')), READY_MS_MAX);
    });
  } finally {
    clearInterval(ask);
    clearTimeout(timer);
    socket.close();
  }
}
