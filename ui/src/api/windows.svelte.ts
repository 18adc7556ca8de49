// Live windows over server-sent events: a snapshot, then what changes. Connects again by itself with growing waits, waits
// while the tab is hidden; the browser's Last-Event-ID is not kept over that, so each connection begins with a snapshot.
import { connection } from '../app/connection.svelte';
import type { LiveChange, LiveWindow } from './types';

const kWaitMax_ms = 15_000;
const kKeep = 20_000;

export type WindowsState = 'connecting' | 'live' | 'away' | 'hidden' | 'gone';

export const key_of = (window: LiveWindow): string => (window.key === undefined ? '' : JSON.stringify(Array.isArray(window.key) ? window.key : Object.values(window.key)));

export class Windows {
  /** By key and start, so that a correction replaces what was there. */
  windows = $state.raw<ReadonlyMap<string, LiveWindow>>(new Map());
  newest = $state.raw<LiveChange | null>(null);
  state = $state<WindowsState>('connecting');
  /** When the last change came, in milliseconds since 1970. */
  at = $state(0);

  private source: EventSource | null = null;
  private timer = 0;
  private failures = 0;

  /** `address` is asked for anew at each connect: its beginning moves with the time. */
  constructor(private readonly address: () => string) {}

  start(): () => void {
    const look = () => (document.hidden ? this.disconnect('hidden') : this.connect());
    const retry = () => {
      if (this.state !== 'live') this.connect();
    };
    document.addEventListener('visibilitychange', look);
    connection.retries.add(retry);
    look();
    return () => {
      document.removeEventListener('visibilitychange', look);
      connection.retries.delete(retry);
      this.disconnect('connecting');
    };
  }

  connect(): void {
    this.disconnect('connecting');
    const source = new EventSource(this.address());
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.state = 'live';
    };
    source.addEventListener('windows', (event) => this.take(JSON.parse((event as MessageEvent<string>).data) as LiveChange));
    source.addEventListener('gone', () => this.disconnect('gone'));
    source.onerror = () => {
      this.disconnect('away');
      this.failures += 1;
      this.timer = window.setTimeout(() => this.connect(), Math.min(1000 * 2 ** (this.failures - 1), kWaitMax_ms));
    };
  }

  private disconnect(state: WindowsState): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.state = state;
  }

  private take(change: LiveChange): void {
    const next = new Map(change.snapshot ? [] : this.windows);
    for (const one of change.windows) next.set(`${one.start} ${key_of(one)}`, one);
    if (change.oldest) for (const [name, one] of next) if (one.start < change.oldest) next.delete(name);
    while (next.size > kKeep) next.delete(next.keys().next().value!);
    this.windows = next;
    this.newest = change;
    this.at = Date.now();
  }
}
