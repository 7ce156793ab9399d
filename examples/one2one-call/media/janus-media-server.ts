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
  #running: Promise<Janus> | undefined;
  /** Resolves once the one before has ended, so that its ports are free. */
  #gone = Promise.resolve();

  private constructor(options: JanusOptions) {
    this.#options = options;
  }

  /** Starts Janus and waits until it serves. */
  static async start(options: JanusOptions): Promise<JanusMediaServer> {
    await writeJanusConfiguration(options.folder, options.place, options.apiPort);
    const server = new JanusMediaServer(options);
    await server.#janus();
    return server;
  }

  /** Opens a call, in a new process when the one before has died. */
  async open(events: MediaCallEvents): Promise<MediaCall> {
    const { connection } = await this.#janus();
    const forget = (call: JanusCall): void => void this.#calls.delete(call);
    const call = await JanusCall.open(connection, events, forget);
    this.#calls.add(call);
    return call;
  }

  async stop(): Promise<void> {
    const janus = await this.#running?.catch(() => undefined);
    janus?.connection.close();
    await janus?.connection.closed;
    await this.#gone;
  }

  /** The one that there is, or a new one. */
  #janus(): Promise<Janus> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<Janus> {
    await this.#gone;
    const { apiPort, folder } = this.#options;
    const file = join(folder, 'janus.jcfg');
    const child = new Child('janus', ['--configs-folder', folder, '--config', file]);
    try {
      const connection = await until(() => JanusConnection.open(janusUrl(apiPort)), child);
      // Also when it lives on, and does not answer any more.
      void connection.closed.then(() => this.#lose(child));
      return { child, connection };
    } catch (error) {
      this.#lose(child);
      throw error;
    }
  }

  /** Ends one that is of no use any more, and its calls. */
  #lose(child: Child): void {
    this.#running = undefined;
    this.#gone = child.stop();
    for (const call of this.#calls) call.end('the media server has died');
  }
}

interface Janus {
  readonly child: Child;
  readonly connection: JanusConnection;
}
