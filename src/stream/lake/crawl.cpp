#include "stream/lake/crawl.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/base/text.h"
#include "core/base/yaml.h"
#include "stream/capture/declaration.h"
#include "stream/capture/event_judge.h"
#include "stream/capture/infer.h"
#include "stream/capture/stream_plan.h"
#include "stream/capture/values.h"
#include "stream/lake/archive.h"
#include "stream/lake/foreign_records.h"
#include "stream/lake/parquet_records.h"

namespace weir::lake {
namespace {

constexpr size_t kSampledFiles = 200;         // spread evenly over all of them, the first and the last included
constexpr uint64_t kSampledRecords = 20'000;  // of all files together
constexpr size_t kSampleBytes = 12u << 20;
constexpr size_t kRecordBytesMax = 1u << 20;
constexpr size_t kListed = 100;
constexpr Duration kQueryTime = minutes(1);

Error enough() {
  return Error(Code::cancelled, "the sample is full");
}

// How the sampled records fit a declared stream.
class Fit {
 public:
  explicit Fit(std::shared_ptr<const capture::StreamPlan> plan) : plan_(std::move(plan)) {}

  void judge(std::string_view record, const std::string& where) {
    const capture::Judgement judged = capture::judge(*plan_, record);
    if (judged.fits) {
      ++fits_;
      return;
    }
    Misfit& misfit = misfits_[{judged.code, judged.field}];
    if (misfit.count++ > 0) return;
    misfit.first = where;
    misfit.message = judged.message;
  }

  Json to_json() const {
    Json listed{Json::Array{}};
    for (const auto& [what, misfit] : misfits_) {
      if (listed.array().size() == kListed) break;
      Json one{Json::Object{}};
      one.set("reason", what.first);
      one.set("field", what.second);
      one.set("count", misfit.count);
      one.set("first", misfit.first);
      one.set("message", misfit.message);
      listed.push(std::move(one));
    }
    Json out{Json::Object{}};
    out.set("fits", fits_);
    out.set("misfits", std::move(listed));
    return out;
  }

 private:
  struct Misfit {
    uint64_t count = 0;
    std::string first, message;
  };
  std::shared_ptr<const capture::StreamPlan> plan_;
  uint64_t fits_ = 0;
  std::map<std::pair<std::string, std::string>, Misfit> misfits_;
};

std::string sentence(const capture::Field& field) {
  return capture::type_label(field) + (field.required ? ", required" : "");
}

// Whether a value that looks like `found` may be of the type that is declared; whether all of them are, the judged
// samples say.
bool is_within(capture::FieldType declared, capture::FieldType found) {
  using capture::FieldType;
  switch (declared) {
    case FieldType::json:
      return true;
    case FieldType::string:
      return found == FieldType::uuid || found == FieldType::timestamp || found == FieldType::date;
    case FieldType::number:
    case FieldType::decimal:
      return found == FieldType::integer || found == FieldType::number || found == FieldType::decimal;
    case FieldType::timestamp:
      return found == FieldType::date;
    case FieldType::boolean:
    case FieldType::integer:
    case FieldType::uuid:
    case FieldType::date:
    case FieldType::object:
    case FieldType::array:
      return false;
  }
  return false;
}

// What the files have and the declaration does not, and the other way round.
Json differences(const capture::Stream& declared, const capture::Stream& found) {
  Json out{Json::Array{}};
  const auto add = [&out](const char* change, const std::string& field, std::string what) {
    out.push(Json(Json::Object{{"change", change}, {"field", field}, {"what", std::move(what)}}));
  };
  for (const capture::Field& field : found.fields) {
    const capture::Field* known = declared.find(field.name);
    if (known == nullptr) {
      add("new", field.name, "in the files, not declared: " + sentence(field));
    } else if (known->type != field.type && !is_within(known->type, field.type)) {
      add("type", field.name, "declared as " + sentence(*known) + ", in the files it looks like " + sentence(field));
    }
  }
  for (const capture::Field& field : declared.fields) {
    if (found.find(field.name) == nullptr) add("absent", field.name, "declared, and in no sampled record");
  }
  return out;
}

// "year=2026/month=11/…" and Firehose's hours: the names and what they go from and to.
Json partitions_of(const std::vector<ForeignFile>& files) {
  std::map<std::string, std::pair<std::string, std::string>> seen;
  for (const ForeignFile& file : files) {
    for (const std::string_view part : split(file.name, '/')) {
      const size_t equals = part.find('=');
      if (equals == 0 || equals == std::string_view::npos) continue;
      const std::string value(part.substr(equals + 1));
      auto [range, is_new] = seen.try_emplace(std::string(part.substr(0, equals)), value, value);
      range->second.first = std::min(range->second.first, value);
      range->second.second = std::max(range->second.second, value);
    }
    if (!file.hour) continue;
    const std::string hour = shown_time(*file.hour);
    auto [range, is_new] = seen.try_emplace("hour of arrival", hour, hour);
    range->second.first = std::min(range->second.first, hour);
    range->second.second = std::max(range->second.second, hour);
  }
  Json out{Json::Array{}};
  for (const auto& [name, range] : seen) {
    out.push(Json(Json::Object{{"name", name}, {"from", range.first}, {"to", range.second}}));
  }
  return out;
}

// The columns of all Parquet files: of two types of one column the wider, or text for what nothing else holds.
class ParquetColumns {
 public:
  void add(const std::string& name, const std::string& type) {
    const auto [known, is_new] = types_.try_emplace(name, type);
    if (is_new) order_.push_back(name);
    if (is_new || known->second == type) return;
    const capture::FieldType before = field_of(name, known->second).type, now = field_of(name, type).type;
    if (before == now) {
      if (type.size() > known->second.size()) known->second = type;
    } else if (is_within(capture::FieldType::number, before) && is_within(capture::FieldType::number, now)) {
      known->second = "DOUBLE";
    } else {
      known->second = "JSON";
    }
  }
  Json to_json() const {
    Json out{Json::Array{}};
    for (const std::string& name : order_) {
      out.push(Json(Json::Object{{"name", name}, {"type", types_.at(name)}}));
    }
    return out;
  }

