#include "platform/warehouse/external.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "core/base/text.h"

namespace weir::warehouse {
namespace {

constexpr size_t kFilesMax = 100'000, kPropertiesMax = 200;
constexpr std::string_view kNoPartition = "__HIVE_DEFAULT_PARTITION__";  // the folder of NULL

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

Json columns_json(const std::vector<dialect::ColumnDefinition>& columns) {
  Json out{Json::Array{}};
  for (const auto& one : columns) {
    out.push(Json::Object{{"name", one.name}, {"type", one.type.engine}, {"shown", one.type.shown}});
  }
  return out;
}

std::vector<engine::ExternalColumn> columns_of(const Json& list) {
  std::vector<engine::ExternalColumn> out;
  for (const Json& one : list.array()) out.push_back({one["name"].as_string(), one["type"].as_string()});
  return out;
}

bool ends_with_class(const std::string& serde, std::string_view name) {
  return serde == name || serde.ends_with("." + std::string(name));
}

Result<std::string> property_character(const std::map<std::string, std::string>& all, const std::string& name,
                                       std::string otherwise) {
  const auto found = all.find(name);
  if (found == all.end()) return otherwise;
  if (found->second == "\\t") return std::string("\t");
  if (found->second == "\\\\") return std::string("\\");
  if (found->second.size() == 1) return found->second;
  return error_of(Code::invalid, "22023", "the property " + name + " is one character, not '" + found->second + "'");
}

// What the class reads; STORED AS says it where there is none.
Status set_format(const dialect::ExternalFormat& format, Json& out) {
  const std::string& serde = format.serde;
  const bool is_parquet = format.stored_as == "parquet" || ends_with_class(serde, "ParquetHiveSerDe") ||
                          format.input_format.find("Parquet") != std::string::npos;
  if (is_parquet) {
    if (format.is_delimited) {
      return error_of(Code::invalid, "42601", "ROW FORMAT DELIMITED is of texts, and the table is STORED AS PARQUET");
    }
    out.set("format", "parquet");
    return {};
  }
  if (!format.input_format.empty() && !ends_with_class(format.input_format, "TextInputFormat")) {
    return error_of(Code::unsupported, "0A000", "INPUTFORMAT '" + format.input_format + "' is not supported",
                    "Parquet's and TextInputFormat are built");
  }
  if (ends_with_class(serde, "JsonSerDe")) {
    out.set("format", "json");
    const auto malformed = format.serde_properties.find("ignore.malformed.json");
    out.set("ignores_malformed", malformed != format.serde_properties.end() && to_lower(malformed->second) == "true");
    return {};
  }
  out.set("format", "delimited");
  if (ends_with_class(serde, "OpenCSVSerde")) {
    TRY_ASSIGN(const std::string delimiter, property_character(format.serde_properties, "separatorChar", ","));
    TRY_ASSIGN(const std::string quote, property_character(format.serde_properties, "quoteChar", "\""));
    TRY_ASSIGN(const std::string escape, property_character(format.serde_properties, "escapeChar", quote));
    out.set("delimiter", delimiter);
    out.set("quote", quote);
    out.set("escape", escape);
    return {};
  }
  if (!serde.empty() && !ends_with_class(serde, "LazySimpleSerDe")) {
    return error_of(Code::unsupported, "0A000", "ROW FORMAT SERDE '" + serde + "' is not supported",
                    "JsonSerDe, OpenCSVSerde, LazySimpleSerDe and ParquetHiveSerDe are built");
  }
  std::string delimiter = format.delimiter;
  if (delimiter.empty()) {
    TRY_ASSIGN(delimiter, property_character(format.serde_properties, "field.delim", "\x01"));
  }
  out.set("delimiter", delimiter);
  return {};
}

Status check_columns(const dialect::CreateExternalTable& order) {
  std::set<std::string> names;
  for (const auto* list : {&order.columns, &order.partition_columns}) {
    for (const auto& column : *list) {
      if (!names.insert(column.name).second) {
        return error_of(Code::invalid, "42701", "column \"" + column.name + "\" specified more than once");
      }
      if (column.identity || !column.default_value.empty()) {
        return error_of(Code::unsupported, "0A000", "a column of an external table has a type only: " + column.name);
      }
    }
  }
  return {};
}

// Its files, found by listing the bucket.
class BucketSource final : public engine::ExternalSource {
 public:
  BucketSource(std::shared_ptr<const ExternalDefinition> definition, Buckets& buckets, NoteScan note,
               const engine::ExternalTable& table)
      : definition_(std::move(definition)), buckets_(buckets), note_(std::move(note)), table_(table) {
    for (const Json& one : definition_->definition["partition_columns"].array()) {
      columns_.push_back(one["name"].as_string());
    }
  }

