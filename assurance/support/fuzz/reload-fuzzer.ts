import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '../../../src/config/load.ts';
import { within } from '../../../test/support/child-process.ts';
import { ephemeralCredential } from '../../../test/support/credentials.ts';
import { openUdpEchoPeer, type UdpEchoPeer } from '../../../test/support/echo-peer.ts';
import { poll } from '../../../test/support/poll.ts';
import { TurnClient } from '../../../test/support/turn-client.ts';
import type { LiveGateway } from '../live-gateway.ts';

const CHANNEL = 0x4000;
const WAIT_MS_MAX = 5000;
const SILENCE_MS_MAX = 1500;
const STEP_MS = 20;
const KEPT = 'the configuration is kept: the new one has problems';
/** An error that nobody has foreseen. */
const UNFORESEEN = 'a reload failed';

interface ReloadRecord {
  readonly msg: string;
  readonly trigger?: string;
  readonly problems?: readonly string[];
}

/** Has a live gateway read one file after another, with a session that must not notice the broken ones. */
export class ReloadFuzzer {
  /** The text of the file that the gateway was started with. */
  readonly original: string;
  readonly counts = { accepted: 0, refused: 0 };
  readonly problems: string[] = [];
  readonly #gateway: LiveGateway;
  readonly #peer: UdpEchoPeer;
  readonly #config: string;
  #client: TurnClient | undefined;

  private constructor(gateway: LiveGateway, peer: UdpEchoPeer, original: string, config: string) {
    this.#gateway = gateway;
    this.#peer = peer;
    this.original = original;
    this.#config = config;
  }

  /** Opens the session. */
  static async open(gateway: LiveGateway): Promise<ReloadFuzzer> {
    const original = await readFile(gateway.process.file, 'utf8');
    const config = JSON.stringify(await gateway.ask('config'));
    return new ReloadFuzzer(gateway, await openUdpEchoPeer(), original, config);
  }

  /** Replaces the file, asks for a reload and looks what has become of it; the first file is back afterwards. */
  async reload(text: string): Promise<void> {
    try {
      await this.#write(text);
      if (this.#isAccepted()) await this.#expectRestorable();
      else await this.#expectKept();
      if (this.#records().some(({ msg }) => msg === UNFORESEEN)) throw new Error(UNFORESEEN);
    } catch (error) {
      this.problems.push(`${String(error)} after ${JSON.stringify(text.slice(0, 200))}`);
      await this.#expectRestorable();
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#peer.close();
  }

  /** What a process of its own thinks of the file. */
  #isAccepted(): boolean {
    return 'config' in loadConfig(this.#gateway.process.file, {});
  }

  async #expectKept(): Promise<void> {
    this.counts.refused++;
    await this.#relay();
    const before = this.#refusals().length;
    this.#gateway.process.child.signal('SIGHUP');
    await poll(() => this.#refusals().length > before, Boolean);
    const { problems = [] } = this.#refusals().at(-1)!;
    if (!problems.some((problem) => /:\d+:\d+: /.test(problem))) throw new Error('no position');
    if (JSON.stringify(await this.#gateway.ask('config')) !== this.#config) {
      throw new Error('another configuration is in force');
    }
    await this.#relay();
  }

  /** An accepted file may move or close anything; the first one must bring everything back. */
  async #expectRestorable(): Promise<void> {
    this.counts.accepted++;
    const { child } = this.#gateway.process;
    const before = this.#told();
    child.signal('SIGHUP');
    // It may have been told to say nothing any more.
    for (let waited = 0; this.#told() === before && waited < SILENCE_MS_MAX; waited += STEP_MS) {
      await pause(STEP_MS);
    }
    await this.#write(this.original);
    const isBack = async (): Promise<boolean> => {
      child.signal('SIGHUP');
      const config = await this.#gateway.ask('config').catch(() => undefined);
      return JSON.stringify(config) === this.#config;
    };
    await poll(isBack, Boolean);
    await this.#client?.close();
    this.#client = undefined;
  }

  /** Sends through a live session and waits for the echo. */
  async #relay(): Promise<void> {
    this.#client ??= await this.#openSession();
    this.#client.sendOnChannel(CHANNEL, Buffer.from('still there'));
    await within(WAIT_MS_MAX, this.#client.receive(), () => 'the session is lost');
  }

  async #openSession(): Promise<TurnClient> {
    const { udp, secret } = this.#gateway;
    const credential = ephemeralCredential(secret, 'reloaded');
    const client = await TurnClient.open({ server: udp, credential });
    await client.allocate({ lifetimeSeconds: 3600 });
    await client.channelBind(CHANNEL, this.#peer.address);
    return client;
  }

  async #write(text: string): Promise<void> {
    const { file } = this.#gateway.process;
    await writeFile(`${file}.next`, text);
    await rename(`${file}.next`, file);
  }

  /** Reloads that were asked for and have been reported. */
  #told(): number {
    return this.#records().filter(({ trigger }) => trigger === 'SIGHUP').length;
  }

  #refusals(): ReloadRecord[] {
    return this.#records().filter(({ msg, trigger }) => msg === KEPT && trigger === 'SIGHUP');
  }

  #records(): ReloadRecord[] {
    return this.#gateway.process.child.lines
      .filter((line) => line.startsWith('{') && line.includes('"scope":"config"'))
      .map((line) => JSON.parse(line) as ReloadRecord);
  }
}
