-- Triggers, those behind foreign keys among them, and whether they are on.
SELECT format('%I.%I', n.nspname, c.relname) AS "table",
       format('%I', t.tgname) AS trigger,
       coalesce(quote_ident(k.conname), '') AS foreign_key,
       t.tgisinternal AS is_of_constraint,
       t.tgenabled <> 'D' AS is_on
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 5, 1, 2
