// Fills the example project with what the tests look at: impressions and clicks, some twice, some that do not fit.
// usage: WEIR_URL=… node feed.mjs
import { randomUUID } from 'node:crypto';

const url = process.env.WEIR_URL;
const time = (back_s) => new Date(Date.now() - back_s * 1000).toISOString().replace('T', ' ').replace('Z', '');

async function send(path, body) {
  const reply = await fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`feed: POST ${path} answered ${reply.status}: ${text}`);
  return JSON.parse(text);
}

const ads = Array.from({ length: 20 }, () => randomUUID());
const impressions = Array.from({ length: 400 }, (_, i) => ({ impression_id: randomUUID(), ad_id: ads[i % ads.length], occurred_at: time((400 - i) * 3) }));
const clicks = impressions.filter((_, i) => i % 3 === 0).map((one) => ({ click_id: randomUUID(), impression_id: one.impression_id, ad_id: one.ad_id, occurred_at: time(0) }));
const unfit = [
  { impression_id: randomUUID(), occurred_at: time(0) },
  { impression_id: randomUUID(), ad_id: 'not-a-uuid', occurred_at: time(0) },
  { impression_id: randomUUID(), ad_id: ads[0], occurred_at: '2001-01-01 00:00:00' },
];

await send('/v1/streams/impressions', impressions);
const again = await send('/v1/streams/impressions', impressions.slice(0, 10));
if (again.duplicates !== 10) throw new Error(`feed: expected 10 duplicates, the server says ${JSON.stringify(again).slice(0, 300)}`);
await send('/v1/streams/clicks', clicks);
const bad = await send('/v1/streams/impressions', unfit);
if (bad.quarantined !== unfit.length) throw new Error(`feed: expected ${unfit.length} quarantined, the server says ${JSON.stringify(bad).slice(0, 500)}`);
console.log(`feed: ${impressions.length} impressions, ${clicks.length} clicks, 10 sent twice, ${unfit.length} that do not fit`);
