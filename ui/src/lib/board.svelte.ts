// The numbers of an open dashboard. The first answer is the whole range; while it is live only its newest end is asked for
// and appended, and now and then the whole again, because late events correct the past. What is no line over time
// (numbers, bars, tables) is asked for as a whole each time.
import { api } from '../api/client';
import { Poll } from '../api/poll.svelte';
import type { Dashboard, DashboardData, PanelData } from '../api/types';

const kWholeEvery = 30; // answers
const kIdle_ms = 3_600_000; // a range that stands still is asked for again only after a failure

export interface Span {
  /** Seconds before now, or nothing: then from and to, in milliseconds since 1970. */
  last_s: number | null;
  from_ms: number;
  to_ms: number;
}

export class Board {
  definition = $state.raw<Dashboard | null>(null);
  panels = $state.raw<Record<string, PanelData>>({});
  /** What the axes of time show, in seconds since 1970. */
  shown = $state.raw<[number, number] | null>(null);
  is_paused = $state(false);
  span = $state.raw<Span>({ last_s: 3600, from_ms: 0, to_ms: 0 });

  private since_whole = 0;
  private step_s = 0;
  private took_ms = 0;
  readonly poll: Poll<DashboardData>;

  constructor(private readonly name: string) {
    this.poll = new Poll<DashboardData>((signal) => this.ask(signal), () => this.wait_ms());
  }

  get is_live(): boolean {
    return this.span.last_s !== null && !this.is_paused;
  }

  set_span(span: Span): void {
    this.span = span;
    this.step_s = 0;
    void this.poll.refresh();
  }

  pause(): void {
    this.is_paused = true;
  }

  resume(): void {
    this.is_paused = false;
    this.step_s = 0;
    void this.poll.refresh();
  }

  private wait_ms(): number {
    if (!this.is_live) return kIdle_ms;
    // Answers that take long are asked for less often: at most a tenth of the time.
    return Math.max(seconds_of(this.definition?.refresh ?? '10s') * 1000, this.took_ms * 9);
  }

  private async ask(signal: AbortSignal): Promise<DashboardData> {
    const begin = performance.now();
    try {
      return await this.ask_as_needed(signal);
    } finally {
      this.took_ms = performance.now() - begin;
    }
  }

  private async ask_as_needed(signal: AbortSignal): Promise<DashboardData> {
    this.definition ??= await api.dashboard(this.name, signal);
    const span = this.span;
    const lines = this.definition.panels.filter((panel) => panel.kind === 'time_series').map((panel) => panel.name);
    const others = this.definition.panels.filter((panel) => panel.kind !== 'time_series' && panel.kind !== 'text').map((panel) => panel.name);
    const is_tail = span.last_s !== null && this.step_s > 0 && this.since_whole < kWholeEvery && lines.every((name) => this.panels[name]?.times !== undefined);
    if (!is_tail) {
      const answer = await api.dashboard_data(this.name, span.last_s !== null ? { last_s: span.last_s } : { from_ms: span.from_ms, to_ms: span.to_ms }, signal);
      if (signal.aborted) return answer;
      this.since_whole = 0;
      this.step_s = answer.step_s;
      this.panels = Object.fromEntries(answer.panels.map((panel) => [panel.name, panel]));
      this.show(answer);
      return answer;
    }
    const longest_s = Math.max(this.step_s, ...lines.map((name) => this.panels[name]?.step_s ?? 0));
    const newest = lines.length > 0 ? await api.dashboard_data(this.name, { last_s: 2 * longest_s, step_s: this.step_s, panels: lines }, signal) : null;
    const whole = others.length > 0 ? await api.dashboard_data(this.name, { last_s: span.last_s!, step_s: this.step_s, panels: others }, signal) : null;
    const answer = (newest ?? whole)!;
    if (signal.aborted) return answer;
    this.since_whole += 1;
    const from_s = Date.parse(answer.to) / 1000 - span.last_s!;
    const next = { ...this.panels };
    for (const panel of newest?.panels ?? []) next[panel.name] = appended(this.panels[panel.name], panel, from_s);
    for (const panel of whole?.panels ?? []) next[panel.name] = panel;
    this.panels = next;
    this.show(answer);
    return answer;
  }

  private show(answer: DashboardData): void {
    const to_s = Date.parse(answer.to) / 1000;
    this.shown = this.span.last_s !== null ? [to_s - this.span.last_s, to_s] : [this.span.from_ms / 1000, this.span.to_ms / 1000];
  }
}

/** The old points that the new ones do not replace, then the new ones; none from before `from_s`. */
export function appended(old: PanelData | undefined, fresh: PanelData, from_s: number): PanelData {
  if (fresh.error || !fresh.times || !fresh.series || !old?.times || !old.series || old.step_s !== fresh.step_s) return fresh;
  const begin = fresh.times[0] ?? Infinity;
  const kept = old.times.flatMap((time, i) => (time < begin && time >= from_s - (fresh.step_s ?? 0) ? [i] : []));
  const names = [...new Set([...old.series, ...fresh.series].map((line) => line.name))];
  const series = names.map((name) => {
    const before = old.series!.find((line) => line.name === name);
    const after = fresh.series!.find((line) => line.name === name);
    return { ...(after ?? before)!, values: [...kept.map((i) => before?.values[i] ?? null), ...(after?.values ?? fresh.times!.map(() => null))] };
  });
  return { ...fresh, times: [...kept.map((i) => old.times![i]!), ...fresh.times], series };
}

/** "90s", "1h30m" is not written: one number and one unit, as declarations have it. */
export function seconds_of(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text);
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  return match ? Number(match[1]) * units[match[2]!]! : 0;
}
