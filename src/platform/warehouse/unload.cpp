// UNLOAD: the result of a query as files of the store. Every file is written beside the others first; when all are
// whole they take their places one by one, the manifest last, and then what an earlier UNLOAD left over goes. If a
// network fails half-way the new ones are removed again.
//
// Source: Redshift, r_UNLOAD. An identical UNLOAD (the same text by the same user) into the prefix that it filled
// itself replaces its own files; any other one into a prefix in use needs ALLOWOVERWRITE or CLEANPATH.
#include <algorithm>
#include <map>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/io/compression.h"
#include "platform/warehouse/buckets.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/parquet_parts.h"
#include "platform/warehouse/run.h"
#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

using dialect::DataFormat;

constexpr size_t kPieceBytes = 1u << 20, kPartitionsMax = kUnloadPartitionsMax, kListedMax = 100'000;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

// The files of one partition, or of all: <prefix>0000_part_00, …; PARALLEL OFF: <prefix>000, ….
class PartWriter {
 public:
  PartWriter(BlobStore& store, const dialect::Unload& order, std::string prefix, std::string header)
      : store_(store), order_(order), prefix_(std::move(prefix)), header_(std::move(header)) {}

  Status add(std::string_view record) {
    if (!writer_) {
      TRY(next());
    }
    pending_ += record;
    ++rows_;
    return pending_.size() >= kPieceBytes ? flush() : Status();
  }
  // Also of nothing there is a file.
  Status close() {
    if (!writer_) {
      TRY(next());
    }
    return flush();
  }
  // Whole, and not yet visible.
  Status prepare() {
    for (auto& part : parts_) {
      TRY(part.writer->prepare());
    }
    return {};
  }
  struct Part {
    std::string key;
    std::unique_ptr<BlobWriter> writer;
    uint64_t rows = 0;
  };
  std::vector<Part>& parts() { return parts_; }

 private:
  Status next() {
    const size_t number = parts_.size();
    char name[32];
    std::snprintf(name, sizeof(name), order_.is_parallel ? "0000_part_%02zu" : "%03zu", number);
    std::string key = prefix_ + name + extension(order_);
    TRY_ASSIGN(auto writer, store_.write(key));
    parts_.push_back({std::move(key), std::move(writer)});
    writer_ = parts_.back().writer.get();
    rows_ = 0;
    pending_ = header_;
    return {};
  }
  Status flush() {
    if (pending_.empty()) return {};
    if (order_.compression == "gzip") {
      TRY_ASSIGN(const std::string member, gzip_member(pending_));
      TRY(writer_->append(member));
    } else if (order_.compression == "zstd") {
      TRY_ASSIGN(const std::string frame, zstd_compress(pending_));
      TRY(writer_->append(frame));
    } else {
      TRY(writer_->append(pending_));
    }
    pending_.clear();
    parts_.back().rows = rows_;
    if (writer_->size() >= order_.file_bytes_max) writer_ = nullptr;
    return {};
  }

 public:
  static std::string extension(const dialect::Unload& order) {
    if (!order.extension.empty()) return "." + order.extension;
    if (order.format == DataFormat::parquet) return ".parquet";
    if (order.compression == "gzip") return ".gz";
    return order.compression == "zstd" ? ".zst" : "";
  }

 private:
  BlobStore& store_;
  const dialect::Unload& order_;
  const std::string prefix_, header_;
  std::vector<Part> parts_;
  BlobWriter* writer_ = nullptr;
  std::string pending_;
  uint64_t rows_ = 0;
};

// One record as text.
class RecordText {
 public:
  RecordText(const dialect::Unload& order, const std::vector<engine::ResultColumn>& columns,
             const std::vector<size_t>& shown)
      : order_(order), columns_(columns), shown_(shown) {
    delimiter_ = order.delimiter.empty() ? (order.format == DataFormat::csv ? "," : "|") : order.delimiter;
  }

  std::string header() const {
    if (!order_.has_header) return {};
    std::string out;
    for (const size_t i : shown_) {
      if (!out.empty()) out += delimiter_;
      append(out, columns_[i].name, true);
    }
    return out + "\n";
  }
  void append_row(std::string& out, const std::vector<engine::Cell>& row) const {
    if (order_.format == DataFormat::json) return append_object(out, row);
    bool is_first = true;
    for (const size_t i : shown_) {
      if (!is_first) out += delimiter_;
      is_first = false;
      if (std::holds_alternative<std::nullptr_t>(row[i])) {
        out += order_.null_as;
      } else {
        append(out, text_of_cell(row[i]), std::holds_alternative<std::string>(row[i]));
      }
    }
    out += '\n';
  }

