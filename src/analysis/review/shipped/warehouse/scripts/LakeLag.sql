SELECT EXTRACT(epoch FROM sampled_at) - value AS oldest_seconds, sampled_at
FROM weir_metrics
WHERE name = 'weir_lake_oldest_waiting_timestamp_seconds' AND sampled_at > DATEADD(minute, -10, GETDATE()) AND value > 0
ORDER BY sampled_at DESC
LIMIT 1
