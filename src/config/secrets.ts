import type { NormaliseContext } from './normalise-context.ts';
import type { Path } from './problems.ts';

/** A section with `KEY` and `KEY_file` entries. */
type SecretSection = Readonly<Record<string, unknown>>;

/** A secret and the key that it came from, so that remarks point to the right place. */
export interface SecretText {
  readonly text: string;
  readonly path: Path;
}

/**
 * Reads a secret given as `KEY`, or as `KEY_file` with one trailing line break removed.
 *
 * @param path - path of the section.
 * @returns undefined when absent or when a problem was reported for it.
 */
export function readSecret(
  section: SecretSection,
  key: string,
  path: Path,
  context: NormaliseContext,
): SecretText | undefined {
  const file = readSecretFile(section, key, path, context);
  if (file !== undefined) return file.text === '' ? undefined : file;
  const text = section[key];
  return typeof text === 'string' ? { text, path: [...path, key] } : undefined;
}

/** Reads secrets given as list `KEY`, or as `KEY_file` with one per line; empty lines of a file do not count. */
export function readSecrets(
  section: SecretSection,
  key: string,
  path: Path,
  context: NormaliseContext,
): SecretText[] {
  const file = readSecretFile(section, key, path, context);
  if (file !== undefined) {
    const lines = file.text.split(/\r?\n/).filter((line) => line !== '');
    return lines.map((text) => ({ text, path: file.path }));
  }
  const list: unknown = section[key];
  if (!Array.isArray(list)) return [];
  return [...list.entries()].flatMap(([index, text]) =>
    typeof text === 'string' ? [{ text, path: [...path, key, index] }] : [],
  );
}

/** Undefined when there is no `KEY_file`; empty text stands for one with a problem. */
function readSecretFile(
  section: SecretSection,
  key: string,
  path: Path,
  { report, readFile }: NormaliseContext,
): SecretText | undefined {
  const fileKey = `${key}_file`;
  const file = section[fileKey];
  if (typeof file !== 'string' || file === '') return undefined;
  const filePath = [...path, fileKey];
  if (section[key] !== undefined) {
    report.problem(filePath, `cannot stand next to ${key}; give one of them`, 'key');
    return { text: '', path: filePath };
  }
  const text = tryRead(readFile, file);
  if (text === undefined) report.problem(filePath, `cannot read ${nameOf(file)}`);
  else if (text === '') report.problem(filePath, `${nameOf(file)} is empty`);
  return { text: text ?? '', path: filePath };
}

/** A word without a folder may be the secret itself, given under the wrong key. */
function nameOf(file: string): string {
  return /^(?:\.{0,2}\/|[A-Za-z]:\\)[\w./\\~@+-]*$/.test(file) ? file : 'the file of that name';
}

function tryRead(readFile: (path: string) => string, file: string): string | undefined {
  try {
    return readFile(file).replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}
