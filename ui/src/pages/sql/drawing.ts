// What a chart of a result shows: which columns, in which form, and their numbers as uPlot takes them. Pure.
import type { Cell, Column, SqlResult } from '../../api/types';
import { cell_text, is_number_type, is_time_type, seconds_of } from './cells';

export type ChartKind = 'line' | 'bar' | 'scatter';
/** The row's own number as the x of a chart. */
export const kRowNumber = -1;
export const kLinesMax = 6;
/** Names along the x axis, beyond which nobody reads them. */
const kNamesMax = 500;

export interface ChartChoice {
  kind: ChartKind;
  x: number;
  ys: number[];
}

export const number_columns = (columns: Column[]): number[] => columns.flatMap((column, i) => (is_number_type(column.type) ? [i] : []));

/** What a result is drawn as at first; null: it has no numbers, or no rows. */
export function first_choice(result: SqlResult): ChartChoice | null {
  const numbers = number_columns(result.columns);
  if (numbers.length === 0 || result.rows.length === 0) return null;
  const some = (of: number[]) => of.slice(0, 4);
  const time = result.columns.findIndex((column) => is_time_type(column.type));
  if (time >= 0) return { kind: 'line', x: time, ys: some(numbers) };
  const name = result.columns.findIndex((column) => !is_number_type(column.type));
  if (name >= 0) return { kind: 'bar', x: name, ys: some(numbers) };
  const [first, ...others] = numbers;
  if (first === undefined || others.length === 0) return { kind: result.rows.length <= 60 ? 'bar' : 'line', x: kRowNumber, ys: some(numbers) };
  const rises = result.rows.every((row, i) => i === 0 || Number(row[first]) > Number(result.rows[i - 1]?.[first]));
  return rises ? { kind: 'line', x: first, ys: some(others) } : { kind: 'scatter', x: first, ys: others.slice(0, 1) };
}

export type XForm = 'time' | 'number' | 'name';

export function x_form(columns: Column[], x: number): XForm {
  const type = columns[x]?.type;
  if (type === undefined || is_number_type(type)) return 'number';
  return is_time_type(type) ? 'time' : 'name';
}

export interface Drawing {
  form: XForm;
  /** x, then one list for each y. Bars of several columns stand side by side: each has places of its own. */
  data: [number[], ...(number | null)[][]];
  /** The row's text of x for each place. */
  labels: string[];
  /** Places a row has in `data`. */
  places: number;
  /** Rows that are not drawn: too many names, or an x that is no number. */
  left_out: number;
}

function number_of(cell: Cell | undefined): number | null {
  if (cell === null || cell === undefined || cell === '') return null;
  const value = Number(cell);
  return Number.isFinite(value) ? value : null;
}

export function drawing_of(result: SqlResult, choice: ChartChoice): Drawing {
  const form = x_form(result.columns, choice.x);
  const x_of = (row: Cell[], i: number): number => {
    if (form === 'name') return i;
    if (choice.x === kRowNumber) return i + 1;
    return form === 'time' ? seconds_of(row[choice.x]) : (number_of(row[choice.x]) ?? Number.NaN);
  };
  const taken = form === 'name' ? result.rows.slice(0, kNamesMax) : result.rows;
  const points = taken.map((row, i) => ({ x: x_of(row, i), row, label: choice.x === kRowNumber ? `row ${i + 1}` : cell_text(row[choice.x]) })).filter((point) => Number.isFinite(point.x));
  if (form !== 'name') points.sort((a, b) => a.x - b.x);
  const left_out = result.rows.length - points.length;
  if (choice.kind !== 'bar' || choice.ys.length < 2) {
    return { form, data: [points.map((point) => point.x), ...choice.ys.map((y) => points.map((point) => number_of(point.row[y])))], labels: points.map((point) => point.label), places: 1, left_out };
  }
  // Side by side: every row gets a place for each column around its own x, and each column has numbers only at its own.
  const step = smallest_step(points.map((point) => point.x)) * 0.8;
  const places = choice.ys.length;
  const spread = points.flatMap((point) => choice.ys.map((_, k) => point.x + ((k - (places - 1) / 2) * step) / places));
  const columns = choice.ys.map((y, k) => points.flatMap((point) => choice.ys.map((_, other) => (other === k ? number_of(point.row[y]) : null))));
  return { form, data: [spread, ...columns], labels: points.map((point) => point.label), places, left_out };
}

function smallest_step(sorted: number[]): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i += 1) {
    const step = (sorted[i] ?? 0) - (sorted[i - 1] ?? 0);
    if (step > 0 && step < smallest) smallest = step;
  }
  return Number.isFinite(smallest) ? smallest : 1;
}
