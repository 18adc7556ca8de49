// Words and numbers of reviews that several pages use.
import type { RunOrder } from '../api/client';
import type { Colour, Review, ReviewChange, ReviewReport, ReviewSignal, Run } from '../api/types';
import { count } from './format';

export const verdict_of = (run: Run): Colour | null => (run.result?.verdict as Colour | undefined) ?? null;
export const score_of = (run: Run): number | null => (typeof run.result?.score === 'number' ? run.result.score : null);
export const report_address = (review: string, run: string, format = 'html'): string => `/v1/reviews/${encodeURIComponent(review)}/report?format=${format}&run=${encodeURIComponent(run)}`;
export const review_address = (review: string, run = ''): string => `/reviews/${encodeURIComponent(review)}${run ? `?run=${encodeURIComponent(run)}` : ''}`;
export const is_met = (signal: ReviewSignal): boolean => signal.colour === 'red' || signal.colour === 'yellow';

export interface FoundSignal {
  query: string;
  title: string;
  signal: ReviewSignal;
}

const kImpacts = { high: 3, medium: 2, low: 1 };
const weight = (signal: ReviewSignal): number => (signal.colour === 'red' ? 10 : 0) + kImpacts[signal.impact];

/** What is met, worst first. */
export function findings_of(report: ReviewReport): FoundSignal[] {
  const all = report.sections.flatMap((section) => section.queries.flatMap((query) => query.signals.map((signal) => ({ query: query.query, title: query.title, signal }))));
  return all.filter((one) => is_met(one.signal)).sort((a, b) => weight(b.signal) - weight(a.signal));
}

export function how_many(signal: ReviewSignal): string {
  if (signal.value !== null && signal.value !== undefined) return `value ${String(signal.value)}`;
  return `${count(signal.count)} of ${count(signal.of)} ${signal.of_name || 'rows'}`;
}

export function side_words(colour: ReviewChange['from'], rows: number): string {
  if (colour === null) return 'not declared';
  return colour === 'red' || colour === 'yellow' ? `${colour}, ${count(rows)}` : colour;
}

/** "10m", "1h30m", "250ms" in seconds; 0 for what is none. */
export function seconds_of(text: string): number {
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
  return [...text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0), 0);
}

export type ReviewOrder = Extract<RunOrder, { review: string }>;
export const order_of_run = (run: Run): ReviewOrder => {
  const { workflow, on } = (run.parameters ?? {}) as { workflow?: string; on?: string };
  return { review: run.name, ...(workflow ? { workflow } : {}), ...(on ? { on } : {}) };
};
export const workflow_choice = (review: Review, chosen: string): ReviewOrder => ({ review: review.review, workflow: chosen || review.workflow });
