// The one way to the server: time limit, abort, typed errors, Retry-After. Every page goes through these functions.
import { parse_json } from './lossless';
import type {
  Alarm,
  AlarmDetail,
  AuditChoice,
  AuditEntry,
  Catalog,
  Channel,
  Comparison,
  Dashboard,
  DashboardData,
  DashboardSummary,
  Delivery,
  Endpoint,
  EndpointDetail,
  FileShape,
  Finding,
  Flow,
  LakeState,
  Live,
  Manifest,
  Position,
  QuarantinedRecord,
  Receipt,
  Review,
  ReviewReport,
  Run,
  RunDetail,
  RunningStatement,
  SavedQuery,
  Session,
  SqlResult,
  Status,
  StoredEvent,
  StreamDetail,
  StreamSummary,
  TableDetail,
  TableSummary,
  Topic,
  User,
} from './types';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly code: string,
    message: string,
    readonly status = 0,
    readonly hint = '',
    readonly position: Position | null = null,
    readonly retry_after_s: number | null = null,
  ) {
    super(message);
  }

  /** Nothing answered, or only something in between: the pages keep their last numbers and try again. */
  get is_away(): boolean {
    return this.code === 'unreachable' || this.code === 'timed_out' || [502, 503, 504].includes(this.status);
  }
}

export function as_api_error(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('internal', error instanceof Error ? error.message : String(error));
}

/** An abort is a decision of the page (it was left, or the statement was cancelled), never something to show. */
export function is_abort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  /** Bytes as they are, instead of `body`. */
  bytes?: Blob;
  accept?: string;
  /** The revision that is changed; null: there must be none yet. */
  revision?: string | null;
  signal?: AbortSignal;
  timeout_ms?: number;
}

let on_signed_out: () => void = () => {};

/** Called whenever the server says 401 to a request other than signing in. */
export function set_signed_out_handler(handler: () => void): void {
  on_signed_out = handler;
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const timeout_ms = options.timeout_ms ?? 10_000;
  const limit = AbortSignal.timeout(timeout_ms);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  // X-Weir shows that a page of ours asks: another site's form cannot set it.
  const headers: Record<string, string> = { Accept: options.accept ?? 'application/json', 'X-Weir': '1' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.bytes) headers['Content-Type'] = 'application/octet-stream';
  if (options.revision === null) headers['If-None-Match'] = '*';
  else if (options.revision !== undefined) headers['If-Match'] = `"${options.revision}"`;
  try {
    return await fetch(path, {
      method: options.method ?? 'GET',
      headers,
      body: options.bytes ?? (options.body === undefined ? undefined : JSON.stringify(options.body)),
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    });
  } catch (error) {
    throw failure_of(error, options.signal, timeout_ms);
  }
}

function failure_of(error: unknown, caller: AbortSignal | undefined, timeout_ms: number): unknown {
  if (caller?.aborted) return new DOMException('aborted by the page', 'AbortError');
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new ApiError('timed_out', `weir did not answer within ${timeout_ms / 1000} s`);
  }
  return new ApiError('unreachable', 'weir does not answer', 0, 'Is `weir serve` still running?');
}

interface ErrorBody {
  error?: string | { code?: string; message?: string; hint?: string; position?: Position };
}

async function error_of(response: Response): Promise<ApiError> {
  const retry_after = Number(response.headers.get('Retry-After'));
  const retry_after_s = Number.isFinite(retry_after) && retry_after > 0 ? retry_after : null;
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // Something in between answered, not weir: the status says what there is to say.
  }
  const error = typeof body.error === 'string' ? { message: body.error } : body.error;
  return new ApiError(
    error?.code ?? `http_${response.status}`,
    error?.message ?? `the server answered ${response.status} ${response.statusText}`.trim(),
    response.status,
    error?.hint ?? '',
    error?.position ?? null,
    retry_after_s,
  );
}

