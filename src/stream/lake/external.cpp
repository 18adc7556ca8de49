#include "stream/lake/external.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/io/crash_point.h"
#include "stream/capture/event_judge.h"
#include "stream/capture/rows.h"
#include "stream/capture/stream_plan.h"
#include "stream/lake/foreign_records.h"

namespace weir::lake {
namespace {

constexpr size_t kFailuresMax = 100;
constexpr size_t kPieceBytes = 32u << 20;  // of rows that are held
constexpr size_t kChunkRows = 2'048;
constexpr Duration kQueryTime = minutes(10);

// Made with the first table.
constexpr const char* kMarkTables[] = {
    "CREATE SCHEMA IF NOT EXISTS weir",
    "CREATE TABLE IF NOT EXISTS weir.external_tables(table_name VARCHAR, content VARCHAR, is_loaded BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS weir.external_files(table_name VARCHAR, file VARCHAR, content VARCHAR, row_count "
    "BIGINT)",
};

// The number in the first cell, if there is one.
Result<uint64_t> run(engine::Session& session, const std::string& sql, const std::vector<Json>& parameters = {}) {
  TRY_ASSIGN(const auto stream, session.query(sql, parameters, {.time = {}, .rows_max = UINT64_MAX}));
  uint64_t first = 0;
  for (bool is_first = true;; is_first = false) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return first;
    if (!is_first || rows.front().empty()) continue;
    if (const auto* number = std::get_if<int64_t>(&rows.front().front())) first = static_cast<uint64_t>(*number);
  }
}

Result<std::vector<std::vector<std::string>>> texts(engine::Engine& engine, const std::string& sql,
                                                    const std::vector<Json>& parameters) {
  TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
  TRY_ASSIGN(const auto stream, session->query(sql, parameters, {.time = kQueryTime, .rows_max = UINT64_MAX}));
  std::vector<std::vector<std::string>> out;
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return out;
    for (const auto& row : rows) {
      auto& into = out.emplace_back();
      for (const auto& cell : row) {
        const auto* text = std::get_if<std::string>(&cell);
        into.push_back(text == nullptr ? std::string() : *text);
      }
    }
  }
}

Status make_mark_tables(engine::Engine& engine) {
  TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
  for (const char* sql : kMarkTables) {
    TRY(run(*session, sql));
  }
  return {};
}

}  // namespace

// --- one load -------------------------------------------------------------------------------------------------------

class ExternalTables::Load {
 public:
  Load(const Parts& parts, ExternalTable table, const Cancel& cancel,
       const std::function<void(const ExternalReport&)>& progress)
      : parts_(parts), table_(std::move(table)), cancel_(cancel), progress_(progress) {}

  Status run_all(Known known) {
    known_ = std::move(known);
    TRY_ASSIGN(plan_, capture::StreamPlan::compile(table_.rows));
    TRY_ASSIGN(const std::string folder, resolve_foreign(parts_.rules, table_.from));
    TRY_ASSIGN(const std::vector<ForeignFile> files, list_foreign(folder));
    if (files.empty() && !known_.empty()) {
      return Error(Code::conflict,
                   "there is no file in " + shown(table_.from) + ", and " + std::to_string(known_.size()) +
                       " were loaded from it; nothing was removed",
                   "is it mounted? `weir destroy` or another `from:` empties the table");
    }
    report_.files = files.size();
    for (const ForeignFile& file : files) report_.bytes += file.bytes;
    std::set<std::string> there;
    for (const ForeignFile& file : files) {
      TRY(cancel_.check());
      there.insert(file.name);
      TRY(take(file));
      report_.done_bytes += file.bytes;
      if (progress_) progress_(report_);
    }
    for (const auto& one : known_) {
      if (there.contains(one.first)) continue;
      TRY(cancel_.check());
      TRY(parts_.change(table_.name, [&](engine::Session& session) { return forget(session, one.first); }));
      ++report_.gone;
    }
    return finish();
  }
  const ExternalReport& report() const { return report_; }