  Result<engine::ExternalFiles> find(const std::function<bool(const engine::PartitionValues&)>& wants) const override {
    engine::ExternalFiles out;
    TRY(find_all(wants, out));
    if (note_) note_(table_, out);
    return out;
  }

 private:
  Status find_all(const std::function<bool(const engine::PartitionValues&)>& wants, engine::ExternalFiles& out) const {
    const std::string& location = definition_->definition["location"].as_string();
    if (columns_.empty()) return add_folder(location, {}, out.files);
    if (!definition_->is_registered()) return add_found(location, wants, out);
    out.partitions = definition_->partitions.size();
    for (const ExternalPartition& one : definition_->partitions) {
      if (!wants(one.values)) continue;
      ++out.partitions_read;
      TRY(add_folder(one.location, one.values, out.files));
    }
    return {};
  }

  Result<std::vector<Blob>> list(const ObjectPath& folder) const {
    TRY_ASSIGN(const bool exists, buckets_.exists(folder.bucket));
    if (!exists) return error_of(Code::not_found, "XX000", "there is no bucket \"" + folder.bucket + "\"");
    TRY_ASSIGN(const auto store, buckets_.open(folder.bucket));
    TRY_ASSIGN(std::vector<Blob> out, store->list(folder.key, kFilesMax + 1));
    if (out.size() > kFilesMax) {
      return error_of(Code::too_large, "54000",
                      folder.url() + " holds more than " + std::to_string(kFilesMax) + " files",
                      "partition the table, or write fewer and larger files");
    }
    if (out.empty() && !folder.key.empty()) {
      const std::string file = folder.key.substr(0, folder.key.size() - 1);
      TRY_ASSIGN(const bool is_file, store->exists(file));
      if (is_file) {
        return error_of(
            Code::unsupported, "0A000",
            "LOCATION names the file s3://" + folder.bucket + "/" + file + "; a manifest as LOCATION is not supported",
            "name the folder that the files lie in");
      }
    }
    return out;
  }

  // As documented: what begins with '.', '_' or '#', or ends with '~', is no data.
  static bool is_hidden(std::string_view below) {
    for (size_t begin = 0; begin <= below.size();) {
      const size_t end = std::min(below.find('/', begin), below.size());
      const std::string_view part = below.substr(begin, end - begin);
      if (part.empty() || part.front() == '.' || part.front() == '_' || part.front() == '#' || part.back() == '~') {
        return true;
      }
      begin = end + 1;
    }
    return false;
  }

  Status add_file(const ObjectPath& folder, const Blob& blob, engine::PartitionValues values,
                  std::vector<engine::ExternalFile>& out) const {
    if (blob.size == 0) return {};
    TRY_ASSIGN(std::string path, buckets_.engine_path(folder.bucket, blob.key));
    out.push_back({.path = std::move(path),
                   .url = "s3://" + folder.bucket + "/" + blob.key,
                   .bytes = blob.size,
                   .partition = std::move(values)});
    return {};
  }

  Status add_folder(const std::string& location, const engine::PartitionValues& values,
                    std::vector<engine::ExternalFile>& out) const {
    TRY_ASSIGN(const ObjectPath folder, folder_of(location));
    TRY_ASSIGN(const std::vector<Blob> blobs, list(folder));
    for (const Blob& blob : blobs) {
      if (is_hidden(std::string_view(blob.key).substr(folder.key.size()))) continue;
      TRY(add_file(folder, blob, values, out));
    }
    return {};
  }

  // Folders column=value/ below the location.
  Status add_found(const std::string& location, const std::function<bool(const engine::PartitionValues&)>& wants,
                   engine::ExternalFiles& out) const {
    TRY_ASSIGN(const ObjectPath folder, folder_of(location));
    TRY_ASSIGN(const std::vector<Blob> blobs, list(folder));
    std::map<engine::PartitionValues, bool> known;
    for (const Blob& blob : blobs) {
      std::string_view below = std::string_view(blob.key).substr(folder.key.size());
      const std::optional<engine::PartitionValues> values = values_of(below);
      if (!values || is_hidden(below)) continue;
      auto found = known.find(*values);
      if (found == known.end()) {
        found = known.emplace(*values, wants(*values)).first;
        ++out.partitions;
        out.partitions_read += found->second ? 1 : 0;
      }
      if (!found->second) continue;
      TRY(add_file(folder, blob, *values, out.files));
    }
    return {};
  }

