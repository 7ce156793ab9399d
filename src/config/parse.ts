import { coerce } from './coerce.ts';
import { readDocument } from './document.ts';
import { expandVariables, type Environment } from './environment.ts';
import type { GatewayConfig } from './gateway-config.ts';
import { normalise } from './normalise.ts';
import { ProblemReport, type Problem } from './problems.ts';
import { FileSchema } from './schema.ts';
import { validateShape } from './validate.ts';

/** What parsing needs besides the text. */
export interface ParseOptions {
  /** Name to print in problems. */
  readonly fileName: string;
  readonly environment: Environment;
  /** Reads a file named by a `…_file` key as UTF-8 text; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /** The path under which a file that is read later is found; undefined: as written. */
  readonly resolvePath?: (path: string) => string;
}

/** A configuration with remarks, or every problem of the text. */
export type ParseResult =
  | { readonly config: GatewayConfig; readonly warnings: readonly Problem[] }
  | { readonly problems: readonly Problem[] };

/**
 * Reads a configuration file: YAML or JSON text in STUNner's format with the keys of Turnpike.
 *
 * @returns the deeply frozen configuration with every default filled in, or all problems at once in the order of the
 * text; never throws on bad text.
 */
export function parseConfig(text: string, options: ParseOptions): ParseResult {
  const document = readDocument(text);
  const report = new ProblemReport(options.fileName, document);
  if (document.syntaxFaults.length > 0) {
    return { problems: document.syntaxFaults.map((fault) => syntaxProblem(fault, options)) };
  }
  if (!isMap(document.root)) {
    report.problem([], describeNonMap(document.root));
    return { problems: report.problems };
  }
  for (const { path, message } of document.duplicateKeys) report.problem(path, message, 'key');
  const data = expandVariables(document.root, options.environment, report);
  const { readFile, resolvePath = asWritten } = options;
  const shaped = coerce(data, FileSchema, (path) => document.scalarText(path));
  const file = validateShape(shaped, report);
  const config = normalise(file, { report, readFile, resolvePath });
  const { problems, warnings } = report;
  return problems.length > 0 ? { problems } : { config: deepFreeze(config), warnings };
}

function syntaxProblem(
  fault: { line: number; column: number; message: string },
  { fileName }: ParseOptions,
): Problem {
  const { line, column, message } = fault;
  return { file: fileName, line, column, path: '', message };
}

function asWritten(path: string): string {
  return path;
}

function describeNonMap(root: unknown): string {
  return root === null
    ? 'is empty; a configuration starts with version: v1'
    : 'must be a map of keys and values that starts with version: v1';
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
