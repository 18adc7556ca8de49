// COPY: files of the store into a table, all of them or nothing. The engine reads them on the session's own connection,
// so that the rows come in the statement's transaction; records that do not fit are told in weir_load_errors, also when
// the load is rolled back.
//
// Source: Redshift, r_COPY and the pages copy-parameters-data-source, -data-format, -data-conversion, -data-load.
#include <algorithm>

#include "core/base/json.h"
#include "core/base/quotes.h"
#include "platform/warehouse/buckets.h"
#include "platform/warehouse/copy_rejects.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/run.h"
#include "platform/warehouse/table_definition.h"

namespace weir::warehouse {
namespace {

using dialect::DataFormat;

constexpr size_t kFilesMax = 100'000, kManifestBytesMax = 16u << 20, kRawBytes = 1'024;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

struct Object {
  std::string url, path;  // path: the engine's
  uint64_t bytes = 0;
};

// YYYY-MM-DD HH:MI:SS as the engine's %Y-%m-%d %H:%M:%S: r_DATEFORMAT_and_TIMEFORMAT_strings.
std::string engine_pattern(const std::string& pattern) {
  static constexpr std::pair<std::string_view, std::string_view> kParts[] = {
      {"YYYY", "%Y"}, {"MONTH", "%B"}, {"MON", "%b"}, {"HH24", "%H"}, {"HH12", "%I"}, {"YY", "%y"},
      {"MM", "%m"},   {"DD", "%d"},    {"HH", "%H"},  {"MI", "%M"},   {"SS", "%S"},   {"US", "%f"},
      {"MS", "%g"},   {"AM", "%p"},    {"PM", "%p"},  {"OF", "%z"},   {"DY", "%a"}};
  std::string upper, out;
  for (const char c : pattern) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (size_t at = 0; at < pattern.size();) {
    const auto part = std::find_if(std::begin(kParts), std::end(kParts), [&](const auto& one) {
      return std::string_view(upper).substr(at).starts_with(one.first);
    });
    if (part == std::end(kParts)) {
      out += pattern[at++];
    } else {
      out += part->second;
      at += part->first.size();
    }
  }
  return out;
}

bool is_text(const dialect::ColumnDefinition& column) {
  return column.type.engine == "VARCHAR";
}

class Copier {
 public:
  Copier(SessionState& session, const dialect::Copy& order) : session_(session), order_(order) {}

  Result<uint64_t> run() {
    TRY_ASSIGN(place_, relation(session_, order_.table));
    TRY(check_rights());
    session_.rows_change(place_.schema, place_.name);
    TRY_ASSIGN(definition_, TableDefinition::of_existing(session_, place_));
    TRY(choose_columns());
    TRY(find_objects());
    uint64_t rows = 0;
    const Status loaded = session_.in_transaction([&]() -> Status {
      auto done = order_.max_error > 0 && has_records() ? load_what_fits() : load();
      if (done) {
        rows = *done;
      } else {
        return failed(done.error());
      }
      return check_rejects();
    });
    if (!errors_.empty()) session_.core.parts.loads->add(std::move(errors_));
    TRY(loaded);
    std::vector<LoadedFile> files;
    for (const Object& one : objects_) {
      files.push_back({.at = session_.core.parts.clock.wall(),
                       .user = session_.options.user.name,
                       .table = place_.name,
                       .file = one.url,
                       .bytes = one.bytes,
                       .by = session_.mark()});
    }
    session_.core.parts.loads->add(std::move(files));
    return rows;
  }

 private:
  Status check_rights() {
    if (place_.kind != "table") {
      return error_of(Code::invalid, "42809", "\"" + place_.name + "\" is a " + place_.kind + ", not a table");
    }
    if (place_.schema == "temp") return {};
    TRY_ASSIGN(const auto rights, session_.rights());
    if (!rights->may(session_.subject(), "insert", place_.schema, place_.name)) {
      return permission_denied("relation " + place_.name);
    }
    return {};
  }

