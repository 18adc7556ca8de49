---
description: Each impression with the click that followed it, if one did.
stored: lake                         # Parquet, a file a day; small tables are better off in the engine
partition: day
inputs:
  clicks: {affects: [day-1, day]}    # a click after midnight belongs to yesterday's impression
grain: [impression_id]
columns:
  ad_id: {tests: [not_null]}
  impression_at: {tests: [not_null]}
tags: {team: advertising}
---
SELECT
  i.impression_id,
  i.ad_id,
  i.occurred_at AS impression_at,
  min(c.occurred_at) AS click_at,
  CAST(i.occurred_at AS DATE) AS day
FROM impressions i
LEFT JOIN clicks c ON c.impression_id = i.impression_id AND c.ad_id = i.ad_id
GROUP BY ALL
