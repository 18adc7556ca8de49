// What ran, runs and is connected: from the statement log and the sessions that are open. One who is no superuser sees
// their own, unless they have SYSLOG ACCESS UNRESTRICTED.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::vector<SystemSelect> history_relations() {
  return {
      {"pg_catalog", "_weir_statements", R"sql(
SELECT CAST(user_id AS INTEGER) AS userid, CAST(number AS BIGINT) AS query, coalesce(label, 'default') AS label,
  CAST(number AS BIGINT) AS xid, CAST(process_id AS INTEGER) AS pid, database, sql, user_name, client, state,
    started_at,
  ended_at, elapsed_us, rows, error, error_code, queued_us, cpu_us, bytes, peer, application,
  CASE WHEN regexp_matches(upper(trim(sql)),
    '^(SELECT|WITH|VALUES|INSERT|UPDATE|DELETE|MERGE|COPY|UNLOAD|FETCH|EXPLAIN)')
    THEN 'QUERY' WHEN regexp_matches(upper(trim(sql)), '^(CREATE|ALTER|DROP|TRUNCATE|GRANT|REVOKE|COMMENT)') THEN 'DDL'
    ELSE 'UTILITY' END AS type
FROM lake.internal.weir_statement_facts
WHERE weir_word('sees_all', '') = 'true' OR user_name = weir_word('login_name', '')
)sql"},
      {"pg_catalog", "stl_query", R"sql(
SELECT userid, query, label, xid, pid, database, substr(sql, 1, 4000) AS querytxt, started_at AS starttime,
  ended_at AS endtime, CASE WHEN state IN ('cancelled', 'timed_out', 'failed') THEN 1 ELSE 0 END AS aborted,
  CAST(0 AS INTEGER) AS insert_pristine, CAST(0 AS INTEGER) AS concurrency_scaling_status
FROM lake.pg_catalog._weir_statements WHERE ended_at IS NOT NULL AND type = 'QUERY'
)sql"},
      {"pg_catalog", "stl_querytext", R"sql(
WITH parts AS (SELECT *, range(0, greatest(1, CAST(ceil(length(sql) / 200) AS BIGINT))) AS pieces
  FROM lake.pg_catalog._weir_statements WHERE type = 'QUERY'),
cut AS (SELECT *, unnest(pieces) AS piece FROM parts)
SELECT userid, xid, pid, query, CAST(piece AS INTEGER) AS sequence, substr(sql, piece * 200 + 1, 200) AS "text" FROM cut
)sql"},
      {"pg_catalog", "svl_statementtext", R"sql(
WITH parts AS (SELECT *, range(0, greatest(1, CAST(ceil(length(sql) / 200) AS BIGINT))) AS pieces
  FROM lake.pg_catalog._weir_statements WHERE ended_at IS NOT NULL),
cut AS (SELECT *, unnest(pieces) AS piece FROM parts)
SELECT userid, xid, pid, label, started_at AS starttime, ended_at AS endtime, CAST(piece AS INTEGER) AS sequence, type,
  substr(sql, piece * 200 + 1, 200) AS "text" FROM cut
)sql"},
      {"pg_catalog", "stl_utilitytext", R"sql(
SELECT userid, xid, pid, label, starttime, endtime, sequence, "text" FROM lake.pg_catalog.svl_statementtext
WHERE type = 'UTILITY'
)sql"},
      {"pg_catalog", "stl_ddltext", R"sql(
SELECT userid, xid, pid, label, starttime, endtime, sequence, "text" FROM lake.pg_catalog.svl_statementtext
WHERE type = 'DDL'
)sql"},
      {"pg_catalog", "svl_qlog", R"sql(
SELECT userid, query, xid, pid, started_at AS starttime, ended_at AS endtime, elapsed_us AS elapsed,
  CASE WHEN state IN ('cancelled', 'timed_out', 'failed') THEN 1 ELSE 0 END AS aborted, label,
  substr(sql, 1, 60) AS substring, CAST(NULL AS BIGINT) AS source_query, CAST(0 AS INTEGER) AS
  concurrency_scaling_status, CAST(0 AS INTEGER) AS from_sp_call
FROM lake.pg_catalog._weir_statements WHERE ended_at IS NOT NULL AND type = 'QUERY'
)sql"},
      {"pg_catalog", "stl_wlm_query", R"sql(
SELECT userid, xid, CAST(query AS INTEGER) AS task, query, CAST(100 AS INTEGER) AS service_class, CAST(1 AS INTEGER) AS
  slot_count, started_at AS service_class_start_time, started_at AS queue_start_time, started_at + to_microseconds(
  queued_us) AS queue_end_time, queued_us AS total_queue_time, started_at + to_microseconds(queued_us) AS
  exec_start_time, ended_at AS exec_end_time, elapsed_us - queued_us AS total_exec_time, ended_at AS
  service_class_end_time, CASE state WHEN 'done' THEN 'Completed' ELSE 'Evicted' END AS final_state,
  0 AS est_peak_mem, 'Normal' AS query_priority, 'Default queue' AS service_class_name
FROM lake.pg_catalog._weir_statements WHERE ended_at IS NOT NULL
)sql"},
      {"pg_catalog", "stl_error", R"sql(
SELECT userid, 'weir' AS process, ended_at AS recordtime, pid, CAST(NULL AS INTEGER) AS errcode, CAST(NULL AS VARCHAR)
  AS file, CAST(NULL AS INTEGER) AS linenum, error_code AS context, error
FROM lake.pg_catalog._weir_statements WHERE error IS NOT NULL
)sql"},
      {"pg_catalog", "stl_load_errors", R"sql(
SELECT CAST(user_id AS INTEGER) AS userid, CAST(0 AS INTEGER) AS slice, CAST(NULL AS INTEGER) AS tbl, "at" AS starttime,
  CAST(process_id AS INTEGER) AS session, CAST(query AS INTEGER) AS query, file AS filename, line AS line_number,
  column_name AS colname, type, CAST(NULL AS VARCHAR) AS col_length, CAST(0 AS INTEGER) AS position, raw_line,
  CASE WHEN file = 'stdin' AND column_name <> '' THEN raw_line END AS raw_field_value, CAST(NULL AS INTEGER) AS
  err_code, reason AS err_reason, CAST(0 AS INTEGER) AS is_partial, CAST(0 AS BIGINT) AS start_offset,
  CAST(NULL AS BIGINT) AS copy_job_id
FROM lake.main.weir_load_errors
WHERE weir_word('sees_all', '') = 'true' OR user_name = weir_word('login_name', '')
)sql"},
      {"pg_catalog", "stl_load_commits", R"sql(
SELECT CAST(user_id AS INTEGER) AS userid, CAST(query AS INTEGER) AS query, CAST(0 AS INTEGER) AS slice, table_name AS
  name, file AS filename, CAST(0 AS INTEGER) AS byte_offset, CAST(NULL AS INTEGER) AS lines_scanned, CAST(NULL AS
  INTEGER) AS errors, "at" AS curtime, CAST(1 AS INTEGER) AS status, CAST(NULL AS VARCHAR) AS file_format, CAST(0 AS
  INTEGER) AS is_partial, CAST(0 AS BIGINT) AS start_offset, CAST(NULL AS BIGINT) AS copy_job_id
FROM lake.main.weir_loaded_files
WHERE weir_word('sees_all', '') = 'true' OR user_name = weir_word('login_name', '')
)sql"},
      {"pg_catalog", "stl_unload_log", R"sql(
SELECT CAST(user_id AS INTEGER) AS userid, CAST(query AS INTEGER) AS query, CAST(0 AS INTEGER) AS slice,
  CAST(process_id AS INTEGER) AS pid, file AS path, began_at AS start_time, "at" AS end_time, rows AS line_count,
  bytes AS transfer_size, format AS file_format
FROM lake.main.weir_unloaded_files
WHERE weir_word('sees_all', '') = 'true' OR user_name = weir_word('login_name', '')
)sql"},
      {"pg_catalog", "svl_mv_refresh_status", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS db_name, user_id AS userid, schema_name, name AS mv_name,
  query AS xid, began_at AS starttime, ended_at AS endtime,
  CASE WHEN error = '' THEN 'Refresh successfully recomputed MV from scratch' ELSE 'Refresh failed: ' || error END AS
  status, CASE WHEN is_automatic THEN 'Auto' ELSE 'Manual' END AS refresh_type, query AS query_id
FROM lake.internal.weir_view_refreshes
WHERE weir_word('sees_all', '') = 'true' OR pg_get_userbyid(user_id) = weir_word('login_name', '')
)sql"},
      {"pg_catalog", "stl_connection_log", R"sql(
SELECT event, "at" AS recordtime, peer AS remotehost, CAST(NULL AS VARCHAR) AS remoteport, CAST(process_id AS INTEGER)
  AS pid, database AS dbname, user_name AS username, way AS authmethod, duration_us AS duration, tls AS sslversion,
  CAST(NULL AS VARCHAR) AS sslcipher, CAST(NULL AS INTEGER) AS mtu, CAST(NULL AS VARCHAR) AS sslcompression,
  CAST(NULL AS VARCHAR) AS sslexpansion, CAST(NULL AS VARCHAR) AS iamauthguid, application AS application_name,
  CAST(NULL AS VARCHAR) AS driver_version, CAST(NULL AS VARCHAR) AS os_version, CAST(NULL AS VARCHAR) AS plugin_name,
  CAST(NULL AS INTEGER) AS protocol_version, CAST(NULL AS VARCHAR) AS sessionid, CAST(NULL AS VARCHAR) AS compression
FROM lake.internal.weir_connection_facts WHERE weir_word('sees_all', '') = 'true'
  AND event IN ('authenticated', 'authentication failure', 'disconnecting session')
)sql"},
      {"pg_catalog", "sys_statement_usage", R"sql(
SELECT user_name, label AS query_tag, count(*) AS statements, count(*) FILTER (WHERE error IS NOT NULL) AS failed,
  sum(elapsed_us) / 1e6 AS elapsed_seconds, sum(queued_us) / 1e6 AS queued_seconds, sum(cpu_us) / 1e6 AS cpu_seconds,
  CAST(sum(rows) AS BIGINT) AS rows, CAST(sum(bytes) AS BIGINT) AS bytes, min(started_at) AS first_at,
  max(started_at) AS last_at
FROM lake.pg_catalog._weir_statements WHERE ended_at IS NOT NULL GROUP BY 1, 2
)sql"},
      {"pg_catalog", "stv_inflight", R"sql(
SELECT userid, CAST(0 AS INTEGER) AS slice, query, label, xid, pid, started_at AS starttime, substr(sql, 1, 100) AS
  "text", CAST(0 AS INTEGER) AS suspended, CAST(0 AS INTEGER) AS insert_pristine, CAST(0 AS INTEGER) AS
  concurrency_scaling_status
FROM lake.pg_catalog._weir_statements WHERE state = 'running'
)sql"},
      {"pg_catalog", "stv_recents", R"sql(
SELECT userid, CASE WHEN ended_at IS NULL THEN 'Running' ELSE 'Done' END AS status, started_at AS starttime,
  elapsed_us AS duration, user_name, database AS db_name, substr(sql, 1, 600) AS query, pid
FROM lake.pg_catalog._weir_statements
)sql"},
      {"pg_catalog", "stv_wlm_query_state", R"sql(
SELECT xid, CAST(query AS INTEGER) AS task, query, CAST(100 AS INTEGER) AS service_class, CAST(1 AS INTEGER) AS
  slot_count, started_at AS wlm_start_time, CASE state WHEN 'waiting' THEN 'QueuedWaiting' ELSE 'Running' END AS state,
  CASE WHEN state = 'waiting' THEN elapsed_us ELSE 0 END AS queue_time,
  CASE WHEN state = 'running' THEN elapsed_us ELSE 0 END AS exec_time, 'Normal' AS query_priority
FROM lake.pg_catalog._weir_statements WHERE ended_at IS NULL
)sql"},
      {"pg_catalog", "stv_sessions", R"sql(
SELECT started_at AS starttime, CAST(process_id AS INTEGER) AS process, user_name, database AS db_name,
  CAST(0 AS INTEGER) AS timeout_sec
FROM lake.internal.weir_sessions
WHERE weir_word('sees_all', '') = 'true' OR user_name = weir_word('login_name', '')
)sql"},
  };
}

}  // namespace weir::warehouse
