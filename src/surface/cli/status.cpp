#include <cstdio>
#include <iostream>

#include "core/base/sizes.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

// "2026-11-21T08:00:00Z" of an interface's time, or the text as it is.
std::string to_the_second(const std::string& time) {
  auto micros = parse_timestamp(time);
  return micros ? shown_time(*micros / 1'000'000 * 1'000'000) : time;
}

// Verdicts are counted by the server that gave them: without one there is nothing to show but the lake's rows.
void print_streams(const Json& streams, bool is_server, bool colour) {
  TextTable table;
  table.header = {"stream",  "accepted",   "duplicates", "quarantined",
                  "refused", "per second", "in lake",    "last arrival"};
  table.right = {false, true, true, true, true, true, true, false};
  for (const Json& stream : streams["streams"].array()) {
    std::string name = stream["name"].as_string();
    if (stream["detached"].as_bool()) name += " (detached)";
    if (!stream["enabled"].as_bool(true)) name += " (disabled)";
    const auto kept = [&](const char* key) { return with_commas(static_cast<uint64_t>(stream[key].as_int())); };
    const auto count = [&](const char* key) { return is_server ? kept(key) : "-"; };
    char rate[32];
    std::snprintf(rate, sizeof rate, "%.1f", stream["records_per_s"].as_double());
    table.rows.push_back({name, count("accepted"), count("duplicates"), count("quarantined"), count("refused"),
                          is_server ? rate : "-", kept("rows_in_lake"), stream["last_arrival"].as_string()});
  }
  std::cout << render(table, colour);
  if (!is_server || table.rows.empty()) return;
  std::printf("accepted, duplicates, quarantined and refused are counted since the server started, %s\n",
              to_the_second(streams["streams"].array()[0]["counted_since"].as_string()).c_str());
}

void print_status(const Json& status) {
  const Json& journal = status["journal"];
  const Json& lake = status["lake"];
  std::printf("%s %s on %s, project %s, environment %s, %s\n", "weir", status["version"].as_string().c_str(),
              status["engine"].as_string().c_str(), status["project"].as_string().c_str(),
              status["environment"].as_string().c_str(), status["ready"].as_bool() ? "ready" : "not ready");
  std::printf("journal  %lld segments, %s, durable end %lld%s\n", static_cast<long long>(journal["segments"].as_int()),
              approximate_size(static_cast<uint64_t>(journal["bytes"].as_int())).c_str(),
              static_cast<long long>(journal["durable_end"].as_int()), journal["full"].as_bool() ? ", DISK FULL" : "");
  std::printf("lake     version %lld, %lld files, %s, %lld records (%.1f s) behind\n",
              static_cast<long long>(lake["version"].as_int()), static_cast<long long>(lake["files"].as_int()),
              approximate_size(static_cast<uint64_t>(lake["bytes"].as_int())).c_str(),
              static_cast<long long>(lake["lag_records"].as_int()), lake["lag_seconds"].as_double());
  if (!lake["error"].as_string().empty()) std::printf("lake     ERROR %s\n", lake["error"].as_string().c_str());
  std::printf("disk     %s free\n",
              approximate_size(static_cast<uint64_t>(status["disk"]["free_bytes"].as_int())).c_str());
  const Json& alarms = status["alarms"];
  for (const auto& [state, shown] : {std::pair{"alarm", "ALARM"}, std::pair{"no_data", "NO DATA"}}) {
    for (const Json& name : alarms[state].array()) std::printf("alarm    %s %s\n", name.as_string().c_str(), shown);
  }
  if (alarms["known"].as_int() > 0 && alarms["alarm"].array().empty() && alarms["no_data"].array().empty()) {
    std::printf("alarms   %lld, all OK\n", static_cast<long long>(alarms["known"].as_int()));
  }
  for (const Json& warning : status["warnings"].array()) std::printf("warning  %s\n", warning.as_string().c_str());
}

void print_live(const Json& live, bool colour) {
  if (live["live"].array().empty()) return;
  TextTable table;
  table.header = {"live", "state", "windows", "newest", "behind", "late", "too late", "misfits", "problem"};
  table.right = {false, false, true, false, true, true, true, true, false};
  for (const Json& one : live["live"].array()) {
    const auto count = [&](const char* key) { return with_commas(static_cast<uint64_t>(one[key].as_int())); };
    uint64_t misfits = 0;
    for (const Json& misfit : one["misfits"].array()) misfits += static_cast<uint64_t>(misfit["count"].as_int());
    const std::string& newest = one["newest"].as_string();
    table.rows.push_back({one["name"].as_string(), one["state"].as_string(), count("windows_kept"),
                          newest.empty() ? "" : to_the_second(newest), count("lag_records"), count("late"),
                          count("too_late"), with_commas(misfits), one["problem"].as_string()});
  }
  std::cout << render(table, colour);
}

