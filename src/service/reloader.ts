import { errorText, GatewayError } from '../errors.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import type { ReloadResult } from '../http/admin/gateway-control.ts';
import type { LogRecord } from '../log.ts';
import type { ReloadOutcome } from '../metrics/metrics-source.ts';
import type { SerialQueue } from '../net/shared/serial-queue.ts';
import { FileWatch } from '../tls/file-watch.ts';
import type { ConfigInForce } from './config-in-force.ts';

/** A file is read when nothing has been written to it for so long, milliseconds. */
const QUIET_MS = 100;
/** The trigger of the look at the files when they begin to be followed. */
const FOLLOW = 'follow';

/** Where a gateway has its configuration from. */
export interface ConfigSource {
  /**
   * Reads the configuration anew.
   *
   * @throws GatewayError GW_ERR_CONFIG_INVALID with every problem on a line of its own, or GW_ERR_CONFIG_UNREADABLE.
   */
  load(): SourcedConfig;
  /** Reads a text as if it were that configuration; throws GatewayError as `load`. */
  parse(text: string): SourcedConfig;
}

/** A configuration with what it was read from. */
export interface SourcedConfig {
  readonly config: GatewayConfig;
  /** Files to be followed; empty for a configuration that does not change. */
  readonly files: readonly string[];
}

/** Reads the configuration again when it is asked to or when a file changes, one time after the other. */
export class Reloader {
  /** How reloads ended. */
  readonly counts: Record<ReloadOutcome, number> = { applied: 0, unchanged: 0, failed: 0 };
  readonly #source: ConfigSource;
  readonly #target: Pick<ConfigInForce, 'plan' | 'apply' | 'follow'>;
  readonly #onRecord: (record: LogRecord) => void;
  readonly #queue: SerialQueue;
  #files: readonly string[];
  #watch: FileWatch | undefined;
  #last: ReloadResult | undefined;
  #lastSuccessAtMs = Date.now();
  #isStopped = false;

  /** @param files - that the configuration in force was read from. */
  constructor(
    source: ConfigSource,
    files: readonly string[],
    target: Pick<ConfigInForce, 'plan' | 'apply' | 'follow'>,
    queue: SerialQueue,
    onRecord: (record: LogRecord) => void,
  ) {
    this.#source = source;
    this.#files = files;
    this.#target = target;
    this.#queue = queue;
    this.#onRecord = onRecord;
  }

  /** The newest result that was no dry run. */
  get last(): ReloadResult | undefined {
    return this.#last;
  }

  /** When the configuration in force was read. */
  get lastSuccessUnixSeconds(): number {
    return this.#lastSuccessAtMs / 1000;
  }

  /** Begins to follow the files; resolves once every change from now on is noticed. */
  async follow(): Promise<void> {
    if (this.#files.length === 0) return;
    this.#watch = new FileWatch(this.#files, {
      quietMs: QUIET_MS,
      onChange: () => void this.reload('file'),
      onError: (error) => this.#report('warn', 'files are not watched', { reason: String(error) }),
    });
    await this.#watch.ready();
    // What was written before somebody looked.
    void this.reload(FOLLOW);
  }

  /** Reads the configuration and puts it in force; does not reject. */
  reload(trigger: string): Promise<ReloadResult> {
    return this.#queue.run(async () => {
      const result = await this.#timed(
        (loaded) => this.#apply(loaded),
        () => this.#source.load(),
      );
      this.#remember(result, trigger);
      return result;
    });
  }

  /** Says what the configuration, or a text in its place, would change; does not reject. */
  plan(text: string | undefined): Promise<ReloadResult> {
    return this.#queue.run(() =>
      this.#timed(
        async ({ config }) => {
          const { changes } = await this.#target.plan(config);
          return { outcome: 'dryRun', changes };
        },
        () => (text === undefined ? this.#source.load() : this.#source.parse(text)),
      ),
    );
  }

  /** Follows nothing any more; resolves when the last reload is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#queue.run(async () => {});
    await this.#watch?.close();
  }

  async #timed(
    act: (loaded: SourcedConfig) => Promise<Pick<ReloadResult, 'outcome' | 'changes'>>,
    read: () => SourcedConfig,
  ): Promise<ReloadResult> {
    const start = performance.now();
    const told = await this.#attempt(act, read);
    const milliseconds = Math.round((performance.now() - start) * 10) / 10;
    return { ...told, at: new Date().toISOString(), milliseconds };
  }

  async #attempt(
    act: (loaded: SourcedConfig) => Promise<Pick<ReloadResult, 'outcome' | 'changes'>>,
    read: () => SourcedConfig,
  ): Promise<Pick<ReloadResult, 'outcome' | 'changes' | 'kept' | 'problems'>> {
    try {
      if (this.#isStopped) throw new GatewayError('GW_ERR_USAGE', 'the gateway is stopping');
      const { outcome, changes } = await act(read());
      const kept = changes.filter(({ effect }) => effect === 'restart').map(({ path }) => path);
      return { outcome, changes, kept, problems: [] };
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        this.#report('error', 'a reload failed', { error: errorText(error) });
      }
      return { outcome: 'failed', changes: [], kept: [], problems: errorText(error).split('\n') };
    }
  }

  async #apply({
    config,
    files,
  }: SourcedConfig): Promise<Pick<ReloadResult, 'outcome' | 'changes'>> {
    const { next, changes } = await this.#target.plan(config);
    if (changes.length > 0) await this.#target.apply(next);
    this.#target.follow(config);
    this.#lastSuccessAtMs = Date.now();
    await this.#followOthers(files);
    return { outcome: changes.length > 0 ? 'applied' : 'unchanged', changes };
  }

  async #followOthers(files: readonly string[]): Promise<void> {
    if (files.join('\n') === this.#files.join('\n')) return;
    this.#files = files;
    await this.#watch?.close();
    await this.follow();
  }

  #remember(result: ReloadResult, trigger: string): void {
    const { outcome } = result;
    const last = this.#last;
    if (outcome === 'dryRun' || (outcome === 'unchanged' && trigger === FOLLOW)) return;
    this.counts[outcome]++;
    this.#last = result;
    const isRepeated =
      outcome === 'failed'
        ? String(last?.problems) === String(result.problems)
        : outcome === 'unchanged' && last?.outcome !== 'failed';
    if (!isRepeated || trigger !== 'file') this.#tell(result, trigger);
  }

  #tell({ outcome, changes, kept, problems, milliseconds }: ReloadResult, trigger: string): void {
    const fields = { trigger, outcome, changes: changes.map(({ path }) => path), milliseconds };
    if (outcome === 'failed') {
      this.#report('error', 'the configuration is kept: the new one has problems', {
        ...fields,
        problems,
      });
    } else {
      this.#report('info', 'the configuration was read again', { ...fields, kept });
    }
  }

  #report(level: LogRecord['level'], message: string, fields: LogRecord['fields']): void {
    this.#onRecord({ level, scope: 'config', event: 'config.reloaded', message, fields });
  }
}
