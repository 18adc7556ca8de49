-- Transactions that are open now, oldest first. As long as one is, VACUUM removes no row that it might still see.
SELECT a.pid, a.usename AS "user", a.datname AS "database", a.application_name AS application, a.state,
       a.state IN ('idle in transaction', 'idle in transaction (aborted)') AS is_idle,
       extract(epoch FROM now() - a.xact_start)::bigint AS open_seconds,
       extract(epoch FROM now() - a.state_change)::bigint AS in_state_seconds,
       coalesce(age(a.backend_xmin), 0) AS holds_transactions,
       left(a.query, 200) AS last_statement
FROM pg_stat_activity a
WHERE a.backend_type = 'client backend' AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()
ORDER BY a.xact_start
