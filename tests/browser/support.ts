// What every test begins with: a page that is watched for errors, small verbs for signing in and asking.
import { expect, test as base, type Page } from '@playwright/test';
import { randomUUID } from 'node:crypto';

export const url = process.env.WEIR_URL ?? '';
export const token = process.env.WEIR_TOKEN ?? '';
if (!url || !token) throw new Error('WEIR_URL and WEIR_TOKEN are not set: start the tests with tests/browser/run');

export interface Watched {
  /** An error that the test provokes, part of its text: the browser logs each failed request as an error. */
  allow: (part: string) => void;
}

export const test = base.extend<{ watched: Watched; signed_in: Page; reader: () => Promise<void> }>({
  // Any error in the console, any exception and any violation of the policy fails the test, in every test.
  watched: [
    async ({ page }, use) => {
      const errors: string[] = [];
      const allowed: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') errors.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      });
      page.on('pageerror', (error) => errors.push(`exception: ${error.stack ?? error.message}`));
      await use({ allow: (part) => allowed.push(part) });
      expect(errors.filter((error) => !allowed.some((part) => error.includes(part)))).toEqual([]);
    },
    { auto: true },
  ],
  signed_in: async ({ page }, use) => {
    const reply = await page.request.post('/v1/session', { data: { token }, headers: { 'X-Weir': '1', Origin: url } });
    expect(reply.ok(), `signing in: ${reply.status()} ${await reply.text()}`).toBe(true);
    await use(page);
  },
  // Signs the page in with a token that may only read.
  reader: async ({ page }, use) => {
    await use(async () => {
      const made = await page.request.post('/v1/tokens', { data: { role: 'read' }, headers: { Authorization: `Bearer ${token}` } });
      expect(made.ok(), `making a token: ${made.status()} ${await made.text()}`).toBe(true);
      const reply = await page.request.post('/v1/session', { data: { token: (await made.json()).token }, headers: { 'X-Weir': '1', Origin: url } });
      expect(reply.ok(), `signing in: ${reply.status()} ${await reply.text()}`).toBe(true);
    });
  },
});

export { expect };

export async function run_sql(page: Page, sql: string): Promise<void> {
  await page.goto('about:blank'); // an address that differs only behind # would not load the page anew
  await page.goto(`/sql#sql=${encodeURIComponent(sql)}`);
  await expect(page.getByRole('textbox', { name: 'SQL statement' })).toContainText(sql.split('\n')[0]?.trim() ?? '');
  await page.getByRole('button', { name: /^Run/ }).click();
}

export function impression(): Record<string, string> {
  return { impression_id: randomUUID(), ad_id: randomUUID(), occurred_at: new Date().toISOString().replace('T', ' ').replace('Z', '') };
}

/** Sends one event as a page's beacon would: without a token. */
export async function send_impression(page: Page, event = impression()): Promise<Record<string, string>> {
  const reply = await page.request.post('/v1/streams/impressions', { data: event, headers: { Origin: url } });
  expect(reply.ok(), `sending an event: ${reply.status()} ${await reply.text()}`).toBe(true);
  return event;
}

/** Nothing sticks out to the right: no page scrolls sideways. */
export async function expect_no_sideways_scroll(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
}

/** Runs the example's flow to its end, so that its tables have rows. */
export async function run_daily(page: Page): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  const reply = await page.request.post('/v1/runs', { data: { name: 'daily' }, headers });
  expect(reply.ok(), `running daily: ${reply.status()} ${await reply.text()}`).toBe(true);
  const { id } = await reply.json();
  await expect.poll(async () => (await (await page.request.get(`/v1/runs/${id}`, { headers })).json()).state, { timeout: 60_000 }).toBe('done');
}
