import { stringify } from 'yaml';
import type { Colours } from './colours.ts';
import { printable, printableLine } from './printable.ts';

/** What a command prints and how it ends: 0 ok, 1 failure or "no", 2 usage or a configuration that cannot be used. */
export interface CommandResult {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** How data is printed. */
export type OutputFormat = 'yaml' | 'json' | 'table';

/** How an answer is printed. */
export interface Presentation {
  readonly output: OutputFormat;
  /** Of the text for people. */
  readonly colours: Colours;
}

/** The result of a command that did what it was asked. */
export function success(stdout: string, stderr = ''): CommandResult {
  return { exitCode: 0, stdout, stderr };
}

/** Prints data as YAML or JSON, or its rows as a table. */
export function formatOutput(
  data: unknown,
  output: OutputFormat,
  rows: () => readonly (readonly [string, string])[],
): string {
  return formatData(data, output, () => formatTable(rows()));
}

/** Prints data as YAML or JSON, or as the text made of it for people. */
export function formatData(data: unknown, output: OutputFormat, text: () => string): string {
  if (output === 'json') return `${JSON.stringify(data, undefined, 2)}\n`;
  return output === 'yaml' ? printable(stringify(data)) : text();
}

/** Writes keys and values as two columns. */
export function formatTable(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([key]) => key.length));
  return rows.map(([key, value]) => `${key.padEnd(width)}  ${printableLine(value)}\n`).join('');
}
