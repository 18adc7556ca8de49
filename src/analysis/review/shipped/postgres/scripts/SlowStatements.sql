-- The statements of this database that take most of the time, as pg_stat_statements counts them. Its columns have
-- other names before PostgreSQL 13, so rows are read as JSON.
WITH statements AS (
  SELECT to_jsonb(s) AS one
  FROM pg_stat_statements s
  WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
), timed AS (
  SELECT (one->>'calls')::bigint AS calls, (one->>'rows')::bigint AS rows,
         coalesce(one->>'total_exec_time', one->>'total_time')::numeric AS total_ms,
         one->>'query' AS query
  FROM statements
)
SELECT left(query, 300) AS statement, calls, rows, round(total_ms) AS total_ms,
       round(total_ms / greatest(calls, 1), 1) AS mean_ms,
       round(100 * total_ms / greatest(sum(total_ms) OVER (), 1), 1) AS share_percent
FROM timed
ORDER BY total_ms DESC
LIMIT 100
