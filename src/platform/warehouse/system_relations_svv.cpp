// SVV_: Redshift's views of tables, columns, schemas, users and grants; and the few STV_ that describe the cluster.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::vector<SystemSelect> svv_relations() {
  return {
      {"pg_catalog", "svv_tables", R"sql(
SELECT table_catalog, table_schema, table_name, table_type, CAST(NULL AS VARCHAR) AS remarks
FROM lake.information_schema.tables
UNION ALL
SELECT redshift_database_name, schemaname, tablename, 'EXTERNAL TABLE', NULL FROM lake.pg_catalog.svv_external_tables
)sql"},
      {"pg_catalog", "svv_columns", R"sql(
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
  character_maximum_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision,
  interval_type, CAST(interval_precision AS VARCHAR) AS interval_precision, character_set_catalog, character_set_schema,
  character_set_name, collation_catalog, collation_schema, collation_name, domain_name, CAST(NULL AS VARCHAR) AS remarks
FROM lake.information_schema.columns
UNION ALL BY NAME
SELECT redshift_database_name AS table_catalog, schemaname AS table_schema, tablename AS table_name,
  columnname AS column_name, columnnum AS ordinal_position, 'YES' AS is_nullable, external_type AS data_type
FROM lake.pg_catalog.svv_external_columns
)sql"},
      {"pg_catalog", "svv_all_tables", R"sql(
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, CASE table_type WHEN 'BASE TABLE' THEN
  'TABLE' ELSE table_type END AS table_type, CAST(NULL AS VARCHAR) AS table_acl, CAST(NULL AS VARCHAR) AS remarks
FROM lake.information_schema.tables
UNION ALL
SELECT redshift_database_name, schemaname, tablename, 'EXTERNAL TABLE', NULL, NULL
FROM lake.pg_catalog.svv_external_tables
)sql"},
      {"pg_catalog", "svv_all_columns", R"sql(
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position,
  column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale,
  CAST(NULL AS VARCHAR) AS remarks
FROM lake.information_schema.columns
UNION ALL BY NAME
SELECT redshift_database_name AS database_name, schemaname AS schema_name, tablename AS table_name,
  columnname AS column_name, columnnum AS ordinal_position, 'YES' AS is_nullable, external_type AS data_type
FROM lake.pg_catalog.svv_external_columns
)sql"},
      {"pg_catalog", "svv_all_schemas", R"sql(
SELECT catalog_name AS database_name, schema_name, CAST(p.id AS INTEGER) AS schema_owner,
  CASE WHEN e.databasename IS NULL THEN 'local' ELSE 'external' END AS schema_type,
  CAST(NULL AS VARCHAR) AS schema_acl, e.databasename AS source_database, e.esoptions AS schema_option
FROM lake.information_schema.schemata LEFT JOIN lake.pg_catalog.svv_external_schemas e ON e.schemaname = schema_name
  LEFT JOIN lake.internal.weir_people p ON p.name = schema_owner AND p.is_user
)sql"},
      {"pg_catalog", "svv_redshift_databases", R"sql(
SELECT datname AS database_name, CAST(datdba AS INTEGER) AS database_owner, 'local' AS database_type,
  CAST(NULL AS VARCHAR) AS database_acl, CAST(NULL AS VARCHAR) AS database_options, 'Serializable' AS
  database_isolation_level
FROM lake.pg_catalog.pg_database
)sql"},
      {"pg_catalog", "svv_redshift_schemas", R"sql(
SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, schema_option
FROM lake.pg_catalog.svv_all_schemas WHERE schema_type = 'local'
)sql"},
      {"pg_catalog", "svv_redshift_tables", R"sql(
SELECT database_name, schema_name, table_name, table_type, table_acl, remarks,
  CAST(NULL AS VARCHAR) AS table_owner
FROM lake.pg_catalog.svv_all_tables WHERE table_type <> 'EXTERNAL TABLE'
)sql"},
      {"pg_catalog", "svv_redshift_columns", R"sql(
SELECT a.database_name, a.schema_name, a.table_name, a.column_name, a.ordinal_position, a.data_type, a.column_default,
  a.is_nullable, coalesce(d.encoding, 'none') AS encoding, coalesce(d.attisdistkey, false) AS distkey,
  coalesce(d.attsortkeyord, 0) AS sortkey, CAST(NULL AS VARCHAR) AS column_acl, a.remarks
FROM (
  SELECT c.* FROM lake.pg_catalog.svv_all_columns c ANTI JOIN lake.pg_catalog.svv_external_schemas e
  ON e.schemaname = c.schema_name) a LEFT JOIN (
  SELECT c.schema_name, c.relation_name, c.name, nullif(c.encoding, '') AS encoding, t.attisdistkey, t.attsortkeyord
  FROM lake.pg_catalog._weir_columns c JOIN lake.pg_catalog.pg_attribute t ON t.attrelid = c.oid AND
    t.attnum = c.number) d
  ON d.schema_name = a.schema_name AND d.relation_name = a.table_name AND d.name = a.column_name
)sql"},
      {"pg_catalog", "svv_table_info", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS "database", r.schema_name AS "schema",
  r.oid AS table_id, r.name AS "table", CASE WHEN EXISTS (SELECT 1 FROM lake.pg_catalog._weir_columns c
    WHERE c.oid = r.oid AND coalesce(c.encoding, '') NOT IN ('', 'raw', 'none')) THEN 'Y' ELSE 'N' END AS encoded,
  CASE r.attributes->>'diststyle' WHEN 'key' THEN 'KEY(' || (r.attributes->>'distkey') || ')' WHEN 'all' THEN 'ALL'
    WHEN 'even' THEN 'EVEN' ELSE 'AUTO(EVEN)' END AS diststyle,
  coalesce(r.attributes->>'$.sortkeys[0]', 'AUTO(SORTKEY)') AS sortkey1,
  (SELECT max(CASE WHEN c.typid = 1043 THEN CASE WHEN c.typmod > 4 THEN c.typmod - 4 ELSE 65535 END END)
   FROM lake.pg_catalog._weir_columns c WHERE c.oid = r.oid) AS max_varchar,
  CAST(NULL AS VARCHAR) AS sortkey1_enc, CAST(coalesce(json_array_length(r.attributes->'sortkeys'), 0) AS INTEGER) AS
  sortkey_num, CAST(NULL AS BIGINT) AS size, CAST(NULL AS DECIMAL(10,4)) AS pct_used, CAST(0 AS BIGINT) AS empty,
  CAST(0 AS DECIMAL(5,2)) AS unsorted, CAST(0 AS DECIMAL(5,2)) AS stats_off, CAST(r.row_count AS DECIMAL(38,0)) AS
  tbl_rows, CAST(NULL AS DECIMAL(19,2)) AS skew_sortkey1, CAST(NULL AS DECIMAL(19,2)) AS skew_rows,
  CAST(r.row_count AS DECIMAL(38,0)) AS estimated_visible_rows, CAST(NULL AS VARCHAR) AS risk_event,
  CAST(0 AS DECIMAL(12,2)) AS vacuum_sort_benefit, CAST(NULL AS TIMESTAMP) AS create_time
FROM lake.pg_catalog._weir_relations r WHERE r.relkind <> 'v'
)sql"},
      {"pg_catalog", "stv_tbl_perm", R"sql(
SELECT CAST(0 AS INTEGER) AS slice, r.oid AS id, r.name, CAST(r.row_count AS BIGINT) AS rows,
  CAST(r.row_count AS BIGINT) AS sorted_rows, CASE WHEN r.place = 'pg_temp' THEN 1 ELSE 0 END AS "temp",
  CAST(16384 AS BIGINT) AS db_id, CAST(0 AS BIGINT) AS insert_pristine, CAST(0 AS BIGINT) AS delete_pristine,
  CAST(1 AS INTEGER) AS backup, CAST(0 AS INTEGER) AS dist_style, CAST(0 AS INTEGER) AS block_count
FROM lake.pg_catalog._weir_relations r WHERE r.relkind <> 'v'
)sql"},
      {"pg_catalog", "stv_mv_info", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS db_name, schema_name AS "schema", name,
  CAST(NULL AS BIGINT) AS updated_upto_xid, CASE WHEN weir_word('mv_is_stale', place || chr(10) || name) = 'true' THEN
  't' ELSE 'f' END AS is_stale, pg_get_userbyid(owner) AS owner_user_name, CAST(0 AS INTEGER) AS state,
  'f' AS autorewrite, CASE WHEN attributes->>'auto_refresh' = 'true' THEN 't' ELSE 'f' END AS autorefresh
FROM lake.pg_catalog._weir_relations WHERE relkind = 'm'
)sql"},
      {"pg_catalog", "svv_mv_info", R"sql(
SELECT db_name AS database_name, "schema" AS schema_name, owner_user_name AS user_name, name, is_stale, state,
  autorewrite, autorefresh
FROM lake.pg_catalog.stv_mv_info
)sql"},
      {"pg_catalog", "svv_user_info", R"sql(
SELECT name AS user_name, CAST(id AS INTEGER) AS user_id, create_database AS createdb, superuser, superuser AS
  catalog_update, CASE WHEN connection_limit < 0 THEN 'UNLIMITED' ELSE CAST(connection_limit AS VARCHAR) END AS
  connection_limit, CASE WHEN syslog_unrestricted THEN 'UNRESTRICTED' ELSE 'RESTRICTED' END AS syslog_access,
  CAST(NULL AS INTEGER) AS last_ddl_timestamp, CAST(session_timeout AS INTEGER) AS session_timeout,
  CAST(NULL AS VARCHAR) AS external_user_id
FROM lake.internal.weir_people WHERE is_user
)sql"},
      {"pg_catalog", "svv_roles", R"sql(
SELECT CAST(r.id AS INTEGER) AS role_id, r.name AS role_name, pg_get_userbyid(r.owner) AS role_owner,
  CAST(NULL AS VARCHAR) AS external_id
FROM lake.internal.weir_people r WHERE r.kind = 'role'
)sql"},
      {"pg_catalog", "svv_user_grants", R"sql(
SELECT CAST(u.id AS INTEGER) AS user_id, u.name AS user_name, CAST(r.id AS INTEGER) AS role_id, r.name AS role_name,
  m.with_admin AS admin_option
FROM lake.internal.weir_memberships m JOIN lake.internal.weir_people u ON u.id = m.member AND u.is_user
  JOIN lake.internal.weir_people r ON r.id = m.role AND r.kind = 'role'
)sql"},
      {"pg_catalog", "svv_role_grants", R"sql(
SELECT CAST(u.id AS INTEGER) AS role_id, u.name AS role_name, CAST(r.id AS INTEGER) AS granted_role_id,
  r.name AS granted_role_name
FROM lake.internal.weir_memberships m JOIN lake.internal.weir_people u ON u.id = m.member AND NOT u.is_user
  JOIN lake.internal.weir_people r ON r.id = m.role
)sql"},
      {"pg_catalog", "svv_relation_privileges", R"sql(
SELECT r.schema_name AS namespace_name, r.name AS relation_name, upper(g.privilege) AS privilege_type,
  CAST(g.grantee AS INTEGER) AS identity_id, CASE WHEN g.grantee = 0 THEN 'public' ELSE p.name END AS identity_name,
  CASE WHEN g.grantee = 0 THEN 'public' ELSE p.kind END AS identity_type, g.with_option AS admin_option
FROM $engine.weir_catalog.grants g JOIN lake.pg_catalog._weir_relations r ON r.place = g.schema_name AND
  r.name = g.object_name LEFT JOIN lake.internal.weir_people p ON p.id = g.grantee
WHERE g.kind <> 'schema' AND g.column_name = ''
)sql"},
      {"pg_catalog", "svv_column_privileges", R"sql(
SELECT r.schema_name AS namespace_name, r.name AS relation_name, g.column_name, upper(g.privilege) AS privilege_type,
  CAST(g.grantee AS INTEGER) AS identity_id, CASE WHEN g.grantee = 0 THEN 'public' ELSE p.name END AS identity_name,
  CASE WHEN g.grantee = 0 THEN 'public' ELSE p.kind END AS identity_type
FROM $engine.weir_catalog.grants g JOIN lake.pg_catalog._weir_relations r ON r.place = g.schema_name AND
  r.name = g.object_name LEFT JOIN lake.internal.weir_people p ON p.id = g.grantee
WHERE g.kind <> 'schema' AND g.column_name <> ''
)sql"},
      {"pg_catalog", "svv_schema_privileges", R"sql(
SELECT g.schema_name AS namespace_name, upper(g.privilege) AS privilege_type, CAST(g.grantee AS INTEGER) AS identity_id,
  CASE WHEN g.grantee = 0 THEN 'public' ELSE p.name END AS identity_name,
  CASE WHEN g.grantee = 0 THEN 'public' ELSE p.kind END AS identity_type, g.with_option AS admin_option,
  'SCHEMA' AS privilege_scope
FROM $engine.weir_catalog.grants g LEFT JOIN lake.internal.weir_people p ON p.id = g.grantee
WHERE g.kind = 'schema' AND g.privilege <> 'no create'
)sql"},
      {"pg_catalog", "svv_default_privileges", R"sql(
SELECT nullif(d.schema_name, '') AS schema_name, 'RELATION' AS object_type, CAST(d.owner AS INTEGER) AS owner_id,
  o.name AS owner_name, 'user' AS owner_type, upper(d.privilege) AS privilege_type, CAST(d.grantee AS INTEGER) AS
  grantee_id, CASE WHEN d.grantee = 0 THEN 'public' ELSE p.name END AS grantee_name,
  CASE WHEN d.grantee = 0 THEN 'public' ELSE p.kind END AS grantee_type, d.with_option AS admin_option
FROM $engine.weir_catalog.default_grants d LEFT JOIN lake.internal.weir_people p ON p.id = d.grantee
  LEFT JOIN lake.internal.weir_people o ON o.id = d.owner
)sql"},
      {"pg_catalog", "stv_slices", R"sql(
SELECT CAST(0 AS INTEGER) AS node, CAST(0 AS INTEGER) AS slice, CAST(0 AS INTEGER) AS localslice, 'D' AS type
)sql"},
  };
}

}  // namespace weir::warehouse
