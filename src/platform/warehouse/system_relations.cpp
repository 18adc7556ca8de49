#include "platform/warehouse/system_relations.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"

namespace weir::warehouse {
namespace {

// Of the words in system_relations_empty.cpp.
std::string_view engine_type(std::string_view word) {
  struct Word {
    std::string_view word, type;
  };
  static constexpr Word kWords[] = {{"int", "INTEGER"},          {"big", "BIGINT"},        {"small", "SMALLINT"},
                                    {"text", "VARCHAR"},         {"time", "TIMESTAMP"},    {"bool", "BOOLEAN"},
                                    {"double", "DOUBLE"},        {"real", "FLOAT"},        {"oid", "BIGINT"},
                                    {"texts", "VARCHAR[]"},      {"smalls", "SMALLINT[]"}, {"oids", "BIGINT[]"},
                                    {"number", "DECIMAL(38,4)"}, {"zoned", "TIMESTAMPTZ"}};
  for (const Word& one : kWords) {
    if (one.word == word) return one.type;
  }
  CHECK(false, "a type of an empty relation is one of the words");
  return "";
}

std::string_view take_word(std::string_view& rest) {
  const size_t begin = std::min(rest.find_first_not_of(" \n"), rest.size());
  const size_t end = std::min(rest.find_first_of(" \n", begin), rest.size());
  const std::string_view out = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return out;
}

std::vector<std::string_view> empty_lines() {
  std::vector<std::string_view> out;
  std::string_view lines = empty_relations();
  while (!lines.empty()) {
    // A line that begins with a blank goes on with the one before.
    size_t end = std::min(lines.find('\n'), lines.size());
    while (end + 1 < lines.size() && lines[end + 1] == ' ') end = std::min(lines.find('\n', end + 1), lines.size());
    if (end > 0) out.push_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

engine::SystemRelation empty_relation(std::string_view line) {
  engine::SystemRelation out{.schema = "pg_catalog", .name = std::string(take_word(line)), .select = "SELECT "};
  bool is_first = true;
  while (!line.empty()) {
    const size_t comma = std::min(line.find(','), line.size());
    std::string_view one = line.substr(0, comma);
    line.remove_prefix(std::min(comma + 1, line.size()));
    const std::string_view name = take_word(one);
    const std::string_view type = engine_type(take_word(one));
    out.select +=
        std::string(is_first ? "" : ", ") + "CAST(NULL AS " + std::string(type) + ") AS \"" + std::string(name) + "\"";
    is_first = false;
  }
  out.select += " WHERE false";
  out.comment = "empty: weir has no such thing";
  return out;
}

}  // namespace

std::vector<engine::SystemRelation> system_relations() {
  std::vector<engine::SystemRelation> out;
  for (const auto& family : {catalog_relations(), information_relations(), svv_relations(), external_relations(),
                             rights_relations(), history_relations()}) {
    for (const SystemSelect& one : family) {
      out.push_back({.schema = one.schema, .name = one.name, .select = one.select});
    }
  }
  for (const std::string_view line : empty_lines()) out.push_back(empty_relation(line));
  return out;
}

bool is_never_filled(std::string_view name) {
  constexpr std::string_view kSchema = "pg_catalog.";
  const std::string wanted = to_lower(name);
  const std::string_view relation =
      std::string_view(wanted).substr(wanted.starts_with(kSchema) ? kSchema.size() : size_t{0});
  const auto lines = empty_lines();
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) { return take_word(line) == relation; });
}

}  // namespace weir::warehouse
