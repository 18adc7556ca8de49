// Functions that people made; policies, what they are attached to. Columns as Redshift and PostgreSQL 15 have them.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::vector<SystemSelect> rights_relations() {
  return {
      {"pg_catalog", "_weir_functions", R"sql(
SELECT 16384 + CAST(md5_number_lower('function ' || schema_name || '.' || function_name || '(' || coalesce(attributes->>
    'signature', CAST(arguments AS VARCHAR)) || ')') % 2000000000 AS BIGINT) AS oid, schema_name, function_name AS name,
  CAST(arguments AS SMALLINT) AS count, owner, schema_name || '.' || function_name || '(' || coalesce(attributes->>
    'signature', CAST(arguments AS VARCHAR)) || ')' AS _weir_key,
  array_to_string(from_json(CAST(attributes AS JSON)->'shown', '["VARCHAR"]'), ', ') AS arguments,
  from_json(CAST(attributes AS JSON)->'types', '["VARCHAR"]') AS types, attributes->>'returns' AS return_type,
  attributes->>'returns_shown' AS returns, attributes->>'volatility' AS volatility, attributes->>'body' AS body
FROM $engine.weir_catalog.functions
)sql"},
      {"pg_catalog", "pg_proc", R"sql(
SELECT f.oid, CAST(1255 AS BIGINT) AS tableoid, f.name AS proname, n.oid AS pronamespace, CAST(f.owner AS BIGINT) AS
  proowner, CAST(14 AS BIGINT) AS prolang, CAST(100 AS FLOAT) AS procost, CAST(0 AS FLOAT) AS prorows,
  CAST(0 AS BIGINT) AS provariadic, CAST(NULL AS VARCHAR) AS prosupport, 'f' AS prokind, false AS prosecdef,
  false AS proleakproof, false AS proisstrict, false AS proretset, left(f.volatility, 1) AS provolatile,
  'u' AS proparallel, f.count AS pronargs, CAST(0 AS SMALLINT) AS pronargdefaults,
  coalesce((SELECT max(t.oid) FROM lake.pg_catalog._weir_types t WHERE t.engine = regexp_replace(f.return_type, '\(.*',
    '')), 25) AS prorettype,
  list_transform(f.types, lambda x: CAST(NULL AS BIGINT)) AS proargtypes, CAST(NULL AS BIGINT[]) AS proallargtypes,
  CAST(NULL AS VARCHAR[]) AS proargmodes, CAST(NULL AS VARCHAR[]) AS proargnames, CAST(NULL AS VARCHAR) AS
  proargdefaults, CAST(NULL AS BIGINT[]) AS protrftypes, f.body AS prosrc, CAST(NULL AS VARCHAR) AS probin,
  CAST(NULL AS VARCHAR) AS prosqlbody, CAST(NULL AS VARCHAR[]) AS proconfig, CAST(NULL AS VARCHAR[]) AS proacl,
  false AS proisagg
FROM lake.pg_catalog._weir_functions f JOIN lake.pg_catalog._weir_schemas n ON n.name = f.schema_name
)sql"},
      {"pg_catalog", "svv_redshift_functions", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS database_name, schema_name, name AS function_name,
  'REGULAR FUNCTION' AS function_type, arguments AS argument_type, returns AS result_type
FROM lake.pg_catalog._weir_functions
)sql"},
      {"pg_catalog", "svv_functions", R"sql(
SELECT database_name, schema_name, function_name, function_type, argument_type, result_type
FROM lake.pg_catalog.svv_redshift_functions
)sql"},
      {"pg_catalog", "_weir_policies", R"sql(
SELECT kind, name, pg_get_userbyid(modified_by) AS modified_by, CAST(modified_at AS TIMESTAMP) AS modified_at,
  CAST(attributes AS JSON) AS attributes, CAST(to_json(list_transform(from_json(CAST(attributes AS JSON)->'columns',
  '[{"name":"VARCHAR","shown":"VARCHAR"}]'), lambda x: {'colname': x.name, 'type': x.shown})) AS VARCHAR) AS
  _weir_columns
FROM $engine.weir_catalog.policies WHERE coalesce(weir_word('sees_policies', '') = 'true', true)
)sql"},
      {"pg_catalog", "_weir_attachments", R"sql(
SELECT a.*, coalesce(r.schema_name, a.schema_name) AS shown_schema, coalesce(r.relkind, 'r') AS relkind,
  pg_get_userbyid(a.grantor) AS grantor_name,
  CASE WHEN a.grantee = 0 THEN 'public' ELSE p.name END AS grantee_name,
  CASE WHEN a.grantee = 0 THEN 'public' ELSE p.kind END AS grantee_kind, s.is_on, s.conjunction
FROM $engine.weir_catalog.attachments a LEFT JOIN lake.pg_catalog._weir_relations r ON r.place = a.schema_name AND
  r.name = a.relation_name LEFT JOIN lake.internal.weir_people p ON p.id = a.grantee
  LEFT JOIN $engine.weir_catalog.row_security s ON s.schema_name = a.schema_name AND s.relation_name = a.relation_name
WHERE coalesce(weir_word('sees_policies', '') = 'true', true)
)sql"},
      {"pg_catalog", "svv_rls_policy", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS poldb, name AS polname, nullif(attributes->>'alias', '')
  AS polalias, _weir_columns AS polatts, attributes->>'written' AS polqual, true AS polenabled,
  modified_by AS polmodifiedby, modified_at AS polmodifiedtime
FROM lake.pg_catalog._weir_policies WHERE kind = 'rows'
)sql"},
      {"pg_catalog", "svv_rls_attached_policy", R"sql(
SELECT shown_schema AS relschema, relation_name AS relname, CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' ELSE
  'materialized view' END AS relkind, policy AS polname, grantor_name AS grantor, grantee_name AS grantee,
  grantee_kind AS granteekind, true AS is_pol_on, coalesce(is_on, false) AS is_rls_on,
  coalesce(conjunction, 'and') AS rls_conjunction_type
FROM lake.pg_catalog._weir_attachments WHERE kind = 'rows'
)sql"},
      {"pg_catalog", "svv_rls_applied_policy", R"sql(
SELECT a.user_name AS username, CAST(a.query AS INTEGER) AS query, CAST(a.query AS BIGINT) AS xid,
  CAST(a.process_id AS INTEGER) AS pid, a.at AS recordtime, a.command, a.database AS datname,
  CASE WHEN a.schema_name IN ('lake', 'main') THEN 'public' ELSE a.schema_name END AS relschema,
  a.relation_name AS relname, nullif(a.policy, '') AS polname, CASE WHEN a.policy = '' THEN 'f' END AS poldefault
FROM lake.internal.weir_applied_policies a WHERE weir_word('sees_applied_policies', '') = 'true'
)sql"},
      {"pg_catalog", "svv_rls_relation", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS datname, coalesce(r.schema_name, s.schema_name) AS
  relschema, s.relation_name AS relname,
  CASE coalesce(r.relkind, 'r') WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' ELSE 'materialized view' END AS relkind,
  s.is_on AS is_rls_on, false AS is_rls_datashare_on, s.conjunction AS rls_conjunction_type,
  CAST(NULL AS VARCHAR) AS rls_conjunction_type_datashare
FROM $engine.weir_catalog.row_security s LEFT JOIN lake.pg_catalog._weir_relations r ON r.place = s.schema_name AND
  r.name = s.relation_name WHERE coalesce(weir_word('sees_policies', '') = 'true', true)
)sql"},
      {"pg_catalog", "svv_masking_policy", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS policy_database, name AS policy_name,
  _weir_columns AS input_columns, attributes->>'written' AS policy_expression,
  modified_by AS policy_modified_by, modified_at AS policy_modified_time
FROM lake.pg_catalog._weir_policies WHERE kind = 'mask'
)sql"},
      {"pg_catalog", "svv_attached_masking_policy", R"sql(
SELECT policy AS policy_name, shown_schema AS schema_name, relation_name AS table_name, CASE relkind WHEN 'r' THEN
  'table' WHEN 'v' THEN 'view' ELSE 'materialized view' END AS table_type, grantor_name AS grantor,
  grantee_name AS grantee, grantee_kind AS grantee_type, CAST(priority AS INTEGER) AS priority,
  CAST(to_json(CASE WHEN len(input_names) = 0 THEN column_names ELSE input_names END) AS VARCHAR) AS input_columns,
  CAST(to_json(column_names) AS VARCHAR) AS output_columns
FROM lake.pg_catalog._weir_attachments WHERE kind = 'mask'
)sql"},
  };
}

}  // namespace weir::warehouse
