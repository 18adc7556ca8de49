// The frame of all pages: addresses, keyboard, themes, narrow pages, a server that is away, and rules that hold on every page.
import AxeBuilder from '@axe-core/playwright';
import { expect, expect_no_sideways_scroll, test } from './support';

const addresses = ['/', '/streams', '/streams/impressions', '/streams/impressions/fields', '/streams/impressions/endpoints', '/streams/impressions/quarantine', '/streams/impressions/tail', '/streams/impressions/storage', '/tables', '/tables/advertising', '/tables/advertising/tests', '/tables/advertising/select', '/tables/advertising/runs', '/lake', '/lake/impressions', '/flows', '/runs', '/dashboards', '/dashboards/advertising', '/dashboards/ops', '/live', '/live/traffic', '/alarms', '/alarms/clicks_bytes', '/reviews', '/endpoints', '/endpoints/traffic', '/sql', '/load', '/users', '/audit', '/nowhere'];

test('pages have addresses: links, deep links and the back button agree', async ({ signed_in: page }) => {
  await page.goto('/');
  const main = page.getByRole('navigation', { name: 'Main' });
  await main.getByRole('link', { name: 'Streams' }).click();
  await expect(page).toHaveURL(/\/streams$/);
  await page.getByRole('link', { name: 'impressions', exact: true }).click();
  await page.getByRole('navigation', { name: 'Parts of the stream' }).getByRole('link', { name: 'Fields' }).click();
  await expect(page).toHaveURL(/\/streams\/impressions\/fields$/);
  await expect(page).toHaveTitle(/impressions/);
  await page.goBack();
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Streams', level: 1 })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Streams', level: 1 })).toBeVisible();
  await page.goto('/nowhere');
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
});

test('the keyboard reaches the content past the navigation, and focus follows a change of page', async ({ signed_in: page }) => {
  await page.goto('/');
  await expect(page.getByText('Ready', { exact: true })).toBeVisible();
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to the content' });
  await expect(skip).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'SQL' }).press('Enter');
  await expect(page.getByRole('textbox', { name: 'SQL statement' })).toBeFocused();
});

test('the theme follows the system, can be chosen, and is remembered', async ({ signed_in: page }) => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(ground).not.toBe(light);
  const dark = await ground();
  await page.getByRole('radio', { name: 'Light' }).check({ force: true });
  await expect.poll(ground).toBe(light);
  await page.reload();
  await expect(page.getByRole('radio', { name: 'Light' })).toBeChecked();
  expect(await ground()).toBe(light);
  await page.getByRole('radio', { name: 'System' }).check({ force: true });
  await expect.poll(ground).toBe(dark);
});

test('a narrow page has its navigation in a menu that the keyboard opens and closes', async ({ signed_in: page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto('/');
  const menu = page.getByRole('button', { name: 'Menu' });
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeHidden();
  await menu.press('Enter');
  await expect(menu).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeHidden();
  await expect(menu).toBeFocused();
  await menu.click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Streams' }).click();
  await expect(page.getByRole('heading', { name: 'Streams', level: 1 })).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeHidden();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`no page breaks a rule of accessibility, contrast included (${scheme})`, async ({ signed_in: page, watched }) => {
    test.setTimeout(300_000);
    watched.allow('404');
    await page.emulateMedia({ colorScheme: scheme });
    const broken: string[] = [];
    for (const address of addresses) {
      await page.goto(address);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      // Legacy mode: in this page alone. Otherwise a second page is opened, and this one may stop drawing behind it.
      const builder = new AxeBuilder({ page }).setLegacyMode(true);
      // Only the colours differ in the dark.
      const found = await (scheme === 'light' ? builder.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']) : builder.withRules(['color-contrast'])).analyze();
      for (const one of found.violations) broken.push(`${address}: ${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
    }
    expect(broken).toEqual([]);
  });
}

test('no page scrolls sideways at 360 pixels', async ({ signed_in: page, watched }) => {
  watched.allow('404');
  await page.setViewportSize({ width: 360, height: 740 });
  for (const address of addresses) {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    if (address.startsWith('/streams/')) await expect(page.getByText('Live', { exact: true }).last()).toBeVisible();
    await expect_no_sideways_scroll(page);
  }
});

test('while the server is away the last numbers stay, marked as stale, and come back by themselves', async ({ signed_in: page, watched }) => {
  watched.allow('Failed to load resource');
  await page.goto('/');
  const accepted = page.getByRole('link', { name: 'impressions', exact: true });
  await expect(accepted).toBeVisible();
  await page.route('**/v1/**', (route) => route.abort('connectionrefused'));
  await expect(page.getByTestId('away-banner')).toContainText('weir does not answer');
  await expect(page.getByText(/^Stale, from/)).toBeVisible();
  await expect(accepted).toBeVisible();
  await page.unroute('**/v1/**');
  await page.getByRole('button', { name: 'Try now' }).click();
  await expect(page.getByTestId('away-banner')).toBeHidden();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
});

test('pages do not jump while they load', async ({ signed_in: page }) => {
  await page.addInitScript(() => {
    (globalThis as unknown as { shifts: number }).shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) (globalThis as unknown as { shifts: number }).shifts += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  // Answers wait until the page stands without them, so that what stands there before is really seen.
  let release = () => {};
  let answers = Promise.resolve();
  await page.route(/\/v1\/(status|streams|catalog|tables|lake|flows|runs|dashboards|live|alarms|findings|reviews|endpoints)/, async (route) => {
    await answers;
    await route.continue();
  });
  for (const address of ['/', '/streams', '/streams/impressions', '/streams/impressions/fields', '/tables', '/tables/advertising', '/lake', '/lake/impressions', '/flows', '/runs', '/dashboards', '/dashboards/advertising', '/live', '/alarms', '/reviews', '/endpoints', '/endpoints/traffic', '/sql', '/load']) {
    answers = new Promise((resolve) => (release = resolve));
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const answered = page.waitForResponse(/\/v1\/(status|streams|catalog|tables|lake|flows|runs|dashboards|live|alarms|findings|reviews|endpoints)/);
    release();
    await answered;
    if (!['/sql', '/load', '/dashboards'].includes(address)) await expect(page.getByText('Live', { exact: true }).last()).toBeVisible();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const shifted = await page.evaluate(() => (globalThis as unknown as { shifts: number }).shifts);
    expect(shifted, `${address} moved by`).toBeLessThan(0.05);
  }
});

test('pages come with a strict policy and nothing from elsewhere', async ({ signed_in: page }) => {
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(process.env.WEIR_URL ?? '') && !request.url().startsWith('blob:')) elsewhere.push(request.url());
  });
  const answer = await page.goto('/');
  const policy = answer?.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
  await page.goto('/sql');
  await expect(page.getByRole('textbox', { name: 'SQL statement' })).toBeVisible();
  expect(elsewhere).toEqual([]);
});
