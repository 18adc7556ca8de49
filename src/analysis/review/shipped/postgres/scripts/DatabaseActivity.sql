-- What the statistics of this database count since they were begun: reads, temporary files, deadlocks.
SELECT datname AS "database",
       round(observed_days::numeric, 2) AS observed_days,
       blks_read AS blocks_read,
       round((100.0 * blks_hit / greatest(blks_hit + blks_read, 1))::numeric, 1) AS cache_hit_percent,
       temp_files, temp_bytes,
       (temp_bytes / greatest(observed_days, 1))::bigint AS temp_bytes_per_day,
       deadlocks,
       round((deadlocks / greatest(observed_days, 1))::numeric, 2) AS deadlocks_per_day
FROM (SELECT d.*, extract(epoch FROM now() - coalesce(d.stats_reset, pg_postmaster_start_time()))::float8 / 86400
               AS observed_days
      FROM pg_stat_database d WHERE d.datname = current_database()) counted