 private:
  // What concerns this file alone is a failure of it.
  Status take(const ForeignFile& file) {
    const auto content = fingerprint_foreign(file.path);
    if (!content) return failed(file, content.error());
    const auto before = known_.find(file.name);
    if (before != known_.end() && before->second == *content) {
      ++report_.known;
      return {};
    }
    const auto path = path_values(table_, file.name);
    if (!path) return failed(file, path.error());
    TRY(clear_staging());
    columns_ = columns_of_file(file.name, *path);
    problem_.reset();
    block_.emplace(rows_of_writer());
    writer_ = capture::RowWriter::accepted(table_.rows);
    RecordsRequest asked;
    asked.path = file.path;
    asked.format = table_.format;
    asked.record_bytes_max = parts_.record_bytes_max;
    asked.cells = cells_of(*table_.rows);
    is_whole_ = false;
    const Json request(Json::Object{{"files", Json(Json::Array{asked.to_json()})}});
    const auto read = parts_.records(request, cancel_, [this](std::string_view line) { return take_line(line); });
    TRY(cancel_.check());
    if (problem_) return failed(file, *problem_);
    if (!read) return failed(file, read.error());
    if (!is_whole_) return failed(file, Error(Code::io, "the child process did not read it to its end"));
    TRY(flush());
    crash_point("external.staged");
    TRY_ASSIGN(const uint64_t rows,
               parts_.change(table_.name, [&](engine::Session& session) { return put(session, file.name, *content); }));
    crash_point("external.loaded");
    report_.rows += rows;
    ++report_.loaded;
    return clear_staging();
  }

  Status failed(const ForeignFile& file, const Error& why) {
    if (report_.failures.size() < kFailuresMax) report_.failures.push_back({file.name, why.text()});
    return {};
  }

  // What its path says and its name are the same in all rows: what no row has is written as `missing`.
  std::vector<engine::Column> columns_of_file(const std::string& name,
                                              const std::vector<std::optional<std::string>>& path) const {
    std::vector<engine::Column> out = columns_of(table_);
    for (size_t i = 0; i < table_.path.size(); ++i) {
      out.push_back({.name = table_.path[i].name, .type = column_type(table_.path[i]), .missing = path[i]});
    }
    out.push_back({.name = "_file", .type = engine::ColumnType::text, .missing = name});
    return out;
  }

  std::vector<engine::Column> rows_of_writer() const {
    std::vector<engine::Column> out = capture::table_columns(*table_.rows);
    for (engine::Column& column : capture::partition_columns(*table_.rows)) out.push_back(std::move(column));
    return out;
  }

  Status take_line(std::string_view text) {
    TRY(cancel_.check());
    TRY_ASSIGN(const RecordLine line, read_record_line(text));
    if (!line.is_end) return add(line);
    is_whole_ = line.why.empty();
    if (!is_whole_) problem_ = Error(Code::invalid, std::string(line.why));
    return {};
  }

  Status add(const RecordLine& line) {
    const capture::Judgement judged = capture::judge(*plan_, line.record);
    const auto refuse = [&](const std::string& why) -> Error {
      problem_ = Error(Code::invalid, "line " + std::to_string(line.line) + ": " + why);
      return *problem_;
    };
    if (!judged.fits) return refuse((judged.field.empty() ? "" : judged.field + ": ") + judged.message);
    capture::Record record;
    record.payload = judged.payload;
    if (const Status added = writer_->append(record, ++rows_, *block_); !added) return refuse(added.error().message);
    if (block_->rows() < kChunkRows) return {};
    seal();
    return held_bytes_ < kPieceBytes ? Status() : flush();
  }

  void seal() {
    if (block_->rows() == 0) return;
    held_bytes_ += block_->bytes();
    chunks_.push_back(parts_.engine.seal(*block_));
    block_.emplace(rows_of_writer());
  }

  // What is held becomes one more piece.
  Status flush() {
    seal();
    if (chunks_.empty()) return {};
    const std::string path = join_path(folder(), std::to_string(pieces_.size()) + ".parquet");
    TRY(parts_.engine.write_parquet(chunks_, columns_, path, {}));
    pieces_.push_back(path);
    chunks_.clear();
    held_bytes_ = 0;
    return {};
  }

