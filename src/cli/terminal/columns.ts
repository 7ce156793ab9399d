import type { Colour, Colours } from './colours.ts';
import { printableLine } from './printable.ts';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Numbers stand to the right. */
  readonly isRight?: boolean;
  readonly colour?: (row: Row, colours: Colours) => Colour;
}

/** Writes rows as aligned columns under their titles; what clients made up is made printable. */
export function formatColumns<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  colours: Colours,
): string {
  const cells = rows.map((row) => columns.map(({ value }) => printableLine(value(row)) || '-'));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const pad = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    if (columns[index]?.isRight === true) return text.padStart(width);
    return index === columns.length - 1 ? text : text.padEnd(width);
  };
  const head = columns.map(({ title }, index) => colours.bold(pad(title, index))).join('  ');
  const lines = rows.map((row, rowIndex) =>
    columns
      .map(({ colour }, index) => {
        const text = pad(cells[rowIndex]?.[index] ?? '', index);
        return colour === undefined ? text : colour(row, colours)(text);
      })
      .join('  '),
  );
  return [head, ...lines].map((line) => `${line}\n`).join('');
}
