-- The tables of this database whose rows were frozen longest ago, beside the age at which autovacuum is forced.
SELECT format('%I.%I', n.nspname, c.relname) AS "table",
       age(c.relfrozenxid) AS transaction_age,
       current_setting('autovacuum_freeze_max_age')::bigint AS forced_vacuum_at,
       c.relpages::bigint * current_setting('block_size')::int AS table_bytes
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0'::xid AND n.nspname !~ '^pg_(temp|toast_temp)'
ORDER BY 2 DESC
LIMIT 1000
