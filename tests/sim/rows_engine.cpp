#include "rows_engine.h"

#include <algorithm>
#include <optional>

#include "core/base/hash.h"
#include "core/base/time.h"

namespace weir::sim {

namespace {

constexpr size_t kWriteBytes = 3'000;  // a file reaches the disk in several writes

// A SealedChunk is the engine's own secret: for the lake a name without content. Behind ours stand the rows.
struct Rows {
  engine::RowBlock block;
};
const Rows& behind(const engine::SealedChunk& chunk) {
  return *reinterpret_cast<const Rows*>(&chunk);
}

Json cell(const engine::ColumnValues& values, size_t row) {
  if (values.is_null(row)) return {};
  switch (values.type()) {
    case engine::ColumnType::boolean:
      return Json(values.int_at(row) != 0);
    case engine::ColumnType::float64:
      return Json(values.double_at(row));
    case engine::ColumnType::text:
    case engine::ColumnType::json:
      return Json(values.text_at(row));
    case engine::ColumnType::uuid:
      return Json(Json::Array{Json(values.uuid_high_at(row)), Json(values.uuid_low_at(row))});
    default:
      return Json(values.int_at(row));
  }
}

void include(std::optional<std::pair<int64_t, int64_t>>& bounds, int64_t value) {
  if (!bounds) bounds.emplace(value, value);
  bounds->first = std::min(bounds->first, value);
  bounds->second = std::max(bounds->second, value);
}

Error not_simulated() {
  return Error(Code::unsupported, "statements are not part of the simulation");
}

}  // namespace

std::shared_ptr<const engine::SealedChunk> RowsEngine::seal(const engine::RowBlock& rows) {
  auto kept = std::make_shared<const Rows>(Rows{rows});
  const auto* opaque = reinterpret_cast<const engine::SealedChunk*>(kept.get());
  return std::shared_ptr<const engine::SealedChunk>(std::move(kept), opaque);
}

std::vector<Json> RowsEngine::rows_of(const engine::SealedChunk& chunk) {
  const engine::RowBlock& block = behind(chunk).block;
  std::vector<Json> out;
  for (size_t row = 0; row < block.rows(); ++row) {
    Json& made = out.emplace_back(Json::Object{});
    for (size_t i = 0; i < block.columns().size(); ++i) made.set(block.columns()[i].name, cell(block.column(i), row));
  }
  return out;
}

namespace {

Status write_in_pieces(Files& files, const std::string& path, std::string_view text) {
  TRY_ASSIGN(auto file, files.open(path, OpenMode::create));
  TRY(file->truncate(0));
  for (size_t at = 0; at < text.size(); at += kWriteBytes) {
    TRY(file->write_at(at, text.substr(at, kWriteBytes)));
  }
  return {};
}

}  // namespace

lake::ParquetMerger RowsEngine::merger(Files& files) {
  return [&files](const std::vector<std::string>& paths, const std::string& path,
                  const Cancel&) -> Result<engine::ParquetFile> {
    engine::ParquetFile made;
    std::string text;
    for (const std::string& from : paths) {
      TRY_ASSIGN(const std::string piece, read_file(files, from));
      if (text.empty()) text = piece.substr(0, piece.find('\n') + 1);
      TRY_ASSIGN(const auto rows, read_file_text(piece));
      for (const Json& row : rows) text += row.dump() + "\n";
      made.rows += rows.size();
    }
    text += Json(Json::Object{{"rows", made.rows}}).dump() + "\n";
    made.bytes = text.size();
    TRY(write_in_pieces(files, path, text));
    return made;
  };
}

lake::ParquetWriter RowsEngine::writer(Files& files) {
  return [&files](const auto& chunks, const auto& columns, const std::string& path) -> Result<engine::ParquetFile> {
    engine::ParquetFile made;
    made.int_bounds.resize(columns.size());
    Json::Array names;
    for (const auto& column : columns) names.push_back(Json(column.name));
    std::string text = Json(Json::Object{{"weir_sim_rows", 1}, {"columns", Json(std::move(names))}}).dump() + "\n";
    for (const auto& chunk : chunks) {
      for (const Json& row : rows_of(*chunk)) {
        Json line{Json::Object{}};
        for (size_t i = 0; i < columns.size(); ++i) {
          const Json& value = row[columns[i].name];
          if (value.is_integer()) include(made.int_bounds[i], value.as_int());
          line.set(columns[i].name, value);
        }
        text += line.dump() + "\n";
        ++made.rows;
      }
    }
    text += Json(Json::Object{{"rows", made.rows}}).dump() + "\n";
    made.bytes = text.size();
    TRY(write_in_pieces(files, path, text));
    return made;
  };
}

lake::RowDigest RowsEngine::digest(Files& files, const std::string& store_root) {
  return [&files, store_root](const engine::TableVersion& version, std::optional<int32_t> day, const std::string& time,
                              const Cancel&) -> Result<std::map<int32_t, std::string>> {
    std::map<int32_t, std::pair<uint64_t, uint64_t>> sums;  // rows, and the sum over their texts
    for (const auto& file : version.files) {
      TRY_ASSIGN(const std::string text, read_file(files, join_path(store_root, file.path)));
      TRY_ASSIGN(const auto rows, read_file_text(text));
      for (const Json& row : rows) {
        const Json* at = row.find(time);
        const int64_t micros = at != nullptr && at->is_integer() ? at->as_int() : row["_arrived_at"].as_int();
        auto& [count, sum] = sums[day.value_or(day_number(micros))];
        ++count;
        sum += checksum64(row.dump());
      }
    }
    std::map<int32_t, std::string> out;
    for (const auto& [of, sum] : sums) out[of] = std::to_string(sum.first) + " " + std::to_string(sum.second);
    return out;
  };
}

Result<std::vector<Json>> RowsEngine::read_file_text(std::string_view text) {
  std::vector<Json> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return Error(Code::corrupt, "the last line does not end");
    TRY_ASSIGN(Json line, Json::parse(text.substr(0, end)));
    lines.push_back(std::move(line));
    text.remove_prefix(end + 1);
  }
  if (lines.size() < 2 || lines.front()["weir_sim_rows"].as_int() != 1 ||
      lines.back()["rows"].as_int(-1) != static_cast<int64_t>(lines.size()) - 2) {
    return Error(Code::corrupt, "the first and the last line do not enclose the rows");
  }
  lines.erase(lines.begin());
  lines.pop_back();
  return lines;
}

