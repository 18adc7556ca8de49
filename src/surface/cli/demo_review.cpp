#include "surface/cli/demo_review.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "core/base/ids.h"
#include "core/io/files.h"
#include "core/runtime/system_clock.h"
#include "core/runtime/thread.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(20);
constexpr const char* kClerk = "clerk";  // the connection that writes
// Ends by itself if this program does not end it.
constexpr const char* kLock = "DO $$ BEGIN LOCK TABLE sales.orders; PERFORM pg_sleep(60); END $$";
constexpr const char* kLocked = "LateOrders";  // the query that reads it

struct Planned {
  const char *review, *on, *what;
  bool is_locked;  // whether the table is locked when it begins
};
constexpr Planned kPlanned[] = {
    {"shop", "", "the project's own: base postgres, and a query of its own", true},
    {"postgres", "shop", "comes with weir; the PostgreSQL beside it", false},
    {"warehouse", "", "comes with weir; this weir", false},
    {"automated", "", "in the automated review's files", false},
};

// A lock on the table of kLocked, held by a statement over the writing connection.
class Lock {
 public:
  explicit Lock(Backend& backend) : backend_(backend), beside_(backend.beside()) {}
  ~Lock() { release(); }

  Status take() {
    SystemClock clock;
    SystemRandom random;
    id_ = format_uuid(uuid_v7(clock, random));
    const std::string body = Json(Json::Object{{"sql", kLock}, {"statement_id", id_}}).dump();
    holder_ = start_thread("demo-lock", [this, body] {
      static_cast<void>(beside_->call({.method = "POST", .path = path("/query"), .body = body}));
    });
    const std::string seen = Json(Json::Object{{"sql",
                                                "SELECT 1 FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' "
                                                "AND relation = 'sales.orders'::regclass"}})
                                 .dump();
    for (int tries = 0; tries < 500; ++tries) {
      TRY_ASSIGN(const Json answer, call_json(backend_, {.method = "POST", .path = path("/query"), .body = seen}));
      if (!answer["rows"].array().empty()) return {};
      std::this_thread::sleep_for(kPollEvery);
    }
    return Error(Code::timed_out, "the table sales.orders could not be locked");
  }
  void release() {
    if (!holder_.joinable()) return;
    static_cast<void>(backend_.call({.method = "DELETE", .path = path("/statements/" + id_)}));
    holder_.join();
  }

 private:
  static std::string path(const std::string& rest) { return "/v1/connections/" + std::string(kClerk) + rest; }

  Backend& backend_;
  const std::unique_ptr<Backend> beside_;
  std::string id_;
  std::thread holder_;
};

// Whether the run's query that reads the locked table has ended in a round without success.
bool has_failed(const Json& run) {
  for (const Json& query : run["result"]["queries"].array()) {
    if (query["query"].as_string() == kLocked) return query["round"].as_int() > 0;
  }
  return false;
}

