// The shapes of weir's HTTP interface, as docs and src/surface/http describe them. Times are ISO 8601 UTC texts.

export type Verdict = 'accepted' | 'duplicate' | 'quarantined' | 'refused';

export interface Session {
  signed_in: boolean;
  role?: 'admin' | 'read';
  name?: string;
  /** Whose statements are run; null for a token that is nobody's. */
  user?: string | null;
  version: string;
  project?: string;
  environment?: string;
}

/** Somebody who signs in with a name. Nothing of the password but whether there is one. */
export interface User {
  id: number;
  name: string;
  superuser: boolean;
  valid_until: string | null;
  has_password: boolean;
  is_disabled: boolean;
  roles: string[];
  groups: string[];
  created_at: string | null;
  /** Only in the answer that made it. */
  generated_password?: string;
}

/** Who did what: a statement, a sign-in or its end, a change of users, rights or tokens. */
export interface AuditEntry {
  at: string;
  kind: string;
  user: string;
  peer: string;
  client: string;
  database: string;
  what: string;
  outcome: string;
  error?: string;
  rows?: number;
  elapsed_ms?: number;
  id?: string;
}

export interface AuditChoice {
  user: string;
  kind: string;
  outcome: string;
  since: string;
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
  /** What was done: "SELECT 3", "CREATE TABLE". */
  tag: string;
  columns: Column[];
  rows: Cell[][];
  row_count: number;
  truncated: boolean;
  elapsed_ms: number;
}

export interface RunningStatement {
  id: string;
  sql: string;
  user: string;
  client: string;
  state: string;
  started_at: string;
  elapsed_ms: number;
  rows: number;
  progress: number | null;
}

/** A file queries/NAME.sql of the project. */
export interface SavedQuery {
  name: string;
  sql: string;
  revision: string;
}

