-- Sessions that wait for a lock, and the sessions that hold it.
SELECT a.pid, a.usename AS "user", a.datname AS "database",
       extract(epoch FROM now() - a.query_start)::bigint AS waiting_seconds,
       left(a.query, 200) AS statement,
       b.pid AS blocking_pid, b.usename AS blocking_user, b.state AS blocking_state,
       extract(epoch FROM now() - b.xact_start)::bigint AS blocking_open_seconds,
       left(b.query, 200) AS blocking_last_statement
FROM pg_stat_activity a
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS blocking(pid)
LEFT JOIN pg_stat_activity b ON b.pid = blocking.pid
WHERE a.wait_event_type = 'Lock'
ORDER BY 4 DESC
