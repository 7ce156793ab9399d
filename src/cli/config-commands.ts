import type { Environment } from '../config/environment.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { planReload, type ConfigChange } from '../config/plan.ts';
import { formatPath, formatProblem, type Path, type Problem } from '../config/problems.ts';
import { redactConfig } from '../config/redact.ts';
import { jsonSchema } from '../config/schema.ts';
import { GatewayError } from '../errors.ts';
import { loadForCommand, type LoadedConfig } from './configuration.ts';
import { formatOutput, success, type CommandResult, type OutputFormat } from './output.ts';

/** `config check`: every problem and warning of a file, one line each; undefined checks the embedded configuration. */
export function checkConfig(
  file: string | undefined,
  environment: Environment = process.env,
): CommandResult {
  return withConfig(file, environment, () => `${file ?? 'embedded configuration'}: ok\n`);
}

/**
 * `config show`: the effective configuration with every default filled in and secrets masked.
 *
 * @param file - undefined shows the embedded configuration.
 */
export function showConfig(
  file: string | undefined,
  output: OutputFormat,
  environment: Environment = process.env,
): CommandResult {
  return withConfig(file, environment, ({ config }) => formatConfig(config, output));
}

/**
 * `config diff`: what a reload would change; secrets masked. Undefined stands for the embedded configuration.
 *
 * @param oldFile - what is compared against.
 */
export function diffConfigs(
  oldFile: string | undefined,
  newFile: string | undefined,
  output: OutputFormat,
  environment: Environment = process.env,
): CommandResult {
  return withConfig(newFile, environment, ({ config }) => {
    const before = loadForCommand({ file: oldFile }, environment).config;
    return formatChanges(planReload(before, config).changes, output);
  });
}

/** `config schema`: the JSON Schema of the file for editors. */
export function schema(): CommandResult {
  return success(formatOutput(jsonSchema(), 'json', () => []));
}

/** Prints a configuration; secrets masked. */
export function formatConfig(config: GatewayConfig, output: OutputFormat): string {
  const data = redactConfig(config);
  return formatOutput(data, output, () => leaves(data, []));
}

/** Prints what a reload would change, or has changed. */
export function formatChanges(changes: readonly ConfigChange[], output: OutputFormat): string {
  if (output === 'table' && changes.length === 0) return 'nothing would change\n';
  return formatOutput({ changes }, output, () =>
    changes.map((change) => [change.path, `${change.effect.padEnd(8)} ${changeText(change)}`]),
  );
}

/** Prints problems alone, without an error code, so that every line is one that editors can jump to. */
function withConfig(
  file: string | undefined,
  environment: Environment,
  print: (loaded: LoadedConfig) => string,
): CommandResult {
  try {
    const loaded = loadForCommand({ file }, environment);
    return success(print(loaded), loaded.warnings.map(warningLine).join(''));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { exitCode: error.exitCode, stdout: '', stderr: `${error.message}\n` };
  }
}

function warningLine(problem: Problem): string {
  return `${formatProblem({ ...problem, message: `warning: ${problem.message}` })}\n`;
}

function changeText({ before, after }: ConfigChange): string {
  if (before === undefined) return `+ ${valueText(after)}`;
  if (after === undefined) return `- ${valueText(before)}`;
  return `${valueText(before)} -> ${valueText(after)}`;
}

function valueText(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

function leaves(value: unknown, path: Path): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[formatPath(path), String(value)]];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  if (entries.length === 0) return [[formatPath(path), '-']];
  return entries.flatMap(([key, child]) => leaves(child, [...path, key]));
}
