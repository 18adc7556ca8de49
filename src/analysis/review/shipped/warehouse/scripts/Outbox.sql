SELECT value / 3600.0 AS oldest_hours, sampled_at
FROM weir_metrics
WHERE name = 'weir_outbox_oldest_seconds' AND sampled_at > DATEADD(minute, -10, GETDATE())
ORDER BY sampled_at DESC
LIMIT 1
