-- Classes above 4 are those of users.
SELECT service_class, TRIM(service_class_name) AS queue, COUNT(*) AS statements,
  ROUND(SUM(total_queue_time) / 1000000.0, 1) AS wait_seconds, ROUND(SUM(total_exec_time) / 1000000.0, 1) AS run_seconds,
  ROUND(MAX(total_queue_time) / 1000000.0, 1) AS longest_wait_seconds,
  ROUND(100.0 * SUM(total_queue_time) / NULLIF(SUM(total_queue_time) + SUM(total_exec_time), 0), 1) AS wait_percent
FROM stl_wlm_query
WHERE service_class > 4 AND queue_start_time >= DATEADD(day, -7, GETDATE())
GROUP BY 1, 2
ORDER BY wait_seconds DESC
