// The SQL page: completion, running, cancelling, errors in their place, large results, downloads, links, history.
import { readFile } from 'node:fs/promises';
import { expect, run_sql, test } from './support';

const many = Array.from({ length: 40 }, (_, i) => `${i + 1} AS c${i + 1}`).join(', ');
const big = `SELECT a.impression_id, NULL AS nothing, ${many}\nFROM impressions a, impressions b\nLIMIT 100000`;
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

test('a hundred thousand rows and many columns: only the cells in sight are in the page', async ({ signed_in: page }) => {
  await run_sql(page, big);
  const grid = page.getByRole('grid', { name: 'Result' });
  await expect(grid).toHaveAttribute('aria-rowcount', '100001', { timeout: 30_000 });
  await expect(grid).toHaveAttribute('aria-colcount', '42');
  expect(await grid.getByRole('row').count()).toBeLessThan(100);
  expect(await grid.getByRole('gridcell').count()).toBeLessThan(1500);
  await expect(grid.getByRole('gridcell', { name: 'NULL' }).first()).toBeVisible();
  await expect(grid.getByRole('columnheader', { name: 'impression_id uuid' })).toBeVisible();
  await grid.getByRole('gridcell').first().click();
  await page.keyboard.press('Control+End');
  await expect(page.getByText('Row 100000, c40')).toBeVisible();
  await expect(grid.getByRole('columnheader', { name: 'c40 integer' })).toBeVisible();
  await page.keyboard.press('Home');
  await page.keyboard.press('PageUp');
  await expect(page.getByText(/^Row 99\d\d\d, impression_id/)).toBeVisible();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Control+c');
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f-]{36}$/);
});

test('cells are selected with keys and the mouse, and copied as a spreadsheet takes them', async ({ signed_in: page }) => {
  await run_sql(page, `SELECT * FROM (VALUES (1, 'plain', NULL), (2, 'has "quotes"', 2.5), (3, '', 3.5)) t(n, words, maybe)`);
  const grid = page.getByRole('grid', { name: 'Result' });
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await grid.getByRole('gridcell', { name: '1', exact: true }).click();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+End');
  await expect(page.getByText('2 × 3 cells')).toBeVisible();
  await page.keyboard.press('Control+c');
  await expect.poll(copied).toBe('1\tplain\t\n2\t"has ""quotes"""\t2.5');
  // The mouse draws one, from corner to corner.
  const from = await grid.getByRole('gridcell', { name: 'plain' }).boundingBox();
  const to = await grid.getByRole('gridcell', { name: '3.5' }).boundingBox();
  if (!from || !to) throw new Error('the cells are not there');
  await page.mouse.move(from.x + 10, from.y + 10);
  await page.mouse.down();
  await page.mouse.move(to.x + 10, to.y + 10, { steps: 4 });
  await page.mouse.up();
  await expect(page.getByText('3 × 2 cells')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByText('Row 3, maybe')).toBeVisible();
  // A column's width, by keys and by its edge.
  const head = grid.getByRole('columnheader', { name: /^words/ });
  const width = async () => (await head.boundingBox())?.width ?? 0;
  const before = await width();
  await grid.getByRole('gridcell', { name: 'plain' }).click();
  await page.keyboard.press('Alt+ArrowRight');
  await expect.poll(width).toBe(before + 16);
  const box = await head.boundingBox();
  if (!box) throw new Error('the head is not there');
  await page.mouse.move(box.x + box.width - 2, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 98, box.y + 10, { steps: 4 });
  await page.mouse.up();
  await expect.poll(width).toBe(before + 116);
});

test('a long value is cut in its cell and whole below', async ({ signed_in: page }) => {
  await run_sql(page, `SELECT repeat('long ', 2000) AS words, '{"a":[1,2]}'::JSON AS shape`);
  const grid = page.getByRole('grid', { name: 'Result' });
  expect(((await grid.getByRole('gridcell').first().textContent()) ?? '').length).toBeLessThan(400);
  await grid.getByRole('gridcell').first().click();
  await page.keyboard.press('Enter');
  const whole = page.getByLabel('Whole value', { exact: true });
  expect(((await whole.textContent()) ?? '').length).toBe(10_000);
  await page.keyboard.press('ArrowRight');
  await expect(whole).toContainText('"a": [');
});

