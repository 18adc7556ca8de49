SELECT table_name, partition, count(*) AS files, avg(bytes) / 1048576.0 AS average_mb
FROM weir_lake_files
WHERE kind = 'parquet'
GROUP BY table_name, partition
ORDER BY files DESC
