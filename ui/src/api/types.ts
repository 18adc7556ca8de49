// The shapes of weir's HTTP interface, as docs and src/surface/http describe them. Times are ISO 8601 UTC texts.

export type Verdict = 'accepted' | 'duplicate' | 'quarantined' | 'refused';

export interface Session {
  signed_in: boolean;
  role?: 'admin' | 'read';
  name?: string;
  version: string;
  project?: string;
  environment?: string;
}

export interface Rates {
  accepted: number;
  duplicates: number;
  quarantined: number;
  refused: number;
}

export interface RatePoint extends Rates {
  at: string;
}

export interface Status {
  version: string;
  engine: string;
  project: string;
  environment: string;
  started_at: string;
  uptime_s: number;
  ready: boolean;
  journal: { segments: number; bytes: number; durable_end: number; queued_bytes: number; full: boolean };
  lake: {
    cursor: number;
    lag_records: number;
    lag_seconds: number;
    version: number;
    files: number;
    bytes: number;
    last_commit_at: string | null;
    error?: string | null;
  };
  capture: { records_per_s: Rates };
  disk: { free_bytes: number | null };
  memory: { rss_bytes: number };
  warnings: string[];
}

export interface StreamSummary {
  name: string;
  description: string;
  enabled: boolean;
  detached: boolean;
  write: 'key' | 'public';
  endpoints: string[];
  key: string | null;
  time_field: string | null;
  counted_since: string;
  accepted: number;
  duplicates: number;
  quarantined: number;
  refused: number;
  records_per_s: number;
  last_arrival: string | null;
  rows_in_lake: number;
  tags: Record<string, string>;
}

export interface Field {
  name: string;
  type: string;
  required: boolean;
  description: string;
}

export interface StreamDetail extends StreamSummary {
  fields: Field[];
  quarantine: { reason: string; count: number; last: string | null }[];
  rates: RatePoint[];
  files: { parquet: number; archive: number; bytes: number };
  partitions: { name: string; rows: number; files: number; bytes: number }[];
}

export interface StoredEvent {
  id: string;
  sequence: number;
  arrived_at: string;
  event_time: string | null;
  event: unknown;
}

export interface QuarantinedRecord {
  id: string;
  arrived_at: string;
  reason: string;
  field: string | null;
  message: string;
  payload: unknown;
  state: 'open' | 'requeued' | 'duplicate';
  event_id: string | null;
}

export interface TailRecord {
  id: string;
  sequence: number;
  arrived_at: string;
  status: Verdict;
  event?: unknown;
  payload?: unknown;
  reason?: string;
  field?: string;
  message?: string;
}

export type Cell = string | number | bigint | boolean | null | object;

export interface Column {
  name: string;
  type: string;
}

export interface SqlResult {
  statement_id: string;
  columns: Column[];
  rows: Cell[][];
  row_count: number;
  truncated: boolean;
  elapsed_ms: number;
}

export interface CatalogTable {
  name: string;
  kind: 'stream' | 'quarantine' | 'intake' | 'raw' | 'system' | 'table';
  columns: Column[];
}

export interface Catalog {
  tables: CatalogTable[];
  functions: { name: string }[];
}

export interface Position {
  file?: string;
  line?: number;
  column?: number;
}
