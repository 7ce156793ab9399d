import type { RelayFigures, Report } from './report-data.ts';
import { evaluateGoals } from './report/goals.ts';

type Cell = string | number | boolean | null;

/** The figures as tables for people. */
export function formatReport(report: Report): string {
  const { relay, direct, highestRates, memory, garbage, failures, skipped } = report;
  return [
    table('Goals', goalRows(report)),
    table('Relay', relay.map(relayRow)),
    relay
      .filter(({ isGeneratorLimit }) => isGeneratorLimit)
      .map(generatorLimit)
      .join(''),
    table(
      'Without a server',
      direct.map((row) => ({ case: row.case.name, ...row.latency })),
    ),
    table('Highest rates', highestRates.map(flatten)),
    table('Memory and allocations', memory.map(flatten)),
    table('Garbage of the packet path', garbage.map(flatten)),
    table('Failures', failures.map(flatten)),
    Object.entries(skipped)
      .map(([name, reason]) => `skipped ${name}: ${reason}\n`)
      .join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function goalRows(report: Report): Record<string, Cell>[] {
  return evaluateGoals(report).flatMap(({ goal, cells }) =>
    cells
      .filter(({ outcome }) => outcome !== 'notMeasured')
      .map(({ bound, server, worst, outcome }) => ({
        goal: goal.title,
        against: server ?? '-',
        wanted: `${bound.sense === 'atMost' ? '<=' : '>='} ${bound.value}`,
        measured: Number(worst?.value.toFixed(2)),
        outcome,
        where: worst?.label ?? '',
        'generator was the limit': worst?.isGeneratorLimit ?? false,
      })),
  );
}

function relayRow(figures: RelayFigures): Record<string, Cell> {
  const { server, cpuMicrosecondsPerPacket, receivedPerSecond, lossPercent } = figures;
  return {
    case: figures.case.name,
    server,
    'us/packet': cpuMicrosecondsPerPacket,
    'packets/s': receivedPerSecond,
    'loss %': lossPercent,
    'p50 us': figures.latency?.p50 ?? null,
    'p99 us': figures.latency?.p99 ?? null,
    'server %': figures.serverPercent,
    'generator %': figures.generatorPercent,
    'late p99 us': figures.generatorLateness?.p99 ?? null,
    ratios: describeRatios(figures.cpuRatios),
  };
}

function generatorLimit(figures: RelayFigures): string {
  return `the generator was the limit: ${figures.case.name}, ${figures.server}\n`;
}

/** Cases by their names and ratios by those of the other servers. */
function flatten(figures: object): Record<string, Cell> {
  return Object.fromEntries(
    Object.entries(figures).map(([key, value]: [string, Cell | { readonly name?: string }]) => {
      if (typeof value !== 'object' || value === null) return [key, value];
      return [key, value.name ?? describeRatios(value as Record<string, number>)];
    }),
  );
}

function describeRatios(ratios: Readonly<Record<string, number>>): string {
  return Object.entries(ratios)
    .map(([name, ratio]) => `${ratio} of ${name}`)
    .join(', ');
}

function table(title: string, rows: readonly Record<string, Cell>[]): string {
  if (rows.length === 0) return '';
  const names = Object.keys(rows[0]!);
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '-')))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row.map((cell, column) => cell.padStart(widths[column]!)).join('  '),
  );
  return `${title}\n${lines.join('\n')}\n`;
}
