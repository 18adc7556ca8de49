-- Sequences that end: how much of their numbers is used, counted to the sequence's own end or to that of the integer
-- column that it fills, whichever comes first.
WITH ends AS (
  SELECT n.nspname, c.relname, c.oid, s.seqincrement, s.seqmin,
         CASE WHEN a.attname IS NULL THEN '' ELSE format('%I.%I.%I', tn.nspname, t.relname, a.attname) END AS fills,
         coalesce(format_type(a.atttypid, NULL), '') AS column_type,
         CASE WHEN a.atttypid IN ('smallint'::regtype, 'integer'::regtype)
              THEN format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE bigint; ', tn.nspname, t.relname, a.attname) ELSE '' END
           || format('ALTER SEQUENCE %I.%I AS bigint NO MAXVALUE;', n.nspname, c.relname) AS mend,
         least(s.seqmax, CASE a.atttypid WHEN 'smallint'::regtype THEN 32767
                                         WHEN 'integer'::regtype THEN 2147483647 END) AS last_number
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
                       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  LEFT JOIN pg_class t ON t.oid = d.refobjid
  LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE NOT s.seqcycle AND s.seqincrement > 0 AND n.nspname !~ '^pg_(temp|toast)'
)
SELECT format('%I.%I', e.nspname, e.relname) AS "sequence",
       e.fills, e.column_type, q.last_value, e.last_number,
       round(100 * (coalesce(q.last_value, e.seqmin)::numeric - e.seqmin) / greatest(e.last_number::numeric - e.seqmin, 1), 1)
         AS used_percent,
       has_sequence_privilege(e.oid, 'USAGE, SELECT') AS is_seen,
       e.mend
FROM ends e
JOIN pg_sequences q ON q.schemaname = e.nspname AND q.sequencename = e.relname
ORDER BY 7, 6 DESC
