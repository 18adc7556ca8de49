#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/runtime/system_clock.h"
#include "core/runtime/thread.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"
#include "surface/cli/shell.h"

namespace weir::cli {
namespace {

constexpr uint64_t kTableRows = 10'000;  // shown to a person who names no limit

// Ctrl-C while a statement runs: the handler only sets a flag, a watching thread asks the server to cancel.
std::atomic<bool> interrupted{false};
void on_interrupt(int) {
  interrupted.store(true);
}

std::string text_of(const Json& cell) {
  if (cell.is_null()) return "NULL";
  if (cell.is_string()) return cell.as_string();
  return cell.dump();
}

std::string table_of(const Json& result, bool colour) {
  TextTable table;
  for (const Json& column : result["columns"].array()) {
    table.header.push_back(column["name"].as_string());
    const std::string& type = column["type"].as_string();
    table.right.push_back(type.find("INT") != std::string::npos || type.starts_with("DECIMAL") || type == "DOUBLE" ||
                          type == "FLOAT");
  }
  for (const Json& row : result["rows"].array()) {
    std::vector<std::string> cells;
    for (const Json& cell : row.array()) cells.push_back(text_of(cell));
    table.rows.push_back(std::move(cells));
  }
  return render(table, colour);
}

// Runs the request on a thread of its own, so that this one can show progress and pass on Ctrl-C.
class RunningStatement {
 public:
  // `on`: a connection to a server elsewhere, or empty.
  RunningStatement(Backend& backend, const std::string& on)
      : backend_(backend),
        path_(on.empty() ? "/v1/sql" : "/v1/connections/" + url_encode(on) + "/query"),
        under_way_(on.empty() ? "/v1/statements/" : "/v1/connections/" + url_encode(on) + "/statements/") {}

  Result<ApiResponse> run(const std::string& sql, const std::string& accept, uint64_t rows_max) {
    SystemClock clock;
    SystemRandom random;
    const std::string id = format_uuid(uuid_v7(clock, random));
    Json body{Json::Object{{"sql", sql}, {"statement_id", id}}};
    if (rows_max > 0) body.set("rows_max", rows_max);
    ApiRequest request{.method = "POST", .path = path_, .body = body.dump(), .accept = accept, .time_limit = hours(24)};
    interrupted.store(false);
    auto before = std::signal(SIGINT, on_interrupt);
    std::atomic<bool> done{false};
    std::thread watcher = start_thread("cli-watch", [&] { watch(id, done); });
    auto response = backend_.call(request);
    done.store(true);
    watcher.join();
    std::signal(SIGINT, before);
    return response;
  }

