-- Indexes that no statement may use. One that is being built at this moment is none of them.
SELECT format('%I.%I', n.nspname, t.relname) AS "table",
       format('%I.%I', n.nspname, c.relname) AS "index",
       i.indisunique AS is_unique,
       i.indisready AS is_written,
       c.relpages::bigint * current_setting('block_size')::int AS index_bytes,
       i.indisvalid AND i.indisready AS is_valid
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'i' AND n.nspname !~ '^pg_(temp|toast_temp|catalog)' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
ORDER BY 6, 5 DESC