async function checked(path: string, options: RequestOptions): Promise<Response> {
  const response = await send(path, options);
  if (response.ok) return response;
  const error = await error_of(response);
  if (error.status === 401 && path !== '/v1/session') on_signed_out();
  throw error;
}

async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await checked(path, options);
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    throw failure_of(error, options.signal, options.timeout_ms ?? 10_000);
  }
  if (text === '') return undefined as T;
  try {
    return parse_json(text) as T;
  } catch {
    throw new ApiError('bad_answer', `the answer of ${path} is not JSON`, response.status, 'Is something between the browser and weir?');
  }
}

const name_in_path = encodeURIComponent;

/** A flow or table by its name, a review by its own, or the work of an earlier run once more. */
export type RunOrder = { review: string; workflow?: string; on?: string } | { again: string } | { name: string; from?: string; to?: string; force?: boolean; upstream?: boolean };

/** A password that somebody typed, or one that weir makes and shows once. */
export type GivenPassword = { password: string } | { generate: true };

/** Seconds before now, or from and to in milliseconds since 1970. */
export type DataOrder = ({ last_s: number } | { from_ms: number; to_ms: number }) & { step_s?: number; panels?: string[] };

function data_query(wanted: DataOrder): string {
  const query = new URLSearchParams();
  if ('last_s' in wanted) query.set('last', `${Math.round(wanted.last_s)}s`);
  else {
    query.set('from', new Date(wanted.from_ms).toISOString());
    query.set('to', new Date(wanted.to_ms).toISOString());
  }
  if (wanted.step_s) query.set('step', `${wanted.step_s}s`);
  if (wanted.panels) query.set('panels', wanted.panels.join(','));
  return query.toString();
}

export interface TriedOut {
  status: number;
  status_text: string;
  text: string;
  took_ms: number;
  etag: string | null;
}

