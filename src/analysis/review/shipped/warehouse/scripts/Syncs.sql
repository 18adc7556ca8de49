SELECT sum(count) AS syncs, max(p99) * 1000 AS slowest_p99_ms, sum(sum) / NULLIF(sum(count), 0) * 1000 AS mean_ms
FROM weir_metrics
WHERE name = 'weir_journal_sync_seconds' AND sampled_at > DATEADD(hour, -1, GETDATE())