  // Those that the records have, in their order. An IDENTITY column is none of them, unless EXPLICIT_IDS says so.
  Status choose_columns() {
    if (order_.columns.empty()) {
      for (const auto& column : definition_.columns) {
        if (!column.identity || order_.explicit_ids) columns_.push_back(column);
      }
      return {};
    }
    for (const std::string& name : order_.columns) {
      const auto found = std::find_if(definition_.columns.begin(), definition_.columns.end(),
                                      [&](const auto& one) { return one.name == name; });
      if (found == definition_.columns.end()) {
        return error_of(Code::not_found, "42703",
                        "column \"" + name + "\" of relation \"" + place_.name + "\" does not exist");
      }
      columns_.push_back(*found);
    }
    return {};
  }

  Status find_objects() {
    TRY_ASSIGN(const ObjectPath from, ObjectPath::of(order_.from));
    if (order_.is_manifest) return read_manifest(from);
    TRY_ASSIGN(const auto store, bucket(from.bucket));
    TRY_ASSIGN(const std::vector<Blob> blobs, store->list(from.key, kFilesMax));
    for (const Blob& blob : blobs) {
      if (blob.key.ends_with("/")) continue;
      TRY_ASSIGN(std::string path, session_.core.parts.buckets->engine_path(from.bucket, blob.key));
      objects_.push_back({"s3://" + from.bucket + "/" + blob.key, std::move(path), blob.size});
    }
    if (!objects_.empty()) return {};
    return error_of(Code::not_found, "XX000", "The specified S3 prefix '" + from.key + "' does not exist",
                    "nothing in the bucket " + from.bucket + " begins with it");
  }

  Result<std::shared_ptr<BlobStore>> bucket(const std::string& name) {
    TRY_ASSIGN(const bool exists, session_.core.parts.buckets->exists(name));
    if (!exists) return error_of(Code::not_found, "XX000", "there is no bucket \"" + name + "\"");
    return session_.core.parts.buckets->open(name, session_.stop());
  }

  Result<std::string> read_text(const ObjectPath& from, size_t bytes_max) {
    TRY_ASSIGN(const auto store, bucket(from.bucket));
    TRY_ASSIGN(const auto file, store->open(from.key));
    TRY_ASSIGN(const uint64_t size, file->size());
    if (size > bytes_max) return Error(Code::too_large, from.url() + " has " + std::to_string(size) + " bytes");
    std::string text(size, '\0');
    TRY_ASSIGN(const size_t read, file->read_at(0, text.data(), text.size()));
    text.resize(read);
    return text;
  }

  // {"entries":[{"url":"s3://…","mandatory":true}]}: loading-data-files-using-manifest.
  Status read_manifest(const ObjectPath& from) {
    TRY_ASSIGN(const std::string text, read_text(from, kManifestBytesMax));
    const Result<Json> manifest = Json::parse(text);
    if (!manifest || !(*manifest)["entries"].is_array()) {
      return error_of(Code::invalid, "22023", from.url() + " is no manifest",
                      "expected {\"entries\":[{\"url\":\"s3://bucket/key\",\"mandatory\":true}]}");
    }
    for (const Json& entry : (*manifest)["entries"].array()) {
      if (!entry["url"].is_string()) return error_of(Code::invalid, "22023", from.url() + ": an entry has no \"url\"");
      TRY_ASSIGN(const ObjectPath object, ObjectPath::of(entry["url"].as_string()));
      TRY_ASSIGN(const auto store, bucket(object.bucket));
      const auto found = store->find(object.key);
      const bool is_there = found.has_value();
      if (!is_there && found.error().code != Code::not_found) return found.error();
      if (!is_there && entry["mandatory"].as_bool(false)) {
        return error_of(Code::not_found, "XX000", "the manifest's mandatory file " + object.url() + " is not there");
      }
      if (!is_there) continue;
      TRY_ASSIGN(std::string path, session_.core.parts.buckets->engine_path(object.bucket, object.key));
      objects_.push_back({object.url(), std::move(path), found->size});
    }
    if (objects_.empty()) return error_of(Code::not_found, "XX000", from.url() + " names no file that is there");
    return {};
  }

  std::string file_list() const {
    std::string out = "[";
    for (const Object& one : objects_) out += (out.size() > 1 ? ", " : "") + quoted_text(one.path);
    return out + "]";
  }

