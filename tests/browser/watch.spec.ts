// Alarms, findings and endpoints: states over time and why, acknowledging, trying an endpoint out. What the server says is given by
// the test where a real alarm would take minutes to go off.
import { expect, expect_no_sideways_scroll, run_daily, send_impression, test } from './support';
import type { Page } from '@playwright/test';

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

const alarm = (more: object = {}) => ({
  name: 'impressions_records', description: 'More than 4000 records of impressions a second', enabled: true, metric: 'weir_capture_records_total', labels: { stream: 'impressions' }, statistic: 'avg', sql: '',
  comparison: 'above', limit: 4000, period: '1m', breaching: 3, of: 5, missing: 'keep', severity: 'warning', todo: 'Is somebody sending twice?', notify: ['log', 'page'], condition: 'avg above 4000 in 3 of 5 periods of 1m',
  state: 'alarm', since: ago(4), reason: '3 of 5 datapoints are above 4000', error: null,
  points: [3000, 4100, null, 4200, 4300].map((value, i) => ({ at: ago(6 - i), value, breaching: value === null ? null : value > 4000 })), finding: 'f1', ...more,
});
const finding = (more: object = {}) => ({
  id: 'f1', key: 'alarm/impressions_records', state: 'open', opened_at: ago(4), updated_at: ago(1), closed_at: null, source: 'alarm', what: 'impressions_records is off', where: 'alarm impressions_records', severity: 'warning',
  why: '3 of 5 datapoints are above 4000', todo: 'Is somebody sending twice?', link: '/alarms/impressions_records', since: ago(4), reports: 3, ...more,
});

async function with_alarms(page: Page): Promise<{ acknowledged: () => number }> {
  let acknowledged = 0;
  const now = () => (acknowledged ? finding({ state: 'acknowledged', acknowledged_by: 'first sign-in', acknowledged_at: ago(0) }) : finding());
  const calm = alarm({ name: 'clicks_records', state: 'ok', finding: null, reason: '', points: alarm().points.map((point) => ({ ...point, value: 10, breaching: false })) });
  await page.route('**/v1/alarms', (route) => route.fulfill({ json: { alarms: [calm, alarm()], channels: [{ name: 'hook', kind: 'webhook', waiting: 0, delivered: 4, failed: 1, error: 'the receiver answered 500', error_at: ago(9) }] } }));
  await page.route('**/v1/alarms/impressions_records', (route) => route.fulfill({ json: { ...alarm(), history: [{ at: ago(4), from: 'ok', to: 'alarm', reason: '3 of 5 datapoints are above 4000' }, { at: ago(60), from: 'no_data', to: 'ok', reason: 'data again' }, { at: ago(90), from: 'ok', to: 'no_data', reason: 'the program did not run' }] } }));
  await page.route('**/v1/findings?*', (route) => route.fulfill({ json: { findings: [now()] } }));
  await page.route('**/v1/findings/f1/acknowledge', (route) => {
    acknowledged += 1;
    return route.fulfill({ json: now() });
  });
  return { acknowledged: () => acknowledged };
}

test('an alarm that is off stands first, says why, and is acknowledged', async ({ signed_in: page }) => {
  const { acknowledged } = await with_alarms(page);
  await page.goto('/alarms');
  await expect(page.getByText('1 alarm of 2 is off')).toBeVisible();
  const rows = page.getByRole('region', { name: 'Alarms' }).getByRole('row');
  await expect(rows.nth(1)).toContainText('impressions_records');
  await expect(rows.nth(1)).toContainText('ALARM');
  await expect(rows.nth(1).getByRole('img', { name: /^Newest datapoints against the limit of 4,000: 3 of 5 breach it/ })).toBeVisible();
  const findings = page.getByRole('region', { name: 'Findings' });
  await expect(findings).toContainText('3 of 5 datapoints are above 4000');
  await findings.getByRole('button', { name: /^Acknowledge/ }).click();
  await expect(findings.getByText(/first sign-in looks after it/)).toBeVisible();
  expect(acknowledged()).toBe(1);
  await expect(page.getByRole('region', { name: 'Who is told' })).toContainText('the receiver answered 500');
});

