#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/runtime/system_clock.h"
#include "core/runtime/thread.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"
#include "surface/cli/shell.h"

namespace weir::cli {
namespace {

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

void print_table(const Json& result, bool colour) {
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
  std::cout << render(table, colour);
}

// Runs the request on a thread of its own, so that this one can show progress and pass on Ctrl-C.
class RunningStatement {
 public:
  RunningStatement(Context& context, Backend& backend) : context_(context), backend_(backend) {}

  Result<ApiResponse> run(const std::string& sql, const std::string& accept, uint64_t rows_max) {
    SystemClock clock;
    SystemRandom random;
    const std::string id = format_uuid(uuid_v7(clock, random));
    Json body{Json::Object{{"sql", sql}, {"rows_max", rows_max}, {"statement_id", id}}};
    ApiRequest request{
        .method = "POST", .path = "/v1/sql", .body = body.dump(), .accept = accept, .time_limit = hours(24)};
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
        auto second = context_.wiring.open(context_.common);
        if (second) (void)call_json(**second, {.method = "DELETE", .path = "/v1/statements/" + id});
      }
      if (tenths >= 10)
        progress.show(asked ? "cancelling …" : "running, " + std::to_string(tenths / 10) + " s (Ctrl-C cancels)");
    }
  }

  Context& context_;
  Backend& backend_;
};

int print_result(const Context& context, const Json& result, const std::string& format) {
  if (format == "json") {
    Json rows{Json::Array{}};
    for (const Json& row : result["rows"].array()) {
      Json object{Json::Object{}};
      for (size_t i = 0; i < row.array().size(); ++i)
        object.set(result["columns"].array()[i]["name"].as_string(), row.array()[i]);
      rows.push(std::move(object));
    }
    std::cout << rows.dump(2) << "\n";
  } else {
    print_table(result, context.common.colour);
    std::fprintf(stderr, "%s rows in %.3f s%s\n",
                 with_commas(static_cast<uint64_t>(result["row_count"].as_int())).c_str(),
                 result["elapsed_ms"].as_double() / 1000.0,
                 result["truncated"].as_bool() ? ", cut: more rows exist (--rows)" : "");
  }
  return kDone;
}

}  // namespace

int run_statement(Context& context, Backend& backend, const std::string& sql, const StatementOutput& output) {
  RunningStatement statement(context, backend);
  const std::string accept = output.format == "csv"       ? "text/csv"
                             : output.format == "parquet" ? "application/vnd.apache.parquet"
                                                          : "application/json";
  auto response = statement.run(sql, accept, output.rows_max);
  if (!response) return report(response.error());
  if (response->status >= 400) return report(error_of(*response));
  if (output.format == "csv" || output.format == "parquet") {
    if (output.file.empty()) {
      std::cout.write(response->body.data(), static_cast<std::streamsize>(response->body.size()));
      return kDone;
    }
    std::ofstream out(output.file, std::ios::binary);
    out.write(response->body.data(), static_cast<std::streamsize>(response->body.size()));
    out.close();
    return out ? kDone : report(Error(Code::io, "cannot write " + output.file));
  }
  auto result = Json::parse(response->body, 1ull << 30);
  if (!result) return report(result.error());
  return print_result(context, *result, output.format);
}

void add_sql(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("sql", "Run a SELECT, or start a shell");
  auto statement = std::make_shared<std::string>();
  auto output = std::make_shared<StatementOutput>();
  command->add_option("STATEMENT", *statement,
                      "One SELECT; without it a shell (or statements from standard input) is started");
  command->add_option("-f,--format", output->format, "table, csv, json or parquet")
      ->check(CLI::IsMember({"table", "csv", "json", "parquet"}));
  command->add_option("-o,--output", output->file, "Write to this file (needed for parquet)");
  command->add_option("--rows", output->rows_max, "At most this many rows")->capture_default_str();
  command->callback([=, &context] {
    if (context.common.json && output->format == "table") output->format = "json";
    if (output->format == "parquet" && output->file.empty()) {
      context.exit_code =
          report(Error(Code::invalid, "parquet needs a file", "weir sql --format parquet -o out.parquet 'SELECT …'"));
      return;
    }
    auto backend = context.wiring.open(context.common);
    if (!backend) {
      context.exit_code = report(backend.error());
    } else if (!statement->empty()) {
      context.exit_code = run_statement(context, **backend, *statement, *output);
    } else {
      context.exit_code = run_shell(context, **backend, *output);
    }
  });
}

}  // namespace weir::cli
