// Flows, runs, derived tables and the lake: what is computed, from what, how fresh it is, and starting and stopping it.
import { writeFileSync } from 'node:fs';
import { OwnServer, program } from './server';
import { expect, expect_no_sideways_scroll, run_daily, test } from './support';

const running = (more: object = {}) => ({
  id: '01a1ff2f-0000-7000-8000-000000000001', kind: 'flow', name: 'daily', state: 'running', cause: { by: 'schedule' }, parameters: {},
  queued_at: new Date(Date.now() - 60_000).toISOString(), started_at: new Date(Date.now() - 60_000).toISOString(), ended_at: null, error: null,
  tasks_done: 1, tasks_known: 4, seconds_left: 125,
  tasks: [
    { step: 'advertising', what: '2026-11-19', state: 'done', attempts: 1, started_at: new Date(Date.now() - 59_000).toISOString(), ended_at: new Date(Date.now() - 20_000).toISOString(), rows: 1200, message: null },
    { step: 'advertising', what: '2026-11-20', state: 'running', attempts: 2, started_at: new Date(Date.now() - 19_000).toISOString(), ended_at: null, rows: null, message: null },
    { step: 'ad_traffic', what: '2026-11-19', state: 'failed', attempts: 1, started_at: new Date(Date.now() - 15_000).toISOString(), ended_at: new Date(Date.now() - 14_000).toISOString(), rows: null, message: 'no_more_clicks_than_impressions: 3 rows' },
    { step: 'ad_traffic', what: '2026-11-20', state: 'waiting', attempts: 0, started_at: null, ended_at: null, rows: null, message: null },
  ],
  ...more,
});

test('a flow says when it runs, and runs now; its run shows what it computed', async ({ signed_in: page }) => {
  await page.goto('/flows');
  const flows = page.getByRole('region', { name: 'Flows' });
  await expect(flows.getByText('at 00:05 every day (UTC)')).toBeVisible();
  await expect(flows.getByText(/^in \d/)).toBeVisible();
  await flows.getByRole('button', { name: 'Run daily' }).click();
  await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
  await expect(page.getByRole('heading', { name: 'Run of daily', level: 1 })).toBeVisible();
  await expect(page.getByText('done', { exact: true }).first()).toBeVisible();
  await expect(page.getByLabel('Progress').getByText('Time left', { exact: true })).toBeVisible();
  const first = page.url();
  await page.getByRole('button', { name: 'Run again' }).click();
  await expect(page).not.toHaveURL(first);
  await expect(page.getByText('done', { exact: true }).first()).toBeVisible();
  await page.goto('/tables');
  await page.getByRole('button', { name: 'Run ad_traffic' }).click();
  await expect(page.getByText('There was nothing to do')).toBeVisible();
});

test('runs are listed, and chosen by name and state in the address', async ({ signed_in: page }) => {
  await run_daily(page);
  await page.goto('/runs');
  const runs = page.getByRole('region', { name: 'Runs' });
  await expect(runs.getByRole('link', { name: /^Run of daily/ }).first()).toBeVisible();
  await page.getByLabel('State').selectOption('failed');
  await expect(page).toHaveURL(/state=failed/);
  await expect(runs.getByText('No run is failed.')).toBeVisible();
  await page.reload();
  await expect(runs.getByText('No run is failed.')).toBeVisible();
  await page.getByLabel('State').selectOption('');
  await page.getByLabel('Of', { exact: true }).selectOption('daily');
  await expect(page).toHaveURL(/name=daily/);
  await expect(runs.getByRole('row', { name: /daily.*done/ }).first()).toBeVisible();
});

test('a run under way shows progress, time left and what failed, and is stopped only after a question', async ({ signed_in: page }) => {
  let stopped = 0;
  await page.route('**/v1/runs/01a1ff2f-0000-7000-8000-000000000001', (route) => route.fulfill({ json: stopped ? running({ state: 'stopped', ended_at: new Date().toISOString(), error: 'stopped by somebody' }) : running() }));
  await page.route('**/v1/runs/*/stop', (route) => {
    stopped += 1;
    return route.fulfill({ json: { stopped: true } });
  });
  await page.goto('/runs/01a1ff2f-0000-7000-8000-000000000001');
  await expect(page.getByRole('progressbar', { name: 'Tasks that have ended' })).toHaveAttribute('aria-valuenow', '1');
  await expect(page.getByLabel('Progress').getByText('2 min 5 s')).toBeVisible();
  await expect(page.getByText('no_more_clicks_than_impressions: 3 rows')).toBeVisible();
  // What failed stands first.
  await expect(page.getByRole('region', { name: 'Tasks' }).getByRole('row').nth(1)).toContainText('failed');
  await page.getByRole('button', { name: 'Stop' }).click();
  const question = page.getByRole('dialog', { name: 'Stop this run?' });
  await page.keyboard.press('Escape');
  await expect(question).toBeHidden();
  expect(stopped).toBe(0);
  await page.getByRole('button', { name: 'Stop' }).click();
  await question.getByRole('button', { name: 'Stop it' }).click();
  await expect(question).toBeHidden();
  expect(stopped).toBe(1);
  await expect(page.getByRole('region', { name: 'Why it was stopped' })).toContainText('stopped by somebody');
});

