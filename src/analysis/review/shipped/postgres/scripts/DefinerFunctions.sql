-- Functions that run with the rights of their owner, and whether they fix where names are looked for. Those of
-- extensions are their makers' affair.
SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS function,
       pg_get_userbyid(p.proowner) AS owner,
       coalesce(array_to_string(p.proconfig, ', '), '') AS settings,
       EXISTS (SELECT FROM unnest(p.proconfig) AS one(setting) WHERE one.setting ILIKE 'search_path=%') AS has_path
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 4, 1
