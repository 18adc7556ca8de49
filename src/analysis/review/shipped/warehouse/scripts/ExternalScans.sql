SELECT TRIM(external_table_name) AS table_name, NVL(TRIM(file_format), '') AS file_format, MAX(is_partitioned) AS is_partitioned,
  COUNT(DISTINCT query) AS statements, MAX(query) AS latest_query, MAX(files) AS files,
  ROUND(MAX(s3_scanned_bytes) / 1048576.0, 1) AS scanned_mb,
  ROUND(SUM(s3_scanned_bytes) / 1048576.0 / NULLIF(SUM(files), 0), 2) AS average_file_mb
FROM svl_s3query_summary
WHERE starttime >= DATEADD(day, -7, GETDATE())
GROUP BY 1, 2
ORDER BY scanned_mb DESC
