SELECT query, COUNT(DISTINCT "key") AS files, ROUND(SUM(transfer_size) / 1048576.0, 1) AS total_mb,
  ROUND(SUM(data_size) / 1048576.0, 1) AS unpacked_mb,
  ROUND(SUM(transfer_size) / 1048576.0 / NULLIF(COUNT(DISTINCT "key"), 0), 2) AS average_mb
FROM stl_s3client
WHERE TRIM(http_method) = 'GET' AND query > 0 AND userid > 1 AND recordtime >= DATEADD(day, -7, GETDATE())
GROUP BY query
ORDER BY total_mb DESC
LIMIT 1000
