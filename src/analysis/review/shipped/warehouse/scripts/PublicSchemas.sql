SELECT QUOTE_IDENT(TRIM(namespace_name)) AS schema_name, TRIM(privilege_type) AS privilege_type
FROM svv_schema_privileges
WHERE identity_type = 'public' AND namespace_name NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2
