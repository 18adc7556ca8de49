-- Roles that may do everything and may log in. The first one was made with the cluster.
SELECT format('%I', rolname) AS role, oid = 10 AS is_first,
       rolvaliduntil AS valid_until
FROM pg_roles
WHERE rolsuper AND rolcanlogin
ORDER BY 2 DESC, 1
