// weir connection: which servers elsewhere are declared, and what the user of one may see there.
#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

std::string where_shown(const Json& connection) {
  const std::string& host = connection["host"].as_string();
  return host.starts_with('/') ? host : host + ":" + std::to_string(connection["port"].as_int());
}

void print_list(const Json& answer, bool colour) {
  TextTable table;
  table.header = {"connection", "kind", "where", "database", "user", "tls", "may", "open"};
  table.right = {false, false, false, false, false, false, false, true};
  for (const Json& one : answer["connections"].array()) {
    table.rows.push_back(
        {one["name"].as_string(), one["kind"].as_string(), where_shown(one), one["database"].as_string(),
         one["user"].as_string(), one["tls"].as_string(), one["read_only"].as_bool() ? "read" : "write",
         std::to_string(one["in_use"].as_int() + one["idle"].as_int()) + "/" + std::to_string(one["max"].as_int())});
  }
  if (table.rows.empty()) {
    std::printf("no connections: declare them in `connections:` of weir.yaml\n");
    return;
  }
  std::cout << render(table, colour, true);
}

std::string need_shown(const Json& need) {
  const std::string& kind = need["kind"].as_string();
  const std::string what = kind == "relation"         ? need["relation"].as_string()
                           : kind == "rows_of_others" ? "what other users did"
                                                      : "every table";
  const std::string& why = need["why"].as_string();
  return why.empty() ? what : what + ": " + why;
}

void print_check(const Json& connection) {
  const auto line = [](const char* name, const std::string& value) { std::printf("%-12s %s\n", name, value.c_str()); };
  const Json& server = connection["server"];
  line("connection", connection["name"].as_string() + " (" + where_shown(connection) + ")");
  line("server", server["kind"].as_string() + " " + server["version"].as_string());
  line("", server["product"].as_string());
  line("database", server["database"].as_string());
  line("user", server["user"].as_string() + (server["is_superuser"].as_bool() ? ", a superuser" : ""));
  line("encrypted", server["tls"].is_null()
                        ? "no"
                        : server["tls"].as_string() + ", " + server["cipher"].as_string() +
                              (connection["tls"].as_string() == "verify" ? ", the certificate is for this host"
                                                                         : ", whoever answers is believed"));
  line("may", connection["read_only"].as_bool() ? "read" : "read and write");
  char latency[32];
  std::snprintf(latency, sizeof latency, "%.1f ms", server["latency_ms"].as_double());
  line("latency", latency);
  for (const Json& warning : connection["warnings"].array()) line("warning", warning.as_string());
  for (const Json& need : connection["sees"].array()) line("sees", need_shown(need));
  for (const Json& gap : connection["gaps"].array()) {
    line("misses", need_shown(gap));
    line("", gap["what"].as_string());
    if (gap["statement"].is_null()) continue;
    line("", gap["statement"].as_string() + ";");
    line("", "  to be run by " + gap["by"].as_string());
  }
}

// The answer, printed as JSON if that is wanted.
std::optional<Json> asked(Context& context, const ApiRequest& request) {
  auto backend = context.wiring.open(context.common);
  auto answer = backend ? call_json(**backend, request) : Result<Json>(backend.error());
  if (!answer) {
    context.exit_code = report(answer.error());
    return {};
  }
  if (context.common.json) std::cout << answer->dump(2) << "\n";
  return *answer;
}

}  // namespace

void add_connection(CLI::App& app, Context& context) {
  auto* connections = app.add_subcommand("connection", "Servers elsewhere: PostgreSQL and Redshift");
  connections->require_subcommand(1);
  auto* list = connections->add_subcommand("list", "The declared ones");
  list->callback([&context] {
    const auto answer = asked(context, {.path = "/v1/connections"});
    if (answer && !context.common.json) print_list(*answer, context.common.colour);
  });
  auto name = std::make_shared<std::string>(), table = std::make_shared<std::string>();
  auto* job_log = connections->add_subcommand(
      "job-log", "Prints the SQL that makes a job log in a PostgreSQL, which triggers of kind job_log follow");
  job_log->add_option("connection", *name, "Its name")->required();
  job_log->add_option("--table", *table, "The table that jobs write to, schema.name")->required();
  job_log->callback([&context, name, table] {
    const auto answer =
        asked(context, {.path = "/v1/connections/" + url_encode(*name) + "/job-log?table=" + url_encode(*table)});
    if (answer && !context.common.json) std::cout << (*answer)["sql"].as_string();
  });
  auto* check = connections->add_subcommand(
      "check", "Connects, and says who answers and what the user cannot see there; exit code 3: there is something");
  check->add_option("connection", *name, "Its name")->required();
  check->callback([&context, name] {
    const auto answer =
        asked(context, {.method = "POST", .path = "/v1/connections/" + url_encode(*name) + "/check", .body = "{}"});
    if (!answer) return;
    if (!context.common.json) print_check(*answer);
    if (!(*answer)["gaps"].array().empty()) context.exit_code = kFound;
  });
}

}  // namespace weir::cli
