SELECT QUOTE_IDENT(TRIM(namespace_name)) AS schema_name, QUOTE_IDENT(TRIM(relation_name)) AS relation_name, TRIM(privilege_type) AS privilege_type
FROM svv_relation_privileges
WHERE identity_type = 'public' AND namespace_name NOT IN ('pg_catalog', 'information_schema', 'pg_internal', 'pg_automv')
ORDER BY 1, 2, 3