test('tables are drawn with what they are made of, and a node leads to its page', async ({ signed_in: page }) => {
  await page.goto('/tables');
  const graph = page.getByRole('region', { name: 'Dependency graph of streams and tables' });
  for (const name of ['impressions', 'clicks', 'advertising', 'ad_traffic']) await expect(graph.getByRole('link', { name: new RegExp(`^${name}`) })).toBeVisible();
  const left = async (name: string) => (await graph.getByRole('link', { name: new RegExp(`^${name}`) }).boundingBox())?.x ?? 0;
  expect(await left('impressions')).toBeLessThan(await left('advertising'));
  expect(await left('advertising')).toBeLessThan(await left('ad_traffic'));
  await graph.getByRole('link', { name: /^ad_traffic/ }).click();
  await expect(page.getByRole('heading', { name: 'ad_traffic', level: 1 })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Dependency graph around ad_traffic' }).getByRole('link', { name: /^clicks/ })).toBeVisible();
});

test('a table shows its days, its tests and its SELECT, and computes days again', async ({ signed_in: page }) => {
  await run_daily(page);
  await page.goto('/tables/advertising');
  const days = page.getByRole('listbox', { name: 'Freshness by day' });
  const today = new Date().toISOString().slice(0, 10);
  await expect(days.getByRole('option', { name: new RegExp(`^${today} fresh`) })).toBeVisible();
  await days.getByRole('option', { name: new RegExp(`^${today}`) }).focus();
  await page.keyboard.press('Home');
  await expect(days.getByRole('option').last()).toBeVisible();
  const parts = page.getByRole('navigation', { name: 'Parts of the table' });
  await parts.getByRole('link', { name: /Tests/ }).click();
  await expect(page.getByRole('region', { name: 'Tests' }).getByText('impression_id no two rows have the same')).toBeVisible();
  await parts.getByRole('link', { name: 'SELECT' }).click();
  await expect(page.getByRole('region', { name: 'SELECT of advertising' })).toContainText('LEFT JOIN clicks');
  await parts.getByRole('link', { name: 'Partitions' }).click();
  const backfill = page.getByRole('form', { name: 'Backfill' });
  await backfill.getByLabel('First day').fill(today);
  await backfill.getByLabel('Last day').fill('2026-01-01');
  await expect(backfill.getByText('The last day lies before the first.')).toBeVisible();
  await backfill.getByLabel('Last day').fill(today);
  await backfill.getByLabel('also what is fresh').check();
  await expect(backfill.getByText(/^1 day, 1 to compute, about/)).toBeVisible();
  await backfill.getByRole('button', { name: 'Compute' }).click();
  await expect(page).toHaveURL(/\/runs\//);
  await expect(page.getByRole('region', { name: 'Tasks' }).getByRole('row', { name: new RegExp(`advertising.*${today}.*done`) })).toBeVisible();
});

test('why a day is stale or failed is said where it stands', async ({ signed_in: page }) => {
  await run_daily(page);
  await page.route('**/v1/tables/ad_traffic', async (route) => {
    const table = await (await route.fetch()).json();
    const day = table.partitions.at(-1).partition;
    await route.fulfill({ json: { ...table, stale: [day, '2026-11-01'], partitions_stale: 2, stale_because: { [day]: 'its inputs changed', '2026-11-01': 'never computed' }, failures: [{ partition: day, run: '01a1ff2f-0000-7000-8000-000000000001', at: '2026-11-21T00:00:00.000000Z', error: 'no_more_clicks_than_impressions: 3 rows', tests: [{ test: 'no_more_clicks_than_impressions', rows: 3 }] }] } });
  });
  await page.goto('/tables/ad_traffic');
  const partitions = page.getByRole('region', { name: 'Partitions' });
  await expect(partitions.getByRole('row', { name: /failed no_more_clicks_than_impressions: 3 rows/ })).toBeVisible();
  await expect(partitions.getByRole('row', { name: /2026-11-01 stale never computed/ })).toBeVisible();
  await page.getByRole('navigation', { name: 'Parts of the table' }).getByRole('link', { name: /Tests/ }).click();
  await expect(page.getByText('failing', { exact: true })).toBeVisible();
});

test('a project without flows, runs and tables says the next step', async ({ signed_in: page }) => {
  await page.route('**/v1/flows', (route) => route.fulfill({ json: { flows: [] } }));
  await page.route('**/v1/tables', (route) => route.fulfill({ json: { tables: [] } }));
  await page.route('**/v1/runs?*', (route) => route.fulfill({ json: { runs: [] } }));
  await page.goto('/flows');
  await expect(page.getByRole('heading', { name: 'No flows yet' })).toBeVisible();
  await page.goto('/tables');
  await expect(page.getByRole('heading', { name: 'No derived tables yet' })).toBeVisible();
  await page.goto('/runs');
  await expect(page.getByRole('heading', { name: 'Nothing has run yet' })).toBeVisible();
});

test('what fails is said in words, with a way to try again', async ({ signed_in: page, watched }) => {
  watched.allow('500');
  watched.allow('404');
  let broken = true;
  await page.route('**/v1/tables', (route) => (broken ? route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'something went wrong' } } }) : route.continue()));
  await page.goto('/tables');
  await expect(page.getByRole('alert')).toContainText('something went wrong');
  broken = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('link', { name: 'advertising', exact: true })).toBeVisible();
  await page.goto('/tables/no_such_table');
  await expect(page.getByRole('heading', { name: 'There is no derived table “no_such_table”' })).toBeVisible();
  await page.goto('/runs/00000000-0000-4000-8000-000000000000');
  await expect(page.getByRole('heading', { name: 'There is no such run' })).toBeVisible();
});

