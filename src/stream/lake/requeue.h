// Requeue: what lies in a stream's quarantine is judged again, by the stream's declaration as it is now. What fits
// becomes an event with its first arrival, judged as of then; what does not stays, with its new reason.
//
// Promises
//   - An entry becomes an event at most once, however often a requeue runs or is killed: the event and the mark that
//     says so (capture/mark.h, table <stream>_intake) are one append to the journal, and a requeue begins with what no
//     mark resolves.
//   - A key that was accepted meanwhile is `duplicate` (same payload) or stays as `conflict`, also where that was so
//     long ago that the deduplication index has forgotten it.
//   - Nothing leaves the quarantine table; marks say what became of its entries.
//   - Memory: 16 bytes for each open entry, and one page of payloads.
//
// Threads: run() from any, one at a time (`busy`). It blocks: call it on a background lane.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"

namespace weir::lake {

struct RequeueRequest {
  std::string stream;
  std::string reason;           // only entries that are there for it now; empty: any
  uint64_t limit = UINT64_MAX;  // entries looked at, oldest first
  bool dry_run = false;         // says what would become of them
};

struct RequeueReport {
  uint64_t entries = 0;  // that are to be looked at
  uint64_t accepted = 0, duplicates = 0, kept = 0;
  std::map<std::string, uint64_t> reasons;  // of those that are kept
  uint64_t looked_at() const { return accepted + duplicates + kept; }
  Json to_json() const;
};

class Requeue {
 public:
  struct Parts {
    Lake& lake;
    engine::Engine& engine;
    capture::Capture& capture;
    Clock& clock;
  };
  explicit Requeue(const Parts& parts) : parts_(parts) {}

  // Whether the stream is there and takes events.
  Status check(const RequeueRequest& request) const;
  // `progress` is called after each page. A dry run need not wait for others.
  Result<RequeueReport> run(const RequeueRequest& request, const Cancel& cancel,
                            const std::function<void(const RequeueReport&)>& progress = {});

 private:
  const Parts parts_;
  std::mutex running_;
};

}  // namespace weir::lake
