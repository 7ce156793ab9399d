import type { CoturnSetting } from './coturn-file.ts';

/** Something that the operator has to look at. */
export interface ImportNote {
  /** Line of the coturn file; undefined: it concerns the whole. */
  readonly line: number | undefined;
  readonly text: string;
}

/** Collects what does not map, and what has to be decided. */
export class ImportNotes {
  readonly #notes: ImportNote[] = [];

  /** All notes: those about the whole first, then in the order of the file. */
  get all(): readonly ImportNote[] {
    return this.#notes.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  }

  /** Notes what becomes of a setting; the text names no secret. */
  setting({ name, line }: CoturnSetting, text: string): void {
    this.#notes.push({ line, text: `${name}: ${text}` });
  }

  /** Notes what concerns the whole. */
  general(text: string): void {
    this.#notes.push({ line: undefined, text });
  }
}
