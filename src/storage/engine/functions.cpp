#include "storage/engine/functions.h"

#include <algorithm>
#include <string>
#include <vector>

namespace weir::engine {
namespace {

// Taken from duckdb_functions() of 1.4.4 and read one by one. Left out, because they look beyond the values given to
// them:
//   current_setting getvariable setseed                    settings and session state
//   current_query current_query_id current_connection_id current_transaction_id txid_current in_search_path
//   nextval currval                                        sequences
//   json_serialize_sql json_deserialize_sql json_serialize_plan    parse or plan statements
//   write_log parse_duckdb_log_message stats vector_type   internals of the engine
//   aggregate combine finalize create_sort_key remap_struct replace_type cast_to_type can_cast_implicitly
//   constant_or_null timetz_byte_comparable icu_sort_key icu_collate_* is_histogram_other_bin get_block_size
//   __internal_*    internals parse_path parse_dirname parse_dirpath parse_filename  harmless, but about paths: nobody
//   asked everything of pg_catalog                               catalog views come with the wire

// Operators, as the parser names them.
constexpr std::string_view kOperators = R"(
!@~ !__postfix !~* !~~ !~~* % & && * ** + - ->> / // <-> << <=> <@ >> @ @> @~ ^ ^@ | || ~ ~* ~~ ~~* ~~~
)";

// Scalar functions: values to a value, nothing else.
constexpr std::string_view kScalar = R"(
abs acos acosh add age alias apply array_aggr array_aggregate array_apply array_cat array_concat array_contains
array_cosine_distance array_cosine_similarity array_cross_product array_distance array_distinct array_dot_product
array_extract array_filter array_grade_up array_has array_has_all array_has_any array_indexof array_inner_product
array_length array_negative_dot_product array_negative_inner_product array_position array_reduce array_resize
array_reverse_sort array_select array_slice array_sort array_to_json array_transform array_unique array_value
array_where array_zip ascii asin asinh atan atan2 atanh bar base64 bin bit_count bit_length bit_position bitstring
cardinality cbrt ceil ceiling century char_length character_length chr concat concat_ws contains cos cosh cot
current_database current_date current_localtime current_localtimestamp current_schema current_schemas
damerau_levenshtein date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth
dayofweek dayofyear decade decode degrees divide editdist3 element_at encode ends_with enum_code enum_first enum_last
enum_range enum_range_boundary epoch epoch_ms epoch_ns epoch_us equi_width_bins era error even exp factorial filter
flatten floor format format_bytes formatreadabledecimalsize formatreadablesize from_base64 from_binary from_hex
from_json from_json_strict gamma gcd gen_random_uuid generate_series get_bit get_current_time get_current_timestamp
grade_up greatest greatest_common_divisor hamming hash hex hour ilike_escape instr isfinite isinf isnan isodow isoyear
jaccard jaro_similarity jaro_winkler_similarity json_array json_array_length json_contains json_exists json_extract
json_extract_path json_extract_path_text json_extract_string json_keys json_merge_patch json_object json_pretty
json_quote json_structure json_transform json_transform_strict json_type json_valid json_value julian last_day lcase
lcm least least_common_multiple left left_grapheme len length length_grapheme levenshtein lgamma like_escape list_aggr
list_aggregate list_apply list_cat list_concat list_contains list_cosine_distance list_cosine_similarity list_distance
list_distinct list_dot_product list_element list_extract list_filter list_grade_up list_has list_has_all list_has_any
list_indexof list_inner_product list_negative_dot_product list_negative_inner_product list_pack list_position
list_reduce list_resize list_reverse_sort list_select list_slice list_sort list_transform list_unique list_value
list_where list_zip ln log log10 log2 lower lpad ltrim make_date make_time make_timestamp make_timestamp_ms
make_timestamp_ns make_timestamptz map map_concat map_contains map_entries map_extract map_extract_value
map_from_entries map_keys map_values md5 md5_number microsecond millennium millisecond minute mismatches mod month
monthname multiply nanosecond nextafter nfc_normalize normalized_interval not_ilike_escape not_like_escape now
octet_length ord pi position pow power prefix printf quarter radians random range reduce regexp_escape regexp_extract
regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right
right_grapheme round row row_to_json rpad rtrim second set_bit sha1 sha256 sign signbit sin sinh split sqrt
starts_with str_split str_split_regex strftime string_split string_split_regex string_to_array strip_accents strlen
strpos strptime struct_concat struct_contains struct_extract struct_extract_at struct_has struct_indexof struct_insert
struct_pack struct_position struct_update substr substring substring_grapheme subtract suffix tan tanh time_bucket
timezone timezone_hour timezone_minute to_base to_base64 to_binary to_centuries to_days to_decades to_hex to_hours
to_json to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks
to_years today transaction_timestamp translate trim trunc try_strptime typeof ucase unbin unhex unicode union_extract
union_tag union_value unpivot_list upper url_decode url_encode uuid uuid_extract_timestamp uuid_extract_version uuidv4
uuidv7 variant_extract variant_typeof version week weekday weekofyear xor year yearweek
)";