  // Takes the folders of the partition from the beginning; nothing: the file is in none.
  std::optional<engine::PartitionValues> values_of(std::string_view& below) const {
    engine::PartitionValues out;
    for (const std::string& column : columns_) {
      const size_t slash = below.find('/'), equals = below.find('=');
      if (slash == std::string_view::npos || equals >= slash) return std::nullopt;
      if (to_lower(below.substr(0, equals)) != column) return std::nullopt;
      const std::string value = percent_decoded(below.substr(equals + 1, slash - equals - 1));
      out.push_back(value == kNoPartition ? std::nullopt : std::optional<std::string>(value));
      below.remove_prefix(slash + 1);
    }
    return out;
  }

  // As Hive writes what cannot be in a folder's name.
  static std::string percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      int value = 0;
      const bool is_one =
          text[i] == '%' && i + 2 < text.size() &&
          std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3;
      out += is_one ? static_cast<char>(value) : text[i];
      if (is_one) i += 2;
    }
    return out;
  }

  const std::shared_ptr<const ExternalDefinition> definition_;
  Buckets& buckets_;
  const NoteScan note_;
  const engine::ExternalTable& table_;  // which owns this
  std::vector<std::string> columns_;    // of partitions
};

}  // namespace

Result<ObjectPath> folder_of(std::string_view location) {
  TRY_ASSIGN(ObjectPath out, ObjectPath::of(location));
  if (!out.key.empty() && !out.key.ends_with("/")) out.key += "/";
  return out;
}

Status set_properties(Json& definition, const std::map<std::string, std::string>& properties,
                      std::vector<std::string>& ignored) {
  if (properties.size() > kPropertiesMax) {
    return error_of(Code::too_large, "54000", "TABLE PROPERTIES names more than 200 properties");
  }
  Json kept = definition["properties"].is_object() ? definition["properties"] : Json(Json::Object{});
  for (const auto& [name, value] : properties) {
    kept.set(name, value);
    if (name == "skip.header.line.count") {
      int64_t lines = -1;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), lines);
      if (read.ptr != value.data() + value.size() || lines < 0 || lines > 1'000'000) {
        return error_of(Code::invalid, "22023", "skip.header.line.count is '" + value + "'",
                        "expected a number of lines up to 1000000");
      }
      definition.set("header_lines", lines);
    } else if (name == "serialization.null.format") {
      definition.set("null", value);
    } else if (name == "compression_type") {
      if (value == "none" || value == "gzip") {
        definition.set("compression", value);
      } else {
        return error_of(Code::unsupported, "0A000", "compression_type '" + value + "' is not supported",
                        "'none' and 'gzip' are built; without it the files' names say it");
      }
    } else if (name != "numrows" && name != "classification" && name != "external") {
      ignored.push_back(name);
    }
  }
  definition.set("properties", std::move(kept));
  return {};
}

Result<Json> external_definition(const dialect::CreateExternalTable& order, std::vector<std::string>& ignored) {
  TRY(check_columns(order));
  TRY(folder_of(order.location));
  Json out(Json::Object{{"columns", columns_json(order.columns)},
                        {"partition_columns", columns_json(order.partition_columns)},
                        {"location", order.location},
                        {"registered", false},
                        {"serde", order.format.serde}});
  TRY(set_format(order.format, out));
  TRY(set_properties(out, order.format.properties, ignored));
  return out;
}

std::shared_ptr<const engine::ExternalTable> external_table(std::shared_ptr<const ExternalDefinition> definition,
                                                            std::string_view schema, Buckets& buckets, NoteScan note) {
  using Format = engine::ExternalTable::Format;
  const Json& said = definition->definition;
  auto out = std::make_shared<engine::ExternalTable>();
  out->schema = schema;
  out->name = definition->name;
  out->columns = columns_of(said["columns"]);
  out->partition_columns = columns_of(said["partition_columns"]);
  const std::string& format = said["format"].as_string();
  out->format = format == "parquet" ? Format::parquet : format == "json" ? Format::json : Format::delimited;
  out->delimiter = said["delimiter"].as_string();
  out->quote = said["quote"].as_string();
  out->escape = said["escape"].as_string();
  out->null_text = said["null"].as_string();
  out->header_lines = static_cast<uint64_t>(said["header_lines"].as_int());
  out->compression = said["compression"].as_string();
  out->ignores_malformed = said["ignores_malformed"].as_bool();
  out->source = std::make_shared<BucketSource>(std::move(definition), buckets, std::move(note), *out);
  return out;
}

}  // namespace weir::warehouse
