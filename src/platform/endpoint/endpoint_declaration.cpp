#include "platform/endpoint/endpoint_declaration.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "core/project/origins.h"
#include "platform/endpoint/endpoint_words.h"
#include "platform/flow/declaration_parts.h"

namespace weir::endpoint {
namespace {

using flow::check_count;
using flow::check_name;

class EndpointFile {
 public:
  EndpointFile(YamlReader& in, Endpoint& into) : in_(in), into_(into) {}

  void read() {
    flow::check_file_name(in_, into_.name, "endpoint");
    flow::read_description(in_, into_.description);
    project::Common common;
    project::read_common(in_, common);
    into_.enabled = common.enabled;
    into_.tags = std::move(common.tags);
    read_path();
    in_.identifier("table", into_.table, required);
    read_parameters();
    read_page();
    read_answer();
    in_.choice("read", into_.read, read_words());
    project::read_origins(in_, "cors", kOriginsMax, into_.cors_origins);
    in_.duration("cache", into_.cache, {seconds(0), days(1)});
  }

 private:
  void read_path() {
    if (!in_.text("path", into_.path, required)) return;
    const std::string wrong = path_mistake(into_.path);
    if (wrong.empty()) {
      is_path_good_ = true;
    } else {
      in_.refuse("path", shown(into_.path) + " " + wrong, "for example /traffic/{ad_id}");
    }
  }

  void read_parameters() {
    const std::vector<std::string> in_path = is_path_good_ ? path_parameters(into_.path) : std::vector<std::string>();
    if (!flow::check_entries(in_, "parameters", kParametersMax)) return;
    std::vector<Parameter> others;
    for (YamlSection& section : in_.named_sections("parameters", "a parameter")) {
      Parameter parameter;
      parameter.name = section.name();
      parameter.in_path = std::find(in_path.begin(), in_path.end(), parameter.name) != in_path.end();
      if (!check_name(section, parameter.name, section.node().at, "parameter")) continue;
      read_parameter_file(section, parameter);
      places_[parameter.name] = section.node().at;
      others.push_back(std::move(parameter));
    }
    for (const std::string& name : in_path) {
      const auto found = std::find_if(others.begin(), others.end(), [&](const auto& one) { return one.name == name; });
      if (found == others.end()) {
        in_.refuse("path", "the parameter {" + name + "} is not declared", "parameters: {" + name + ": {type: uuid}}");
        continue;
      }
      into_.parameters.push_back(std::move(*found));
      others.erase(found);
    }
    for (Parameter& parameter : others) into_.parameters.push_back(std::move(parameter));
    check_uses();
  }

  void read_parameter_file(YamlSection& section, Parameter& into) {
    flow::read_description(section, into.description);
    section.choice("type", into.type, type_words(), required);
    std::vector<std::string> given;
    for (const auto& [key, use] : std::initializer_list<std::pair<const char*, ParameterUse>>{
             {"column", ParameterUse::equals}, {"from", ParameterUse::from}, {"to", ParameterUse::to}}) {
      if (section.value(key) == nullptr) continue;
      given.emplace_back(key);
      into.use = use;
      section.identifier(key, into.column);
    }
    if (given.empty()) into.column = into.name;
    if (given.size() > 1)
      section.refuse(given[1], "a parameter is one of column, from and to; this is " + join(given, " and "));
    const bool has_range = into.use != ParameterUse::equals;
    const bool is_number = into.type == ParameterType::date || into.type == ParameterType::integer;
    if (has_range && !is_number) {
      section.refuse(use_word(into.use),
                     std::string("a range is of dates or integers, this is a ") + type_word(into.type));
    }
    if (has_range && into.in_path)
      section.refuse(use_word(into.use), "a parameter of the path equals a column", "column: NAME");
    read_values(section, into, is_number);
  }

  void read_values(YamlSection& section, Parameter& into, bool is_number) {
    section.text("default", into.otherwise);
    section.text("min", into.min);
    section.text("max", into.max);
    for (const auto& [key, text] : std::initializer_list<std::pair<const char*, const std::optional<std::string>*>>{
             {"default", &into.otherwise}, {"min", &into.min}, {"max", &into.max}}) {
      if (!*text) continue;
      if (std::string_view(key) != "default" && !is_number) {
        section.refuse(key, std::string("bounds are for dates and integers, this is a ") + type_word(into.type));
      } else if (!read_written(into.type, **text, 0)) {
        section.refuse(key, shown(**text) + " is no " + type_word(into.type),
                       into.type == ParameterType::date ? "write 2026-11-21, today or today-7" : "");
      }
    }
    if (into.in_path && into.otherwise)
      section.refuse("default", "a parameter of the path is always given", "remove it");
  }

