// How values of a result are written, aligned, copied and charted.
import { write_json } from '../../api/lossless';
import type { Cell, Column, SqlResult } from '../../api/types';

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

export interface ChartShape {
  time: number;
  numbers: number[];
}

/** A result can be drawn when it has a column of times and at least one of numbers. */
export function chart_shape(columns: Column[]): ChartShape | null {
  const time = columns.findIndex((column) => is_time_type(column.type));
  const numbers = columns.flatMap((column, i) => (is_number_type(column.type) ? [i] : [])).slice(0, 6);
  return time >= 0 && numbers.length > 0 ? { time, numbers } : null;
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
