// GET /v1/status: what runs, how far it is, what is wrong.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

constexpr size_t kRateSeconds = 10;
constexpr uint64_t kFreeBytesWarning = 1ull << 30;
constexpr int64_t kLagWarningMicros = 120'000'000;

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

Json journal_json(const journal::Stats& stats) {
  Json out{Json::Object{}};
  out.set("segments", stats.segments);
  out.set("bytes", stats.bytes_on_disk);
  out.set("durable_end", stats.durable_end.value);
  out.set("queued_bytes", stats.queued_bytes);
  out.set("full", stats.full);
  return out;
}

int64_t lag_micros(const lake::LakeStatus& status, WallTime now) {
  return status.oldest_waiting ? std::max<int64_t>(0, now.micros - status.oldest_waiting->micros) : 0;
}

Json lake_json(const lake::LakeStatus& status, WallTime now) {
  Json out{Json::Object{}};
  out.set("cursor", status.cursor.value);
  out.set("lag_records", status.lag_records);
  out.set("lag_seconds", std::round(static_cast<double>(lag_micros(status, now)) / 1e5) / 10);
  out.set("version", status.version);
  out.set("files", status.files);
  out.set("bytes", status.bytes);
  out.set("last_commit_at", json_time_or_null(status.last_commit_at));
  if (!status.error.empty()) out.set("error", status.error);
  return out;
}

Json rates_json(const RatePoint& point) {
  Json rates{Json::Object{}};
  rates.set("accepted", point.accepted);
  rates.set("duplicates", point.duplicates);
  rates.set("quarantined", point.quarantined);
  rates.set("refused", point.refused);
  Json out{Json::Object{}};
  out.set("records_per_s", std::move(rates));
  return out;
}

class StatusPage {
 public:
  StatusPage(const StatusParts& parts, const SiteFacts& facts)
      : parts_(parts), facts_(facts), started_at_(parts.clock.wall()), started_(parts.clock.steady_micros()) {}

  Json read() const {
    const WallTime now = parts_.clock.wall();
    const journal::Stats journal = parts_.journal.stats();
    const lake::LakeStatus lake = parts_.lake.status();
    const Result<uint64_t> free = parts_.files.free_bytes(facts_.store_root);
    Json out{Json::Object{}};
    out.set("version", facts_.version);
    out.set("engine", engine::Engine::version());
    out.set("project", facts_.project);
    out.set("environment", facts_.environment.empty() ? "default" : facts_.environment);
    out.set("started_at", json_time(started_at_.micros));
    out.set("uptime_s", (parts_.clock.steady_micros() - started_) / 1'000'000);
    out.set("ready", !journal.full);
    out.set("journal", journal_json(journal));
    out.set("lake", lake_json(lake, now));
    out.set("capture", rates_json(parts_.rates.mean_of_all(kRateSeconds)));
    Json disk{Json::Object{}};
    disk.set("free_bytes", free ? Json(*free) : Json());
    out.set("disk", std::move(disk));
    Json memory{Json::Object{}};
    memory.set("rss_bytes", resident_bytes());
    out.set("memory", std::move(memory));
    out.set("alarms", alarms_json());
    if (facts_.wire) out.set("wire", facts_.wire());
    if (facts_.aws) out.set("aws", facts_.aws());
    out.set("warnings", warnings(journal, lake, free, now));
    return out;
  }

 private:
  // How many there are, and which are not OK.
  Json alarms_json() const {
    Json alarm{Json::Array{}}, no_data{Json::Array{}};
    int64_t known = 0;
    for (const auto& one : parts_.alarms.states()) {
      ++known;
      if (one.second == alarm::State::alarm) alarm.push(one.first);
      if (one.second == alarm::State::no_data) no_data.push(one.first);
    }
    Json out{Json::Object{}};
    out.set("known", known);
    out.set("alarm", std::move(alarm));
    out.set("no_data", std::move(no_data));
    return out;
  }
  static Json warnings(const journal::Stats& journal, const lake::LakeStatus& lake, const Result<uint64_t>& free,
                       WallTime now) {
    Json out{Json::Array{}};
    if (journal.full) out.push("the disk is full: events are refused until there is room");
    if (journal.syncs_failed > 0) {
      out.push(std::to_string(journal.syncs_failed) + " syncs of the journal failed: look at this disk");
    }
    if (free && *free < kFreeBytesWarning && !journal.full) {
      out.push("less than 1 GiB is free on the store's disk (" + std::to_string(*free >> 20) + " MiB)");
    }
    if (lag_micros(lake, now) > kLagWarningMicros) {
      out.push("the lake is " + std::to_string(lag_micros(lake, now) / 1'000'000) + " s behind the journal");
    }
    if (!lake.error.empty()) out.push("the lake: " + lake.error);
    return out;
  }

  const StatusParts parts_;
  const SiteFacts& facts_;
  const WallTime started_at_;
  const int64_t started_;
};

}  // namespace

void add_status_routes(Router& router, const StatusParts& parts, const SiteFacts& facts) {
  const auto page = std::make_shared<StatusPage>(parts, facts);  // lives in the handler
  Route route;
  route.pattern = "/v1/status";
  route.access = Access::reader;
  route.summary = "What runs, how far it is, what is wrong.";
  route.handler = answers([page](Request&) -> Result<Response> { return json_reply(page->read()); });
  router.add(std::move(route));
}

}  // namespace weir::http
