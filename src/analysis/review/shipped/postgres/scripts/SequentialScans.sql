-- How tables are read: whole (sequential scans) or through an index, since the statistics were begun.
SELECT format('%I.%I', s.schemaname, s.relname) AS "table",
       c.relpages::bigint * current_setting('block_size')::int AS table_bytes,
       s.n_live_tup AS table_rows,
       s.seq_scan AS whole_scans,
       coalesce(s.idx_scan, 0) AS index_scans,
       CASE WHEN s.seq_scan = 0 THEN 0 ELSE s.seq_tup_read / s.seq_scan END AS rows_per_whole_scan,
       s.seq_tup_read AS rows_read_whole
FROM pg_stat_user_tables s
JOIN pg_class c ON c.oid = s.relid
ORDER BY s.seq_tup_read DESC
