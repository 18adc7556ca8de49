#include "storage/engine/platform_macros.h"

namespace weir::engine {
namespace {

constexpr const char* kMacros[] = {
    "nvl2(a, b, c) AS CASE WHEN a IS NOT NULL THEN b ELSE c END",
    "charindex(part, text) AS instr(text, part)",
    "space(n) AS repeat(' ', n)",
    "quote_literal(s) AS '''' || replace(s, '''', '''''') || ''''",
    R"(quote_ident(s) AS CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_$]*') THEN s
       ELSE '"' || replace(s, '"', '""') || '"' END)",
    // The parts as date_part() of the dialect says them.
    R"(dateadd(part, n, t) AS t + CASE part
         WHEN 'millennium' THEN to_years(CAST(1000 * n AS INTEGER))
         WHEN 'century' THEN to_years(CAST(100 * n AS INTEGER))
         WHEN 'decade' THEN to_years(CAST(10 * n AS INTEGER)) WHEN 'year' THEN to_years(CAST(n AS INTEGER))
         WHEN 'quarter' THEN to_months(CAST(3 * n AS INTEGER)) WHEN 'month' THEN to_months(CAST(n AS INTEGER))
         WHEN 'week' THEN to_days(CAST(7 * n AS INTEGER)) WHEN 'day' THEN to_days(CAST(n AS INTEGER))
         WHEN 'dow' THEN to_days(CAST(n AS INTEGER)) WHEN 'doy' THEN to_days(CAST(n AS INTEGER))
         WHEN 'hour' THEN to_hours(CAST(n AS BIGINT)) WHEN 'minute' THEN to_minutes(CAST(n AS BIGINT))
         WHEN 'second' THEN to_seconds(CAST(n AS DOUBLE)) WHEN 'millisecond' THEN to_milliseconds(CAST(n AS DOUBLE))
         WHEN 'microsecond' THEN to_microseconds(CAST(n AS BIGINT))
         ELSE error('dateadd() knows no part ' || part) END)",
    // The last day of a month stays the last day.
    R"(add_months(t, n) AS CASE WHEN CAST(t AS DATE) = last_day(CAST(t AS DATE))
         THEN CAST(last_day(CAST(CAST(t AS TIMESTAMP) + to_months(CAST(n AS INTEGER)) AS DATE)) AS TIMESTAMP) +
              (CAST(t AS TIMESTAMP) - date_trunc('day', CAST(t AS TIMESTAMP)))
         ELSE CAST(t AS TIMESTAMP) + to_months(CAST(n AS INTEGER)) END)",
    R"(convert_timezone(zone, t) AS timezone(zone, timezone('UTC', CAST(t AS TIMESTAMP))),
       (from_zone, to_zone, t) AS timezone(to_zone, timezone(from_zone, CAST(t AS TIMESTAMP))))",
    R"(date_cmp(a, b) AS CASE WHEN CAST(a AS DATE) < CAST(b AS DATE) THEN -1
         WHEN CAST(a AS DATE) > CAST(b AS DATE) THEN 1 WHEN a IS NOT NULL AND b IS NOT NULL THEN 0 END)",
    R"(timestamp_cmp(a, b) AS CASE WHEN CAST(a AS TIMESTAMP) < CAST(b AS TIMESTAMP) THEN -1
         WHEN CAST(a AS TIMESTAMP) > CAST(b AS TIMESTAMP) THEN 1 WHEN a IS NOT NULL AND b IS NOT NULL THEN 0 END)",
    R"(regexp_substr(s, pattern) AS regexp_extract(s, pattern),
       (s, pattern, begin_at) AS regexp_extract(substr(s, begin_at), pattern))",
    R"(regexp_count(s, pattern) AS length(regexp_extract_all(s, pattern)),
       (s, pattern, begin_at) AS length(regexp_extract_all(substr(s, begin_at), pattern)))",
    "json_extract_array_element_text(j, i) AS json_extract_string(j, '$[' || i || ']')",
};

}  // namespace

void register_macros(duckdb::Connection& connection) {
  connection.BeginTransaction();
  auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
  for (const char* text : kMacros) {
    duckdb::Parser parser(connection.context->GetParserOptions());
    parser.ParseQuery(std::string("CREATE MACRO ") + text);
    auto& create = parser.statements.at(0)->Cast<duckdb::CreateStatement>();
    auto& info = create.info->Cast<duckdb::CreateMacroInfo>();
    info.catalog = SYSTEM_CATALOG;
    info.schema = DEFAULT_SCHEMA;
    info.internal = true;
    catalog.CreateFunction(*connection.context, info);
  }
  connection.Commit();
}

}  // namespace weir::engine
