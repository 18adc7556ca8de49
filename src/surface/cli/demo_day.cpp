#include "surface/cli/demo_day.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(20);
constexpr int kLiveTries = 250;

using Row = Json::Array;

// The first row of the answer.
Result<Row> ask(Backend& backend, const std::string& statement) {
  const std::string body = Json(Json::Object{{"sql", statement}}).dump();
  TRY_ASSIGN(const Json answer, call_json(backend, {.method = "POST", .path = "/v1/sql", .body = body}));
  if (answer["rows"].array().empty()) return Row{};
  return answer["rows"].array().front().array();
}

bool names_one(const Json& list, const char* name) {
  for (const Json& one : list.array()) {
    if (one["name"].as_string() == name) return true;
  }
  return false;
}

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// What the live windows counted of the events that they still keep, and what the lake says of the same minutes.
Result<Json> live_numbers(Backend& backend) {
  TRY_ASSIGN(const Row counted, ask(backend,
                                    "SELECT coalesce(sum(impressions), 0)::BIGINT, coalesce(sum(clicks), 0)::BIGINT, "
                                    "count(*), min(window_start), max(window_start) FROM live_traffic"));
  if (counted.at(2).as_int() == 0) return Error(Code::internal, "the live windows are empty");
  const std::string within =
      " BETWEEN TIMESTAMP '" + counted.at(3).as_string() + "' AND TIMESTAMP '" + counted.at(4).as_string() + "'";
  TRY_ASSIGN(
      const Row stored,
      ask(backend, "SELECT (SELECT count(*) FROM impressions WHERE date_trunc('minute', occurred_at)" + within +
                       "), (SELECT count(*) FROM clicks WHERE date_trunc('minute', occurred_at)" + within + ")"));
  const int64_t impressions = counted.at(0).as_int(), clicks = counted.at(1).as_int();
  return Json(Json::Object{{"impressions", impressions},
                           {"clicks", clicks},
                           {"ctr", ratio(clicks, impressions)},
                           {"equal", impressions == stored.at(0).as_int() && clicks == stored.at(1).as_int()}});
}

Result<Json> raw_archive(Backend& backend) {
  TRY_ASSIGN(const Row counted,
             ask(backend,
                 "SELECT (SELECT count(*) FROM raw_impressions) + (SELECT count(*) FROM raw_clicks), "
                 "(SELECT count(*) FROM (SELECT _seq FROM raw_impressions EXCEPT ALL SELECT _seq FROM impressions)), "
                 "(SELECT count(*) FROM (SELECT _seq FROM impressions EXCEPT ALL SELECT _seq FROM raw_impressions)), "
                 "(SELECT count(*) FROM (SELECT _seq FROM raw_clicks EXCEPT ALL SELECT _seq FROM clicks)), "
                 "(SELECT count(*) FROM (SELECT _seq FROM clicks EXCEPT ALL SELECT _seq FROM raw_clicks))"));
  bool equal = true;
  for (size_t i = 1; i < counted.size(); ++i) equal = equal && counted[i].as_int() == 0;
  return Json(Json::Object{{"rows", counted.at(0)}, {"equal", equal}});
}

