SELECT q.query, NVL(TRIM(u.usename), '') AS user_name, TRIM(q."database") AS database_name, q.starttime,
  DATEDIFF(second, q.starttime, q.endtime) AS seconds, q.aborted, SUBSTRING(q.querytxt, 1, 200) AS statement
FROM stl_query q
LEFT JOIN pg_user u ON u.usesysid = q.userid
WHERE q.starttime >= DATEADD(day, -7, GETDATE()) AND NVL(u.usename, '') <> 'rdsdb'
ORDER BY seconds DESC
LIMIT 100