Result<std::unique_ptr<engine::Session>> RowsEngine::connect(engine::Trust) {
  return not_simulated();
}
Result<engine::SelectShape> RowsEngine::examine(std::string_view, bool) {
  return not_simulated();
}
Result<engine::ParquetFile> RowsEngine::write_parquet(const std::vector<std::shared_ptr<const engine::SealedChunk>>&,
                                                      const std::vector<engine::Column>&, const std::string&,
                                                      const engine::ParquetOptions&) {
  return not_simulated();
}
Result<engine::ParquetFile> RowsEngine::merge_parquet(const std::vector<std::string>&, const std::string&,
                                                      const engine::ParquetOptions&, const Cancel&) {
  return not_simulated();
}
Result<std::vector<engine::ScriptStatement>> RowsEngine::examine_script(std::string_view,
                                                                        const std::vector<engine::NamedValue>&) {
  return not_simulated();
}
Result<uint64_t> RowsEngine::copy_result(engine::Session&, std::string_view, const std::string&,
                                         const std::vector<engine::NamedValue>&, engine::QueryLimits) {
  return not_simulated();
}
Result<uint64_t> RowsEngine::load_file(engine::Session&, const std::string&, std::string_view, const std::string&,
                                       engine::QueryLimits) {
  return not_simulated();
}

}  // namespace weir::sim
