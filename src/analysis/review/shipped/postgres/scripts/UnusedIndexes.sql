-- Indexes that no statement has read since the statistics of this database were begun. Those that hold a rule
-- (primary keys, unique and exclusion constraints, replica identities) are needed even if nothing reads them.
SELECT format('%I.%I', s.schemaname, s.relname) AS "table",
       format('%I.%I', s.schemaname, s.indexrelname) AS "index",
       c.relpages::bigint * current_setting('block_size')::int AS index_bytes,
       s.idx_scan AS scans,
       t.n_tup_ins + t.n_tup_upd + t.n_tup_del AS rows_written,
       round((extract(epoch FROM now() - coalesce(d.stats_reset, pg_postmaster_start_time())) / 86400)::numeric, 1)
         AS observed_days
FROM pg_stat_user_indexes s
JOIN pg_stat_user_tables t ON t.relid = s.relid
JOIN pg_index i ON i.indexrelid = s.indexrelid
JOIN pg_class c ON c.oid = s.indexrelid
JOIN pg_stat_database d ON d.datname = current_database()
WHERE i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisreplident
ORDER BY 4, 3 DESC