  // Each column is chosen by one parameter, or by two that are the ends of the one range.
  void check_uses() {
    std::map<std::string, std::string> equal;
    const Parameter* from = nullptr;
    const Parameter* to = nullptr;
    for (const Parameter& one : into_.parameters) {
      const Position& at = places_[one.name];
      if (one.use == ParameterUse::equals) {
        const auto [first, is_new] = equal.emplace(one.column, one.name);
        if (!is_new)
          in_.refuse_at(at, "column " + one.column + " is chosen by parameter " + first->second + " already");
        continue;
      }
      const Parameter*& end = one.use == ParameterUse::from ? from : to;
      if (end != nullptr) {
        in_.refuse_at(
            at, std::string("parameter ") + end->name + " is `" + use_word(one.use) + "` already: there is one range");
      } else {
        end = &one;
      }
    }
    if (from != nullptr && to != nullptr && (from->column != to->column || from->type != to->type)) {
      in_.refuse_at(places_[to->name], "from and to are the ends of one range: of one column and one type",
                    "to: " + from->column + ", type: " + type_word(from->type));
    }
    for (const Parameter* end : {from, to}) {
      if (end != nullptr && equal.contains(end->column)) {
        in_.refuse_at(places_[end->name],
                      "column " + end->column + " is chosen by parameter " + equal[end->column] + " already");
      }
    }
  }

  void read_page() {
    auto section = in_.section("page", "the page");
    if (section) {
      section->identifier("cursor", into_.page.cursor);
      section->identifier("limit", into_.page.size);
      const bool has_max = section->integer("max", into_.page.max, {1, kPageRowsMax});
      if (has_max && !section->has("default")) into_.page.otherwise = std::min(into_.page.otherwise, into_.page.max);
      section->integer("default", into_.page.otherwise, {1, into_.page.max});
      if (into_.page.cursor == into_.page.size) section->refuse("limit", "cursor and limit are two parameters");
    }
    for (const std::string& name : {into_.page.cursor, into_.page.size}) {
      if (into_.find(name) == nullptr) continue;
      in_.refuse_at(places_[name], "parameter " + name + " is the page's already", "page: {cursor: NAME, limit: NAME}");
    }
  }

  void read_answer() {
    if (in_.identifier("list", into_.list) && (into_.list == "count" || into_.list == "next")) {
      in_.refuse("list", shown(into_.list) + " is the answer's own", "for example days");
    }
    in_.choice("order", into_.order, order_words());
    flow::read_names(in_, "columns", "column", kColumnsMax, into_.columns, required);
    if (!flow::check_entries(in_, "ratios", kRatiosMax)) return;
    std::set<std::string> names(into_.columns.begin(), into_.columns.end());
    for (YamlSection& section : in_.named_sections("ratios", "a ratio")) {
      Ratio ratio;
      ratio.name = section.name();
      check_name(section, ratio.name, section.node().at, "ratio");
      section.identifier("of", ratio.of, required);
      section.identifier("to", ratio.to, required);
      section.integer("digits", ratio.digits, {0, 15});
      if (!names.insert(ratio.name).second) {
        section.refuse_at(section.node().at, "ratio " + ratio.name + " has the name of a column that is answered");
      }
      into_.ratios.push_back(std::move(ratio));
    }
  }

  YamlReader& in_;
  Endpoint& into_;
  bool is_path_good_ = false;
  std::map<std::string, Position> places_;  // of parameters
};

}  // namespace

const Parameter* Endpoint::find(std::string_view parameter) const {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(), [&](const Parameter& one) { return one.name == parameter; });
  return found == parameters.end() ? nullptr : &*found;
}

std::string Endpoint::range_column() const {
  for (const Parameter& one : parameters) {
    if (one.use != ParameterUse::equals) return one.column;
  }
  return {};
}

ParsedEndpoint parse_endpoint(const Yaml& root, const std::string& name) {
  ParsedEndpoint out;
  out.endpoint.name = name;
  YamlReader in(root, "the endpoint");
  EndpointFile(in, out.endpoint).read();
  if (const Yaml* path = root.find("path")) out.path_at = path->at;
  out.errors = in.finish();
  return out;
}

ParsedEndpoint parse_endpoint(std::string_view text, const std::string& file, const std::string& name) {
  auto root = parse_yaml(text, {file, 1});
  if (root) return parse_endpoint(*root, name);
  ParsedEndpoint out;
  out.endpoint.name = name;
  out.errors.push_back(std::move(root).error());
  return out;
}

// --- against the table ----------------------------------------------------------------------------------------------

