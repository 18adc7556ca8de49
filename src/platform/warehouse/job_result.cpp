#include "platform/warehouse/job_result.h"

#include <charconv>

#include "core/base/text.h"
#include "platform/warehouse/result_text.h"

namespace weir::warehouse {
namespace {

constexpr size_t kWriteBytes = 256 << 10;

// The engine writes bytes as text: \xAA for what is no printable letter, and for the backslash.
std::string bytes_of(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const bool is_escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x' &&
                           std::from_chars(&text[i + 2], &text[i + 2] + 2, value, 16).ptr == &text[i + 2] + 2;
    out += is_escape ? static_cast<char>(value) : text[i];
    if (is_escape) i += 3;
  }
  return out;
}

void append_field(std::string& out, const engine::Cell& cell, const engine::ResultColumn& column) {
  if (std::holds_alternative<std::nullptr_t>(cell)) {
    out += "{\"isNull\":true}";
  } else if (const auto* truth = std::get_if<bool>(&cell)) {
    out += *truth ? "{\"booleanValue\":true}" : "{\"booleanValue\":false}";
  } else if (const auto* number = std::get_if<int64_t>(&cell)) {
    out.append("{\"longValue\":").append(std::to_string(*number)).append("}");
  } else if (const auto* real = std::get_if<double>(&cell)) {
    if (const std::string text = Json(*real).dump(); text != "null") {
      out.append("{\"doubleValue\":").append(text).append("}");
    } else {
      out.append("{\"stringValue\":").append(*real != *real ? "\"NaN\"" : *real > 0 ? "\"Infinity\"" : "\"-Infinity\"");
      out += "}";
    }
  } else {
    const std::string& text = std::get<std::string>(cell);
    const bool is_bytes = column.type == "BLOB";
    out += is_bytes ? "{\"blobValue\":" : "{\"stringValue\":";
    Json::append_quoted(out, is_bytes ? base64_encode(bytes_of(text)) : text);
    out += "}";
  }
}

void append_record(std::string& out, const ResultRow& row, const std::vector<engine::ResultColumn>& columns) {
  out += '[';
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    append_field(out, row[i], columns[i]);
  }
  out += ']';
}

Result<JobState> state_of(std::string_view name) {
  for (const JobState state : {JobState::submitted, JobState::picked, JobState::started, JobState::finished,
                               JobState::aborted, JobState::failed}) {
    if (name == job_state_name(state)) return state;
  }
  return Error(Code::corrupt, "a kept job has the state " + shown(name));
}

Json statement_json(const JobStatement& one) {
  Json columns{Json::Array{}}, ends{Json::Array{}};
  for (const engine::ResultColumn& column : one.columns) columns.push(Json(Json::Array{column.name, column.type}));
  for (const uint64_t end : one.page_ends) ends.push(end);
  Json out{Json::Object{}};
  out.set("sql", one.sql);
  out.set("state", job_state_name(one.state));
  out.set("error", one.error);
  out.set("has_rows", one.has_rows);
  out.set("rows", one.rows);
  out.set("bytes", one.bytes);
  out.set("query", one.query);
  out.set("took_us", one.took.micros);
  out.set("updated_at", one.updated_at.micros);
  out.set("columns", std::move(columns));
  out.set("page_ends", std::move(ends));
  out.set("inline", one.is_inline);
  return out;
}

Result<JobStatement> statement_of(const Json& json) {
  JobStatement out;
  out.sql = json["sql"].as_string();
  TRY_ASSIGN(out.state, state_of(json["state"].as_string()));
  out.error = json["error"].as_string();
  out.has_rows = json["has_rows"].as_bool();
  out.rows = json["rows"].as_int(-1);
  out.bytes = json["bytes"].as_uint().value_or(0);
  out.query = json["query"].as_uint().value_or(0);
  out.took = microseconds(json["took_us"].as_int());
  out.updated_at = {json["updated_at"].as_int()};
  out.is_inline = json["inline"].as_bool();
  for (const Json& column : json["columns"].array()) {
    if (column.array().size() != 2) return Error(Code::corrupt, "a kept job has a column without a type");
    out.columns.push_back({column.array()[0].as_string(), column.array()[1].as_string()});
  }
  for (const Json& end : json["page_ends"].array()) out.page_ends.push_back(end.as_uint().value_or(0));
  return out;
}

}  // namespace

