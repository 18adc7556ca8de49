#include "storage/engine/catalog_functions.h"

#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>

#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

// Of a subquery's tables no name may be one that a statement gives to its own: a parameter stands for what the
// statement wrote, and n.oid of its n would be read as that of ours.
constexpr const char* kMacros[] = {
    // The dialect writes @~ and !@~ for ~ and !~.
    R"("@~"(s, pattern) AS regexp_matches(s, pattern))",
    R"("!@~"(s, pattern) AS NOT regexp_matches(s, pattern))",
    R"("~*"(s, pattern) AS regexp_matches(s, pattern, 'i'))",
    R"("!~*"(s, pattern) AS NOT regexp_matches(s, pattern, 'i'))",
    R"(pg_get_userbyid(o) AS coalesce((SELECT _p.name FROM lake.internal.weir_people _p WHERE _p.id = o),
       'unknown (OID=' || o || ')'))",
    R"(weir_current_schemas(implicit) AS CASE WHEN implicit
       THEN list_concat(['pg_catalog'], from_json(weir_word('current_schemas', ''), '["VARCHAR"]'))
       ELSE from_json(weir_word('current_schemas', ''), '["VARCHAR"]') END)",
    R"(pg_table_is_visible(o) AS coalesce((SELECT list_contains(weir_current_schemas(true), _r.schema_name)
       FROM lake.pg_catalog._weir_relations _r WHERE _r.oid = o), false))",
    "pg_type_is_visible(o) AS true",
    "pg_function_is_visible(o) AS true",
    "pg_operator_is_visible(o) AS true",
    "pg_opclass_is_visible(o) AS true",
    "pg_opfamily_is_visible(o) AS true",
    "pg_conversion_is_visible(o) AS true",
    "pg_collation_is_visible(o) AS true",
    "pg_ts_config_is_visible(o) AS true",
    "pg_ts_dict_is_visible(o) AS true",
    "pg_ts_parser_is_visible(o) AS true",
    "pg_ts_template_is_visible(o) AS true",
    "pg_statistics_obj_is_visible(o) AS true",
    "array_upper(a, dimension) AS nullif(len(a), 0)",
    "array_lower(a, dimension) AS CASE WHEN len(a) > 0 THEN 1 END",
    "pg_get_function_sqlbody(o) AS CAST(NULL AS VARCHAR)",
    "pg_is_other_temp_schema(o) AS false",
    "pg_my_temp_schema() AS CAST(0 AS BIGINT)",
    R"(format_type(o, m) AS CASE
       WHEN o IS NULL THEN NULL
       WHEN o = 1043 AND m > 4 THEN 'character varying(' || (m - 4) || ')'
       WHEN o = 1042 AND m > 4 THEN 'character(' || (m - 4) || ')'
       WHEN o = 1700 AND m > 4 THEN 'numeric(' || ((m - 4) // 65536) || ',' || ((m - 4) % 65536) || ')'
       ELSE coalesce((SELECT max(_t.shown) FROM lake.pg_catalog._weir_types _t WHERE _t.oid = o),
         (SELECT max(_t.shown) || '[]' FROM lake.pg_catalog._weir_types _t
          WHERE _t.array_oid = o AND o <> 0), '???') END)",
    "pg_get_expr(e, o) AS e, (e, o, pretty) AS e",
    R"(pg_get_viewdef(o) AS (SELECT _r.attributes->>'definition' FROM lake.pg_catalog._weir_relations _r
         WHERE CAST(_r.oid AS VARCHAR) = CAST(o AS VARCHAR) OR _r.name = CAST(o AS VARCHAR) LIMIT 1),
       (o, pretty) AS (SELECT _r.attributes->>'definition' FROM lake.pg_catalog._weir_relations _r
         WHERE CAST(_r.oid AS VARCHAR) = CAST(o AS VARCHAR) OR _r.name = CAST(o AS VARCHAR) LIMIT 1))",
    R"(pg_get_constraintdef(o) AS (SELECT _c._weir_definition FROM lake.pg_catalog.pg_constraint _c WHERE _c.oid = o),
       (o, pretty) AS (SELECT _c._weir_definition FROM lake.pg_catalog.pg_constraint _c WHERE _c.oid = o))",
    "pg_get_indexdef(o) AS CAST(NULL AS VARCHAR), (o, n, pretty) AS CAST(NULL AS VARCHAR)",
    "pg_get_partkeydef(o) AS CAST(NULL AS VARCHAR)",
    "pg_get_triggerdef(o) AS CAST(NULL AS VARCHAR), (o, pretty) AS CAST(NULL AS VARCHAR)",
    "pg_get_ruledef(o) AS CAST(NULL AS VARCHAR), (o, pretty) AS CAST(NULL AS VARCHAR)",
    R"(pg_get_functiondef(o) AS (SELECT 'CREATE OR REPLACE FUNCTION ' || _f.schema_name || '.' || _f.name || '(' ||
         _f.arguments || ')' || chr(10) || ' RETURNS ' || _f.returns || chr(10) || ' ' || upper(_f.volatility) ||
         chr(10) ||
         'AS $function$' || _f.body || '$function$' || chr(10) || 'LANGUAGE sql' FROM lake.pg_catalog._weir_functions _f
         WHERE _f.oid = o))",
    "pg_get_function_result(o) AS (SELECT _f.returns FROM lake.pg_catalog._weir_functions _f WHERE _f.oid = "
    "o)",
    "pg_get_function_arguments(o) AS (SELECT _f.arguments FROM lake.pg_catalog._weir_functions _f WHERE "
    "_f.oid = o)",
    "pg_get_function_identity_arguments(o) AS (SELECT _f.arguments FROM lake.pg_catalog._weir_functions _f WHERE "
    "_f.oid = o)",
    "pg_get_statisticsobjdef_columns(o) AS CAST(NULL AS VARCHAR)",
    "pg_get_serial_sequence(t, c) AS CAST(NULL AS VARCHAR)",
    "pg_relation_is_publishable(o) AS false",
    "pg_encoding_to_char(e) AS CASE e WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END",
    R"(obj_description(o) AS (SELECT _d.description FROM lake.pg_catalog.pg_description _d
         WHERE _d.objoid = o AND _d.objsubid = 0),
       (o, c) AS (SELECT _d.description FROM lake.pg_catalog.pg_description _d
         WHERE _d.objoid = o AND _d.objsubid = 0 AND c = 'pg_class'))",
    R"(col_description(o, number) AS (SELECT _d.description FROM lake.pg_catalog.pg_description _d
         WHERE _d.objoid = o AND _d.objsubid = number))",
    "shobj_description(o, c) AS CAST(NULL AS VARCHAR)",
    R"(weir_truth(answer, who, privilege) AS coalesce(answer, error('role "' || CAST(who AS VARCHAR) ||
         '" does not exist, or unrecognized privilege type: "' || CAST(privilege AS VARCHAR) || '"')) = 'true')",
    // Of a relation's number or name, as PostgreSQL takes both; NULL of one that is not there.
    R"(weir_relation_of(t) AS coalesce((SELECT _r.place || chr(10) || _r.name FROM lake.pg_catalog._weir_relations _r
         WHERE CAST(_r.oid AS VARCHAR) = CAST(t AS VARCHAR) OR
         _r.schema_name || '.' || _r.name = replace(CAST(t AS VARCHAR), '"', '') OR (_r.name =
         replace(CAST(t AS VARCHAR), '"', '') AND list_contains(weir_current_schemas(false), _r.schema_name))
         ORDER BY coalesce(list_position(weir_current_schemas(false), _r.schema_name), 1000) LIMIT 1),
         weir_word('system_relation', replace(CAST(t AS VARCHAR), '"', ''))))",
    R"(weir_known_relation(t) AS coalesce(weir_relation_of(t), CASE WHEN TRY_CAST(t AS BIGINT) IS NULL
         THEN error('relation "' || CAST(t AS VARCHAR) || '" does not exist') END))",
    R"(weir_may_relation(u, t, p) AS CASE WHEN weir_known_relation(t) IS NOT NULL THEN weir_truth(weir_word('may',
         CAST(u AS VARCHAR) || chr(10) || lower(CAST(p AS VARCHAR)) || chr(10) || weir_relation_of(t)), u, p) END)",
    "has_table_privilege(t, p) AS weir_may_relation('', t, p), (u, t, p) AS weir_may_relation(u, t, p)",
    R"(weir_column_of(t, c) AS (SELECT _k.name FROM lake.pg_catalog._weir_columns _k
         JOIN lake.pg_catalog._weir_relations _kr ON _kr.oid = _k.oid WHERE _kr.place || chr(10) || _kr.name =
           weir_relation_of(t) AND (_k.name = CAST(c AS VARCHAR) OR CAST(_k.number AS VARCHAR) = CAST(c AS VARCHAR))
         LIMIT 1))",
    R"(weir_may_column(u, t, c, p) AS CASE WHEN weir_known_relation(t) IS NOT NULL THEN weir_truth(
         weir_word('may_column',
         CAST(u AS VARCHAR) || chr(10) || lower(CAST(p AS VARCHAR)) || chr(10) || weir_relation_of(t) || chr(10) ||
         coalesce(weir_column_of(t, c), error('column "' || CAST(c AS VARCHAR) || '" of relation "' ||
           CAST(t AS VARCHAR) || '" does not exist'))), u, p) END)",
    R"(weir_may_any_column(u, t, p) AS CASE WHEN weir_known_relation(t) IS NOT NULL THEN weir_truth(weir_word(
         'may_any_column', CAST(u AS VARCHAR) || chr(10) || lower(CAST(p AS VARCHAR)) || chr(10) ||
         weir_relation_of(t)), u, p) END)",
    "has_any_column_privilege(t, p) AS weir_may_any_column('', t, p), (u, t, p) AS weir_may_any_column(u, t, p)",
    "has_column_privilege(t, c, p) AS weir_may_column('', t, c, p), (u, t, c, p) AS weir_may_column(u, t, c, p)",
    R"(weir_may_schema(u, s, p) AS weir_truth(weir_word('may_schema', CAST(u AS VARCHAR) || chr(10) ||
         lower(CAST(p AS VARCHAR)) || chr(10) || coalesce((SELECT _n.name FROM lake.pg_catalog._weir_schemas _n
         WHERE CAST(_n.oid AS VARCHAR) = CAST(s AS
           VARCHAR) OR _n.name = replace(CAST(s AS VARCHAR), '"', '')),
           error('schema "' || CAST(s AS VARCHAR) || '" does not exist'))), u, p))",
    "has_schema_privilege(s, p) AS weir_may_schema('', s, p), (u, s, p) AS weir_may_schema(u, s, p)",
    R"(weir_may_database(u, d, p) AS CASE WHEN CAST(d AS VARCHAR) IN ('16384',
         coalesce(weir_word('current_database', ''),
         'weir')) THEN
         weir_truth(weir_word('may_database', CAST(u AS VARCHAR) || chr(10) || lower(CAST(p AS VARCHAR))), u,
         p) ELSE error('database "' || CAST(d AS VARCHAR) || '" does not exist') END)",
    "has_database_privilege(d, p) AS weir_may_database('', d, p), (u, d, p) AS weir_may_database(u, d, p)",
    R"(weir_may_function(u, f, p) AS weir_truth(weir_word('may_function',
         CAST(u AS VARCHAR) || chr(10) || lower(CAST(p AS VARCHAR))
         || chr(10) || coalesce((SELECT max(_pr._weir_key) FROM lake.pg_catalog._weir_functions _pr
           WHERE CAST(_pr.oid AS VARCHAR) = CAST(f AS VARCHAR)), CAST(f AS VARCHAR))), u, p))",
    "has_function_privilege(f, p) AS weir_may_function('', f, p), (u, f, p) AS weir_may_function(u, f, p)",
    "has_language_privilege(l, p) AS true, (u, l, p) AS true",
    "pg_has_role(r, p) AS (SELECT bool_or(_e.role_name = CAST(r AS VARCHAR)) FROM "
    "lake.information_schema.enabled_roles _e), (u, r, p) AS true",
    "pg_relation_size(o) AS CAST(0 AS BIGINT), (o, fork) AS CAST(0 AS BIGINT)",
    "pg_total_relation_size(o) AS CAST(0 AS BIGINT)",
    "pg_table_size(o) AS CAST(0 AS BIGINT)",
    "pg_indexes_size(o) AS CAST(0 AS BIGINT)",
    "pg_database_size(o) AS CAST(0 AS BIGINT)",
    "pg_size_pretty(n) AS format_bytes(CAST(n AS BIGINT))",
    "pg_is_in_recovery() AS false",
    "pg_is_wal_replay_paused() AS false",
    "pg_tablespace_location(o) AS ''",
    "pg_stat_get_numscans(o) AS CAST(0 AS BIGINT)",
    "pg_client_encoding() AS 'UTF8'",
    R"(pg_get_late_binding_view_cols() AS TABLE SELECT CAST(NULL AS VARCHAR) AS schemaname, CAST(NULL AS VARCHAR) AS
       tablename, CAST(NULL AS VARCHAR) AS columnname, CAST(NULL AS VARCHAR) AS columntype, CAST(NULL AS INTEGER) AS
       columnnum WHERE false)",
    // Of a column: pg_attribute.attencodingtype.
    R"(weir_encodings() AS ['bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16', 'mostly32', 'runlength',
       'text255', 'text32k', 'zstd', 'az64'])",
    "format_encoding(i) AS coalesce(list_extract(weir_encodings(), CAST(i AS INTEGER)), 'none')",
    "getdatabaseencoding() AS 'UTF8'",
    "pg_char_to_encoding(name) AS CASE upper(name) WHEN 'UTF8' THEN 6 WHEN 'SQL_ASCII' THEN 0 ELSE -1 END",
    "array_remove(list, value) AS list_filter(list, lambda x: x IS DISTINCT FROM value)",
    "weir_current_setting(name) AS weir_word('current_setting', name), (name, missing_ok) AS "
    "weir_word('current_setting', name)",
    "weir_txid_current() AS CAST(1 AS BIGINT)",
    "user() AS coalesce(weir_word('current_user', ''), 'weir')",
    "inet_server_addr() AS CAST(NULL AS VARCHAR)",
    "inet_server_port() AS CAST(NULL AS INTEGER)",
    "inet_client_addr() AS CAST(NULL AS VARCHAR)",
    "inet_client_port() AS CAST(NULL AS INTEGER)",
    "pg_typeof(v) AS lower(typeof(v))",
    R"(to_regclass(t) AS coalesce(TRY_CAST(t AS BIGINT),
         CASE replace(CAST(t AS VARCHAR), 'pg_catalog.', '') WHEN 'pg_class' THEN 1259 WHEN 'pg_namespace' THEN 2615
           WHEN 'pg_type' THEN 1247 WHEN 'pg_proc' THEN 1255 WHEN 'pg_attribute' THEN 1249 WHEN 'pg_attrdef' THEN 2604
           WHEN 'pg_constraint' THEN 2606 WHEN 'pg_trigger' THEN 2620 WHEN 'pg_rewrite' THEN 2618
           WHEN 'pg_database' THEN 1262 WHEN 'pg_authid' THEN 1260 WHEN 'pg_description' THEN 2609
           WHEN 'pg_index' THEN 2610 WHEN 'pg_language' THEN 2612 WHEN 'pg_opclass' THEN 2616
           WHEN 'pg_operator' THEN 2617 WHEN 'pg_extension' THEN 3079 WHEN 'pg_tablespace' THEN 1213
           WHEN 'pg_publication' THEN 6104 WHEN 'pg_cast' THEN 2605 WHEN 'pg_am' THEN 2601 END,
         (SELECT _r.oid FROM lake.pg_catalog._weir_relations _r
          WHERE _r.schema_name || '.' || _r.name = replace(CAST(t AS VARCHAR), '"', '') OR
            (_r.name = replace(CAST(t AS VARCHAR), '"', '') AND
             list_contains(weir_current_schemas(false), _r.schema_name))
          ORDER BY list_position(weir_current_schemas(false), _r.schema_name) LIMIT 1)))",
    R"(to_regtype(t) AS coalesce(TRY_CAST(t AS BIGINT), (SELECT _y.oid FROM lake.pg_catalog._weir_types _y
         WHERE _y.name = lower(CAST(t AS VARCHAR)) OR _y.shown = lower(CAST(t AS VARCHAR)) LIMIT 1)))",
    "to_regproc(t) AS TRY_CAST(t AS BIGINT)",
    R"(to_regnamespace(t) AS coalesce(TRY_CAST(t AS BIGINT), (SELECT _n.oid FROM lake.pg_catalog._weir_schemas _n
         WHERE _n.name = replace(CAST(t AS VARCHAR), '"', ''))))",
};