// Macros that expand to functions of these lists.
constexpr std::string_view kMacros = R"(
array_append array_intersect array_pop_back array_pop_front array_prepend array_push_back array_push_front
array_reverse array_to_string array_to_string_comma_default current_catalog current_role current_user date_add fdiv
fmod generate_subscripts geomean geometric_mean json json_group_array json_group_object json_group_structure
list_any_value list_append list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and
list_bool_or list_count list_entropy list_first list_histogram list_intersect list_kurtosis list_kurtosis_pop
list_last list_mad list_max list_median list_min list_mode list_prepend list_product list_reverse list_sem
list_skewness list_stddev_pop list_stddev_samp list_string_agg list_sum list_var_pop list_var_samp map_contains_entry
map_contains_value md5_number_lower md5_number_upper nullif regexp_split_to_table round_even roundbankers session_user
split_part user wavg weighted_avg
)";

// Redshift's, see platform_functions.h and platform_macros.h. What begins with weir_ stands behind a word of theirs.
constexpr std::string_view kPlatform = R"(
add_months array_flatten bpcharcmp bttext_pattern_cmp can_json_parse charindex checksum convert_timezone crc32 date_cmp
date_cmp_timestamp date_cmp_timestamptz date_part_year dateadd difference fnv_hash from_varbyte get_array_length
hll_cardinality hll_combine_sketches initcap interval_cmp is_array is_bigint is_boolean is_char is_decimal is_float
is_integer is_object is_scalar is_smallint is_valid_json_array is_varchar json_extract_array_element_text json_serialize
json_typeof md5_digest months_between next_day nvl2 octetindex overlay quote_ident quote_literal quote_nullable
regexp_count regexp_instr regexp_substr sha2 soundex space split_to_array strtol subarray timeofday timestamp_cmp
timestamp_cmp_date timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp to_char
to_date to_number to_varbyte weir_array_concat weir_concat weir_cut weir_date_trunc weir_json_or_null
weir_json_text weir_lpad weir_octet_length weir_regexp_replace weir_rpad weir_substring weir_to_hex
)";

// PostgreSQL's, of its catalog, see catalog_functions.h.
constexpr std::string_view kCatalog = R"(
array_lower array_remove array_upper getdatabaseencoding pg_char_to_encoding pg_get_function_sqlbody
weir_current_setting
col_description format_encoding format_type has_any_column_privilege has_column_privilege has_database_privilege
has_function_privilege
has_language_privilege has_schema_privilege has_table_privilege inet_client_addr inet_client_port inet_server_addr
inet_server_port obj_description pg_client_encoding pg_collation_is_visible pg_conversion_is_visible pg_database_size
pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arguments
pg_get_function_identity_arguments pg_get_function_result pg_get_functiondef pg_get_indexdef pg_get_partkeydef
pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef_columns pg_get_triggerdef pg_get_userbyid pg_get_viewdef
pg_has_role pg_indexes_size pg_is_in_recovery pg_is_other_temp_schema pg_is_wal_replay_paused pg_my_temp_schema
pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_relation_is_publishable pg_relation_size
pg_size_pretty pg_stat_get_numscans pg_statistics_obj_is_visible pg_table_is_visible pg_table_size
pg_tablespace_location pg_total_relation_size pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible
pg_ts_template_is_visible pg_type_is_visible pg_typeof shobj_description to_regclass to_regnamespace to_regproc
to_regtype weir_current_schemas weir_encodings weir_txid_current
)";

// Aggregate functions.
constexpr std::string_view kAggregate = R"(
any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_min arg_min_null
argmax argmin array_agg avg bit_and bit_or bit_xor bitstring_agg bool_and bool_or corr count count_if count_star
countif covar_pop covar_samp entropy favg first fsum group_concat histogram histogram_exact hll hll_combine
hll_create_sketch kahan_sum kurtosis
kurtosis_pop last list listagg mad max max_by mean median min min_by mode product quantile quantile_cont quantile_disc
regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem
skewness stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance
weir_listagg_distinct
)";

// Window functions.
constexpr std::string_view kWindow = R"(
row_number rank dense_rank rank_dense percent_rank cume_dist ntile lead lag first_value last_value nth_value fill
)";

// What the grammar offers as functions.
constexpr std::string_view kGrammar = R"(
array_contains coalesce construct_array grouping grouping_id if ifnull list_contains row try unnest
)";

constexpr std::string_view kTable =
    "range generate_series unnest repeat json_each json_tree pg_get_late_binding_view_cols";

std::vector<std::string_view> sorted_words(std::initializer_list<std::string_view> lists) {
  std::vector<std::string_view> words;
  for (const std::string_view list : lists) {
    for (size_t begin = 0; begin < list.size();) {
      const size_t end = std::min(list.find_first_of(" \n", begin), list.size());
      if (end > begin) words.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  std::sort(words.begin(), words.end());
  return words;
}

bool contains(const std::vector<std::string_view>& words, std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::binary_search(words.begin(), words.end(), std::string_view(lower));
}

}  // namespace

bool function_is_allowed(std::string_view name) {
  static const auto words =
      sorted_words({kOperators, kScalar, kMacros, kPlatform, kCatalog, kAggregate, kWindow, kGrammar});
  return contains(words, name);
}

bool table_function_is_allowed(std::string_view name) {
  static const auto words = sorted_words({kTable});
  return contains(words, name);
}

}  // namespace weir::engine
