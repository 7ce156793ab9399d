import type { Result } from './run-cases.ts';
import type { Target } from './target.ts';

/** All results of one address of a server. */
export interface Column {
  readonly target: Target;
  readonly results: readonly Result[];
}

/** How many cases came out how. */
export interface Sums {
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
}

const CELL_COLUMNS = 8;
const NAME_COLUMNS = 36;

/** Counts verdicts. */
export function sumsOf(results: readonly Result[]): Sums {
  const count = (verdict: Result['verdict']): number =>
    results.filter((result) => result.verdict === verdict).length;
  return { passed: count('pass'), failed: count('FAIL'), notApplicable: count('n/a') };
}

/** A line for each case with its verdict in each column, and below it what was seen where it failed. */
export function matrix(columns: readonly Column[]): string[] {
  const [first] = columns;
  const lines = [header(columns)];
  for (const [row, { topic, id, rfc, section, title }] of (first?.results ?? []).entries()) {
    if (topic !== first?.results[row - 1]?.topic) lines.push('', topic);
    const cells = columns.map(({ results }) => results[row]!.verdict.padEnd(CELL_COLUMNS));
    lines.push(`  ${id.padEnd(NAME_COLUMNS)}${cells.join('')}${rfc} §${section}: ${title}`);
    lines.push(...details(columns, row));
  }
  return lines;
}

/** The sums of each topic, and of all, in each column: passed of those that apply. */
export function summary(columns: readonly Column[]): string[] {
  const topics = [...new Set(columns[0]?.results.map(({ topic }) => topic))];
  const line = (name: string, isMeant: (result: Result) => boolean): string => {
    const cells = columns.map(({ results }) => cellOf(sumsOf(results.filter(isMeant))));
    return `  ${name.padEnd(NAME_COLUMNS)}${cells.join('')}`;
  };
  return [
    header(columns),
    ...topics.map((name) => line(name, ({ topic }) => topic === name)),
    line('all', () => true),
  ];
}

function cellOf({ passed, failed }: Sums): string {
  return (passed + failed === 0 ? 'n/a' : `${passed}/${passed + failed}`).padEnd(CELL_COLUMNS);
}

function details(columns: readonly Column[], row: number): string[] {
  const seen = new Map<string, string[]>();
  for (const { target, results } of columns) {
    const { verdict, detail } = results[row]!;
    if (verdict === 'pass') continue;
    const line = `${verdict}: ${detail}`;
    seen.set(line, [...(seen.get(line) ?? []), target.carrier]);
  }
  return [...seen].map(([line, carriers]) => `      ${carriers.join(' ')}: ${line}`);
}

function header(columns: readonly Column[]): string {
  const names = columns.map(({ target }) => nameOf(target).padEnd(CELL_COLUMNS));
  return `  ${''.padEnd(NAME_COLUMNS)}${names.join('')}`;
}

function nameOf({ carrier, server }: Target): string {
  return server.ip.includes(':') ? `${carrier}6` : carrier;
}
