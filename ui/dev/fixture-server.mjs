#!/usr/bin/env node
// DEVELOPMENT FIXTURE, not part of the product: never built in, never installed. It answers the HTTP interface with made-up
// numbers, so that pages can be looked at and their tests written without the C++ server.
//
//   node ui/dev/fixture-server.mjs [--port 8490] [--dist ui/dist] [--mode full|empty|trouble] [--token demo]
//
// mode `empty` has no streams, `trouble` has warnings, a full disk and late lake. POST /fixture {"away": true} makes every
// answer a 503 until {"away": false}, {"mode": "empty"} changes the mode, {"signed_out": true} ends all sessions.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8490' },
    dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
    mode: { type: 'string', default: 'full' },
    token: { type: 'string', default: 'demo' },
  },
});

// As strict as the product's own (src/surface/http/security.cpp) or stricter: what works here works there.
const kPolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const tails = new Set();
const state = { mode: options.mode, away: false, sessions: new Set(), queries: new Map([['top_ads', 'SELECT ad_id, count(*) AS n FROM impressions GROUP BY 1\n']]), started: Date.now() - 4_873_000, running: new Map() };

// ---- made-up numbers -------------------------------------------------------------------------------------------------

const wave = (at_s, period_s, phase = 0) => Math.sin((2 * Math.PI * at_s) / period_s + phase);
const noise = (n) => (createHash('md5').update(String(n)).digest().readUInt32LE(0) / 2 ** 32 - 0.5) * 2;

function rates_at(stream, at_s) {
  const i = streams.indexOf(stream);
  if (stream.records_per_s === 0) return { accepted: 0, duplicates: 0, quarantined: 0, refused: 0 };
  const accepted = Math.max(0, Math.round(stream.records_per_s * (1 + 0.16 * wave(at_s, 140, i) + 0.07 * noise(at_s * 7 + i))));
  const trouble = state.mode === 'trouble' && at_s % 97 < 20;
  return {
    accepted: trouble ? Math.round(accepted * 0.3) : accepted,
    duplicates: Math.round(accepted * 0.012 * (1 + noise(at_s * 3 + i))),
    quarantined: at_s % 61 < 9 ? Math.round(accepted * 0.04) : Math.round(accepted * 0.002),
    refused: trouble ? Math.round(accepted * 0.5) : 0,
  };
}

const kFields = {
  impressions: [
    ['impression_id', 'uuid', true, 'Names the impression; two records with the same id are one.'],
    ['ad_id', 'uuid', true, 'The advertisement that was shown.'],
    ['occurred_at', 'timestamp', true, 'When it was shown, by the clock of the page.'],
    ['placement', 'text', false, ''],
    ['price_micros', 'int64', false, 'What the impression cost, in millionths.'],
    ['viewer', 'object', false, 'Browser and country, kept as they came.'],
  ],
  clicks: [
    ['click_id', 'uuid', true, 'Names the click.'],
    ['impression_id', 'uuid', true, 'The impression that was clicked.'],
    ['ad_id', 'uuid', true, ''],
    ['occurred_at', 'timestamp', true, ''],
  ],
  page_views: [
    ['url', 'text', true, 'The address without its query.'],
    ['referrer', 'text', false, ''],
    ['width', 'int32', false, ''],
    ['at', 'timestamp', false, ''],
  ],
  audit: [],
};

function stream(name, more) {
  return {
    name, description: '', enabled: true, detached: false, write: 'key', endpoints: [`/v1/streams/${name}`], key: null, time_field: null,
    accepted: 0, duplicates: 0, quarantined: 0, refused: 0, records_per_s: 0, last_arrival: null, rows_in_lake: 0, tags: {}, ...more,
  };
}

const streams = [
  stream('impressions', { description: 'Every ad that was shown, from the pages’ beacon.', endpoints: ['/Prod/impressions', '/v1/streams/impressions'], key: 'impression_id', time_field: 'occurred_at', accepted: 18_402_117, duplicates: 210_338, quarantined: 4_127, refused: 0, records_per_s: 1840, rows_in_lake: 18_398_220, tags: { team: 'ads', cost: 'marketing' } }),
  stream('clicks', { description: 'Every click on an ad.', endpoints: ['/Prod/clicks', '/v1/streams/clicks'], key: 'click_id', time_field: 'occurred_at', accepted: 5_520_400, duplicates: 61_002, quarantined: 311, records_per_s: 548, rows_in_lake: 5_519_100, tags: { team: 'ads' } }),
  stream('page_views', { description: 'Beacon of the public site.', write: 'public', time_field: 'at', accepted: 99_210, duplicates: 0, quarantined: 12, records_per_s: 3.4, rows_in_lake: 99_190 }),
  stream('audit', { description: '', enabled: false }),
];

