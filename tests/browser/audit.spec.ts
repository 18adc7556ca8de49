// Who did what, on its page: chosen by user, kind, outcome and time, for administrators only.
import { expect, expect_no_sideways_scroll, test, token, url } from './support';
import { program } from './server';

test.skip(!program, 'the fixture server keeps no audit');

const admin = { Authorization: `Bearer ${token}` };
const name = () => `eve_${Math.random().toString(36).slice(2, 8)}`;

test('an event is found by who, what and how it ended, and the choice is in the address', async ({ signed_in: page, watched }) => {
  watched.allow('401');
  const eve = name();
  const sql = (text: string) => page.request.post('/v1/sql', { data: { sql: text }, headers: admin });
  expect((await page.request.post('/v1/users', { data: { name: eve, password: 'Very-Secret9' }, headers: admin })).ok()).toBe(true);
  expect((await sql(`GRANT SELECT ON impressions TO ${eve}`)).ok()).toBe(true);
  await sql(`SELECT 'private words' FROM not_there_${eve}`);
  expect((await page.request.post('/v1/session', { data: { user: eve, password: 'Wrong-Pass1' }, headers: { 'X-Weir': '1', Origin: url } })).ok()).toBe(false);

  await page.goto('/');
  await page.getByRole('link', { name: 'Audit', exact: true }).click();
  const audit = page.getByRole('region', { name: 'Audit' });
  await expect(audit.getByRole('row', { name: new RegExp(`GRANT SELECT ON impressions TO ${eve}`) })).toBeVisible();
  await expect(page.getByText('private words')).toHaveCount(0);
  await expect(page.getByText('Very-Secret9')).toHaveCount(0);

  await page.getByLabel('Outcome').selectOption('failed');
  await expect(page).toHaveURL(/outcome=failed/);
  await expect(audit.getByRole('row', { name: new RegExp(`Failed.*not_there_${eve}`) })).toBeVisible();
  await expect(audit.getByText(`GRANT SELECT ON impressions TO ${eve}`)).toHaveCount(0);
  await page.getByLabel('Outcome').selectOption('');
  await page.getByLabel('Kind').selectOption('rights');
  await expect(page).toHaveURL(/kind=rights/);
  await expect(audit.getByText(`GRANT SELECT ON impressions TO ${eve}`)).toBeVisible();
  await expect(audit.getByText(`not_there_${eve}`)).toHaveCount(0);
  await page.getByLabel('Time').selectOption('15m');
  await page.reload();
  await expect(page).toHaveURL(/kind=rights&since=15m/);
  await expect(audit.getByText(`GRANT SELECT ON impressions TO ${eve}`)).toBeVisible();

  await page.goto('/audit?user=nobody_of_this_name');
  await expect(audit.getByText('Nothing of what is kept fits this choice.')).toBeVisible();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto('/audit');
  await expect(audit.getByRole('row').nth(3)).toBeVisible();
  await expect_no_sideways_scroll(page);
  await page.request.delete(`/v1/users/${eve}`, { headers: admin });
});

test('a choice that the server does not understand is said, and a reader sees nothing', async ({ signed_in: page, reader, watched }) => {
  watched.allow('400');
  await page.goto('/audit?since=yesterday');
  await expect(page.getByText('since is neither a time nor a duration')).toBeVisible();
  await page.getByLabel('Time').selectOption('');
  await expect(page.getByRole('region', { name: 'Audit' }).getByRole('row').nth(1)).toBeVisible();
  await reader();
  await page.goto('/audit');
  await expect(page.getByText('Only administrators see who did what')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Audit', exact: true })).toHaveCount(0);
});
