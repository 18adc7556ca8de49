#include "analysis/review/compare.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "core/base/time.h"

namespace weir::review {
namespace {

// Query, signal, and which one of those that have both names.
using Key = std::tuple<std::string, std::string, size_t>;

struct Place {
  Key key;
  const Json* query;
  const Json* signal;
};

std::vector<Place> places_of(const Json& report) {
  std::vector<Place> out;
  std::map<std::pair<std::string, std::string>, size_t> seen;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      for (const Json& signal : query["signals"].array()) {
        const std::pair names(query["query"].as_string(), signal["signal"].as_string());
        out.push_back({{names.first, names.second, seen[names]++}, &query, &signal});
      }
    }
  }
  return out;
}

// 0: not there or not measured, 1: green, 2: yellow, 3: red.
int gravity(const Json* signal) {
  static constexpr std::array<std::string_view, 3> kWords = {"green", "yellow", "red"};
  if (signal == nullptr) return 0;
  const auto found = std::find(kWords.begin(), kWords.end(), (*signal)["colour"].as_string());
  return found == kWords.end() ? 0 : static_cast<int>(found - kWords.begin()) + 1;
}

// Which of the lists; null: none.
const char* change_of(const Json* from, const Json* to) {
  constexpr int kGreen = 1, kYellow = 2;
  const int then = gravity(from), now = gravity(to);
  if (now == 0) return then == 0 ? nullptr : "not_measured_any_more";
  if (now == kGreen) return then >= kYellow ? "resolved" : nullptr;
  if (then < kYellow) return "new";
  if (now != then) return now > then ? "worse" : "better";
  const int64_t count_then = (*from)["count"].as_int(), count_now = (*to)["count"].as_int();
  if (count_now == count_then) return nullptr;
  return count_now > count_then ? "worse" : "better";
}

Json entry_of(const Json& query, const Json* from, const Json* to) {
  const Json& named = to == nullptr ? *from : *to;
  const bool is_met = gravity(to) > 1;
  return Json::Object{{"query", query["query"]},
                      {"title", query["title"]},
                      {"signal", named["signal"]},
                      {"from", from == nullptr ? Json() : (*from)["colour"]},
                      {"to", to == nullptr ? Json() : (*to)["colour"]},
                      {"count_from", from == nullptr ? Json(0) : (*from)["count"]},
                      {"count_to", to == nullptr ? Json(0) : (*to)["count"]},
                      {"colour", is_met ? (*to)["colour"] : (*from)["colour"]}};
}

Json side_json(const Json& report) {
  return Json::Object{{"run", report["run"]},         {"started_at", report["started_at"]},
                      {"target", report["target"]},   {"workflow", report["workflow"]},
                      {"verdict", report["verdict"]}, {"score", report["score"]},
                      {"counts", report["counts"]}};
}

Json point(const Json& run, const Json& started_at, const Json& result, Json met) {
  const Json& counts = result["counts"];
  return Json::Object{{"run", run},
                      {"started_at", started_at},
                      {"verdict", result["verdict"]},
                      {"score", result["score"]},
                      {"red", counts["red"]},
                      {"yellow", counts["yellow"]},
                      {"green", counts["green"]},
                      {"not_measured", counts["not_measured"]},
                      {"met", std::move(met)}};
}

}  // namespace

Json compare_reports(const Json& from, const Json& to) {
  std::map<std::string_view, Json::Array> lists;
  const auto put = [&](const Json& query, const Json* then, const Json* now) {
    if (const char* change = change_of(then, now)) lists[change].push_back(entry_of(query, then, now));
  };
  const std::vector<Place> before = places_of(from);
  std::map<Key, const Json*> then;
  for (const Place& place : before) then.emplace(place.key, place.signal);
  std::set<Key> now;
  for (const Place& place : places_of(to)) {
    const auto found = then.find(place.key);
    put(*place.query, found == then.end() ? nullptr : found->second, place.signal);
    now.insert(place.key);
  }
  for (const Place& place : before) {
    if (!now.contains(place.key)) put(*place.query, place.signal, nullptr);
  }
  Json out = Json::Object{{"from", side_json(from)}, {"to", side_json(to)}};
  for (const char* name : {"new", "worse", "better", "resolved", "not_measured_any_more"}) {
    Json::Array& list = lists[name];
    std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) { return gravity(&a) > gravity(&b); });
    out.set(name, std::move(list));
  }
  return out;
}

Json since_json(const Json& comparison) {
  const Json& from = comparison["from"];
  Json out = Json::Object{
      {"run", from["run"]}, {"started_at", from["started_at"]}, {"verdict", from["verdict"]}, {"score", from["score"]}};
  for (const char* name : {"new", "worse", "better", "resolved", "not_measured_any_more"}) {
    out.set(name, comparison[name]);
  }
  return out;
}

Json met_by_query(const Json& report) {
  Json out{Json::Object{}};
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      const auto& signals = query["signals"].array();
      const auto met = std::count_if(signals.begin(), signals.end(), [](const Json& one) { return gravity(&one) > 1; });
      if (met > 0) out.set(query["query"].as_string(), int64_t{met});
    }
  }
  return out;
}

Json trend_point(const Json& report) {
  return point(report["run"], report["started_at"], report, met_by_query(report));
}

Json trend_point(const control::Run& run) {
  return point(run.id, format_timestamp(run.result["started_at"].as_int()), run.result, run.result["met"]);
}

Json runs_before(const std::vector<control::Run>& runs, const std::string& target) {
  Json since;
  Json::Array trend;
  for (const control::Run& run : runs) {
    const bool is_ours = run.kind == "review" && run.parameters["target"].as_string() == target;
    // What could judge nothing is a gap in the trend, and nothing to compare with.
    if (!is_ours || !run.result["counts"].is_object() || trend.size() + 1 == kTrendRunsMax) continue;
    trend.push_back(trend_point(run));
    if (since.is_null() && !run.result["score"].is_null()) {
      since = Json::Object{{"run", run.id}, {"prefix", run.parameters["prefix"]}};
    }
  }
  std::reverse(trend.begin(), trend.end());
  return Json::Object{{"since", std::move(since)}, {"trend", std::move(trend)}};
}

}  // namespace weir::review
