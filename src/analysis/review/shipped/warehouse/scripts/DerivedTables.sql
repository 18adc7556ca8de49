SELECT table_name, partitions, stale, failed, computed_at, problem, DATEDIFF(hour, computed_at, GETDATE()) AS hours
FROM weir_tables
ORDER BY failed DESC, stale DESC