// The run as it ended; the lock is let go as soon as it has made a query fail.
Result<Json> ended(Backend& backend, const std::string& id, const std::function<bool()>& interrupted, Lock* lock) {
  const std::string path = "/v1/runs/" + url_encode(id);
  for (bool is_stopped = false;;) {
    TRY_ASSIGN(Json run, call_json(backend, {.path = path}));
    const std::string& state = run["state"].as_string();
    if (state == "done") return run;
    if (state != "queued" && state != "running") {
      return Error(Code::conflict,
                   "the review " + run["name"].as_string() + " " + state + ": " + run["error"].as_string());
    }
    if (lock != nullptr && has_failed(run)) lock->release();
    if (interrupted() && !is_stopped) {
      is_stopped = true;
      TRY(call_json(backend, {.method = "POST", .path = path + "/stop"}));
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

// Queries that ended in a later round than the first, and the last of all rounds.
void count_rounds(const Json& report, Json& out) {
  int64_t rounds = 0;
  Json again{Json::Array{}};
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      rounds = std::max(rounds, query["round"].as_int());
      if (query["round"].as_int() > 1 && query["status"].as_string() == "FINISHED") again.push(query["query"]);
    }
  }
  out.set("rounds", rounds);
  out.set("finished_later", std::move(again));
}

Result<Json> run_review(Backend& backend, const std::string& folder, const Planned& planned,
                        const std::function<bool()>& interrupted) {
  std::printf("  %-10s %s …\n", planned.review, planned.what);
  std::fflush(stdout);
  std::unique_ptr<Lock> lock;
  if (planned.is_locked) {
    lock = std::make_unique<Lock>(backend);
    TRY(lock->take());
  }
  const std::string reviews = "/v1/reviews/" + std::string(planned.review);
  Json body{Json::Object{}};
  if (*planned.on != '\0') body.set("on", planned.on);
  const auto begin = std::chrono::steady_clock::now();
  TRY_ASSIGN(const Json started,
             call_json(backend, {.method = "POST", .path = reviews + "/runs", .body = body.dump()}));
  const std::string id = started["id"].as_string();
  TRY_ASSIGN(const Json run, ended(backend, id, interrupted, lock.get()));
  TRY_ASSIGN(const Json report, call_json(backend, {.path = reviews + "/report?format=json&run=" + url_encode(id)}));
  const std::string file =
      std::filesystem::absolute(
          join_path(folder,
                    join_path(".weir/store/runs", join_path(run["result"]["prefix"].as_string(), "report.html"))))
          .string();
  std::error_code none;
  const auto bytes = std::filesystem::file_size(file, none);
  const Json& counts = report["counts"];
  Json out = Json::Object{{"review", planned.review},
                          {"on", report["target"]["target"]},
                          {"run", id},
                          {"verdict", report["verdict"]},
                          {"score", report["score"]},
                          {"checks", counts["red"].as_int() + counts["yellow"].as_int() + counts["green"].as_int()},
                          {"not_measured", counts["not_measured"]},
                          {"red", counts["red"]},
                          {"yellow", counts["yellow"]},
                          {"report", file},
                          {"report_bytes", none ? int64_t{0} : static_cast<int64_t>(bytes)},
                          {"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()}};
  count_rounds(report, out);
  return out;
}

}  // namespace

Status run_reviews(Backend& backend, const std::string& folder, const std::function<bool()>& interrupted, Json& out) {
  Json all{Json::Object{}}, each{Json::Array{}};
  bool is_good = true;
  int64_t rounds = 0;
  const char* kSummed[] = {"checks", "not_measured", "red", "yellow", "report_bytes"};
  int64_t sums[std::size(kSummed)] = {};
  for (const Planned& planned : kPlanned) {
    TRY_ASSIGN(Json one, run_review(backend, folder, planned, interrupted));
    for (size_t i = 0; i < std::size(kSummed); ++i) sums[i] += one[kSummed[i]].as_int();
    rounds = std::max(rounds, one["rounds"].as_int());
    is_good = is_good && one["checks"].as_int() > 0 && one["report_bytes"].as_int() > 0 &&
              (!planned.is_locked || !one["finished_later"].array().empty());
    each.push(std::move(one));
  }
  for (size_t i = 0; i < std::size(kSummed); ++i) all.set(kSummed[i], sums[i]);
  all.set("rounds", rounds);
  all.set("reviews", std::move(each));
  out.set("review", std::move(all));
  out.set("ok", is_good);
  return {};
}

void print_reviews(const Json& out) {
  const Json& all = out["review"];
  std::printf("\n");
  for (const Json& one : all["reviews"].array()) {
    std::printf(
        "  %-10s %-6s score %3lld: %lld checks, %lld red, %lld yellow, %lld not measured; rounds %lld, %.1f s\n",
        one["review"].as_string().c_str(), one["verdict"].as_string().c_str(),
        static_cast<long long>(one["score"].as_int()), static_cast<long long>(one["checks"].as_int()),
        static_cast<long long>(one["red"].as_int()), static_cast<long long>(one["yellow"].as_int()),
        static_cast<long long>(one["not_measured"].as_int()), static_cast<long long>(one["rounds"].as_int()),
        one["seconds"].as_double());
    for (const Json& query : one["finished_later"].array()) {
      std::printf("             %s met a locked table in round 1, and was answered in a later one\n",
                  query.as_string().c_str());
    }
    std::printf("             %s\n", one["report"].as_string().c_str());
  }
  std::printf("  together   %lld checks, %lld red, %lld yellow; reports of %s bytes\n",
              static_cast<long long>(all["checks"].as_int()), static_cast<long long>(all["red"].as_int()),
              static_cast<long long>(all["yellow"].as_int()),
              with_commas(static_cast<uint64_t>(all["report_bytes"].as_int())).c_str());
}

}  // namespace weir::cli
