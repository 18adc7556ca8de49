-- Pairs of indexes of one table of which one does what the other does. `is_identical`: the same columns, order,
-- operators and condition; else the columns of `index` are the first ones of `covered_by`. An index that holds a rule
-- is never the one to drop; of two that are equal the younger is. Expressions are compared as they are stored, without
-- their places in the statement: writing them as SQL would lock the table in newer versions.
WITH indexes AS (
  SELECT i.indexrelid AS id, i.indrelid AS table_id, n.nspname, c.relname, c.relpages, t.relname AS table_name, a.amname,
         i.indisunique AS is_unique, i.indnatts > i.indnkeyatts AS has_more,
         i.indisprimary OR i.indisexclusion OR i.indisreplident
           OR EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
           AS is_rule,
         i.indkey::text AS columns,
         (string_to_array(i.indkey::text, ' '))[1:i.indnkeyatts] AS keys, i.indnkeyatts AS key_count,
         string_to_array(i.indclass::text, ' ') AS classes,
         string_to_array(i.indcollation::text, ' ') AS collations,
         string_to_array(i.indoption::text, ' ') AS options,
         coalesce(regexp_replace(i.indexprs::text, ':location -?\d+', '', 'g'), '') AS expressions,
         coalesce(regexp_replace(i.indpred::text, ':location -?\d+', '', 'g'), '') AS condition
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_am a ON a.oid = c.relam
  WHERE c.relkind = 'i' AND i.indisvalid AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), pairs AS (
  SELECT a.*, b.relname AS other_name, b.id AS other_id,
         a.columns = b.columns AND a.key_count = b.key_count AS is_identical
  FROM indexes a
  JOIN indexes b ON b.table_id = a.table_id AND b.id <> a.id AND b.amname = a.amname AND b.condition = a.condition
   AND b.key_count >= a.key_count AND b.keys[1:a.key_count] = a.keys AND b.classes[1:a.key_count] = a.classes
   AND b.collations[1:a.key_count] = a.collations AND b.options[1:a.key_count] = a.options
  WHERE NOT a.is_rule
    AND CASE WHEN a.columns = b.columns AND a.key_count = b.key_count
             THEN a.expressions = b.expressions AND (b.is_unique OR NOT a.is_unique)
                  AND (b.is_rule OR (b.is_unique AND NOT a.is_unique) OR a.id > b.id)
             ELSE NOT a.is_unique AND NOT a.has_more AND a.expressions = '' AND b.expressions = ''
                  AND a.amname = 'btree' AND b.key_count > a.key_count END
)
SELECT format('%I.%I', nspname, table_name) AS "table",
       format('%I.%I', nspname, relname) AS "index",
       format('%I.%I', nspname, (array_agg(other_name ORDER BY is_identical DESC, other_id))[1]) AS covered_by,
       bool_or(is_identical) AS is_identical,
       relpages::bigint * current_setting('block_size')::int AS index_bytes
FROM pairs
GROUP BY nspname, table_name, relname, id, relpages
ORDER BY 4 DESC, 5 DESC
