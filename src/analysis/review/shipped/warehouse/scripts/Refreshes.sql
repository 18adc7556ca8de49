SELECT QUOTE_IDENT(TRIM(schema_name)) AS schema_name, QUOTE_IDENT(TRIM(mv_name)) AS view_name, COUNT(*) AS refreshes,
  SUM(CASE WHEN LOWER(status) LIKE '%fail%' THEN 1 ELSE 0 END) AS failed,
  MAX(CASE WHEN LOWER(status) LIKE '%fail%' THEN TRIM(status) END) AS last_failure, MAX(starttime) AS last_begun
FROM svl_mv_refresh_status
WHERE starttime >= DATEADD(day, -7, GETDATE())
GROUP BY 1, 2
ORDER BY failed DESC
