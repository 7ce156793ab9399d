import { Gauge, Registry, type MetricType } from 'prom-client';
import type { MetricsSource } from './metrics-source.ts';
import { NameLabelCache } from './name-labels.ts';
import { METRICS, type MetricName } from './names.ts';
import type { Sample } from './sample.ts';
import { SAMPLES } from './samples.ts';
import { takeScrape, type Scrape } from './scrape.ts';

/** What Prometheus is given. */
export interface Metrics {
  /** For the header of the answer. */
  readonly contentType: string;
  /** All values of now in the text format of Prometheus. */
  scrape(): Promise<string>;
}

/** Makes the metrics of a gateway; values are read at each scrape and at no other time. */
export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry();
  const labels = new NameLabelCache();
  let current: Scrape | undefined;
  for (const name of Object.keys(METRICS) as MetricName[]) {
    registry.registerMetric(new ScrapedMetric(name, () => SAMPLES[name](current!)));
  }
  let running: Promise<string> | undefined;
  return {
    contentType: registry.contentType,
    scrape: () => {
      // Who asks while another is answered gets the same answer.
      running ??= Promise.resolve()
        .then(() => {
          current = takeScrape(source, labels);
          return registry.metrics();
        })
        .finally(() => (running = undefined));
      return running;
    },
  };
}

type Values = Awaited<ReturnType<Gauge['get']>>;

/** A metric that keeps no values, since others count them. */
class ScrapedMetric extends Gauge {
  readonly #name: MetricName;
  readonly #read: () => readonly Sample[];

  constructor(name: MetricName, read: () => readonly Sample[]) {
    const { help, labels } = METRICS[name];
    super({ name, help, labelNames: [...labels], registers: [] });
    this.#name = name;
    this.#read = read;
  }

  override async get(): Promise<Values> {
    // The types call it an enumeration; it is the word of the format.
    const type = METRICS[this.#name].type as unknown as MetricType;
    return { ...(await super.get()), type, values: this.#read().map(toValue) };
  }
}

const NO_LABELS = {};

/** Shared labels are those that the library writes only once for each object. */
function toValue({ value, labels, metricName }: Sample): Values['values'][number] {
  const line = { value, labels: NO_LABELS, sharedLabels: labels, metricName };
  return line;
}