const now_s = () => Math.floor(Date.now() / 1000);
const iso = (ms) => new Date(ms).toISOString();
const live_streams = () => (state.mode === 'empty' ? [] : streams);
const summary = (one) => {
  const rates = rates_at(one, now_s());
  return { ...one, counted_since: iso(state.started), accepted: one.accepted + Math.round(one.records_per_s * (now_s() % 100_000)), records_per_s: one.records_per_s < 10 ? one.records_per_s : rates.accepted, last_arrival: one.records_per_s > 0 ? iso(Date.now() - 400) : null };
};

function detail(one) {
  const from = now_s() - 300;
  const day = (back) => iso(Date.now() - back * 86_400_000).slice(0, 10);
  return {
    ...summary(one),
    fields: kFields[one.name].map(([name, type, required, description]) => ({ name, type, required, description })),
    quarantine: one.quarantined === 0 ? [] : [
      { reason: 'wrong_type', count: Math.ceil(one.quarantined * 0.61), last: iso(Date.now() - 41_000) },
      { reason: 'missing_field', count: Math.floor(one.quarantined * 0.3), last: iso(Date.now() - 340_000) },
      { reason: 'too_old', count: Math.floor(one.quarantined * 0.08), last: iso(Date.now() - 7_600_000) },
      { reason: 'conflict', count: 1, last: iso(Date.now() - 86_400_000 * 3) },
    ],
    rates: Array.from({ length: 300 }, (_, i) => ({ at: iso((from + i + 1) * 1000), ...rates_at(one, from + i + 1) })),
    files: one.accepted ? { parquet: 96, archive: 412, bytes: 1_733_204_112 } : { parquet: 0, archive: 0, bytes: 0 },
    partitions: one.accepted ? Array.from({ length: 14 }, (_, i) => ({ name: `dt=${day(i)}`, rows: Math.round(one.rows_in_lake / 14), files: 7 - (i % 3), bytes: 123_800_000 - i * 2_100_000 })) : [],
  };
}

function event_of(name, sequence, at_ms) {
  const n = (salt) => Math.abs(noise(sequence * 31 + salt));
  if (name === 'page_views') return { url: ['/', '/prices', '/docs/start'][sequence % 3], width: 1280 + (sequence % 5) * 64, at: iso(at_ms) };
  const event = { impression_id: uuid_of(sequence), ad_id: uuid_of(sequence % 40), occurred_at: iso(at_ms - 320).replace('T', ' ').replace('Z', '') };
  if (name === 'clicks') return { click_id: uuid_of(sequence + 9), ...event };
  return { ...event, placement: ['top', 'side', 'feed'][sequence % 3], price_micros: Math.round(n(1) * 4000), viewer: { country: ['DE', 'FR', 'PL', 'ÉŁ'][sequence % 4], browser: 'Firefox' } };
}

