import { stringify } from 'yaml';
import type { Environment } from '../config/environment.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { loadConfig } from '../config/load.ts';
import type { ParseResult } from '../config/parse.ts';
import { formatPath, formatProblem, type Path, type Problem } from '../config/problems.ts';
import { redactConfig } from '../config/redact.ts';
import { jsonSchema } from '../config/schema.ts';
import { GatewayError } from '../errors.ts';

/** What a command prints and how it ends: 0 ok, 2 the configuration is not usable. */
export interface CommandResult {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** How data is printed. */
export type OutputFormat = 'yaml' | 'json' | 'table';

/** `config check`: every problem and warning of a file, one line each. */
export function checkConfig(file: string, environment: Environment = process.env): CommandResult {
  return withConfig(file, environment, () => `${file}: ok\n`);
}

/** `config show`: the effective configuration with every default filled in and secrets masked. */
export function showConfig(
  file: string,
  output: OutputFormat,
  environment: Environment = process.env,
): CommandResult {
  return withConfig(file, environment, (config) => formatConfig(config, output));
}

/** `config schema`: the JSON Schema of the file for editors. */
export function schema(): CommandResult {
  return { exitCode: 0, stdout: `${JSON.stringify(jsonSchema(), undefined, 2)}\n`, stderr: '' };
}

/** Prints a configuration that is already loaded, such as the embedded one; secrets masked. */
export function formatConfig(config: GatewayConfig, output: OutputFormat): string {
  const data = redactConfig(config);
  if (output === 'json') return `${JSON.stringify(data, undefined, 2)}\n`;
  return output === 'yaml' ? stringify(data) : formatTable(leaves(data, []));
}

function withConfig(
  file: string,
  environment: Environment,
  print: (config: GatewayConfig) => string,
): CommandResult {
  const result = tryLoad(file, environment);
  if (result instanceof GatewayError) {
    return { exitCode: result.exitCode, stdout: '', stderr: `${result.message}\n` };
  }
  if ('problems' in result) {
    return { exitCode: 2, stdout: '', stderr: result.problems.map(line).join('') };
  }
  return {
    exitCode: 0,
    stdout: print(result.config),
    stderr: result.warnings.map(warning).join(''),
  };
}

function tryLoad(file: string, environment: Environment): ParseResult | GatewayError {
  try {
    return loadConfig(file, environment);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

function line(problem: Problem): string {
  return `${formatProblem(problem)}\n`;
}

function warning(problem: Problem): string {
  return line({ ...problem, message: `warning: ${problem.message}` });
}

function leaves(value: unknown, path: Path): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[formatPath(path), String(value)]];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  if (entries.length === 0) return [[formatPath(path), '-']];
  return entries.flatMap(([key, child]) => leaves(child, [...path, key]));
}

function formatTable(rows: readonly [string, string][]): string {
  const width = Math.max(...rows.map(([key]) => key.length));
  return rows.map(([key, value]) => `${key.padEnd(width)}  ${value}\n`).join('');
}
