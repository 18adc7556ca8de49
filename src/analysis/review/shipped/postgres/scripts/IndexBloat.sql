-- An estimate of how many pages B-tree indexes would have if they were built anew: an entry for each row, of its
-- columns' average width, 12 bytes of its own, leaves filled as declared. Equal values share their key since
-- PostgreSQL 13, so that an index may be smaller than this says: what is told as waste is rather too little.
WITH widths AS (
  SELECT i.indexrelid, n.nspname, t.relname AS table_name, c.relname, c.relpages, t.reltuples,
         coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 90)
           AS fill,
         count(*) AS column_count, count(s.attname) AS known_count,
         sum((1 - s.null_frac) * s.avg_width) AS key_width
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
  JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  CROSS JOIN LATERAL unnest(string_to_array(i.indkey::text, ' ')::smallint[]) AS key(number)
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = key.number
  LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
                      AND NOT s.inherited
  WHERE i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  GROUP BY i.indexrelid, n.nspname, t.relname, c.relname, c.relpages, t.reltuples, c.reloptions
), needed AS (
  SELECT w.*, current_setting('block_size')::int AS page,
         12 + 8 * ceil(coalesce(key_width, 0) / 8) AS entry_bytes
  FROM widths w
), pages AS (
  SELECT *, 2 + ceil(1.01 * greatest(reltuples, 0) / greatest(floor((page - 40) * fill / 100 / entry_bytes), 1))
           AS pages_needed
  FROM needed
)
SELECT format('%I.%I', nspname, table_name) AS "table",
       format('%I.%I', nspname, relname) AS "index",
       relpages::bigint * page AS index_bytes,
       (greatest(relpages - pages_needed, 0) * page)::bigint AS estimated_waste_bytes,
       round((CASE WHEN relpages = 0 THEN 0 ELSE 100 * greatest(relpages - pages_needed, 0) / relpages END)::numeric, 1)
         AS estimated_waste_percent,
       reltuples >= 0 AND known_count = column_count AS is_known
FROM pages
ORDER BY 6 DESC, 4 DESC
