-- Tables whose rows are in no write-ahead log: after a crash they are empty, and a standby never has them.
SELECT format('%I.%I', n.nspname, c.relname) AS "table",
       c.relpages::bigint * current_setting('block_size')::int AS table_bytes,
       c.relpersistence = 'u' AS is_unlogged
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 3 DESC, 2 DESC
