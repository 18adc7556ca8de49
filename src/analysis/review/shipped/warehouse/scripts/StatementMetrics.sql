SELECT query, query_execution_time AS seconds, query_temp_blocks_to_disk AS spilled_mb, cpu_skew,
  return_row_count AS returned_rows
FROM svl_query_metrics_summary
WHERE userid > 1 AND (query_temp_blocks_to_disk > 10000 OR cpu_skew >= 4 OR return_row_count >= 10000000)
ORDER BY query DESC
LIMIT 500
