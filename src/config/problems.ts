import { MASK } from './redact-values.ts';
import { shownPath } from './shown-path.ts';

/** Where a value sits in the configuration: keys and list indexes from the root. */
export type Path = readonly (string | number)[];

/** A place in the text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing an operator has to look at. */
export interface Problem extends Position {
  readonly file: string;
  /** Such as `listeners[0].port`, `***` for a key that may be a secret; empty for the whole file. */
  readonly path: string;
  /** What is wrong and what is accepted; never a secret. */
  readonly message: string;
}

/** Finds the text position of a value, or of the key that names it; the nearest existing ancestor when absent. */
export interface Locator {
  locate(path: Path, part: 'key' | 'value'): Position;
}

/** Collects problems and warnings of one file, at most one problem per path. */
export class ProblemReport {
  readonly #file: string;
  readonly #locator: Locator;
  readonly #problems = new Map<string, Problem>();
  readonly #warnings: Problem[] = [];

  /** @param file - name to print. */
  constructor(file: string, locator: Locator) {
    this.#file = file;
    this.#locator = locator;
  }

  /** Problems in the order of the text. */
  get problems(): Problem[] {
    return [...this.#problems.values()].toSorted(byPosition);
  }

  /** Warnings in the order of the text. */
  get warnings(): Problem[] {
    return [...this.#warnings].toSorted(byPosition);
  }

  /** Records a problem; a later one for the same path is a consequence of the first and is left out. */
  problem(path: Path, message: string, part: 'key' | 'value' = 'value'): void {
    // Not as it is shown: what is masked alike is not the same.
    const text = formatPath(path);
    if (this.#problems.has(text)) return;
    this.#problems.set(text, this.#entry(path, message, part));
  }

  /** Records something that is accepted but deserves attention. */
  warning(path: Path, message: string, part: 'key' | 'value' = 'value'): void {
    this.#warnings.push(this.#entry(path, message, part));
  }

  /** True when a problem was recorded for the path, for anything below it or for anything that contains it. */
  hasProblemAt(path: Path): boolean {
    const text = formatPath(path);
    return [...this.#problems.keys()].some((key) => isWithin(key, text) || isWithin(text, key));
  }

  #entry(path: Path, message: string, part: 'key' | 'value'): Problem {
    const { line, column } = this.#locator.locate(path, part);
    return { file: this.#file, line, column, path: formatPath(shownPath(path)), message };
  }
}

/** The path as people write it: `listeners[0].port`, with quotes around keys that are not plain words. */
export function formatPath(path: Path): string {
  return path.map(formatSegment).join('').replace(/^\./, '');
}

/** One line for a terminal: `file:line:column: path: message`. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.path === ''
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.path}: ${problem.message}`;
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
}

function formatSegment(segment: string | number): string {
  if (typeof segment === 'number') return `[${segment}]`;
  return segment === MASK || /^[\w-]+$/.test(segment)
    ? `.${segment}`
    : `[${JSON.stringify(segment)}]`;
}

function byPosition(left: Problem, right: Problem): number {
  return left.line - right.line || left.column - right.column;
}
