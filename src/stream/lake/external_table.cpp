#include "stream/lake/external_table.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/json_shape.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "stream/capture/declaration.h"
#include "stream/capture/declaration_fields.h"
#include "stream/capture/rows.h"
#include "stream/capture/values.h"

namespace weir::lake {
namespace {

constexpr int kFormat = 1;
constexpr size_t kPathColumnsMax = 16;
constexpr const char* kHiveNull = "__HIVE_DEFAULT_PARTITION__";
constexpr const char* kDateParts[] = {"year", "month", "day", "hour"};

const std::vector<std::pair<std::string, PathType>>& path_words() {
  static const std::vector<std::pair<std::string, PathType>> kWords = {
      {"string", PathType::text}, {"integer", PathType::integer}, {"date", PathType::date}};
  return kWords;
}

const std::vector<std::pair<std::string, std::string>>& formats() {
  static const std::vector<std::pair<std::string, std::string>> kFormats = {
      {"auto", "auto"}, {"json", "json"}, {"csv", "csv"}, {"parquet", "parquet"}};
  return kFormats;
}

std::string word_of(PathType type) {
  for (const auto& [word, known] : path_words()) {
    if (known == type) return word;
  }
  return {};
}

// An optional column may be null as well as absent.
void read_columns(YamlReader& in, capture::Stream& rows) {
  capture::read_fields(in, rows.fields, "columns");
  rows.unknown = capture::UnknownFields::drop;
  for (capture::Field& field : rows.fields) {
    if (!field.was.empty()) in.refuse("columns", "column " + field.name + ": `was` is of streams", "rename it alone");
    if (field.subject) in.refuse("columns", "column " + field.name + ": `subject` is of streams", "remove it");
    if (!field.required) field.nullable = true;
  }
}

void read_path(YamlReader& in, ExternalTable& into) {
  const Yaml* path = in.value("path");
  if (path == nullptr) return;
  if (!path->is_mapping()) {
    in.refuse("path", "expected a mapping of names to string, integer or date, found " + path->described(),
              "for example path: {region: string}");
    return;
  }
  for (const YamlEntry& entry : path->entries) {
    capture::check_name(in, entry.key, entry.key_at, "column");
    PathColumn column{entry.key, PathType::text};
    const auto found = std::find_if(path_words().begin(), path_words().end(), [&](const auto& word) {
      return entry.value.is_scalar() && word.first == entry.value.text;
    });
    if (found == path_words().end()) {
      in.refuse_at(entry.value.at,
                   "path." + entry.key + " is " + entry.value.described() + ", expected string, integer or date");
      continue;
    }
    column.type = found->second;
    if (into.rows->find(column.name) != nullptr) {
      in.refuse_at(entry.key_at, "path." + column.name + " is a column of the files too", "keep one of the two");
    }
    into.path.push_back(std::move(column));
  }
  if (into.path.size() > kPathColumnsMax) {
    in.refuse("path", "more than " + std::to_string(kPathColumnsMax) + " columns");
  }
}

project::Declared parse(const project::DeclarationSource& source) {
  YamlReader in(source.root, "a table over files");
  ExternalTable table;
  table.name = source.name;
  capture::check_name(in, source.name, {source.file, 1, 1}, "table");
  for (const std::string_view own : {"weir_", "pg_", "raw_", "information_schema"}) {
    if (!source.name.starts_with(own)) continue;
    in.refuse_at({source.file, 1, 1}, "names that begin with " + std::string(own) + " are weir's own",
                 "rename the file");
  }
  capture::read_description(in, table.description);
  project::Common common;
  project::read_common(in, common);
  table.enabled = common.enabled;
  table.tags = common.tags;
  in.text("from", table.from, required);
  if (in.has("from") && table.from.empty()) in.refuse("from", "is empty, expected a folder or a file");
  in.choice("format", table.format, formats());
  auto rows = std::make_shared<capture::Stream>();
  rows->name = table.name;
  read_columns(in, *rows);
  table.rows = std::move(rows);
  read_path(in, table);
  project::Declared out;
  out.errors = in.finish();
  out.body = to_json(table);
  out.claims.push_back({"the name " + source.name + " in SQL", {source.file, 1, 1}});
  return out;
}

std::vector<project::Difference> compare(const Json& from, const Json& to) {
  const auto before = external_from_json(from), after = external_from_json(to);
  if (!before || !after) return {};
  std::vector<project::Difference> out;
  const auto add = [&out](std::string what) { out.push_back({.detail = std::move(what)}); };
  if (before->from != after->from) add("from: " + before->from + " -> " + after->from);
  if (before->format != after->format) add("format: " + before->format + " -> " + after->format);
  for (const capture::Field& field : after->rows->fields) {
    const capture::Field* known = before->rows->find(field.name);
    if (known == nullptr) {
      add("column " + field.name + ": added (" + capture::type_label(field) + ")");
    } else if (!(*known == field)) {
      add("column " + field.name + ": " + capture::type_label(*known) + " -> " + capture::type_label(field) +
          (capture::type_label(*known) == capture::type_label(field) ? ", with other rules" : ""));
    }
  }
  for (const capture::Field& field : before->rows->fields) {
    if (after->rows->find(field.name) == nullptr) add("column " + field.name + ": removed");
  }
  if (before->path != after->path) add("the columns of the path change");
  if (content_of(*before) != content_of(*after)) add("every file is loaded anew");
  return out;
}

Json schema() {
  const Json stream = capture::stream_schema();
  Json columns = stream["properties"]["fields"];
  columns.set("description",
              "What the files hold, as the fields of a stream. A record that does not fit fails its file.");
  Json properties{Json::Object{}};
  const auto described = [](const char* type, const char* what) {
    return Json(Json::Object{{"type", type}, {"description", what}});
  };
  properties.set("description", described("string", "What the table holds."));
  properties.set("from", described("string", "A folder, or one file: below the project's, or in lake.foreign."));
  Json format{Json::Array{}};
  for (const auto& [word, same] : formats()) format.push(word);
  properties.set("format", Json(Json::Object{{"enum", std::move(format)}, {"default", "auto"}}));
  properties.set("columns", std::move(columns));
  Json words{Json::Array{}};
  for (const auto& [word, type] : path_words()) words.push(word);
  properties.set("path",
                 Json(Json::Object{{"type", "object"},
                                   {"propertyNames", Json(Json::Object{{"$ref", "#/$defs/name"}})},
                                   {"additionalProperties", Json(Json::Object{{"enum", std::move(words)}})},
                                   {"description",
                                    "Columns that the folders say: names as in region=eu; year, month, day, hour of "
                                    "2026/11/21/08."}}));
  const Json common = project::common_schema();
  for (const auto& [name, value] : common.object()) properties.set(name, value);
  return Json::Object{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"$id", "weir:external"},
                      {"title", "A table over foreign files: tables/<name>.yaml"},
                      {"type", "object"},
                      {"required", Json(Json::Array{"from", "columns"})},
                      {"additionalProperties", false},
                      {"properties", std::move(properties)},
                      {"$defs", stream["$defs"]}};
}

// "2026/11/21/08" in a path: year, month, day and perhaps hour, of the last place that looks like it.
std::map<std::string, std::string> date_parts(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '/');
  const auto is_number = [](std::string_view text, size_t digits, int least, int most) {
    if (text.size() != digits || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
    const int value = std::stoi(std::string(text));
    return value >= least && value <= most;
  };
  for (size_t at = parts.size(); at-- > 3;) {
    if (!is_number(parts[at - 3], 4, 1970, 9999) || !is_number(parts[at - 2], 2, 1, 12)) continue;
    if (!is_number(parts[at - 1], 2, 1, 31)) continue;
    std::map<std::string, std::string> out = {{"year", std::string(parts[at - 3])},
                                              {"month", std::string(parts[at - 2])},
                                              {"day", std::string(parts[at - 1])}};
    if (at + 1 < parts.size() && is_number(parts[at], 2, 0, 23)) out["hour"] = std::string(parts[at]);
    return out;
  }
  return {};
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    out += is_escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (is_escape) i += 2;
  }
  return out;
}