JobResultWriter::JobResultWriter(Files& files, std::string path, ResultForm form, const Jobs::Limits& limits)
    : files_(files), path_(std::move(path)), staging_(path_ + ".part"), form_(form), limits_(limits) {}

JobResultWriter::~JobResultWriter() {
  if (file_ == nullptr || is_finished_) return;
  file_.reset();
  (void)files_.remove(staging_);  // else the next start does
}

Status JobResultWriter::add(const std::vector<engine::ResultColumn>& columns, const Rows& rows) {
  for (const auto& row : rows) {
    const size_t before = text_.size();
    if (form_ == ResultForm::csv) {
      append_csv_row(text_, row);
    } else {
      if (bytes() > page_begin_) text_ += ',';
      append_record(text_, row, columns);
    }
    ++rows_;
    if (text_.size() - before > limits_.row_bytes_max) {
      return Error(Code::too_large, "row " + std::to_string(rows_) + " of the result is larger than " +
                                        std::to_string(limits_.row_bytes_max >> 10) + " KB");
    }
    if (bytes() > limits_.result_bytes_max) {
      return Error(Code::too_large,
                   "the result is larger than " + std::to_string(limits_.result_bytes_max >> 20) + " MB",
                   "select less, or UNLOAD it");
    }
    if (bytes() - page_begin_ >= limits_.page_bytes) {
      page_ends.push_back(bytes());
      page_begin_ = bytes();
    }
    if (bytes() > kInlineBytesMax && text_.size() >= (file_ ? kWriteBytes : kInlineBytesMax)) {
      TRY(spill());
    }
  }
  return {};
}

Status JobResultWriter::spill() {
  if (!file_) {
    TRY(files_.make_directories(parent_path(path_)));
    TRY_ASSIGN(file_, files_.open(staging_, OpenMode::create));
  }
  TRY(file_->write_at(written_, text_));
  written_ += text_.size();
  text_.clear();
  return {};
}

Status JobResultWriter::finish() {
  if (bytes() > page_begin_ || page_ends.empty()) page_ends.push_back(bytes());
  if (!file_) return {};
  TRY(spill());
  TRY(file_->sync());
  TRY(files_.rename(staging_, path_));
  is_finished_ = true;
  return files_.sync_directory(parent_path(path_));
}

Json job_json(const Job& job, std::string_view digest) {
  Json statements{Json::Array{}}, parameters{Json::Array{}};
  for (const JobStatement& one : job.statements) statements.push(statement_json(one));
  for (const JobParameter& one : job.parameters) parameters.push(Json(Json::Array{one.name, one.value}));
  Json out{Json::Object{}};
  out.set("user", job.user);
  out.set("name", job.name);
  out.set("database", job.database);
  out.set("session", job.session);
  out.set("batch", job.is_batch);
  out.set("each_by_itself", job.each_by_itself);
  out.set("csv", job.form == ResultForm::csv);
  out.set("state", job_state_name(job.state));
  out.set("error", job.error);
  out.set("statements", std::move(statements));
  out.set("parameters", std::move(parameters));
  out.set("about", job.about);
  out.set("updated_at", job.updated_at.micros);
  out.set("process_id", static_cast<int64_t>(job.process_id));
  out.set("digest", digest);
  return out;
}

Result<Job> job_of(const control::Job& kept) {
  const Json& body = kept.body;
  Job out;
  out.id = kept.id;
  out.owner = kept.owner;
  out.created_at = kept.created_at;
  out.user = body["user"].as_string();
  out.name = body["name"].as_string();
  out.database = body["database"].as_string();
  out.session = body["session"].as_string();
  out.is_batch = body["batch"].as_bool();
  out.each_by_itself = body["each_by_itself"].as_bool();
  out.form = body["csv"].as_bool() ? ResultForm::csv : ResultForm::json;
  TRY_ASSIGN(out.state, state_of(body["state"].as_string()));
  out.error = body["error"].as_string();
  out.about = body["about"];
  out.updated_at = {body["updated_at"].as_int()};
  out.process_id = static_cast<int32_t>(body["process_id"].as_int());
  for (const Json& one : body["statements"].array()) {
    TRY_ASSIGN(JobStatement statement, statement_of(one));
    out.statements.push_back(std::move(statement));
  }
  for (const Json& one : body["parameters"].array()) {
    if (one.array().size() == 2) out.parameters.push_back({one.array()[0].as_string(), one.array()[1].as_string()});
  }
  return out;
}

}  // namespace weir::warehouse
