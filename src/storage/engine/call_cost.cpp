#include "storage/engine/call_cost.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "storage/engine/call_sizes.h"

namespace weir::engine {
namespace {

using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::Vector;

// Steps per byte of what a function reads or builds, where nothing is said of it. Most need 1 to 10 ns for a byte of
// text; an item of a list is counted as eight bytes or more.
constexpr double kStepsPerByte = 8;

// --- the rules -------------------------------------------------------------------------------------------------------

struct Arguments {
  // `largest`: one row that is at least as costly as each.
  explicit Arguments(duckdb::DataChunk& given, bool largest_in = false)
      : chunk(given),
        rows(given.AllConstant() ? 1 : given.size()),
        count(largest_in ? std::min<size_t>(rows, 1) : rows),
        largest(largest_in) {}
  duckdb::DataChunk& chunk;
  const size_t rows;
  const size_t count;
  const bool largest;
  size_t number() const { return chunk.ColumnCount(); }
  Sizes sizes(size_t index) const {
    return largest ? Sizes::largest(chunk.data[index], rows) : Sizes(chunk.data[index], rows);
  }
  Numbers numbers(size_t index) const { return Numbers(chunk.data[index], rows, largest); }
};

using Measure = std::vector<CallCost> (*)(const Arguments& given);
// With `largest`, nothing where that cannot be told.
struct Rule {
  Measure measure;
  bool is_exact = true;
};

template <class Cost>
std::vector<CallCost> each_row(const Arguments& given, const Cost& cost) {
  std::vector<CallCost> out(given.count);
  for (size_t row = 0; row < given.count; ++row) out[row] = cost(row);
  return out;
}

CallCost built(double bytes) {
  return {.steps = bytes * kStepsPerByte, .bytes = bytes};
}

// repeat(value, n)
std::vector<CallCost> repeated(const Arguments& given) {
  const Sizes value = given.sizes(0);
  const Numbers times = given.numbers(1);
  return each_row(given, [&](size_t row) { return built(value.at(row) * std::max(0.0, times.at(row))); });
}

// lpad(text, n, fill), in characters; bitstring(text, n) in bits; bar(x, min, max, width)
template <size_t Index, size_t BytesEach>
std::vector<CallCost> widened(const Arguments& given) {
  const Sizes value = given.sizes(0);
  if (given.number() <= Index) return each_row(given, [&](size_t row) { return built(value.at(row)); });
  const Numbers width = given.numbers(Index);
  return each_row(given, [&](size_t row) {
    return built(value.at(row) + static_cast<double>(BytesEach) * std::max(0.0, width.at(row)));
  });
}

// list_resize(list, n, value)
std::vector<CallCost> resized(const Arguments& given) {
  const Sizes list = given.sizes(0);
  const Numbers items = given.numbers(1);
  const size_t last = given.number() - 1;
  const Sizes value = given.sizes(last);
  return each_row(given, [&](size_t row) {
    const double each = kItemBytes + (last > 1 ? value.at(row) : 0);
    return built(list.at(row) + each * std::max(0.0, items.at(row)));
  });
}

// range(stop), range(start, stop), range(start, stop, step)
std::vector<CallCost> ranged(const Arguments& given) {
  if (given.largest && given.rows > 1) return {};
  std::vector<Points> points;
  for (size_t i = 0; i < given.number(); ++i) points.emplace_back(given.chunk.data[i], given.count);
  return each_row(given, [&](size_t row) {
    const double start = points.size() > 1 ? points[0].at(row) : 0;
    const double stop = points.size() > 1 ? points[1].at(row) : points[0].at(row);
    const double step = points.size() > 2 ? points[2].at(row) : 1;
    const double items = step == 0 || !std::isfinite(step) ? 0 : std::max(0.0, (stop - start) / step + 1);
    return built(items * kItemBytes);
  });
}

std::vector<CallCost> equal_bins(const Arguments& given) {
  const Numbers bins = given.numbers(2);
  return each_row(given, [&](size_t row) { return built(bins.at(row) * kItemBytes * 8); });
}

// A table of the one text by the other.
std::vector<CallCost> distance(const Arguments& given) {
  const Sizes left = given.sizes(0), right = given.sizes(1);
  return each_row(given, [&](size_t row) {
    const double cells = left.at(row) * right.at(row);
    return CallCost{.steps = cells * 10, .bytes = right.at(row) * 16};
  });
}
std::vector<CallCost> similarity(const Arguments& given) {
  const Sizes left = given.sizes(0), right = given.sizes(1);
  return each_row(given, [&](size_t row) {
    return CallCost{.steps = left.at(row) * right.at(row) / 50 + (left.at(row) + right.at(row)) * kStepsPerByte,
                    .bytes = (left.at(row) + right.at(row)) * 16};
  });
}
std::vector<CallCost> distance_by_table(const Arguments& given) {
  const Sizes left = given.sizes(0), right = given.sizes(1);
  return each_row(given, [&](size_t row) {
    const double cells = (left.at(row) + 2) * (right.at(row) + 2);
    return CallCost{.steps = cells * 30, .bytes = cells * 8};
  });
}

// replace(text, from, to): every character may become `to`.
std::vector<CallCost> replaced(const Arguments& given) {
  const Sizes text = given.sizes(0), from = given.sizes(1), to = given.sizes(given.number() > 2 ? 2 : 1);
  return each_row(given, [&](size_t row) {
    const double found = text.at(row) / std::max(1.0, from.at(row));
    return built(text.at(row) + found * to.at(row));
  });
}

// A pattern with a part that may be left out and one that may be long: the search looks at all of the rest of the text
// to see whether it matches, and does so again behind each match ("a.*b|a" in "aaaa…").
bool looks_far_ahead(std::string_view pattern) {
  const bool is_optional = pattern.find_first_of("|?*{") != std::string_view::npos;
  const bool is_long = pattern.find_first_of("*+{") != std::string_view::npos;
  return is_optional && is_long;
}

// All matches of a pattern in a text: of the arguments the first two.
std::vector<double> search_steps(const Arguments& given, const Sizes& text) {
  duckdb::UnifiedVectorFormat patterns;
  given.chunk.data[1].ToUnifiedFormat(given.rows, patterns);
  const auto* written = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(patterns);
  const bool is_constant = given.chunk.data[1].GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  const auto is_far = [&](size_t row) {
    const size_t at = patterns.sel->get_index(row);
    return patterns.validity.RowIsValid(at) && looks_far_ahead(written[at].GetString());
  };
  const bool first = given.count > 0 && (is_constant ? is_far(0) : given.largest || is_far(0));
  std::vector<double> out(given.count);
  for (size_t row = 0; row < given.count; ++row) {
    const double bytes = text.at(row);
    const bool squares = is_constant || given.largest ? first : is_far(row);
    out[row] = bytes * kStepsPerByte * 5 + (squares ? 2 * bytes * bytes : 0);
  }
  return out;
}

std::vector<CallCost> all_matches(const Arguments& given) {
  const Sizes text = given.sizes(0);
  const std::vector<double> steps = search_steps(given, text);
  return each_row(given, [&](size_t row) {
    return CallCost{.steps = steps[row], .bytes = text.at(row) * 16};  // a list of texts of one byte
  });
}

std::vector<CallCost> matches_replaced(const Arguments& given) {
  const Sizes text = given.sizes(0), to = given.sizes(given.number() > 2 ? 2 : 1);
  const std::vector<double> steps = search_steps(given, text);
  return each_row(given, [&](size_t row) {
    const double bytes = text.at(row) * (1 + to.at(row));
    return CallCost{.steps = steps[row] + bytes * kStepsPerByte, .bytes = bytes};
  });
}

// One match: a state machine that may have thousands of states for each byte, if it cannot be kept.
std::vector<CallCost> one_match(const Arguments& given) {
  const Sizes text = given.sizes(0);
  return each_row(
      given, [&](size_t row) { return CallCost{.steps = text.at(row) * kStepsPerByte * 5, .bytes = text.at(row)}; });
}

// A pattern of LIKE, or a part that is looked for: each place of the text may be the beginning of nearly all of it.
// PerMillion steps for a million pairs of bytes.
template <int64_t PerMillion>
std::vector<CallCost> searched(const Arguments& given) {
  const Sizes text = given.sizes(0), part = given.sizes(given.number() > 1 ? 1 : 0);
  return each_row(given, [&](size_t row) {
    const double pairs = given.number() > 1 ? text.at(row) * part.at(row) : 0;
    return CallCost{.steps = text.at(row) * kStepsPerByte + pairs * static_cast<double>(PerMillion) / 1e6,
                    .bytes = text.at(row)};
  });
}

// Each letter is taken apart, and put together again.
std::vector<CallCost> normalized(const Arguments& given) {
  const Sizes text = given.sizes(0);
  return each_row(given, [&](size_t row) { return CallCost{.steps = text.at(row) * 60, .bytes = text.at(row) * 4}; });
}

// split(text, by): a list entry for each character in the worst case.
std::vector<CallCost> split(const Arguments& given) {
  const Sizes text = given.sizes(0);
  return each_row(given, [&](size_t row) {
    return CallCost{.steps = text.at(row) * kStepsPerByte * 4, .bytes = text.at(row) * 17};
  });
}

// list_aggregate(list, name, …): "string_agg" puts its last argument between the items.
std::vector<CallCost> aggregated(const Arguments& given) {
  const Sizes list = given.sizes(0), last = given.sizes(given.number() - 1);
  return each_row(given, [&](size_t row) {
    const double between = given.number() > 1 ? last.at(row) : 0;
    const double bytes = list.at(row) * 2 + list.items(row) * between;
    return CallCost{.steps = list.items(row) * 100 + bytes * 2, .bytes = bytes};
  });
}

// Sorting and counting, about half a microsecond an item; sets and maps, some more.
template <int64_t StepsPerItem>
std::vector<CallCost> arranged(const Arguments& given) {
  const Sizes list = given.sizes(0);
  const Sizes second = given.sizes(given.number() > 1 ? 1 : 0);
  return each_row(given, [&](size_t row) {
    const double items = list.items(row) + (given.number() > 1 ? second.items(row) : 0);
    const double bytes = list.at(row) + (given.number() > 1 ? second.at(row) : 0);
    return CallCost{.steps = items * static_cast<double>(StepsPerItem) + bytes * kStepsPerByte, .bytes = bytes * 3};
  });
}

// list_reduce: one evaluation for each item, each after the other.
std::vector<CallCost> reduced(const Arguments& given) {
  const Sizes list = given.sizes(0);
  return each_row(given, [&](size_t row) { return CallCost{.steps = list.items(row) * 2'000, .bytes = list.at(row)}; });
}

std::vector<CallCost> applied(const Arguments& given) {
  const Sizes list = given.sizes(0);
  return each_row(given, [&](size_t row) {
    return CallCost{.steps = list.items(row) * 200 + list.at(row) * kStepsPerByte, .bytes = list.at(row) * 2};
  });
}

// json_contains, json_merge_patch: each part of the one is looked for in the other.
std::vector<CallCost> json_by_json(const Arguments& given) {
  const Sizes left = given.sizes(0), right = given.sizes(given.number() > 1 ? 1 : 0);
  return each_row(given, [&](size_t row) {
    return CallCost{.steps = left.at(row) * right.at(row) + (left.at(row) + right.at(row)) * kStepsPerByte * 4,
                    .bytes = (left.at(row) + right.at(row)) * 8};
  });
}

std::vector<CallCost> json_read(const Arguments& given) {
  const Sizes text = given.sizes(0);
  return each_row(given, [&](size_t row) {
    return CallCost{.steps = text.at(row) * kStepsPerByte * 4, .bytes = text.at(row) * 16};
  });
}

// The widths that a format asks for: its own digits, and where it takes them from the arguments, those.
double written_width(std::string_view format, bool& takes_arguments) {
  double sum = 0, number = 0;
  bool is_inside = false;
  for (const char c : format) {
    if (c >= '0' && c <= '9') {
      number = std::min(number * 10 + (c - '0'), 1e12);
      continue;
    }
    sum += number;
    number = 0;
    takes_arguments = takes_arguments || c == '*' || (c == '{' && is_inside);
    is_inside = c == '{' || (is_inside && c != '}');
  }
  return sum + number;
}

std::vector<CallCost> formatted(const Arguments& given) {
  const bool is_constant = given.chunk.data[0].GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  if (given.largest && !is_constant) return {};
  std::vector<Sizes> sizes;
  std::vector<Numbers> numbers;
  for (size_t i = 0; i < given.number(); ++i) {
    sizes.push_back(given.sizes(i));
    if (given.largest) continue;  // a width that is an argument is told by the rows
    numbers.push_back(given.numbers(i));
  }
  duckdb::UnifiedVectorFormat formats;
  given.chunk.data[0].ToUnifiedFormat(given.rows, formats);
  const auto* written = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(formats);
  bool is_told = true;
  auto out = each_row(given, [&](size_t row) {
    const size_t at = formats.sel->get_index(row);
    if (!formats.validity.RowIsValid(at)) return CallCost{};
    bool takes_arguments = false;
    const std::string format = written[at].GetString();
    double bytes = written_width(format, takes_arguments);
    is_told = !given.largest || !takes_arguments;
    for (size_t i = 0; i < sizes.size(); ++i) {
      bytes += sizes[i].at(row) + (takes_arguments && is_told ? std::fabs(numbers[i].at(row)) : 0);
    }
    return built(bytes);
  });
  if (!is_told) out.clear();
  return out;
}

std::vector<CallCost> read_through(const Arguments& given) {
  std::vector<CallCost> out(given.count);
  for (duckdb::Vector& column : given.chunk.data) {
    if (!is_large(column.GetType())) continue;
    const Sizes sizes(column, given.rows);
    for (size_t row = 0; row < given.count; ++row) {
      out[row].steps += sizes.at(row) * kStepsPerByte;
      out[row].bytes += sizes.at(row);
    }
  }
  return out;
}

const std::map<std::string_view, Rule>& rules() {
  static const std::map<std::string_view, Rule> known = [] {
    std::map<std::string_view, Rule> out;
    const auto add = [&out](std::initializer_list<std::string_view> names, Measure measure, bool is_exact) {
      for (const std::string_view name : names) out[name] = {measure, is_exact};
    };
    add({"repeat"}, repeated, true);
    add({"lpad", "rpad"}, widened<1, 4>, true);
    add({"bitstring"}, widened<1, 1>, true);
    add({"bar"}, widened<3, 3>, true);
    add({"space"}, widened<0, 1>, true);
    add({"list_resize", "array_resize"}, resized, true);
    add({"range", "generate_series"}, ranged, true);
    add({"equi_width_bins"}, equal_bins, false);
    add({"format", "printf"}, formatted, true);
    add({"levenshtein", "editdist3"}, distance, true);
    add({"jaro_similarity", "jaro_winkler_similarity"}, similarity, true);
    add({"damerau_levenshtein"}, distance_by_table, true);
    add({"replace"}, replaced, false);
    add({"translate", "trim", "ltrim", "rtrim", "contains", "instr", "strpos", "position", "charindex", "suffix"},
        searched<20'000>, false);
    add({"~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"},
        searched<1'000'000>, false);
    add({"strip_accents", "nfc_normalize", "length_grapheme", "left_grapheme", "right_grapheme", "substring_grapheme"},
        normalized, false);
    add({"regexp_replace", "weir_regexp_replace"}, matches_replaced, false);
    add({"regexp_extract_all", "regexp_split_to_array", "str_split_regex", "string_split_regex", "regexp_count",
         "regexp_substr", "regexp_instr"},
        all_matches, false);
    add({"regexp_matches", "regexp_full_match", "regexp_extract", "~", "!~", "~*", "!~*"}, one_match, false);
    add({"string_split", "str_split", "string_to_array", "split", "split_to_array"}, split, false);
    add({"list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"}, aggregated, false);
    add({"list_sort", "list_reverse_sort", "array_sort", "array_reverse_sort", "list_grade_up", "array_grade_up",
         "grade_up", "list_distinct", "array_distinct", "list_unique", "array_unique"},
        arranged<500>, false);
    add({"list_has_any", "list_has_all", "array_has_any", "array_has_all", "&&", "@>", "<@", "map", "map_from_entries",
         "map_concat"},
        arranged<4'000>, false);
    add({"list_reduce", "array_reduce", "reduce"}, reduced, false);
    add({"list_transform", "array_transform", "list_apply", "array_apply", "apply", "list_filter", "array_filter",
         "filter"},
        applied, false);
    add({"json_contains", "json_merge_patch"}, json_by_json, false);
    add({"from_json", "from_json_strict", "json_transform", "json_transform_strict", "json_extract",
         "json_extract_string", "json_extract_path", "json_extract_path_text", "->", "->>", "json_structure",
         "json_keys", "json_pretty", "json_value"},
        json_read, false);
    return out;
  }();
  return known;
}

// Small whatever their arguments are: they take a part, or its length.
bool is_always_small(std::string_view name) {
  static constexpr std::string_view kSmall[] = {
      "struct_extract",   "struct_extract_at", "struct_pack",  "row",           "strlen",
      "octet_length",     "array_length",      "list_extract", "array_extract", "list_element",
      "element_at",       "union_extract",     "union_tag",    "typeof",        "pg_typeof",
      "prefix",           "starts_with",       "^@",           "enum_code",     "cardinality",
      "weir_octet_length"};
  return std::find(std::begin(kSmall), std::end(kSmall), name) != std::end(kSmall);
}

// --- meters ----------------------------------------------------------------------------------------------------------

CallCost sum_of(const std::vector<CallCost>& costs) {
  CallCost sum;
  for (const CallCost& one : costs) {
    sum.steps += one.steps;
    sum.bytes += one.bytes;
  }
  return sum;
}

// Functions that only read their arguments and build something of about their size.
class Linear final : public CallMeter {
 public:
  explicit Linear(bool builds) : builds_(builds) {}
  CallCost total(duckdb::DataChunk& arguments) const override {
    const Arguments given(arguments);
    double bytes = 0;
    for (Vector& column : arguments.data) {
      if (!is_large(column.GetType())) continue;
      // A constant beside columns is worked on for each row.
      const bool is_constant = column.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
      bytes += bytes_of(column, given.count) * (is_constant ? static_cast<double>(given.count) : 1);
    }
    return {.steps = bytes * kStepsPerByte, .bytes = builds_ ? bytes : 0};
  }
  std::vector<CallCost> rows(duckdb::DataChunk& arguments) const override {
    std::vector<CallCost> out = read_through(Arguments(arguments));
    for (CallCost& one : out) one.bytes = builds_ ? one.bytes : 0;
    return out;
  }
  bool is_exact() const override { return false; }

 private:
  const bool builds_;  // a text or a list
};

class Ruled final : public CallMeter {
 public:
  explicit Ruled(Rule rule) : rule_(rule) {}
  CallCost total(duckdb::DataChunk& arguments) const override {
    const Arguments given(arguments, true);
    const std::vector<CallCost> largest = rule_.measure(given);
    if (largest.size() == 1) {
      const auto rows = static_cast<double>(given.rows);
      const CallCost most = {.steps = largest[0].steps * rows, .bytes = largest[0].bytes * rows};
      if (most.steps <= kPieceSteps && most.bytes <= kPieceBytes) return most;
    }
    return sum_of(this->rows(arguments));
  }
  std::vector<CallCost> rows(duckdb::DataChunk& arguments) const override {
    return rule_.measure(Arguments(arguments));
  }
  bool is_exact() const override { return rule_.is_exact; }

 private:
  const Rule rule_;
};

}  // namespace

std::shared_ptr<const CallMeter> CallMeter::of(const duckdb::BoundFunctionExpression& call) {
  static const auto reading = std::make_shared<const Linear>(false), building = std::make_shared<const Linear>(true);
  const std::string name = duckdb::StringUtil::Lower(call.function.name);
  const bool is_of_list = !call.children.empty() && call.children[0]->return_type.id() == LogicalTypeId::LIST;
  if (is_of_list && (name == "len" || name == "length")) return nullptr;
  if (call.children.empty() || is_always_small(name)) return nullptr;
  // A part of a list is where the whole is; with steps it is built.
  const bool is_slice = name == "list_slice" || name == "array_slice";
  if (is_slice && call.children.size() < 4) return nullptr;
  const bool has_large = std::any_of(call.children.begin(), call.children.end(),
                                     [](const auto& child) { return is_large(child->return_type); });
  const auto found = rules().find(name);
  if (found != rules().end() && (has_large || is_large(call.return_type)))
    return std::make_shared<Ruled>(found->second);
  if (!has_large) return nullptr;
  return is_large(call.return_type) ? building : reading;
}

}  // namespace weir::engine