  std::string folder() const { return join_path(parts_.staging, table_.name); }

  Status clear_staging() {
    pieces_.clear();
    chunks_.clear();
    held_bytes_ = 0;
    TRY(parts_.files.make_directories(folder()));
    TRY_ASSIGN(const auto entries, parts_.files.list(folder()));
    for (const DirectoryEntry& entry : entries) {
      TRY(parts_.files.remove(join_path(folder(), entry.name)));
    }
    return {};
  }

  Result<uint64_t> forget(engine::Session& session, const std::string& name) {
    TRY(run(session, "DELETE FROM weir.external_files WHERE table_name = $1 AND file = $2",
            {Json(table_.name), Json(name)}));
    return run(session, "DELETE FROM main." + quoted_name(table_.name) + " WHERE _file = $1", {Json(name)});
  }

  Result<uint64_t> put(engine::Session& session, const std::string& name, const std::string& content) {
    TRY(forget(session, name));
    uint64_t rows = 0;
    for (const std::string& piece : pieces_) {
      TRY_ASSIGN(const uint64_t added, parts_.engine.load_file(session, piece, "parquet", table_.name, {}));
      rows += added;
    }
    TRY(run(session, "INSERT INTO weir.external_files VALUES ($1, $2, $3, $4)",
            {Json(table_.name), Json(name), Json(content), Json(rows)}));
    return rows;
  }

  Status finish() {
    TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
    TRY(run(*session, "UPDATE weir.external_tables SET is_loaded = true WHERE table_name = $1 AND NOT is_loaded",
            {Json(table_.name)}));
    return {};
  }

  const Parts& parts_;
  const ExternalTable table_;
  const Cancel& cancel_;
  const std::function<void(const ExternalReport&)>& progress_;
  Known known_;
  std::shared_ptr<const capture::StreamPlan> plan_;
  ExternalReport report_;

  // Of the file that is loaded.
  std::vector<engine::Column> columns_;
  std::optional<Error> problem_;
  bool is_whole_ = false;
  std::unique_ptr<capture::RowWriter> writer_;
  std::optional<engine::RowBlock> block_;
  std::vector<std::shared_ptr<const engine::SealedChunk>> chunks_;
  size_t held_bytes_ = 0;
  uint64_t rows_ = 0;
  std::vector<std::string> pieces_;
};

// --- tables ---------------------------------------------------------------------------------------------------------

Json ExternalReport::to_json() const {
  Json failed{Json::Array{}};
  for (const EtlReport::Failure& failure : failures) {
    failed.push(Json(Json::Object{{"file", failure.file}, {"error", failure.why}}));
  }
  return Json::Object{{"files", files}, {"bytes", bytes}, {"loaded", loaded},         {"known", known},
                      {"gone", gone},   {"rows", rows},   {"done_bytes", done_bytes}, {"failures", std::move(failed)}};
}

Status ExternalTables::set_tables(std::vector<ExternalTable> tables) {
  if (!tables.empty()) {
    TRY(make_mark_tables(parts_.engine));
    TRY_ASSIGN(const auto marks, texts(parts_.engine, "SELECT table_name, content FROM weir.external_tables", {}));
    std::map<std::string, std::string> made;
    for (const auto& row : marks) made[row[0]] = row[1];
    for (const ExternalTable& table : tables) {
      const std::string content = sha256_hex(content_of(table));
      if (const auto known = made.find(table.name); known != made.end() && known->second == content) continue;
      TRY(parts_.change(table.name, [&](engine::Session& session) -> Result<uint64_t> {
        const std::vector<Json> name = {Json(table.name)};
        TRY(run(session, "DELETE FROM weir.external_files WHERE table_name = $1", name));
        TRY(run(session, "DELETE FROM weir.external_tables WHERE table_name = $1", name));
        TRY(run(session, "DROP TABLE IF EXISTS main." + quoted_name(table.name)));
        TRY(run(session, "CREATE TABLE main." + quoted_name(table.name) + "(" + columns_sql(table) + ")"));
        return run(session, "INSERT INTO weir.external_tables VALUES ($1, $2, false)",
                   {Json(table.name), Json(content)});
      }));
    }
  }
  std::map<std::string, ExternalTable, std::less<>> declared;
  for (ExternalTable& table : tables) declared.emplace(table.name, std::move(table));
  const std::lock_guard lock(mutex_);
  tables_ = std::move(declared);
  return {};
}

