SELECT query, MIN(starttime) AS first_time, SUM("compile") AS compiled_segments,
  ROUND(SUM(DATEDIFF(ms, starttime, endtime)) / 1000.0, 1) AS compile_seconds
FROM svl_compile
WHERE userid > 1 AND starttime >= DATEADD(day, -7, GETDATE())
GROUP BY query
ORDER BY compile_seconds DESC
LIMIT 100
