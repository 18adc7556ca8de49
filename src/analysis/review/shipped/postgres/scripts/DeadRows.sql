-- Rows that were deleted or replaced and still lie in their tables, beside the number at which autovacuum is due.
SELECT format('%I.%I', s.schemaname, s.relname) AS "table",
       s.n_live_tup AS live_rows,
       s.n_dead_tup AS dead_rows,
       (coalesce(own.base, current_setting('autovacuum_vacuum_threshold')::bigint)
         + coalesce(own.scale, current_setting('autovacuum_vacuum_scale_factor')::float8) * s.n_live_tup)::bigint
         AS vacuum_due_at,
       coalesce(own.is_on, true) AS autovacuum_is_on,
       greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum
FROM pg_stat_user_tables s
JOIN pg_class c ON c.oid = s.relid
CROSS JOIN LATERAL (
  SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::bigint AS base,
         max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float8 AS scale,
         bool_and(option_value::boolean) FILTER (WHERE option_name = 'autovacuum_enabled') AS is_on
  FROM pg_options_to_table(c.reloptions)
) own
ORDER BY s.n_dead_tup DESC
