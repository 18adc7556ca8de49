// Dashboards: the example's and the built-in one, zoom, the cursor that stands in all charts, ranges in the address, what is appended while it is live.
import type { Page } from '@playwright/test';
import { OwnServer, program } from './server';
import { expect, expect_no_sideways_scroll, send_impression, test } from './support';

const axis = { label: '', unit: '', min: 0, max: null };
const panel = (name: string, more: object = {}) => ({ name, title: name, description: '', kind: 'time_series', width: 6, left: axis, right: axis, step: null, reduce: 'last', sql: '', series: [], text: '', ...more });

/** A dashboard of two charts whose numbers a test knows: a point a minute, `base` plus its place. */
async function two_charts(page: Page): Promise<{ asked: URL[] }> {
  const asked: URL[] = [];
  await page.route('**/v1/dashboards/two', (route) => route.fulfill({ json: { name: 'two', title: 'Two', description: 'Two charts', range: '1h', refresh: '1s', tags: {}, built_in: false, panels: [panel('first'), panel('second')] } }));
  await page.route('**/v1/dashboards/two/data?*', (route) => {
    const url = new URL(route.request().url());
    asked.push(url);
    const last = url.searchParams.get('last');
    const to = last ? Math.ceil(Date.now() / 60_000) * 60 : Date.parse(url.searchParams.get('to')!) / 1000;
    const from = last ? to - Number.parseInt(last) : Date.parse(url.searchParams.get('from')!) / 1000;
    const times: number[] = [];
    for (let at = Math.floor(from / 60) * 60; at < to; at += 60) times.push(at);
    const line = (name: string, base: number) => ({ name, took_ms: 1, error: null, step_s: 60, times, series: [{ name: 'n', label: 'n', axis: 'left', values: times.map((at) => base + ((at / 60) % 60)) }] });
    const iso = (s: number) => new Date(s * 1000).toISOString();
    return route.fulfill({ json: { name: 'two', from: iso(from), to: iso(to), now: iso(to), step_s: 60, panels: [line('first', 1000), line('second', 5000)] } });
  });
  return { asked };
}

test('the example shows impressions, clicks and their ratio on an axis of its own', async ({ signed_in: page }) => {
  await page.goto('/dashboards');
  await page.getByRole('region', { name: 'Dashboards' }).getByRole('link', { name: 'Advertising' }).click();
  await expect(page.getByRole('heading', { name: 'Advertising', level: 1 })).toBeVisible();
  const traffic = page.getByRole('region', { name: 'Clicks, impressions and their ratio' });
  await expect(traffic.getByRole('img', { name: /Impressions \d+.*Clicks/ })).toBeVisible();
  await expect(traffic.getByRole('button', { name: /^Clicks \/ impressions/ })).toHaveAttribute('aria-pressed', 'true');
  await traffic.getByRole('button', { name: /^Impressions/ }).click();
  await expect(traffic.getByRole('button', { name: /^Impressions/ })).toHaveAttribute('aria-pressed', 'false');
  await expect(page.getByTestId('panel-shown')).toContainText(/\d{3}/);
  await expect(page.getByRole('region', { name: 'Bars of Ads that are clicked most' }).getByRole('listitem')).toHaveCount(12);
});

