// pg_catalog: what PostgreSQL's clients ask. _weir_relations, _weir_columns and _weir_schemas are the base of the other
// families too. Tables of the engine's schema main, streams and computed tables are shown as members of public, as they
// are found there; where a name is in several, public wins, then main.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {

std::vector<SystemSelect> catalog_relations() {
  return {
      {"pg_catalog", "_weir_schemas", R"sql(
WITH named AS (
  SELECT DISTINCT schema_name AS name FROM duckdb_schemas()
  WHERE database_name NOT IN ('lake', 'system', 'temp')
    AND schema_name NOT IN ('main', 'public', 'weir', 'weir_catalog', 'pg_catalog',
      'information_schema', 'internal'))
SELECT CAST(11 AS BIGINT) AS oid, 'pg_catalog' AS name, CAST(1 AS BIGINT) AS owner
UNION ALL SELECT 2200, 'public', 1
UNION ALL SELECT 13000, 'information_schema', 1
UNION ALL SELECT 16384 + CAST(md5_number_lower('schema ' || n.name) % 2000000000 AS BIGINT), n.name,
  coalesce(s.owner, 1)
FROM named n LEFT JOIN $engine.weir_catalog.schemas s ON s.schema_name = n.name
)sql"},
      {"pg_catalog", "_weir_relations", R"sql(
WITH known AS (
  SELECT schema_name AS place, relation_name AS name, kind, owner, CAST(attributes AS JSON) AS attributes
  FROM $engine.weir_catalog.relations),
found AS (
  SELECT CASE WHEN database_name = 'lake' THEN 'lake' WHEN database_name = 'temp' THEN 'pg_temp' ELSE schema_name END
      AS place, table_name AS name, comment, estimated_size AS row_count
  FROM duckdb_tables() WHERE schema_name NOT IN ('weir', 'weir_catalog') AND database_name <> 'system'
  UNION ALL SELECT place, name, NULL, 0 FROM known WHERE kind = 'view'),
ranked AS (
  SELECT f.place, f.name, f.comment, f.row_count, coalesce(k.kind, 'table') AS kind, coalesce(k.owner, 1) AS owner,
    k.attributes, row_number() OVER (
      PARTITION BY CASE WHEN f.place IN ('public', 'main', 'lake') THEN 'public' ELSE f.place END, f.name
      ORDER BY f.place = 'public' DESC, f.place = 'main' DESC) AS n
  FROM found f LEFT JOIN known k ON k.place = f.place AND k.name = f.name),
shown AS (
  SELECT CASE WHEN place IN ('main', 'lake') AND n = 1 THEN 'public' ELSE place END AS schema_name, * FROM ranked),
numbered AS (
  SELECT *, md5_number_lower(schema_name || '.' || name) % 2000000000 AS number FROM shown)
SELECT 16384 + CAST(number AS BIGINT) + row_number() OVER (PARTITION BY number ORDER BY schema_name, name) - 1 AS oid,
  schema_name, name, place, kind, CASE kind WHEN 'view' THEN 'v' WHEN 'materialized view' THEN 'm' ELSE 'r' END AS
  relkind, CAST(owner AS BIGINT) AS owner, attributes, comment,
  CASE WHEN weir_word('guarded', place || chr(10) || name) = 'true' THEN NULL ELSE row_count END AS row_count
FROM numbered
)sql"},
      {"pg_catalog", "_weir_types", R"sql(
SELECT CAST(oid AS BIGINT) AS oid, name, CAST(length AS SMALLINT) AS length, category, CAST(array_oid AS BIGINT) AS
  array_oid, engine, shown
FROM (VALUES
  (16, 'bool', 1, 'B', 1000, 'BOOLEAN', 'boolean'), (17, 'bytea', -1, 'U', 1001, 'BLOB', 'bytea'),
  (18, 'char', 1, 'Z', 1002, NULL, '"char"'), (19, 'name', 64, 'S', 1003, NULL, 'name'),
  (20, 'int8', 8, 'N', 1016, 'BIGINT', 'bigint'), (21, 'int2', 2, 'N', 1005, 'SMALLINT', 'smallint'),
  (22, 'int2vector', -1, 'A', 1006, NULL, 'int2vector'), (23, 'int4', 4, 'N', 1007, 'INTEGER', 'integer'),
  (24, 'regproc', 4, 'N', 1008, NULL, 'regproc'), (25, 'text', -1, 'S', 1009, NULL, 'text'),
  (26, 'oid', 4, 'N', 1028, NULL, 'oid'), (27, 'tid', 6, 'U', 1010, NULL, 'tid'), (28, 'xid', 4, 'U', 1011, NULL,
    'xid'),
  (29, 'cid', 4, 'U', 1012, NULL, 'cid'), (30, 'oidvector', -1, 'A', 1013, NULL, 'oidvector'),
  (114, 'json', -1, 'U', 199, 'JSON', 'json'), (142, 'xml', -1, 'U', 143, NULL, 'xml'),
  (600, 'point', 16, 'G', 1017, NULL, 'point'), (700, 'float4', 4, 'N', 1021, 'FLOAT', 'real'),
  (701, 'float8', 8, 'N', 1022, 'DOUBLE', 'double precision'), (705, 'unknown', -2, 'X', 0, NULL, 'unknown'),
  (790, 'money', 8, 'N', 791, NULL, 'money'), (829, 'macaddr', 6, 'U', 1040, NULL, 'macaddr'),
  (869, 'inet', -1, 'I', 1041, NULL, 'inet'), (650, 'cidr', -1, 'I', 651, NULL, 'cidr'),
  (1033, 'aclitem', 12, 'U', 1034, NULL, 'aclitem'), (1042, 'bpchar', -1, 'S', 1014, NULL, 'character'),
  (1043, 'varchar', -1, 'S', 1015, 'VARCHAR', 'character varying'), (1082, 'date', 4, 'D', 1182, 'DATE', 'date'),
  (1083, 'time', 8, 'D', 1183, 'TIME', 'time without time zone'),
  (1114, 'timestamp', 8, 'D', 1115, 'TIMESTAMP', 'timestamp without time zone'),
  (1184, 'timestamptz', 8, 'D', 1185, 'TIMESTAMP WITH TIME ZONE', 'timestamp with time zone'),
  (1186, 'interval', 16, 'T', 1187, 'INTERVAL', 'interval'),
  (1266, 'timetz', 12, 'D', 1270, 'TIME WITH TIME ZONE', 'time with time zone'),
  (1560, 'bit', -1, 'V', 1561, 'BIT', 'bit'), (1562, 'varbit', -1, 'V', 1563, NULL, 'bit varying'),
  (1700, 'numeric', -1, 'N', 1231, 'DECIMAL', 'numeric'), (1790, 'refcursor', -1, 'U', 2201, NULL, 'refcursor'),
  (2202, 'regprocedure', 4, 'N', 2207, NULL, 'regprocedure'), (2205, 'regclass', 4, 'N', 2210, NULL, 'regclass'),
  (2206, 'regtype', 4, 'N', 2211, NULL, 'regtype'), (4089, 'regnamespace', 4, 'N', 4090, NULL, 'regnamespace'),
  (4096, 'regrole', 4, 'N', 4097, NULL, 'regrole'), (2249, 'record', -1, 'P', 2287, NULL, 'record'),
  (2275, 'cstring', -2, 'P', 1263, NULL, 'cstring'), (2276, 'any', 4, 'P', 0, NULL, '"any"'),
  (2277, 'anyarray', -1, 'P', 0, NULL, 'anyarray'), (2278, 'void', 4, 'P', 0, NULL, 'void'),
  (2283, 'anyelement', 4, 'P', 0, NULL, 'anyelement'), (2950, 'uuid', 16, 'U', 2951, 'UUID', 'uuid'),
  (3802, 'jsonb', -1, 'U', 3807, NULL, 'jsonb')
) AS t(oid, name, length, category, array_oid, engine, shown)
)sql"},
      {"pg_catalog", "_weir_columns", R"sql(
WITH relations AS (SELECT * FROM lake.pg_catalog._weir_relations),
said AS (
  SELECT oid, unnest(from_json(attributes->'columns', '[{"name":"VARCHAR","type":"VARCHAR","shown":"VARCHAR",
    "bytes_max":"INTEGER","not_null":"BOOLEAN","default":"VARCHAR","encoding":"VARCHAR","identity":"JSON"}]')) AS c,
    generate_subscripts(from_json(attributes->'columns', '["JSON"]'), 1) AS number
  FROM relations WHERE attributes IS NOT NULL AND json_array_length(attributes->'columns') > 0),
listed AS (
  SELECT r.oid, r.schema_name, r.name AS relation_name, r.relkind, c.column_index AS number, c.column_name AS name,
    c.data_type AS type, NOT c.is_nullable AS is_not_null, s.c."default" AS default_said, c.column_default, c.comment,
    s.c.shown AS shown, s.c.bytes_max AS bytes_max, s.c.encoding AS encoding, s.c.identity AS identity
  FROM duckdb_columns() c JOIN relations r ON r.name = c.table_name AND r.place =
    CASE WHEN c.database_name = 'lake' THEN 'lake' WHEN c.database_name = 'temp' THEN 'pg_temp' ELSE c.schema_name END
    LEFT JOIN said s ON s.oid = r.oid AND s.c.name = c.column_name
  WHERE c.database_name <> 'system' AND c.schema_name NOT IN ('weir', 'weir_catalog') AND r.relkind <> 'v'
  UNION ALL
  SELECT r.oid, r.schema_name, r.name, r.relkind, s.number, s.c.name, s.c.type, false, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL
  FROM said s JOIN relations r ON r.oid = s.oid WHERE r.relkind = 'v'),
typed AS (
  SELECT *, regexp_replace(regexp_replace(type, '\[.*', ''), '\(.*', '') AS base,
    type LIKE '%]' AS is_list FROM listed),
known AS (
  SELECT *, CASE
      WHEN shown LIKE 'character(%' THEN 1042
      WHEN base IN ('TINYINT', 'UTINYINT') THEN 21 WHEN base IN ('USMALLINT') THEN 23 WHEN base = 'UINTEGER' THEN 20
      WHEN base IN ('UBIGINT', 'HUGEINT', 'UHUGEINT') THEN 1700
      WHEN base IN ('TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS') THEN 1114
      WHEN base = 'TIMESTAMPTZ' THEN 1184
      WHEN base IN ('STRUCT', 'MAP') THEN 114 WHEN base IN ('ENUM', 'UNION') THEN 25
      ELSE coalesce((SELECT t.oid FROM lake.pg_catalog._weir_types t WHERE t.engine = base), 25) END AS element
  FROM typed)
SELECT k.oid, k.schema_name, k.relation_name, k.relkind, CAST(k.number AS SMALLINT) AS number, k.name,
  CAST(CASE WHEN k.is_list THEN t.array_oid ELSE k.element END AS BIGINT) AS typid,
  CAST(CASE WHEN k.is_list THEN -1
    WHEN k.bytes_max IS NOT NULL AND k.element IN (1042, 1043) THEN k.bytes_max + 4
    WHEN k.base = 'DECIMAL' THEN CAST(regexp_extract(k.type, '\((\d+),(\d+)\)', 1) AS INTEGER) * 65536 +
      CAST(regexp_extract(k.type, '\((\d+),(\d+)\)', 2) AS INTEGER) + 4
    ELSE -1 END AS INTEGER) AS typmod,
  CAST(CASE WHEN k.is_list THEN -1 ELSE t.length END AS SMALLINT) AS length, coalesce(k.is_not_null,
    false) AS is_not_null,
  CASE WHEN k.identity IS NOT NULL AND CAST(k.identity AS VARCHAR) <> 'null'
    THEN '"identity"(' || k.oid || ', ' || k.number - 1 || ', ''' || (k.identity->>0) || ',' || (k.identity->>1) ||
      '''::text)'
    ELSE coalesce(nullif(k.default_said, ''), k.column_default) END AS default_value,
  k.identity IS NOT NULL AND CAST(k.identity AS VARCHAR) <> 'null' AS is_identity, k.identity AS identity,
  k.comment, k.encoding, CASE WHEN k.is_list THEN t.shown || '[]' ELSE t.shown END AS shown, t.name AS typname
FROM known k JOIN lake.pg_catalog._weir_types t ON t.oid = k.element
)sql"},
      {"pg_catalog", "_weir_constraints", R"sql(
WITH said AS (
  SELECT r.oid AS relation, r.schema_name, r.name AS relation_name, unnest(from_json(r.attributes->'constraints',
    '[{"kind":"VARCHAR","name":"VARCHAR","columns":["VARCHAR"],"references":["VARCHAR"],
       "referenced_columns":["VARCHAR"]}]')) AS c
  FROM lake.pg_catalog._weir_relations r WHERE r.attributes IS NOT NULL AND r.kind = 'table'),
named AS (
  SELECT relation, schema_name, relation_name, c.kind AS kind, c.columns AS columns, c."references" AS target,
    c.referenced_columns AS target_columns, coalesce(nullif(c.name, ''), relation_name ||
      CASE c.kind WHEN 'primary key' THEN '_pkey' ELSE '_' || array_to_string(c.columns, '_') ||
        CASE c.kind WHEN 'unique' THEN '_key' ELSE '_fkey' END END) AS name
  FROM said)
SELECT CAST(16384 + md5_number_lower('constraint ' || n.schema_name || '.' || n.relation_name || '.' || n.name) %
    2000000000 AS BIGINT) AS oid,
  n.*, r.oid AS target_oid,
  (SELECT list(a.number ORDER BY list_position(n.columns, a.name)) FROM lake.pg_catalog._weir_columns a
   WHERE a.oid = n.relation AND list_contains(n.columns, a.name)) AS numbers,
  (SELECT list(a.number ORDER BY list_position(n.target_columns, a.name)) FROM lake.pg_catalog._weir_columns a
   WHERE a.oid = r.oid AND list_contains(n.target_columns, a.name)) AS target_numbers
FROM named n LEFT JOIN lake.pg_catalog._weir_relations r ON r.name = n.target[2]
  AND r.schema_name = coalesce(nullif(n.target[1], ''), n.schema_name)
)sql"},
      {"pg_catalog", "pg_namespace", R"sql(
SELECT oid, name AS nspname, owner AS nspowner,
  from_json(weir_word('acl_schema', name), '["VARCHAR"]') AS nspacl,
  CAST(2615 AS BIGINT) AS tableoid FROM lake.pg_catalog._weir_schemas
)sql"},
      {"pg_catalog", "pg_class", R"sql(
SELECT r.oid, r.name AS relname, coalesce(n.oid, 0) AS relnamespace, CAST(0 AS BIGINT) AS reltype,
  CAST(0 AS BIGINT) AS reloftype, r.owner AS relowner, CAST(CASE WHEN r.relkind = 'v' THEN 0 ELSE 2 END AS BIGINT) AS
  relam, r.oid AS relfilenode, CAST(0 AS BIGINT) AS reltablespace,
  CAST(CASE WHEN r.row_count > 0 THEN 1 ELSE 0 END AS INTEGER) AS relpages,
  CAST(coalesce(r.row_count, -1) AS FLOAT) AS reltuples,
  CAST(0 AS INTEGER) AS relallvisible, CAST(0 AS BIGINT) AS reltoastrelid, CAST(0 AS BIGINT) AS reltoastidxid,
  false AS relhasindex, false AS relisshared, CASE WHEN r.place = 'pg_temp' THEN 't' ELSE 'p' END AS relpersistence,
  r.relkind, CAST(coalesce(c.columns, 0) AS SMALLINT) AS relnatts, CAST(0 AS SMALLINT) AS relchecks,
    false AS relhasoids,
  json_array_length(coalesce(r.attributes->'constraints', '[]')) > 0 AS relhaspkey, r.relkind = 'v' AS relhasrules,
  false AS relhastriggers, false AS relhassubclass,
  EXISTS (SELECT 1 FROM $engine.weir_catalog.row_security s WHERE s.is_on AND s.schema_name = r.place AND
    s.relation_name = r.name) AS relrowsecurity, false AS relforcerowsecurity,
  true AS relispopulated, 'd' AS relreplident, false AS relispartition, CAST(0 AS BIGINT) AS relrewrite,
  CAST(0 AS BIGINT) AS relfrozenxid, CAST(0 AS BIGINT) AS relminmxid,
  from_json(weir_word('acl', r.place || chr(10) || r.name), '["VARCHAR"]') AS relacl,
  CAST(NULL AS VARCHAR[]) AS reloptions, CAST(NULL AS VARCHAR) AS relpartbound,
  CAST(CASE r.attributes->>'diststyle' WHEN 'key' THEN 1 WHEN 'all' THEN 8 WHEN 'even' THEN 0 ELSE 9 END AS SMALLINT) AS
  reldiststyle, CAST(CASE r.attributes->>'diststyle' WHEN 'key' THEN 1 WHEN 'all' THEN 8 WHEN 'even' THEN 0 ELSE 10 END
  AS SMALLINT) AS releffectivediststyle, CAST(NULL AS TIMESTAMP) AS relcreationtime,
  CAST(1259 AS BIGINT) AS tableoid
FROM lake.pg_catalog._weir_relations r LEFT JOIN lake.pg_catalog._weir_schemas n ON n.name = r.schema_name
  LEFT JOIN (SELECT oid, count(*) AS columns FROM lake.pg_catalog._weir_columns GROUP BY oid) c ON c.oid = r.oid
)sql"},
      {"pg_catalog", "pg_attribute", R"sql(
SELECT c.oid AS attrelid, c.name AS attname, c.typid AS atttypid, CAST(-1 AS INTEGER) AS attstattarget, c.length AS
  attlen, c.number AS attnum, CAST(0 AS INTEGER) AS attndims, CAST(-1 AS INTEGER) AS attcacheoff, c.typmod AS atttypmod,
  c.length > 0 AND c.length <= 8 AS attbyval, 'p' AS attstorage, '' AS attcompression, 'i' AS attalign,
  c.is_not_null AS attnotnull, c.default_value IS NOT NULL AS atthasdef, false AS atthasmissing,
  '' AS attidentity, '' AS attgenerated, false AS attisdropped, true AS attislocal, CAST(0 AS INTEGER) AS attinhcount,
  CAST(CASE WHEN c.typid IN (25, 1042, 1043) THEN 100 ELSE 0 END AS BIGINT) AS attcollation,
  from_json(weir_word('acl_column', r.place || chr(10) || r.name || chr(10) || c.name), '["VARCHAR"]') AS attacl,
  CAST(NULL AS VARCHAR[]) AS attoptions, CAST(NULL AS VARCHAR[]) AS attfdwoptions,
  CAST(NULL AS VARCHAR[]) AS attmissingval,
  false AS attisreplicated, coalesce(r.attributes->>'distkey' = c.name, false) AS attisdistkey,
  CAST(coalesce(list_position(from_json(r.attributes->'sortkeys', '["VARCHAR"]'), c.name), 0) AS INTEGER) AS
  attsortkeyord, CAST(coalesce(list_position(weir_encodings(), c.encoding), 0) AS INTEGER) AS attencodingtype
FROM lake.pg_catalog._weir_columns c JOIN lake.pg_catalog._weir_relations r ON r.oid = c.oid
)sql"},
      {"pg_catalog", "pg_attrdef", R"sql(
SELECT oid + number AS oid, oid AS adrelid, number AS adnum, default_value AS adbin, default_value AS adsrc
FROM lake.pg_catalog._weir_columns WHERE default_value IS NOT NULL
)sql"},
      {"pg_catalog", "pg_type", R"sql(
WITH every AS (
  SELECT oid, name, length, category, array_oid, CAST(0 AS BIGINT) AS element FROM lake.pg_catalog._weir_types
  UNION ALL SELECT array_oid, '_' || name, -1, 'A', 0, oid FROM lake.pg_catalog._weir_types WHERE array_oid <> 0)
SELECT oid, name AS typname, CAST(11 AS BIGINT) AS typnamespace, CAST(1 AS BIGINT) AS typowner, length AS typlen,
  length > 0 AND length <= 8 AS typbyval, CASE category WHEN 'P' THEN 'p' ELSE 'b' END AS typtype,
  category AS typcategory, category IN ('B', 'T') AS typispreferred, true AS typisdefined, ',' AS typdelim,
  CAST(0 AS BIGINT) AS typrelid, CAST(CASE WHEN element <> 0 THEN 6179 ELSE 0 END AS BIGINT) AS typsubscript,
  element AS typelem, array_oid AS typarray, CASE WHEN element <> 0 THEN 'array_in' ELSE name || 'in' END AS typinput,
  CASE WHEN element <> 0 THEN 'array_out' ELSE name || 'out' END AS typoutput,
  CASE WHEN element <> 0 THEN 'array_recv' ELSE name || 'recv' END AS typreceive,
  CASE WHEN element <> 0 THEN 'array_send' ELSE name || 'send' END AS typsend, '-' AS typmodin, '-' AS typmodout,
  '-' AS typanalyze, 'i' AS typalign, 'p' AS typstorage, false AS typnotnull, CAST(0 AS BIGINT) AS typbasetype,
  CAST(-1 AS INTEGER) AS typtypmod, CAST(0 AS INTEGER) AS typndims,
  CAST(CASE WHEN category = 'S' THEN 100 ELSE 0 END AS BIGINT) AS typcollation, CAST(NULL AS VARCHAR) AS typdefaultbin,
  CAST(NULL AS VARCHAR) AS typdefault, CAST(NULL AS VARCHAR[]) AS typacl, CAST(1247 AS BIGINT) AS tableoid
FROM every
)sql"},
      {"pg_catalog", "pg_rewrite", R"sql(
SELECT oid + 2100000000 AS oid, CAST(2618 AS BIGINT) AS tableoid, '_RETURN' AS rulename, oid AS ev_class,
  '1' AS ev_type, 'O' AS ev_enabled, true AS is_instead, CAST(NULL AS VARCHAR) AS ev_qual,
  CAST(NULL AS VARCHAR) AS ev_action
FROM lake.pg_catalog._weir_relations WHERE relkind IN ('v', 'm')
)sql"},
      {"pg_catalog", "pg_depend", R"sql(
WITH views AS (
  SELECT oid, unnest(from_json(attributes->'reads', '["VARCHAR"]')) AS read
  FROM lake.pg_catalog._weir_relations
  WHERE relkind IN ('v', 'm') AND NOT coalesce(CAST(attributes->>'late' AS BOOLEAN), false))
SELECT CAST(2618 AS BIGINT) AS classid, v.oid + 2100000000 AS objid, CAST(0 AS INTEGER) AS objsubid,
  CAST(1259 AS BIGINT) AS refclassid, r.oid AS refobjid, CAST(0 AS INTEGER) AS refobjsubid, 'n' AS deptype
FROM views v JOIN lake.pg_catalog._weir_relations r ON r.place || '.' || r.name = v.read
UNION ALL SELECT 2618, oid + 2100000000, 0, 1259, oid, 0, 'i'
FROM lake.pg_catalog._weir_relations WHERE relkind IN ('v', 'm')
)sql"},
      {"pg_catalog", "pg_description", R"sql(
SELECT oid AS objoid, CAST(1259 AS BIGINT) AS classoid, CAST(0 AS INTEGER) AS objsubid, comment AS description
FROM lake.pg_catalog._weir_relations WHERE comment IS NOT NULL
UNION ALL SELECT oid, 1259, number, comment FROM lake.pg_catalog._weir_columns WHERE comment IS NOT NULL
)sql"},
      {"pg_catalog", "pg_database", R"sql(
SELECT CAST(16384 AS BIGINT) AS oid, coalesce(weir_word('current_database', ''), 'weir') AS datname,
  CAST(1 AS BIGINT) AS datdba, CAST(6 AS INTEGER) AS encoding, 'c' AS datlocprovider, false AS datistemplate,
  true AS datallowconn, CAST(-1 AS INTEGER) AS datconnlimit, CAST(0 AS BIGINT) AS datlastsysoid,
  CAST(0 AS BIGINT) AS datfrozenxid, CAST(1 AS BIGINT) AS datminmxid, CAST(1663 AS BIGINT) AS dattablespace,
  'C.UTF-8' AS datcollate, 'C.UTF-8' AS datctype, CAST(NULL AS VARCHAR) AS daticulocale,
  CAST(NULL AS VARCHAR) AS datcollversion, CAST(NULL AS VARCHAR) AS datconfig, CAST(NULL AS VARCHAR[]) AS datacl
)sql"},
      {"pg_catalog", "pg_roles", R"sql(
SELECT name AS rolname, superuser AS rolsuper, true AS rolinherit, superuser AS rolcreaterole, create_database AS
  rolcreatedb, is_user AS rolcanlogin, false AS rolreplication, CAST(connection_limit AS INTEGER) AS rolconnlimit,
  '********' AS rolpassword, valid_until AS rolvaliduntil, superuser AS rolbypassrls,
  CAST(NULL AS VARCHAR[]) AS rolconfig, id AS oid
FROM lake.internal.weir_people
)sql"},
      {"pg_catalog", "pg_user", R"sql(
SELECT name AS usename, id AS usesysid, create_database AS usecreatedb, superuser AS usesuper, false AS userepl,
  superuser AS usebypassrls, superuser AS usecatupd, '********' AS passwd, valid_until AS valuntil,
  CAST(NULL AS VARCHAR[]) AS useconfig
FROM lake.internal.weir_people WHERE is_user
)sql"},
      {"pg_catalog", "pg_user_info", R"sql(
SELECT name AS usename, id AS usesysid, create_database AS usecreatedb, superuser AS usesuper, superuser AS usecatupd,
  '********' AS passwd, valid_until AS valuntil, CAST(NULL AS VARCHAR[]) AS useconfig,
  CASE WHEN connection_limit < 0 THEN 'UNLIMITED' ELSE CAST(connection_limit AS VARCHAR) END AS useconnlimit,
  syslog_unrestricted AS syslogaccess
FROM lake.internal.weir_people WHERE is_user
)sql"},
      {"pg_catalog", "pg_group", R"sql(
SELECT g.name AS groname, g.id AS grosysid, (SELECT list(m.member) FROM lake.internal.weir_memberships m
  WHERE m.role = g.id) AS grolist
FROM lake.internal.weir_people g WHERE NOT g.is_user
)sql"},
      {"pg_catalog", "pg_auth_members", R"sql(
SELECT role AS roleid, member, CAST(1 AS BIGINT) AS grantor, with_admin AS admin_option
FROM lake.internal.weir_memberships
)sql"},
      {"pg_catalog", "pg_constraint", R"sql(
SELECT c.oid, c.name AS conname, n.oid AS connamespace, CASE c.kind WHEN 'primary key' THEN 'p' WHEN 'unique' THEN 'u'
  ELSE 'f' END AS contype, false AS condeferrable, false AS condeferred, true AS convalidated, c.relation AS conrelid,
  CAST(0 AS BIGINT) AS contypid, CASE c.kind WHEN 'foreign key' THEN 0 ELSE c.oid END AS conindid,
  CAST(0 AS BIGINT) AS conparentid,
  coalesce(c.target_oid, 0) AS confrelid, ' ' AS confupdtype, ' ' AS confdeltype, ' ' AS confmatchtype,
  true AS conislocal, CAST(0 AS INTEGER) AS coninhcount, true AS connoinherit, c.numbers AS conkey,
  c.target_numbers AS confkey, CAST(NULL AS BIGINT[]) AS conpfeqop, CAST(NULL AS BIGINT[]) AS conppeqop,
  CAST(NULL AS BIGINT[]) AS conffeqop, CAST(NULL AS BIGINT[]) AS conexclop, CAST(NULL AS VARCHAR) AS conbin,
  CAST(NULL AS VARCHAR) AS consrc, CAST(2606 AS BIGINT) AS tableoid,
  CASE c.kind WHEN 'primary key' THEN 'PRIMARY KEY (' WHEN 'unique' THEN 'UNIQUE (' ELSE 'FOREIGN KEY (' END ||
    array_to_string(list_transform(c.columns, lambda x: quote_ident(x)), ', ') || ')' ||
    CASE WHEN c.kind = 'foreign key' THEN ' REFERENCES ' ||
      CASE WHEN list_contains(weir_current_schemas(false), coalesce(nullif(c.target[1], ''), c.schema_name)) THEN ''
      ELSE quote_ident(coalesce(nullif(c.target[1], ''), c.schema_name)) || '.' END || quote_ident(c.target[2]) ||
      CASE WHEN len(c.target_columns) > 0 THEN '(' ||
      array_to_string(list_transform(c.target_columns, lambda x: quote_ident(x)), ', ') || ')'
      ELSE '' END ELSE '' END AS _weir_definition
FROM lake.pg_catalog._weir_constraints c JOIN lake.pg_catalog._weir_schemas n ON n.name = c.schema_name
)sql"},
      // The keys that tables declare, as drivers look for them; there is no relation for an index.
      {"pg_catalog", "pg_index", R"sql(
SELECT oid AS indexrelid, relation AS indrelid, CAST(len(numbers) AS SMALLINT) AS indnatts,
  CAST(len(numbers) AS SMALLINT) AS indnkeyatts, true AS indisunique, false AS indnullsnotdistinct,
  kind = 'primary key' AS indisprimary, false AS indisexclusion, true AS indimmediate, false AS indisclustered,
  true AS indisvalid, false AS indcheckxmin, true AS indisready, true AS indislive, false AS indisreplident,
  CAST(numbers AS SMALLINT[]) AS indkey, CAST([] AS BIGINT[]) AS indcollation, CAST([] AS BIGINT[]) AS indclass,
  CAST([] AS SMALLINT[]) AS indoption, CAST(NULL AS VARCHAR) AS indexprs, CAST(NULL AS VARCHAR) AS indpred
FROM lake.pg_catalog._weir_constraints WHERE kind <> 'foreign key'
)sql"},
      {"pg_catalog", "pg_am", R"sql(
SELECT CAST(2 AS BIGINT) AS oid, 'heap' AS amname, 'heap_tableam_handler' AS amhandler, 't' AS amtype
)sql"},
      {"pg_catalog", "pg_collation", R"sql(
SELECT CAST(oid AS BIGINT) AS oid, name AS collname, CAST(11 AS BIGINT) AS collnamespace,
  CAST(1 AS BIGINT) AS collowner,
  CASE WHEN oid = 100 THEN 'd' ELSE 'c' END AS collprovider, true AS collisdeterministic, CAST(-1 AS INTEGER) AS
  collencoding, name AS collcollate, name AS collctype, CAST(NULL AS VARCHAR) AS colliculocale, CAST(NULL AS VARCHAR) AS
  collversion
FROM (VALUES (100, 'default'), (950, 'C'), (951, 'POSIX')) AS t(oid, name)
)sql"},
      {"pg_catalog", "pg_tablespace", R"sql(
SELECT CAST(oid AS BIGINT) AS oid, name AS spcname, CAST(1 AS BIGINT) AS spcowner, CAST(NULL AS VARCHAR[]) AS spcacl,
  CAST(NULL AS VARCHAR[]) AS spcoptions
FROM (VALUES (1663, 'pg_default'), (1664, 'pg_global')) AS t(oid, name)
)sql"},
      {"pg_catalog", "pg_language", R"sql(
SELECT CAST(oid AS BIGINT) AS oid, name AS lanname, CAST(1 AS BIGINT) AS lanowner, false AS lanispl, true AS
  lanpltrusted, CAST(0 AS BIGINT) AS lanplcallfoid, CAST(0 AS BIGINT) AS laninline, CAST(0 AS BIGINT) AS lanvalidator,
  CAST(NULL AS VARCHAR[]) AS lanacl, CAST(2612 AS BIGINT) AS tableoid
FROM (VALUES (12, 'internal'), (14, 'sql')) AS t(oid, name)
)sql"},
      {"pg_catalog", "pg_tables", R"sql(
SELECT schema_name AS schemaname, name AS tablename, pg_get_userbyid(owner) AS tableowner, CAST(NULL AS VARCHAR) AS
  tablespace, false AS hasindexes, false AS hasrules, false AS hastriggers, false AS rowsecurity
FROM lake.pg_catalog._weir_relations WHERE relkind = 'r'
)sql"},
      {"pg_catalog", "pg_views", R"sql(
SELECT schema_name AS schemaname, name AS viewname, pg_get_userbyid(owner) AS viewowner, attributes->>'definition' AS
  definition
FROM lake.pg_catalog._weir_relations WHERE relkind = 'v'
)sql"},
      {"pg_catalog", "pg_matviews", R"sql(
SELECT schema_name AS schemaname, name AS matviewname, pg_get_userbyid(owner) AS matviewowner, CAST(NULL AS VARCHAR) AS
  tablespace, false AS hasindexes, true AS ispopulated, attributes->>'definition' AS definition
FROM lake.pg_catalog._weir_relations WHERE relkind = 'm'
)sql"},
      {"pg_catalog", "pg_table_def", R"sql(
SELECT r.schema_name AS schemaname, r.name AS tablename, c.name AS "column", format_type(c.typid, c.typmod) AS "type",
  coalesce(nullif(c.encoding, ''), 'none') AS encoding, coalesce(r.attributes->>'distkey' = c.name, false) AS distkey,
  CAST(coalesce(list_position(from_json(r.attributes->'sortkeys', '["VARCHAR"]'), c.name), 0) AS INTEGER) AS sortkey,
  c.is_not_null AS "notnull"
FROM lake.pg_catalog._weir_columns c JOIN lake.pg_catalog._weir_relations r ON r.oid = c.oid
WHERE r.relkind <> 'v' AND list_contains(weir_current_schemas(true), r.schema_name)
)sql"},
      {"pg_catalog", "pg_stat_user_tables", R"sql(
SELECT oid AS relid, schema_name AS schemaname, name AS relname, CAST(NULL AS BIGINT) AS seq_scan,
  CAST(NULL AS BIGINT) AS seq_tup_read, CAST(NULL AS BIGINT) AS idx_scan, CAST(NULL AS BIGINT) AS idx_tup_fetch,
  CAST(NULL AS BIGINT) AS n_tup_ins, CAST(NULL AS BIGINT) AS n_tup_upd, CAST(NULL AS BIGINT) AS n_tup_del,
  CAST(row_count AS BIGINT) AS n_live_tup, CAST(NULL AS BIGINT) AS n_dead_tup, CAST(NULL AS TIMESTAMPTZ) AS last_vacuum,
  CAST(NULL AS TIMESTAMPTZ) AS last_autovacuum, CAST(NULL AS TIMESTAMPTZ) AS last_analyze,
  CAST(NULL AS TIMESTAMPTZ) AS last_autoanalyze
FROM lake.pg_catalog._weir_relations WHERE relkind <> 'v'
)sql"},
      {"pg_catalog", "pg_settings", R"sql(
WITH listed AS (SELECT unnest(from_json(weir_word('weir_settings', ''), '[["VARCHAR"]]')) AS one)
SELECT one[1] AS name, one[2] AS setting, CAST(NULL AS VARCHAR) AS unit, 'Session' AS category, '' AS short_desc,
  CAST(NULL AS VARCHAR) AS extra_desc, 'user' AS context, 'string' AS vartype, 'session' AS source,
  CAST(NULL AS VARCHAR) AS min_val, CAST(NULL AS VARCHAR) AS max_val, CAST(NULL AS VARCHAR[]) AS enumvals,
  one[2] AS boot_val, one[2] AS reset_val, CAST(NULL AS VARCHAR) AS sourcefile, CAST(NULL AS INTEGER) AS sourceline,
  false AS pending_restart
FROM listed
)sql"},
      {"pg_catalog", "pg_stat_activity", R"sql(
SELECT CAST(16384 AS BIGINT) AS datid, s.database AS datname, CAST(s.process_id AS INTEGER) AS pid,
  CAST(NULL AS INTEGER) AS leader_pid, s.user_id AS usesysid, s.user_name AS usename, s.application AS application_name,
  s.peer AS client_addr, CAST(NULL AS VARCHAR) AS client_hostname, CAST(NULL AS INTEGER) AS client_port,
  s.started_at AS backend_start, CAST(NULL AS TIMESTAMP) AS xact_start, q.started_at AS query_start,
  coalesce(q.started_at, s.started_at) AS state_change, CAST(NULL AS VARCHAR) AS wait_event_type,
  CASE WHEN q.state = 'waiting' THEN 'queue' END AS wait_event,
  CASE WHEN q.sql IS NULL THEN 'idle' ELSE 'active' END AS state, CAST(NULL AS BIGINT) AS backend_xid,
  CAST(NULL AS BIGINT) AS backend_xmin, CAST(q.number AS BIGINT) AS query_id, coalesce(q.sql, '') AS query,
  'client backend' AS backend_type
FROM lake.internal.weir_sessions s LEFT JOIN lake.internal.weir_statement_facts q ON q.process_id = s.process_id
  AND q.ended_at IS NULL
WHERE weir_word('sees_all', '') = 'true' OR s.user_name = weir_word('login_name', '')
)sql"},
  };
}

}  // namespace weir::warehouse