 private:
  void watch(const std::string& id, const std::atomic<bool>& done) {
    ProgressLine progress;
    bool asked = false;
    for (int tenths = 0; !done.load(); ++tenths) {
      usleep(100'000);
      if (interrupted.load() && !asked) {
        asked = true;
        (void)call_json(*backend_.beside(), {.method = "DELETE", .path = under_way_ + id});
      }
      if (tenths >= 10)
        progress.show(asked ? "cancelling …" : "running, " + std::to_string(tenths / 10) + " s (Ctrl-C cancels)");
    }
  }

  Backend& backend_;
  const std::string path_, under_way_;
};

// To the file that was asked for, else to standard output.
int emit(std::string_view text, const StatementOutput& output) {
  if (output.file.empty()) {
    std::cout.write(text.data(), static_cast<std::streamsize>(text.size()));
    return kDone;
  }
  std::ofstream out(output.file, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  return out ? kDone : report(Error(Code::io, "cannot write " + output.file));
}

int emit_table(const Context& context, const Json& result, const StatementOutput& output) {
  if (result["columns"].array().empty()) {  // it changed something; its tag says what
    std::fprintf(stderr, "%s in %.3f s\n", result["tag"].as_string().c_str(),
                 result["elapsed_ms"].as_double() / 1000.0);
    return kDone;
  }
  const int code = emit(table_of(result, context.common.colour && output.file.empty()), output);
  if (code != kDone) return code;
  const auto rows = static_cast<uint64_t>(result["row_count"].as_int());
  std::fprintf(stderr, "%s row%s in %.3f s%s\n", with_commas(rows).c_str(), rows == 1 ? "" : "s",
               result["elapsed_ms"].as_double() / 1000.0,
               result["truncated"].as_bool() ? ", cut: more rows exist (--rows)" : "");
  return kDone;
}

// Objects on lines of their own become one array of them.
std::string json_array(std::string_view lines) {
  std::string out = "[";
  out.reserve(lines.size() + 64);
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    if (end > at) out.append(out.size() == 1 ? "\n  " : ",\n  ").append(lines.substr(at, end - at));
    at = end + 1;
  }
  return out + (out.size() == 1 ? "]\n" : "\n]\n");
}

const char* accept_of(const std::string& format) {
  if (format == "csv") return "text/csv";
  if (format == "json") return "application/x-ndjson";  // the whole result, however long
  return format == "parquet" ? "application/vnd.apache.parquet" : "application/json";
}

// What was asked for in words becomes one format, or an error.
Status settle(StatementOutput& output, bool json) {
  const std::string& file = output.file;
  if (output.format.empty() && !file.empty() && !json) {
    for (const char* format : {"csv", "json", "parquet"}) {
      if (file.ends_with(std::string(".") + format)) output.format = format;
    }
    if (output.format.empty())
      return Error(Code::invalid, "cannot tell the format of " + file + " from its name",
                   "--format table, csv, json or parquet");
  }
  if (output.format.empty()) output.format = json ? "json" : "table";
  if (output.format != "parquet") return {};
  if (file.empty())
    return Error(Code::invalid, "parquet needs a file", "weir sql --format parquet -o out.parquet 'SELECT …'");
  if (output.rows_max > 0)
    return Error(Code::invalid, "--rows does not cut a Parquet file", "write LIMIT in the statement");
  return {};
}

// Each statement of the text in turn, until one fails.
int run_text(Context& context, Backend& backend, std::string_view text, const StatementOutput& output) {
  std::vector<std::string> statements;
  while (!trim(text).empty()) {
    const size_t end = std::min(end_of_statement(text), text.size());
    statements.emplace_back(trim(text.substr(0, end)));
    text.remove_prefix(end);
  }
  if (statements.size() > 1 && !output.file.empty()) {
    return report(Error(
        Code::invalid, "the query has " + std::to_string(statements.size()) + " statements, and one fits into a file"));
  }
  int code = kDone;
  for (size_t i = 0; i < statements.size() && code == kDone; ++i) {
    code = run_statement(context, backend, statements[i], output);
  }
  return code;
}

int run_saved(Context& context, Backend& backend, const std::string& name, const StatementOutput& output) {
  const auto query = call_json(backend, {.method = "GET", .path = "/v1/queries/" + url_encode(name)});
  return query ? run_text(context, backend, (*query)["sql"].as_string(), output) : report(query.error());
}

int list_saved(const Context& context, Backend& backend) {
  const auto saved = call_json(backend, {.method = "GET", .path = "/v1/queries"});
  if (!saved) return report(saved.error());
  if (context.common.json) {
    std::printf("%s\n", saved->dump(2).c_str());
    return kDone;
  }
  TextTable table;
  table.header = {"query", "bytes"};
  table.right = {false, true};
  for (const Json& one : (*saved)["queries"].array()) {
    table.rows.push_back({one["name"].as_string(), std::to_string(one["bytes"].as_int())});
  }
  std::fputs(render(table, context.common.colour).c_str(), stdout);
  return kDone;
}

}  // namespace

int run_statement(Context& context, Backend& backend, const std::string& sql, const StatementOutput& output) {
  RunningStatement statement(backend, output.on);
  const uint64_t rows = output.rows_max == 0 && output.format == "table" ? kTableRows : output.rows_max;
  auto response = statement.run(sql, accept_of(output.format), rows);
  if (!response) return report(response.error());
  if (response->status >= 400) return report(error_of(*response));
  if (output.format == "json") return emit(json_array(response->body), output);
  if (output.format != "table") return emit(response->body, output);
  auto result = Json::parse(response->body, 1ull << 30);
  return result ? emit_table(context, *result, output) : report(result.error());
}

void add_sql(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("sql", "Run a SELECT, or start a shell");
  auto statement = std::make_shared<std::string>();
  auto output = std::make_shared<StatementOutput>();
  auto* text = command->add_option("STATEMENT", *statement,
                                   "One SELECT; without it a shell (or statements from standard input) is started");
  command
      ->add_option("-f,--format", output->format,
                   "table, csv, json or parquet; without it as the file's name says, else table")
      ->check(CLI::IsMember({"table", "csv", "json", "parquet"}));
  command->add_option("-o,--output", output->file,
                      "Write to this file instead of printing; its ending names the format");
  command
      ->add_option("--rows", output->rows_max,
                   "At most this many rows; without it a table shows 10,000, csv and json are whole")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  command->add_option("--on", output->on, "Run it on this connection's server elsewhere (`weir connection list`)");
  auto saved = std::make_shared<std::string>();
  auto lists = std::make_shared<bool>(false);
  auto* by_name =
      command->add_option("--saved", *saved, "Run the project's saved query of this name, queries/NAME.sql");
  auto* listing = command->add_flag("--list-saved", *lists, "List the project's saved queries");
  by_name->excludes(listing)->excludes(text);
  listing->excludes(text);
  command->callback([=, &context] {
    if (auto settled = settle(*output, context.common.json); !settled) {
      context.exit_code = report(settled.error());
      return;
    }
    auto backend = context.wiring.open(context.common);
    if (!backend) {
      context.exit_code = report(backend.error());
    } else if (*lists) {
      context.exit_code = list_saved(context, **backend);
    } else if (!saved->empty()) {
      context.exit_code = run_saved(context, **backend, *saved, *output);
    } else if (!statement->empty()) {
      context.exit_code = run_statement(context, **backend, *statement, *output);
    } else {
      context.exit_code = run_shell(context, **backend, *output);
    }
  });
}

}  // namespace weir::cli
