SELECT sum(CASE WHEN name = 'weir_live_late_total' THEN value ELSE 0 END) AS late,
  sum(CASE WHEN name = 'weir_live_records_total' THEN value ELSE 0 END) AS records
FROM weir_metrics
WHERE name IN ('weir_live_late_total', 'weir_live_records_total') AND sampled_at > DATEADD(day, -1, GETDATE())