/** What a file of the store holds, before it is loaded. */
export interface FileShape {
  path: string;
  format: 'csv' | 'json' | 'parquet';
  compression: 'gzip' | 'zstd' | null;
  files: number;
  bytes: number;
  csv: { delimiter: string; quote: string; skipped_lines: number; date_format: string | null; timestamp_format: string | null } | null;
  columns: Column[];
  rows: Cell[][];
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

export type RunState = 'queued' | 'running' | 'done' | 'failed' | 'stopped';
export type TaskState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped' | 'stopped';

export interface Run {
  id: string;
  kind: string;
  name: string;
  state: RunState;
  cause: { by?: string; who?: string; [more: string]: unknown } | null;
  parameters: Record<string, unknown> | null;
  queued_at: string;
  started_at: string | null;
  ended_at: string | null;
  seconds?: number;
  error: string | null;
  /** What work such as a merge or a load did; null of flows and tables. */
  result: Record<string, unknown> | null;
}

export interface RunTask {
  step: string;
  what: string;
  state: TaskState;
  attempts: number;
  started_at: string | null;
  ended_at: string | null;
  rows: number | null;
  progress: number | null;
  message: string | null;
}

export interface RunDetail extends Run {
  tasks_done: number;
  tasks_known: number;
  seconds_left: number | null;
  tasks: RunTask[];
}

export interface FlowStep {
  name: string;
  kind: string;
  tables: string[];
}

export interface Flow {
  name: string;
  description: string;
  enabled: boolean;
  when: string[];
  next_at: string | null;
  steps: FlowStep[];
  last_run: Run | null;
}

export interface TableSummary {
  name: string;
  description: string;
  enabled: boolean;
  stored: string;
  partition: string | null;
  reads: string[];
  read_by: string[];
  rows: number;
  partitions_computed: number;
  partitions_stale: number;
  computed_at: string | null;
  problem: string | null;
}

export interface TablePartition {
  partition: string;
  rows: number;
  run: string;
  computed_at: string;
  seconds: number;
}

export interface TableTest {
  name: string;
  kind: string;
  severity: 'error' | 'warn';
  columns: string[];
  sql?: string;
  relation?: string;
}

export interface TableDetail extends TableSummary {
  partitions: TablePartition[];
  stale: string[];
  stale_because: Record<string, string>;
  failures: { partition: string; error: string; tests: { test: string; rows: number }[]; run: string; at: string }[];
  tests: TableTest[];
  select: string;
}

export interface LakePartition {
  name: string;
  rows: number;
  files: number;
  bytes: number;
  version: number;
}

export interface LakeTable {
  name: string;
  kind: 'stream' | 'quarantine' | 'table' | 'other';
  time_field: string | null;
  rows: number;
  bytes: number;
  parquet_files: number;
  archive_files: number;
  partitions: LakePartition[];
}

export interface LakeState {
  version: number;
  waiting_rows: number;
  waiting_bytes: number;
  tables: LakeTable[];
}

/** What became of a request to forget somebody; what a place counts differs from place to place. */
export interface Receipt {
  id: string;
  stream: string;
  field: string;
  state: 'open' | 'done';
  begun_at: string;
  ended_at: string | null;
  run?: string;
  events?: number;
  quarantined?: number;
  places?: { place: string; [count: string]: unknown }[];
  not_reached: { place: string; why: string; what: string }[];
}

export interface Manifest {
  table: string;
  version: number;
  cursor: number;
  columns: Column[];
  files: { path: string; rows: number; bytes: number; partition: string }[];
}

export interface Axis {
  label: string;
  unit: string;
  min: number | null;
  max: number | null;
}

export interface PanelSeries {
  name: string;
  label: string;
  axis: 'left' | 'right';
  hidden: boolean;
  source: 'metric' | 'column' | 'expression';
}

export interface Panel {
  name: string;
  title: string;
  description: string;
  kind: 'time_series' | 'number' | 'bar' | 'table' | 'text';
  width: number;
  left: Axis;
  right: Axis;
  step: string | null;
  reduce: string;
  sql: string;
  series: PanelSeries[];
  text: string;
}

export interface DashboardSummary {
  name: string;
  title: string;
  description: string;
  panels: number;
  built_in: boolean;
}

export interface Dashboard {
  name: string;
  title: string;
  description: string;
  range: string;
  refresh: string;
  tags: Record<string, string>;
  panels: Panel[];
  built_in: boolean;
}

export interface Line {
  name: string;
  label: string;
  axis: 'left' | 'right';
  values: (number | null)[];
}

/** What a panel draws; which of these there are depends on its kind. */
export interface PanelData {
  name: string;
  took_ms: number;
  error: { code: string; message: string; hint?: string } | null;
  step_s?: number;
  times?: number[];
  series?: Line[];
  value?: number | null;
  bars?: { label: string; value: number | null }[];
  columns?: Column[];
  rows?: Cell[][];
  truncated?: boolean;
}

export interface DashboardData {
  name: string;
  from: string;
  to: string;
  now: string;
  step_s: number;
  panels: PanelData[];
}

export type AlarmState = 'ok' | 'alarm' | 'no_data';

export interface AlarmPoint {
  at: string;
  value: number | null;
  breaching: boolean | null;
}

export interface Alarm {
  name: string;
  description: string;
  enabled: boolean;
  metric: string;
  labels: Record<string, string>;
  statistic: string;
  sql: string;
  limit: number;
  period: string;
  breaching: number;
  of: number;
  severity: string;
  todo: string;
  notify: string[];
  condition: string;
  state: AlarmState;
  since: string | null;
  reason: string;
  error: string | null;
  points: AlarmPoint[];
  finding: string | null;
}

export interface AlarmDetail extends Alarm {
  history: { at: string; from: AlarmState; to: AlarmState; reason: string }[];
}

export interface Channel {
  name: string;
  kind: string;
  waiting: number;
  delivered: number;
  failed: number;
  error: string | null;
  error_at: string | null;
}

export interface Subscription {
  channel: string;
  to: string[];
  severity: string[];
  names: string[];
  digest: string;
  zone: string;
  deduplicate: string | null;
  quiet_hours: { from: string; to: string; zone: string; except: string | null } | null;
}

export interface Subscriber {
  id: string;
  mail: string;
  state: 'confirmed' | 'unconfirmed';
  created_at: string;
  severity: string[];
  names: string[];
}

export interface Topic {
  name: string;
  description: string;
  through: string;
  subscriptions: Subscription[];
  subscribers: Subscriber[];
}

export interface Delivery {
  id: string;
  channel: string;
  topic: string | null;
  to: string[] | null;
  state: 'waiting' | 'sending' | 'delivered' | 'given_up' | 'discarded';
  subject: string;
  notices: number;
  attempts: number;
  error: string | null;
  created_at: string;
  due_at: string | null;
  ended_at: string | null;
}

export interface Finding {
  id: string;
  key: string;
  state: 'open' | 'acknowledged' | 'closed';
  opened_at: string;
  updated_at: string;
  closed_at: string | null;
  source: string;
  what: string;
  where: string;
  severity: 'info' | 'warning' | 'critical';
  why: string;
  todo: string;
  link: string;
  since: string;
  reports: number;
  acknowledged_by?: string;
  acknowledged_at?: string | null;
  closed_because?: string;
}

export interface Endpoint {
  name: string;
  description: string;
  state: 'ready' | 'building' | 'broken' | 'disabled';
  problem: string;
  path: string;
  paths: string[];
  table: string;
  read: string;
  tags: Record<string, string>;
  partitions: number;
  partitions_missing: number;
  rows: number;
  bytes: number;
  computed_at: string | null;
  requests: { answered: number; unchanged: number; refused: number; unavailable: number };
  p95_ms: number | null;
}

export interface EndpointParameter {
  name: string;
  description: string;
  type: 'uuid' | 'date' | 'integer' | 'text' | 'boolean';
  use: string;
  column: string;
  in_path: boolean;
  default: string | null;
  min: string | null;
  max: string | null;
}

export interface EndpointDetail extends Endpoint {
  declaration: {
    parameters: EndpointParameter[];
    list: string;
    columns: string[];
    ratios: { name: string; of: string; to: string }[];
    page: { cursor: string; limit: string; default: number; max: number };
    cors: string[];
    cache: string;
  };
  indexes: { partition: string; state: 'ready' | 'building'; rows: number | null; keys: number | null; bytes: number | null; in_memory: boolean }[];
}

export interface LiveMisfit {
  stream: string;
  reason: string;
  field: string | null;
  count: number;
  last_at: string | null;
}

export interface LiveWindow {
  start: string;
  key?: (string | null)[] | Record<string, string | null>;
  values: Record<string, number | null>;
  late: number;
  corrected_at: string | null;
}

export interface Live {
  name: string;
  description: string;
  state: 'live' | 'counting' | 'disabled' | 'failed';
  problem: string | null;
  size: string;
  keep: string;
  streams: string[];
  keys: string[];
  measures: { name: string; kind: string; of: string }[];
  table: string;
  lag_records: number;
  windows_kept: number;
  events: number;
  late: number;
  too_late: number;
  misfits: LiveMisfit[];
  oldest: string | null;
  newest: string | null;
  complete_since: string | null;
}

export interface LiveChange {
  state: Live['state'];
  lag_records: number;
  late: number;
  too_late: number;
  misfits: LiveMisfit[];
  oldest: string | null;
  windows: LiveWindow[];
  snapshot: boolean;
}

export type Colour = 'red' | 'yellow' | 'green' | 'not measured';

export interface TrendPoint {
  run: string;
  started_at: string;
  verdict: Colour | null;
  score: number | null;
  red: number;
  yellow: number;
  green: number;
  not_measured: number;
}

export interface ReviewQuery {
  query: string;
  title: string;
  script: string;
  threshold: string;
  signals: number;
  /** Only where one review was asked for: its SQL, that of engines with words of their own, what it is judged by. */
  sql?: string;
  sql_on?: Record<string, string>;
  checks?: { signal: string; colour: Colour; impact: string; when: string; of: string }[];
}

/** A review; its list comes without SQL. */
export interface Review {
  review: string;
  title: string;
  description: string;
  enabled: boolean;
  shipped?: boolean;
  target: string;
  workflow: string;
  workflows: string[];
  rounds: number;
  queries: ReviewQuery[];
  signals: number;
  when?: string[];
  next_at?: string | null;
  last: Run | null;
  trend: TrendPoint[];
}

/** Where a query of a run is: in the run's result. */
export interface RoundQuery {
  query: string;
  status: 'INITIAL' | 'FINISHED' | 'FAILED';
  segment: number;
  threshold: string;
  round: number;
  rows: number;
  truncated: boolean;
  elapsed_ms: number;
  error: string;
}

export interface ReviewSignal {
  signal: string;
  colour: Colour;
  impact: 'low' | 'medium' | 'high';
  count: number;
  of: number;
  of_name: string;
  value: unknown;
  why: string;
  explanation: string;
  mend: string[];
  recommend: string[];
}

export interface ReviewChange {
  query: string;
  title: string;
  signal: string;
  from: Colour | null;
  to: Colour | null;
  count_from: number;
  count_to: number;
  colour: Colour;
}

export const change_kinds = ['new', 'worse', 'better', 'resolved', 'not_measured_any_more'] as const;
export type ReviewChanges = Record<(typeof change_kinds)[number], ReviewChange[]>;

export interface ReviewReport {
  title: string;
  run: string;
  started_at: string;
  verdict: Colour | null;
  score: number | null;
  counts: { red: number; yellow: number; green: number; not_measured: number };
  sections: { name: string; score: number | null; colour: Colour | null; queries: { query: string; title: string; signals: ReviewSignal[] }[] }[];
  recommendations: Record<string, { text: string; effort: string }>;
  since: (ReviewChanges & { run: string; started_at: string; verdict: Colour | null; score: number | null }) | null;
}

export interface ComparedSide {
  run: string;
  started_at: string;
  workflow: string;
  verdict: Colour | null;
  score: number | null;
  counts: ReviewReport['counts'];
}

export type Comparison = ReviewChanges & { review: string; from: ComparedSide; to: ComparedSide };
