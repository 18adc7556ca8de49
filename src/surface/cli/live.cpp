// weir live: the numbers of live windows, once or as they change.
#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>

#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/cli/commands.h"
#include "surface/cli/event_stream.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr int64_t kLastShown = 20;  // windows, where nobody says from when

struct LiveOptions {
  std::string name, from, to, key;
  bool watch = false;
};

std::string to_the_second(const std::string& time) {
  auto micros = parse_timestamp(time);
  return micros ? shown_time(*micros / 1'000'000 * 1'000'000) : time;
}

std::string number_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_integer()) return std::to_string(value.as_int());
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value.as_double());
  return text;
}

int list(Context& context) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto live = call_json(**backend, {.path = "/v1/live"});
  if (!live) return report(live.error());
  if (context.common.json) {
    std::cout << live->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"live", "state", "of", "windows of", "kept", "measures", "late", "too late", "problem"};
  table.right = {false, false, false, false, true, false, true, true, false};
  for (const Json& one : (*live)["live"].array()) {
    std::string streams, measures;
    for (const Json& name : one["streams"].array()) streams += (streams.empty() ? "" : ", ") + name.as_string();
    for (const Json& measure : one["measures"].array()) {
      measures += (measures.empty() ? "" : ", ") + measure["name"].as_string();
    }
    const auto count = [&](const char* key) { return with_commas(static_cast<uint64_t>(one[key].as_int())); };
    table.rows.push_back({one["name"].as_string(), one["state"].as_string(), streams, one["size"].as_string(),
                          count("windows_kept"), measures, count("late"), count("too_late"),
                          one["problem"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("no live windows: declare some in live/NAME.yaml\n");
  } else {
    std::cout << render(table, context.common.colour);
  }
  return kDone;
}

// One row of a window as cells; the columns are those of header().
std::vector<std::string> cells_of(const Json& row) {
  std::vector<std::string> out = {to_the_second(row["start"].as_string())};
  for (const auto& [name, value] : row["key"].object()) {
    out.push_back(row["other"].as_bool() ? "(other)" : value.is_null() ? "(null)" : value.as_string());
  }
  for (const auto& [name, value] : row["values"].object()) out.push_back(number_text(value));
  out.push_back(number_text(row["late"]));
  out.push_back(row["corrected_at"].is_null() ? "" : to_the_second(row["corrected_at"].as_string()));
  return out;
}

TextTable table_of(const Json& rows) {
  TextTable table;
  if (rows.array().empty()) return table;
  const Json& first = rows.array().front();
  table.header = {"window"};
  table.right = {false};
  for (const auto& [name, value] : first["key"].object()) {
    table.header.push_back(name);
    table.right.push_back(false);
  }
  for (const auto& [name, value] : first["values"].object()) {
    table.header.push_back(name);
    table.right.push_back(true);
  }
  for (const char* last : {"late", "corrected"}) table.header.push_back(last);
  table.right.push_back(true);
  table.right.push_back(false);
  for (const Json& row : rows.array()) table.rows.push_back(cells_of(row));
  return table;
}

std::string query_of(const LiveOptions& options, bool has_limit) {
  std::string out;
  const auto add = [&](const std::string& name, const std::string& value) {
    out += (out.empty() ? "?" : "&") + name + "=" + url_encode(value);
  };
  if (!options.from.empty()) add("from", options.from);
  if (!options.to.empty()) add("to", options.to);
  if (!options.key.empty()) add("key", options.key);
  if (has_limit && options.from.empty() && options.to.empty()) add("limit", std::to_string(kLastShown));
  return out;
}

int show(Context& context, const LiveOptions& options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto live = call_json(**backend, {.path = "/v1/live/" + url_encode(options.name) + query_of(options, true)});
  if (!live) return report(live.error());
  if (context.common.json) {
    std::cout << live->dump(2) << "\n";
    return kDone;
  }
  const std::string& state = (*live)["state"].as_string();
  const std::string& problem = (*live)["problem"].as_string();
  if (state != "live" || !problem.empty()) {
    std::printf("%s%s%s\n", state.c_str(), problem.empty() ? "" : ": ", problem.c_str());
  }
  const TextTable table = table_of((*live)["windows"]);
  if (table.rows.empty()) {
    std::printf("no windows yet\n");
  } else {
    std::cout << render(table, context.common.colour, true);
  }
  for (const Json& misfit : (*live)["misfits"].array()) {
    const std::string& field = misfit["field"].as_string();
    std::printf("%s: %s of %s%s%s\n", misfit["reason"].as_string().c_str(),
                with_commas(static_cast<uint64_t>(misfit["count"].as_int())).c_str(),
                misfit["stream"].as_string().c_str(), field.empty() ? "" : ".", field.c_str());
  }
  return kDone;
}

// On a terminal a line for each row that changed.
void show_windows(std::string_view name, const Json& message, bool colour) {
  if (name == "gone") {
    std::printf("the windows are not declared any more\n");
    return;
  }
  TextTable table = table_of(message["windows"]);
  if (table.rows.empty()) return;
  const size_t shown = static_cast<size_t>(kLastShown);
  if (table.rows.size() > shown) table.rows.erase(table.rows.begin(), table.rows.end() - kLastShown);
  std::printf("%s\n", render(table, colour, true).c_str());
}

int watch(Context& context, const LiveOptions& options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (!(*backend)->is_server())
    return report(Error(Code::unavailable, "no server runs, so nothing changes", "weir serve"));
  EventStream events(context.common.json, [&](std::string_view event, const Json& data) {
    show_windows(event, data, context.common.colour);
  });
  const auto response =
      events.follow(**backend, "/v1/live/" + url_encode(options.name) + "/events" + query_of(options, false));
  if (!response) return report(response.error());
  return response->status >= 400 ? report(error_of(*response)) : kDone;
}

}  // namespace

void add_live(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("live", "Live windows: counts, sums and ratios of the newest events");
  auto options = std::make_shared<LiveOptions>();
  command->add_option("NAME", options->name, "Without it: what is declared, and how far it is");
  command->add_flag("--watch", options->watch, "Show what changes, as it changes");
  command->add_option("--from", options->from, "First window, as 2026-11-21T08:00:00Z; by default the newest 20");
  command->add_option("--to", options->to, "First window that is left out");
  command->add_option("--key", options->key, "Only this key; [\"a\", \"b\"] where there are several");
  command->callback([&context, options] {
    if (options->name.empty()) {
      context.exit_code =
          options->watch ? report(Error(Code::invalid, "--watch needs the NAME of live windows")) : list(context);
    } else {
      context.exit_code = options->watch ? watch(context, *options) : show(context, *options);
    }
  });
}

}  // namespace weir::cli