test('the lake shows its tables, partitions, files and late events', async ({ signed_in: page }) => {
  await run_daily(page); // a run has everything committed first
  await page.goto('/lake');
  await expect(page.getByLabel('Lake').getByText('Behind by', { exact: true })).toBeVisible();
  await expect(page.getByRole('img', { name: /^Rows of the newest/ }).first()).toBeVisible();
  await page.getByRole('region', { name: 'Tables' }).getByRole('link', { name: 'impressions', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'impressions', level: 1 })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Partitions' }).getByRole('row', { name: /^dt=\d{4}-\d\d-\d\d/ }).first()).toBeVisible();
  await page.getByRole('button', { name: 'Count late events' }).click();
  await expect(page.getByRole('region', { name: 'Late events' }).getByRole('row').nth(1)).toBeVisible();
  await page.getByRole('button', { name: 'List the files' }).click();
  await expect(page.getByRole('region', { name: 'Manifest' }).getByText(/\.parquet$/).first()).toBeVisible();
});

test('who was forgotten is told on the lake page, with what was reached and what was not', async ({ page }) => {
  test.skip(!program, 'needs a program of its own');
  const server = await OwnServer.make();
  try {
    const sign_in = async (role: string) => {
      const token = server.weir('token', 'create', `--${role}`).match(/weir_[a-z]+_\S+|[A-Za-z0-9_.-]{24,}/)?.[0] ?? '';
      const reply = await page.request.post(`${server.url}/v1/session`, { data: { token }, headers: { 'X-Weir': '1', Origin: server.url } });
      expect(reply.ok(), `signing in: ${reply.status()} ${await reply.text()}`).toBe(true);
    };
    writeFileSync(`${server.folder}/streams/visits.yaml`, 'fields:\n  visit_id: uuid\n  person: {type: string, subject: true}\nkey: visit_id\nwrite: public\n');
    server.weir('apply');
    for (const person of ['ada', 'ada', 'grace']) {
      const sent = await page.request.post(`${server.url}/v1/streams/visits`, { data: { person }, headers: { Origin: server.url } });
      expect(sent.ok(), await sent.text()).toBe(true);
    }
    await sign_in('admin');
    await page.goto(`${server.url}/lake`);
    await expect(page.getByRole('link', { name: 'visits', exact: true })).toBeVisible();
    await expect(page.getByRole('region', { name: 'Forgotten' })).toHaveCount(0);
    server.weir('lake', 'forget', 'visits', '--where', 'person=ada', '--yes');
    const forgotten = page.getByRole('region', { name: 'Forgotten' });
    await forgotten.getByText('visits.person').click({ timeout: 15_000 });
    await expect(forgotten.getByText(/^2 events, 0 quarantined; \d+ places not reached$/)).toBeVisible();
    await expect(forgotten.getByRole('heading', { name: 'Not reached' })).toBeVisible();
    await expect(forgotten.getByText('archive', { exact: true })).toBeVisible();
    await expect(forgotten.getByText(/ada/)).toHaveCount(0);
    await page.setViewportSize({ width: 390, height: 800 });
    await expect_no_sideways_scroll(page);
    await forgotten.getByRole('link', { name: 'its run' }).click();
    await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
  } finally {
    await server.end();
  }
});

test('somebody who may only read is offered nothing that would be refused', async ({ page, reader }) => {
  await reader();
  await page.goto('/tables');
  await expect(page.getByRole('link', { name: 'advertising', exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Run/ })).toHaveCount(0);
  await page.goto('/tables/advertising');
  await expect(page.getByRole('navigation', { name: 'Parts of the table' })).toBeVisible();
  await expect(page.getByRole('form', { name: 'Backfill' })).toHaveCount(0);
});
