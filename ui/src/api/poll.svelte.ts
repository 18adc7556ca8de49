// Asks again and again while somebody looks: pauses in a hidden tab, waits longer while the server is away, keeps the
// last good answer and says how old it is. One Poll per question; start() from an effect, which stops it when it ends.
import { as_api_error, is_abort, type ApiError } from './client';
import { connection } from '../app/connection.svelte';

const kWaitMax = 15_000;

export class Poll<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** When `data` arrived, in milliseconds since 1970; 0 before the first answer. */
  at = $state(0);

  private timer = 0;
  private running: AbortController | null = null;
  private started = false;
  private failures = 0;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<T>,
    private readonly every_ms: number | (() => number),
    private readonly on_data: (data: T) => void = () => {},
  ) {}

  get is_loading(): boolean {
    return this.data === null && this.error === null;
  }

  /** The numbers shown are older than they should be, because the last question failed. */
  get is_stale(): boolean {
    return this.data !== null && this.error !== null;
  }

  start(): () => void {
    this.started = true;
    const look = () => {
      if (document.hidden) this.pause();
      else void this.refresh();
    };
    const retry = () => void this.refresh();
    document.addEventListener('visibilitychange', look);
    connection.retries.add(retry);
    void this.refresh();
    return () => {
      this.started = false;
      document.removeEventListener('visibilitychange', look);
      connection.retries.delete(retry);
      this.pause();
    };
  }

  private pause(): void {
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
  }

  async refresh(): Promise<void> {
    this.pause();
    const mine = new AbortController();
    this.running = mine;
    try {
      const data = await this.ask(mine.signal);
      if (mine.signal.aborted) return;
      this.data = data;
      this.error = null;
      this.at = Date.now();
      this.failures = 0;
      connection.answered();
      this.on_data(data);
    } catch (error) {
      if (mine.signal.aborted || is_abort(error)) return;
      this.error = as_api_error(error);
      this.failures += 1;
      if (this.error.is_away) connection.failed(this.error);
    }
    this.running = null;
    this.plan();
  }

  private plan(): void {
    if (!this.started || document.hidden) return;
    if (this.error?.status === 401) return; // signing in starts the pages anew
    const every_ms = typeof this.every_ms === 'number' ? this.every_ms : this.every_ms();
    let wait_ms = every_ms * 2 ** Math.min(this.failures, 4);
    if (this.failures > 0) wait_ms = Math.min(wait_ms, kWaitMax);
    if (this.error?.retry_after_s) wait_ms = Math.max(wait_ms, this.error.retry_after_s * 1000);
    this.timer = window.setTimeout(() => void this.refresh(), wait_ms);
    if (this.error?.is_away) connection.next_try_at = Date.now() + wait_ms;
  }
}
