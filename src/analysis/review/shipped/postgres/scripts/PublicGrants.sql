-- What everybody may do who may connect: rights of PUBLIC on schemas and tables.
SELECT 'SCHEMA' AS kind, format('%I', n.nspname) AS name, g.privilege_type AS privilege,
       g.privilege_type = 'CREATE' AS is_creating, false AS is_writing
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
WHERE g.grantee = 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'TABLE', format('%I.%I', n.nspname, c.relname), g.privilege_type, false,
       g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g
WHERE g.grantee = 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2, 3
