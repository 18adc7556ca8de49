// Users: made, signed in with a name, given another password, dropped.
import { expect, test, token } from './support';
import { program } from './server';

test.skip(!program, 'the fixture server knows no users');

const admin = { Authorization: `Bearer ${token}` };
const name = () => `ada_${Math.random().toString(36).slice(2, 8)}`;

test('a user is made with a password that is shown once, signs in, and is dropped', async ({ signed_in: page, browser, watched }) => {
  watched.allow('400');
  const ada = name();
  await page.goto('/');
  await page.getByRole('link', { name: 'Users', exact: true }).click();
  await expect(page.getByRole('row', { name: /weir.*Superuser/ })).toBeVisible();
  await page.getByRole('button', { name: 'New user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Make' }).click();
  await expect(dialog.getByText('is no name of a user')).toBeVisible();
  await dialog.getByLabel('Name').fill(ada);
  await dialog.getByRole('button', { name: 'Make' }).click();
  await expect(dialog.getByText('shown once')).toBeVisible();
  const password = await dialog.locator('code').innerText();
  expect(password).toHaveLength(24);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('row', { name: new RegExp(`${ada} set`) })).toBeVisible();
  await expect(page.getByText(password)).toHaveCount(0);

  const other = await browser.newPage();
  await other.goto(page.url());
  await other.getByRole('button', { name: 'Use a name and a password' }).click();
  await expect(other.getByLabel('Name')).toBeFocused();
  await other.getByRole('button', { name: 'Sign in' }).click();
  await expect(other.getByRole('alert')).toContainText('Type your name and your password first');
  await other.getByLabel('Name').fill(ada);
  await other.getByLabel('Password').fill('Not-the-one1');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await expect(other.getByRole('alert')).toContainText("The user's name or the password is wrong");
  await other.getByLabel('Password').fill(password);
  await other.keyboard.press('Enter');
  await expect(other.getByText('Only administrators see the users')).toBeVisible();
  await expect(other.getByRole('link', { name: 'Users', exact: true })).toHaveCount(0);
  await expect(other.getByText(ada)).toBeVisible();

  await other.getByRole('button', { name: 'Password' }).click();
  await other.getByLabel('Present password').fill('Not-the-one1');
  await other.getByLabel('New password').fill('My-own-one1');
  await other.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(other.getByText('the present password is wrong')).toBeVisible();
  await other.getByLabel('Present password').fill(password);
  await other.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(other.getByText('Your password is changed')).toBeVisible();
  await other.getByRole('button', { name: 'Close' }).click();
  await other.reload();
  await expect(other.getByText('Only administrators see the users')).toBeVisible();

  const row = page.getByRole('row', { name: new RegExp(ada) });
  await row.getByRole('button', { name: 'Drop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drop' }).click();
  await expect(row).toHaveCount(0);
  await other.goto('/streams');
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await other.close();
});

test('a password can be typed, and what breaks the rule is said', async ({ signed_in: page, watched }) => {
  watched.allow('400');
  const bob = name();
  const made = await page.request.post('/v1/users', { data: { name: bob }, headers: admin });
  expect(made.ok()).toBe(true);
  await page.goto('/users');
  const row = page.getByRole('row', { name: new RegExp(bob) });
  await expect(row).toContainText('none');
  await row.getByRole('button', { name: 'Password' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Type one').check();
  await dialog.getByLabel('Password', { exact: true }).fill('alllower1');
  await dialog.getByRole('button', { name: 'Set' }).click();
  await expect(dialog.getByText('no upper-case letter')).toBeVisible();
  await dialog.getByLabel('Password', { exact: true }).fill('Now-upper1');
  await dialog.getByRole('button', { name: 'Set' }).click();
  await expect(row).toContainText('set');
  await page.request.delete(`/v1/users/${bob}`, { headers: admin });
});