Result<Json> run_flow(Backend& backend, const std::string& name, const std::function<bool()>& interrupted) {
  const std::string body = Json(Json::Object{{"name", name}}).dump();
  TRY_ASSIGN(const Json started, call_json(backend, {.method = "POST", .path = "/v1/runs", .body = body}));
  const std::string path = "/v1/runs/" + url_encode(started["id"].as_string());
  for (bool is_stopped = false;;) {
    TRY_ASSIGN(const Json run, call_json(backend, {.path = path}));
    const std::string& state = run["state"].as_string();
    if (state == "done") {
      return Json(Json::Object{{"run", run["id"]},
                               {"seconds", run["seconds"]},
                               {"tasks", static_cast<uint64_t>(run["tasks"].array().size())}});
    }
    if (state != "queued" && state != "running") {
      return Error(Code::conflict, "the flow " + name + " " + state + ": " + run["error"].as_string(),
                   "weir runs watch " + run["id"].as_string());
    }
    if (interrupted() && !is_stopped) {
      is_stopped = true;
      TRY(call_json(backend, {.method = "POST", .path = path + "/stop"}));
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

Result<Json> warehouse_tables(Backend& backend) {
  const std::string rows = "SELECT ad_id, impression_at, click_at FROM ";
  const std::string a = rows + "public.advertising", b = rows + "public.advertising_spectrum";
  TRY_ASSIGN(const Row counted,
             ask(backend,
                 "SELECT (SELECT count(*) FROM public.advertising), (SELECT count(*) FROM "
                 "public.advertising_spectrum), (SELECT count(*) FROM (" +
                     a + " EXCEPT ALL " + b + ")), (SELECT count(*) FROM (" + b + " EXCEPT ALL " + a + "))"));
  return Json(Json::Object{{"advertising_rows", counted.at(0)},
                           {"spectrum_rows", counted.at(1)},
                           {"equal", counted.at(2).as_int() == 0 && counted.at(3).as_int() == 0}});
}

// The ad that was clicked most often yesterday: its answer against the events themselves.
Result<Json> endpoint_answer(Backend& backend) {
  TRY_ASSIGN(
      const Row wanted,
      ask(backend,
          "SELECT CAST(i.ad_id AS VARCHAR), CAST(i.dt AS VARCHAR), count(DISTINCT i.impression_id), "
          "count(DISTINCT CASE WHEN c.click_id IS NOT NULL THEN i.impression_id END) AS clicked FROM impressions "
          "i LEFT JOIN clicks c ON c.impression_id = i.impression_id AND c.ad_id = i.ad_id "
          "WHERE i.dt < (SELECT max(dt) FROM impressions) GROUP BY i.ad_id, i.dt ORDER BY clicked DESC, i.ad_id "
          "LIMIT 1"));
  if (wanted.empty()) return Error(Code::internal, "there is no impression of yesterday");
  const std::string path = "/traffic/" + wanted.at(0).as_string();
  const std::string& day = wanted.at(1).as_string();
  TRY_ASSIGN(const Json answer, call_json(backend, {.path = path + "?start=" + day + "&end=" + day}));
  const Json::Array& days = answer["days"].array();
  const bool equal = days.size() == 1 && days.front()["day"].as_string() == day &&
                     days.front()["impressions"].as_int() == wanted.at(2).as_int() &&
                     days.front()["clicks"].as_int() == wanted.at(3).as_int();
  return Json(Json::Object{{"path", path}, {"day", day}, {"answer", answer}, {"equal", equal}});
}

}  // namespace

Result<bool> has_day(Backend& backend) {
  TRY_ASSIGN(const Json flows, call_json(backend, {.path = "/v1/flows"}));
  TRY_ASSIGN(const Json live, call_json(backend, {.path = "/v1/live"}));
  TRY_ASSIGN(const Json endpoints, call_json(backend, {.path = "/v1/endpoints"}));
  return names_one(flows["flows"], "daily") && names_one(live["live"], "traffic") &&
         names_one(endpoints["endpoints"], "traffic");
}

Status run_day(Backend& backend, const std::function<bool()>& interrupted, Json& out) {
  TRY_ASSIGN(Json live, live_numbers(backend));
  // The windows follow the journal by themselves; they are a moment behind what is committed.
  for (int i = 0; i < kLiveTries && !live["equal"].as_bool() && !interrupted(); ++i) {
    std::this_thread::sleep_for(kPollEvery);
    TRY_ASSIGN(live, live_numbers(backend));
  }
  TRY_ASSIGN(const Json raw, raw_archive(backend));
  TRY_ASSIGN(const Json daily, run_flow(backend, "daily", interrupted));
  TRY_ASSIGN(const Json warehouse, warehouse_tables(backend));
  TRY_ASSIGN(const Json endpoint, endpoint_answer(backend));
  out.set("live", live);
  out.set("raw", raw);
  out.set("daily", daily);
  out.set("warehouse", warehouse);
  out.set("endpoint", endpoint);
  out.set("day_ok", live["equal"].as_bool() && raw["equal"].as_bool() && warehouse["equal"].as_bool() &&
                        warehouse["advertising_rows"].as_int() > 0 && endpoint["equal"].as_bool());
  return {};
}

void print_day(const Json& out) {
  const auto count = [](const Json& number) { return with_commas(static_cast<uint64_t>(number.as_int())); };
  const auto told = [](const Json& equal) { return equal.as_bool() ? "as in the lake" : "NOT as in the lake"; };
  const Json &live = out["live"], &raw = out["raw"], &warehouse = out["warehouse"], &endpoint = out["endpoint"];
  std::printf("  live windows: %s impressions, %s clicks, click-through rate %.3f: %s\n",
              count(live["impressions"]).c_str(), count(live["clicks"]).c_str(), live["ctr"].as_double(),
              told(live["equal"]));
  std::printf("  raw archive in SQL: %s records: %s\n", count(raw["rows"]).c_str(), told(raw["equal"]));
  std::printf("  daily flow: %s tasks in %.1f s\n", count(out["daily"]["tasks"]).c_str(),
              out["daily"]["seconds"].as_double());
  std::printf("  warehouse: %s rows in advertising (by CSV), %s in advertising_spectrum (by SQL): %s\n",
              count(warehouse["advertising_rows"]).c_str(), count(warehouse["spectrum_rows"]).c_str(),
              warehouse["equal"].as_bool() ? "equal" : "NOT equal");
  std::printf("  endpoint: GET %s?start=%s: %s\n", endpoint["path"].as_string().c_str(),
              endpoint["day"].as_string().c_str(), told(endpoint["equal"]));
}

}  // namespace weir::cli
