import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { METRICS } from '../../src/metrics/names.ts';
import { METRIC_NAMES_MAX } from '../../src/limits.ts';
import { missingTool } from '../support/child-process.ts';
import { readDashboard } from '../support/grafana-dashboard.ts';
import { MetricsScene } from '../support/metrics-scene.ts';

const PROMETHEUS = fileURLToPath(new URL('../../config/prometheus/', import.meta.url));
const DOCUMENT = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const { groups } = parse(readFileSync(`${PROMETHEUS}turnpike.rules.yml`, 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** A value of a label as the document names it; what has a dot or an underscore is something else. */
const VALUE = /`([A-Za-z]+|\d{3})`/g;

/** Cells of the rows whose first cell is such code. */
function rowsOf(firstCell: RegExp): string[][] {
  const rows = DOCUMENT.split('\n').filter((line) => line.startsWith('| `'));
  return rows
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([first = '']) => firstCell.test(first));
}

t.test('docs/metrics.md lists every metric as it is', (t) => {
  const documented = rowsOf(/^`[a-z_]+`$/)
    .filter(({ length }) => length === 4)
    .map(([name = '', type, labels = '', help]) => {
      const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label);
      return [name.replaceAll('`', ''), { type, help, labels: names }];
    });
  t.strictSame(documented, Object.entries(METRICS));
  t.match(DOCUMENT, new RegExp(` ${METRIC_NAMES_MAX - 1} different ones`), 'the bound of names');
  t.end();
});

t.test('docs/metrics.md explains every value of a label', async (t) => {
  const { metrics } = await new MetricsScene().scrape();
  const items = DOCUMENT.split(/^- /m);
  for (const [name, { samples }] of metrics) {
    for (const label of ['reason', 'method', 'code', 'outcome']) {
      const values = [...new Set(samples.flatMap(({ labels }) => labels[label] ?? []))];
      if (values.length === 0) continue;
      const start = `\`${name}\`, \`${label}\`: `;
      const item = items.find((text) => text.startsWith(start))?.slice(start.length) ?? '';
      const explained = [...item.matchAll(VALUE)].map(([, value]) => value);
      t.strictSame(explained, values, `${name} ${label}`);
    }
  }
});

t.test('docs/metrics.md lists every alert', (t) => {
  const documented = rowsOf(/^`Turnpike\w+`$/).map(([alert = '']) => alert.replaceAll('`', ''));
  t.strictSame(
    documented,
    rules.map(({ alert }) => alert),
  );
  t.end();
});

t.test('rules and panels ask only for what there is', (t) => {
  const panels = readDashboard();
  const expressions = [...rules, ...panels].map(({ expr }) => expr);
  t.ok(panels.length > 30, `${panels.length} queries`);
  const asked = new Set<string>();
  for (const expr of expressions) {
    for (const [name] of expr.matchAll(/\b(?:stunner|turnpike|process|nodejs)_\w+/g)) {
      const base = name.replace(/_bucket$/, '');
      t.ok(Object.hasOwn(METRICS, base), `${name} in ${expr}`);
      asked.add(base);
    }
    for (const [, label = ''] of expr.matchAll(/(\w+)(?:=~|!=|=)"/g)) {
      const labels = ['job', 'instance', ...Object.values(METRICS).flatMap((one) => one.labels)];
      t.ok(labels.includes(label), `label ${label} in ${expr}`);
    }
  }
  const own = Object.keys(METRICS).filter((name) => /^(stunner|turnpike)_/.test(name));
  const unasked = own.filter((name) => !asked.has(name));
  t.strictSame(unasked, ['turnpike_reload_last_success_timestamp_seconds', 'turnpike_workers']);
  t.end();
});

const skip = missingTool('promtool');

for (const { what, args } of [
  { what: 'the rules are rules', args: ['check', 'rules', 'turnpike.rules.yml'] },
  {
    what: 'every alert fires and does not fire',
    args: ['test', 'rules', 'turnpike.rules.test.yml'],
  },
  { what: 'the example is a configuration', args: ['check', 'config', 'prometheus.yml'] },
]) {
  t.test(what, { skip }, (t) => {
    const { status, stdout, stderr } = spawnSync('promtool', args, {
      cwd: PROMETHEUS,
      encoding: 'utf8',
    });
    t.equal(status, 0, stdout + stderr);
    t.match(stdout, /SUCCESS/);
    t.end();
  });
}

t.test('every alert is tested both ways', (t) => {
  const { tests } = parse(readFileSync(`${PROMETHEUS}turnpike.rules.test.yml`, 'utf8')) as {
    tests: readonly {
      readonly name: string;
      readonly input_series: readonly { readonly series: string }[];
      readonly alert_rule_test: readonly {
        readonly alertname: string;
        readonly exp_alerts: readonly { readonly exp_labels: { readonly instance: string } }[];
      }[];
    }[];
  };
  t.strictSame(
    tests.map(({ name }) => name),
    rules.map(({ alert }) => alert),
  );
  for (const { name, input_series: inputs, alert_rule_test: cases } of tests) {
    t.ok(
      cases.every(({ alertname }) => alertname === name),
      name,
    );
    const fired = new Set(
      cases.flatMap((one) => one.exp_alerts.map((alert) => alert.exp_labels.instance)),
    );
    t.strictSame([...fired], ['g1'], `${name} fires for one gateway`);
    t.ok(
      inputs.some(({ series }) => series.includes('instance="g2"')),
      `${name}: and there is another`,
    );
  }
  t.end();
});