 private:
  void append(std::string& out, const std::string& text, bool is_text) const {
    if (order_.format == DataFormat::csv) {
      const bool needs = is_text && (text.empty() || text.find_first_of("\"\r\n" + delimiter_) != std::string::npos);
      if (!needs) {
        out += text;
        return;
      }
      out += '"';
      for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
      }
      out += '"';
      return;
    }
    if (order_.adds_quotes) out += '"';
    for (const char c : text) {
      const bool is_special =
          c == '\n' || c == '\r' || c == '\\' || c == delimiter_[0] || (order_.adds_quotes && (c == '"' || c == '\''));
      if (order_.escapes && is_special) out += '\\';
      out += c;
    }
    if (order_.adds_quotes) out += '"';
  }
  void append_object(std::string& out, const std::vector<engine::Cell>& row) const {
    out += '{';
    bool is_first = true;
    for (const size_t i : shown_) {
      if (!is_first) out += ',';
      is_first = false;
      Json::append_quoted(out, columns_[i].name);
      out += ':';
      const engine::Cell& cell = row[i];
      if (std::holds_alternative<std::nullptr_t>(cell)) {
        out += "null";
      } else if (const auto* truth = std::get_if<bool>(&cell)) {
        out += *truth ? "true" : "false";
      } else if (std::holds_alternative<std::string>(cell) && columns_[i].type != "JSON") {
        Json::append_quoted(out, std::get<std::string>(cell));
      } else {
        out += text_of_cell(cell);
      }
    }
    out += "}\n";
  }

  const dialect::Unload& order_;
  const std::vector<engine::ResultColumn>& columns_;
  const std::vector<size_t>& shown_;
  std::string delimiter_;
};

class Unloader {
 public:
  Unloader(SessionState& session, const dialect::Unload& order)
      : session_(session), order_(order), began_at_(session.core.parts.clock.wall()) {}

  Result<uint64_t> run() {
    TRY_ASSIGN(to_, ObjectPath::of(order_.to));
    TRY(check_blob_key(to_.key + "0000_part_00"));
    TRY_ASSIGN(store_, session_.core.parts.buckets->open(to_.bucket, session_.stop()));
    TRY(check_target());
    TRY_ASSIGN(words_, Words::of(order_.select));
    if (words_.range.empty()) return error_of(Code::invalid, "42601", "UNLOAD has no query");
    const Status placed = write_all();
    if (!placed) return taken_back(placed.error());
    TRY(remove_surplus());
    TRY(remember());
    if (session_.core.parts.loads != nullptr) session_.core.parts.loads->add_unloaded(written());
    return rows_;
  }

 private:
  Status write_all() {
    if (order_.format == DataFormat::parquet) {
      TRY(write_parquet());
    } else {
      TRY(write_texts());
    }
    return write_manifest();
  }

  // A network may fail between one file and the next: those that are new go again, so that nobody takes them for the
  // whole. What they replaced cannot come back, and what cannot be removed is told.
  Error taken_back(Error error) {
    // Not under the statement's own stop, which may be why.
    const auto store = session_.core.parts.buckets->open(to_.bucket);
    std::string left;
    for (const File& one : files_) {
      if (std::find(before_.begin(), before_.end(), one.key) != before_.end()) continue;
      if (store && (*store)->remove(one.key)) continue;
      left += (left.empty() ? "" : ", ") + one.key;
    }
    if (left.empty()) return error;
    error.hint += (error.hint.empty() ? "" : "; ") + std::string("written before it failed, and still there: ") + left;
    return error;
  }

  // For stl_unload_log.
  std::vector<LoadedFile> written() const {
    static constexpr const char* kFormats[] = {"text", "csv", "json", "parquet"};
    std::vector<LoadedFile> out;
    for (const File& one : files_) {
      out.push_back({.at = session_.core.parts.clock.wall(),
                     .user = session_.options.user.name,
                     .table = {},
                     .file = "s3://" + to_.bucket + "/" + one.key,
                     .bytes = one.bytes,
                     .rows = one.rows,
                     .format = kFormats[static_cast<size_t>(order_.format)],
                     .began_at = began_at_,
                     .by = session_.mark()});
    }
    return out;
  }

  std::string fingerprint() const {
    return sha256_hex(std::to_string(session_.subject().id) + "\n" + order_.to + "\n" + order_.select);
  }

  Status check_target() {
    TRY_ASSIGN(const std::vector<Blob> found, store_->list(to_.key, kListedMax));
    for (const Blob& blob : found) before_.push_back(blob.key);
    if (before_.empty() || order_.allows_overwrite) return {};
    if (order_.cleans_path) return {};
    TRY_ASSIGN(const Rows known,
               session_.own_apart("SELECT fingerprint FROM weir_catalog.unloads WHERE target = $1", {order_.to}));
    is_own_again_ = !known.empty() && std::get<std::string>(known.front().front()) == fingerprint();
    if (is_own_again_) return {};
    return error_of(Code::conflict, "XX000",
                    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
                    "manually removing the target files in S3, or using the ALLOWOVERWRITE option.",
                    order_.to + " holds " + std::to_string(before_.size()) + " files, for example " + before_.front());
  }