test('an alarm shows its states over time, its datapoints and every change with its reason', async ({ signed_in: page }) => {
  await with_alarms(page);
  await page.goto('/alarms/impressions_records');
  await expect(page.getByRole('img', { name: /^States since .* 4 min \d+ s in ALARM, now ALARM/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Changes' }).getByRole('row', { name: /NO DATA.*the program did not run/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Datapoints' }).getByRole('row', { name: /no value/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Why' })).toContainText('avg above 4000 in 3 of 5 periods of 1m');
});

const delivery = (more: object = {}) => ({
  id: 'd1', channel: 'hook', topic: 'oncall', to: null, state: 'waiting', subject: 'opened: impressions_records is off', notices: 1, attempts: 3, error: 'the receiver answered 503', created_at: ago(4), due_at: ago(-1), ended_at: null, ...more,
});

async function with_notices(page: Page): Promise<{ changes: string[] }> {
  const changes: string[] = [];
  const subscription = { channel: 'mail', to: ['ada@shop.example'], severity: ['critical'], names: ['alarm/*'], digest: '1h', zone: 'UTC', deduplicate: '30m', quiet_hours: { from: '22:00', to: '07:00', zone: 'Europe/Berlin', except: 'critical' } };
  const subscriber = { id: 's1', mail: 'bob@shop.example', state: 'unconfirmed', created_at: ago(9), severity: [], names: [] };
  await page.route('**/v1/topics', (route) => route.fulfill({ json: { channels: [], topics: [{ name: 'oncall', description: 'Who is woken', through: 'mail', subscriptions: [subscription], subscribers: [subscriber] }, { name: 'idle', description: '', through: '', subscriptions: [], subscribers: [] }] } }));
  await page.route('**/v1/outbox?*', (route) => {
    const asked = new URL(route.request().url()).searchParams.get('state');
    const all = changes.length > 0 && asked === 'waiting' ? [] : asked === 'waiting' ? [delivery()] : asked === 'given_up' ? [delivery({ id: 'd2', state: 'given_up', to: ['ada@shop.example'], error: 'the mail server refused it', due_at: null, ended_at: ago(1) })] : [];
    return route.fulfill({ json: { deliveries: all } });
  });
  await page.route('**/v1/outbox/*/*', (route) => {
    changes.push(new URL(route.request().url()).pathname);
    return route.fulfill({ json: delivery({ state: 'waiting' }) });
  });
  return { changes };
}

test('topics show who is told and when, the outbox what waits and why, and it is sent again', async ({ signed_in: page }) => {
  await with_alarms(page);
  const { changes } = await with_notices(page);
  await page.goto('/alarms');
  const topics = page.getByRole('region', { name: 'Topics' });
  await expect(topics.getByRole('row', { name: /oncall.*ada@shop.example/ })).toContainText('not from 22:00 to 07:00 Europe/Berlin but critical');
  await expect(topics.getByRole('row', { name: /bob@shop.example/ })).toContainText('unconfirmed');
  await expect(topics.getByRole('row', { name: /idle/ })).toContainText('nobody');
  const outbox = page.getByRole('region', { name: 'Outbox' });
  await expect(outbox).toContainText('the receiver answered 503');
  await outbox.getByRole('button', { name: /^Send now/ }).click();
  await expect(outbox.getByText('Nothing waits: everybody has been told.')).toBeVisible();
  expect(changes).toEqual(['/v1/outbox/d1/retry']);
  await outbox.getByLabel('Show').selectOption('given up');
  await expect(outbox).toContainText('the mail server refused it');
  await outbox.getByRole('button', { name: /^Discard/ }).click();
  expect(changes).toEqual(['/v1/outbox/d1/retry', '/v1/outbox/d2/discard']);
  await page.setViewportSize({ width: 380, height: 800 });
  await expect_no_sideways_scroll(page);
});

test('a project without alarms says the next step', async ({ signed_in: page }) => {
  await page.route('**/v1/alarms', (route) => route.fulfill({ json: { alarms: [], channels: [] } }));
  await page.route('**/v1/findings?*', (route) => route.fulfill({ json: { findings: [] } }));
  await page.goto('/alarms');
  await expect(page.getByText('Nothing that somebody should look at.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'No alarms yet' })).toBeVisible();
});

const traffic = {
  name: 'traffic', description: 'How often an ad was shown and clicked, by day.', state: 'ready', problem: '', path: '/traffic/{ad_id}', paths: ['/traffic/{ad_id}', '/Prod/traffic/{ad_id}'], table: 'ad_traffic', read: 'public', tags: {},
  partitions: 2, partitions_missing: 0, rows: 40, bytes: 9000, computed_at: ago(10), requests: { answered: 12, unchanged: 3, refused: 1, unavailable: 0 }, p95_ms: 0.4,
  declaration: {
    parameters: [
      { name: 'ad_id', description: 'The ad.', type: 'uuid', use: 'equals', column: 'ad_id', in_path: true, default: null, min: null, max: null },
      { name: 'start', description: 'The first day.', type: 'date', use: 'from', column: 'day', in_path: false, default: 'today', min: null, max: null },
    ],
    list: 'days', columns: ['day', 'impressions', 'clicks'], ratios: [], page: { cursor: 'page', limit: 'limit', default: 100, max: 100 }, cors: ['*'], cache: '0s',
  },
  indexes: [{ partition: '2026-11-21', state: 'ready', rows: 20, keys: 20, bytes: 4500, in_memory: true }],
};

test('an endpoint is tried out with a form, shown as a curl line, and leads to its next page', async ({ signed_in: page }) => {
  const asked: string[] = [];
  await page.route('**/v1/endpoints', (route) => route.fulfill({ json: { endpoints: [traffic] } }));
  await page.route('**/v1/endpoints/traffic', (route) => route.fulfill({ json: traffic }));
  await page.route('**/traffic/22222222-*', (route) => {
    asked.push(new URL(route.request().url()).search);
    return route.fulfill({ json: { count: 1, next: 'abc', days: [{ day: '2026-11-21', impressions: 10, clicks: 3 }] }, headers: { ETag: '"x"' } });
  });
  await page.goto('/endpoints');
  await page.getByRole('link', { name: 'traffic', exact: true }).click();
  const form = page.getByRole('form', { name: 'Try the endpoint' });
  await expect(form.getByRole('button', { name: 'Send' })).toBeDisabled();
  await form.getByLabel('ad_id uuid').fill('22222222-2222-4222-8222-222222222222');
  await form.getByLabel(/^start/).fill('2026-11-01');
  await expect(page.getByRole('region', { name: 'curl line' })).toContainText('/traffic/22222222-2222-4222-8222-222222222222?start=2026-11-01');
  await form.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByRole('region', { name: 'answer' })).toContainText('"impressions": 10');
  await page.getByRole('button', { name: 'Next page' }).click();
  await expect.poll(() => asked.at(-1)).toBe('?start=2026-11-01&page=abc');
});

test('none of these pages scrolls sideways at 380 pixels', async ({ signed_in: page }) => {
  await with_alarms(page);
  await page.route('**/v1/endpoints', (route) => route.fulfill({ json: { endpoints: [traffic] } }));
  await page.route('**/v1/endpoints/traffic', (route) => route.fulfill({ json: traffic }));
  await page.setViewportSize({ width: 380, height: 800 });
  for (const address of ['/alarms', '/alarms/impressions_records', '/endpoints', '/endpoints/traffic']) {
    await page.goto(address);
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
    await expect_no_sideways_scroll(page);
  }
});

test('the example answers: its alarms have states, its endpoint an answer for an ad of its table', async ({ signed_in: page }) => {
  await run_daily(page);
  await page.goto('/alarms');
  await page.getByRole('region', { name: 'Alarms' }).getByRole('link', { name: 'impressions_records' }).click();
  await expect(page.getByRole('region', { name: 'Why' })).toContainText('above 4000');
  await page.goto('/endpoints/traffic');
  const form = page.getByRole('form', { name: 'Try the endpoint' });
  await form.getByRole('button', { name: /^Take one value of ad_id/ }).click();
  await expect(form.getByLabel('ad_id uuid')).toHaveValue(/^[0-9a-f-]{36}$/);
  await form.getByLabel(/^start/).fill('2026-01-01');
  await form.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByText(/^200/)).toBeVisible();
  await expect(page.getByRole('region', { name: 'answer' })).toContainText('"clickthrough_rate"');
});

test('a live window counts an event within moments, without being asked', async ({ signed_in: page }) => {
  await page.goto('/live');
  await page.getByRole('region', { name: 'Live windows' }).getByRole('link', { name: 'traffic' }).click();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const rows = page.getByRole('region', { name: 'Newest windows' }).getByRole('row');
  await send_impression(page);
  const cells = async () => (await rows.nth(1).textContent()) ?? '';
  await expect.poll(cells).toContain(new Date().toISOString().slice(0, 13).replace('T', ' '));
  const before = await cells();
  await send_impression(page);
  await expect.poll(cells).not.toBe(before); // one more, or the first of the next minute
  await expect(page.getByRole('region', { name: 'Windows', exact: true }).getByRole('img', { name: /impressions/ })).toBeVisible();
});
