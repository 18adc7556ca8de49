#include "surface/cli/rehearsal.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "core/base/quotes.h"
#include "core/base/sizes.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kPollEvery = std::chrono::milliseconds(5);
constexpr int64_t kRowsMax = 100'000;

Status copy_folder(const std::string& from, const std::string& to) {
  std::error_code failed;
  uint64_t bytes = 0;
  fs::recursive_directory_iterator entries(from, failed);
  for (; !failed && entries != fs::recursive_directory_iterator(); entries.increment(failed)) {
    const fs::path relative = entries->path().lexically_relative(from);
    if (entries->path().filename().string().starts_with('.')) {
      if (entries->is_directory(failed)) entries.disable_recursion_pending();
      continue;
    }
    const fs::path target = fs::path(to) / relative;
    if (entries->is_directory(failed)) {
      fs::create_directories(target, failed);
    } else if (entries->is_regular_file(failed)) {
      bytes += entries->file_size(failed);
      if (bytes > Rehearsal::kCopyBytesMax) {
        return Error(Code::too_large,
                     "the project's folder holds more than " + format_size(Rehearsal::kCopyBytesMax) +
                         ", and a test works on a copy of it (" + relative.string() + " was the last one)",
                     "keep large data outside of the folder");
      }
      fs::copy_file(entries->path(), target, failed);
    }
    if (failed) break;
  }
  if (failed) return Error(Code::io, "the folder " + from + " could not be copied: " + failed.message());
  return {};
}

Result<std::set<std::string>> names_of(Backend& backend, const std::string& path, const std::string& key) {
  TRY_ASSIGN(const Json listed, call_json(backend, {.path = path}));
  std::set<std::string> out;
  for (const Json& one : listed[key].array()) out.insert(one["name"].as_string());
  return out;
}

}  // namespace

Result<std::unique_ptr<Rehearsal>> Rehearsal::open(const Common& common, const Wiring& wiring,
                                                   const flow::ProjectTest& test, std::function<bool()> interrupted) {
  std::unique_ptr<Rehearsal> out(new Rehearsal(test, std::move(interrupted)));
  const char* temporary = std::getenv("TMPDIR");
  std::string folder = join_path(temporary == nullptr || *temporary == '\0' ? "/tmp" : temporary, "weir-test-XXXXXX");
  if (mkdtemp(folder.data()) == nullptr) {
    return Error(Code::io, "no folder could be made for the test: " + folder, "set TMPDIR to one that can be written");
  }
  out->folder_ = folder;
  TRY(copy_folder(common.folder, folder));
  Common own = common;
  own.folder = folder;
  TRY_ASSIGN(out->backend_, wiring.rehearse(own, test.now));
  TRY(out->load_first());
  TRY(out->apply());
  TRY_ASSIGN(out->streams_, names_of(*out->backend_, "/v1/streams", "streams"));
  TRY_ASSIGN(out->tables_, names_of(*out->backend_, "/v1/tables", "tables"));
  for (const flow::TestStep& step : test.steps) {
    for (const auto& expected : step.expect) out->expected_.insert(expected.name);
  }
  return out;
}

Status Rehearsal::load_first() {
  for (const flow::GivenRows& given : test_.steps.front().given) {
    TRY_ASSIGN(const bool is_stream, real_files().exists(join_path(folder_, "streams/" + given.name + ".yaml")));
    TRY_ASSIGN(const bool is_table, real_files().exists(join_path(folder_, "tables/" + given.name + ".sql")));
    if (is_stream || is_table) continue;
    loaded_.insert(&given);
    if (auto done = load(given); !done) {
      return Error(done.error().code, given.name + ": " + done.error().message, done.error().hint)
          .at({test_.file, given.line, 0});
    }
  }
  return {};
}

Status Rehearsal::apply() {
  TRY_ASSIGN(const Json plan,
             call_json(*backend_, {.method = "POST", .path = "/v1/apply", .body = R"({"folder":true})"}));
  for (const Json& error : plan["errors"].array()) return error_of_json(error);
  for (const Json& change : plan["changes"].array()) {
    if (change["compatible"].as_bool(true)) continue;
    std::string details;
    for (const Json& detail : change["details"].array()) details += (details.empty() ? "" : "; ") + detail.as_string();
    return Error(Code::conflict, change["kind"].as_string() + " " + change["name"].as_string() + ": " + details);
  }
  return {};
}

