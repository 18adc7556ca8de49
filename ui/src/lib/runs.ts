// Words for runs: why one was started, how long it has taken.
import type { Run } from '../api/types';

export function cause_words(run: Run): string {
  const cause = run.cause ?? {};
  const text = (key: string) => (typeof cause[key] === 'string' ? (cause[key] as string) : '');
  switch (cause.by) {
    case 'person':
      return cause.who ? `asked for by ${cause.who}` : 'asked for';
    case 'schedule':
      return 'its schedule';
    case 'apply':
      return 'an apply';
    case undefined:
      return '–';
    default:
      return [cause.by, text('why') || text('what') || text('name') || text('of')].filter(Boolean).join(': ');
  }
}

export const is_open = (run: Run): boolean => run.state === 'queued' || run.state === 'running';

/** Seconds from its start to its end or until now; null before it has started. */
export function seconds_of_run(run: Run, now_ms: number): number | null {
  if (run.seconds !== undefined) return run.seconds;
  if (!run.started_at) return null;
  const end = run.ended_at ? Date.parse(run.ended_at) : now_ms;
  return Math.max(0, (end - Date.parse(run.started_at)) / 1000);
}

/** What stands in a run's address bar of choices. */
export const run_states = ['queued', 'running', 'done', 'failed', 'stopped'] as const;
