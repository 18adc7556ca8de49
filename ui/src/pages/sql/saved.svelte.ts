// The saved query that the editor holds, if it holds one: its text as it was stored, and the revision that a save replaces.
import { api } from '../../api/client';
import type { SavedQuery } from '../../api/types';

export const kNamePattern = '[a-z0-9_\\-]{1,63}';

export class OpenQuery {
  current = $state.raw<SavedQuery | null>(null);

  /** A stored text ends with a line break, whatever was typed. */
  is_changed(text: string): boolean {
    return this.current !== null && this.current.sql.trimEnd() !== text.trimEnd();
  }

  async open(name: string): Promise<string> {
    const found = await api.query(name);
    this.current = found;
    return found.sql.trimEnd();
  }

  async save(text: string): Promise<void> {
    if (this.current) this.current = await api.save_query(this.current.name, text, this.current.revision);
  }

  async save_as(name: string, text: string): Promise<void> {
    this.current = await api.save_query(name, text, null);
  }

  /** Over whatever is there now: somebody saw it and decided. */
  async save_over(text: string): Promise<void> {
    if (!this.current) return;
    const there = await api.query(this.current.name);
    this.current = await api.save_query(there.name, text, there.revision);
  }

  close(): void {
    this.current = null;
  }
}