Rehearsal::~Rehearsal() {
  backend_.reset();  // before its files go
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

std::vector<TestProblem> Rehearsal::run() {
  for (const flow::TestStep& step : test_.steps) {
    if (auto done = run_step(step); !done) problem(step.line, done.error().text());
    if (!problems_.empty()) break;
  }
  return std::move(problems_);
}

Status Rehearsal::run_step(const flow::TestStep& step) {
  for (const auto& given : step.given) {
    TRY(give(given));
  }
  if (!problems_.empty()) return {};
  std::vector<std::string> runs = step.run;
  if (runs.empty()) {
    for (const auto& expected : step.expect) {
      if (tables_.contains(expected.name)) runs.push_back(expected.name);
    }
  }
  for (const std::string& name : runs) {
    TRY(run_one(name, step.line));
  }
  if (!problems_.empty()) return {};
  for (const auto& expected : step.expect) {
    TRY(compare(expected));
  }
  for (const auto& one : step.checks) {
    TRY(check(one));
  }
  return {};
}

Status Rehearsal::give(const flow::GivenRows& given) {
  if (loaded_.contains(&given)) return {};
  const bool is_stream = streams_.contains(given.name);
  if (!is_stream && tables_.contains(given.name)) {
    problem(given.line, given.name + " is a derived table: give rows to what it reads");
    return {};
  }
  Status done = is_stream ? send(given) : load(given);
  if (!done) problem(given.line, given.name + ": " + done.error().text());
  return {};
}

// A row that does not fit is a problem, unless the test asks what is in the quarantine.
Status Rehearsal::send(const flow::GivenRows& given) {
  std::string body;
  if (!given.file.empty()) {
    TRY_ASSIGN(body, read_file(real_files(), join_path(folder_, given.file)));
  }
  for (const auto& row : given.rows) body += row.value.dump() + "\n";
  if (body.empty()) return {};
  TRY_ASSIGN(const ApiResponse response,
             backend_->call({.method = "POST", .path = "/v1/streams/" + given.name, .body = body}));
  TRY_ASSIGN(const Json reply, Json::parse(response.body));
  if (reply.find("records") == nullptr) return error_of_json(reply["error"]);
  const bool takes_quarantine = expected_.contains(given.name + "_quarantine");
  const auto& records = reply["records"].array();
  for (size_t i = 0; i < records.size(); ++i) {
    const std::string& status = records[i]["status"].as_string();
    const bool is_bad = status == "refused" || (status == "quarantined" && !takes_quarantine);
    if (!is_bad) continue;
    const std::string& field = records[i]["field"].as_string();
    problem(i < given.rows.size() ? given.rows[i].line : given.line,
            given.name + (given.rows.empty() ? " (record " + std::to_string(i + 1) + " of " + given.file + ")" : "") +
                ": " + status + ", " + (field.empty() ? "" : field + ": ") + records[i]["message"].as_string());
  }
  return {};
}

Status Rehearsal::load(const flow::GivenRows& given) {
  std::string path = join_path(folder_, given.file), format = "json";
  if (given.file.empty()) {
    std::string text;
    for (const auto& row : given.rows) text += row.value.dump() + "\n";
    path = join_path(folder_, ".given-" + std::to_string(++files_) + ".json");
    TRY(replace_file(real_files(), path, text));
  } else {
    format = given.file.ends_with(".csv") ? "csv" : given.file.ends_with(".parquet") ? "parquet" : "json";
  }
  const Json body(Json::Object{{"path", path}, {"format", format}, {"table", given.name}});
  TRY(call_json(*backend_, {.method = "POST", .path = "/v1/load", .body = body.dump()}));
  return {};
}

Status Rehearsal::run_one(const std::string& name, int line) {
  TRY_ASSIGN(
      const Json started,
      call_json(*backend_, {.method = "POST", .path = "/v1/runs", .body = Json(Json::Object{{"name", name}}).dump()}));
  for (;;) {
    TRY_ASSIGN(const Json run, call_json(*backend_, {.path = "/v1/runs/" + started["id"].as_string()}));
    const std::string& state = run["state"].as_string();
    if (state == "done") return {};
    if (state == "failed" || state == "stopped") {
      problem(line, "run of " + name + " " + state + ": " + run["error"].as_string());
      return {};
    }
    if (interrupted_()) return Error(Code::cancelled, "interrupted");
    std::this_thread::sleep_for(kPollEvery);
  }
}

Result<Rehearsal::Answer> Rehearsal::ask(const std::string& sql, const Json& parameters) {
  const Json body(Json::Object{{"sql", sql}, {"parameters", parameters}, {"rows_max", kRowsMax}});
  TRY_ASSIGN(const Json reply, call_json(*backend_, {.method = "POST", .path = "/v1/sql", .body = body.dump()}));
  Answer out;
  for (const Json& column : reply["columns"].array()) {
    out.names.push_back(column["name"].as_string());
    out.types.push_back(column["type"].as_string());
  }
  for (const Json& row : reply["rows"].array()) {
    TestCells cells;
    for (const Json& cell : row.array()) {
      cells.push_back(cell.is_null()     ? std::optional<std::string>()
                      : cell.is_string() ? std::optional(cell.as_string())
                                         : std::optional(cell.dump()));
    }
    out.rows.push_back(std::move(cells));
  }
  return out;
}

// Both sides as the engine writes the column's type, so that 1.50 is 1.5 and 06:00 is 06:00:00 where it is for SQL.
Result<std::vector<TestCells>> Rehearsal::as_engine_writes(const flow::ExpectedRows& expected,
                                                           const std::vector<std::string>& types) {
  std::vector<TestCells> out;
  std::string select = "SELECT ";
  for (size_t i = 0; i < types.size(); ++i) {
    const std::string cast = "CAST($" + std::to_string(i + 1) + " AS VARCHAR)";
    select += (i == 0 ? "" : ", ") + ("CAST(CAST(" + cast + " AS " + types[i] + ") AS VARCHAR)");
  }
  for (const auto& row : expected.rows) {
    Json parameters{Json::Array{}};
    for (const auto& cell : row.cells) parameters.push(cell ? Json(*cell) : Json());
    auto answer = ask(select, parameters);
    if (!answer) {
      problem(row.line, expected.name + ": " + answer.error().message);
      return answer.error();
    }
    out.push_back(std::move(answer->rows.front()));
  }
  return out;
}

Status Rehearsal::compare(const flow::ExpectedRows& expected) {
  const std::string table = quoted_name(expected.name);
  if (expected.count || expected.rows.empty()) {
    auto counted = ask("SELECT count(*) FROM " + table);
    if (!counted) {
      problem(expected.line, counted.error().message);
      return {};
    }
    const std::string wanted = std::to_string(expected.count.value_or(0));
    const std::string& there = counted->rows.front().front().value_or("0");
    if (there != wanted) problem(expected.line, expected.name + ": " + there + " rows, expected " + wanted);
    return {};
  }
  std::string columns, texts;
  for (const std::string& column : expected.columns) {
    columns += (columns.empty() ? "" : ", ") + quoted_name(column);
    texts += (texts.empty() ? "" : ", ") + ("CAST(" + quoted_name(column) + " AS VARCHAR)");
  }
  auto shape = ask("SELECT " + columns + " FROM " + table + " LIMIT 0");
  if (!shape) {
    problem(expected.line, shape.error().message);
    return {};
  }
  const auto wanted = as_engine_writes(expected, shape->types);
  if (!wanted) return {};  // it is told
  TRY_ASSIGN(const Answer found, ask("SELECT " + texts + " FROM " + table));
  for (TestProblem& one : differences(expected, *wanted, found.rows, shape->types)) {
    if (one.line == 0) one.line = expected.line;
    problems_.push_back(std::move(one));
  }
  return {};
}

Status Rehearsal::check(const flow::TestCheck& check) {
  auto answer = ask(check.select);
  if (!answer) {
    problem(check.line, "check: " + answer.error().message);
    return {};
  }
  if (answer->rows.empty()) return {};
  std::string first;
  for (size_t i = 0; i < answer->names.size(); ++i) {
    first += (i == 0 ? "" : ", ") + answer->names[i] + "=" + answer->rows.front()[i].value_or("NULL");
  }
  problem(check.line,
          "check: " + std::to_string(answer->rows.size()) + " rows that should not be there, such as " + first);
  return {};
}

}  // namespace weir::cli