export const api = {
  session: (signal?: AbortSignal) => request<Session>('/v1/session', { signal }),
  sign_in: (token: string) => request<Session | undefined>('/v1/session', { method: 'POST', body: { token } }),
  sign_in_user: (user: string, password: string) => request<Session | undefined>('/v1/session', { method: 'POST', body: { user, password } }),
  users: async (signal?: AbortSignal) => (await request<{ users: User[] }>('/v1/users', { signal })).users,
  audit: async (choice: AuditChoice, limit: number, signal?: AbortSignal) => {
    const query = new URLSearchParams({ limit: String(limit) });
    for (const [key, value] of Object.entries(choice)) if (value) query.set(key, value);
    return (await request<{ entries: AuditEntry[] }>(`/v1/audit?${query}`, { signal })).entries;
  },
  create_user: (user: { name: string; superuser: boolean } & GivenPassword) => request<User>('/v1/users', { method: 'POST', body: user }),
  set_password: (name: string, given: GivenPassword) => request<User>(`/v1/users/${name_in_path(name)}/password`, { method: 'PUT', body: given }),
  drop_user: (name: string) => request<void>(`/v1/users/${name_in_path(name)}`, { method: 'DELETE' }),
  change_password: (given: { now: string; next: string }) => request<Session>('/v1/session/password', { method: 'PUT', body: given }),
  sign_out: () => request<void>('/v1/session', { method: 'DELETE' }),
  status: (signal?: AbortSignal) => request<Status>('/v1/status', { signal }),
  streams: async (signal?: AbortSignal) => (await request<{ streams: StreamSummary[] }>('/v1/streams', { signal })).streams,
  stream: (name: string, signal?: AbortSignal) => request<StreamDetail>(`/v1/streams/${name_in_path(name)}`, { signal }),
  events: async (name: string, limit: number, signal?: AbortSignal) =>
    (await request<{ events: StoredEvent[] }>(`/v1/streams/${name_in_path(name)}/events?limit=${limit}`, { signal })).events,
  quarantine: async (name: string, limit: number, signal?: AbortSignal) =>
    (await request<{ records: QuarantinedRecord[] }>(`/v1/streams/${name_in_path(name)}/quarantine?limit=${limit}`, { signal })).records,
  catalog: (signal?: AbortSignal) => request<Catalog>('/v1/catalog', { signal }),
  sql: (statement: { sql: string; statement_id: string; rows_max: number; time_limit_ms: number }, signal?: AbortSignal) =>
    request<SqlResult>('/v1/sql', { method: 'POST', body: statement, signal, timeout_ms: statement.time_limit_ms + 10_000 }),
  sql_file: async (sql: string, accept: 'text/csv' | 'application/x-ndjson' | 'application/vnd.apache.parquet', signal?: AbortSignal): Promise<Blob> => {
    const options: RequestOptions = { method: 'POST', body: { sql }, accept, signal, timeout_ms: 600_000 };
    return (await checked('/v1/sql', options)).blob();
  },
  statements: async (signal?: AbortSignal) => (await request<{ statements: RunningStatement[] }>('/v1/statements', { signal })).statements,
  queries: async (signal?: AbortSignal) => (await request<{ queries: { name: string; bytes: number }[] }>('/v1/queries', { signal })).queries,
  query: (name: string, signal?: AbortSignal) => request<SavedQuery>(`/v1/queries/${name_in_path(name)}`, { signal }),
  /** `revision`: the one that is replaced; null: a new query. A 409 says that another one is there. */
  save_query: (name: string, sql: string, revision: string | null) => request<SavedQuery>(`/v1/queries/${name_in_path(name)}`, { method: 'PUT', body: { sql }, revision }),
  rename_query: (name: string, to: string, revision: string) => request<SavedQuery>(`/v1/queries/${name_in_path(to)}`, { method: 'PUT', body: { renamed_from: name }, revision }),
  delete_query: (name: string, revision: string) => request<void>(`/v1/queries/${name_in_path(name)}`, { method: 'DELETE', revision }),
  put_file: (path: string, bytes: Blob, signal?: AbortSignal) => request<{ path: string; bytes: number }>(`/v1/store/files?path=${encodeURIComponent(path)}`, { method: 'POST', bytes, signal, timeout_ms: 300_000 }),
  inspect_file: (path: string, format: string, signal?: AbortSignal) => request<FileShape>('/v1/store/inspect', { method: 'POST', body: { path, ...(format ? { format } : {}) }, signal, timeout_ms: 60_000 }),
  flows: async (signal?: AbortSignal) => (await request<{ flows: Flow[] }>('/v1/flows', { signal })).flows,
  runs: async (choice: { name?: string; limit?: number }, signal?: AbortSignal) =>
    (await request<{ runs: Run[] }>(`/v1/runs?limit=${choice.limit ?? 100}${choice.name ? `&name=${name_in_path(choice.name)}` : ''}`, { signal })).runs,
  run: (id: string, signal?: AbortSignal) => request<RunDetail>(`/v1/runs/${name_in_path(id)}`, { signal }),
  start_run: async (order: RunOrder) => {
    if (!('review' in order)) return (await request<{ id: string }>('/v1/runs', { method: 'POST', body: order })).id;
    const { review, ...body } = order;
    return (await request<{ id: string }>(`/v1/reviews/${name_in_path(review)}/runs`, { method: 'POST', body })).id;
  },
  stop_run: (id: string) => request<{ stopped: boolean }>(`/v1/runs/${name_in_path(id)}/stop`, { method: 'POST', body: {} }),
  tables: async (signal?: AbortSignal) => (await request<{ tables: TableSummary[] }>('/v1/tables', { signal })).tables,
  table: (name: string, signal?: AbortSignal) => request<TableDetail>(`/v1/tables/${name_in_path(name)}`, { signal }),
  lake: (signal?: AbortSignal) => request<LakeState>('/v1/lake', { signal }),
  forgets: async (signal?: AbortSignal) => (await request<{ forgets: Receipt[] }>('/v1/forgets', { signal })).forgets,
  manifest: (table: string, signal?: AbortSignal) => request<Manifest>(`/v1/lake/manifest/${name_in_path(table)}`, { signal }),
  dashboards: async (signal?: AbortSignal) => (await request<{ dashboards: DashboardSummary[] }>('/v1/dashboards', { signal })).dashboards,
  dashboard: (name: string, signal?: AbortSignal) => request<Dashboard>(`/v1/dashboards/${name_in_path(name)}`, { signal }),
  dashboard_data: (name: string, wanted: DataOrder, signal?: AbortSignal) => request<DashboardData>(`/v1/dashboards/${name_in_path(name)}/data?${data_query(wanted)}`, { signal, timeout_ms: 60_000 }),
  reviews: async (signal?: AbortSignal) => (await request<{ reviews: Review[] }>('/v1/reviews', { signal })).reviews,
  review: (name: string, signal?: AbortSignal) => request<Review>(`/v1/reviews/${name_in_path(name)}`, { signal }),
  review_report: (name: string, run: string, signal?: AbortSignal) => request<ReviewReport>(`/v1/reviews/${name_in_path(name)}/report?format=json&run=${name_in_path(run)}`, { signal, timeout_ms: 60_000 }),
  compare_reviews: (name: string, from: string, to: string, signal?: AbortSignal) => request<Comparison>(`/v1/reviews/${name_in_path(name)}/compare?from=${name_in_path(from)}&to=${name_in_path(to)}`, { signal, timeout_ms: 60_000 }),
  live: async (signal?: AbortSignal) => (await request<{ live: Live[] }>('/v1/live', { signal })).live,
  alarms: (signal?: AbortSignal) => request<{ alarms: Alarm[]; channels: Channel[] }>('/v1/alarms', { signal }),
  alarm: (name: string, signal?: AbortSignal) => request<AlarmDetail>(`/v1/alarms/${name_in_path(name)}`, { signal }),
  findings: async (closed: boolean, signal?: AbortSignal) => (await request<{ findings: Finding[] }>(`/v1/findings?limit=200${closed ? '&closed=true' : ''}`, { signal })).findings,
  topics: async (signal?: AbortSignal) => (await request<{ topics: Topic[] }>('/v1/topics', { signal })).topics,
  outbox: async (state: string, limit: number, signal?: AbortSignal) => (await request<{ deliveries: Delivery[] }>(`/v1/outbox?limit=${limit}&state=${state}`, { signal })).deliveries,
  change_delivery: (id: string, verb: 'retry' | 'discard') => request<Delivery>(`/v1/outbox/${name_in_path(id)}/${verb}`, { method: 'POST', body: {} }),
  acknowledge: (id: string) => request<Finding>(`/v1/findings/${name_in_path(id)}/acknowledge`, { method: 'POST', body: {} }),
  endpoints: async (signal?: AbortSignal) => (await request<{ endpoints: Endpoint[] }>('/v1/endpoints', { signal })).endpoints,
  endpoint: (name: string, signal?: AbortSignal) => request<EndpointDetail>(`/v1/endpoints/${name_in_path(name)}`, { signal }),
  /** An answer as it came, whatever its status: for trying an endpoint out. */
  try_out: async (path: string, headers: Record<string, string>, signal?: AbortSignal): Promise<TriedOut> => {
    const begin = performance.now();
    let response: Response;
    try {
      response = await fetch(path, { headers, signal, credentials: 'same-origin', cache: 'no-store' });
    } catch (error) {
      throw failure_of(error, signal, 10_000);
    }
    const text = await response.text();
    return { status: response.status, status_text: response.statusText, text, took_ms: performance.now() - begin, etag: response.headers.get('ETag') };
  },
  cancel: (statement_id: string) => request<void>(`/v1/statements/${name_in_path(statement_id)}`, { method: 'DELETE' }),
};
