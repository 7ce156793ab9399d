import type { Environment } from '../config/environment.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { loadConfig } from '../config/load.ts';
import { planReload, type ConfigChange } from '../config/plan.ts';
import { formatPath, formatProblem, type Path, type Problem } from '../config/problems.ts';
import { redactConfig } from '../config/redact.ts';
import { jsonSchema } from '../config/schema.ts';
import { GatewayError } from '../errors.ts';
import { changesText } from './admin/reload-text.ts';
import { loadForCommand, type LoadedConfig } from './configuration.ts';
import {
  formatData,
  formatOutput,
  success,
  type CommandResult,
  type OutputFormat,
  type Presentation,
} from './terminal/output.ts';

const EMBEDDED =
  'this is the configuration that is embedded for trying things out; name yours with -c FILE\n';

/** `config check`: every problem and warning of a file, one line each; undefined checks the embedded configuration. */
export function checkConfig(
  file: string | undefined,
  environment: Environment = process.env,
  output: OutputFormat = 'table',
): CommandResult {
  if (output !== 'table') return checkAsData(file, output, environment);
  const result = withConfig(file, environment, () => `${file ?? 'embedded configuration'}: ok\n`);
  return file === undefined ? { ...result, stderr: `${EMBEDDED}${result.stderr}` } : result;
}

function checkAsData(
  file: string | undefined,
  output: OutputFormat,
  environment: Environment,
): CommandResult {
  if (file === undefined) {
    return success(
      formatData(checked({ problems: [], warnings: [] }), output, () => ''),
      EMBEDDED,
    );
  }
  try {
    const result = loadConfig(file, environment);
    const { problems, warnings } = { problems: [], warnings: [], ...result };
    const stdout = formatData(checked({ problems, warnings }), output, () => '');
    return { exitCode: problems.length === 0 ? 0 : 2, stdout, stderr: '' };
  } catch (error) {
    return failureResult(error);
  }
}

function checked(found: Record<'problems' | 'warnings', readonly Problem[]>): object {
  return { ok: found.problems.length === 0, ...found };
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
  const result = withConfig(file, environment, ({ config }) => formatConfig(config, output));
  return file === undefined ? { ...result, stderr: `${EMBEDDED}${result.stderr}` } : result;
}

/**
 * `config diff`: what a reload would change; secrets masked. Undefined stands for the embedded configuration.
 *
 * @param oldFile - what is compared against.
 */
export function diffConfigs(
  oldFile: string | undefined,
  newFile: string | undefined,
  how: Presentation,
  environment: Environment = process.env,
): CommandResult {
  return withConfig(newFile, environment, ({ config }) => {
    const before = loadForCommand({ file: oldFile }, environment).config;
    return formatChanges(planReload(before, config), how);
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

/** Prints what a reload would change. */
export function formatChanges(
  changes: readonly ConfigChange[],
  { output, colours }: Presentation,
): string {
  return formatData({ changes }, output, () => changesText(changes, colours));
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
    return failureResult(error);
  }
}

function failureResult(error: unknown): CommandResult {
  if (!(error instanceof GatewayError)) throw error;
  return { exitCode: error.exitCode, stdout: '', stderr: `${error.message}\n` };
}

function warningLine(problem: Problem): string {
  return `${formatProblem({ ...problem, message: `warning: ${problem.message}` })}\n`;
}

function leaves(value: unknown, path: Path): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[formatPath(path), String(value)]];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  if (entries.length === 0) return [[formatPath(path), '-']];
  return entries.flatMap(([key, child]) => leaves(child, [...path, key]));
}
