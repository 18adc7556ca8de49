// Saved queries and plans on the SQL page: saved, opened again, changed by somebody else meanwhile, renamed, deleted; a plan as a tree.
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, expect_no_sideways_scroll, run_sql, test, token } from './support';

const editor = (page: Page) => page.getByRole('textbox', { name: 'SQL statement' });
const saved = (page: Page) => page.getByRole('region', { name: 'Saved queries' });
const as_admin = { Authorization: `Bearer ${token}` };

async function save_as(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Save as …' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('button', { name: `Close ${name}` })).toBeVisible();
}

async function change_elsewhere(page: Page, name: string, sql: string): Promise<void> {
  const there = await (await page.request.get(`/v1/queries/${name}`, { headers: as_admin })).json();
  const reply = await page.request.put(`/v1/queries/${name}`, { data: { sql }, headers: { ...as_admin, 'If-Match': `"${there.revision}"` } });
  expect(reply.status()).toBe(200);
}

const stored = async (page: Page, name: string) => (await (await page.request.get(`/v1/queries/${name}`, { headers: as_admin })).json()).sql;

test('a query is saved, found again, renamed and deleted', async ({ signed_in: page, watched }) => {
  watched.allow('409');
  await page.goto('/sql#sql=SELECT%201%20AS%20kept');
  await save_as(page, 'to-keep');
  await editor(page).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(', 2 AS more');
  await expect(page.getByText('changed', { exact: true })).toBeVisible();
  await page.keyboard.press('Control+s');
  await expect(page.getByText('changed', { exact: true })).toHaveCount(0);
  expect(await stored(page, 'to-keep')).toBe('SELECT 1 AS kept, 2 AS more\n');
  // The name is taken, and a wrong one is not sent.
  await page.getByRole('button', { name: 'Save as …' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('to-keep');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('alert')).toContainText('already');
  await page.getByRole('textbox', { name: 'Name' }).fill('../x');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  // Somewhere else, from the list.
  await page.goto('about:blank');
  await page.goto('/sql#sql=SELECT%203');
  await page.getByRole('button', { name: 'Saved', exact: true }).click();
  await saved(page).getByRole('button', { name: /^to-keep/ }).click();
  await expect(editor(page)).toContainText('2 AS more');
  await page.reload();
  await expect(page.getByRole('button', { name: 'Close to-keep' })).toBeVisible();
  await page.getByRole('button', { name: 'Saved', exact: true }).click();
  await saved(page).getByRole('button', { name: 'Rename to-keep' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('kept');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByRole('button', { name: 'Close kept' })).toBeVisible();
  await saved(page).getByRole('listitem').filter({ hasText: 'kept' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(saved(page)).toContainText('No query is saved yet');
  await expect(page.getByText('Not saved')).toBeVisible();
});

test('two people do not overwrite one another unseen', async ({ signed_in: page, watched }) => {
  watched.allow('409');
  await page.goto('/sql#sql=SELECT%20%27mine%27');
  await save_as(page, 'shared');
  await change_elsewhere(page, 'shared', "SELECT 'theirs'");
  await editor(page).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' AS first');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: /changed by somebody else/ });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(editor(page)).toContainText("'mine' AS first");
  expect(await stored(page, 'shared')).toBe("SELECT 'theirs'\n");
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByRole('button', { name: 'Open theirs' }).click();
  await expect(editor(page)).toContainText("'theirs'");
  await change_elsewhere(page, 'shared', "SELECT 'later'");
  await page.keyboard.type(' AS second');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(page.getByText('changed', { exact: true })).toHaveCount(0);
  expect(await stored(page, 'shared')).toContain("'theirs' AS second");
});

test('readers open saved queries and see no way to change them', async ({ page, reader }) => {
  await page.request.put('/v1/queries/for-all', { data: { sql: 'SELECT 5 AS five' }, headers: { ...as_admin, 'If-None-Match': '*' } });
  await reader();
  await page.goto('/sql');
  await expect(page.getByRole('button', { name: 'Save as …' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Saved', exact: true }).click();
  await expect(saved(page).getByRole('button', { name: 'Delete' })).toHaveCount(0);
  await saved(page).getByRole('button', { name: /^for-all/ }).click();
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('grid', { name: 'Result' }).getByRole('gridcell')).toHaveText('5');
});

test('a plan is a tree with the rows that are expected, and with those that came', async ({ signed_in: page, watched }) => {
  watched.allow('400');
  const join = 'SELECT a.ad_id, count(*) AS n\nFROM impressions a JOIN clicks c ON a.impression_id = c.impression_id\nGROUP BY 1\nORDER BY 2 DESC\nLIMIT 3';
  await page.goto(`/sql#sql=${encodeURIComponent(join)}`);
  await page.getByRole('button', { name: 'Explain' }).click();
  const plan = page.getByRole('table', { name: 'Plan' });
  await expect(plan.getByRole('row').filter({ hasText: 'Scan' })).toHaveCount(2);
  await expect(plan.getByRole('columnheader', { name: 'Rows, real' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Run and measure' }).click();
  await expect(plan.getByRole('columnheader', { name: 'Rows, real' })).toBeVisible();
  await expect(plan.getByRole('row').filter({ hasText: 'First rows in order' }).getByRole('cell').nth(1)).toHaveText('3');
  // What changes something is explained and not run; a mistake is where it stands.
  await run_sql(page, 'CREATE TABLE IF NOT EXISTS of_the_plan (n INTEGER)');
  await expect(page.getByRole('heading', { name: 'CREATE TABLE' })).toBeVisible();
  await page.goto('about:blank');
  await page.goto('/sql#sql=DELETE%20FROM%20of_the_plan');
  await page.getByRole('button', { name: 'Explain' }).click();
  await expect(plan.getByRole('row').filter({ hasText: 'Delete' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Run and measure' })).toHaveCount(0);
  await page.goto('about:blank');
  await page.goto('/sql#sql=SELECT%20ad_id%2C%0A%20%20nothing%20FROM%20impressions');
  await page.getByRole('button', { name: 'Explain' }).click();
  await expect(page.getByRole('alert')).toContainText('failed at line 2, column 3');
});

for (const scheme of ['light', 'dark'] as const) {
  test(`results, charts, plans and errors break no rule of accessibility, and fit a narrow page (${scheme})`, async ({ signed_in: page, watched }) => {
    watched.allow('400');
    await page.emulateMedia({ colorScheme: scheme });
    const broken: string[] = [];
    const look = async (what: string) => {
      const found = await new AxeBuilder({ page }).setLegacyMode(true).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze();
      for (const one of found.violations) broken.push(`${what}: ${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
      await page.setViewportSize({ width: 390, height: 800 });
      await expect_no_sideways_scroll(page);
      await page.setViewportSize({ width: 1280, height: 800 });
    };
    await run_sql(page, "SELECT ad_id, count(*) AS n, NULL AS nothing, '' AS blank\nFROM impressions\nGROUP BY 1");
    await expect(page.getByRole('grid', { name: 'Result' })).toBeVisible();
    await page.getByRole('button', { name: 'History' }).click();
    await look('rows');
    await page.getByRole('button', { name: 'Chart' }).click();
    await look('chart');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('button', { name: 'Run and measure' }).click();
    await expect(page.getByRole('columnheader', { name: 'Rows, real' })).toBeVisible();
    await page.getByRole('button', { name: 'Saved', exact: true }).click();
    await look('plan');
    await run_sql(page, 'SELECT nothing_here FROM impressions');
    await expect(page.getByRole('alert')).toBeVisible();
    await look('error');
    expect(broken).toEqual([]);
  });
}
