// The load-data assistant: a file of this machine, or of the store, becomes a table; what does not fit is shown and leaves nothing behind.
import { expect, run_sql, test, token } from './support';
import type { Page } from '@playwright/test';

const csv = 'Day;Name of it;Größe\n31/01/2026;"a;b";1.5\n01/02/2026;c;\n';

async function pick(page: Page, name: string, text: string): Promise<void> {
  await page.goto('/load');
  await page.getByLabel('A CSV, JSON or Parquet file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  await page.getByRole('button', { name: 'Look at it' }).click();
  await expect(page.getByRole('table', { name: 'Columns' })).toBeVisible();
}

const table_name = (page: Page) => page.getByLabel('Table', { exact: true });
const load = (page: Page) => page.getByRole('button', { name: 'Load', exact: true }).click();
const cells = async (page: Page, sql: string) => {
  await run_sql(page, sql);
  const grid = page.getByRole('grid', { name: 'Result' });
  await expect(grid).toBeVisible();
  return grid.getByRole('gridcell').allTextContents();
};

test('a CSV file is looked at, changed, made a table, and added to it', async ({ signed_in: page }) => {
  await pick(page, 'Some prices.csv', csv);
  await expect(table_name(page)).toHaveValue('some_prices');
  await expect(page.getByLabel('Name of Größe')).toHaveValue('grosse');
  await expect(page.getByLabel('Type of Day')).toHaveValue('DATE');
  await expect(page.getByRole('region', { name: 'First rows' })).toContainText('a;b');
  await page.getByLabel('Name of Größe').fill('size');
  await page.getByLabel('Type of Größe').fill('DECIMAL(9,2)');
  await table_name(page).fill('prices_of_page');
  const statements = page.getByRole('region', { name: 'SQL to run' });
  await expect(statements).toContainText('size DECIMAL(9,2)');
  await expect(statements).toContainText("DELIMITER ';'");
  await expect(statements).toContainText("DATEFORMAT 'DD/MM/YYYY'");
  await load(page);
  await expect(page.getByText('2 rows loaded into prices_of_page.')).toBeVisible();
  await page.getByRole('link', { name: 'Look at them' }).click();
  await expect(page.getByRole('textbox', { name: 'SQL statement' })).toContainText('FROM prices_of_page');
  expect(await cells(page, 'SELECT day::varchar AS d, name_of_it, size FROM prices_of_page ORDER BY 1')).toEqual(['2026-01-31', 'a;b', '1.50', '2026-02-01', 'c', 'NULL']);
  // Once more: the table is there now.
  await pick(page, 'more.csv', csv);
  await table_name(page).fill('prices_of_page');
  await expect(page.getByText('It is there')).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('prices_of_page has no column grosse');
  await page.getByLabel('Name of Größe').fill('size');
  await expect(statements).not.toContainText('CREATE TABLE');
  await load(page);
  await expect(page.getByText('2 rows loaded')).toBeVisible();
  expect(await cells(page, 'SELECT count(*) AS n FROM prices_of_page')).toEqual(['4']);
});

test('what does not fit is named by line and column, and leaves no table behind', async ({ signed_in: page, watched }) => {
  watched.allow('400');
  await pick(page, 'wrong.csv', 'n,words\n1,a\n2,b\n');
  await page.getByLabel('Type of words').fill('INTEGER');
  await table_name(page).fill('of_no_page');
  await load(page);
  await expect(page.getByRole('alert')).toContainText('Nothing was loaded');
  await expect(page.getByRole('table', { name: 'What did not fit' }).getByRole('row').nth(1)).toContainText('words');
  await expect(page.getByText('The empty table was dropped again')).toBeVisible();
  await page.getByLabel('Type of words').fill('VARCHAR(5)');
  await load(page);
  await expect(page.getByText('2 rows loaded')).toBeVisible();
  // Names that cannot be: said before anything runs.
  await table_name(page).fill('impressions');
  await expect(page.getByRole('alert')).toContainText('it is a stream');
  await table_name(page).fill('x; DROP TABLE y');
  await expect(page.getByRole('alert')).toContainText('needs a name');
  await expect(page.getByRole('button', { name: 'Load', exact: true })).toBeDisabled();
});

test('JSON lines with nested values, under names of one’s own', async ({ signed_in: page }) => {
  await pick(page, 'orders.jsonl', '{"orderId":1,"what":{"a":[1,2]}}\n{"orderId":2,"what":null}\n');
  await expect(page.getByLabel('Type of what')).toHaveValue('SUPER');
  await page.getByLabel('Name of orderId').fill('order_number');
  await table_name(page).fill('orders_of_page');
  await load(page);
  await expect(page.getByText('2 rows loaded into orders_of_page.')).toBeVisible();
  expect(await cells(page, 'SELECT order_number, json_serialize(what) AS what FROM orders_of_page ORDER BY 1')).toEqual(['1', '{"a":[1,2]}', '2', 'NULL']);
});

test('a file of the store is looked at in its place; what is not there says so', async ({ signed_in: page, watched }) => {
  watched.allow('404');
  await run_sql(page, "UNLOAD ('SELECT ad_id, count(*) AS n FROM impressions GROUP BY 1') TO 's3://of-page/ads_' FORMAT PARQUET ALLOWOVERWRITE");
  await expect(page.getByRole('heading', { name: /^UNLOAD/ })).toBeVisible();
  await page.goto('/load');
  await page.getByLabel('In the store').check();
  await page.getByLabel(/^Where it is/).fill('s3://of-page/none');
  await page.getByRole('button', { name: 'Look at it' }).click();
  await expect(page.getByRole('alert')).toContainText('nothing in the bucket of-page begins with');
  await page.getByLabel(/^Where it is/).fill('s3://of-page/ads_');
  await page.getByLabel('Format').selectOption('Parquet');
  await page.getByRole('button', { name: 'Look at it' }).click();
  await expect(page.getByLabel('Type of n')).toHaveValue('BIGINT');
  await table_name(page).fill('ads_of_page');
  await load(page);
  await expect(page.getByText(/\d+ rows loaded into ads_of_page/)).toBeVisible();
});

test('a file that is too large is told what to do instead, and a reader is refused', async ({ page, reader, watched }) => {
  watched.allow('403');
  await page.request.post('/v1/session', { data: { token }, headers: { 'X-Weir': '1', Origin: process.env.WEIR_URL ?? '' } });
  await page.goto('/load');
  await expect(page.getByLabel('A CSV, JSON or Parquet file')).toBeVisible();
  // The browser's own object says a size; nothing of it is read.
  await page.evaluate(() => {
    const input = document.querySelector<HTMLInputElement>('input[type=file]');
    const chosen = new DataTransfer();
    chosen.items.add(new File([new Uint8Array(64 * 1024 * 1024 + 1)], 'huge.csv'));
    if (input) {
      input.files = chosen.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    }
  });
  await expect(page.getByRole('alert')).toContainText('64.0 MiB are taken here');
  await expect(page.getByText('weir sql "COPY')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Look at it' })).toBeDisabled();
  await reader();
  await page.reload();
  await page.getByLabel('A CSV, JSON or Parquet file').setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('n\n1\n') });
  await page.getByRole('button', { name: 'Look at it' }).click();
  await expect(page.getByRole('alert')).toContainText('permission denied');
});