test('the statement at the cursor runs, or what is selected; its error is where it stands', async ({ signed_in: page, watched }) => {
  watched.allow('400');
  const text = `SELECT 'a;b' AS one; -- not ; here\n\nSELECT 2 AS two;\n\nSELECT 3 AS three,\n  nothing_here FROM impressions`;
  await page.goto(`/sql#sql=${encodeURIComponent(text)}`);
  const editor = page.getByRole('textbox', { name: 'SQL statement' });
  const grid = page.getByRole('grid', { name: 'Result' });
  await editor.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Control+Enter');
  await expect(grid.getByRole('gridcell')).toHaveText('a;b');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+Enter');
  await expect(grid.getByRole('columnheader')).toHaveText(/^two/);
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('alert')).toContainText('failed at line 6, column 3');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Home');
  for (let i = 0; i < 'SELECT 3'.length; i += 1) await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Control+Enter');
  await expect(grid.getByRole('gridcell')).toHaveText('3');
});

test('a running statement is cancelled, here and on the server', async ({ signed_in: page }) => {
  await run_sql(page, slow);
  await expect(page.getByText(/^Running, /)).toBeVisible();
  await page.getByRole('button', { name: 'History' }).click();
  await expect(page.getByRole('region', { name: 'History' }).getByText('Running now')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByText(/^Cancelled after/)).toBeVisible();
  await expect
    .poll(async () => ((await (await page.request.get('/v1/statements')).json()) as { statements: unknown[] }).statements.length, { timeout: 3000 })
    .toBe(0);
  await page.getByRole('button', { name: /^Run/ }).click();
  await expect(page.getByText(/^Running, /)).toBeVisible();
  await page.getByRole('button', { name: 'Cancel Esc' }).click();
  await expect(page.getByText(/^Cancelled after/)).toBeVisible();
});

test('a result can be downloaded as CSV, JSON lines and Parquet', async ({ signed_in: page }) => {
  await run_sql(page, 'SELECT impression_id, ad_id\nFROM impressions\nLIMIT 20');
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
  // What ran is downloaded, not what has been typed since.
  await page.getByRole('textbox', { name: 'SQL statement' }).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' and more');
  for (const [button, ending] of [['CSV', '.csv'], ['JSON', '.ndjson'], ['Parquet', '.parquet']] as const) {
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: button }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).toContain(ending);
    if (ending === '.parquet') {
      expect((await readFile(await download.path())).subarray(0, 4).toString()).toBe('PAR1');
      continue;
    }
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toContain('impression_id');
    expect(text.trim().split('\n').length).toBe(ending === '.csv' ? 21 : 20);
  }
});

test('a result over time can be drawn, and as what is chosen', async ({ signed_in: page }) => {
  await run_sql(page, "SELECT date_trunc('minute', occurred_at) AS minute, count(*) AS impressions, count(*) * 2 AS twice\nFROM impressions\nGROUP BY 1\nORDER BY 1");
  await page.getByRole('button', { name: 'Chart' }).click();
  await expect(page.getByRole('img', { name: 'Chart of impressions, twice over minute, as lines' })).toBeVisible();
  await page.getByRole('button', { name: 'Bars' }).click();
  await page.getByRole('button', { name: /^twice/ }).click();
  await expect(page.getByRole('img', { name: 'Chart of impressions over minute, as bars' })).toBeVisible();
  await page.getByLabel('Over', { exact: true }).selectOption({ label: 'twice' });
  await page.getByRole('button', { name: 'Points' }).click();
  await expect(page.getByRole('img', { name: 'Chart of impressions over twice, as points' })).toBeVisible();
  await page.getByRole('button', { name: 'Table' }).click();
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
});

test('names and their numbers are drawn as bars; words alone are not drawn', async ({ signed_in: page }) => {
  await run_sql(page, 'SELECT ad_id, count(*) AS n, sum(1) AS m\nFROM impressions\nGROUP BY 1');
  await page.getByRole('button', { name: 'Chart' }).click();
  await expect(page.getByRole('img', { name: 'Chart of n, m over ad_id, as bars' })).toBeVisible();
  await run_sql(page, "SELECT 'only words' AS a");
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Chart' })).toHaveCount(0);
});

test('a statement that changes something says what it did, and is not run again for a download', async ({ signed_in: page }) => {
  await run_sql(page, 'DROP TABLE IF EXISTS of_the_page');
  await expect(page.getByRole('region', { name: 'Answer' }).getByRole('heading', { name: 'DROP TABLE' })).toBeVisible();
  await run_sql(page, 'CREATE TABLE of_the_page (n INTEGER ENCODE az64, words SUPER) DISTKEY(n)');
  await expect(page.getByRole('heading', { name: 'CREATE TABLE' })).toBeVisible();
  await expect(page.getByLabel('Tables and columns').getByText('of_the_page').first()).toBeVisible();
  await run_sql(page, 'INSERT INTO of_the_page VALUES (1, NULL) RETURNING n');
  await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'CSV' })).toHaveCount(0);
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
