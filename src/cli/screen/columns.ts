/**
 * Rows of cells laid out in straight columns, wide characters included.
 *
 * Promise: columns only ever grow, so rows that come page by page stay as straight as can be without knowing the last one.
 */
import { type Colour, paint } from './terminal.js';
import { cutTo, pad, widthOf } from './width.js';

/** A cell: text that is safe to print. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
  readonly align?: 'right';
}

const GAP = '  ';

/** Lays out page after page of one table. */
export class Columns {
  readonly #widths: number[] = [];

  /** One line for each row; cells are cut or left out where the line would be longer than `maxWidth`. */
  lines(rows: readonly (readonly Cell[])[], maxWidth: number = Number.POSITIVE_INFINITY): string[] {
    for (const row of rows) {
      for (const [index, { text }] of row.entries()) {
        this.#widths[index] = Math.max(this.#widths[index] ?? 0, widthOf(text));
      }
    }
    return rows.map(row => this.#line(row, maxWidth));
  }

  #line(row: readonly Cell[], maxWidth: number): string {
    let used = 0;
    const lastFilled = row.findLastIndex(({ text }) => text !== '');
    const cells: string[] = [];
    for (const [index, { text, colour, align }] of row.slice(0, lastFilled + 1).entries()) {
      const left = maxWidth - used;
      if (left < 1) break;
      const width = this.#widths[index] ?? 0;
      const cut = cutTo(text, left);
      const shown =
        index === lastFilled && align === undefined ? cut : pad(cut, Math.min(width, left), align);
      cells.push(colour === undefined ? shown : paint(colour, shown));
      used += width + GAP.length;
    }
    return cells.join(GAP);
  }
}