namespace {

bool is_whole(const std::string& type) {
  return type == "TINYINT" || type == "SMALLINT" || type == "INTEGER" || type == "BIGINT" || type == "UTINYINT" ||
         type == "USMALLINT" || type == "UINTEGER";
}

bool is_numeric(const std::string& type) {
  return is_whole(type) || type == "UBIGINT" || type == "HUGEINT" || type == "UHUGEINT" || type == "FLOAT" ||
         type == "DOUBLE" || type.starts_with("DECIMAL");
}

bool fits(ParameterType parameter, const std::string& type) {
  switch (parameter) {
    case ParameterType::uuid:
      return type == "UUID" || type == "VARCHAR";
    case ParameterType::date:
      return type == "DATE";
    case ParameterType::integer:
      return is_whole(type);
    case ParameterType::text:
      return type == "VARCHAR";
    case ParameterType::boolean:
      return type == "BOOLEAN";
  }
  return false;
}

}  // namespace

std::vector<std::string> check_columns(const Endpoint& endpoint, const flow::Table& table,
                                       const std::vector<engine::ResultColumn>& columns) {
  std::vector<std::string> out, known;
  std::map<std::string, std::string> types;
  for (const auto& column : columns) {
    types[column.name] = column.type;
    known.push_back(column.name);
  }
  const auto has = [&](const std::string& column, const std::string& who) {
    if (types.contains(column)) return true;
    out.push_back(who + " names the column '" + column + "', which table " + endpoint.table + " does not have (" +
                  did_you_mean(column, known) + ")");
    return false;
  };
  for (const Parameter& one : endpoint.parameters) {
    if (!has(one.column, "parameter " + one.name) || fits(one.type, types[one.column])) continue;
    out.push_back("parameter " + one.name + " is a " + type_word(one.type) + ", its column " + one.column + " is a " +
                  types[one.column]);
  }
  for (const std::string& column : endpoint.columns) has(column, "`columns`");
  for (const Ratio& ratio : endpoint.ratios) {
    for (const std::string& column : {ratio.of, ratio.to}) {
      if (!has(column, "ratio " + ratio.name) || is_numeric(types[column])) continue;
      out.push_back("ratio " + ratio.name + ": column " + column + " is a " + types[column] + ", not a number");
    }
  }
  const std::string range = endpoint.range_column();
  if (!range.empty() && !table.partition.empty() && range != table.partition) {
    out.push_back("its range is over the column '" + range + "', but table " + endpoint.table + " is cut by '" +
                  table.partition + "': the range is over that column, or the table is one whole");
  }
  return out;
}

// Not what only says who may ask, for how many, and what the answer looks like around its rows.
uint64_t content_hash(const Endpoint& endpoint) {
  Json parameters(Json::Array{}), ratios(Json::Array{});
  for (const Parameter& one : endpoint.parameters) {
    if (one.use == ParameterUse::equals)
      parameters.push(Json::Object{{"column", one.column}, {"type", type_word(one.type)}});
  }
  Json columns(Json::Array{});
  for (const std::string& column : endpoint.columns) columns.push(column);
  for (const Ratio& one : endpoint.ratios) {
    ratios.push(Json::Object{{"name", one.name}, {"of", one.of}, {"to", one.to}, {"digits", one.digits}});
  }
  return checksum64(Json(Json::Object{{"table", endpoint.table},
                                      {"key", std::move(parameters)},
                                      {"range", endpoint.range_column()},
                                      {"columns", std::move(columns)},
                                      {"ratios", std::move(ratios)}})
                        .dump());
}

// --- the kind -------------------------------------------------------------------------------------------------------

namespace {

project::Declared parse_file(const project::DeclarationSource& source) {
  ParsedEndpoint parsed = parse_endpoint(source.root, source.name);
  project::Declared out;
  out.name = source.name;
  out.errors = std::move(parsed.errors);
  if (!out.errors.empty()) return out;
  out.body = to_json(parsed.endpoint);
  for (const std::string& mount : source.settings.texts("http.mounts")) {
    out.claims.push_back({"GET " + mount + parsed.endpoint.path, parsed.path_at, mount + parsed.endpoint.path});
  }
  return out;
}

std::vector<project::Difference> compare_json(const Json& from, const Json& to) {
  auto applied = endpoint_from_json(from);
  auto wanted = endpoint_from_json(to);
  if (applied && wanted) return compare(*applied, *wanted);
  // What is applied cannot be read (a newer weir wrote it): it is not overwritten.
  const Error& error = applied ? wanted.error() : applied.error();
  return {{"the endpoint's declaration", false, error.message, error.hint}};
}

}  // namespace

project::Kind endpoint_kind() {
  project::Kind kind;
  kind.name = "endpoint";
  kind.folder = "endpoints";
  kind.prose = "An endpoint: a GET that is answered from a derived table.";
  kind.parse = parse_file;
  kind.compare = compare_json;
  kind.schema = endpoint_schema;
  return kind;
}

}  // namespace weir::endpoint
