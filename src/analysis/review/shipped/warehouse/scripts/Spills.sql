SELECT max(value) / 1048576.0 AS most_mb, count(*) AS samples
FROM weir_metrics
WHERE name = 'weir_engine_spilled_bytes' AND value > 0 AND sampled_at > DATEADD(day, -1, GETDATE())
