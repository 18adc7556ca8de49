import { defineConfig } from '@playwright/test';

// WEIR_URL and WEIR_TOKEN say where the server is; ./run starts one and sets them.
export default defineConfig({
  testDir: '.',
  timeout: 60_000, // the machine may be busy with a build
  expect: { timeout: 15_000 },
  workers: 1,
  retries: 1, // a second try is reported as flaky: a bug to be mended, not a red build
  forbidOnly: true,
  reporter: [['list']],
  outputDir: process.env.WEIR_BROWSER_OUTPUT ?? './test-results',
  use: {
    baseURL: process.env.WEIR_URL,
    viewport: { width: 1280, height: 800 },
    testIdAttribute: 'data-testid',
    permissions: ['clipboard-read', 'clipboard-write'],
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.WEIR_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu'],
    },
  },
});
