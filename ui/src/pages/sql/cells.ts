// How values of a result are written, aligned and copied.
import { write_json } from '../../api/lossless';
import type { Cell, SqlResult } from '../../api/types';

const kNumber = /^(u?(tiny|small|big|huge)?int(eger)?\d*|float\d*|double( precision)?|real|decimal.*|numeric.*)$/i;
const kTime = /^(date|timestamp.*|datetime)$/i;

export const is_number_type = (type: string): boolean => kNumber.test(type.trim());
export const is_time_type = (type: string): boolean => kTime.test(type.trim());

export function cell_text(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return 'NULL';
  if (typeof cell === 'object') return write_json(cell);
  return String(cell);
}

/** What goes to the clipboard: NULL is nothing there, as in CSV. */
export const copied_text = (cell: Cell | undefined): string => (cell === null || cell === undefined ? '' : cell_text(cell));

/** Both ends included. */
export interface CellRange {
  rows: [number, number];
  columns: [number, number];
}

/** Cells with tabs between them, as spreadsheets take them; a text with a tab, a line break or a quote is quoted. One cell alone is its text. */
export function copied_range(result: SqlResult, range: CellRange): string {
  const [top, bottom] = range.rows;
  const [left, right] = range.columns;
  if (top === bottom && left === right) return copied_text(result.rows[top]?.[left]);
  const quoted = (text: string) => (/[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return result.rows
    .slice(top, bottom + 1)
    .map((row) => row.slice(left, right + 1).map((cell) => quoted(copied_text(cell))).join('\t'))
    .join('\n');
}

const kSample = 200;
const kWidthMin = 56;
const kWidthMax = 420;

/** Widths from the names and the first rows, so that columns do not move while scrolling. */
export function column_widths(result: SqlResult, character_px: number): number[] {
  return result.columns.map((column, i) => {
    let longest = Math.max(column.name.length, column.type.length * 0.85);
    for (const row of result.rows.slice(0, kSample)) longest = Math.max(longest, Math.min(cell_text(row[i]).length, 80));
    return Math.round(Math.min(kWidthMax, Math.max(kWidthMin, longest * character_px + 26)));
  });
}

/** Seconds since 1970 of an SQL time text; one without a zone is UTC. */
export function seconds_of(cell: Cell | undefined): number {
  if (typeof cell !== 'string') return Number.NaN;
  let text = cell.trim().replace(' ', 'T');
  if (/^\d{4}-\d\d-\d\d$/.test(text)) text += 'T00:00:00';
  if (!/(Z|[+-]\d\d(:?\d\d)?)$/.test(text)) text += 'Z';
  else text = text.replace(/([+-]\d\d)$/, '$1:00');
  return Date.parse(text) / 1000;
}