// What the folders of a path say, in their order; names as they would be columns.
std::vector<std::pair<std::string, std::string>> said_by_path(std::string_view name) {
  std::vector<std::pair<std::string, std::string>> out;
  std::vector<std::string_view> parts = split(name, '/');
  if (!parts.empty()) parts.pop_back();  // the file's own name
  for (const std::string_view part : parts) {
    const size_t equals = part.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    out.emplace_back(to_lower(std::string(part.substr(0, equals))), percent_decoded(part.substr(equals + 1)));
  }
  const auto date = date_parts(name);
  for (const char* part : kDateParts) {
    const bool is_said = std::any_of(out.begin(), out.end(), [&](const auto& one) { return one.first == part; });
    if (const auto found = date.find(part); found != date.end() && !is_said) out.emplace_back(part, found->second);
  }
  return out;
}

bool is_integer(const std::string& text) {
  const size_t sign = text.starts_with('-') ? 1 : 0;
  return text.size() > sign && text.size() <= 18 && text.find_first_not_of("0123456789", sign) == std::string::npos;
}

bool fits(PathType type, const std::string& value) {
  switch (type) {
    case PathType::text:
      return true;
    case PathType::integer:
      return is_integer(value);
    case PathType::date:
      return parse_date(value).has_value();
  }
  return false;
}

}  // namespace