  Result<uint64_t> load() {
    std::string into, values;
    for (size_t i = 0; i < columns_.size(); ++i) {
      into += (i > 0 ? ", " : "") + quoted_name(columns_[i].name);
      values += (i > 0 ? ", " : "") + value_of(columns_[i]);
    }
    TRY_ASSIGN(const std::string reader, reader_text());
    const std::string select = "SELECT " + values + " FROM " + reader;
    const std::string sql = order_.no_load ? "SELECT count(*) FROM (" + select + ")"
                                           : "INSERT INTO " + place_.quoted() + " (" + into + ") " + select;
    TRY_ASSIGN(const Rows rows, session_.own(sql));
    if (rows.empty()) return uint64_t{0};
    const auto* count = std::get_if<int64_t>(&rows.front().front());
    return count != nullptr ? static_cast<uint64_t>(*count) : 0;
  }

  // --- records of texts ---

  bool has_own_time(const dialect::ColumnDefinition& column) const {
    return column.type.engine.starts_with("TIMESTAMP") && order_.time_format.starts_with("epoch");
  }

  std::string value_of(const dialect::ColumnDefinition& column) const {
    std::string value = quoted_name(column.name);
    if (order_.format == DataFormat::parquet) return value + "::" + column.type.engine;
    if (has_own_time(column)) {
      const std::string part = order_.time_format == "epochmillisecs" ? "1000.0" : "1.0";
      return "(to_timestamp(" + value + " / " + part + ") AT TIME ZONE 'UTC')";
    }
    if (!is_text(column)) return value;
    if (order_.trim_blanks) value = "rtrim(" + value + ")";
    // The engine's patterns cannot say "the same sign again".
    if (order_.removes_quotes) {
      value = "regexp_replace(" + value + ", '(?s)^(?:''(.*)''|\"(.*)\")$', '\\1\\2')";
    }
    if (order_.null_as) value = "nullif(" + value + ", " + quoted_text(*order_.null_as) + ")";
    if (!order_.null_as && order_.format == DataFormat::delimited) value = "nullif(" + value + ", '\\N')";
    if (order_.empty_as_null) value = "nullif(" + value + ", '')";
    if (order_.blanks_as_null) value = "CASE WHEN trim(" + value + ") = '' THEN NULL ELSE " + value + " END";
    if (order_.truncate_columns && column.type.bytes_max) {
      value = "left(" + value + ", " + std::to_string(*column.type.bytes_max) + ")";
    }
    return value;
  }

  std::string column_types() const {
    std::string out = "{";
    for (const auto& column : columns_) {
      const std::string type = has_own_time(column) ? "DOUBLE" : column.type.engine;
      out += (out.size() > 1 ? ", " : "") + quoted_text(column.name) + ": " + quoted_text(type);
    }
    return out + "}";
  }

  std::string compression() const {
    return order_.compression.empty() ? "" : ", compression=" + quoted_text(order_.compression);
  }

  std::string formats() const {
    std::string out;
    if (!order_.date_format.empty() && order_.date_format != "auto") {
      out += ", dateformat=" + quoted_text(engine_pattern(order_.date_format));
    }
    if (!order_.time_format.empty() && order_.time_format != "auto" && !order_.time_format.starts_with("epoch")) {
      out += ", timestampformat=" + quoted_text(engine_pattern(order_.time_format));
    }
    return out;
  }

