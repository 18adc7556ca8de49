// One statement at a time: runs it, counts the seconds, cancels it on the server too.
import { api, as_api_error, is_abort, type ApiError } from '../../api/client';
import type { SqlResult } from '../../api/types';
import { random_id } from '../../lib/ids';

const kRowsMax = 100_000;
const kTimeLimit_ms = 60_000;

export class StatementRun {
  result = $state.raw<SqlResult | null>(null);
  error = $state.raw<ApiError | null>(null);
  is_running = $state(false);
  was_cancelled = $state(false);
  elapsed_ms = $state(0);
  /** The statement that the result, or the error, is of. */
  sql = $state('');

  private statement_id = '';
  private leave: AbortController | null = null;

  async run(sql: string): Promise<void> {
    this.leave?.abort();
    const mine = new AbortController();
    this.leave = mine;
    this.statement_id = random_id();
    this.sql = sql;
    this.is_running = true;
    this.was_cancelled = false;
    this.error = null;
    const began = performance.now();
    const timer = window.setInterval(() => (this.elapsed_ms = performance.now() - began), 100);
    this.elapsed_ms = 0;
    try {
      this.result = await api.sql({ sql, statement_id: this.statement_id, rows_max: kRowsMax, time_limit_ms: kTimeLimit_ms }, mine.signal);
    } catch (failure) {
      if (is_abort(failure)) this.was_cancelled = true;
      else this.error = as_api_error(failure);
      this.result = null;
    } finally {
      window.clearInterval(timer);
      this.elapsed_ms = performance.now() - began;
      this.is_running = false;
    }
  }

  /** Leaves at once; the server is told so that the statement ends there too. */
  cancel(): void {
    if (!this.is_running) return;
    this.leave?.abort();
    // A statement that has just ended is not there any more: nothing is left to cancel.
    api.cancel(this.statement_id).catch(() => {});
  }
}
