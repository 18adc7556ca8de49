// Five minutes of rates over all streams. What happened before the page was opened is summed from the streams' own
// seconds; from then on each list of streams adds a point: what its counters gained since the list before.
import { api } from '../api/client';
import type { RatePoint, Rates, StreamDetail, StreamSummary } from '../api/types';

const kKeep_ms = 301_000;
const kStreamsMax = 24; // beyond it the past would cost more than it tells: the chart begins now
const kGap_ms = 10_000;

function total(streams: { accepted: number; duplicates: number; quarantined: number; refused: number }[]): Rates {
  const sum = { accepted: 0, duplicates: 0, quarantined: 0, refused: 0 };
  for (const one of streams) {
    sum.accepted += one.accepted;
    sum.duplicates += one.duplicates;
    sum.quarantined += one.quarantined;
    sum.refused += one.refused;
  }
  return sum;
}

export class RatesHistory {
  points = $state.raw<RatePoint[]>([]);
  private clock_ahead_ms = 0;
  private before: { at_ms: number; count: number; total: Rates } | null = null;
  private is_filling = false;

  /** The server's clock counts: a wrong one here must not shift the chart. Its uptime has whole seconds, so small differences are none. */
  set_server_time(server_ms: number): void {
    const ahead_ms = server_ms - Date.now();
    if (Math.abs(ahead_ms - this.clock_ahead_ms) > 1500) this.clock_ahead_ms = ahead_ms;
  }

  /** True when minutes are missing: the page was just opened, or its tab was hidden. `add` says so once for each gap. */
  add(streams: StreamSummary[]): boolean {
    const now = { at_ms: Date.now(), count: streams.length, total: total(streams) };
    const before = this.before;
    this.before = now;
    if (!before || now.at_ms - before.at_ms > kGap_ms) return true;
    const seconds = (now.at_ms - before.at_ms) / 1000;
    const gained = (key: keyof Rates) => (now.total[key] - before.total[key]) / seconds;
    const rates = { accepted: gained('accepted'), duplicates: gained('duplicates'), quarantined: gained('quarantined'), refused: gained('refused') };
    // Counters that went back, or another number of streams: a restart or an apply, not a rate.
    if (seconds < 0.2 || now.count !== before.count || Object.values(rates).some((rate) => rate < 0)) return false;
    const server_ms = now.at_ms + this.clock_ahead_ms;
    const point = { at: new Date(server_ms).toISOString(), ...rates };
    this.points = [...this.points.filter((old) => Date.parse(old.at) > server_ms - kKeep_ms && Date.parse(old.at) < server_ms), point];
    return false;
  }

  async fill(streams: StreamSummary[], signal: AbortSignal): Promise<void> {
    if (this.is_filling || streams.length === 0 || streams.length > kStreamsMax) return;
    this.is_filling = true;
    try {
      const details: StreamDetail[] = [];
      for (const stream of streams) details.push(await api.stream(stream.name, signal));
      this.take_in(details);
    } catch {
      // The past is only an extra: the lists keep adding points, and their own failure is shown by the page.
    } finally {
      this.is_filling = false;
    }
  }

  private take_in(details: StreamDetail[]): void {
    const by_second = new Map<string, RatePoint[]>();
    for (const point of details.flatMap((detail) => detail.rates)) {
      const same = by_second.get(point.at);
      if (same) same.push(point);
      else by_second.set(point.at, [point]);
    }
    const past = [...by_second].map(([at, points]) => ({ at, ...total(points) })).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    const newest = past.at(-1);
    if (!newest) return;
    const later = this.points.filter((point) => Date.parse(point.at) > Date.parse(newest.at));
    this.points = [...past, ...later];
  }
}