  Result<std::string> reader_text() {
    switch (order_.format) {
      case DataFormat::parquet:
        return parquet_reader();
      case DataFormat::json:
        return json_reader();
      case DataFormat::csv:
      case DataFormat::delimited:
        break;
    }
    const bool is_csv = order_.format == DataFormat::csv;
    std::string texts;
    for (const auto& column : columns_) {
      if (is_text(column)) texts += (texts.empty() ? "" : ", ") + quoted_text(column.name);
    }
    // The engine makes the same of all null texts of a column. Without NULL AS an empty text stays one, and only texts
    // may be \N; with it an empty text is NULL too.
    const bool has_null_text = order_.null_as && !order_.null_as->empty();
    const std::string nulls = has_null_text ? "'', " + quoted_text(*order_.null_as) : "''";
    std::string out = "read_csv(" + file_list() + ", auto_detect=false, header=false, columns=" + column_types();
    out += ", delim=" + quoted_text(order_.delimiter.empty() ? (is_csv ? "," : "|") : order_.delimiter);
    out += is_csv ? ", quote=" + quoted_text(order_.quote) + ", escape=" + quoted_text(order_.quote)
                  : ", quote='', escape=''";
    out += ", nullstr=[" + nulls + "]";
    if (!texts.empty() && !has_null_text) out += ", force_not_null=[" + texts + "]";
    if (order_.ignore_header > 0) out += ", skip=" + std::to_string(order_.ignore_header);
    if (order_.fill_record) out += ", null_padding=true";
    out += formats() + compression();
    out += ", store_rejects=true, rejects_limit=" + std::to_string(order_.max_error + 1'000);
    has_rejects_ = true;
    return out + ")";
  }

  Result<std::string> json_reader() {
    if (!order_.json_paths.empty()) return json_paths_reader();
    std::string out = "read_json(" + file_list() + ", columns=" + column_types() + ", format='auto', records=true";
    return out + formats() + compression() + ")";
  }

  // {"jsonpaths":["$.a","$['b'][0]"]}: one path a column, in their order; without the file their names are the paths.
  Result<std::vector<std::string>> paths_of_columns() {
    std::vector<std::string> out;
    if (order_.json_paths.empty()) {
      for (const auto& column : columns_) out.push_back("$.\"" + column.name + "\"");
      return out;
    }
    TRY_ASSIGN(const ObjectPath from, ObjectPath::of(order_.json_paths));
    TRY_ASSIGN(const std::string text, read_text(from, kManifestBytesMax));
    const Result<Json> paths = Json::parse(text);
    if (!paths || !(*paths)["jsonpaths"].is_array() || (*paths)["jsonpaths"].array().size() != columns_.size()) {
      return error_of(Code::invalid, "22023",
                      from.url() + " is no JSONPaths file for " + std::to_string(columns_.size()) + " columns",
                      "expected {\"jsonpaths\":[\"$.a\", …]} with one path a column");
    }
    for (const Json& one : (*paths)["jsonpaths"].array()) {
      TRY_ASSIGN(std::string path, engine_path(one));
      out.push_back(std::move(path));
    }
    return out;
  }

  Result<std::string> json_paths_reader() {
    TRY_ASSIGN(const std::vector<std::string> paths, paths_of_columns());
    std::string values;
    for (size_t i = 0; i < columns_.size(); ++i) {
      values += (i > 0 ? ", " : "") + std::string("CAST(json_extract_string(json, ") + quoted_text(paths[i]) + ") AS " +
                columns_[i].type.engine + ") AS " + quoted_name(columns_[i].name);
    }
    return "(SELECT " + values + " FROM read_json(" + file_list() +
           ", columns={'json': 'JSON'}, records=false, format='auto'" + compression() + "))";
  }
  // $['b'][0] is $."b"[0].
  static Result<std::string> engine_path(const Json& given) {
    if (!given.is_string() || !given.as_string().starts_with("$")) {
      return error_of(Code::invalid, "22023", "a JSONPath is a text that begins with $");
    }
    std::string out;
    const std::string& path = given.as_string();
    for (size_t i = 0; i < path.size(); ++i) {
      const bool is_name = path[i] == '[' && i + 1 < path.size() && (path[i + 1] == '\'' || path[i + 1] == '"');
      if (!is_name) {
        out += path[i];
        continue;
      }
      const size_t end = path.find(path[i + 1], i + 2);
      if (end == std::string::npos || end + 1 >= path.size() || path[end + 1] != ']') {
        return error_of(Code::invalid, "22023", "the JSONPath " + path + " is not closed");
      }
      out += ".\"" + path.substr(i + 2, end - i - 2) + "\"";
      i = end + 1;
    }
    return out;
  }

  // Columns go by their order, as the files' names may be others.
  Result<std::string> parquet_reader(const std::string& options = {}) {
    if (!has_checked_parquet_) {
      TRY_ASSIGN(const Rows schema, session_.own("SELECT count(*) FROM (DESCRIBE SELECT * FROM read_parquet(" +
                                                 file_list() + ", hive_partitioning=false))"));
      const auto count = static_cast<size_t>(std::get<int64_t>(schema.front().front()));
      if (count != columns_.size()) {
        return error_of(
            Code::invalid, "XX000",
            "the files have " + std::to_string(count) + " columns, the table takes " + std::to_string(columns_.size()));
      }
      has_checked_parquet_ = true;
    }
    std::string names;
    for (const auto& column : columns_) names += (names.empty() ? "" : ", ") + quoted_name(column.name);
    return "read_parquet(" + file_list() + ", hive_partitioning=false" + options + ") AS files(" + names + ")";
  }

  // --- records of JSON and Parquet, looked at before they are loaded ---

  bool has_records() const { return order_.format == DataFormat::json || order_.format == DataFormat::parquet; }

  // What is stored of a column whose raw value is a text (JSON) or of its own type (Parquet); NULL if it does not fit.
  std::string fitting_value(const dialect::ColumnDefinition& column) const {
    const std::string raw = quoted_name(column.name);
    if (is_text(column)) return value_of(column);
    const bool is_json = order_.format == DataFormat::json;
    if (has_own_time(column)) {
      const std::string part = order_.time_format == "epochmillisecs" ? "1000.0" : "1.0";
      return "(to_timestamp(TRY_CAST(" + raw + " AS DOUBLE) / " + part + ") AT TIME ZONE 'UTC')";
    }
    const bool is_time = column.type.engine.starts_with("TIMESTAMP");
    const std::string& format = is_time ? order_.time_format : order_.date_format;
    if (is_json && (is_time || column.type.engine == "DATE") && !format.empty() && format != "auto") {
      return "CAST(try_strptime(" + raw + ", " + quoted_text(engine_pattern(format)) + ") AS " + column.type.engine +
             ")";
    }
    return "TRY_CAST(" + raw + " AS " + column.type.engine + ")";
  }

  Result<RecordChecks> record_checks() {
    RecordChecks out;
    if (order_.format == DataFormat::json) {
      TRY_ASSIGN(const std::vector<std::string> paths, paths_of_columns());
      std::string values;
      for (size_t i = 0; i < columns_.size(); ++i) {
        values += ", json_extract_string(json, " + quoted_text(paths[i]) + ") AS " + quoted_name(columns_[i].name);
      }
      // Read by one thread, in order: the records of a file are numbered as they stand in it.
      out.records =
          "(SELECT filename AS weir_file, row_number() OVER (PARTITION BY filename ORDER BY weir_at) AS "
          "weir_row, json AS weir_record" +
          values + " FROM (SELECT *, row_number() OVER () AS weir_at FROM read_json(" + file_list() +
          ", columns={'json': 'JSON'}, records=false, format='auto', ignore_errors=true, filename=true" +
          compression() + ")))";
    } else {
      TRY_ASSIGN(const std::string reader, parquet_reader(", filename='weir_file', file_row_number=true"));
      out.records = "(SELECT *, file_row_number + 1 AS weir_row, '' AS weir_record FROM " + reader + ")";
    }
    for (const auto& column : columns_) {
      LoadedColumn one{.name = column.name,
                       .shown = column.type.shown,
                       .raw = quoted_name(column.name),
                       .value = fitting_value(column)};
      if (!order_.truncate_columns) one.bytes_max = column.type.bytes_max;
      one.is_not_null = column.is_not_null && column.default_value.empty();
      out.columns.push_back(std::move(one));
    }
    return out;
  }

  Status note_rejects(const RecordChecks& checks, const Rows& rows) {
    for (const auto& row : rows) {
      const Reject one = reject_of(checks, row);
      note(one.row, url_of(one.file), one.column, one.raw, one.reason);
    }
    return {};
  }

  // What does not fit is counted first; as the files do not change, the rest fits.
  Result<uint64_t> load_what_fits() {
    TRY_ASSIGN(const RecordChecks checks, record_checks());
    const auto most = static_cast<size_t>(order_.max_error);
    TRY_ASSIGN(const Rows rejected, session_.own(checks.select_rejects(most + 1)));
    TRY(note_rejects(checks, rejected));
    if (rejected.size() > most) return too_many_rejects();
    tell_rejects(rejected.size());
    std::string into;
    for (const auto& column : columns_) into += (into.empty() ? "" : ", ") + quoted_name(column.name);
    const std::string sql = order_.no_load
                                ? "SELECT count(*) FROM (" + checks.select_good() + ")"
                                : "INSERT INTO " + place_.quoted() + " (" + into + ") " + checks.select_good();
    TRY_ASSIGN(const Rows rows, session_.own(sql));
    const auto* count = rows.empty() ? nullptr : std::get_if<int64_t>(&rows.front().front());
    return count != nullptr ? static_cast<uint64_t>(*count) : 0;
  }

  // --- what did not fit ---

  Error failed(Error error) {
    if (!errors_.empty()) return error;  // told already
    note_failure(error);
    if (!has_records()) return error;
    // Which record it was: looked for on another connection, as this one's transaction has failed.
    const auto checks = record_checks();
    if (!checks) return error;
    const auto rejected = session_.own_apart(checks->select_rejects(1));
    if (!rejected || rejected->empty()) return error;
    errors_.clear();
    (void)note_rejects(*checks, *rejected);
    return too_many_rejects();
  }

  void tell_rejects(size_t count) {
    if (count == 0) return;
    session_.notice("INFO", "00000", std::to_string(count) + " records could not be loaded; weir_load_errors has them");
  }

  Error too_many_rejects() const {
    const LoadError& first = errors_.front();
    return error_of(Code::invalid, "XX000",
                    "Load into table '" + place_.name + "' failed: " + first.file +
                        (has_records() ? ", record " : ", line ") + std::to_string(first.line) +
                        (first.column.empty() ? "" : ", column " + first.column) + ": " + first.reason,
                    "stl_load_errors and weir_load_errors have the records; MAXERROR lets some pass");
  }

  std::string url_of(const std::string& path) const {
    for (const Object& one : objects_) {
      if (path == one.path) return one.url;
    }
    return path.substr(path.rfind('/') + 1);
  }

  void note(int64_t line, std::string file, std::string column, std::string raw, std::string reason) {
    LoadError error{.at = session_.core.parts.clock.wall(),
                    .user = session_.options.user.name,
                    .table = place_.name,
                    .file = std::move(file),
                    .line = line,
                    .column = std::move(column),
                    .type = {},
                    .raw_line = raw.substr(0, kRawBytes),
                    .reason = std::move(reason),
                    .by = session_.mark()};
    for (const auto& one : columns_) {
      if (one.name == error.column) error.type = one.type.shown;
    }
    errors_.push_back(std::move(error));
  }

  void note_failure(Error& error) {
    // Paths of ours are no caller's business.
    for (const Object& one : objects_) error.message = with_url(std::move(error.message), one.path, one.url);
    error.position.reset();
    if (error.sqlstate == nullptr) error.sqlstate = "XX000";
    note(0, objects_.size() == 1 ? objects_.front().url : "", "", "", error.message);
  }

  Status check_rejects() {
    if (!has_rejects_) return {};
    TRY_ASSIGN(
        const Rows rows,
        session_.own("SELECT s.file_path, e.line, coalesce(e.column_name, ''), coalesce(e.csv_line, ''), "
                     "e.error_message FROM temp.main.reject_errors e JOIN temp.main.reject_scans s USING (scan_id, "
                     "file_id) ORDER BY 1, 2"));
    TRY(session_.own("DROP TABLE temp.main.reject_errors"));
    TRY(session_.own("DROP TABLE temp.main.reject_scans"));
    for (const auto& row : rows) {
      note(std::get<int64_t>(row[1]), url_of(std::get<std::string>(row[0])), std::get<std::string>(row[2]),
           std::get<std::string>(row[3]), std::get<std::string>(row[4]));
    }
    if (rows.size() > static_cast<size_t>(order_.max_error)) return too_many_rejects();
    tell_rejects(rows.size());
    return {};
  }

  SessionState& session_;
  const dialect::Copy& order_;
  Place place_;
  TableDefinition definition_;
  std::vector<dialect::ColumnDefinition> columns_;
  std::vector<Object> objects_;
  std::vector<LoadError> errors_;
  bool has_rejects_ = false;
  bool has_checked_parquet_ = false;  // the number of columns
};

}  // namespace

Result<Answer> copy(SessionState& session, const dialect::Copy& order) {
  if (session.core.parts.buckets == nullptr) return Error(Code::unsupported, "there is no store to COPY from");
  TRY_ASSIGN(const uint64_t rows, Copier(session, order).run());
  session.notice("INFO", "00000",
                 "Load into table '" + order.table.name + "' completed, " + std::to_string(rows) +
                     " record(s) loaded successfully.");
  return Answer{.stream = nullptr, .tag = "COPY", .has_count = true, .changed = rows};
}

}  // namespace weir::warehouse