// Holds what the statement was bound under.
struct WordBinding final : duckdb::FunctionData {
  explicit WordBinding(std::shared_ptr<const Authority> authority_in) : authority(std::move(authority_in)) {}
  const std::shared_ptr<const Authority> authority;
  duckdb::unique_ptr<FunctionData> Copy() const override { return duckdb::make_uniq<WordBinding>(authority); }
  bool Equals(const FunctionData& other) const override { return authority == other.Cast<WordBinding>().authority; }
};

duckdb::unique_ptr<duckdb::FunctionData> bind_word(duckdb::ClientContext& context, duckdb::ScalarFunction&,
                                                   duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>&) {
  const auto state = ConnectionState::of(context);
  return duckdb::make_uniq<WordBinding>(state ? state->authority : nullptr);
}

// No function that a statement calls begins so, see Walk::session_word().
constexpr const char* kSystemWord = "weir:";

// weir_word(word, argument): what the authority says to weir:word(argument); null without an authority.
void answer_word(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& bound = state.expr.Cast<duckdb::BoundFunctionExpression>();
  const std::shared_ptr<const Authority> authority = bound.bind_info->Cast<WordBinding>().authority;
  duckdb::BinaryExecutor::ExecuteWithNulls<duckdb::string_t, duckdb::string_t, duckdb::string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](duckdb::string_t word, duckdb::string_t argument, duckdb::ValidityMask& mask, duckdb::idx_t row) {
        std::optional<Json> value;
        if (authority) value = authority->word(kSystemWord + word.GetString(), {Json(argument.GetString())});
        if (!value || !value->is_string()) {
          mask.SetInvalid(row);
          return duckdb::string_t();
        }
        return duckdb::StringVector::AddString(result, value->as_string());
      });
}

}  // namespace

void register_catalog_functions(duckdb::Connection& connection) {
  connection.BeginTransaction();
  auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
  duckdb::ScalarFunction word("weir_word", {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::VARCHAR},
                              duckdb::LogicalType::VARCHAR, answer_word, bind_word);
  word.stability = duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY;
  duckdb::CreateScalarFunctionInfo word_info(word);
  word_info.internal = true;
  catalog.CreateFunction(*connection.context, word_info);
  for (const char* text : kMacros) {
    duckdb::Parser parser(connection.context->GetParserOptions());
    parser.ParseQuery(std::string("CREATE MACRO ") + text);
    auto& create = parser.statements.at(0)->Cast<duckdb::CreateStatement>();
    auto& info = create.info->Cast<duckdb::CreateMacroInfo>();
    info.catalog = SYSTEM_CATALOG;
    info.schema = DEFAULT_SCHEMA;
    info.internal = true;
    info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;  // user() is the engine's too
    catalog.CreateFunction(*connection.context, info);
  }
  connection.Commit();
}

}  // namespace weir::engine
