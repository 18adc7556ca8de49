// Five minutes of rates over all streams. What happened before the page was opened is summed from the streams' own
// seconds; from then on each status adds a point.
import { api } from '../api/client';
import type { RatePoint, Rates, Status, StreamDetail, StreamSummary } from '../api/types';

const kKeep_ms = 301_000;
const kStreamsMax = 24; // beyond it the past would cost more than it tells: the chart begins now
const kGap_ms = 10_000;

export class RatesHistory {
  points = $state.raw<RatePoint[]>([]);
  private is_filling = false;

  add(status: Status): void {
    // The server's own clock, so that a wrong clock here does not shift the chart.
    const now = Date.parse(status.started_at) + status.uptime_s * 1000;
    const last = this.points.at(-1);
    if (last && now <= Date.parse(last.at)) return;
    const point: RatePoint = { at: new Date(now).toISOString(), ...status.capture.records_per_s };
    this.points = [...this.points.filter((old) => Date.parse(old.at) > now - kKeep_ms), point];
  }

  get has_gap(): boolean {
    const [before, last] = [this.points.at(-2), this.points.at(-1)];
    return last !== undefined && (before === undefined || Date.parse(last.at) - Date.parse(before.at) > kGap_ms);
  }

  async fill(streams: StreamSummary[], signal: AbortSignal): Promise<void> {
    if (this.is_filling || streams.length === 0 || streams.length > kStreamsMax) return;
    this.is_filling = true;
    try {
      const details: StreamDetail[] = [];
      for (const stream of streams) details.push(await api.stream(stream.name, signal));
      this.take_in(details);
    } catch {
      // The past is only an extra: the status keeps adding points, and its own failure is shown by the page.
    } finally {
      this.is_filling = false;
    }
  }

  private take_in(details: StreamDetail[]): void {
    const sums = new Map<string, Rates>();
    for (const point of details.flatMap((detail) => detail.rates)) {
      const sum = sums.get(point.at) ?? { accepted: 0, duplicates: 0, quarantined: 0, refused: 0 };
      sum.accepted += point.accepted;
      sum.duplicates += point.duplicates;
      sum.quarantined += point.quarantined;
      sum.refused += point.refused;
      sums.set(point.at, sum);
    }
    const past = [...sums].map(([at, sum]) => ({ at, ...sum })).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    const newest = past.at(-1);
    if (!newest) return;
    const later = this.points.filter((point) => Date.parse(point.at) > Date.parse(newest.at));
    this.points = [...past, ...later];
  }
}
