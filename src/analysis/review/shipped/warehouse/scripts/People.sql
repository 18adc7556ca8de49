SELECT QUOTE_IDENT(TRIM(usename)) AS user_name, CASE WHEN usesuper THEN 1 ELSE 0 END AS is_superuser,
  CASE WHEN valuntil IS NULL THEN 0 ELSE 1 END AS has_expiry
FROM pg_user
WHERE usename <> 'rdsdb'
ORDER BY 1
