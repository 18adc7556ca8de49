// The statements run from this browser, newest first; kept in localStorage, at most kKeep.
export interface Past {
  sql: string;
  at: number;
  elapsed_ms: number | null;
  rows: number | null;
  failed: boolean;
}

const kKey = 'weir.sql.history';
const kKeep = 100;
const kTextMax = 20_000;

class SqlHistory {
  entries = $state.raw<Past[]>(read());

  add(entry: Past): void {
    if (entry.sql.length > kTextMax) return;
    this.entries = [entry, ...this.entries.filter((old) => old.sql !== entry.sql)].slice(0, kKeep);
    this.write();
  }

  clear(): void {
    this.entries = [];
    this.write();
  }

  private write(): void {
    try {
      localStorage.setItem(kKey, JSON.stringify(this.entries));
    } catch {
      // Storage is closed or full: the history lasts as long as the page.
    }
  }
}

function read(): Past[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(kKey) ?? '[]');
    return Array.isArray(found) ? found.filter((entry): entry is Past => typeof (entry as Past | null)?.sql === 'string').slice(0, kKeep) : [];
  } catch {
    return [];
  }
}

export const sql_history = new SqlHistory();
