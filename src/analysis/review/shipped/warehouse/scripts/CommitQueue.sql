-- Node -1 is the leader, which sees the whole of a commit. One that did not wait began to wait in the year 2000.
SELECT DATE_TRUNC('day', endtime) AS day, COUNT(*) AS commits, ROUND(SUM(wait_ms) / 1000.0, 1) AS wait_seconds,
  ROUND(SUM(work_ms) / 1000.0, 1) AS work_seconds, ROUND(100.0 * SUM(wait_ms) / NULLIF(SUM(wait_ms + work_ms), 0), 1) AS wait_percent
FROM (
  SELECT endtime, DATEDIFF(ms, startwork, endtime) AS work_ms,
    CASE WHEN startqueue > '2001-01-01' THEN DATEDIFF(ms, startqueue, startwork) ELSE 0 END AS wait_ms
  FROM stl_commit_stats
  WHERE node = -1 AND endtime >= DATEADD(day, -7, GETDATE())) c
GROUP BY 1
ORDER BY 1