Result<std::vector<std::string>> ExternalTables::due() const {
  std::vector<std::string> out;
  if (names().empty()) return out;
  TRY_ASSIGN(const auto rows,
             texts(parts_.engine, "SELECT table_name FROM weir.external_tables WHERE NOT is_loaded ORDER BY 1", {}));
  for (const auto& row : rows) {
    const auto table = find(row[0]);
    if (table && table->enabled) out.push_back(row[0]);
  }
  return out;
}

Status ExternalTables::drop(std::string_view table) {
  const std::string name(table);
  TRY(make_mark_tables(parts_.engine));
  TRY(parts_.change(name, [&](engine::Session& session) -> Result<uint64_t> {
    TRY(run(session, "DELETE FROM weir.external_files WHERE table_name = $1", {Json(name)}));
    TRY(run(session, "DELETE FROM weir.external_tables WHERE table_name = $1", {Json(name)}));
    return run(session, "DROP TABLE IF EXISTS main." + quoted_name(name));
  }));
  const std::lock_guard lock(mutex_);
  tables_.erase(name);
  return {};
}

bool ExternalTables::contains(std::string_view table) const {
  const std::lock_guard lock(mutex_);
  return tables_.contains(table);
}

std::vector<std::string> ExternalTables::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, table] : tables_) out.push_back(name);
  return out;
}

Result<ExternalTable> ExternalTables::find(std::string_view table) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = tables_.find(table); found != tables_.end()) return found->second;
  }
  return Error(Code::not_found, "there is no table " + shown(table) + " over files", did_you_mean(table, names()));
}

Status ExternalTables::check(std::string_view name) const {
  TRY_ASSIGN(const ExternalTable table, find(name));
  if (!table.enabled) {
    return Error(Code::conflict, "table " + table.name + " is disabled", "set enabled: true in its declaration");
  }
  TRY(resolve_foreign(parts_.rules, table.from));
  return {};
}

Result<ExternalTables::Known> ExternalTables::known(const std::string& table) const {
  TRY_ASSIGN(
      const auto rows,
      texts(parts_.engine, "SELECT file, content FROM weir.external_files WHERE table_name = $1", {Json(table)}));
  Known out;
  for (const auto& row : rows) out.emplace(row[0], row[1]);
  return out;
}

Result<ExternalReport> ExternalTables::load(const std::string& name, const Cancel& cancel,
                                            const std::function<void(const ExternalReport&)>& progress) {
  TRY(check(name));
  TRY_ASSIGN(ExternalTable table, find(name));
  TRY_ASSIGN(Known before, known(name));
  Load load(parts_, std::move(table), cancel, progress);
  TRY(load.run_all(std::move(before)));
  return load.report();
}

Result<Json> ExternalTables::compare(const ExternalTable& table, const std::vector<ForeignFile>& files,
                                     const Cancel& cancel) const {
  TRY_ASSIGN(Known before, known(table.name));
  Json out{Json::Array{}};
  const auto add = [&out](const char* change, const std::string& file) {
    out.push(Json(Json::Object{{"change", change}, {"file", file}}));
  };
  for (const ForeignFile& file : files) {
    TRY(cancel.check());
    const auto known = before.find(file.name);
    if (known == before.end()) {
      add("added", file.name);
      continue;
    }
    const auto content = fingerprint_foreign(file.path);
    if (!content || *content != known->second) add("changed", file.name);
    before.erase(known);
  }
  for (const auto& [name, content] : before) add("gone", name);
  return out;
}

}  // namespace weir::lake
