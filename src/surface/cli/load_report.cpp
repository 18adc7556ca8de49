#include "surface/cli/load_report.h"

#include <algorithm>
#include <cstdio>

#include "core/runtime/system_clock.h"
#include "surface/cli/output.h"

namespace weir::cli {
Result<loadgen::Summary> run_load(const loadgen::LoadOptions& options, const std::function<bool()>& stop) {
  SystemClock clock;
  SystemRandom random;
  ProgressLine line;
  return loadgen::run(
      options, clock, random,
      [&](const loadgen::Progress& now) {
        const int64_t left = std::max<int64_t>(0, now.total.micros - now.elapsed.micros) / 1'000'000;
        line.show("load: " + with_commas(now.sent) + " sent, " + with_commas(now.acknowledged) + " acknowledged, " +
                  with_commas(now.failed) + " failed, " + std::to_string(left) + " s left");
      },
      stop);
}

void print_load(const loadgen::Summary& summary, const loadgen::LoadOptions& options) {
  std::printf("sent            %s records in %.1f s to %s\n", with_commas(summary.sent).c_str(), summary.seconds,
              options.base_url.c_str());
  std::printf("acknowledged    %s (%s impressions, %s clicks)\n", with_commas(summary.acknowledged).c_str(),
              with_commas(summary.impressions).c_str(), with_commas(summary.clicks).c_str());
  std::printf("duplicates      %s, sent twice on purpose and counted once\n", with_commas(summary.duplicates).c_str());
  std::printf("quarantined     %s, malformed on purpose\n", with_commas(summary.malformed_refused).c_str());
  std::printf("refused         %s, without an answer %s\n", with_commas(summary.refused).c_str(),
              with_commas(summary.errors).c_str());
  if (summary.outages > 0) {
    std::printf("server away     %s, %.1f s in all, %s %.1f s%s\n",
                summary.outages == 1 ? "once" : (with_commas(summary.outages) + " times").c_str(),
                summary.unreachable_s, summary.outages == 1 ? "after" : "first after", summary.first_outage_s,
                summary.unreachable_at_end ? ", and still at the end" : "");
  }
  if (!summary.first_error.empty()) std::printf("first error     %s\n", summary.first_error.c_str());
  std::printf("request latency p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.1f ms\n", summary.p50_ms, summary.p95_ms,
              summary.p99_ms, summary.max_ms);
  std::printf("click-through   %.4f, asked %.4f\n", summary.click_through(), options.audience.click_probability);
}

Json load_to_json(const loadgen::Summary& summary) {
  return Json(Json::Object{{"sent", summary.sent},
                           {"acknowledged", summary.acknowledged},
                           {"impressions", summary.impressions},
                           {"clicks", summary.clicks},
                           {"duplicates", summary.duplicates},
                           {"duplicates_sent", summary.duplicates_sent},
                           {"malformed_sent", summary.malformed_sent},
                           {"malformed_refused", summary.malformed_refused},
                           {"late_sent", summary.late_sent},
                           {"refused", summary.refused},
                           {"errors", summary.errors},
                           {"first_error", summary.first_error},
                           {"outages", summary.outages},
                           {"first_outage_s", summary.first_outage_s},
                           {"unreachable_s", summary.unreachable_s},
                           {"unreachable_at_end", summary.unreachable_at_end},
                           {"seconds", summary.seconds},
                           {"p50_ms", summary.p50_ms},
                           {"p95_ms", summary.p95_ms},
                           {"p99_ms", summary.p99_ms},
                           {"max_ms", summary.max_ms}});
}

Result<Presence> check_ids(Backend& backend, const std::string& table, const std::string& column,
                           std::vector<Uuid> ids) {
  Json body{Json::Object{{"sql", "SELECT CAST(" + column + " AS VARCHAR) FROM " + table},
                         {"rows_max", uint64_t{1} << 40},
                         {"time_limit_ms", 3'600'000}}};
  ApiRequest request{
      .method = "POST", .path = "/v1/sql", .body = body.dump(), .accept = "text/csv", .time_limit = hours(1)};
  std::vector<Uuid> found;
  std::string pending, failure;
  TRY_ASSIGN(ApiResponse response, backend.stream(request, [&](std::string_view piece) {
    pending += piece;
    size_t at = 0;
    for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', at)) {
      std::string_view line(pending.data() + at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      Uuid id;
      if (parse_uuid_fast(line, id)) found.push_back(id);
      at = end + 1;
    }
    pending.erase(0, at);
    return true;
  }));
  if (response.status >= 400) return error_of(response);
  std::sort(ids.begin(), ids.end());
  std::sort(found.begin(), found.end());
  Presence out;
  out.asked = ids.size();
  auto at = found.begin();
  for (const Uuid& id : ids) {
    at = std::lower_bound(at, found.end(), id);
    const auto end = std::upper_bound(at, found.end(), id);
    const auto times = end - at;
    ++(times == 0 ? out.missing : times == 1 ? out.once : out.doubled);
    if (times == 0 && out.first_missing.empty()) out.first_missing = format_uuid(id);
    at = end;
  }
  return out;
}

}  // namespace weir::cli
