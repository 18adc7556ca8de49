-- Constraints, and whether the rows that were there before them were ever checked.
SELECT format('%I.%I', n.nspname, c.relname) AS "table",
       format('%I', k.conname) AS "constraint",
       pg_get_constraintdef(k.oid) AS definition,
       k.convalidated AS is_validated
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('c', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 4, 1, 2
