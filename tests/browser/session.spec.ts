// Signing in and out, and what happens when a session ends while somebody looks.
import { expect, test, token } from './support';

test('a token from the start of the server opens the pages', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  const field = page.getByLabel('Token');
  await expect(field).toBeFocused();
  await expect(field).toHaveAttribute('type', 'password');
  await expect(page.getByText('prints an administrator')).toBeVisible();
  await field.fill(`  ${token}\n`);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  await expect(page.getByText('Ready', { exact: true })).toBeVisible();
});

test('a wrong token is refused in words, and the field is ready for another', async ({ page, watched }) => {
  watched.allow('401');
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('Paste a token first');
  await page.getByLabel('Token').fill('not-a-token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('This token is not known');
  await expect(page.getByLabel('Token')).toBeFocused();
});

test('the cookie cannot be read by scripts, and a deep link survives signing in', async ({ page, context }) => {
  await page.goto('/streams/impressions/fields');
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'impressions', level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/streams\/impressions\/fields$/);
  const cookie = (await context.cookies()).find((one) => one.name === 'weir_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  expect(await page.evaluate(() => document.cookie)).toBe('');
});

test('signing out ends the session on the server', async ({ signed_in: page, context }) => {
  await page.goto('/');
  const cookies = await context.cookies();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await context.addCookies(cookies);
  const session = await page.request.get('/v1/session');
  expect(await session.json()).toMatchObject({ signed_in: false });
});

test('a session that ends while pages are open leads to the sign-in page and back', async ({ signed_in: page, context, watched }) => {
  watched.allow('401');
  await page.goto('/streams');
  await expect(page.getByRole('link', { name: 'impressions', exact: true })).toBeVisible();
  await context.clearCookies();
  await expect(page.getByText('Your session has ended')).toBeVisible();
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Streams', level: 1 })).toBeVisible();
});
