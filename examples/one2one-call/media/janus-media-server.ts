import { join } from 'node:path';
import { Child } from '../child.ts';
import { until } from '../until.ts';
import { JanusCall } from './janus-call.ts';
import { janusUrl, writeJanusConfiguration } from './janus-configuration.ts';
import { JanusConnection } from './janus-connection.ts';
import type { MediaCall, MediaCallEvents, MediaPlace, MediaServer } from './media-server.ts';

/** How Janus is run. */
export interface JanusOptions {
  readonly place: MediaPlace;
  /** Port of its API on loopback. */
  readonly apiPort: number;
  /** Folder for its configuration. */
  readonly folder: string;
}

/** Janus with its plugin `videocall`. */
export class JanusMediaServer implements MediaServer {
  readonly #options: JanusOptions;
  readonly #calls = new Set<JanusCall>();
  #running: Promise<Janus>;

  private constructor(options: JanusOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Starts Janus and waits until it serves. */
  static async start(options: JanusOptions): Promise<JanusMediaServer> {
    await writeJanusConfiguration(options.folder, options.place, options.apiPort);
    const server = new JanusMediaServer(options);
    await server.#running;
    return server;
  }

  /** Opens a call, in a new process when the one before has died. */
  async open(events: MediaCallEvents): Promise<MediaCall> {
    const { connection } = await this.#alive();
    const forget = (call: JanusCall): void => void this.#calls.delete(call);
    const call = await JanusCall.open(connection, events, forget);
    this.#calls.add(call);
    return call;
  }

  async stop(): Promise<void> {
    const janus = await this.#running.catch(() => undefined);
    janus?.connection.close();
    await janus?.child.stop();
  }

  async #alive(): Promise<Janus> {
    const janus = await this.#running.catch(() => undefined);
    if (janus?.child.isAlive) return janus;
    this.#running = this.#run();
    return this.#running;
  }

  async #run(): Promise<Janus> {
    const { apiPort, folder } = this.#options;
    const file = join(folder, 'janus.jcfg');
    const child = new Child('janus', ['--configs-folder', folder, '--config', file]);
    void child.ended.then(() => this.#endCalls());
    const open = (): Promise<JanusConnection> => JanusConnection.open(janusUrl(apiPort));
    const connection = await until(open, child);
    return { child, connection };
  }

  #endCalls(): void {
    for (const call of this.#calls) call.end('the media server has died');
  }
}

interface Janus {
  readonly child: Child;
  readonly connection: JanusConnection;
}
