// Forgetting a person: everything that weir holds of the events whose `subject:` field has one of some values, and a
// receipt of what was reached and what was not.
//
// Promises
//   - What was acknowledged before it began is forgotten in journal, archive, Parquet, quarantine and deduplication
//   index; live windows, derived tables and files of flows that held any of it are made anew without it. Sequences keep
//   their places: the archive has tombstones. Objects that UNLOAD and flows wrote and that name the person are removed,
//   what is kept of statements loses its values; other objects are told by name, or removed where that is asked for.
//   - One record in the control database decides: until it is there nothing began, and from then on it goes on at the
//   next start until it is done, whatever kills lie between. Done again it changes nothing.
//   - The value is in no record, log, run or file of ours: only its hash under a key of this folder, so that a receipt
//   can be proven to somebody who knows the value. What cannot be reached is named in the receipt, with what to do.
//
// It is done by a run of kind "forget" (flow/work.h). Threads: any; calls block, run them on a background lane. Errors:
// not_found, invalid (no such stream or field, no subject, a value of another type), and what the rooms say.
// The order of its steps: docs/internals/forget.md.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/io/files.h"
#include "platform/flow/flow.h"
#include "platform/warehouse/buckets.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/statement_log.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"
#include "stream/live/live.h"

namespace weir::forget {

struct Request {
  std::string stream, field;
  std::vector<std::string> values;  // as texts; at most capture::kSubjectValuesMax
  bool remove_objects = false;      // also objects of the store that others than weir wrote, if they name the person
};

class Forgets {
 public:
  struct Parts {
    journal::Journal& journal;
    capture::Capture& capture;
    lake::Lake& lake;
    live::Live& live;
    engine::Engine& engine;
    flow::Flow& flow;
    control::Control& control;
    Files& files;
    const Clock& clock;
    Random& random;
    std::string results_folder = {};  // of the Data API's statements, see warehouse::Jobs
    warehouse::Buckets* buckets = nullptr;
    warehouse::StatementLog* statements = nullptr;
    warehouse::LoadLog* loads = nullptr;
    bool writes_indexes = true;  // false: endpoints write theirs anew at the next start of a server
  };
  // Reads the key of this folder from `key_file` (0600), or makes it when the first value is hashed.
  static Result<std::unique_ptr<Forgets>> open(const Parts& parts, const std::string& key_file);

  // What would be forgotten, and nothing is changed: {"stream","field","events","quarantined","notes","archive_files"}.
  Result<Json> count(const Request& request, const Cancel& cancel);
  // {"id","run"}. One that is open for the same values goes on instead of a new one.
  Result<Json> start(const Request& request, const Json& cause);
  // Receipts, newest first, and open ones: {"id","stream","field","state","begun_at","ended_at","hashes",…,
  // "places":[…],"not_reached":[{"place","why","what"}]}.
  Result<Json> list();
  Result<Json> find(std::string_view id);

  // Who was forgotten in a stream, and who is being: capture::Origin::forgotten.
  Result<std::vector<capture::Forgetting>> of(std::string_view stream);

  // Called once the Data API's statements were changed where they are kept. Set it before anything runs.
  void when_jobs_changed(std::function<void()> call) { jobs_changed_ = std::move(call); }

  // Hands the work to flow; before its resume().
  void add_work();
  // Takes up what is open and has no run; after flow's resume().
  Status resume();

 private:
  friend class ForgetWork;
  struct Wanted {
    std::shared_ptr<const capture::Stream> stream;
    capture::Field field;
    Json hashes{Json::Array{}};  // of the values, in hexadecimal digits, sorted
  };
  Forgets(const Parts& parts, std::string key_file) : parts_(parts), key_file_(std::move(key_file)) {}
  Result<std::shared_ptr<const capture::Stream>> stream_of(std::string_view name) const;
  Result<Wanted> wanted_of(const Request& request);
  Result<capture::Subject::Hash> hash_of(const Json& hashes);
  Result<HashKey> key(bool make);
  Result<std::string> begin_run(const control::Forget& forget, const Json& cause);

  const Parts parts_;
  const std::string key_file_;
  std::mutex mutex_;  // guards key_
  std::optional<HashKey> key_;
  std::function<void()> jobs_changed_;
};

}  // namespace weir::forget
