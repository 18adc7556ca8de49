-- Tables, and whether something tells their rows apart: a primary key, or a unique index without nulls that is the
-- replica identity. Tables that belong to extensions and parts of partitioned tables are not asked.
SELECT format('%I.%I', n.nspname, c.relname) AS "table",
       greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0) AS table_rows,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident)) AS has_key
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 3, 2 DESC
