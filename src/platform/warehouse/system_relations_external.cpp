// External schemas, their tables, columns and partitions; and what statements read of them. The tables of the database
// lake are those of the lake. Partitions that are found by their folders are known to nobody before they are read, so
// only those that were added are listed.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::vector<SystemSelect> external_relations() {
  return {
      {"pg_catalog", "svv_external_databases", R"sql(
SELECT CAST(1 AS INTEGER) AS eskind, database_name AS databasename, CAST(NULL AS VARCHAR) AS location,
  CAST(NULL AS VARCHAR) AS parameters
FROM (SELECT database_name FROM $engine.weir_catalog.external_databases UNION ALL SELECT 'lake')
)sql"},
      {"pg_catalog", "svv_external_schemas", R"sql(
SELECT CAST(n.oid AS BIGINT) AS esoid, CAST(1 AS SMALLINT) AS eskind, e.schema_name AS schemaname,
  CAST(n.owner AS INTEGER) AS esowner, e.database_name AS databasename,
  CASE WHEN e.role = '' THEN NULL ELSE CAST(json_object('IAM_ROLE', e.role) AS VARCHAR) END AS esoptions
FROM $engine.weir_catalog.external_schemas e JOIN lake.pg_catalog._weir_schemas n ON n.name = e.schema_name
)sql"},
      {"pg_catalog", "pg_external_schema", R"sql(
SELECT esoid, CAST(eskind AS INTEGER) AS eskind, databasename AS esdbname, esoptions
FROM lake.pg_catalog.svv_external_schemas
)sql"},
      {"pg_catalog", "_weir_external_tables", R"sql(
SELECT e.schema_name AS schemaname, t.table_name AS tablename, t.owner, CAST(t.definition AS JSON) AS definition,
  t.database_name
FROM $engine.weir_catalog.external_schemas e JOIN $engine.weir_catalog.external_tables t
  ON t.database_name = e.database_name
UNION ALL
SELECT e.schema_name, r.name, r.owner, NULL, 'lake'
FROM $engine.weir_catalog.external_schemas e JOIN lake.pg_catalog._weir_relations r ON r.place = 'lake'
WHERE e.database_name = 'lake' AND r.name NOT LIKE 'weir\_%' ESCAPE '\'
)sql"},
      {"pg_catalog", "_weir_external_formats", R"sql(
SELECT t.schemaname, t.tablename, t.database_name, t.definition->>'location' AS location,
  CASE WHEN t.definition->>'format' = 'parquet' OR t.definition IS NULL
    THEN 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
    ELSE 'org.apache.hadoop.mapred.TextInputFormat' END AS input_format,
  CASE WHEN t.definition->>'format' = 'parquet' OR t.definition IS NULL
    THEN 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
    ELSE 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' END AS output_format,
  CASE WHEN coalesce(t.definition->>'serde', '') <> '' THEN t.definition->>'serde'
    WHEN t.definition->>'format' = 'parquet' OR t.definition IS NULL
      THEN 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
    ELSE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' END AS serialization_lib,
  CASE WHEN t.definition->>'delimiter' IS NULL THEN '{}' ELSE
    CAST(json_object('field.delim', t.definition->>'delimiter') AS VARCHAR) END AS serde_parameters,
  CAST(CASE t.definition->>'compression' WHEN 'gzip' THEN 1 ELSE 0 END AS INTEGER) AS compressed,
  coalesce(CAST(t.definition->'properties' AS VARCHAR), '{}') AS parameters
FROM lake.pg_catalog._weir_external_tables t
)sql"},
      {"pg_catalog", "svv_external_tables", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS redshift_database_name, schemaname, tablename,
  'EXTERNAL TABLE' AS tabletype, location, input_format, output_format, serialization_lib, serde_parameters,
  compressed, parameters
FROM lake.pg_catalog._weir_external_formats
)sql"},
      {"pg_catalog", "svv_external_columns", R"sql(
WITH listed AS (
  SELECT schemaname, tablename, unnest(from_json(definition->'columns', '[{"name":"VARCHAR","shown":"VARCHAR"}]')) AS c,
    generate_subscripts(from_json(definition->'columns', '["JSON"]'), 1) AS number, 0 AS part_key
  FROM lake.pg_catalog._weir_external_tables WHERE definition IS NOT NULL
  UNION ALL
  SELECT schemaname, tablename,
    unnest(from_json(definition->'partition_columns', '[{"name":"VARCHAR","shown":"VARCHAR"}]')) AS c,
    json_array_length(definition->'columns') +
      generate_subscripts(from_json(definition->'partition_columns', '["JSON"]'), 1) AS number,
    generate_subscripts(from_json(definition->'partition_columns', '["JSON"]'), 1) AS part_key
  FROM lake.pg_catalog._weir_external_tables WHERE json_array_length(definition->'partition_columns') > 0)
SELECT coalesce(weir_word('current_database', ''), 'weir') AS redshift_database_name, schemaname, tablename,
  c.name AS columnname, replace(replace(c.shown, 'character varying', 'varchar'), 'character', 'char') AS external_type,
  CAST(number AS INTEGER) AS columnnum, CAST(part_key AS INTEGER) AS part_key, 'unknown' AS is_nullable
FROM listed
UNION ALL
SELECT coalesce(weir_word('current_database', ''), 'weir'), t.schemaname, t.tablename, c.name, c.shown,
  CAST(c.number AS INTEGER), CAST(0 AS INTEGER), 'unknown'
FROM lake.pg_catalog._weir_external_tables t JOIN lake.pg_catalog._weir_relations r
  ON r.place = 'lake' AND r.name = t.tablename JOIN lake.pg_catalog._weir_columns c ON c.oid = r.oid
WHERE t.database_name = 'lake'
)sql"},
      {"pg_catalog", "svv_external_partitions", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS redshift_database_name, f.schemaname, f.tablename,
  p.partition_values AS "values", p.location, f.input_format, f.output_format, f.serialization_lib,
  f.serde_parameters, f.compressed, f.parameters
FROM lake.pg_catalog._weir_external_formats f JOIN $engine.weir_catalog.external_partitions p
  ON p.database_name = f.database_name AND p.table_name = f.tablename
)sql"},
      {"pg_catalog", "_weir_external_scans", R"sql(
SELECT CAST(s.user_id AS INTEGER) AS userid, s.query, s.process_id, s."at" AS began, s.table_name, s.format, s.files,
  s.bytes, s.largest, s.is_partitioned, s.partitions, s.partitions_read, q.endtime, q.aborted,
  row_number() OVER (PARTITION BY s.query ORDER BY s."at") - 1 AS segment
FROM lake.internal.weir_external_scans s LEFT JOIN lake.pg_catalog.stl_query q ON q.query = s.query
WHERE weir_word('sees_all', '') = 'true' OR s.user_name = weir_word('login_name', '')
)sql"},
      {"pg_catalog", "svl_s3query_summary", R"sql(
SELECT userid, CAST(query AS INTEGER) AS query, CAST(query AS BIGINT) AS xid, CAST(process_id AS INTEGER) AS pid,
  CAST(segment AS INTEGER) AS segment, CAST(0 AS INTEGER) AS step, began AS starttime, endtime,
  CAST(date_diff('microsecond', began, endtime) AS BIGINT) AS elapsed, CAST(coalesce(aborted, 0) AS INTEGER) AS aborted,
  'S3 Scan ' || table_name AS external_table_name, format AS file_format,
  CASE WHEN is_partitioned THEN 't' ELSE 'f' END AS is_partitioned, 'f' AS is_rrscan, 'f' AS is_nested,
  CAST(NULL AS BIGINT) AS s3_scanned_rows, bytes AS s3_scanned_bytes, CAST(NULL AS BIGINT) AS s3query_returned_rows,
  CAST(NULL AS BIGINT) AS s3query_returned_bytes, CAST(files AS INTEGER) AS files, CAST(files AS INTEGER) AS files_max,
  CAST(files AS INTEGER) AS files_avg, CAST(NULL AS BIGINT) AS splits, CAST(NULL AS BIGINT) AS splits_max,
  CAST(NULL AS BIGINT) AS splits_avg, CAST(NULL AS BIGINT) AS total_split_size, CAST(NULL AS BIGINT) AS max_split_size,
  CAST(NULL AS BIGINT) AS avg_split_size, CAST(0 AS INTEGER) AS total_retries, CAST(0 AS INTEGER) AS max_retries,
  CAST(NULL AS INTEGER) AS max_request_duration, CAST(NULL AS DOUBLE) AS avg_request_duration,
  CAST(NULL AS INTEGER) AS max_request_parallelism, CAST(NULL AS DOUBLE) AS avg_request_parallelism,
  CAST(0 AS INTEGER) AS total_slowdown_count, CAST(0 AS INTEGER) AS max_slowdown_count
FROM lake.pg_catalog._weir_external_scans
)sql"},
      {"pg_catalog", "svl_s3partition", R"sql(
SELECT CAST(query AS INTEGER) AS query, CAST(segment AS INTEGER) AS segment, CAST(0 AS INTEGER) AS node,
  CAST(0 AS INTEGER) AS slice, began AS starttime, endtime,
  CAST(date_diff('microsecond', began, endtime) AS BIGINT) AS duration, CAST(partitions AS INTEGER) AS total_partitions,
  CAST(partitions_read AS INTEGER) AS qualified_partitions, CAST(partitions_read AS INTEGER) AS assigned_partitions,
  'P' AS assignment
FROM lake.pg_catalog._weir_external_scans WHERE is_partitioned
)sql"},
  };
}

}  // namespace weir::warehouse
