// Files that the engine writes and loads for our own rooms. Each call has a connection of its own, except a copied
// result.
#include <charconv>
#include <filesystem>

#include "core/base/quotes.h"
#include "storage/engine/csv_form.h"
#include "storage/engine/inside.h"
#include "storage/engine/sealed.h"
#include "storage/engine/session.h"

namespace weir::engine {
namespace {

constexpr const char* kPublicPrefix = "public.";

std::string own_path(const std::string& path) {
  return kOwnScheme + std::filesystem::absolute(path).string();
}

struct Written {
  uint64_t rows = 0, bytes = 0;
};

// The answer to a statement of the engine's own; a cancel interrupts it.
Result<duckdb::unique_ptr<duckdb::QueryResult>> ask(Link& link, const std::string& sql, const Cancel& cancel) {
  const auto stop = cancel.attach([&link] { link.connection->Interrupt(); });
  TRY(cancel.check());
  duckdb::unique_ptr<duckdb::QueryResult> result = link.connection->Query(sql);
  TRY(cancel.check());
  if (result->HasError()) return to_error(result->GetErrorObject(), "");
  return result;
}

// What COPY … (RETURN_STATS) answers: path, rows, bytes, …
Result<Written> copy_out(Link& link, const std::string& sql, const Cancel& cancel) {
  TRY_ASSIGN(const auto result, ask(link, sql, cancel));
  const auto chunk = result->Fetch();
  if (!chunk || chunk->size() != 1) return Written{};  // nothing selected: an empty file was written
  return Written{chunk->GetValue(1, 0).GetValue<uint64_t>(), chunk->GetValue(2, 0).GetValue<uint64_t>()};
}

Result<std::string> reader_of(std::string_view format) {
  if (format == "csv" || format == "tsv") return std::string("read_csv");
  if (format == "json" || format == "ndjson" || format == "jsonl") return std::string("read_json");
  if (format == "parquet") return std::string("read_parquet");
  return Error(Code::invalid, "unknown format \"" + std::string(format) + "\"",
               "known are csv, json, ndjson and parquet");
}

bool is_table_name(const std::string& name) {
  if (name.empty() || name.size() > 63 || (name[0] >= '0' && name[0] <= '9')) return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
}

// The number after `mark`, and where it is written.
struct Number {
  size_t at = 0, size = 0;
  int value = 0;
};
std::optional<Number> number_after(const std::string& text, std::string_view mark) {
  Number found;
  found.at = text.find(mark);
  if (found.at == std::string::npos) return std::nullopt;
  found.at += mark.size();
  const auto parsed = std::from_chars(text.data() + found.at, text.data() + text.size(), found.value);
  found.size = static_cast<size_t>(parsed.ptr - text.data()) - found.at;
  return found.value > 0 ? std::optional(found) : std::nullopt;
}

// A failed load in the words of its file: the path that was given, the line of the bad record, no advice about DuckDB's
// options.
Error load_error(Error error, const std::string& path, bool is_lines) {
  if (error.code == Code::cancelled || error.code == Code::timed_out) return error;
  error.position.reset();
  std::string& message = error.message;
  const std::string scheme_path = own_path(path);
  for (size_t at = 0; (at = message.find(scheme_path, at)) != std::string::npos;)
    message.replace(at, scheme_path.size(), path);
  for (const char* advice : {"\n\n", "\nTry setting ", "\nPossible ", "\nThe search space "})
    message.resize(std::min(message.find(advice), message.size()));
  if (const auto line = number_after(message, "CSV Error on Line: ")) {
    error.at({.file = path, .line = line->value, .column = 1});
    // What stands between repeats the line, which may be long.
    if (const size_t what = message.find("Error when converting "); what != std::string::npos) message.erase(0, what);
  }
  // DuckDB 1.4.4 counts one too many where it cannot parse a line, and calls the first ones records.
  const bool is_malformed = message.starts_with("Malformed JSON");
  for (const char* mark : {"in line ", "in record/value "}) {
    const auto line = number_after(message, mark);
    if (!line || !is_lines) continue;
    const int counted = is_malformed ? line->value - 1 : line->value;
    message.replace(line->at - std::string_view(mark).size(), line->size + std::string_view(mark).size(),
                    "in line " + std::to_string(counted));
    error.at({.file = path, .line = counted, .column = 1});
    break;
  }
  return error;
}

// Reads the file as the engine will: unpacked, where its name says that it is packed.
Result<ReadBytes> bytes_of(duckdb::ClientContext& context, const std::string& path) {
  try {
    auto& files = duckdb::FileSystem::GetFileSystem(context);
    std::shared_ptr<duckdb::FileHandle> file =
        files.OpenFile(own_path(path), duckdb::FileFlags::FILE_FLAGS_READ | duckdb::FileCompressionType::AUTO_DETECT);
    return ReadBytes([file, path](char* into, size_t size) -> Result<size_t> {
      try {
        return static_cast<size_t>(std::max<int64_t>(0, file->Read(into, size)));
      } catch (const std::exception& thrown) {
        return load_error(to_error(thrown, ""), path, false);
      }
    });
  } catch (const std::exception& thrown) {
    return load_error(to_error(thrown, ""), path, false);
  }
}

// How the engine is told to read the file: nothing of a CSV file is left to its own detection but names and types.
std::string table_of(const std::string& reader, const std::string& path, const std::optional<CsvDialect>& csv) {
  std::string out = reader + "(" + quoted_text(own_path(path));
  if (!csv) return out + ")";
  for (const auto& [option, value] :
       {std::pair("delim", csv->separator), std::pair("quote", csv->quote), std::pair("escape", csv->escape)}) {
    out.append(", ").append(option).append("=").append(quoted_text(std::string(1, value)));
  }
  return out + ", comment='', skip=0, null_padding=false, strict_mode=true)";
}

// What stopped the load of a CSV file whose first MiB was good. DuckDB names no line where it cannot take a file apart.
Error csv_error(const Error& said, duckdb::ClientContext& context, const CsvDialect& dialect, const std::string& path) {
  if (said.message.starts_with("Error when converting ")) return said;
  auto read = bytes_of(context, path);
  if (!read) return said;
  auto fault = csv_fault(*read, dialect, path);
  return fault && *fault ? **fault : said;
}

std::string copy_options(const ParquetOptions& options) {
  std::string sql = " (FORMAT parquet, CODEC " + quoted_text(options.codec);
  if (options.codec == "zstd") sql += ", COMPRESSION_LEVEL " + std::to_string(options.level);
  return sql + ", ROW_GROUP_SIZE " + std::to_string(options.row_group_rows) +
         ", USE_TMP_FILE false, RETURN_STATS true)";
}

}  // namespace

Result<ParquetFile> DuckEngine::write_parquet(const std::vector<std::shared_ptr<const SealedChunk>>& chunks,
                                              const std::vector<Column>& columns, const std::string& path,
                                              const ParquetOptions& options) {
  if (columns.empty()) return Error(Code::invalid, "a Parquet file needs at least one column");
  TRY_ASSIGN(const std::shared_ptr<Link> link, this->link(Trust::own));
  link->state->sealed_rows = &chunks;
  link->state->sealed_columns = &columns;
  std::string sql = "COPY (SELECT * FROM ";
  sql.append(kRowsScan).append("()");
  for (size_t i = 0; i < options.sort_by.size(); ++i) {
    sql += (i == 0 ? " ORDER BY " : ", ") + quoted_name(options.sort_by[i]);
  }
  sql += ") TO " + quoted_text(own_path(path)) + copy_options(options);
  TRY_ASSIGN(const Written counts, copy_out(*link, sql, {}));

  ParquetFile file{.rows = counts.rows, .bytes = counts.bytes, .int_bounds = {}};
  for (const Column& column : columns) {
    IntBounds bounds;
    bool is_bounded = true;
    for (const auto& chunk : chunks) {
      if (const auto found = find_column(chunk->columns, column)) {
        bounds = merge(bounds, chunk->bounds_of(*found));
      } else if (column.missing) {
        is_bounded = false;  // its rows hold a value that no chunk's bounds know
      }
    }
    file.int_bounds.push_back(is_bounded ? bounds : std::nullopt);
  }
  return file;
}

Result<ParquetFile> DuckEngine::merge_parquet(const std::vector<std::string>& paths, const std::string& path,
                                              const ParquetOptions& options, const Cancel& cancel) {
  TRY_ASSIGN(const std::shared_ptr<Link> link, this->link(Trust::own));
  std::string files;
  for (const std::string& from : paths) files += (files.empty() ? "" : ", ") + quoted_text(own_path(from));
  // A folder's name is no column of its files.
  const std::string sql = "COPY (SELECT * FROM read_parquet([" + files + "], hive_partitioning=false)) TO " +
                          quoted_text(own_path(path)) + copy_options(options);
  TRY_ASSIGN(const Written counts, copy_out(*link, sql, cancel));
  return ParquetFile{.rows = counts.rows, .bytes = counts.bytes, .int_bounds = {}};
}

namespace {

// Days, microseconds, or the number itself.
std::optional<int64_t> whole_of(const duckdb::Value& value) {
  if (value.IsNull()) return std::nullopt;
  switch (value.type().id()) {
    case duckdb::LogicalTypeId::TIMESTAMP:
      return value.GetValueUnsafe<duckdb::timestamp_t>().value;
    case duckdb::LogicalTypeId::DATE:
      return value.GetValueUnsafe<duckdb::date_t>().days;
    default:
      return value.GetValue<int64_t>();
  }
}

}  // namespace

Result<FilteredParquet> DuckEngine::filter_parquet(const FilterParquet& order, const ParquetOptions& options,
                                                   const Cancel& cancel) {
  TRY_ASSIGN(const std::shared_ptr<Link> link, this->link(Trust::own));
  std::string without;
  for (const uint64_t number : order.without) without += (without.empty() ? "" : ",") + std::to_string(number);
  const std::string sql = "COPY (SELECT * FROM read_parquet([" + quoted_text(own_path(order.from)) +
                          "], hive_partitioning=false)" +
                          (without.empty() ? "" : " WHERE " + quoted_name(order.column) + " NOT IN (" + without + ")") +
                          ") TO " + quoted_text(own_path(order.to)) + copy_options(options);
  TRY_ASSIGN(const Written counts, copy_out(*link, sql, cancel));
  FilteredParquet out{.rows = counts.rows, .bytes = counts.bytes, .bounds = {}};
  if (out.rows == 0 || order.bounds_of.empty()) return out;
  std::string columns;
  for (const std::string& column : order.bounds_of) {
    const std::string name = quoted_name(column);
    columns.append(columns.empty() ? "min(" : ", min(").append(name).append("), max(").append(name).append(")");
  }
  const std::string bounds =
      "SELECT " + columns + " FROM read_parquet([" + quoted_text(own_path(order.to)) + "], hive_partitioning=false)";
  TRY_ASSIGN(const auto ends, ask(*link, bounds, cancel));
  const auto chunk = ends->Fetch();
  if (!chunk || chunk->size() != 1) return Error(Code::internal, "the engine gave no bounds of a file");
  for (size_t i = 0; i < order.bounds_of.size(); ++i) {
    const auto least = whole_of(chunk->GetValue(2 * i, 0)), most = whole_of(chunk->GetValue(2 * i + 1, 0));
    if (least && most) out.bounds[order.bounds_of[i]] = {*least, *most};
  }
  return out;
}

Result<uint64_t> DuckEngine::copy_result(Session& session, std::string_view select, const std::string& path,
                                         const std::vector<NamedValue>& values, QueryLimits limits) {
  return static_cast<DuckSession&>(session).copy(select, path, values, limits);
}

Result<uint64_t> DuckSession::copy(std::string_view select, const std::string& path,
                                   const std::vector<NamedValue>& values, QueryLimits limits) {
  TRY(ready());
  const std::string sql(select);
  TRY_ASSIGN(Statement statement, parse(sql));
  if (trust_ == Trust::own) {
    TRY_ASSIGN(const ScriptValues given, ScriptValues::of(values));
    TRY_ASSIGN(const ScriptAllowed allowed, check_script(*statement, sql, given));
    link_->state->pin_at_begin = allowed.reads_tables;
  } else {
    TRY_ASSIGN(const Allowed allowed, check(*statement, sql, {}, Scope::read));
    link_->state->scope = Scope::read;
    link_->state->view_bodies.clear();
    link_->state->failing_guard.clear();
    link_->state->pin_at_begin = allowed.reads_tables;
  }
  if (statement->type != duckdb::StatementType::SELECT_STATEMENT) {
    return Error(Code::invalid, "only the result of a SELECT can be written to a file");
  }
  const std::string target = own_path(path);
  Statement copy;
  try {
    duckdb::Parser parser(link_->context().GetParserOptions());
    std::string frame = "COPY (SELECT 1) TO ";
    frame.append(quoted_text(target)).append(" (FORMAT parquet, CODEC 'zstd', USE_TMP_FILE false, RETURN_STATS true)");
    parser.ParseQuery(frame);
    copy = std::move(parser.statements[0]);
    copy->Cast<duckdb::CopyStatement>().info->select_statement =
        std::move(statement->Cast<duckdb::SelectStatement>().node);
  } catch (const std::exception& thrown) {
    return to_error(thrown, sql);
  }
  link_->state->copy_path = target;
  Result<std::unique_ptr<ResultStream>> result = run(std::move(copy), sql, {}, limits);
  Result<std::vector<std::vector<Cell>>> rows = Error(Code::internal, "the copy gave no answer");
  if (result) rows = (*result)->next();
  link_->state->copy_path.clear();
  if (!result) return result.error();
  if (!rows) return rows.error();
  if (rows->empty() || !std::holds_alternative<int64_t>((*rows)[0][1])) return uint64_t{0};
  return static_cast<uint64_t>(std::get<int64_t>((*rows)[0][1]));
}

Result<uint64_t> DuckEngine::load_file(Session& session, const std::string& path, std::string_view format,
                                       const std::string& table, QueryLimits limits) {
  const bool is_public = duckdb::StringUtil::Lower(table).starts_with(kPublicPrefix);
  const std::string name = is_public ? table.substr(std::string_view(kPublicPrefix).size()) : table;
  if (!is_table_name(name)) {
    return Error(Code::invalid, "\"" + table + "\" cannot be a table's name", "use letters, digits and _, at most 63");
  }
  TRY_ASSIGN(const std::shared_ptr<const Snapshot> snapshot, source_.take());
  const std::string lower = duckdb::StringUtil::Lower(name);
  bool is_taken = lower.starts_with("weir_") || (snapshot && snapshot->find(lower) != nullptr);
  const Views views = this->views();
  for (const SystemView& view : *views) is_taken = is_taken || duckdb::StringUtil::CIEquals(view.name, name);
  if (is_taken && !is_public) {
    return Error(Code::conflict,
                 name + " is the name of a stream or of weir's own views; a file is loaded into a table of its own");
  }
  return static_cast<DuckSession&>(session).load(path, format, is_public ? "public" : "main", name, limits);
}

Result<uint64_t> DuckSession::load(const std::string& path, std::string_view format, const std::string& schema,
                                   const std::string& table, QueryLimits limits) {
  TRY_ASSIGN(const std::string reader, reader_of(format));
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return Error(Code::not_found, "there is no file " + path);
  if (std::filesystem::is_directory(path, failed)) return Error(Code::invalid, path + " is a folder, expected a file");
  if (std::filesystem::file_size(path, failed) == 0 && reader != "read_csv") {
    return Error(Code::invalid, path + " is empty, expected rows");  // DuckDB makes a table of it
  }
  TRY(ready());
  std::optional<CsvDialect> csv;
  if (reader == "read_csv") {
    TRY_ASSIGN(const ReadBytes read, bytes_of(link_->context(), path));
    TRY_ASSIGN(csv, csv_dialect(read, path));
  }
  const std::string name = quoted_name(schema) + "." + quoted_name(table);
  TRY_ASSIGN(const uint64_t known,
             run_own("SELECT count(*) FROM information_schema.tables WHERE table_catalog = " +
                         quoted_text(link_->database->catalog) + " AND table_schema = " + quoted_text(schema) +
                         " AND lower(table_name) = lower(" + quoted_text(table) + ")",
                     {}));
  const std::string rows = " FROM " + table_of(reader, path, csv);
  // One statement, so all of it or nothing.
  auto loaded = run_own(
      known > 0 ? "INSERT INTO " + name + " BY NAME SELECT *" + rows : "CREATE TABLE " + name + " AS SELECT *" + rows,
      limits);
  if (loaded) return loaded;
  const Error error = load_error(loaded.error(), path, format == "ndjson" || format == "jsonl");
  return csv ? csv_error(error, link_->context(), *csv, path) : error;
}

}  // namespace weir::engine
