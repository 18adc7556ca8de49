// weir alarms: where alarms stand, what became of them, and that somebody looks after one.
#include <cstdio>
#include <iostream>

#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

std::string state_shown(const std::string& state) {
  return state == "ok" ? "OK" : state == "alarm" ? "ALARM" : "NO DATA";
}

std::string time_shown(const Json& time) {
  const auto micros = parse_timestamp(time.as_string());
  return micros ? shown_time(*micros / 1'000'000 * 1'000'000) : std::string();
}

std::string number_shown(const Json& value) {
  if (!value.is_number()) return "-";
  char out[40];
  std::snprintf(out, sizeof out, "%.6g", value.as_double());
  return out;
}

std::string newest_value(const Json& alarm) {
  const auto& points = alarm["points"].array();
  return points.empty() ? "-" : number_shown(points.back()["value"]);
}

// Asks, prints as JSON if that is wanted, else with `print`.
void show(Context& context, const ApiRequest& request, const std::function<void(const Json&)>& print) {
  auto backend = context.wiring.open(context.common);
  auto answer = backend ? call_json(**backend, request) : Result<Json>(backend.error());
  if (!answer) {
    context.exit_code = report(answer.error());
    return;
  }
  if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
    return;
  }
  print(*answer);
}

void print_list(const Json& answer, bool colour) {
  TextTable table;
  table.header = {"alarm", "state", "since", "newest", "goes off when", "error"};
  table.right = {false, false, false, true, false, false};
  for (const Json& one : answer["alarms"].array()) {
    table.rows.push_back({one["name"].as_string(), state_shown(one["state"].as_string()), time_shown(one["since"]),
                          newest_value(one), one["condition"].as_string(), one["error"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("no alarms yet: declare them in alerts/<name>.yaml\n");
    return;
  }
  std::cout << render(table, colour, true);
  for (const Json& channel : answer["channels"].array()) {
    if (channel["error"].is_null()) continue;
    std::printf("channel %s cannot deliver: %s\n", channel["name"].as_string().c_str(),
                channel["error"].as_string().c_str());
  }
}

void print_alarm(const Json& alarm) {
  const auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) std::printf("%-12s %s\n", name, value.c_str());
  };
  line("alarm", alarm["name"].as_string());
  line("", alarm["description"].as_string());
  line("state", state_shown(alarm["state"].as_string()) + " since " + time_shown(alarm["since"]));
  line("because", alarm["reason"].as_string());
  line("error", alarm["error"].as_string());
  line("when", alarm["condition"].as_string());
  line("sql", alarm["sql"].as_string());
  line("datapoints", std::to_string(alarm["breaching"].as_int()) + " of " + std::to_string(alarm["of"].as_int()) +
                         ", each " + alarm["period"].as_string());
  line("missing", alarm["missing"].as_string());
  line("what to do", alarm["todo"].as_string());
  line("finding", alarm["finding"].as_string());
  for (const Json& point : alarm["points"].array()) {
    const char* how = point["value"].is_null() ? "missing" : point["breaching"].as_bool() ? "breaches" : "";
    std::printf("  %s  %s %s\n", time_shown(point["at"]).c_str(), number_shown(point["value"]).c_str(), how);
  }
}

void print_history(const Json& alarm, bool colour) {
  TextTable table;
  table.header = {"at", "from", "to", "because"};
  for (const Json& change : alarm["history"].array()) {
    table.rows.push_back({time_shown(change["at"]), state_shown(change["from"].as_string()),
                          state_shown(change["to"].as_string()), change["reason"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("its state has never changed\n");
  } else {
    std::cout << render(table, colour, true);
  }
}

void print_findings(const Json& answer, bool colour) {
  TextTable table;
  table.header = {"finding", "state", "severity", "since", "what", "why"};
  for (const Json& one : answer["findings"].array()) {
    table.rows.push_back({one["id"].as_string(), one["state"].as_string(), one["severity"].as_string(),
                          time_shown(one["since"]), one["what"].as_string(), one["why"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("no findings\n");
  } else {
    std::cout << render(table, colour, true);
  }
}

// An alarm's name, or a finding's id.
void acknowledge(Context& context, const std::string& name) {
  auto backend = context.wiring.open(context.common);
  if (!backend) {
    context.exit_code = report(backend.error());
    return;
  }
  std::string id = name;
  if (is_identifier(name)) {
    auto alarm = call_json(**backend, {.path = "/v1/alarms/" + url_encode(name)});
    if (!alarm) {
      context.exit_code = report(alarm.error());
      return;
    }
    id = (*alarm)["finding"].as_string();
    if (id.empty()) {
      context.exit_code = report(Error(Code::conflict, "the alarm " + name + " has no finding that is open",
                                       "there is nothing to acknowledge"));
      return;
    }
  }
  auto done = call_json(**backend, {.method = "POST", .path = "/v1/findings/" + url_encode(id) + "/acknowledge"});
  if (!done) {
    context.exit_code = report(done.error());
  } else if (context.common.json) {
    std::cout << done->dump(2) << "\n";
  } else {
    std::printf("finding %s is acknowledged: %s\n", id.c_str(), (*done)["what"].as_string().c_str());
  }
}

}  // namespace

void add_alarms(CLI::App& app, Context& context) {
  auto* alarms = app.add_subcommand("alarms", "Alarms and findings: where they stand, what became of them");
  alarms->require_subcommand(0, 1);
  const auto colour = [&context] { return context.common.colour; };
  auto* list = alarms->add_subcommand("list", "All alarms; the same as `weir alarms`");
  const auto list_all = [&context, colour] {
    show(context, {.path = "/v1/alarms"}, [&](const Json& answer) { print_list(answer, colour()); });
  };
  list->callback(list_all);
  alarms->callback([alarms, list_all] {
    if (alarms->get_subcommands().empty()) list_all();
  });

  auto name = std::make_shared<std::string>();
  auto* one = alarms->add_subcommand("show", "One alarm with its newest datapoints");
  one->add_option("alarm", *name, "Its name")->required();
  one->callback([&context, name] { show(context, {.path = "/v1/alarms/" + url_encode(*name)}, print_alarm); });
  auto* history = alarms->add_subcommand("history", "The changes of an alarm's state, newest first");
  history->add_option("alarm", *name, "Its name")->required();
  history->callback([&context, name, colour] {
    show(context, {.path = "/v1/alarms/" + url_encode(*name)},
         [&](const Json& answer) { print_history(answer, colour()); });
  });
  auto closed = std::make_shared<bool>(false);
  auto* findings = alarms->add_subcommand("findings", "What somebody should know of: alarms, failed runs, channels");
  findings->add_flag("--closed", *closed, "Closed ones too");
  findings->callback([&context, closed, colour] {
    show(context, {.path = std::string("/v1/findings") + (*closed ? "?closed=true" : "")},
         [&](const Json& answer) { print_findings(answer, colour()); });
  });
  auto* acknowledged = alarms->add_subcommand("acknowledge", "Says that you look after it");
  acknowledged->add_option("alarm", *name, "An alarm's name, or a finding's id")->required();
  acknowledged->callback([&context, name] { acknowledge(context, *name); });
}

}  // namespace weir::cli