project::Kind external_kind() {
  project::Kind kind;
  kind.name = "external";
  kind.folder = "tables";
  kind.prose = "A table over the files of a folder that another system writes.";
  kind.parse = parse;
  kind.compare = compare;
  kind.schema = schema;
  return kind;
}

Json to_json(const ExternalTable& table) {
  Json path{Json::Array{}};
  for (const PathColumn& column : table.path) {
    path.push(Json(Json::Object{{"name", column.name}, {"type", word_of(column.type)}}));
  }
  Json tags{Json::Object{}};
  for (const auto& [key, value] : table.tags) tags.set(key, value);
  return Json::Object{{"format", kFormat},        {"name", table.name},      {"description", table.description},
                      {"enabled", table.enabled}, {"tags", std::move(tags)}, {"from", table.from},
                      {"files", table.format},    {"path", std::move(path)}, {"rows", capture::to_json(*table.rows)}};
}

Result<ExternalTable> external_from_json(const Json& json) {
  ExternalTable out;
  std::string wrong;
  JsonShape in(json, "it", wrong);
  int64_t format = 0;
  in.integer("format", format);
  if (format > kFormat) {
    return Error(Code::unsupported, "the kept declaration of a table over files is of a newer weir");
  }
  in.text("name", out.name);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.text("from", out.from);
  in.choice("files", out.format, formats());
  if (const Json::Array* path = in.list("path")) {
    for (const Json& one : *path) {
      JsonShape column(one, "a column of the path", wrong);
      PathColumn& into = out.path.emplace_back();
      column.text("name", into.name);
      column.choice("type", into.type, path_words());
      column.finish();
    }
  }
  const Json* rows = in.need("rows");
  in.finish();
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of a table over files does not read: " + wrong);
  TRY_ASSIGN(capture::Stream stream, capture::stream_from_json(*rows));
  out.rows = std::make_shared<const capture::Stream>(std::move(stream));
  return out;
}

std::string content_of(const ExternalTable& table) {
  ExternalTable bare = table;
  bare.description.clear();
  bare.tags.clear();
  bare.enabled = true;
  return to_json(bare).dump();
}

std::string declaration_text(const ExternalTable& table) {
  std::string out = "# A guess from the files: read it, correct it, then `weir plan` shows what it would do.\n";
  out += "from: " + Json(table.from).dump() + "\n";
  if (table.format != "auto") out += "format: " + table.format + "\n";
  out += "columns:\n";
  for (const capture::Field& field : table.rows->fields) {
    std::string type = capture::type_words()[static_cast<size_t>(field.type)];
    if (field.type == capture::FieldType::decimal) {
      type += ", precision: " + std::to_string(field.precision) + ", scale: " + std::to_string(field.scale);
    }
    if (field.required) type += ", required: true";
    const bool is_word = type.find(',') == std::string::npos;
    // A name that YAML would take for something else stays a name in quotes.
    out += "  \"" + field.name + "\": " + (is_word ? type : "{type: " + type + "}") + "\n";
  }
  if (table.path.empty()) return out;
  out += "path:  # what the folders say\n";
  for (const PathColumn& column : table.path) out += "  \"" + column.name + "\": " + word_of(column.type) + "\n";
  return out;
}

std::vector<engine::Column> columns_of(const ExternalTable& table) {
  std::vector<engine::Column> out;
  for (engine::Column& column : capture::table_columns(*table.rows)) {
    if (!column.name.starts_with('_')) out.push_back(std::move(column));
  }
  return out;
}

