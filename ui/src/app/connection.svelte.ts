// Whether the server answers. One for the whole shell: every Poll reports here, the banner reads it.
import type { ApiError } from '../api/client';

class Connection {
  away = $state<ApiError | null>(null);
  last_answer_at = $state(0);
  next_try_at = $state(0);
  /** The polls that run now: "Try now" asks all of them. */
  readonly retries = new Set<() => void>();

  answered(): void {
    this.away = null;
    this.last_answer_at = Date.now();
  }

  failed(error: ApiError): void {
    this.away = error;
  }

  try_now(): void {
    for (const retry of [...this.retries]) retry();
  }
}

export const connection = new Connection();
