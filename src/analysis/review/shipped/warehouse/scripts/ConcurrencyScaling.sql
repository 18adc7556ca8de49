SELECT DATE_TRUNC('day', start_time) AS day, SUM(usage_in_seconds) AS used_seconds, SUM(queries) AS statements
FROM svcs_concurrency_scaling_usage
WHERE start_time >= DATEADD(day, -30, GETDATE())
GROUP BY 1
ORDER BY 1
