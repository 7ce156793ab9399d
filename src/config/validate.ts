import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Path, ProblemReport } from './problems.ts';
import { FileSchema, type FileConfig } from './schema.ts';
import { nearestMatch } from './suggest.ts';

/**
 * Checks plain data against the schema and reports every deviation.
 *
 * @param data - a map; changed in place: whatever deviates is removed, so that later checks can go on with the rest.
 * @returns the same data; list entries that cannot be used are left as undefined, so that indexes stay true.
 */
export function validateShape(data: unknown, report: ProblemReport): FileConfig {
  for (const error of errorsOf(data)) reportError(error, data, report);
  // Twice, because an entry that lost a required key in the first round is removed in the second.
  for (let round = 0; round < 2; round++) {
    for (const error of errorsOf(data)) prune(error, data);
  }
  return data as FileConfig;
}

/** `list.entries()` without the places of entries that validation removed. */
export function usableEntries<Entry>(list: readonly Entry[] | undefined): [number, Entry][] {
  return [...(list ?? []).entries()].filter(([, entry]) => entry !== undefined);
}

let compiled: ValidateFunction<FileConfig> | undefined;

/** Compiled when a file is first looked at, and quickly: tests see to it that the schema is one. */
function validator(): ValidateFunction<FileConfig> {
  if (compiled !== undefined) return compiled;
  const code = { optimize: false };
  const options = { allErrors: true, verbose: true, strict: true };
  const ajv = new Ajv({ ...options, validateSchema: false, meta: false, code });
  ajv.addVocabulary(['errorMessage']);
  compiled = ajv.compile<FileConfig>(FileSchema);
  return compiled;
}

/** Errors of the branches of a union say less than the error of the union itself, and are left out. */
function errorsOf(data: unknown): ErrorObject[] {
  const validate = validator();
  if (validate(data)) return [];
  return (validate.errors ?? []).filter(({ schemaPath }) => !schemaPath.includes('/anyOf/'));
}

function reportError(error: ErrorObject, data: unknown, report: ProblemReport): void {
  const path = pathOf(error, data);
  const { properties = {} } = error.parentSchema as { properties?: Record<string, object> };
  if (error.keyword === 'additionalProperties') {
    report.problem(path, unknownKey(String(path.at(-1)), Object.keys(properties)), 'key');
  } else if (error.keyword === 'required') {
    report.problem(path, `is missing; it ${messageOf(properties[String(path.at(-1))])}`);
  } else {
    report.problem(path, messageOf(error.parentSchema));
  }
}

function unknownKey(key: string, accepted: readonly string[]): string {
  const near = nearestMatch(key, accepted);
  return near === undefined
    ? `unknown key; accepted here: ${accepted.join(', ')}`
    : `unknown key; did you mean ${near}?`;
}

function messageOf(schema: object | undefined): string {
  const { errorMessage } = (schema ?? {}) as { errorMessage?: string };
  return errorMessage ?? 'must be text';
}

/** The path of the value at fault, including the key that is unknown or missing. */
function pathOf(error: ErrorObject, data: unknown): Path {
  const { additionalProperty, missingProperty } = error.params as Record<
    string,
    string | undefined
  >;
  const path = segmentsOf(error.instancePath, data);
  const key = error.keyword === 'required' ? missingProperty : additionalProperty;
  return key === undefined ? path : [...path, key];
}

function segmentsOf(pointer: string, data: unknown): Path {
  let node = data;
  const path: (string | number)[] = [];
  for (const escaped of pointer.split('/').slice(1)) {
    const text = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    const segment = Array.isArray(node) ? Number(text) : text;
    path.push(segment);
    node = childOf(node, segment);
  }
  return path;
}

function prune(error: ErrorObject, data: unknown): void {
  const path = segmentsOf(error.instancePath, data);
  if (error.keyword === 'additionalProperties') {
    remove(data, [...path, String(error.params['additionalProperty'])]);
  } else {
    remove(data, path);
  }
}

function remove(data: unknown, path: Path): void {
  const key = path.at(-1);
  let parent = data;
  for (const segment of path.slice(0, -1)) parent = childOf(parent, segment);
  if (key === undefined || !isCollection(parent)) return;
  if (Array.isArray(parent)) parent[Number(key)] = undefined;
  else delete parent[key];
}

function childOf(node: unknown, segment: string | number): unknown {
  return isCollection(node) && Object.hasOwn(node, segment) ? node[segment] : undefined;
}

function isCollection(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