 private:
  std::vector<std::string> order_;
  std::map<std::string, std::string> types_;
};

// The types that Parquet files say instead of those that the samples look like.
void take_parquet(const Json& columns, capture::Stream& into, Json& left_out) {
  for (const Json& column : columns.array()) {
    const std::string& name = column["name"].as_string();
    if (!is_identifier(name)) {
      left_out.push(name);
      continue;
    }
    const capture::Field said = field_of(name, column["type"].as_string());
    const auto known = std::find_if(into.fields.begin(), into.fields.end(),
                                    [&](const capture::Field& field) { return field.name == name; });
    if (known == into.fields.end()) {
      into.fields.push_back(said);
    } else if (known->type != said.type) {
      const bool was_required = known->required;
      *known = said;
      known->required = was_required;
    }
  }
}

Status add_columns(const RecordsRequest& asked, ParquetColumns& into) {
  TRY_ASSIGN(const bool parquet, is_parquet(asked.path, asked.format));
  if (!parquet) return {};
  TRY_ASSIGN(const auto opened, open_parquet(asked.path));
  for (const auto& column : opened.reader->columns()) into.add(column.name, column.type);
  return {};
}

}  // namespace

Result<Json> crawl_files(const Json& request) {
  std::unique_ptr<Fit> fit;
  RecordsRequest asked;
  if (const Json* declared = request.find("stream")) {
    TRY_ASSIGN(capture::Stream stream, capture::stream_from_json(*declared));
    asked.cells = cells_of(stream);
    TRY_ASSIGN(auto plan, capture::StreamPlan::compile(std::make_shared<const capture::Stream>(std::move(stream))));
    fit = std::make_unique<Fit>(std::move(plan));
  }
  asked.other_cells = CellKind::guess;
  asked.format = request["format"].as_string();
  const bool is_archive = request["archive"].as_bool();
  asked.record_bytes_max = kRecordBytesMax;
  const auto& files = request["files"].array();
  const uint64_t of_each = std::max<uint64_t>(1, kSampledRecords / std::max<size_t>(1, files.size()));
  std::string sample;
  uint64_t records = 0, read = 0;
  Json failures{Json::Array{}};
  ParquetColumns parquet;
  for (const Json& file : files) {
    const std::string& name = file["name"].as_string();
    asked.path = file["path"].as_string();
    uint64_t taken = 0;
    if (Status said = add_columns(asked, parquet); !said) {
      failures.push(Json(Json::Object{{"file", name}, {"error", said.error().text()}}));
      ++read;
      continue;
    }
    const auto done = read_records(asked, [&](uint64_t line, std::string_view record) -> Status {
      ArchiveLine unwrapped;
      if (is_archive) {
        TRY_ASSIGN(unwrapped, read_archive_line(record));
        record = unwrapped.event;
      }
      if (taken == of_each || sample.size() + record.size() > kSampleBytes) return enough();
      ++taken;
      sample.append(record) += '\n';
      if (fit) fit->judge(record, name + ":" + std::to_string(line));
      return {};
    });
    records += taken;
    ++read;
    if (done || done.error().code == Code::cancelled) continue;
    failures.push(Json(Json::Object{{"file", name}, {"error", done.error().text()}}));
  }
  Json out{Json::Object{}};
  out.set("sampled_files", read);
  out.set("records", records);
  out.set("failures", std::move(failures));
  out.set("parquet", parquet.to_json());
  if (records > 0) {
    TRY_ASSIGN(std::string declaration, capture::infer_stream(sample, request["name"].as_string()));
    out.set("declaration", std::move(declaration));
  }
  if (fit) out.set("fit", fit->to_json());
  return out;
}

std::string Crawl::archive_of(const std::string& path) const {
  if (parts_.raw_root.empty()) return {};
  std::error_code unknown;
  const std::string real = std::filesystem::canonical(path, unknown).string();
  const std::string prefix = parts_.raw_root + "/";
  if (unknown || !real.starts_with(prefix)) return {};
  return real.substr(prefix.size(), real.find('/', prefix.size()) - prefix.size());
}

Result<Json> Crawl::run(const CrawlRequest& asked_for, const Cancel& cancel) const {
  CrawlRequest request = asked_for;
  const std::string archive = archive_of(request.path);
  if (!archive.empty()) {
    TRY(parts_.capture.find(archive));
    if (request.as_table) {
      return Error(Code::invalid, request.path + " is the archive of stream " + archive,
                   "in SQL it is the table raw_" + archive);
    }
    request.name = archive;
  }
  if (!is_identifier(request.name)) {
    return Error(Code::invalid, shown(request.name) + " is no name for a " + (request.as_table ? "table" : "stream"),
                 std::string(request.as_table ? "--table" : "--as") + " NAME, lower case letters, digits and _");
  }
  std::string folder = request.path;
  if (archive.empty()) {
    TRY_ASSIGN(folder, resolve_foreign(parts_.rules, request.path));
  }
  TRY_ASSIGN(const std::vector<ForeignFile> files, list_foreign(folder));
  if (files.empty()) return Error(Code::not_found, "there is no file in " + shown(request.path));
  Json sampled{Json::Array{}};
  const size_t count = std::min(files.size(), kSampledFiles);
  for (size_t i = 0; i < count; ++i) {
    const ForeignFile& file = files[count == 1 ? 0 : i * (files.size() - 1) / (count - 1)];
    sampled.push(Json(Json::Object{{"path", file.path}, {"name", file.name}}));
  }
  Json asked{Json::Object{}};
  asked.set("name", request.name);
  asked.set("format", request.format);
  asked.set("files", std::move(sampled));
  asked.set("archive", !archive.empty());
  if (request.as_table) return table(request, folder, files, std::move(asked), cancel);
  const auto declared = parts_.capture.find(request.name);
  if (declared) asked.set("stream", capture::to_json(*declared->stream));
  TRY_ASSIGN(Json out, parts_.child(asked, cancel, {}));
  uint64_t bytes = 0;
  for (const ForeignFile& file : files) bytes += file.bytes;
  out.set("name", request.name);
  out.set("files", files.size());
  out.set("bytes", bytes);
  out.set("partitions", partitions_of(files));
  out.set("declared", declared.has_value());
  if (!declared) return out;
  const std::string& text = out["declaration"].as_string();
  if (!text.empty()) {
    capture::ParsedStream found = capture::parse_stream(text, "crawl", request.name);
    Json left_out{Json::Array{}};
    take_parquet(out["parquet"], found.stream, left_out);
    if (found.errors.empty()) out.set("differences", differences(*declared->stream, found.stream));
  }
  if (!archive.empty()) return out;
  TRY_ASSIGN(Json missing, gone(request.name, foreign_name(parts_.rules, folder), files));
  out.set("gone", std::move(missing));
  return out;
}

// What a table over these files is, or would be.
Result<Json> Crawl::table(const CrawlRequest& request, const std::string& folder, const std::vector<ForeignFile>& files,
                          Json asked, const Cancel& cancel) const {
  const auto declared = parts_.externals.find(request.name);
  if (declared) asked.set("stream", capture::to_json(*declared->rows));
  TRY_ASSIGN(Json out, parts_.child(asked, cancel, {}));
  capture::Stream found;
  if (const Json* text = out.find("declaration")) {
    capture::ParsedStream sampled = capture::parse_stream(text->as_string(), "crawl", request.name);
    if (sampled.errors.empty()) found = std::move(sampled.stream);
  }
  Json left_out{Json::Array{}};  // columns whose names are none
  take_parquet(out["parquet"], found, left_out);
  ExternalTable table;
  table.name = found.name = request.name;
  table.from = foreign_name(parts_.rules, folder);
  table.format = request.format;
  std::vector<std::string> names;
  uint64_t bytes = 0;
  for (const ForeignFile& file : files) {
    names.push_back(file.name);
    bytes += file.bytes;
  }
  table.path = path_columns_of(names);
  std::erase_if(found.fields, [&](const capture::Field& field) {
    return std::any_of(table.path.begin(), table.path.end(), [&](const auto& one) { return one.name == field.name; });
  });
  // A sample does not show what is always there, nor all that a nested value may be.
  for (capture::Field& field : found.fields) {
    field.required = false;
    const bool is_nested = field.type == capture::FieldType::object || field.type == capture::FieldType::array;
    if (is_nested) field.type = capture::FieldType::json;
  }
  if (declared) {
    Json differs = differences(*declared->rows, found);
    const auto from = resolve_foreign(parts_.rules, declared->from);
    if (!from || *from != folder) {
      differs.push(Json(Json::Object{{"change", "from"},
                                     {"field", "from"},
                                     {"what", "declared as " + declared->from + ", this is " + table.from}}));
    }
    out.set("differences", std::move(differs));
  }
  table.rows = std::make_shared<const capture::Stream>(std::move(found));
  out.set("declaration", table.rows->fields.empty() ? std::string() : declaration_text(table));
  out.set("name", request.name);
  out.set("files", files.size());
  out.set("bytes", bytes);
  out.set("partitions", partitions_of(files));
  out.set("left_out", std::move(left_out));
  out.set("declared", declared.has_value());
  if (!declared) return out;
  TRY_ASSIGN(Json changes, parts_.externals.compare(*declared, files, cancel));
  out.set("changes", std::move(changes));
  return out;
}

// Files that were loaded from this folder and are not in it any more: noted, their events stay.
Result<Json> Crawl::gone(const std::string& stream, const std::string& folder,
                         const std::vector<ForeignFile>& files) const {
  const std::string prefix = folder + (folder.ends_with('/') ? "" : "/");
  std::set<std::string> there;
  for (const ForeignFile& file : files) there.insert(prefix + file.name);
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  TRY_ASSIGN(const auto rows, session->query("SELECT DISTINCT source FROM \"" + stream +
                                                 "_intake\" WHERE action = 'etl' AND starts_with(source, $1)",
                                             {Json(prefix)}, {.time = kQueryTime, .rows_max = kForeignFilesMax}));
  Json out{Json::Array{}};
  while (true) {
    TRY_ASSIGN(const auto batch, rows->next());
    if (batch.empty()) return out;
    for (const auto& row : batch) {
      const auto* source = std::get_if<std::string>(&row[0]);
      if (source == nullptr || there.contains(*source) || out.array().size() == kListed) continue;
      out.push(*source);
    }
  }
}

}  // namespace weir::lake
