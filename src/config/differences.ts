import type { Path } from './problems.ts';

/** A configuration as plain data, twice: as it is, and as people may see it. */
export interface ConfigView {
  /** With secrets; compared, never shown. */
  readonly real: unknown;
  /** The same with secrets masked. */
  readonly shown: unknown;
}

/** A value that differs between two configurations. */
export interface Difference {
  /** Keys from the root; named objects of a list by their name. */
  readonly path: Path;
  /** As people may see it; undefined when there was none, and after when there is none any more. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Lists of named objects: where they stand, and which key holds the name. */
const NAME_KEYS: ReadonlyMap<string, string> = new Map([
  ['listeners', 'name'],
  ['clusters', 'name'],
  ['auth.users', 'username'],
]);

type Entries = ReadonlyMap<string, ConfigView>;

/**
 * Compares two configurations in the format of the file, key by key and named object by named object.
 *
 * @returns the differences in the order of the file; what is gone stands behind what it followed.
 */
export function differencesOf(
  before: ConfigView,
  after: ConfigView,
  path: Path = [],
): Difference[] {
  if (isSame(before.real, after.real)) return [];
  const nameKey = NAME_KEYS.get(path.join('.'));
  if (nameKey !== undefined && Array.isArray(before.real) && Array.isArray(after.real)) {
    const [left, right] = [namedEntries(before, nameKey), namedEntries(after, nameKey)];
    return [...orderDifference(left, right, path), ...entryDifferences(left, right, path)];
  }
  if (isMap(before.real) && isMap(after.real)) {
    return entryDifferences(keyEntries(before), keyEntries(after), path);
  }
  return [{ path, before: before.shown, after: after.shown }];
}

function entryDifferences(before: Entries, after: Entries, path: Path): Difference[] {
  return mergedKeys([...before.keys()], [...after.keys()]).flatMap((key) =>
    differencesOf(before.get(key) ?? NOTHING, after.get(key) ?? NOTHING, [...path, key]),
  );
}

const NOTHING: ConfigView = { real: undefined, shown: undefined };

/** The first static user signs, the first listener leads ICE configurations: the order says something, too. */
function orderDifference(before: Entries, after: Entries, path: Path): Difference[] {
  const left = [...before.keys()].filter((name) => after.has(name));
  const right = [...after.keys()].filter((name) => before.has(name));
  return isSame(left, right) ? [] : [{ path, before: left, after: right }];
}

function namedEntries(view: ConfigView, nameKey: string): Entries {
  const [real, shown] = [view.real as readonly unknown[], view.shown as readonly unknown[]];
  return new Map(
    real.map((entry, index) => [
      String((entry as Record<string, unknown>)[nameKey]),
      { real: entry, shown: shown[index] },
    ]),
  );
}

function keyEntries({ real, shown }: ConfigView): Entries {
  const shownEntries = new Map(Object.entries(shown as object));
  return new Map(
    Object.entries(real as object).map(([key, value]) => [
      key,
      { real: value as unknown, shown: shownEntries.get(key) as unknown },
    ]),
  );
}

/** The keys of `after`, with those that only `before` has behind what they followed there. */
function mergedKeys(before: readonly string[], after: readonly string[]): string[] {
  const isKept = new Set(after);
  const gone = new Map<string | undefined, string[]>();
  let predecessor: string | undefined;
  for (const key of before) {
    if (isKept.has(key)) predecessor = key;
    else gone.set(predecessor, [...(gone.get(predecessor) ?? []), key]);
  }
  const goneBehind = (key: string | undefined): string[] => gone.get(key) ?? [];
  return [...goneBehind(undefined), ...after.flatMap((key) => [key, ...goneBehind(key)])];
}

/** Both come from one function, so that equal objects have their keys in the same order. */
function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
