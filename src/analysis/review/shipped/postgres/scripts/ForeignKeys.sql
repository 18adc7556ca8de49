-- Foreign keys, and whether an index of the referring table begins with their columns, in whatever order.
SELECT format('%I.%I', n.nspname, t.relname) AS "table",
       format('%I', k.conname) AS foreign_key,
       format('%I.%I', rn.nspname, r.relname) AS refers_to,
       keys.columns AS key_columns,
       greatest(t.reltuples::bigint, pg_stat_get_live_tuples(t.oid), 0) AS table_rows,
       EXISTS (SELECT FROM pg_index i
               WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                 AND i.indnkeyatts >= cardinality(k.conkey)
                 AND (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(k.conkey)] @> k.conkey)
         AS has_index
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_class r ON r.oid = k.confrelid
JOIN pg_namespace rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL (
  SELECT string_agg(format('%I', a.attname), ', ' ORDER BY place) AS columns
  FROM unnest(k.conkey) WITH ORDINALITY AS key(number, place)
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
) keys
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY 6, 5 DESC
