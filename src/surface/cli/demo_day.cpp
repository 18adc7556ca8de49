#include "surface/cli/demo_day.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/io/compression.h"
#include "core/io/files.h"
#include "core/runtime/system_clock.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(20);
constexpr int kLiveTries = 250;
constexpr int kDelivered = 200;  // records of a delivery
constexpr const char* kDeliveredFolder = "delivered/impressions";

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

// The run as it ended well. `started`: the answer that names it.
Result<Json> finished(Backend& backend, const Json& started, const std::function<bool()>& interrupted) {
  const std::string path = "/v1/runs/" + url_encode(started["id"].as_string());
  for (bool is_stopped = false;;) {
    TRY_ASSIGN(Json run, call_json(backend, {.path = path}));
    const std::string& state = run["state"].as_string();
    if (state == "done") return run;
    if (state != "queued" && state != "running") {
      return Error(Code::conflict,
                   "the run of " + run["name"].as_string() + " " + state + ": " + run["error"].as_string(),
                   "weir runs watch " + run["id"].as_string());
    }
    if (interrupted() && !is_stopped) {
      is_stopped = true;
      TRY(call_json(backend, {.method = "POST", .path = path + "/stop"}));
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

Result<Json> run_flow(Backend& backend, const std::string& name, const std::function<bool()>& interrupted) {
  const std::string body = Json(Json::Object{{"name", name}}).dump();
  TRY_ASSIGN(const Json started, call_json(backend, {.method = "POST", .path = "/v1/runs", .body = body}));
  TRY_ASSIGN(const Json run, finished(backend, started, interrupted));
  return Json(Json::Object{
      {"run", run["id"]}, {"seconds", run["seconds"]}, {"tasks", static_cast<uint64_t>(run["tasks"].array().size())}});
}

// What the archive's files look like, against the stream's declaration.
Result<Json> crawl_archive(Backend& backend, const std::string& folder) {
  const std::string path = std::filesystem::absolute(join_path(folder, ".weir/store/raw/impressions")).string();
  const std::string body = Json(Json::Object{{"path", path}, {"name", "impressions"}, {"format", "json"}}).dump();
  TRY_ASSIGN(const Json found, call_json(backend, {.method = "POST", .path = "/v1/lake/crawl", .body = body}));
  const bool fits = found["differences"].array().empty() && found["failures"].array().empty() &&
                    found["fit"]["fits"].as_int() == found["records"].as_int();
  return Json(Json::Object{{"files", found["files"]}, {"sampled", found["records"]}, {"equal", fits}});
}

// A file as Firehose delivers it: yesterday's impressions in gzip, in the folder of their hour.
Status deliver(const std::string& folder, SystemRandom& random) {
  const int64_t now = SystemClock().wall().micros;
  const std::string day = format_date(day_number(now) - 1);
  std::string lines;
  for (int i = 0; i < kDelivered; ++i) {
    char second[16];
    std::snprintf(second, sizeof second, "%02d:%02d", i / 60 % 60, i % 60);
    lines += Json(Json::Object{{"impression_id", format_uuid(uuid_v7(SystemClock(), random))},
                               {"ad_id", format_uuid(uuid_v7(SystemClock(), random))},
                               {"occurred_at", day + " 08:" + second + ".000"}})
                 .dump() +
             "\n";
  }
  std::string hour = day + "/08";
  std::replace(hour.begin(), hour.end(), '-', '/');
  TRY_ASSIGN(const std::string packed, gzip_member(lines));
  const std::string place = join_path(folder, std::string(kDeliveredFolder) + "/" + hour);
  TRY(real_files().make_directories(place));
  return replace_file(real_files(), join_path(place, "delivery-" + std::to_string(now) + ".gz"), packed);
}

// Loaded twice: the second time nothing of it is new.
Result<Json> etl(Backend& backend, const std::string& folder, const std::function<bool()>& interrupted) {
  SystemRandom random;
  TRY(deliver(folder, random));
  const std::string body = Json(Json::Object{{"folder", kDeliveredFolder}}).dump();
  const ApiRequest request{.method = "POST", .path = "/v1/streams/impressions/etl", .body = body};
  Json out{Json::Object{}};
  for (const char* time : {"loaded", "again"}) {
    TRY_ASSIGN(const Json started, call_json(backend, request));
    TRY_ASSIGN(const Json run, finished(backend, started, interrupted));
    out.set("files", run["result"]["files"]);
    out.set(time, run["result"]["accepted"]);
  }
  TRY(call_json(backend, {.method = "POST", .path = "/v1/lake/drain"}));
  out.set("equal", out["loaded"].as_int() == kDelivered && out["again"].as_int() == 0);
  return out;
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

Status run_day(Backend& backend, const std::string& folder, const std::function<bool()>& interrupted, Json& out) {
  TRY_ASSIGN(Json live, live_numbers(backend));
  // The windows follow the journal by themselves; they are a moment behind what is committed.
  for (int i = 0; i < kLiveTries && !live["equal"].as_bool() && !interrupted(); ++i) {
    std::this_thread::sleep_for(kPollEvery);
    TRY_ASSIGN(live, live_numbers(backend));
  }
  TRY_ASSIGN(const Json crawl, crawl_archive(backend, folder));
  TRY_ASSIGN(const Json delivered, etl(backend, folder, interrupted));
  TRY_ASSIGN(const Json raw, raw_archive(backend));
  TRY_ASSIGN(const Json daily, run_flow(backend, "daily", interrupted));
  TRY_ASSIGN(const Json warehouse, warehouse_tables(backend));
  TRY_ASSIGN(const Json endpoint, endpoint_answer(backend));
  out.set("live", live);
  out.set("crawl", crawl);
  out.set("etl", delivered);
  out.set("raw", raw);
  out.set("daily", daily);
  out.set("warehouse", warehouse);
  out.set("endpoint", endpoint);
  out.set("day_ok", live["equal"].as_bool() && crawl["equal"].as_bool() && delivered["equal"].as_bool() &&
                        raw["equal"].as_bool() && warehouse["equal"].as_bool() &&
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
  const Json &crawl = out["crawl"], &delivered = out["etl"];
  std::printf("  crawl of the raw archive: %s records of %s files sampled: %s\n", count(crawl["sampled"]).c_str(),
              count(crawl["files"]).c_str(),
              crawl["equal"].as_bool() ? "as the stream is declared" : "NOT as the stream is declared");
  std::printf("  ETL of %s: %s records are new, loaded again %s\n", kDeliveredFolder,
              count(delivered["loaded"]).c_str(), count(delivered["again"]).c_str());
  std::printf("  raw archive in SQL: %s records: %s\n", count(raw["rows"]).c_str(), told(raw["equal"]));
  std::printf("  daily flow: %s tasks in %.1f s\n", count(out["daily"]["tasks"]).c_str(),
              out["daily"]["seconds"].as_double());
  std::printf("  warehouse: %s rows in advertising (by COPY), %s in advertising_spectrum (by Spectrum): %s\n",
              count(warehouse["advertising_rows"]).c_str(), count(warehouse["spectrum_rows"]).c_str(),
              warehouse["equal"].as_bool() ? "equal" : "NOT equal");
  std::printf("  endpoint: GET %s?start=%s: %s\n", endpoint["path"].as_string().c_str(),
              endpoint["day"].as_string().c_str(), told(endpoint["equal"]));
}

}  // namespace weir::cli