engine::ColumnType column_type(const PathColumn& column) {
  switch (column.type) {
    case PathType::text:
      return engine::ColumnType::text;
    case PathType::integer:
      return engine::ColumnType::int64;
    case PathType::date:
      return engine::ColumnType::date;
  }
  return engine::ColumnType::text;
}

std::string columns_sql(const ExternalTable& table) {
  std::vector<engine::Column> columns = columns_of(table);
  for (const PathColumn& column : table.path) columns.push_back({.name = column.name, .type = column_type(column)});
  std::string out;
  for (const engine::Column& column : columns) out += quoted_name(column.name) + " " + engine::sql_type(column) + ", ";
  return out + "\"_file\" VARCHAR";
}

std::vector<PathColumn> path_columns_of(const std::vector<std::string>& names) {
  std::vector<PathColumn> out;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto said = said_by_path(names[i]);
    if (i == 0) {
      for (const auto& one_said : said) {
        const std::string& name = one_said.first;
        const bool is_new = std::none_of(out.begin(), out.end(), [&](const auto& one) { return one.name == name; });
        if (is_identifier(name) && is_new && out.size() < kPathColumnsMax) out.push_back({name, PathType::integer});
      }
    }
    std::erase_if(out, [&](const PathColumn& column) {
      return std::none_of(said.begin(), said.end(), [&](const auto& one) { return one.first == column.name; });
    });
    for (PathColumn& column : out) {
      const auto at = std::find_if(said.begin(), said.end(), [&](const auto& one) { return one.first == column.name; });
      if (at->second == kHiveNull) continue;
      // Each type that all earlier values had, then the next wider one.
      if (i == 0 && !is_integer(at->second)) column.type = PathType::date;
      if (!fits(column.type, at->second)) column.type = PathType::text;
    }
  }
  return out;
}

Result<std::vector<std::optional<std::string>>> path_values(const ExternalTable& table, std::string_view name) {
  const auto said = said_by_path(name);
  std::vector<std::optional<std::string>> out;
  for (const PathColumn& column : table.path) {
    const auto found =
        std::find_if(said.begin(), said.end(), [&](const auto& one) { return one.first == column.name; });
    if (found == said.end()) {
      return Error(Code::invalid, "its path says no " + column.name + ", expected a folder " + column.name + "=…");
    }
    if (found->second == kHiveNull) {
      out.emplace_back();
    } else if (fits(column.type, found->second)) {
      const bool is_number = column.type == PathType::integer;  // "08" is 8
      out.emplace_back(is_number ? std::to_string(std::stoll(found->second)) : found->second);
    } else {
      return Error(Code::invalid,
                   "its path says " + column.name + "=" + found->second + ", which is no " + word_of(column.type));
    }
  }
  return out;
}

capture::Field field_of(const std::string& name, const std::string& engine_type) {
  using capture::FieldType;
  capture::Field out;
  out.name = name;
  out.nullable = true;
  const std::string head = engine_type.substr(0, engine_type.find('('));
  if (engine_type.ends_with("]") || head == "STRUCT" || head == "MAP" || head == "JSON") {
    out.type = FieldType::json;
  } else if (head == "BOOLEAN") {
    out.type = FieldType::boolean;
  } else if (head == "DECIMAL") {
    const size_t comma = engine_type.find(',');
    const int precision = std::stoi(engine_type.substr(head.size() + 1));
    out.type = precision <= 18 ? FieldType::decimal : FieldType::number;
    out.precision = std::min(precision, 18);
    out.scale = comma == std::string::npos ? 0 : std::stoi(engine_type.substr(comma + 1));
    if (out.type != FieldType::decimal) out.precision = 18, out.scale = 3;
  } else if (head.ends_with("INT") || head.ends_with("INTEGER")) {
    out.type = FieldType::integer;
  } else if (head == "FLOAT" || head == "DOUBLE") {
    out.type = FieldType::number;
  } else if (head == "DATE") {
    out.type = FieldType::date;
  } else if (head.starts_with("TIMESTAMP")) {
    out.type = FieldType::timestamp;
  } else if (head == "UUID") {
    out.type = FieldType::uuid;
  } else {
    out.type = FieldType::string;
  }
  return out;
}

}  // namespace weir::lake