test('every project has a dashboard of the program itself', async ({ signed_in: page }) => {
  await page.goto('/dashboards');
  await expect(page.getByText('built in', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Operations' }).click();
  for (const part of ['What comes in', 'What is answered', 'What waits', 'What is computed']) await expect(page.getByRole('heading', { name: part, level: 2 })).toBeVisible();
  for (const title of ['Records by outcome', 'Requests by route', 'Quarantine by reason', 'Lake behind the journal', 'Runs by state']) await expect(page.getByRole('heading', { name: title, level: 3 })).toBeVisible();
});

test('what is new is appended while nothing moves, and a pause holds it', async ({ signed_in: page }) => {
  await page.addInitScript(() => {
    (globalThis as unknown as { shifts: number }).shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) (globalThis as unknown as { shifts: number }).shifts += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto('/dashboards/advertising?range=6h'); // nothing leaves it meanwhile
  const number = page.getByTestId('panel-shown').getByText(/^[\d,.]+$/);
  await expect(number).toBeVisible();
  const before = Number((await number.textContent())?.replaceAll(',', ''));
  await send_impression(page);
  await expect.poll(async () => Number((await number.textContent())?.replaceAll(',', ''))).toBeGreaterThan(before);
  expect(await page.evaluate(() => (globalThis as unknown as { shifts: number }).shifts)).toBeLessThan(0.05);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByTestId('board-state')).toHaveText('Paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByTestId('board-state')).toHaveText('Live');
});

test('dragging zooms all charts, the address keeps it, and a reset goes back', async ({ signed_in: page }) => {
  await two_charts(page);
  await page.goto('/dashboards/two');
  const first = page.getByTestId('panel-first').getByRole('img');
  await expect(first).toHaveAttribute('aria-label', /n 1,0\d\d/);
  const box = (await first.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.4, { steps: 8 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=.*&to=/);
  const query = new URL(page.url()).searchParams;
  const length_s = (Date.parse(query.get('to')!) - Date.parse(query.get('from')!)) / 1000;
  expect(length_s).toBeGreaterThan(600);
  expect(length_s).toBeLessThan(2400);
  await expect(page.getByTestId('board-state')).toHaveText('Standing still');
  await page.reload();
  await expect(page.getByTestId('board-state')).toHaveText('Standing still');
  await page.goto('/dashboards/two?range=1h');
  await page.getByRole('button', { name: 'Earlier' }).click();
  await expect(page).toHaveURL(/from=/);
  await page.getByRole('button', { name: 'Reset zoom' }).click();
  await expect(page).toHaveURL(/range=1h$/);
  await expect(page.getByTestId('board-state')).toHaveText('Live');
});

test('the line under the pointer stands in all charts at the same moment', async ({ signed_in: page }) => {
  await two_charts(page);
  await page.goto('/dashboards/two');
  const words = (name: string) => page.getByTestId(`panel-${name}`).locator('figcaption');
  await expect(words('second')).toContainText('n');
  const box = (await page.getByTestId('panel-first').getByRole('img').boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
  await page.mouse.move(box.x + box.width * 0.5 + 3, box.y + box.height * 0.5);
  const when = async (name: string) => /\d\d-\d\d \d\d:\d\d:\d\d/.exec((await words(name).textContent()) ?? '')?.[0] ?? name;
  await expect.poll(async () => (await when('first')) === (await when('second'))).toBe(true);
  const minutes = (Date.now() - Date.parse(`${new Date().getUTCFullYear()}-${(await when('second')).replace(' ', 'T')}Z`)) / 60_000;
  expect(minutes).toBeGreaterThan(15);
  expect(minutes).toBeLessThan(45);
});

test('a range is chosen from the list or written, and a wrong one is told', async ({ signed_in: page }) => {
  const { asked } = await two_charts(page);
  await page.goto('/dashboards/two');
  await page.getByLabel('Range of time', { exact: true }).first().selectOption('6h');
  await expect(page).toHaveURL(/range=6h/);
  await expect.poll(() => asked.some((url) => url.searchParams.get('last') === '21600s')).toBe(true);
  await page.getByRole('combobox', { name: 'Range of time' }).selectOption('custom');
  const form = page.getByRole('form', { name: 'Range of time' });
  await form.getByLabel('From (UTC)').fill('2026-11-20T08:00');
  await form.getByLabel('To (UTC)').fill('2026-11-20T07:00');
  await expect(form.getByRole('status')).toHaveText('The end lies before the beginning.');
  await form.getByLabel('To (UTC)').fill('2026-11-20T09:30');
  await form.getByRole('button', { name: 'Show' }).click();
  await expect(page).toHaveURL(/from=2026-11-20T08:00:00Z&to=2026-11-20T09:30:00Z/);
  await expect.poll(() => asked.some((url) => url.searchParams.get('from') === '2026-11-20T08:00:00.000Z')).toBe(true);
});

test('only the newest end is asked for while it is live', async ({ signed_in: page }) => {
  const { asked } = await two_charts(page);
  await page.goto('/dashboards/two?range=3h');
  await expect.poll(() => asked.length).toBeGreaterThan(2);
  expect(asked[0]?.searchParams.get('last')).toBe('10800s');
  expect(asked[1]?.searchParams.get('last')).toBe('120s');
  expect(asked[1]?.searchParams.get('step')).toBe('60s');
});

test('a panel that fails says why where it stands, an empty one too, and the others go on', async ({ signed_in: page }) => {
  await page.route('**/v1/dashboards/mixed', (route) => route.fulfill({ json: { name: 'mixed', title: 'Mixed', description: '', range: '1h', refresh: '10s', tags: {}, built_in: false, panels: [panel('broken', { sql: 'SELECT x' }), panel('empty'), panel('words', { kind: 'text', text: 'Some words.' }), panel('rows', { kind: 'table', sql: 'SELECT 1' })] } }));
  await page.route('**/v1/dashboards/mixed/data?*', (route) => {
    const to = new Date().toISOString();
    return route.fulfill({ json: { name: 'mixed', from: new Date(Date.now() - 3_600_000).toISOString(), to, now: to, step_s: 60, panels: [{ name: 'broken', took_ms: 1, error: { code: 'invalid', message: 'there is no column x', hint: 'did you mean y?' } }, { name: 'empty', took_ms: 1, error: null, step_s: 60, times: [Math.floor(Date.now() / 1000)], series: [{ name: 'n', label: 'n', axis: 'left', values: [null] }] }, { name: 'rows', took_ms: 1, error: null, columns: [{ name: 'n', type: 'INTEGER' }], rows: [[41]], truncated: false }] } });
  });
  await page.goto('/dashboards/mixed');
  await expect(page.getByTestId('panel-broken').getByRole('alert')).toContainText('there is no column x');
  await expect(page.getByTestId('panel-empty')).toContainText('No numbers in this range.');
  await expect(page.getByText('Some words.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Rows of rows' }).getByRole('cell', { name: '41' })).toBeVisible();
});

test('a dashboard that does not exist says so, and none of them scrolls sideways', async ({ signed_in: page, watched }) => {
  watched.allow('404');
  await page.goto('/dashboards/nowhere');
  await expect(page.getByRole('heading', { name: 'There is no dashboard “nowhere”' })).toBeVisible();
  await page.setViewportSize({ width: 380, height: 800 });
  for (const address of ['/dashboards', '/dashboards/advertising', '/dashboards/ops']) {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect_no_sideways_scroll(page);
  }
});

test('a dashboard outlives its server: the numbers stay, are marked, and go on by themselves', async ({ page, watched }) => {
  test.skip(program === '', 'needs the program itself');
  watched.allow('Failed to load resource');
  watched.allow('ERR_');
  const server = await OwnServer.make();
  try {
    const token = /weir_\w+/.exec(server.weir('token', 'create', '--admin'))?.[0] ?? '';
    const reply = await page.request.post(`${server.url}/v1/session`, { data: { token }, headers: { 'X-Weir': '1', Origin: server.url } });
    expect(reply.ok()).toBe(true);
    const send = () => page.request.post(`${server.url}/v1/streams/impressions`, { data: { ad_id: '22222222-2222-4222-8222-222222222222', occurred_at: new Date().toISOString() } });
    expect((await send()).ok()).toBe(true);
    await page.goto(`${server.url}/dashboards/advertising?range=15m`);
    const number = page.getByTestId('panel-shown').getByText(/^\d+$/);
    await expect(number).toHaveText('1');
    await server.stop();
    await expect(page.getByTestId('away-banner')).toContainText('weir does not answer');
    await expect(page.getByTestId('board-state')).toContainText('Stale, from');
    await expect(number).toHaveText('1');
    await server.start();
    expect((await send()).ok()).toBe(true);
    await page.getByRole('button', { name: 'Try now' }).click();
    await expect(page.getByTestId('board-state')).toHaveText('Live');
    await expect(number).toHaveText('2');
    // The other pages come back the same way.
    await page.goto(`${server.url}/tables`);
    await expect(page.getByRole('link', { name: 'advertising', exact: true })).toBeVisible();
    await server.stop();
    await expect(page.getByText(/^Stale, from/)).toBeVisible();
    await expect(page.getByRole('link', { name: 'advertising', exact: true })).toBeVisible();
    await server.start();
    await page.getByRole('button', { name: 'Try now' }).click();
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
  } finally {
    await server.end();
  }
});
