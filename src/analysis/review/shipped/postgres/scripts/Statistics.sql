-- When the planner's statistics of each table were made, and what has changed since.
SELECT format('%I.%I', s.schemaname, s.relname) AS "table",
       s.n_live_tup AS table_rows,
       s.n_mod_since_analyze AS rows_changed_since,
       greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze,
       greatest(s.last_analyze, s.last_autoanalyze) IS NULL AND c.reltuples <= 0 AS is_missing,
       (current_setting('autovacuum_analyze_threshold')::bigint
         + current_setting('autovacuum_analyze_scale_factor')::float8 * s.n_live_tup)::bigint AS analyze_due_at
FROM pg_stat_user_tables s
JOIN pg_class c ON c.oid = s.relid
ORDER BY 5 DESC, 3 DESC
