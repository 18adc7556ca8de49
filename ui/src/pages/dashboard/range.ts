// The range of time in a dashboard's address: ?range=1h, or ?from=…&to=… in UTC.
import type { Span } from '../../lib/board.svelte';
import { seconds_of } from '../../lib/board.svelte';

export const ranges: { id: string; label: string }[] = [
  { id: '15m', label: 'Last 15 minutes' },
  { id: '1h', label: 'Last hour' },
  { id: '3h', label: 'Last 3 hours' },
  { id: '6h', label: 'Last 6 hours' },
  { id: '12h', label: 'Last 12 hours' },
  { id: '1d', label: 'Last 24 hours' },
  { id: '2d', label: 'Last 2 days' },
  { id: '7d', label: 'Last 7 days' },
  { id: '30d', label: 'Last 30 days' },
];

const kMax_s = 400 * 86_400;

export function span_of(search: string, fallback: string): { span: Span; id: string } {
  const choice = new URLSearchParams(search);
  const from_ms = Date.parse(choice.get('from') ?? '');
  const to_ms = Date.parse(choice.get('to') ?? '');
  if (Number.isFinite(from_ms) && Number.isFinite(to_ms) && to_ms > from_ms) return { span: { last_s: null, from_ms, to_ms }, id: '' };
  const id = choice.get('range') ?? fallback;
  const last_s = seconds_of(id);
  if (last_s >= 60 && last_s <= kMax_s) return { span: { last_s, from_ms: 0, to_ms: 0 }, id };
  return { span: { last_s: 3600, from_ms: 0, to_ms: 0 }, id: '1h' };
}

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

export const address_of = (from_ms: number, to_ms: number): string => `from=${iso(from_ms)}&to=${iso(to_ms)}`;
