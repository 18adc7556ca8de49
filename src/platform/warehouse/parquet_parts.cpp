#include "platform/warehouse/parquet_parts.h"

#include "core/base/json.h"
#include "core/base/quotes.h"
#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

// Rows of the file as the engine reads them.
std::string rows_of(const std::string& path, bool with_numbers = false) {
  return "read_parquet(" + quoted_text(engine::Engine::own_file(path)) + ", hive_partitioning=false" +
         (with_numbers ? ", file_row_number=true)" : ")");
}

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + quoted_name(name);
  return out;
}

}  // namespace

std::string text_of_cell(const engine::Cell& cell) {
  if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "t" : "f";
  if (const auto* number = std::get_if<int64_t>(&cell)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&cell)) return Json(*real).dump();
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return {};
}

Result<std::vector<ParquetPart>> ParquetCutter::cut(const std::string& path, const ParquetCut& order) const {
  std::vector<ParquetPart> out;
  Status done;
  if (order.partition_columns.empty()) {
    done = add({.partition = {}, .path = path, .rows = order.rows}, order.file_bytes_max, out);
  } else {
    done = cut_partitions(path, order, out);
  }
  const bool is_part = done && !out.empty() && out.front().path == path;
  if (!is_part) (void)files_.remove(path);
  if (done) return out;
  for (const ParquetPart& part : out) (void)files_.remove(part.path);
  return done.error();
}

Status ParquetCutter::cut_partitions(const std::string& path, const ParquetCut& order,
                                     std::vector<ParquetPart>& out) const {
  std::vector<std::string> names;
  for (const auto& column : order.partition_columns) names.push_back(column.name);
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  TRY_ASSIGN(const auto values, session->run_own("SELECT DISTINCT " + list_of(names) + " FROM " + rows_of(path) +
                                                     " ORDER BY ALL LIMIT " + std::to_string(kUnloadPartitionsMax + 1),
                                                 {}));
  if (values.size() > kUnloadPartitionsMax) {
    Error error(Code::too_large,
                "UNLOAD writes to no more than " + std::to_string(kUnloadPartitionsMax) + " partitions at once",
                "PARTITION BY columns with fewer values");
    error.sqlstate = "54000";
    return error;
  }
  for (const auto& row : values) {
    std::string where;
    for (size_t i = 0; i < names.size(); ++i) {
      const bool is_null = std::holds_alternative<std::nullptr_t>(row[i]);
      where +=
          (i == 0 ? "" : " AND ") + quoted_name(names[i]) +
          (is_null ? " IS NULL"
                   : " = CAST(" + quoted_text(text_of_cell(row[i])) + " AS " + order.partition_columns[i].type + ")");
    }
    TRY_ASSIGN(ParquetPart part,
               write(*session, "SELECT " + list_of(order.shown) + " FROM " + rows_of(path) + " WHERE " + where));
    part.partition = row;
    TRY(add(std::move(part), order.file_bytes_max, out));
  }
  return {};
}

// As it is, or as files of as many rows each as are small enough.
Status ParquetCutter::add(ParquetPart whole, uint64_t bytes_max, std::vector<ParquetPart>& out) const {
  TRY_ASSIGN(const auto file, files_.open(whole.path, OpenMode::read));
  TRY_ASSIGN(whole.bytes, file->size());
  if (whole.bytes <= bytes_max || whole.rows < 2) {
    out.push_back(std::move(whole));
    return {};
  }
  TRY_ASSIGN(const auto session, engine_.connect(engine::Trust::own));
  const size_t first = out.size();
  for (uint64_t count = whole.bytes / bytes_max + 1;; count *= 2) {
    const uint64_t rows = whole.rows / count + 1;
    bool fits = true;
    for (uint64_t from = 0; from < whole.rows; from += rows) {
      auto part = write(*session, "SELECT * EXCLUDE (file_row_number) FROM " + rows_of(whole.path, true) +
                                      " WHERE file_row_number >= " + std::to_string(from) + " AND file_row_number < " +
                                      std::to_string(from + rows));
      if (!part) {
        (void)files_.remove(whole.path);
        return part.error();
      }
      part->partition = whole.partition;
      fits = fits && part->bytes <= bytes_max;
      out.push_back(*std::move(part));
    }
    if (fits || rows == 1) break;
    for (size_t i = first; i < out.size(); ++i) (void)files_.remove(out[i].path);
    out.resize(first);
  }
  return files_.remove(whole.path);
}

Result<ParquetPart> ParquetCutter::write(engine::Session& session, const std::string& select) const {
  ParquetPart out{.partition = {}, .path = store_.staging_path()};
  const auto rows = session.run_own(
      "COPY (" + select + ") TO " + quoted_text(engine::Engine::own_file(out.path)) + " (FORMAT parquet, CODEC zstd)",
      {});
  if (!rows) {
    (void)files_.remove(out.path);
    return rows.error();
  }
  const auto* count = rows->empty() ? nullptr : std::get_if<int64_t>(&rows->front().front());
  out.rows = count != nullptr ? static_cast<uint64_t>(*count) : 0;
  TRY_ASSIGN(const auto file, files_.open(out.path, OpenMode::read));
  TRY_ASSIGN(out.bytes, file->size());
  return out;
}

}  // namespace weir::warehouse
