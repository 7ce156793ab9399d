import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { parse, stringify } from 'yaml';
import { missingTool, TestProcess } from './child-process.ts';
import { freePorts } from './free-ports.ts';

const EXAMPLES = fileURLToPath(new URL('../../config/prometheus/', import.meta.url));

/** One series of an answer with its value of now. */
export interface QueriedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A rule as Prometheus has it. */
export interface LoadedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: 'inactive' | 'pending' | 'firing';
}

/** Says why Prometheus cannot be run, for the `skip` option of a test; false when it is installed. */
export function missingPrometheus(): string | false {
  return missingTool('prometheus');
}

/** Debian's Prometheus on loopback with the example configuration, which ends with the test. */
export class Prometheus {
  readonly process: TestProcess;
  readonly #url: string;

  private constructor(process: TestProcess, url: string) {
    this.process = process;
    this.#url = url;
  }

  /**
   * Starts it and waits until it answers.
   *
   * @param target - host and port of the gateway, in the place of those of the example.
   */
  static async start(t: Test, target: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-prometheus-'));
    const file = join(folder, 'prometheus.yml');
    await writeFile(file, await configurationFor(target));
    const address = `127.0.0.1:${await freePorts()}`;
    const child = new TestProcess('prometheus', [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
      '--log.format=json',
    ]);
    t.teardown(async () => {
      await child.stop();
      await rm(folder, { recursive: true });
    });
    return new Prometheus(child, `http://${address}`);
  }

  /** The series of an instant query; undefined as long as Prometheus does not answer yet. */
  async query(expr: string): Promise<QueriedSeries[] | undefined> {
    const data = await this.#get<QueryData>(`/api/v1/query?query=${encodeURIComponent(expr)}`);
    return data?.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Every rule of the example; undefined as long as Prometheus does not answer yet. */
  async rules(): Promise<LoadedRule[] | undefined> {
    const data = await this.#get<RuleData>('/api/v1/rules');
    return data?.groups.flatMap((group) => group.rules);
  }

  /** What it says of its only target; undefined as long as there is none. */
  async target(): Promise<{ readonly health: string; readonly lastError: string } | undefined> {
    return (await this.#get<TargetData>('/api/v1/targets'))?.activeTargets[0];
  }

  async #get<Data>(path: string): Promise<Data | undefined> {
    if (!this.process.isAlive) throw new Error(`prometheus has ended:\n${this.process.output}`);
    const response = await fetch(`${this.#url}${path}`).catch(() => undefined);
    if (response === undefined || response.status === 503) return undefined;
    const { status, data, error } = (await response.json()) as Answer<Data>;
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }
}

interface Answer<Data> {
  readonly status: string;
  readonly data: Data;
  readonly error?: string;
}

interface QueryData {
  readonly result: readonly {
    readonly metric: Record<string, string>;
    readonly value: readonly [time: number, value: string];
  }[];
}

interface RuleData {
  readonly groups: readonly { readonly rules: LoadedRule[] }[];
}

interface TargetData {
  readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[];
}

/** The example, hurried, and with another target. */
async function configurationFor(target: string): Promise<string> {
  const example = parse(await readFile(`${EXAMPLES}prometheus.yml`, 'utf8')) as {
    readonly rule_files: readonly string[];
    readonly scrape_configs: readonly Readonly<Record<string, unknown>>[];
  };
  return stringify({
    global: { scrape_interval: '200ms', evaluation_interval: '200ms' },
    rule_files: example.rule_files.map((name) => `${EXAMPLES}${name}`),
    scrape_configs: example.scrape_configs.map((scrape) => {
      return { ...scrape, static_configs: [{ targets: [target] }] };
    }),
  });
}
