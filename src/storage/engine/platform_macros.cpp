#include "storage/engine/platform_macros.h"

namespace weir::engine {
namespace {

constexpr const char* kMacros[] = {
    "nvl2(a, b, c) AS CASE WHEN a IS NOT NULL THEN b ELSE c END",
    "charindex(part, text) AS instr(text, part)",
    "quote_literal(s) AS '''' || replace(s, '''', '''''') || ''''",
    // PostgreSQL's reserved words, which a statement takes as names only in quotes.
    R"(quote_ident(s) AS CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_$]*') AND NOT regexp_full_match(s,
         'all|analy[sz]e|and|any|array|as|asc|asymmetric|authorization|binary|both|case|cast|check|collate|' ||
         'collation|column|concurrently|constraint|create|cross|' ||
         'current_(catalog|date|role|schema|time|timestamp|user)|default|deferrable|desc|distinct|do|else|end|' ||
         'except|false|fetch|for|foreign|freeze|from|full|grant|group|having|ilike|in|initially|inner|intersect|' ||
         'into|is|isnull|join|lateral|leading|left|like|limit|localtime|localtimestamp|natural|not|notnull|null|' ||
         'offset|on|only|or|order|outer|overlaps|placing|primary|qualify|references|returning|right|select|' ||
         'session_user|similar|some|symmetric|table|tablesample|then|to|trailing|true|union|unique|user|using|' ||
         'variadic|verbose|when|where|window|with') THEN s
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
    // Of two values of one type.
    R"(weir_cmp(a, b) AS CASE WHEN a < b THEN -1 WHEN a > b THEN 1 WHEN a = b THEN 0 END)",
    "date_cmp(a, b) AS weir_cmp(CAST(a AS DATE), CAST(b AS DATE))",
    "date_cmp_timestamp(a, b) AS weir_cmp(CAST(CAST(a AS DATE) AS TIMESTAMP), CAST(b AS TIMESTAMP))",
    "date_cmp_timestamptz(a, b) AS weir_cmp(CAST(CAST(a AS DATE) AS TIMESTAMPTZ), CAST(b AS TIMESTAMPTZ))",
    "timestamp_cmp(a, b) AS weir_cmp(CAST(a AS TIMESTAMP), CAST(b AS TIMESTAMP))",
    "timestamp_cmp_date(a, b) AS weir_cmp(CAST(a AS TIMESTAMP), CAST(CAST(b AS DATE) AS TIMESTAMP))",
    "timestamp_cmp_timestamptz(a, b) AS weir_cmp(CAST(CAST(a AS TIMESTAMP) AS TIMESTAMPTZ), CAST(b AS TIMESTAMPTZ))",
    "timestamptz_cmp(a, b) AS weir_cmp(CAST(a AS TIMESTAMPTZ), CAST(b AS TIMESTAMPTZ))",
    "timestamptz_cmp_date(a, b) AS weir_cmp(CAST(a AS TIMESTAMPTZ), CAST(CAST(b AS DATE) AS TIMESTAMPTZ))",
    "timestamptz_cmp_timestamp(a, b) AS weir_cmp(CAST(a AS TIMESTAMPTZ), CAST(CAST(b AS TIMESTAMP) AS TIMESTAMPTZ))",
    "interval_cmp(a, b) AS weir_cmp(CAST(a AS INTERVAL), CAST(b AS INTERVAL))",
    "date_part_year(t) AS CAST(year(CAST(t AS DATE)) AS INTEGER)",
    "timeofday() AS strftime(timezone('UTC', now()), '%a %b %d %H:%M:%S.%f %Y UTC')",
    // Texts.
    "weir_concat(a, b) AS CAST(a AS VARCHAR) || CAST(b AS VARCHAR)",
    "quote_nullable(s) AS coalesce(quote_literal(CAST(s AS VARCHAR)), 'NULL')",
    "weir_to_hex(n) AS lower(to_hex(n))",
    "bpcharcmp(a, b) AS weir_cmp(rtrim(a, ' '), rtrim(b, ' '))",
    "bttext_pattern_cmp(a, b) AS weir_cmp(CAST(a AS VARCHAR), CAST(b AS VARCHAR))",
    "md5_digest(s) AS unhex(md5(s))",
    R"(to_varbyte(s, form) AS CASE lower(form) WHEN 'utf8' THEN encode(s) WHEN 'utf-8' THEN encode(s)
         WHEN 'hex' THEN unhex(s) WHEN 'base64' THEN from_base64(s)
         ELSE error('to_varbyte() takes utf8, hex or base64 as argument 2; found ' || form) END)",
    R"(from_varbyte(b, form) AS CASE lower(form) WHEN 'utf8' THEN decode(b) WHEN 'utf-8' THEN decode(b)
         WHEN 'hex' THEN lower(hex(b)) WHEN 'base64' THEN to_base64(b)
         ELSE error('from_varbyte() takes utf8, hex or base64 as argument 2; found ' || form) END)",
    // Regular expressions, from a character on: 'i' among the parameters takes no notice of cases. $1 of a replacement
    // is the engine's \1.
    "weir_from(s, begin_at) AS substr(s, greatest(begin_at, 1))",
    "weir_pattern(p, parameters) AS CASE WHEN contains(parameters, 'i') THEN '(?i)' || p ELSE p END",
    R"(weir_regexp_replace(s, p) AS regexp_replace(s, p, '', 'g'),
       (s, p, r) AS regexp_replace(s, p, regexp_replace(r, '\$([0-9])', '\\\1', 'g'), 'g'),
       (s, p, r, begin_at) AS left(s, greatest(begin_at, 1) - 1) || weir_regexp_replace(weir_from(s, begin_at), p, r),
       (s, p, r, begin_at, parameters) AS weir_regexp_replace(s, weir_pattern(p, parameters), r, begin_at))",
    R"(regexp_substr(s, p) AS regexp_extract(s, p), (s, p, begin_at) AS regexp_extract(weir_from(s, begin_at), p),
       (s, p, begin_at, nth) AS CASE WHEN s IS NOT NULL AND p IS NOT NULL THEN
         coalesce(list_extract(regexp_extract_all(weir_from(s, begin_at), p), greatest(nth, 0)), '') END,
       (s, p, begin_at, nth, parameters) AS CASE WHEN s IS NOT NULL AND p IS NOT NULL THEN
         coalesce(list_extract(regexp_extract_all(weir_from(s, begin_at), weir_pattern(p, parameters),
           CASE WHEN contains(parameters, 'e') AND regexp_matches(p, '(^|[^\\])\(([^?]|\?P?<)') THEN 1 ELSE 0 END),
           greatest(nth, 0)), '') END)",
    R"(regexp_count(s, p) AS length(regexp_extract_all(s, p)),
       (s, p, begin_at) AS length(regexp_extract_all(weir_from(s, begin_at), p)),
       (s, p, begin_at, parameters) AS
         length(regexp_extract_all(weir_from(s, begin_at), weir_pattern(p, parameters))))",
    // What lies before the match number nth is as many matches less one, and what parts them.
    R"(weir_before_match(s, p, nth) AS
         regexp_extract(s, '^((?:[\s\S]*?(?:' || p || ')){' || (nth - 1) || '}[\s\S]*?)(?:' || p || ')', 1))",
    R"(weir_regexp_place(s, p, begin_at, nth, is_end) AS CASE WHEN s IS NOT NULL AND p IS NOT NULL THEN
         CASE WHEN nth < 1 OR length(regexp_extract_all(weir_from(s, begin_at), p)) < nth THEN 0
         ELSE greatest(begin_at, 1) + length(weir_before_match(weir_from(s, begin_at), p, nth)) +
           CASE WHEN is_end = 1 THEN length(list_extract(regexp_extract_all(weir_from(s, begin_at), p), nth)) ELSE 0 END
         END END)",
    R"(regexp_instr(s, p) AS weir_regexp_place(s, p, 1, 1, 0),
       (s, p, begin_at) AS weir_regexp_place(s, p, begin_at, 1, 0),
       (s, p, begin_at, nth) AS weir_regexp_place(s, p, begin_at, nth, 0),
       (s, p, begin_at, nth, is_end) AS weir_regexp_place(s, p, begin_at, nth, is_end),
       (s, p, begin_at, nth, is_end, parameters) AS
         weir_regexp_place(s, weir_pattern(p, parameters), begin_at, nth, is_end))",
    // JSON and SUPER. A key is one of its own, whatever signs it has; a number finds an item of an array.
    "weir_key(k) AS '/' || replace(replace(CAST(k AS VARCHAR), '~', '~0'), '/', '~1')",
    R"(weir_json_text(j, a) AS json_extract_string(j, weir_key(a)),
       (j, a, b) AS json_extract_string(j, weir_key(a) || weir_key(b)),
       (j, a, b, c) AS json_extract_string(j, weir_key(a) || weir_key(b) || weir_key(c)),
       (j, a, b, c, d) AS json_extract_string(j, weir_key(a) || weir_key(b) || weir_key(c) || weir_key(d)),
       (j, a, b, c, d, e) AS
         json_extract_string(j, weir_key(a) || weir_key(b) || weir_key(c) || weir_key(d) || weir_key(e)))",
    "weir_json_or_null(j, quiet) AS CASE WHEN NOT quiet OR json_valid(j) THEN j END",
    R"(json_extract_array_element_text(j, i) AS
         CASE WHEN i >= 0 THEN json_extract_string(j, '/' || CAST(i AS BIGINT)) END)",
    R"(is_valid_json_array(j) AS
         CASE WHEN j IS NOT NULL THEN CASE WHEN json_valid(j) THEN json_type(j) = 'ARRAY' ELSE false END END)",
    "can_json_parse(j) AS json_valid(j)",
    "json_serialize(j) AS CAST(json(j) AS VARCHAR)",
    R"(json_typeof(j) AS CASE json_type(j) WHEN 'VARCHAR' THEN 'string' WHEN 'BIGINT' THEN 'number'
         WHEN 'UBIGINT' THEN 'number' WHEN 'HUGEINT' THEN 'number' WHEN 'DOUBLE' THEN 'number'
         ELSE lower(json_type(j)) END)",
    "is_array(j) AS json_type(j) = 'ARRAY'",
    "is_object(j) AS json_type(j) = 'OBJECT'",
    "is_scalar(j) AS json_type(j) NOT IN ('ARRAY', 'OBJECT')",
    "is_varchar(j) AS json_type(j) = 'VARCHAR'",
    "is_char(j) AS json_type(j) = 'VARCHAR'",
    "is_boolean(j) AS json_type(j) = 'BOOLEAN'",
    "is_float(j) AS json_type(j) = 'DOUBLE'",
    "is_decimal(j) AS json_type(j) IN ('DOUBLE', 'BIGINT', 'UBIGINT', 'HUGEINT')",
    "weir_is_whole(j, most) AS json_type(j) IN ('BIGINT', 'UBIGINT') AND TRY_CAST(CAST(j AS VARCHAR) AS HUGEINT) "
    "BETWEEN -most - 1 AND most",
    "is_smallint(j) AS weir_is_whole(j, 32767)",
    "is_integer(j) AS weir_is_whole(j, 2147483647)",
    "is_bigint(j) AS weir_is_whole(j, 9223372036854775807::HUGEINT)",
    "get_array_length(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN json_array_length(j) END",
    "weir_items(j) AS json_extract(to_json(j), '$[*]')",
    R"(subarray(j, first_item) AS to_json(list_slice(weir_items(j), first_item + 1, 2147483647)),
       (j, first_item, items) AS to_json(list_slice(weir_items(j), first_item + 1, first_item + items)))",
    "weir_array_concat(a, b) AS to_json(list_concat(weir_items(a), weir_items(b)))",
    R"(array_flatten(j) AS to_json(flatten(list_transform(weir_items(j),
         lambda item: CASE WHEN json_type(item) = 'ARRAY' THEN json_extract(item, '$[*]') ELSE [item] END))))",
    R"(split_to_array(s) AS to_json(string_split(s, ',')), (s, separator) AS to_json(string_split(s, separator)))",
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
