SELECT query, MAX(total_partitions) AS partitions, MAX(qualified_partitions) AS read_partitions,
  ROUND(100.0 * MAX(qualified_partitions) / NULLIF(MAX(total_partitions), 0), 1) AS read_percent, MAX(starttime) AS last_time
FROM svl_s3partition
WHERE starttime >= DATEADD(day, -7, GETDATE())
GROUP BY query
ORDER BY partitions DESC
LIMIT 500
