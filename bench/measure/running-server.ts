import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeCertificate } from '../servers/certificate.ts';
import type { MeasuredServer, ServerSetup } from '../servers/server.ts';
import type { BenchNetwork } from './bench-network.ts';
import type { GeneratorProcess } from './generator-process.ts';
import { spawnPinned, stopProcess } from './pinned-process.ts';
import { serverProcessors } from './processors.ts';

const LINES_IN_ERROR_MAX = 5;

/** What a server is started with, apart from what the bench settles. */
export type Wishes = Omit<ServerSetup, 'folder' | 'addresses'>;

/** What everything needs that measures. */
export interface Surroundings {
  readonly network: BenchNetwork;
  readonly generator: GeneratorProcess;
}

/** UDP, one worker and one route. */
export const PLAIN: Wishes = { transports: ['udp'], workers: 1, routes: 1 };

const folders = new Set<string>();

process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A server process that answers. */
export class RunningServer {
  readonly name: string;
  /** What it printed so far, line by line. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(name: string, folder: string, child: ChildProcess) {
    this.name = name;
    this.#folder = folder;
    folders.add(folder);
    this.#child = child;
    child.once('error', (error) => this.lines.push(error.message));
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => this.lines.push(line));
    }
  }

  /** Starts a server and waits until it answers a Binding request; throws when it does not. */
  static async start(
    server: MeasuredServer,
    wishes: Wishes,
    { network, generator }: Surroundings,
  ): Promise<RunningServer> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    if (wishes.transports.includes('tls')) await writeCertificate(folder);
    const command = server.prepare({ ...wishes, folder, addresses: network.addresses });
    const processors = serverProcessors(wishes.workers);
    const output = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawnPinned(command, processors, network.prefixes.server, [...output]);
    const running = new RunningServer(server.name, folder, child);
    try {
      await generator.awaitServer();
      running.expectAlive();
      return running;
    } catch (error) {
      await running.stop();
      throw running.#failure('it does not start', error);
    }
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Throws when the process has ended, so that whoever answers is somebody else. */
  expectAlive(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return;
    throw this.#failure(`it ended (${signalCode ?? exitCode})`);
  }

  /** Ends the process and removes its files. */
  async stop(): Promise<void> {
    await stopProcess(this.#child);
    rmSync(this.#folder, { recursive: true, force: true });
    folders.delete(this.#folder);
  }

  #failure(what: string, cause?: unknown): Error {
    const lines = this.lines.slice(-LINES_IN_ERROR_MAX).join('; ');
    return new Error(lines === '' ? what : `${what}: ${lines}`, { cause });
  }
}
