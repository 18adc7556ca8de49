// information_schema, as PostgreSQL 15 has it; of its relations, those that clients read.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::vector<SystemSelect> information_relations() {
  return {
      {"information_schema", "schemata", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS catalog_name, name AS schema_name,
  pg_get_userbyid(owner) AS schema_owner, CAST(NULL AS VARCHAR) AS default_character_set_catalog,
  CAST(NULL AS VARCHAR) AS default_character_set_schema, CAST(NULL AS VARCHAR) AS default_character_set_name,
  CAST(NULL AS VARCHAR) AS sql_path
FROM lake.pg_catalog._weir_schemas
)sql"},
      {"information_schema", "tables", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS table_catalog, schema_name AS table_schema,
  name AS table_name, CASE WHEN relkind <> 'r' THEN 'VIEW' WHEN place = 'pg_temp' THEN 'LOCAL TEMPORARY' ELSE
  'BASE TABLE' END AS table_type, CAST(NULL AS VARCHAR) AS self_referencing_column_name,
  CAST(NULL AS VARCHAR) AS reference_generation, CAST(NULL AS VARCHAR) AS user_defined_type_catalog,
  CAST(NULL AS VARCHAR) AS user_defined_type_schema, CAST(NULL AS VARCHAR) AS user_defined_type_name,
  CASE WHEN relkind = 'r' AND place <> 'lake' THEN 'YES' ELSE 'NO' END AS is_insertable_into, 'NO' AS is_typed,
  CAST(NULL AS VARCHAR) AS commit_action
FROM lake.pg_catalog._weir_relations WHERE coalesce(weir_word('sees', place || chr(10) || name) = 'true', true)
)sql"},
      {"information_schema", "columns", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS table_catalog, schema_name AS table_schema,
  relation_name AS table_name, name AS column_name, CAST(number AS INTEGER) AS ordinal_position,
  default_value AS column_default, CASE WHEN is_not_null THEN 'NO' ELSE 'YES' END AS is_nullable,
  CASE WHEN shown LIKE '%[]' THEN 'ARRAY' ELSE shown END AS data_type,
  CASE WHEN typid IN (1042, 1043) AND typmod > 4 THEN typmod - 4 END AS character_maximum_length,
  CASE WHEN typid IN (25, 1042, 1043) THEN CASE WHEN typmod > 4 THEN typmod - 4 ELSE 1073741824 END END AS
  character_octet_length,
  CAST(CASE typid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
    WHEN 1700 THEN CASE WHEN typmod > 4 THEN (typmod - 4) // 65536 END END AS INTEGER) AS numeric_precision,
  CAST(CASE WHEN typid IN (20, 21, 23, 700, 701) THEN 2 WHEN typid = 1700 THEN 10 END AS INTEGER) AS
  numeric_precision_radix,
  CAST(CASE WHEN typid IN (20, 21, 23) THEN 0 WHEN typid = 1700 AND typmod > 4 THEN (typmod - 4) % 65536 END AS INTEGER)
  AS numeric_scale,
  CAST(CASE WHEN typid = 1082 THEN 0 WHEN typid IN (1083, 1114, 1184, 1186, 1266) THEN 6 END AS INTEGER) AS
  datetime_precision, CAST(NULL AS VARCHAR) AS interval_type, CAST(NULL AS INTEGER) AS interval_precision,
  CAST(NULL AS VARCHAR) AS character_set_catalog, CAST(NULL AS VARCHAR) AS character_set_schema,
  CAST(NULL AS VARCHAR) AS character_set_name, CAST(NULL AS VARCHAR) AS collation_catalog,
  CAST(NULL AS VARCHAR) AS collation_schema, CAST(NULL AS VARCHAR) AS collation_name,
  CAST(NULL AS VARCHAR) AS domain_catalog, CAST(NULL AS VARCHAR) AS domain_schema, CAST(NULL AS VARCHAR) AS domain_name,
  coalesce(weir_word('current_database', ''), 'weir') AS udt_catalog, 'pg_catalog' AS udt_schema,
  CASE WHEN shown LIKE '%[]' THEN '_' || typname ELSE typname END AS udt_name, CAST(NULL AS VARCHAR) AS scope_catalog,
  CAST(NULL AS VARCHAR) AS scope_schema, CAST(NULL AS VARCHAR) AS scope_name,
  CAST(NULL AS INTEGER) AS maximum_cardinality, CAST(number AS VARCHAR) AS dtd_identifier,
  'NO' AS is_self_referencing, CASE WHEN is_identity THEN 'YES' ELSE 'NO' END AS is_identity,
  CASE WHEN is_identity THEN CASE WHEN identity->>2 = 'true' THEN 'BY DEFAULT' ELSE 'ALWAYS' END END AS
  identity_generation, identity->>0 AS identity_start, identity->>1 AS identity_increment,
  CAST(NULL AS VARCHAR) AS identity_maximum, CAST(NULL AS VARCHAR) AS identity_minimum,
  CASE WHEN is_identity THEN 'NO' END AS identity_cycle, 'NEVER' AS is_generated,
  CAST(NULL AS VARCHAR) AS generation_expression, CASE WHEN c.relkind = 'r' THEN 'YES' ELSE 'NO' END AS is_updatable
FROM (SELECT k.*, r.place FROM lake.pg_catalog._weir_columns k
  JOIN lake.pg_catalog._weir_relations r ON r.oid = k.oid) c
WHERE coalesce(weir_word('sees_column', c.place || chr(10) || c.relation_name || chr(10) || c.name) = 'true', true)
)sql"},
      {"information_schema", "views", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS table_catalog, schema_name AS table_schema,
  name AS table_name, CASE WHEN coalesce(weir_word('may', chr(10) || 'alter' || chr(10) || place || chr(10) || name)
    = 'true', true) THEN attributes->>'definition' END AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable,
  'NO' AS is_insertable_into, 'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable,
  'NO' AS is_trigger_insertable_into
FROM lake.pg_catalog._weir_relations WHERE relkind <> 'r'
  AND coalesce(weir_word('sees', place || chr(10) || name) = 'true', true)
)sql"},
      {"information_schema", "table_constraints", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS constraint_catalog, schema_name AS constraint_schema,
  name AS constraint_name, coalesce(weir_word('current_database', ''), 'weir') AS table_catalog,
  schema_name AS table_schema, relation_name AS table_name, upper(kind) AS constraint_type, 'NO' AS is_deferrable,
  'NO' AS initially_deferred, 'NO' AS enforced, CASE WHEN kind = 'unique' THEN 'YES' END AS nulls_distinct
FROM lake.pg_catalog._weir_constraints
)sql"},
      {"information_schema", "key_column_usage", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS constraint_catalog, schema_name AS constraint_schema,
  name AS constraint_name, coalesce(weir_word('current_database', ''), 'weir') AS table_catalog,
  schema_name AS table_schema, relation_name AS table_name, unnest(columns) AS column_name,
  CAST(generate_subscripts(columns, 1) AS INTEGER) AS ordinal_position,
  CASE WHEN kind = 'foreign key' THEN CAST(generate_subscripts(columns, 1) AS INTEGER) END AS
  position_in_unique_constraint
FROM lake.pg_catalog._weir_constraints
)sql"},
      {"information_schema", "referential_constraints", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS constraint_catalog, c.schema_name AS constraint_schema,
  c.name AS constraint_name, coalesce(weir_word('current_database', ''), 'weir') AS unique_constraint_catalog,
  t.schema_name AS unique_constraint_schema, t.name AS unique_constraint_name, 'NONE' AS match_option,
  'NO ACTION' AS update_rule, 'NO ACTION' AS delete_rule
FROM lake.pg_catalog._weir_constraints c LEFT JOIN lake.pg_catalog._weir_constraints t
  ON t.relation = c.target_oid AND t.kind <> 'foreign key'
WHERE c.kind = 'foreign key'
)sql"},
      {"information_schema", "constraint_column_usage", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS table_catalog,
  CASE WHEN kind = 'foreign key' THEN coalesce(nullif(target[1], ''), schema_name) ELSE schema_name END AS table_schema,
  CASE WHEN kind = 'foreign key' THEN target[2] ELSE relation_name END AS table_name,
  unnest(CASE WHEN kind = 'foreign key' THEN target_columns ELSE columns END) AS column_name,
  coalesce(weir_word('current_database', ''), 'weir') AS constraint_catalog, schema_name AS constraint_schema,
  name AS constraint_name
FROM lake.pg_catalog._weir_constraints
)sql"},
      {"information_schema", "table_privileges", R"sql(
SELECT pg_get_userbyid(g.grantor) AS grantor, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END
  AS grantee, coalesce(weir_word('current_database', ''), 'weir') AS table_catalog, r.schema_name AS table_schema,
  r.name AS table_name, upper(g.privilege) AS privilege_type, CASE WHEN g.with_option THEN 'YES' ELSE 'NO' END AS
  is_grantable, CASE WHEN g.privilege = 'select' THEN 'YES' ELSE 'NO' END AS with_hierarchy
FROM $engine.weir_catalog.grants g JOIN lake.pg_catalog._weir_relations r ON r.place = g.schema_name AND
  r.name = g.object_name
WHERE g.kind <> 'schema' AND g.column_name = ''
)sql"},
      {"information_schema", "column_privileges", R"sql(
SELECT pg_get_userbyid(g.grantor) AS grantor, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END
  AS grantee, coalesce(weir_word('current_database', ''), 'weir') AS table_catalog, c.schema_name AS table_schema,
  c.relation_name AS table_name, c.name AS column_name, upper(g.privilege) AS privilege_type,
  CASE WHEN g.with_option THEN 'YES' ELSE 'NO' END AS is_grantable
FROM $engine.weir_catalog.grants g JOIN lake.pg_catalog._weir_relations r ON r.place = g.schema_name AND
  r.name = g.object_name JOIN lake.pg_catalog._weir_columns c ON c.oid = r.oid AND g.column_name IN ('', c.name)
WHERE g.kind <> 'schema'
)sql"},
      {"information_schema", "enabled_roles", R"sql(
SELECT name AS role_name FROM lake.internal.weir_people
WHERE name = weir_word('current_user', '') OR id IN (SELECT m.role FROM lake.internal.weir_memberships m
  JOIN lake.internal.weir_people p ON p.id = m.member WHERE p.name = weir_word('current_user', ''))
)sql"},
      {"information_schema", "information_schema_catalog_name", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS catalog_name
)sql"},
      {"information_schema", "sequences", R"sql(
SELECT CAST(NULL AS VARCHAR) AS sequence_catalog, CAST(NULL AS VARCHAR) AS sequence_schema, CAST(NULL AS VARCHAR) AS
  sequence_name, CAST(NULL AS VARCHAR) AS data_type, CAST(NULL AS INTEGER) AS numeric_precision, CAST(NULL AS VARCHAR)
  AS start_value, CAST(NULL AS VARCHAR) AS minimum_value, CAST(NULL AS VARCHAR) AS maximum_value, CAST(NULL AS VARCHAR)
  AS "increment", CAST(NULL AS VARCHAR) AS cycle_option WHERE false
)sql"},
      {"information_schema", "routines", R"sql(
SELECT coalesce(weir_word('current_database', ''), 'weir') AS specific_catalog, schema_name AS specific_schema,
  name || '_' || oid AS specific_name, coalesce(weir_word('current_database', ''), 'weir') AS routine_catalog,
  schema_name AS routine_schema, name AS routine_name, 'FUNCTION' AS routine_type, returns AS data_type,
  body AS routine_definition
FROM lake.pg_catalog._weir_functions
WHERE coalesce(weir_word('may_function', chr(10) || 'execute' || chr(10) || _weir_key) = 'true', true)
)sql"},
  };
}

}  // namespace weir::warehouse
