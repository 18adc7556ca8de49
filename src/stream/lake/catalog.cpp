#include "stream/lake/catalog.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/hash.h"
#include "core/base/time.h"

namespace weir::lake {

std::vector<engine::Column> all_columns(const std::vector<engine::Column>& columns,
                                        const std::vector<engine::Column>& partition_columns) {
  std::vector<engine::Column> out = columns;
  out.insert(out.end(), partition_columns.begin(), partition_columns.end());
  return out;
}

Result<std::vector<int64_t>> parse_partition(std::string_view folder) {
  std::vector<int64_t> out;
  if (folder.empty()) return out;  // a derived table that is one whole
  const auto wrong = [&] {
    return Error(Code::corrupt, "catalog: partition '" + std::string(folder) + "' is not name=value[/…]");
  };
  size_t at = 0;
  while (at <= folder.size()) {
    size_t end = std::min(folder.find('/', at), folder.size());
    std::string_view part = folder.substr(at, end - at);
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) return wrong();
    std::string_view text = part.substr(equals + 1);
    if (auto date = parse_date(text)) {
      out.push_back(*date);
    } else {
      int64_t value = 0;
      auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return wrong();
      out.push_back(value);
    }
    at = end + 1;
  }
  return out;
}

std::string day_folder(int32_t day) {
  return "dt=" + format_date(day);
}

uint64_t layout_of(const std::vector<engine::Column>& columns) {
  std::string text;
  for (const auto& column : columns) {
    text += column.name + "\n" + engine::column_type_name(column.type) + column.engine_type;
    if (column.type == engine::ColumnType::decimal) {
      text += " " + std::to_string(column.precision) + " " + std::to_string(column.scale);
    }
    text += "\n";
  }
  return std::max<uint64_t>(1, checksum64(text));
}

Json columns_to_json(const std::vector<engine::Column>& columns) {
  Json out{Json::Array{}};
  for (const auto& column : columns) {
    Json one(Json::Object{{"name", column.name}, {"type", engine::column_type_name(column.type)}});
    if (column.type == engine::ColumnType::decimal) {
      one.set("precision", int64_t{column.precision});
      one.set("scale", int64_t{column.scale});
    }
    if (column.type == engine::ColumnType::engine) one.set("engine_type", column.engine_type);
    out.push(std::move(one));
  }
  return out;
}

Result<std::vector<engine::Column>> columns_from_json(const Json& json) {
  std::vector<engine::Column> out;
  for (const Json& one : json.array()) {
    engine::Column column;
    column.name = one["name"].as_string();
    if (one["type"].as_string() == engine::column_type_name(engine::ColumnType::engine)) {
      column.type = engine::ColumnType::engine;
      column.engine_type = one["engine_type"].as_string();
    } else {
      TRY_ASSIGN(column.type, engine::parse_column_type(one["type"].as_string()));
    }
    if (column.type == engine::ColumnType::decimal) {
      column.precision = static_cast<int>(one["precision"].as_int());
      column.scale = static_cast<int>(one["scale"].as_int());
    }
    out.push_back(std::move(column));
  }
  return out;
}

Json event_days_json(std::pair<int32_t, int32_t> days) {
  return Json(Json::Object{{"event_day", Json(Json::Array{Json(days.first), Json(days.second)})}});
}

uint64_t tombstones_of(const control::LakeFile& file) {
  const Json* count = file.kind == control::FileKind::archive ? file.bounds.find(kTombstones) : nullptr;
  return count == nullptr ? 0 : count->as_uint().value_or(0);
}

Json merged_bounds(const std::vector<control::LakeFile>& files) {
  Json out{Json::Object{}};
  uint64_t forgotten = 0;
  for (const auto& file : files) forgotten += tombstones_of(file);
  for (const auto& [name, first] : files.front().bounds.object()) {
    if (name == kTombstones) continue;
    std::optional<std::pair<int64_t, int64_t>> merged;
    for (const auto& file : files) {
      const Json* bounds = file.bounds.find(name);
      if (bounds == nullptr || !bounds->is_array() || bounds->array().size() != 2) {
        merged.reset();
        break;
      }
      const std::pair<int64_t, int64_t> one = {bounds->array()[0].as_int(), bounds->array()[1].as_int()};
      merged = merged ? std::pair(std::min(merged->first, one.first), std::max(merged->second, one.second)) : one;
    }
    out.set(name, merged ? Json(Json::Array{Json(merged->first), Json(merged->second)}) : Json());
  }
  if (forgotten > 0) out.set(kTombstones, forgotten);
  return out;
}

int32_t partition_end(const std::vector<int64_t>& values) {
  if (values.size() == 1) return static_cast<int32_t>(values[0]) + 1;
  const bool december = values[1] == 12;
  char next[32];
  std::snprintf(next, sizeof next, "%04d-%02d-01", static_cast<int>(values[0] + (december ? 1 : 0)),
                static_cast<int>(december ? 1 : values[1] + 1));
  return parse_date(next).value_or(INT32_MAX);
}

Json bounds_to_json(const std::vector<engine::Column>& columns, const engine::ParquetFile& file) {
  Json out{Json::Object{}};
  for (size_t i = 0; i < columns.size() && i < file.int_bounds.size(); ++i) {
    const auto& bounds = file.int_bounds[i];
    if (bounds) {
      out.set(columns[i].name, Json(Json::Array{Json(bounds->first), Json(bounds->second)}));
    } else if (engine::has_bounds(columns[i].type)) {
      out.set(columns[i].name, Json());  // unknown, which a former name's must not stand in for
    }
  }
  return out;
}

Result<engine::TableFile> table_file(const control::LakeFile& file, const std::vector<engine::Column>& columns) {
  engine::TableFile out;
  out.path = file.path;
  out.rows = file.rows;
  out.bytes = file.bytes;
  TRY_ASSIGN(out.partition, parse_partition(file.partition));
  out.int_bounds.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    // A file from before a rename has them under the name of its day.
    const Json* bounds = file.bounds.find(columns[i].name);
    for (size_t k = 0; bounds == nullptr && k < columns[i].former.size(); ++k) {
      bounds = file.bounds.find(columns[i].former[k]);
    }
    if (bounds == nullptr || bounds->array().size() != 2) continue;
    out.int_bounds[i] = {bounds->array()[0].as_int(), bounds->array()[1].as_int()};
  }
  return out;
}

}  // namespace weir::lake