// Why it is not as it should be: "2026-11-20: unique_id: 3 rows; and 2 more partitions".
std::string problem_of(const Json& table) {
  if (!table["problem"].is_null()) return table["problem"].as_string();
  const auto& failures = table["failures"].array();
  if (failures.empty()) return {};
  const Json& first = failures.front();
  std::string out;
  for (const Json& test : first["tests"].array()) {
    out += (out.empty() ? "" : ", ") + test["test"].as_string() + ": " +
           with_commas(static_cast<uint64_t>(test["rows"].as_int())) + " rows";
  }
  if (out.empty()) out = first["error"].as_string();
  out = first["partition"].as_string() + ": " + out;
  if (failures.size() > 1) out += "; and " + with_commas(failures.size() - 1) + " more";
  return out;
}

void print_tables(const Json& tables, const Json& flows, bool colour) {
  if (!tables["tables"].array().empty()) {
    TextTable table;
    table.header = {"table", "rows", "partitions", "stale", "computed", "problem"};
    table.right = {false, true, true, true, false, false};
    for (const Json& one : tables["tables"].array()) {
      const auto count = [&](const char* key) { return with_commas(static_cast<uint64_t>(one[key].as_int())); };
      table.rows.push_back({one["name"].as_string(), count("rows"), count("partitions_computed"),
                            count("partitions_stale"), one["computed_at"].as_string(), problem_of(one)});
    }
    std::cout << render(table, colour);
  }
  if (!flows["flows"].array().empty()) {
    TextTable table;
    table.header = {"flow", "when", "next", "last run"};
    for (const Json& one : flows["flows"].array()) {
      std::string when;
      for (const Json& words : one["when"].array()) when += (when.empty() ? "" : "; ") + words.as_string();
      table.rows.push_back({one["name"].as_string() + (one["enabled"].as_bool() ? "" : " (disabled)"), when,
                            one["next_at"].as_string(), one["last_run"]["state"].as_string()});
    }
    std::cout << render(table, colour);
  }
}

void print_endpoints(const Json& endpoints, bool colour) {
  TextTable table;
  table.header = {"endpoint", "state", "path", "table", "rows", "computed", "answered", "p95 ms", "problem"};
  table.right = {false, false, false, false, true, false, true, true, false};
  for (const Json& one : endpoints["endpoints"].array()) {
    char p95[32];
    std::snprintf(p95, sizeof p95, "%.2f", one["p95_ms"].as_double());
    table.rows.push_back(
        {one["name"].as_string(), one["state"].as_string(), one["path"].as_string(), one["table"].as_string(),
         with_commas(static_cast<uint64_t>(one["rows"].as_int())), one["computed_at"].as_string(),
         with_commas(static_cast<uint64_t>(one["requests"]["answered"].as_int())), p95, one["problem"].as_string()});
  }
  if (!table.rows.empty()) std::cout << render(table, colour);
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("status", "What runs, how far it is, what is wrong");
  command->callback([&context] {
    auto backend = context.wiring.open(context.common);
    if (!backend) {
      context.exit_code = report(backend.error());
      return;
    }
    auto status = call_json(**backend, {.path = "/v1/status"});
    auto streams = status ? call_json(**backend, {.path = "/v1/streams"}) : Result<Json>(Json());
    auto tables = streams ? call_json(**backend, {.path = "/v1/tables"}) : Result<Json>(Json());
    auto flows = tables ? call_json(**backend, {.path = "/v1/flows"}) : Result<Json>(Json());
    auto endpoints = flows ? call_json(**backend, {.path = "/v1/endpoints"}) : Result<Json>(Json());
    auto live = endpoints ? call_json(**backend, {.path = "/v1/live"}) : Result<Json>(Json());
    for (const auto* answer : {&status, &streams, &tables, &flows, &endpoints, &live}) {
      if (*answer) continue;
      context.exit_code = report(answer->error());
      return;
    }
    if (context.common.json) {
      Json out = *status;
      out.set("streams", (*streams)["streams"]);
      out.set("tables", (*tables)["tables"]);
      out.set("flows", (*flows)["flows"]);
      out.set("endpoints", (*endpoints)["endpoints"]);
      out.set("live", (*live)["live"]);
      out.set("server", (*backend)->is_server());
      std::cout << out.dump(2) << "\n";
      return;
    }
    if (!(*backend)->is_server()) std::printf("no server runs; this is the folder as it lies\n");
    print_status(*status);
    print_streams(*streams, (*backend)->is_server(), context.common.colour);
    print_live(*live, context.common.colour);
    print_tables(*tables, *flows, context.common.colour);
    print_endpoints(*endpoints, context.common.colour);
  });
}

}  // namespace weir::cli
