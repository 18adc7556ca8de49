// `weir loadgen`: load like that of real pages, sent over HTTP like any client, with an account of what was
// acknowledged.
//
// It keeps the seed's configuration file (BaseURL, Duration, Ads, Users, with environment variables) and adds a rate,
// connections and shares of duplicate, malformed and late events. Batches are flushed by size and by time. When the
// time is over, clicks that are still being considered are sent before it ends. Every reply is read record by record:
// `acknowledged` counts only records answered `failed: false`.
//
// The server is tried once first: if nobody listens, or what answers takes no events, run() ends with that error. Once
// it took events, a server that goes away is called again until the time is over, and the summary says how long.
//
// Threads: run() blocks the caller and uses one more for its sockets; progress is called on that thread about twice a
// second.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "surface/loadgen/audience.h"

namespace weir::loadgen {

struct LoadOptions {
  std::string base_url = "http://127.0.0.1:8480";
  Duration duration = minutes(1);
  AudienceOptions audience;
  double rate = 0;   // events a second; 0: what the users make. Above 0 the number of users follows from it.
  double speed = 1;  // the audience's clock runs this much faster than ours
  int connections = 8;
  int batch_records = 500;  // at most 500
  Duration flush_every = milliseconds(100);
  double duplicates = 0, malformed = 0, late = 0;  // shares, 0..1
  Duration late_by = hours(24);
  std::string token;      // Authorization: Bearer …
  uint64_t seed = 0;      // 0: from the clock
  bool keep_ids = false;  // of acknowledged events, for check()
};

// Reads the configuration file. `environment` answers ${NAME}, and ${NAME:-default} where it has nothing. All errors of
// the file are in `errors`, each with its line; the options are only good if there are none.
LoadOptions read_options(std::string_view text, const std::string& file_name,
                         const std::function<std::optional<std::string>(std::string_view)>& environment,
                         std::vector<Error>& errors);

struct Progress {
  Duration elapsed, total;
  uint64_t sent = 0, acknowledged = 0, failed = 0;
};

// sent = acknowledged + duplicates + malformed_refused + refused + errors, while no reply is wrong.
struct Summary {
  uint64_t sent = 0;          // records put on the wire, resends of duplicates included
  uint64_t acknowledged = 0;  // distinct events answered failed: false
  uint64_t duplicates = 0;    // resent ones answered failed: false
  uint64_t duplicates_sent = 0, malformed_sent = 0, late_sent = 0;
  uint64_t refused = 0;  // records answered failed: true that were not sent malformed on purpose
  uint64_t malformed_refused = 0;
  uint64_t errors = 0;  // records without an answer: connection broken, status other than 200
  std::string first_error;
  uint64_t outages = 0;                          // how often nobody listened any more
  double first_outage_s = 0, unreachable_s = 0;  // when first, since the begin; how long in all
  bool unreachable_at_end = false;
  uint64_t impressions = 0, clicks = 0;  // acknowledged
  double seconds = 0;
  double p50_ms = 0, p95_ms = 0, p99_ms = 0, max_ms = 0;  // of requests
  std::vector<Uuid> impression_ids, click_ids;            // with keep_ids
  double click_through() const {
    return impressions == 0 ? 0 : static_cast<double>(clicks) / static_cast<double>(impressions);
  }
};

Result<Summary> run(const LoadOptions& options, Clock& clock, Random& random,
                    const std::function<void(const Progress&)>& progress, const std::function<bool()>& stop);

}  // namespace weir::loadgen