  Result<std::unique_ptr<engine::ResultStream>> query() {
    auto answer = session_.to_engine(words_, words_.range, {}, engine::Scope::read, "SELECT");
    if (!answer) {
      Error error = std::move(answer).error();
      error.position.reset();  // it is one in the text
      return error;
    }
    return std::move(answer->stream);
  }

  Status choose_columns(const std::vector<engine::ResultColumn>& columns) {
    columns_ = columns;
    for (const std::string& name : order_.partition_by) {
      const auto found =
          std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.name == name; });
      if (found == columns.end()) {
        return error_of(Code::not_found, "42703", "PARTITION BY names \"" + name + "\", which the query does not have");
      }
      partition_.push_back(static_cast<size_t>(found - columns.begin()));
    }
    for (size_t i = 0; i < columns.size(); ++i) {
      const bool is_partition = std::find(partition_.begin(), partition_.end(), i) != partition_.end();
      if (!is_partition || order_.includes_partitions) shown_.push_back(i);
    }
    if (shown_.empty()) return error_of(Code::invalid, "42601", "no column is left for the files beside PARTITION BY");
    return {};
  }

  // ad=1/day=2026-11-22/ behind the prefix; the values in the order of PARTITION BY.
  Result<std::string> folder_of(const std::vector<engine::Cell>& values) const {
    std::string out = to_.key;
    for (size_t i = 0; i < partition_.size(); ++i) {
      const std::string& column = columns_[partition_[i]].name;
      const bool is_null = std::holds_alternative<std::nullptr_t>(values[i]);
      const std::string value = is_null ? "__HIVE_DEFAULT_PARTITION__" : text_of_cell(values[i]);
      if (value.find_first_of("/\\") != std::string::npos || value == "." || value == "..") {
        return error_of(Code::invalid, "22023", "a value of " + column + " cannot be a folder's name: " + value);
      }
      out += column + "=" + value + "/";
    }
    return out;
  }

  Status write_texts() {
    TRY_ASSIGN(const auto stream, query());
    TRY(choose_columns(stream->columns()));
    const RecordText text(order_, columns_, shown_);
    std::map<std::string, std::unique_ptr<PartWriter>> writers;
    const auto writer = [&](const std::string& folder) {
      auto& one = writers[folder];
      if (!one) one = std::make_unique<PartWriter>(*store_, order_, folder, text.header());
      return one.get();
    };
    std::string record;
    for (;;) {
      TRY_ASSIGN(const Rows rows, stream->next());
      if (rows.empty()) break;
      for (const auto& row : rows) {
        record.clear();
        text.append_row(record, row);
        std::vector<engine::Cell> values;
        for (const size_t i : partition_) values.push_back(row[i]);
        TRY_ASSIGN(const std::string folder, folder_of(values));
        TRY(writer(folder)->add(record));
        if (writers.size() > kPartitionsMax) {
          return error_of(Code::too_large, "54000", "UNLOAD writes to no more than 1000 partitions at once",
                          "PARTITION BY columns with fewer values");
        }
        ++rows_;
      }
    }
    if (partition_.empty()) writer(to_.key);
    for (auto& [folder, one] : writers) {
      TRY(one->close());
      TRY(one->prepare());
    }
    for (auto& [folder, one] : writers) {
      for (PartWriter::Part& part : one->parts()) {
        TRY(part.writer->finish());
        files_.push_back({part.key, part.writer->size(), part.rows});
      }
    }
    return {};
  }

  Status write_parquet() {
    TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words_.sql, words_.tokens, words_.range));
    TRY_ASSIGN(const engine::Description described, session_.describe_query(words_, words_.range, {}));
    TRY(choose_columns(described.columns));
    // In their partitions' order, so that each of them is read from few pieces of the file.
    std::string sql = text.sql;
    for (size_t i = 0; i < partition_.size(); ++i) {
      sql = i == 0 ? "SELECT * FROM (" + sql + ") ORDER BY " : sql + ", ";
      sql += quoted_name(columns_[partition_[i]].name);
    }
    const ParquetCutter cutter(session_.core.parts.engine, *store_, session_.core.parts.buckets->files());
    const std::string staging = store_->staging_path();
    const auto rows = session_.core.parts.engine.copy_result(session_.engine(), sql, staging);
    if (!rows) {
      (void)session_.core.parts.buckets->files().remove(staging);
      Error error = rows.error();
      error.position.reset();
      return error;
    }
    rows_ = *rows;
    ParquetCut order{.rows = rows_, .file_bytes_max = order_.file_bytes_max};
    for (const size_t i : partition_) order.partition_columns.push_back(columns_[i]);
    for (const size_t i : shown_) order.shown.push_back(columns_[i].name);
    TRY_ASSIGN(const std::vector<ParquetPart> parts, cutter.cut(staging, order));
    return publish(parts);
  }

  Status publish(const std::vector<ParquetPart>& parts) {
    std::map<std::string, size_t> numbers;
    std::vector<std::string> keys;
    for (const ParquetPart& part : parts) {
      auto folder = folder_of(part.partition);
      if (!folder) {
        for (const ParquetPart& one : parts) (void)session_.core.parts.buckets->files().remove(one.path);
        return folder.error();
      }
      char name[32];
      std::snprintf(name, sizeof(name), order_.is_parallel ? "0000_part_%02zu" : "%03zu", numbers[*folder]++);
      keys.push_back(*folder + name + PartWriter::extension(order_));
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      const Status published = store_->publish(parts[i].path, keys[i]);
      if (!published) {
        for (size_t left = i; left < parts.size(); ++left) {
          (void)session_.core.parts.buckets->files().remove(parts[left].path);
        }
        return published;
      }
      files_.push_back({keys[i], parts[i].bytes, parts[i].rows});
    }
    return {};
  }

  // What this UNLOAD wrote the last time and not again; with CLEANPATH all that was there. Only now: until the new ones
  // are whole the old ones stay.
  Status remove_surplus() {
    if (!is_own_again_ && !order_.cleans_path) return {};
    for (const std::string& key : before_) {
      const bool is_new = std::any_of(files_.begin(), files_.end(), [&](const File& one) { return one.key == key; });
      const bool is_kept = key == to_.key + "manifest" && (order_.has_manifest || !order_.cleans_path);
      if (is_new || is_kept) continue;
      TRY(store_->remove(key));
    }
    return {};
  }

  Status write_manifest() {
    if (!order_.has_manifest) return {};
    Json entries{Json::Array{}};
    for (const File& one : files_) {
      Json entry(Json::Object{{"url", "s3://" + to_.bucket + "/" + one.key}});
      if (order_.is_verbose || order_.format == DataFormat::parquet) {
        entry.set("meta", Json(Json::Object{{"content_length", static_cast<int64_t>(one.bytes)},
                                            {"record_count", static_cast<int64_t>(one.rows)}}));
      }
      entries.push(std::move(entry));
    }
    Json manifest(Json::Object{{"entries", std::move(entries)}});
    if (order_.is_verbose) {
      Json elements{Json::Array{}};
      for (const auto& column : columns_) {
        elements.push(
            Json::Object{{"name", column.name}, {"type", Json(Json::Object{{"base", to_lower(column.type)}})}});
      }
      manifest.set("schema", Json(Json::Object{{"elements", std::move(elements)}}));
      uint64_t bytes = 0;
      for (const File& one : files_) bytes += one.bytes;
      manifest.set("meta", Json(Json::Object{{"content_length", static_cast<int64_t>(bytes)},
                                             {"record_count", static_cast<int64_t>(rows_)}}));
      manifest.set("author", Json(Json::Object{{"name", "weir"}, {"version", "1"}}));
    }
    return store_->put(to_.key + "manifest", manifest.dump());
  }

  Status remember() {
    TRY(session_.own_apart("DELETE FROM weir_catalog.unloads WHERE target = $1", {order_.to}));
    TRY(session_.own_apart("INSERT INTO weir_catalog.unloads VALUES ($1, $2)", {order_.to, fingerprint()}));
    return {};
  }

  struct File {
    std::string key;
    uint64_t bytes = 0, rows = 0;
  };

  SessionState& session_;
  const dialect::Unload& order_;
  const WallTime began_at_;
  ObjectPath to_;
  std::shared_ptr<BlobStore> store_;
  Words words_;
  std::vector<std::string> before_;  // what the prefix held
  bool is_own_again_ = false;
  std::vector<engine::ResultColumn> columns_;
  std::vector<size_t> partition_, shown_;
  std::vector<File> files_;
  uint64_t rows_ = 0;
};

}  // namespace

Result<Answer> unload(SessionState& session, const dialect::Unload& order) {
  if (session.core.parts.buckets == nullptr) return Error(Code::unsupported, "there is no store to UNLOAD to");
  TRY_ASSIGN(const uint64_t rows, Unloader(session, order).run());
  session.notice("INFO", "00000", "UNLOAD completed, " + std::to_string(rows) + " record(s) unloaded successfully.");
  return Answer{.stream = nullptr, .tag = "UNLOAD", .has_count = true, .changed = rows};
}

}  // namespace weir::warehouse
