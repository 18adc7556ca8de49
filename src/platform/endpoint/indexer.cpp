#include "platform/endpoint/indexer.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/flow/builder.h"

namespace weir::endpoint {
namespace {

std::vector<std::string> key_columns(const Endpoint& endpoint) {
  std::vector<std::string> out;
  for (const Parameter& one : endpoint.parameters) {
    if (one.use != ParameterUse::equals) continue;
    const std::string text = "CAST(" + quoted_name(one.column) + " AS VARCHAR)";
    out.push_back(one.type == ParameterType::uuid ? "lower(" + text + ")" : text);
  }
  return out;
}

std::string value_column(const Endpoint& endpoint, const flow::Partition& partition) {
  for (const Parameter& one : endpoint.parameters) {
    if (one.use == ParameterUse::equals) continue;
    return one.type == ParameterType::date ? "CAST(" + quoted_name(one.column) + " - DATE '1970-01-01' AS BIGINT)"
                                           : "CAST(" + quoted_name(one.column) + " AS BIGINT)";
  }
  return "CAST(" + std::to_string(partition.value_or(0)) + " AS BIGINT)";
}

std::string ratio_column(const Ratio& ratio) {
  return "CASE WHEN " + quoted_name(ratio.to) + " <> 0 THEN round(CAST(" + quoted_name(ratio.of) + " AS DOUBLE) / " +
         quoted_name(ratio.to) + ", " + std::to_string(ratio.digits) + ") END AS " + quoted_name(ratio.name);
}

// Key, value, then what is answered. Names and days come from declarations that were checked, and are quoted.
std::string statement_of(const Endpoint& endpoint, const std::string& partition_column,
                         const flow::Partition& partition) {
  std::vector<std::string> columns = key_columns(endpoint), conditions;
  for (const std::string& key : columns) conditions.push_back(key + " IS NOT NULL");
  const std::string range = endpoint.range_column();
  if (!range.empty()) conditions.push_back(quoted_name(range) + " IS NOT NULL");
  if (partition) conditions.push_back(quoted_name(partition_column) + " = DATE '" + format_date(*partition) + "'");
  columns.push_back(value_column(endpoint, partition));
  for (const std::string& column : endpoint.columns) columns.push_back(quoted_name(column));
  for (const Ratio& ratio : endpoint.ratios) columns.push_back(ratio_column(ratio));
  return "SELECT " + join(columns, ", ") + " FROM main." + quoted_name(endpoint.table) +
         (conditions.empty() ? "" : " WHERE " + join(conditions, " AND ")) + " ORDER BY ALL";
}

bool is_number_text(const std::string& type) {
  return type.starts_with("DECIMAL") || type == "HUGEINT" || type == "UHUGEINT" || type == "UBIGINT";
}

bool is_json_text(const std::string& type) {
  return type == "JSON" || type.ends_with("]") || type.starts_with("STRUCT") || type.starts_with("MAP");
}

void append_text(std::string& into, const std::string& text, const std::string& type) {
  if (is_number_text(type) || (is_json_text(type) && Json::parse(text))) {
    into += text;
    return;
  }
  if (type == "TIMESTAMP") {
    if (const auto micros = parse_timestamp(text)) return Json::append_quoted(into, format_timestamp(*micros));
  }
  Json::append_quoted(into, text);
}

void append_cell(std::string& into, const engine::Cell& cell, const std::string& type) {
  if (const auto* text = std::get_if<std::string>(&cell)) return append_text(into, *text, type);
  if (const auto* flag = std::get_if<bool>(&cell)) {
    into += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<int64_t>(&cell)) {
    into += std::to_string(*number);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    into += Json(*real).dump();
  } else {
    into += "null";
  }
}

// The transaction ends with it; it wrote nothing.
class Reading {
 public:
  explicit Reading(engine::Session& session) : session_(session) {}
  ~Reading() {
    if (is_open_) static_cast<void>(flow::run_statement(session_, "ROLLBACK"));
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  Status begin() {
    TRY(flow::run_statement(session_, "BEGIN"));
    is_open_ = true;
    return {};
  }

 private:
  engine::Session& session_;
  bool is_open_ = false;
};

}  // namespace

uint64_t mark_stamp(const flow::Mark& mark) {
  return checksum64(mark.fingerprint + "\n" + mark.content + "\n" + mark.run + "\n" + std::to_string(mark.rows) + "\n" +
                    std::to_string(mark.computed_at.micros));
}

std::string Indexer::folder_of(const Endpoint& endpoint) const {
  return join_path(parts_.folder, endpoint.name);
}

std::string Indexer::path_of(const Endpoint& endpoint, const flow::Partition& partition) const {
  return join_path(folder_of(endpoint), flow::partition_text(partition) + ".index");
}

Result<std::shared_ptr<const IndexFile>> Indexer::open(const Endpoint& endpoint, const flow::Partition& partition,
                                                       const IndexStamp& wanted) const {
  const std::string path = path_of(endpoint, partition);
  TRY_ASSIGN(auto file, IndexFile::open(parts_.files, path, parts_.memory));
  if (file->summary().stamp == wanted) return file;
  return Error(Code::conflict, path + " was made from something else than what is there now");
}

Status Indexer::write_rows(engine::Session& session, const Endpoint& endpoint, const std::string& partition_column,
                           const flow::Partition& partition, const EndpointKeys& keys, IndexWriter& writer) const {
  TRY_ASSIGN(const auto stream, session.query(statement_of(endpoint, partition_column, partition), {}, {}));
  const size_t key_count = key_columns(endpoint).size(), first = key_count + 1;
  std::vector<std::string> names;  // "day":
  for (size_t i = first; i < stream->columns().size(); ++i) {
    Json::append_quoted(names.emplace_back(i == first ? "{" : ","), stream->columns()[i].name);
    names.back() += ':';
  }
  std::string key, row;
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return {};
    for (const auto& cells : rows) {
      key.clear();
      row.clear();
      for (size_t i = 0; i < key_count; ++i) append_key_value(key, std::get<std::string>(cells[i]));
      for (size_t i = first; i < cells.size(); ++i) {
        row += names[i - first];
        append_cell(row, cells[i], stream->columns()[i].type);
      }
      row += '}';
      TRY(writer.add(fingerprint(keys.rows, key), std::get<int64_t>(cells[key_count]), row));
    }
  }
}

Result<PartitionIndex> Indexer::write(const Endpoint& endpoint, const std::string& partition_column,
                                      const flow::Partition& partition, const EndpointKeys& keys,
                                      const Cancel& cancel) const {
  TRY(cancel.check());
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  const lake::CommittedTables lake = parts_.flow.in_lake();
  session->read_from(lake.tables);
  const auto stop = cancel.attach([&session] { session->cancel(); });
  Reading reading(*session);
  TRY(reading.begin());
  TRY_ASSIGN(auto mark, flow::Partitions::read(*session, endpoint.table, partition));
  if (!mark) mark = flow::Flow::mark_in(lake, endpoint.table, partition);
  if (!mark) {
    return Error(Code::not_found, "table " + endpoint.table + " has no partition " + flow::partition_text(partition));
  }
  const IndexStamp stamp{content_hash(endpoint), mark_stamp(*mark), keys.rows_check};
  const std::string path = path_of(endpoint, partition), staging = path + ".staging";
  TRY(parts_.files.make_directories(folder_of(endpoint)));
  {
    TRY_ASSIGN(const auto file, parts_.files.open(staging, OpenMode::create));
    TRY(file->truncate(0));
    IndexWriter writer(*file, stamp, parts_.random.next());
    TRY(write_rows(*session, endpoint, partition_column, partition, keys, writer));
    TRY(writer.finish());
    TRY(file->sync());
  }
  TRY(parts_.files.rename(staging, path));
  TRY(parts_.files.sync_directory(folder_of(endpoint)));
  PartitionIndex out;
  out.day = partition;
  out.stamp = stamp.partition;
  out.rows = mark->rows;
  TRY_ASSIGN(out.file, open(endpoint, partition, stamp));
  return out;
}

Status Indexer::remove_others(const Endpoint& endpoint, const std::set<std::string>& kept) const {
  const std::string folder = folder_of(endpoint);
  TRY_ASSIGN(const bool there, parts_.files.exists(folder));
  if (!there) return {};
  TRY_ASSIGN(const auto entries, parts_.files.list(folder));
  for (const DirectoryEntry& entry : entries) {
    const std::string path = join_path(folder, entry.name);
    if (kept.contains(path)) continue;
    TRY(parts_.files.remove(path));
  }
  return {};
}

Status Indexer::remove_all(const std::string& endpoint) const {
  const std::string folder = join_path(parts_.folder, endpoint);
  TRY_ASSIGN(const bool there, parts_.files.exists(folder));
  if (!there) return {};
  TRY_ASSIGN(const auto entries, parts_.files.list(folder));
  for (const DirectoryEntry& entry : entries) {
    TRY(parts_.files.remove(join_path(folder, entry.name)));
  }
  return parts_.files.remove(folder);
}

}  // namespace weir::endpoint
