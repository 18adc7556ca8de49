SELECT q.userid, NVL(TRIM(u.usename), '') AS user_name, DATE_TRUNC('hour', q.starttime) AS hour, COUNT(*) AS inserts
FROM stl_query q
LEFT JOIN pg_user u ON u.usesysid = q.userid
WHERE q.starttime >= DATEADD(day, -7, GETDATE()) AND NVL(u.usename, '') <> 'rdsdb' AND q.querytxt ILIKE 'insert%values%'
GROUP BY 1, 2, 3
ORDER BY inserts DESC
LIMIT 200
