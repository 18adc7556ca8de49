// Runs the statements of a load one after another. A table that the load made and could not fill is dropped again.
import { api, as_api_error, is_abort, type ApiError } from '../../api/client';
import type { Cell } from '../../api/types';
import { random_id } from '../../lib/ids';
import type { LoadOrder } from './statements';

export interface Step {
  sql: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  tag: string;
}

const kTimeLimit_ms = 3_600_000;

export class Loading {
  steps = $state.raw<Step[]>([]);
  error = $state.raw<ApiError | null>(null);
  is_running = $state(false);
  was_cancelled = $state(false);
  was_undone = $state(false);
  /** Loaded; null: not yet, or not at all. */
  rows = $state<number | null>(null);
  /** Lines of the file that did not fit: line, column, reason. */
  misfits = $state.raw<Cell[][]>([]);

  private leave: AbortController | null = null;
  private statement_id = '';

  forget(): void {
    this.steps = [];
    this.error = null;
    this.was_cancelled = this.was_undone = false;
    this.rows = null;
    this.misfits = [];
  }

  cancel(): void {
    if (!this.is_running) return;
    this.leave?.abort();
    api.cancel(this.statement_id).catch(() => {}); // one that has just ended is not there any more
  }

  async run(statements: string[], order: LoadOrder): Promise<void> {
    this.forget();
    this.is_running = true;
    this.leave = new AbortController();
    this.steps = statements.map((sql) => ({ sql, state: 'waiting', tag: '' }));
    for (const [i, sql] of statements.entries()) {
      this.set(i, 'running');
      try {
        const tag = await this.one(sql, this.leave.signal);
        this.set(i, 'done', tag);
        if (/^COPY /.test(tag)) this.rows = Number(tag.slice(5));
      } catch (failure) {
        this.was_cancelled = is_abort(failure);
        this.set(i, this.was_cancelled ? 'cancelled' : 'failed');
        if (!this.was_cancelled) this.error = as_api_error(failure);
        await this.undo(order);
        break;
      }
    }
    this.is_running = false;
  }

  private set(at: number, state: Step['state'], tag = ''): void {
    this.steps = this.steps.map((step, i) => (i === at ? { ...step, state, tag } : step));
  }

  private async one(sql: string, signal?: AbortSignal): Promise<string> {
    this.statement_id = random_id();
    return (await api.sql({ sql, statement_id: this.statement_id, rows_max: 100, time_limit_ms: kTimeLimit_ms }, signal)).tag;
  }

  private async undo(order: LoadOrder): Promise<void> {
    // The first error is the one to show: what fails here only leaves something out.
    if (/^COPY/.test(this.steps.find((step) => step.state === 'failed')?.sql ?? '')) this.misfits = await this.misfits_of(order.table).catch(() => []);
    // Rows came whole or not at all; with none of them the table is empty, and of this load.
    const has_made = !order.is_there && this.steps[0]?.state === 'done' && this.rows === null;
    if (has_made) this.was_undone = await this.one(`DROP TABLE ${order.table}`).then(() => true, () => false);
  }

  private async misfits_of(table: string): Promise<Cell[][]> {
    const name = table.split('.').at(-1) ?? table;
    const sql = `SELECT line, column_name, reason, file FROM weir_load_errors WHERE table_name = '${name}' AND "at" > getdate() - INTERVAL '10 minutes' AND line > 0 ORDER BY "at", line LIMIT 5`;
    return (await api.sql({ sql, statement_id: random_id(), rows_max: 5, time_limit_ms: 10_000 })).rows;
  }
}
