// The SQL page: completion, running, cancelling, errors in their place, large results, downloads, links, history.
import { readFile } from 'node:fs/promises';
import { expect, run_sql, test } from './support';

const big = 'SELECT a.impression_id, b.ad_id, NULL AS nothing\nFROM impressions a, impressions b\nLIMIT 10000';
const slow = 'SELECT count(*) AS slow\nFROM impressions a, impressions b, impressions c, impressions d\nWHERE a.ad_id > b.ad_id AND b.ad_id > c.ad_id AND c.ad_id > d.ad_id';

test('a statement answers with its rows, and the address can be shared', async ({ signed_in: page, context }) => {
  await run_sql(page, 'SELECT count(*) AS n\nFROM impressions');
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
  await expect(page.getByRole('gridcell')).toHaveText(/^\d+$/);
  await expect(page.getByText(/^1 row in /)).toBeVisible();
  await page.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await context.newPage();
  await other.goto(link);
  await expect(other.getByRole('textbox', { name: 'SQL statement' })).toContainText('FROM impressions');
  await other.close();
});

test('names of columns complete while typing, and Ctrl+Enter runs', async ({ signed_in: page }) => {
  await page.goto('/sql');
  const editor = page.getByRole('textbox', { name: 'SQL statement' });
  await expect(page.getByLabel('Tables and columns').getByText('impressions', { exact: true }).first()).toBeVisible();
  await editor.click();
  await page.keyboard.type('SELECT count(*) FROM impressions WHERE occ');
  await page.getByRole('option', { name: /occurred_at/ }).click();
  await expect(editor).toContainText('WHERE occurred_at');
  await page.keyboard.type(' IS NOT NULL');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
});

test('an error names its place, and the editor marks it', async ({ signed_in: page, watched }) => {
  watched.allow('400');
  await run_sql(page, 'SELECT *\n  FRM impressions');
  const answer = page.getByRole('region', { name: 'Answer' });
  await expect(answer.getByRole('alert')).toContainText('failed at line 2');
  await expect(answer.getByRole('alert')).toContainText(/syntax error/i);
  await expect(page.getByRole('textbox', { name: 'SQL statement' })).toContainText('FRM');
});

test('ten thousand rows scroll smoothly: only those in sight are in the page', async ({ signed_in: page }) => {
  await run_sql(page, big);
  const grid = page.getByRole('grid', { name: 'Result' });
  await expect(grid).toHaveAttribute('aria-rowcount', '10001');
  expect(await grid.getByRole('row').count()).toBeLessThan(100);
  await expect(grid.getByRole('gridcell', { name: 'NULL' }).first()).toBeVisible();
  await grid.getByRole('gridcell').first().click();
  await page.keyboard.press('Control+End');
  await expect(page.getByText('Row 10000, ')).toBeVisible();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Control+c');
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f-]{36}$/);
});

test('a running statement is cancelled, here and on the server', async ({ signed_in: page }) => {
  await run_sql(page, slow);
  await expect(page.getByText(/^Running, /)).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText(/^Cancelled after/)).toBeVisible();
  await expect
    .poll(async () => ((await (await page.request.get('/v1/statements')).json()) as { statements: unknown[] }).statements.length, { timeout: 3000 })
    .toBe(0);
  await expect(page.getByRole('button', { name: /^Run/ })).toBeEnabled();
});

test('a result can be downloaded as CSV and as JSON lines', async ({ signed_in: page }) => {
  await run_sql(page, 'SELECT impression_id, ad_id\nFROM impressions\nLIMIT 20');
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
  for (const [button, ending] of [['CSV', '.csv'], ['JSON', '.ndjson']] as const) {
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: button }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toContain(ending);
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toContain('impression_id');
    expect(text.trim().split('\n').length).toBe(ending === '.csv' ? 21 : 20);
  }
});

test('a result over time can be drawn', async ({ signed_in: page }) => {
  await run_sql(page, "SELECT date_trunc('minute', occurred_at) AS minute, count(*) AS impressions\nFROM impressions\nGROUP BY 1\nORDER BY 1");
  await page.getByRole('button', { name: 'Chart' }).click();
  await expect(page.getByRole('img', { name: /^Chart of .*impressions.* over minute/ })).toBeVisible();
  await page.getByRole('button', { name: 'Table' }).click();
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
});

test('what was run is kept in this browser, and can be forgotten', async ({ signed_in: page }) => {
  await run_sql(page, 'SELECT count(*) AS remembered\nFROM clicks');
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
  await page.goto('/');
  await page.goto('/sql');
  await page.getByRole('button', { name: 'History' }).click();
  const history = page.getByRole('region', { name: 'History' });
  await history.getByRole('button', { name: /AS remembered FROM clicks/ }).click();
  await expect(page.getByRole('textbox', { name: 'SQL statement' })).toContainText('AS remembered');
  await page.getByRole('button', { name: 'History' }).click();
  await history.getByRole('button', { name: 'Forget all' }).click();
  await expect(history.getByText('Statements that you run here')).toBeVisible();
});
