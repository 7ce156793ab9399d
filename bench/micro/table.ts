import type { FunctionFigure, FunctionFigures } from './figures.ts';

/** The figures as a table for people, group by group. */
export function formatFigures(figures: readonly FunctionFigures[], isComparison: boolean): string {
  const groups = [...new Set(figures.map(({ group }) => group))];
  const cells = isComparison ? comparisonCells : versionCells;
  const head = isComparison ? COMPARISON_HEAD : VERSION_HEAD;
  const rows = groups.map((group) => figures.filter((figure) => figure.group === group).map(cells));
  const widths = head.map((_, column) => {
    return Math.max(...[head, ...rows.flat()].map((row) => row[column]!.length));
  });
  const line = (row: readonly string[]): string => {
    const [name, ...numbers] = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    );
    return `  ${[name, ...numbers].join('  ').trimEnd()}\n`;
  };
  return groups
    .map((group, index) => `${group}\n${[head, ...rows[index]!].map(line).join('')}`)
    .join('\n');
}

const VERSION_HEAD = ['function', 'ns/call', 'spread', 'bytes/call'];

function versionCells({ name, newer }: FunctionFigures): string[] {
  return [name, time(newer), spread(newer), bytes(newer)];
}

const COMPARISON_HEAD = [
  'function',
  'old ns/call',
  'spread',
  'new ns/call',
  'spread',
  'new/old',
  '',
  'old bytes/call',
  'new bytes/call',
];

function comparisonCells({ name, older, newer, ratio, verdict }: FunctionFigures): string[] {
  return [
    name,
    time(older),
    spread(older),
    time(newer),
    spread(newer),
    ratio?.toFixed(2) ?? '-',
    verdict === 'same' || verdict === null ? '' : verdict,
    bytes(older),
    bytes(newer),
  ];
}

function time(figure: FunctionFigure | null): string {
  if (figure === null) return '-';
  const { nanoseconds } = figure;
  return nanoseconds.toFixed(nanoseconds < 100 ? 1 : 0);
}

function spread(figure: FunctionFigure | null): string {
  const percent = figure?.spreadPercent ?? null;
  return percent === null ? '-' : `±${percent.toFixed(1)} %`;
}

function bytes(figure: FunctionFigure | null): string {
  return figure === null ? '-' : figure.bytesPerCall.toFixed(figure.bytesPerCall < 100 ? 1 : 0);
}
