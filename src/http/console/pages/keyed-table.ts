import { element, setText, type Tone } from './dom.ts';

/** What stands in a cell: a text, one with a tone, or something that is made once when its row appears. */
export type Cell = string | { readonly text: string; readonly tone: Tone } | (() => Node);

/** A row, which stays the same element as long as its key is there. */
export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
}

/** A table that is brought up to date in place: rows keep their elements, and with them focus and selection. */
export class KeyedTable {
  readonly #body: HTMLTableSectionElement;
  readonly #columnClasses: readonly string[];
  readonly #emptyNote: HTMLTableCellElement;
  readonly #emptyRow: HTMLTableRowElement;
  readonly #rows = new Map<string, HTMLTableRowElement>();

  /** @param emptyText - says in words that there are no rows. */
  constructor(table: HTMLTableElement, emptyText: string) {
    const headers = [...table.querySelectorAll('thead th')];
    this.#body = table.tBodies[0] ?? table.createTBody();
    this.#columnClasses = headers.map(({ className }) => className);
    const span = String(headers.length);
    this.#emptyNote = element('td', { colspan: span, class: 'empty' }, emptyText);
    this.#emptyRow = element('tr', {}, this.#emptyNote);
    this.#body.replaceChildren(this.#emptyRow);
  }

  /**
   * Shows these rows in this order.
   *
   * @param emptyText - from now on in the place of the one before.
   */
  show(rows: readonly Row[], emptyText?: string): void {
    if (emptyText !== undefined) setText(this.#emptyNote, emptyText);
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, row] of this.#rows) if (!keys.has(key)) this.#remove(key, row);
    for (const [index, { key, cells }] of rows.entries()) {
      const row = this.#rows.get(key) ?? this.#add(key, cells);
      if (this.#body.rows[index] !== row)
        this.#body.insertBefore(row, this.#body.rows[index] ?? null);
      fill(row, cells);
    }
    if (rows.length === 0) this.#body.append(this.#emptyRow);
    else this.#emptyRow.remove();
  }

  #add(key: string, cells: readonly Cell[]): HTMLTableRowElement {
    const row = element('tr');
    for (const [index, cell] of cells.entries()) {
      const made = index === 0 ? element('th', { scope: 'row' }) : element('td');
      made.className = this.#columnClasses[index] ?? '';
      if (typeof cell === 'function') made.append(cell());
      row.append(made);
    }
    this.#rows.set(key, row);
    return row;
  }

  #remove(key: string, row: HTMLTableRowElement): void {
    this.#rows.delete(key);
    row.remove();
  }
}

function fill(row: HTMLTableRowElement, cells: readonly Cell[]): void {
  for (const [index, cell] of cells.entries()) {
    const target = row.cells[index];
    if (target === undefined || typeof cell === 'function') continue;
    const { text, tone } = typeof cell === 'string' ? { text: cell, tone: undefined } : cell;
    setText(target, text);
    if (tone === undefined) delete target.dataset['tone'];
    else target.dataset['tone'] = tone;
  }
}