function uuid_of(n) {
  const hex = createHash('md5').update(`id${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function status() {
  const sums = { accepted: 0, duplicates: 0, quarantined: 0, refused: 0 };
  for (const one of live_streams()) for (const [key, value] of Object.entries(rates_at(one, now_s()))) sums[key] += value;
  const trouble = state.mode === 'trouble';
  return {
    version: '0.1.0', engine: 'duckdb 1.4.4', project: 'shop', environment: 'default', started_at: iso(state.started), uptime_s: (Date.now() - state.started) / 1000, ready: !trouble,
    journal: { segments: trouble ? 41 : 3, bytes: trouble ? 10_700_000_000 : 201_326_592, durable_end: 24_021_727 + now_s() % 100_000, queued_bytes: trouble ? 8_400_000 : 18_200, full: trouble },
    lake: { cursor: 24_020_100, lag_records: trouble ? 5_100_231 : 1627, lag_seconds: trouble ? 2411 : 1.4, version: 8211, files: state.mode === 'empty' ? 0 : 203, bytes: state.mode === 'empty' ? 0 : 2_410_000_000, last_commit_at: state.mode === 'empty' ? null : iso(Date.now() - 1400), ...(trouble ? { error: 'no space left on device (store/lake/impressions/dt=2026-11-21)' } : {}) },
    capture: { records_per_s: sums }, disk: { free_bytes: trouble ? 41_000_000 : 84_100_000_000 }, memory: { rss_bytes: 148_000_000 },
    warnings: trouble ? ['the disk acknowledges 41 fsyncs per second: capture is limited to about 4 100 records/s (weir doctor)', 'streams/audit.yaml:4:3 declares no time_field: its day is the day of arrival'] : [],
  };
}

function quarantine_of(name) {
  const reasons = [
    ['wrong_type', 'price_micros', 'price_micros is "12,50", expected int64'],
    ['missing_field', 'ad_id', 'ad_id is required and missing'],
    ['too_old', 'occurred_at', 'occurred_at is 2026-09-01 00:00:00, older than past_max 30d'],
    ['bad_json', null, 'the record is not JSON: unexpected end at byte 41'],
  ];
  return Array.from({ length: 40 }, (_, i) => {
    const [reason, field, message] = reasons[i % 7 === 0 ? 3 : i % 3];
    const payload = reason === 'bad_json' ? '{"impression_id":"5a10…","ad_id":"91b0","occ' : { ...event_of(name, i + 5000, Date.now() - i * 61_000), price_micros: '12,50', account: 9007199254740993 };
    return { id: uuid_of(i + 70_000), arrived_at: iso(Date.now() - 41_000 - i * 61_000), reason, field, message, payload };
  });
}

const kCatalog = () => ({
  tables: live_streams().flatMap((one) => {
    const columns = kFields[one.name].map(([name, type]) => ({ name, type: { uuid: 'VARCHAR', text: 'VARCHAR', int64: 'BIGINT', int32: 'INTEGER', object: 'JSON', timestamp: 'TIMESTAMP' }[type] }));
    return [{ name: one.name, kind: 'stream', columns: [...columns, { name: '_sequence', type: 'BIGINT' }, { name: '_arrived_at', type: 'TIMESTAMP' }] }, { name: `${one.name}_quarantine`, kind: 'quarantine', columns: [{ name: 'id', type: 'VARCHAR' }, { name: 'reason', type: 'VARCHAR' }, { name: 'payload', type: 'VARCHAR' }] }];
  }).concat([{ name: 'weir_streams', kind: 'system', columns: [{ name: 'name', type: 'VARCHAR' }, { name: 'accepted', type: 'BIGINT' }] }]),
  functions: ['count', 'sum', 'avg', 'min', 'max', 'date_trunc', 'approx_count_distinct', 'quantile_cont', 'coalesce', 'lower'].map((name) => ({ name })),
});

// ---- statements: a few shapes that pages must cope with, chosen by words of the statement -----------------------------

function answer_of(sql) {
  const text = sql.toLowerCase();
  if (/\bfrm\b|selec\b/.test(text)) {
    const lines = sql.split('\n');
    const line = lines.findIndex((one) => /\bfrm\b|selec\b/i.test(one));
    const column = lines[line].search(/\bfrm\b|selec\b/i);
    return { error: { code: 'invalid', message: `syntax error at or near "${lines[line].slice(column).split(/\s/)[0]}"`, hint: 'Did you mean FROM?', position: { line: line + 1, column: column + 1 } } };
  }
  if (text.includes('no_such')) return { error: { code: 'not_found', message: 'there is no table no_such', hint: 'Nearest names: impressions, clicks' } };
  if (text.includes('date_trunc')) {
    return table([['minute', 'TIMESTAMP'], ['impressions', 'BIGINT'], ['clicks', 'BIGINT'], ['rate', 'DOUBLE']], Array.from({ length: 120 }, (_, i) => {
      const impressions = Math.round(1800 + 300 * wave(i, 60) + 60 * noise(i));
      return [iso(Date.UTC(2026, 10, 21, 6, i)).replace('T', ' ').slice(0, 19), impressions, Math.round(impressions * 0.3), 0.3 + 0.01 * noise(i)];
    }));
  }
  if (text.includes('count(')) return table([['count_star()', 'BIGINT']], [[18_402_117]]);
  if (text.includes('where false')) return table([['ad_id', 'VARCHAR']], []);
  const limit = Number(/limit\s+(\d+)/.exec(text)?.[1] ?? 20_000);
  const rows = Array.from({ length: Math.min(limit, 10_000) }, (_, i) => {
    const event = event_of('impressions', i, Date.now() - i * 500);
    return [event.impression_id, event.ad_id, event.occurred_at, i % 7 === 0 ? null : i % 11 === 0 ? '' : event.placement, i % 5 === 0 ? null : event.price_micros, JSON.stringify(event.viewer), i === 1 ? 'BIG' : 24_000_000 + i];
  });
  return table([['impression_id', 'VARCHAR'], ['ad_id', 'VARCHAR'], ['occurred_at', 'TIMESTAMP'], ['placement', 'VARCHAR'], ['price_micros', 'BIGINT'], ['viewer', 'JSON'], ['_sequence', 'BIGINT']], rows, limit > 10_000);
}

const table = (columns, rows, truncated = false) => ({ columns: columns.map(([name, type]) => ({ name, type })), rows, row_count: rows.length, truncated });

async function run_sql(request, response, body) {
  const id = body.statement_id ?? randomUUID();
  const wait_ms = /slow/i.test(body.sql) ? 8000 : 30;
  const began = Date.now();
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, wait_ms);
    const stop = () => (clearTimeout(timer), resolve());
    state.running.set(id, stop);
    response.on('close', stop);
  });
  state.running.delete(id);
  if (response.destroyed) return;
  const answer = answer_of(body.sql);
  if (answer.error) return send(response, answer.error.code === 'not_found' ? 404 : 400, answer);
  const csv = (cell) => (cell === null ? '' : /[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));
  if (request.headers.accept === 'text/csv') return send_text(response, 'text/csv', [answer.columns.map((one) => one.name), ...answer.rows].map((row) => row.map(csv).join(',')).join('\r\n'));
  if (request.headers.accept === 'application/x-ndjson') return send_text(response, 'application/x-ndjson', answer.rows.map((row) => JSON.stringify(Object.fromEntries(row.map((cell, i) => [answer.columns[i].name, cell])))).join('\n'));
  const text = JSON.stringify({ statement_id: id, tag: `SELECT ${answer.row_count}`, ...answer, elapsed_ms: Date.now() - began }).replace('"BIG"', '9007199254740993');
  send_text(response, 'application/json', text);
}

// ---- HTTP --------------------------------------------------------------------------------------------------------------

function send(response, code, body, headers = {}) {
  response.writeHead(code, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

function send_text(response, type, text) {
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(text);
}

const fail = (response, code, name, message, hint = '') => send(response, code, { error: { code: name, message, hint } });
const cookie_of = (request) => /weir_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
const is_known = (request) => state.sessions.has(cookie_of(request)) || request.headers.authorization === `Bearer ${options.token}`;

async function body_of(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  try {
    return JSON.parse(Buffer.concat(parts).toString() || '{}');
  } catch {
    return null;
  }
}

function tail(response, one) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(': connected\n\n');
  let sequence = 24_000_000 + now_s() % 100_000;
  const timer = setInterval(() => {
    if (state.mode === 'empty' || one.records_per_s === 0) return;
    sequence += 1;
    const kind = sequence % 13 === 0 ? 'quarantined' : sequence % 7 === 0 ? 'duplicate' : 'accepted';
    const event = event_of(one.name, sequence, Date.now());
    const record = { id: uuid_of(sequence), sequence, arrived_at: iso(Date.now()), status: kind, ...(kind === 'quarantined' ? { payload: { ...event, ad_id: 7 }, reason: 'wrong_type' } : { event }) };
    response.write(`event: record\ndata: ${JSON.stringify(record)}\n\n`);
    if (sequence % 40 === 0) response.write('event: skipped\ndata: {"count":1800}\n\n');
  }, 400);
  const watcher = { name: one.name, response };
  tails.add(watcher);
  response.on('close', () => (clearInterval(timer), tails.delete(watcher)));
}

async function take_event(request, response, one) {
  const event = await body_of(request);
  const id = event?.impression_id ?? randomUUID();
  const record = { id, sequence: 24_900_000, arrived_at: iso(Date.now()), status: 'accepted', event };
  for (const watcher of tails) if (watcher.name === one.name) watcher.response.write(`event: record\ndata: ${JSON.stringify(record)}\n\n`);
  send(response, 200, { accepted: 1, duplicates: 0, quarantined: 0, refused: 0, records: [{ status: 'accepted', id }] });
}

async function session_route(request, response) {
  if (request.method === 'GET') return send(response, 200, is_known(request) ? { signed_in: true, role: 'admin', name: 'owner', version: '0.1.0', project: 'shop', environment: 'default' } : { signed_in: false, version: '0.1.0' });
  if (request.method === 'DELETE') {
    state.sessions.delete(cookie_of(request));
    return send(response, 200, {}, { 'Set-Cookie': 'weir_session=; Path=/; Max-Age=0' });
  }
  const body = await body_of(request);
  if (body?.token !== options.token) return fail(response, 401, 'denied', 'this token is not known');
  const id = randomUUID();
  state.sessions.add(id);
  send(response, 200, { signed_in: true }, { 'Set-Cookie': `weir_session=${id}; HttpOnly; SameSite=Strict; Path=/` });
}

const revision_of = (sql) => createHash('sha256').update(sql).digest('hex').slice(0, 16);

async function queries_route(request, response, name) {
  if (!name) return send(response, 200, { queries: [...state.queries].map(([one, sql]) => ({ name: one, bytes: sql.length })) });
  const body = await body_of(request);
  const former = body?.renamed_from ?? name;
  const there = state.queries.get(former);
  if (request.headers['if-none-match'] !== '*' && there === undefined) return fail(response, 404, 'not_found', `there is no saved query '${former}'`);
  const wanted = request.headers['if-match'];
  if (request.method !== 'GET' && (wanted ? wanted !== `"${revision_of(there)}"` : there !== undefined)) return fail(response, 409, 'conflict', 'another revision is there');
  if (former !== name || request.method === 'DELETE') state.queries.delete(former);
  if (request.method === 'DELETE') return send(response, 204);
  if (request.method === 'PUT') state.queries.set(name, body.sql ?? there);
  const sql = state.queries.get(name);
  send(response, 200, { name, sql, revision: revision_of(sql) });
}

async function control(request, response) {
  const body = await body_of(request);
  if (typeof body.away === 'boolean') state.away = body.away;
  if (body.mode) state.mode = body.mode;
  if (body.signed_out) state.sessions.clear();
  send(response, 200, state.mode);
}

async function api(request, response, url) {
  if (state.away) return fail(response, 503, 'unavailable', 'away (fixture)');
  if (url.pathname === '/v1/session') return session_route(request, response);
  const is_event = request.method === 'POST' && url.pathname.startsWith('/v1/streams/');
  if (!is_known(request) && !is_event) return fail(response, 401, 'denied', 'sign in first');
  if (!is_event && !['GET', 'HEAD'].includes(request.method) && !request.headers['x-weir'] && !request.headers.authorization) return fail(response, 403, 'denied', 'X-Weir is missing');
  const [, , kind, name, part] = url.pathname.split('/').map(decodeURIComponent);
  if (kind === 'status') return send(response, 200, status());
  if (kind === 'catalog') return send(response, 200, kCatalog());
  if (kind === 'queries') return queries_route(request, response, name);
  if (kind === 'sql') return run_sql(request, response, await body_of(request));
  if (kind === 'statements' && request.method === 'DELETE') return state.running.get(name)?.(), send(response, 200, {});
  if (kind === 'statements') return send(response, 200, { statements: [...state.running.keys()].map((id) => ({ id })) });
  if (kind !== 'streams') return fail(response, 404, 'not_found', 'no such route');
  if (!name) return send(response, 200, { streams: live_streams().map(summary) });
  const one = live_streams().find((each) => each.name === name);
  if (!one) return fail(response, 404, 'not_found', `there is no stream ${name}`);
  if (!part && request.method === 'POST') return take_event(request, response, one);
  if (!part) return send(response, 200, detail(one));
  if (part === 'events') return send(response, 200, { events: one.accepted === 0 ? [] : Array.from({ length: 30 }, (_, i) => ({ id: uuid_of(i + 900), sequence: 23_999_999 - i, arrived_at: iso(Date.now() - 900 - i * 400), event_time: null, event: event_of(name, i, Date.now() - i * 400) })) });
  if (part === 'quarantine') return send(response, 200, { records: one.quarantined === 0 ? [] : quarantine_of(name) });
  if (part === 'tail') return tail(response, one);
  fail(response, 404, 'not_found', 'no such route');
}

const kTypes = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };

function page(response, path) {
  let file = join(options.dist, normalize(path));
  const is_file = extname(file) !== '' && statSync(file, { throwIfNoEntry: false })?.isFile();
  if (!is_file && extname(path) !== '') return fail(response, 404, 'not_found', 'no such file');
  if (!is_file) file = join(options.dist, 'index.html');
  response.writeHead(200, { 'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': kPolicy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
  response.end(readFileSync(file));
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://fixture');
  const work = url.pathname === '/fixture' ? control(request, response) : url.pathname.startsWith('/v1/') ? api(request, response, url) : page(response, url.pathname);
  Promise.resolve(work).catch((error) => {
    console.error(error);
    if (!response.headersSent) fail(response, 500, 'internal', String(error));
  });
});
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`development fixture (made-up numbers), mode ${state.mode}: http://127.0.0.1:${server.address().port}`);
  console.log(`token: ${options.token}`);
});
