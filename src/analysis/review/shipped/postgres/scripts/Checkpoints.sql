-- Checkpoints since the statistics were begun: on time, or asked for because the write-ahead log reached max_wal_size.
-- PostgreSQL 17 counts them in another view; a view that is not there cannot stand in a statement, so the one that is
-- gets asked by its text.
WITH counted AS (
  SELECT query_to_xml(CASE WHEN current_setting('server_version_num')::int >= 170000
           THEN 'SELECT num_timed AS timed, num_requested AS requested, extract(epoch FROM now() - stats_reset)::bigint '
                'AS seconds FROM pg_stat_checkpointer'
           ELSE 'SELECT checkpoints_timed AS timed, checkpoints_req AS requested, extract(epoch FROM now() - '
                'stats_reset)::bigint AS seconds FROM pg_stat_bgwriter' END, true, true, '')::text AS answer
), numbers AS (
  SELECT substring(answer FROM '<timed>(\d+)</timed>')::bigint AS timed,
         substring(answer FROM '<requested>(\d+)</requested>')::bigint AS requested,
         substring(answer FROM '<seconds>(\d+)</seconds>')::bigint AS seconds
  FROM counted
)
SELECT timed, requested,
       round(100.0 * requested / greatest(timed + requested, 1), 1) AS requested_percent,
       round(seconds / 86400.0, 2) AS observed_days,
       seconds / greatest(timed + requested, 1) AS seconds_between,
       current_setting('max_wal_size') AS max_wal_size,
       current_setting('checkpoint_timeout') AS checkpoint_timeout
FROM numbers
