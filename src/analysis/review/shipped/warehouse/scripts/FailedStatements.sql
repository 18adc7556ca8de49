SELECT q.userid, NVL(TRIM(u.usename), '') AS user_name, COUNT(*) AS statements, SUM(q.aborted) AS failed,
  ROUND(100.0 * SUM(q.aborted) / COUNT(*), 1) AS failed_percent
FROM stl_query q
LEFT JOIN pg_user u ON u.usesysid = q.userid
WHERE q.starttime >= DATEADD(day, -7, GETDATE()) AND NVL(u.usename, '') <> 'rdsdb'
GROUP BY 1, 2
ORDER BY failed_percent DESC
