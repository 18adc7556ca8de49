-- How many of the connections that ordinary users may have are taken.
SELECT taken, allowed, round(100.0 * taken / greatest(allowed, 1), 1) AS taken_percent, idle, is_seen
FROM (SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS taken,
             count(*) FILTER (WHERE state = 'idle') AS idle,
             pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS is_seen,
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0) AS allowed
      FROM pg_stat_activity) counted
