SELECT TRIM(username) AS user_name, NVL(TRIM(remotehost), '') AS address,
  SUM(CASE WHEN event = 'authentication failure' THEN 1 ELSE 0 END) AS refused,
  SUM(CASE WHEN event = 'authenticated' AND NVL(TRIM(sslversion), '') = '' THEN 1 ELSE 0 END) AS unencrypted,
  MAX(recordtime) AS last_time
FROM stl_connection_log
WHERE recordtime >= DATEADD(day, -7, GETDATE()) AND username <> 'rdsdb'
GROUP BY 1, 2
ORDER BY refused DESC, unencrypted DESC
LIMIT 1000
