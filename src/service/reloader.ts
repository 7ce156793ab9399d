import type { GatewayConfig } from '../config/gateway-config.ts';
import type { ReloadPlan } from '../config/plan.ts';
import { errorText, GatewayError } from '../errors.ts';
import type { ReloadResult } from '../http/admin/gateway-control.ts';
import type { LogRecord } from '../log.ts';
import { FileWatch } from '../tls/file-watch.ts';
import type { ConfigSource, SourcedConfig } from './config-source.ts';
import { SerialQueue } from './serial-queue.ts';

/** A file is read when nothing has been written to it for so long, milliseconds. */
const QUIET_MS = 100;

/** A configuration as it would be put in force. */
export interface PlannedReload {
  readonly next: GatewayConfig;
  readonly plan: ReloadPlan;
}

/** What a reloader changes. */
export interface Reloadable {
  /** The configuration that is in force. */
  readonly config: GatewayConfig;
  /** What a configuration stands for on this host, and what would change with it; throws GatewayError. */
  plan(config: GatewayConfig): Promise<PlannedReload>;
  /** Puts a configuration in force; rejects when it cannot, everything is as before then. */
  apply(next: GatewayConfig, written: GatewayConfig): Promise<void>;
}

/** Reads the configuration again when it is asked to or when a file changes, one time after the other. */
export class Reloader {
  readonly counts: Record<ReloadResult['outcome'], number> = {
    applied: 0,
    unchanged: 0,
    failed: 0,
    dryRun: 0,
  };
  readonly #source: ConfigSource;
  readonly #target: Reloadable;
  readonly #onRecord: (record: LogRecord) => void;
  readonly #queue = new SerialQueue();
  #files: readonly string[];
  #watch: FileWatch | undefined;
  #last: ReloadResult | undefined;
  #lastSuccessAtMs = Date.now();
  #isStopped = false;

  /** @param files - that the configuration in force was read from. */
  constructor(
    source: ConfigSource,
    files: readonly string[],
    target: Reloadable,
    onRecord: (record: LogRecord) => void,
  ) {
    this.#source = source;
    this.#files = files;
    this.#target = target;
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
      onChange: () => void this.reload({ isDryRun: false, trigger: 'file' }),
      onError: (error) => this.#report('warn', 'files are not watched', { reason: String(error) }),
    });
    await this.#watch.ready();
  }

  /** Reads the configuration and puts it in force, unless it is only to be looked at; does not reject. */
  reload(options: { readonly isDryRun: boolean; readonly trigger: string }): Promise<ReloadResult> {
    return this.#queue.run(() => this.#reload(options));
  }

  /** Follows nothing any more; resolves when the last reload is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#queue.run(async () => {});
    await this.#watch?.close();
  }

  async #reload(options: {
    readonly isDryRun: boolean;
    readonly trigger: string;
  }): Promise<ReloadResult> {
    const start = performance.now();
    const attempt = await this.#attempt(options.isDryRun);
    const milliseconds = Math.round((performance.now() - start) * 10) / 10;
    const result = { ...attempt, at: new Date().toISOString(), milliseconds };
    this.counts[result.outcome]++;
    if (!options.isDryRun) this.#remember(result, options.trigger);
    return result;
  }

  async #attempt(
    isDryRun: boolean,
  ): Promise<Pick<ReloadResult, 'outcome' | 'changes' | 'kept' | 'problems'>> {
    try {
      if (this.#isStopped) throw new GatewayError('GW_ERR_USAGE', 'the gateway is stopping');
      const loaded = this.#source.load();
      const { next, plan } = await this.#target.plan(loaded.config);
      const { changes } = plan;
      const kept = changes.filter(({ effect }) => effect === 'restart').map(({ path }) => path);
      const told = { changes, kept, problems: [] };
      if (isDryRun) return { outcome: 'dryRun', ...told };
      await this.#apply(next, loaded, changes.length > 0);
      return { outcome: changes.length > 0 ? 'applied' : 'unchanged', ...told };
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        this.#report('error', 'a reload failed', { error: errorText(error) });
      }
      return { outcome: 'failed', changes: [], kept: [], problems: errorText(error).split('\n') };
    }
  }

  async #apply(next: GatewayConfig, loaded: SourcedConfig, isChanged: boolean): Promise<void> {
    if (isChanged) await this.#target.apply(next, loaded.config);
    this.#lastSuccessAtMs = Date.now();
    if (loaded.files.join('\n') === this.#files.join('\n')) return;
    this.#files = loaded.files;
    await this.#watch?.close();
    await this.follow();
  }

  #remember(result: ReloadResult, trigger: string): void {
    const isRepeated =
      result.outcome === 'unchanged' ||
      (result.outcome === 'failed' && String(this.#last?.problems) === String(result.problems));
    this.#last = result;
    if (isRepeated && trigger === 'file') return;
    const { outcome, changes, kept, problems, milliseconds } = result;
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
