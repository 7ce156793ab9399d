/** One metric of an exposition. */
export interface ExposedMetric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ExposedSample[];
}

/** One line with a value. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

/** What a gateway told Prometheus, in the text format. */
export class Exposition {
  readonly metrics: ReadonlyMap<string, ExposedMetric>;
  readonly text: string;

  /** Throws Error at the first line that is not of the format, and at a series that is told twice. */
  constructor(text: string) {
    this.text = text;
    this.metrics = parse(text);
  }

  /** Value of one series; undefined when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const key = keyOf(name, labels);
    for (const { samples } of this.metrics.values()) {
      const sample = samples.find((one) => keyOf(one.name, one.labels) === key);
      if (sample !== undefined) return sample.value;
    }
    return undefined;
  }

  /** Values of one label of a metric, in order of appearance. */
  labelValues(name: string, label: string): string[] {
    const samples = this.metrics.get(name)?.samples ?? [];
    return [...new Set(samples.map(({ labels }) => labels[label]!))];
  }
}

function parse(text: string): Map<string, ExposedMetric> {
  const metrics = new Map<string, ExposedMetric>();
  const seen = new Set<string>();
  for (const block of text.trimEnd().split('\n\n')) {
    const [helpLine = '', typeLine = '', ...lines] = block.split('\n');
    const [, name = '', help = ''] = /^# HELP (\S+) (.+)$/.exec(helpLine) ?? [];
    const [, typed, type = ''] = /^# TYPE (\S+) (\w+)$/.exec(typeLine) ?? [];
    if (name === '' || typed !== name) throw new Error(`no metric: ${block}`);
    const samples = lines.map(parseSample);
    for (const sample of samples) {
      const key = keyOf(sample.name, sample.labels);
      if (seen.has(key)) throw new Error(`told twice: ${key}`);
      seen.add(key);
    }
    metrics.set(name, { type, help, samples });
  }
  return metrics;
}

function parseSample(line: string): ExposedSample {
  const [, name, labelText = '', valueText] = SAMPLE.exec(line) ?? [];
  const value = Number(valueText);
  if (name === undefined || Number.isNaN(value)) throw new Error(`no sample: ${line}`);
  const matches = [...labelText.matchAll(LABEL)];
  const length = matches.reduce((sum, [match]) => sum + match.length, 0);
  if (length !== labelText.length) throw new Error(`no labels: ${line}`);
  const labels = matches.map(([, label = '', text = '']) => [label, unescape(text)] as const);
  return { name, labels: Object.fromEntries(labels), value };
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
