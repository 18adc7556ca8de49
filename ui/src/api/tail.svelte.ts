// A stream's records as they arrive, over server-sent events. Connects again by itself, waits while the tab is hidden,
// keeps at most kKeep records, and counts what came while paused.
import { parse_json } from './lossless';
import type { TailRecord } from './types';

const kKeep = 500;
const kWaitMax_ms = 15_000;

export type TailState = 'connecting' | 'live' | 'away' | 'hidden';

export class Tail {
  /** Newest first. */
  records = $state.raw<TailRecord[]>([]);
  state = $state<TailState>('connecting');
  is_paused = $state(false);
  /** Records that arrived while paused; shown on resume. */
  waiting = $state.raw<TailRecord[]>([]);
  /** Records that the server left out because more than 50 a second arrived. */
  skipped = $state(0);

  private source: EventSource | null = null;
  private timer = 0;
  private failures = 0;
  private batch: TailRecord[] = [];
  private frame = 0;

  /** `on_connected` is called after each connect: what arrived before it, or in a gap, is not sent again by the server. */
  constructor(
    private readonly address: string,
    private readonly on_connected: () => void,
  ) {}

  start(): () => void {
    const look = () => (document.hidden ? this.disconnect('hidden') : this.connect());
    document.addEventListener('visibilitychange', look);
    look();
    return () => {
      document.removeEventListener('visibilitychange', look);
      this.disconnect('connecting');
    };
  }

  /** Takes in records that are stored already; those that are here too stay as they are. */
  merge(records: TailRecord[]): void {
    const known = new Set([...this.records, ...this.waiting].map((record) => record.id));
    const all = [...this.records, ...records.filter((record) => !known.has(record.id))];
    this.records = all.sort((a, b) => (a.arrived_at < b.arrived_at ? 1 : a.arrived_at > b.arrived_at ? -1 : b.sequence - a.sequence)).slice(0, kKeep);
  }

  pause(): void {
    this.is_paused = true;
  }

  resume(): void {
    this.is_paused = false;
    this.records = [...this.waiting, ...this.records].slice(0, kKeep);
    this.waiting = [];
  }

  clear(): void {
    this.records = [];
    this.waiting = [];
    this.skipped = 0;
  }

  private connect(): void {
    this.disconnect('connecting');
    const source = new EventSource(this.address);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.state = 'live';
      this.on_connected();
    };
    source.addEventListener('record', (event) => this.take(parse_json((event as MessageEvent<string>).data) as TailRecord));
    source.addEventListener('skipped', (event) => (this.skipped += (JSON.parse((event as MessageEvent<string>).data) as { count: number }).count));
    source.onerror = () => {
      // The browser's own retry has no growing wait and gives up on an HTTP error: ours takes over.
      this.disconnect('away');
      this.failures += 1;
      const wait_ms = Math.min(1000 * 2 ** (this.failures - 1), kWaitMax_ms);
      this.timer = window.setTimeout(() => this.connect(), wait_ms);
    };
  }

  private disconnect(state: TailState): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.state = state;
  }

  private take(record: TailRecord): void {
    this.batch.push(record);
    // One change of the page per frame, however many records a frame brings.
    this.frame ||= requestAnimationFrame(() => this.flush());
  }

  private flush(): void {
    this.frame = 0;
    const fresh = this.batch.reverse();
    this.batch = [];
    if (this.is_paused) this.waiting = [...fresh, ...this.waiting].slice(0, kKeep);
    else this.records = [...fresh, ...this.records].slice(0, kKeep);
  }
}
