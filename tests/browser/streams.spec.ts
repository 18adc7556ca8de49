// Overview and streams: what is running, what arrives, what is in quarantine and why.
import { expect, send_impression, test } from './support';

test('the overview says what is running and how fast', async ({ signed_in: page }) => {
  await page.goto('/');
  const state = page.getByLabel('State');
  for (const name of ['Accepted', 'Lake behind by', 'Journal', 'Disk free', 'Memory']) await expect(state.getByText(name, { exact: true })).toBeVisible();
  await expect(page.getByRole('img', { name: /^Records per second at .* accepted/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Quarantined/ })).toHaveAttribute('aria-pressed', 'true');
  await page.getByRole('button', { name: /^Quarantined/ }).click();
  await expect(page.getByRole('button', { name: /^Quarantined/ })).toHaveAttribute('aria-pressed', 'false');
  await expect(page.getByRole('row', { name: /impressions/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /clicks/ })).toBeVisible();
});

test('a full disk is said once, with what it means', async ({ signed_in: page }) => {
  await page.route('**/v1/status', async (route) => {
    const status = await (await route.fetch()).json();
    status.ready = false;
    status.journal.full = true;
    status.lake.error = 'No space left on device';
    status.warnings = ['the disk is full: events are refused until there is room', 'the lake: No space left on device', 'something else'];
    await route.fulfill({ json: status });
  });
  await page.goto('/');
  const warnings = page.getByRole('region', { name: 'Warnings' });
  await expect(warnings.getByText('something else')).toBeVisible();
  await expect(warnings.getByText(/disk is full/)).toHaveCount(1);
  await expect(warnings.getByText(/writing resumes by itself/)).toBeVisible();
  await expect(warnings.getByText(/No space left/)).toHaveCount(1);
  await expect(page.getByText('Not ready', { exact: true })).toBeVisible();
});

test('a project without streams says the next step', async ({ signed_in: page }) => {
  await page.route('**/v1/streams', (route) => route.fulfill({ json: { streams: [] } }));
  await page.goto('/streams');
  await expect(page.getByRole('heading', { name: 'No streams yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Copy commands' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('weir init');
});

test('streams can be found by name', async ({ signed_in: page }) => {
  await page.goto('/streams');
  await expect(page.getByRole('link', { name: 'clicks', exact: true })).toBeVisible();
  await page.getByRole('searchbox', { name: /^Find a stream/ }).fill('impress');
  await expect(page.getByRole('link', { name: 'clicks', exact: true })).toBeHidden();
  await expect(page.getByRole('link', { name: 'impressions', exact: true })).toBeVisible();
  await page.getByRole('searchbox', { name: /^Find a stream/ }).fill('nothing has this name');
  await expect(page.getByText('No stream has')).toBeVisible();
});

test('a stream shows its counts, its fields and how to send to it', async ({ signed_in: page }) => {
  await page.goto('/streams/impressions');
  await expect(page.getByLabel('Counts').getByText('Accepted', { exact: true })).toBeVisible();
  await expect(page.getByRole('img', { name: /^Records per second/ })).toBeVisible();
  const parts = page.getByRole('navigation', { name: 'Parts of the stream' });
  await parts.getByRole('link', { name: 'Fields' }).click();
  await expect(page.getByRole('row', { name: /ad_id.*uuid.*yes/ }).getByRole('cell', { name: 'uuid', exact: true })).toBeVisible();
  await parts.getByRole('link', { name: 'Endpoints' }).click();
  await expect(page.getByRole('heading', { name: 'POST /v1/streams/impressions' })).toBeVisible();
  await page.getByRole('button', { name: 'Copy curl example for /v1/streams/impressions' }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain('curl ');
  expect(copied).toContain('/v1/streams/impressions');
  expect(copied).toContain('"ad_id"');
  await page.getByRole('radio', { name: 'Python' }).check({ force: true });
  await expect(page.getByRole('region', { name: 'python example for /v1/streams/impressions' })).toContainText('urllib.request');
  await parts.getByRole('link', { name: 'Storage' }).click();
  await expect(page.getByRole('heading', { name: 'Partitions' })).toBeVisible();
});

test('quarantined records are counted by reason and shown with their payload', async ({ signed_in: page }) => {
  await page.goto('/streams/impressions/quarantine');
  const reasons = page.getByRole('region', { name: 'Reasons' });
  const reason = reasons.getByRole('button').first();
  await expect(reason).toBeVisible();
  const name = (await reason.textContent()) ?? '';
  await reason.click();
  await expect(reason).toHaveAttribute('aria-pressed', 'true');
  const records = page.getByRole('region', { name: `Newest records: ${name}` });
  await records.getByRole('listitem').first().getByText(name).click();
  await expect(records.getByRole('region', { name: /^Payload of/ }).first()).toBeVisible();
});

test('what is kept in quarantine is counted, not what came since the last start', async ({ signed_in: page }) => {
  await page.route('**/v1/streams/impressions', async (route) => {
    const stream = await (await route.fetch()).json();
    await route.fulfill({ json: { ...stream, quarantined: 0, quarantine: [{ reason: 'wrong_type', count: 7, last: stream.last_arrival ?? '2026-11-21T00:00:00Z' }, { reason: 'conflict', count: 5, last: '2026-11-21T00:00:00Z' }] } });
  });
  await page.goto('/streams/impressions/quarantine');
  await expect(page.getByRole('link', { name: /Quarantine.*12/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Reasons' }).getByText('12 records')).toBeVisible();
});

test('the tail shows an event within moments, pauses, resumes and filters', async ({ signed_in: page }) => {
  await page.goto('/streams/impressions/tail');
  const records = page.getByTestId('tail-records');
  const tail = page.getByRole('region', { name: 'Tail' });
  await expect(tail.getByText('Live', { exact: true })).toBeVisible();
  const first = await send_impression(page);
  await page.getByRole('searchbox', { name: 'Filter by text' }).fill(first.ad_id ?? '');
  await expect(records.getByRole('listitem')).toHaveCount(1);
  await expect(records).toContainText('accepted');

  await tail.getByRole('button', { name: 'Pause' }).click();
  const second = await send_impression(page);
  await page.getByRole('searchbox', { name: 'Filter by text' }).fill(second.ad_id ?? '');
  await expect(tail.getByRole('button', { name: /^Resume \(\d+ new\)/ })).toBeVisible();
  await expect(records).toBeHidden();
  await tail.getByRole('button', { name: /^Resume/ }).click();
  await expect(records).toContainText(second.ad_id ?? '');
  await records.getByRole('button').first().click();
  await expect(records).toContainText('"ad_id": ');
});

test('the tail connects again after the connection was cut', async ({ signed_in: page, watched, context }) => {
  watched.allow('Failed to load resource');
  watched.allow('ERR_');
  let cuts = 0;
  await page.route('**/v1/streams/*/tail', (route) => (cuts++ === 0 ? route.abort('connectionreset') : route.continue()));
  await page.goto('/streams/impressions/tail');
  await expect(page.getByRole('region', { name: 'Tail' }).getByText('Live', { exact: true })).toBeVisible();
  expect(cuts).toBeGreaterThan(1);
  await context.unrouteAll();
});

test('a stream that does not exist says so', async ({ signed_in: page, watched }) => {
  watched.allow('404');
  await page.goto('/streams/no_such_stream');
  await expect(page.getByRole('heading', { name: 'There is no stream “no_such_stream”' })).toBeVisible();
});
