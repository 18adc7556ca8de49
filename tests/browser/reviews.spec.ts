// Reviews: the list, a run while it asks, stopping it, the report, what changed, two runs compared, and the address that findings name.
import { mkdirSync, writeFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { OwnServer, program } from './server';
import { expect, expect_no_sideways_scroll, test } from './support';

const slow = 'SELECT count(*) AS n FROM range(1000000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3';
const health = (numbers: number) => ({
  'review.yaml': `
title: Health of the shop
workflow: mixed
workflows: {mixed: ["Numbers,Later", "Missing"]}
queries:
  Numbers:
    section: Data
    signals:
      - {signal: large numbers, when: n > 5, colour: red, impact: high, recommend: [less], mend: "DELETE FROM t WHERE n = {n}"}
  Later: {section: Data, signals: [{signal: nothing is there, when: "select count(*) from df || == 0"}]}
  Missing: {signals: [{signal: anything, when: n > 0}]}
recommendations: {less: {text: Use smaller numbers., effort: Small}}
`,
  'scripts/Numbers.sql': `SELECT 'number ' || i AS name, i AS n FROM generate_series(1, ${numbers}) AS t(i)`,
  'scripts/Later.sql': 'SELECT 1 AS n',
  'scripts/Missing.sql': 'SELECT n FROM no_such_table',
});
const waiting = {
  'review.yaml': 'title: It takes its time\nworkflow: mixed\nworkflows: {mixed: ["Quick,Slow", "Broken"]}\nqueries:\n  Quick: {signals: [{signal: q, when: n > 1}]}\n  Slow: {threshold: 10m, signals: [{signal: s, when: n > 1}]}\n  Broken: {signals: [{signal: b, when: n > 1}]}\n',
  'scripts/Quick.sql': 'SELECT 1 AS n',
  'scripts/Slow.sql': slow,
  'scripts/Broken.sql': 'SELECT n FROM no_such_table',
};

function declare(server: OwnServer, name: string, files: Record<string, string>): void {
  mkdirSync(`${server.folder}/reviews/${name}/scripts`, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(`${server.folder}/reviews/${name}/${path}`, text);
}

async function sign_in(page: Page, server: OwnServer): Promise<void> {
  const token = server.weir('token', 'create', '--admin').match(/weir_[a-z]+_\S+|[A-Za-z0-9_.-]{24,}/)?.[0] ?? '';
  const reply = await page.request.post(`${server.url}/v1/session`, { data: { token }, headers: { 'X-Weir': '1', Origin: server.url } });
  expect(reply.ok(), `signing in: ${reply.status()} ${await reply.text()}`).toBe(true);
}

/** A run to its end; its id. */
async function run(page: Page, server: OwnServer, review: string): Promise<string> {
  const headers = { 'X-Weir': '1', Origin: server.url };
  const begun = await page.request.post(`${server.url}/v1/reviews/${review}/runs`, { data: {}, headers });
  expect(begun.ok(), await begun.text()).toBe(true);
  const { id } = await begun.json();
  await expect.poll(async () => (await (await page.request.get(`${server.url}/v1/runs/${id}`)).json()).state, { timeout: 60_000 }).toBe('done');
  return id;
}

async function expect_accessible(page: Page, scheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  const found = await new AxeBuilder({ page }).setLegacyMode(true).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze();
  expect(found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`)).toEqual([]);
}

test.describe('with a server of its own', () => {
  test.skip(!program, 'needs the program');
  test.slow();
  let server: OwnServer;
  test.beforeAll(async () => {
    server = await OwnServer.make();
    declare(server, 'health', health(10));
    declare(server, 'waiting', waiting);
    server.weir('apply');
  });
  test.afterAll(async () => server?.end());

  test('a running review shows its rounds, and is stopped', async ({ page }) => {
    await sign_in(page, server);
    await page.goto(`${server.url}/reviews`);
    const row = page.getByRole('row', { name: /waiting/ });
    await row.getByLabel('Workflow of waiting').selectOption('mixed');
    await row.getByRole('button', { name: 'Run waiting' }).click();
    await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
    const rounds = page.getByRole('region', { name: 'Rounds' });
    await expect(rounds.getByText('Segment 2')).toBeVisible();
    const lane = rounds.getByRole('list', { name: /segment 1/ });
    await expect(lane.getByRole('listitem').nth(0)).toContainText(/Quick\s*FINISHED, round 1/);
    await expect(lane.getByRole('listitem').nth(0)).toContainText('1 row');
    await expect(lane.getByRole('listitem').nth(1)).toContainText(/Slow\s*running, round 1/);
    await expect(lane.getByRole('listitem').nth(1)).toContainText(/of 10m/);
    await expect(rounds.getByRole('list', { name: /segment 2/ }).getByRole('listitem')).toContainText(/FAILED, round 3/, { timeout: 60_000 });
    await expect(rounds.getByText(/no_such_table/)).toBeVisible();
    await expect_accessible(page, 'light');
    await expect_accessible(page, 'dark');
    await page.setViewportSize({ width: 360, height: 740 });
    await expect_no_sideways_scroll(page);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await expect(rounds.getByText('not run')).toBeVisible();
    await page.goto(`${server.url}/reviews`);
    await expect(page.getByRole('row', { name: /waiting/ })).toContainText('stopped');
  });

  test('a report is summed up, opened, and compared with the one before', async ({ page, context }) => {
    await sign_in(page, server);
    const first = await run(page, server, 'health');
    declare(server, 'health', health(12));
    server.weir('apply');
    const second = await run(page, server, 'health');
    await page.goto(`${server.url}/reviews`);
    await expect(page.getByRole('row', { name: /health/ })).toContainText(/red.*40/);
    await expect(page.getByRole('img', { name: 'Scores of health, oldest first: 40, 40' })).toBeVisible();
    await page.getByRole('link', { name: 'health', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'Health of the shop', level: 1 })).toBeVisible();
    const report = page.getByRole('region', { name: 'Report' });
    await expect(report).toContainText('1 red, 0 yellow, 1 green, 1 not measured');
    await expect(report.getByRole('row', { name: /large numbers.*7 of 12 rows/ })).toBeVisible();
    await expect(report.getByRole('row', { name: /worse.*large numbers.*red, 5.*red, 7/ })).toBeVisible();
    // The address that a finding names leads to its run.
    await page.goto(`${server.url}/reviews/health?run=${first}`);
    await expect(report).toContainText('It is the first run against its target.');
    await page.getByRole('link', { name: /: score 40, 1 red, 0 yellow/ }).nth(1).press('Enter');
    await expect(page).toHaveURL(new RegExp(`run=${second}$`));
    await expect(report).toContainText('worse');

    const runs = page.getByRole('region', { name: 'Runs', exact: true });
    await runs.getByRole('checkbox').nth(0).check();
    await runs.getByRole('checkbox').nth(1).check();
    const comparison = page.getByRole('region', { name: 'Comparison' });
    await expect(comparison.getByRole('row', { name: /worse.*large numbers.*red, 5.*red, 7/ })).toBeVisible();
    await page.getByRole('region', { name: 'Queries' }).getByText('Numbers', { exact: true }).click();
    await expect(page.getByRole('region', { name: 'SQL of Numbers' })).toContainText('generate_series(1, 12)');
    for (const scheme of ['light', 'dark'] as const) await expect_accessible(page, scheme);
    await page.setViewportSize({ width: 360, height: 740 });
    await expect_no_sideways_scroll(page);

    const [opened] = await Promise.all([context.waitForEvent('page'), report.getByRole('link', { name: 'Open the report' }).click()]);
    const errors: string[] = [];
    // That the sandbox keeps the test's own scripts out is no error of the page.
    opened.on('console', (message) => message.type() === 'error' && !message.text().startsWith('Blocked script execution') && errors.push(message.text()));
    await opened.reload();
    await expect(opened.getByRole('heading', { name: 'Worst first' })).toBeVisible();
    await expect(opened.getByRole('img', { name: /^Score of the last 2 runs: 40, 40/ })).toBeVisible();
    await expect(opened.getByRole('img', { name: /^n: number 12 12, number 11 11/ })).toBeVisible();
    // Its own style applies: the policy of the answer lets it.
    expect(await opened.locator('main').evaluate((main) => getComputedStyle(main).maxWidth)).toBe('1080px');
    expect(errors).toEqual([]);
    await opened.getByText('1 check without a finding').press('Enter');
    await expect(opened.getByText('nothing is there')).toBeHidden(); // inside of its own fold
    await opened.setViewportSize({ width: 360, height: 740 });
    await expect_no_sideways_scroll(opened);
    await opened.close();
  });

  test('a page of a review does not jump while it loads, with runs and without', async ({ page }) => {
    declare(server, 'never', health(3));
    server.weir('apply');
    await sign_in(page, server);
    await run(page, server, 'health');
    await page.addInitScript(() => {
      (globalThis as unknown as { shifts: number }).shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) (globalThis as unknown as { shifts: number }).shifts += (entry as unknown as { value: number }).value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    for (const [name, seen] of [['health', 'Since the last run'], ['never', 'It has not run yet']] as const) {
      await page.goto(`${server.url}/reviews/${name}`);
      await expect(page.getByText(seen)).toBeVisible();
      await expect(page.getByRole('region', { name: 'Queries' }).getByText('Numbers', { exact: true })).toBeAttached();
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      expect(await page.evaluate(() => (globalThis as unknown as { shifts: number }).shifts), `${name} moved by`).toBeLessThan(0.05);
    }
  });

  // The report's own page runs no script, ours neither: it is looked at as a file.
  test('the report is accessible in light and dark, and unfolds on paper', async ({ page }) => {
    await sign_in(page, server);
    const html = server.weir('review', 'report', 'health', '--run', await run(page, server, 'health'));
    await page.setContent(html.replace(/<meta http-equiv[^>]*>/, ''));
    for (const scheme of ['light', 'dark'] as const) {
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
      await expect_accessible(page, scheme);
    }
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = false)));
    await page.emulateMedia({ media: 'print' });
    await expect(page.getByText('DELETE FROM t WHERE n = 9')).toBeVisible();
  });

  test('a review that is not there, and a run without a report, say so', async ({ page, watched }) => {
    watched.allow('404');
    await sign_in(page, server);
    await page.goto(`${server.url}/reviews/nothing`);
    await expect(page.getByText('There is no review “nothing”')).toBeVisible();
    await page.goto(`${server.url}/reviews/health?run=01a1ff2f-0000-7000-8000-000000000001`);
    await expect(page.getByText('This run has no report')).toBeVisible();
  });
});
