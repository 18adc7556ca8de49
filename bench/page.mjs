// The open page of bench/freshness: a real browser on /live/NAME, and when each number stood in its table.
// usage: node page.mjs PACKAGES URL TOKEN NAME OUT
// Prints "ready" into OUT.ready when the page is live. Ends at SIGTERM, and writes to OUT one line for each change: the
// microseconds since 1970 and the sum over the windows' first measure, as it was shown with the next frame.
import { writeFileSync } from 'node:fs';

const [packages, url, token, name, out] = process.argv.slice(2);
const { chromium } = await import(`${packages}/node_modules/playwright-core/index.mjs`);
const browser = await chromium.launch({ executablePath: process.env.WEIR_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'], handleSIGTERM: false });
const page = await (await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 900 } })).newPage();
const reply = await page.request.post('/v1/session', { data: { token }, headers: { 'X-Weir': '1', Origin: url } });
if (!reply.ok()) throw new Error(`signing in: ${reply.status()} ${await reply.text()}`);
await page.addInitScript(() => {
  globalThis.seen = [];
  let newest = 0;
  const look = () => {
    let sum = 0;
    for (const cell of document.querySelectorAll('table.data tbody td.number:nth-child(2)')) sum += Number(cell.title);
    if (sum !== newest) {
      newest = sum;
      requestAnimationFrame(() => globalThis.seen.push([Math.round((performance.timeOrigin + performance.now()) * 1000), sum]));
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['title'] });
});
await page.goto(`/live/${name}`);
await page.getByText('Live', { exact: true }).waitFor();
writeFileSync(`${out}.ready`, 'ready\n');
await new Promise((end) => process.once('SIGTERM', end));
const seen = await page.evaluate(() => globalThis.seen);
writeFileSync(out, seen.map(([at, sum]) => `${at} ${sum}\n`).join(''));
await browser.close();
