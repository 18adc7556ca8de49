-- An estimate of how many pages tables would have if their live rows were packed: rows as of the last VACUUM or
-- ANALYZE, times the average width that ANALYZE saw of each column, with each row's head (28 bytes with its pointer)
-- and padding. It is off where columns are stored out of line or statistics are old. Nothing is read of the tables.
WITH widths AS (
  SELECT c.oid, n.nspname, c.relname, c.relpages, c.reltuples,
         coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100)
           AS fill,
         count(*) AS column_count, count(s.attname) AS known_count,
         sum((1 - s.null_frac) * s.avg_width) AS row_width, bool_or(s.null_frac > 0) AS has_nulls
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                      AND NOT s.inherited
  WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  GROUP BY c.oid, n.nspname, c.relname, c.relpages, c.reltuples, c.reloptions
), needed AS (
  SELECT w.*, current_setting('block_size')::int AS page,
         28 + 8 * ceil((coalesce(row_width, 0) + CASE WHEN has_nulls THEN column_count / 8 + 1 ELSE 0 END) / 8) AS row_bytes
  FROM widths w
), pages AS (
  SELECT *, ceil(greatest(reltuples, 0) / greatest(floor((page - 24) * fill / 100 / row_bytes), 1)) AS pages_needed
  FROM needed
)
SELECT format('%I.%I', nspname, relname) AS "table",
       relpages::bigint * page AS table_bytes,
       (greatest(relpages - pages_needed, 0) * page)::bigint AS estimated_waste_bytes,
       round((CASE WHEN relpages = 0 THEN 0 ELSE 100 * greatest(relpages - pages_needed, 0) / relpages END)::numeric, 1)
         AS estimated_waste_percent,
       reltuples >= 0 AND known_count = column_count AS is_known
FROM pages
ORDER BY 5 DESC, 3 DESC
