#include "platform/flow/table.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "core/project/front_matter.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/sql_text.h"
#include "platform/flow/table_tests.h"

namespace weir::flow {
namespace {

void check_table_name(YamlReader& in, const std::string& name) {
  check_file_name(in, name, "table");
  const Position at{in.node().at.file, 1, 1};
  if (name.size() > 11 && name.ends_with("_quarantine")) {
    in.refuse_at(at, "table " + shown(name) + ": tables that end with _quarantine are weir's own", "rename the file");
  }
  for (std::string_view own : {"weir_", "pg_", "information_schema"}) {
    if (!name.starts_with(own)) continue;
    in.refuse_at(at,
                 "table " + shown(name) + ": names that begin with " + std::string(own) + " are views of the system",
                 "rename the file");
  }
}

// `day, day-1` in one text are two words, too.
std::vector<std::string> affects_words(const std::vector<std::string>& written) {
  std::vector<std::string> out;
  for (const std::string& one : written) {
    for (std::string_view part : split(one, ',')) out.emplace_back(trim(part));
  }
  return out;
}

void read_affects(YamlSection& in, bool has_partition, Affects& into) {
  std::vector<std::string> written;
  if (!read_text_or_texts(in, "affects", written)) return;
  if (!has_partition) {
    in.refuse("affects", "says which partitions an input's day touches, and the table has no partition",
              "remove it, or declare partition");
    return;
  }
  auto affects = affects_of(affects_words(written));
  if (affects) {
    into = std::move(*affects);
  } else {
    in.refuse("affects", affects.error().message, affects.error().hint);
  }
}

void read_inputs(YamlReader& in, Table& into) {
  if (!check_entries(in, "inputs", kInputsMax)) return;
  std::vector<YamlSection> sections = in.named_sections("inputs", "an input");
  const Yaml* node = in.value("inputs");
  for (YamlSection& section : sections) {
    Input input;
    input.name = section.name();
    const auto entry = std::find_if(node->entries.begin(), node->entries.end(),
                                    [&](const YamlEntry& one) { return one.key == input.name; });
    check_name(in, input.name, entry->key_at, "input");
    if (input.name == into.name) {
      in.refuse_at(entry->key_at, "the table " + shown(into.name) + " cannot be an input of itself",
                   "read what it is made of");
    }
    read_affects(section, in.has("partition"), input.affects);
    into.inputs.push_back(std::move(input));
  }
  std::sort(into.inputs.begin(), into.inputs.end(), [](const Input& a, const Input& b) { return a.name < b.name; });
}

void read_content(YamlReader& in, Table& into) {
  in.choice("stored", into.stored, {{"engine", Stored::engine}, {"lake", Stored::lake}});
  in.identifier("partition", into.partition);
  read_inputs(in, into);
}

void read_select(YamlReader& in, std::string_view sql, int sql_line, Table& into) {
  auto select = one_select(sql);
  if (select) {
    into.select = std::move(*select);
    return;
  }
  Position at = select.error().position.value_or(Position{"", 1, 1});
  at.file = in.node().at.file;
  at.line += sql_line - 1;
  in.refuse_at(at, select.error().message, select.error().hint);
}

ParsedTable parsed(const Yaml& root, std::string_view sql, int sql_line, const std::string& name) {
  ParsedTable out;
  Table& table = out.table;
  table.name = name;
  YamlReader in(root, "the table");
  check_table_name(in, name);
  read_description(in, table.description);
  project::Common common;
  project::read_common(in, common);
  table.enabled = common.enabled;
  table.tags = std::move(common.tags);
  read_content(in, table);
  TableTests(in, table).read();
  in.duration("time_limit", table.time_limit, {seconds(1), days(7)});
  read_select(in, sql, sql_line, table);
  out.errors = in.finish();
  return out;
}

std::vector<project::Difference> compare_json(const Json& from, const Json& to) {
  auto applied = table_from_json(from);
  auto wanted = table_from_json(to);
  if (applied && wanted) return compare(*applied, *wanted);
  // What is applied cannot be read (a newer weir wrote it): it is not overwritten.
  const Error& error = applied ? wanted.error() : applied.error();
  return {{"the table's declaration", false, error.message, error.hint}};
}

project::Declared parse_declared(const project::DeclarationSource& source) {
  ParsedTable parsed = parse_table(source);
  project::Declared out;
  out.name = source.name;
  out.errors = std::move(parsed.errors);
  if (out.errors.empty()) out.body = to_json(parsed.table);
  return out;
}

}  // namespace

const Input* Table::find_input(std::string_view input) const {
  const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const Input& one) { return one.name == input; });
  return found == inputs.end() ? nullptr : &*found;
}

ParsedTable parse_table(const project::DeclarationSource& source) {
  return parsed(source.root, source.sql, source.sql_line, source.name);
}

ParsedTable parse_table(std::string_view text, const std::string& file, const std::string& name) {
  ParsedTable out;
  out.table.name = name;
  auto parts = project::split_sql_file(text, file);
  if (!parts) {
    out.errors.push_back(std::move(parts).error());
    return out;
  }
  auto root = project::parse_front_matter(*parts, file);
  if (root) return parsed(*root, parts->sql, parts->sql_line, name);
  out.errors.push_back(std::move(root).error());
  return out;
}

uint64_t content_hash(const Table& table) {
  Json content(Json::Array{});
  content.push(squeezed(table.select));
  content.push(table.partition);
  content.push(stored_word(table.stored));
  Json affects(Json::Array{});
  if (!table.partition.empty()) {
    for (const Input& input : table.inputs) {
      Json one(Json::Array{});
      one.push(input.name);
      for (const std::string& word : words_of(input.affects)) one.push(word);
      affects.push(std::move(one));
    }
  }
  content.push(std::move(affects));
  return checksum64(content.dump());
}

project::Kind table_kind() {
  project::Kind kind;
  kind.name = "table";
  kind.folder = "tables";
  kind.extension = "sql";
  kind.prose = "A derived table: one SELECT, what it is made of and how it is tested.";
  kind.parse = parse_declared;
  kind.compare = compare_json;
  kind.schema = table_schema;
  return kind;
}

}  // namespace weir::flow
