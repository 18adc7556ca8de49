SELECT TRIM(SPLIT_PART(event, ':', 1)) AS event, COUNT(DISTINCT query) AS statements, MAX(query) AS latest_query,
  MAX(event_time) AS last_time, MAX(TRIM(solution)) AS advice
FROM stl_alert_event_log
WHERE userid > 1 AND event_time >= DATEADD(day, -7, GETDATE())
GROUP BY 1
ORDER BY statements DESC
