---
description: Impressions, clicks and click-through rate of each ad by day; ads that nobody clicked are there too.
partition: day
grain: [ad_id, day]
tests:
  - {name: no_more_clicks_than_impressions, sql: "SELECT * FROM ad_traffic WHERE clicks > impressions"}
tags: {team: advertising}
---
SELECT
  ad_id,
  day,
  count(*) AS impressions,
  count(click_at) AS clicks,
  round(count(click_at) / count(*), 4) AS clickthrough_rate
FROM advertising
GROUP BY ad_id, day
