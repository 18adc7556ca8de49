// Who is signed in. The cookie itself is HttpOnly: pages only learn the role and the project's name.
import { api, as_api_error, set_signed_out_handler, type ApiError } from '../api/client';
import { connection } from './connection.svelte';
import type { Session } from '../api/types';

class SessionState {
  current = $state.raw<Session | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** The session ended while pages were open: the sign-in page says so. */
  has_ended = $state(false);

  get is_known(): boolean {
    return this.current !== null;
  }

  get signed_in(): boolean {
    return this.current?.signed_in ?? false;
  }

  async load(): Promise<void> {
    try {
      this.current = await api.session();
      this.error = null;
      connection.answered();
    } catch (error) {
      const failure = as_api_error(error);
      if (failure.status === 401) {
        this.current = { signed_in: false, version: '' };
        this.error = null;
      } else {
        this.error = failure;
      }
    }
  }

  /** Throws an ApiError when the token is not known. */
  async sign_in(token: string): Promise<void> {
    await api.sign_in(token);
    await this.begin();
  }

  /** Throws an ApiError when the name or the password is wrong. */
  async sign_in_user(user: string, password: string): Promise<void> {
    await api.sign_in_user(user, password);
    await this.begin();
  }

  private async begin(): Promise<void> {
    this.has_ended = false;
    await this.load();
  }

  async sign_out(): Promise<void> {
    await api.sign_out();
    this.current = { signed_in: false, version: this.current?.version ?? '' };
  }

  ended(): void {
    if (!this.signed_in) return;
    this.has_ended = true;
    this.current = { signed_in: false, version: this.current?.version ?? '' };
  }
}

export const session = new SessionState();
set_signed_out_handler(() => session.ended());
