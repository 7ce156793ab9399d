import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Pair,
} from 'yaml';
import type { Locator, Path, Position } from './problems.ts';
import { explainExpansion, explainSyntax } from './syntax-faults.ts';

/** A fault of the text itself. */
export interface Fault extends Position {
  readonly path: Path;
  /** Never a part of the text. */
  readonly message: string;
}

/** A parsed YAML or JSON text that remembers where every value stands. */
export interface ConfigDocument extends Locator {
  /** Plain data; undefined when there are syntax faults, null when the text is empty. Aliases may share objects. */
  readonly root: unknown;
  /** Faults that leave no usable data. */
  readonly syntaxFaults: readonly Fault[];
  /** Keys given twice in one map, at the second one. */
  readonly duplicateKeys: readonly Fault[];
  /** The text of a scalar as written, such as `0123`; undefined when the path names no scalar. */
  scalarText(path: Path): string | undefined;
}

type YamlDocument = Document.Parsed;

/** More would mean that one anchor is repeated to blow the data up. */
const ALIASES_MAX = 100;

/** Parses YAML 1.2 or JSON text (JSON is a subset); never throws. */
export function readDocument(text: string): ConfigDocument {
  const lines = new LineCounter();
  const yaml = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    merge: true,
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const syntaxFaults = [
    ...textFaults(text, yaml, positionAt),
    ...structureFaults(yaml, positionAt),
  ];
  const { root, faults } = toData(yaml, syntaxFaults);
  return {
    root,
    syntaxFaults: faults,
    duplicateKeys: faults.length > 0 ? [] : duplicateKeys(yaml.contents, [], positionAt),
    locate: (path, part) => positionAt(offsetOf(yaml, path, part)),
    scalarText: (path) => scalarText(yaml, path),
  };
}

function textFaults(
  text: string,
  yaml: YamlDocument,
  positionAt: (offset: number) => Position,
): Fault[] {
  const faults = new Map<number, Fault>();
  for (const { code, pos } of [...yaml.errors, ...yaml.warnings]) {
    const [offset] = pos;
    if (faults.has(offset)) continue;
    const isVariable = text.slice(offset - 1, offset + 1) === '${';
    const explanation = isVariable ? 'quote "${NAME}" inside { } and [ ]' : explainSyntax(code);
    faults.set(offset, { ...positionAt(offset), path: [], message: explanation });
  }
  return [...faults.values()];
}

function structureFaults(yaml: YamlDocument, positionAt: (offset: number) => Position): Fault[] {
  const faults: Fault[] = [];
  const add = (node: unknown, message: string): void => {
    faults.push({ ...positionAt(startOf(node)), path: [], message });
  };
  visit(yaml, {
    Alias(_key, node) {
      if (node.resolve(yaml) === undefined)
        add(node, 'an alias without its anchor; quote text that starts with *');
    },
    Pair(_key, { key }) {
      if (isMap(key) || isSeq(key) || isAlias(key)) add(key, 'a key must be text');
    },
  });
  return faults;
}

function toData(
  yaml: YamlDocument,
  faults: readonly Fault[],
): { root: unknown; faults: readonly Fault[] } {
  if (faults.length > 0) return { root: undefined, faults };
  try {
    return { root: yaml.toJS({ maxAliasCount: ALIASES_MAX }), faults };
  } catch (error) {
    const fault = { line: 1, column: 1, path: [], message: explainExpansion(error) };
    return { root: undefined, faults: [fault] };
  }
}

function duplicateKeys(
  node: unknown,
  path: Path,
  positionAt: (offset: number) => Position,
): Fault[] {
  if (isSeq(node)) {
    return node.items.flatMap((item, index) => duplicateKeys(item, [...path, index], positionAt));
  }
  if (!isMap(node)) return [];
  const seen = new Map<string, Position>();
  return node.items.flatMap((pair) => {
    const key = keyText(pair);
    const below = duplicateKeys(pair.value, [...path, key], positionAt);
    const position = positionAt(startOf(pair.key));
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, position);
      return below;
    }
    const message = `given twice, first on line ${first.line}`;
    return [{ ...position, path: [...path, key], message }, ...below];
  });
}

function scalarText(yaml: YamlDocument, path: Path): string | undefined {
  let node: unknown = yaml.contents;
  for (const segment of path) {
    const next = step(yaml, node, segment);
    if (next === undefined) return undefined;
    node = next.value;
  }
  const scalar = resolved(yaml, node);
  return isScalar(scalar) ? scalar.source : undefined;
}

function offsetOf(yaml: YamlDocument, path: Path, part: 'key' | 'value'): number {
  let node: unknown = yaml.contents;
  let offset = startOf(node);
  for (const [depth, segment] of path.entries()) {
    const next = step(yaml, node, segment);
    if (next === undefined) break;
    node = next.value;
    const isKeyWanted = part === 'key' && depth === path.length - 1;
    offset = (isKeyWanted || node === null ? startOf(next.key) : startOf(node)) || offset;
  }
  return offset;
}

function step(
  yaml: YamlDocument,
  node: unknown,
  segment: string | number,
): { key: unknown; value: unknown } | undefined {
  const collection = resolved(yaml, node);
  if (isSeq(collection) && typeof segment === 'number') {
    const item = collection.items[segment];
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(collection)) return undefined;
  const pair = collection.items.findLast((candidate) => keyText(candidate) === String(segment));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

function resolved(yaml: YamlDocument, node: unknown): unknown {
  return isAlias(node) ? node.resolve(yaml) : node;
}

/** The key as plain data has it; keys that are no scalars were refused before. */
function keyText({ key }: Pair): string {
  if (!isScalar(key)) return '';
  return typeof key.value === 'string' ? key.value : (key.source ?? '');
}

function startOf(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}
