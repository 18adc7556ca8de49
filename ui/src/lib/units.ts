// Numbers of panels with their units, short enough for an axis.
import { bytes, compact } from './format';

export function small(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1000) return compact(value);
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

function seconds(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${small(value * 1e6)} µs`;
  if (size < 1) return `${small(value * 1000)} ms`;
  if (size < 120) return `${small(value)} s`;
  if (size < 7200) return `${small(value / 60)} min`;
  if (size < 172_800) return `${small(value / 3600)} h`;
  return `${small(value / 86_400)} d`;
}

/** Without the unit's name where an axis says it once. */
export function axis_text(value: number, unit: string): string {
  if (unit === 'bytes' || unit === 'bytes/s') return bytes(value);
  if (unit === 'seconds') return seconds(value);
  return small(value);
}

export function with_unit(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return '–';
  if (unit === 'bytes') return bytes(value);
  if (unit === 'bytes/s') return `${bytes(value)}/s`;
  if (unit === 'seconds') return seconds(value);
  if (unit === '' || unit === 'ratio') return small(value);
  return unit.startsWith('/') || unit === '%' ? `${small(value)}${unit === '%' ? ' %' : unit}` : `${small(value)} ${unit}`;
}
