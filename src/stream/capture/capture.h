// Capture: judges every record of a request against its stream's schema, drops what it has seen before, and answers
// with one verdict per record, in order, after the accepted ones are on disk.
//
// Promises
//   - `accepted` and `duplicate` are answered only after the record (for a duplicate: its original) is synced.
//   - Within the stream's window the same key is accepted once, whatever the resends, batches, restarts and crashes
//   between.
//     The same key with another payload is `conflict`, kept in quarantine.
//   - A record that does not fit is kept in quarantine with the reason and answered as failed; nothing is dropped
//   silently.
//   - Bounded: one request at most `limits`; when the journal's queue is full every record is answered `busy`.
//
// Threads: submit() from any thread; it never waits for a disk on the way in except to look a key up in a sealed run (a
// bounded read), and calls `done` exactly once, on the journal's thread or before it returns. set_streams() from any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/journal/journal.h"
#include "stream/capture/mark.h"
#include "stream/capture/stream.h"
#include "stream/capture/subject.h"

namespace weir::capture {

struct Limits {
  size_t body_bytes = 16u << 20;  // decoded
  double ratio_max = 100;         // decoded / received
  size_t record_bytes = 1u << 20;
  int depth = 32;
  size_t records = 100'000;  // of one request on /v1
};

enum class Outcome {
  accepted,
  duplicate,    // seen before with the same payload; counts as success
  quarantined,  // does not fit; kept, see reason
  refused,      // not kept: busy, no_space, too_large …; the sender may try again if `retryable`
};

struct Verdict {
  Outcome outcome = Outcome::refused;
  bool retryable = false;
  std::string id;    // the event's id (assigned if it was missing), or of the quarantine entry
  std::string code;  // empty if accepted: "missing_field", "wrong_type", "not_in_values", "out_of_range", "pattern",
                     // "unknown_field", "too_deep", "duplicate_key_in_json", "bad_utf8", "integer_range",
                     // "not_finite", "syntax", "too_old", "too_new", "conflict"; refused: "too_large", and retryable
                     // "busy", "no_space", "io", "unavailable", "corrupt" (the index cannot tell if it is a duplicate);
                     // of a load, for good: "forgotten"
  std::string field;    // JSON path, for example items[2].price
  std::string message;  // what was found, what was expected
};

struct Reply {
  std::vector<Verdict> verdicts;  // one per record, in order
  size_t accepted = 0, duplicates = 0, quarantined = 0, refused = 0;
};

enum class BodyFormat {
  any_json,  // one object, an array of objects, or objects separated by white space (NDJSON)
  batch,     // {"<beacon.batch>": [objects]}, nothing else
  lines,     // each line is one record, whatever it looks like
};

// Records that do not come from their sender now: out of quarantine, or from the files of another system.
struct Origin {
  ArrivalTime arrived_at;    // their first arrival: judged as of then, and kept
  Duration arrived_within;   // they may have arrived up to so much later, where that is not known better
  bool any_age = false;      // past_max does not count
  bool keeps_unfit = true;   // false: what does not fit is answered and not kept again, as it lies in quarantine
  bool only_judges = false;  // answers as it would, and takes nothing
  bool one_record = false;   // the body is one record: an error if it reads as none or several
  // Keys that were accepted so long ago that the index has forgotten them, in canonical form: `conflict`.
  const std::set<std::string, std::less<>>* forgotten_keys = nullptr;
  // Events of an earlier time than `at` that name who is forgotten are refused: "forgotten".
  const std::vector<Forgetting>* forgotten = nullptr;
  // Where the i-th record comes from, for people: stands in what quarantine says of it. May be empty.
  std::function<std::string(size_t)> place;
  // The mark that is journaled behind the records, in one piece with them, so that they are taken exactly once;
  // nothing: none. Called when all verdicts are final, under capture's lock. Nothing is taken, and it is not called, if
  // a record is refused for now.
  std::function<std::optional<Mark>(const Reply&)> mark;
};

struct Submission {
  std::string_view body;  // decoded; must stay valid until submit() returns
  BodyFormat format = BodyFormat::any_json;
  std::string idempotency_key = {};  // for streams without a key: ids derive from (key, index); same key with another
                                     // body is `conflict`
  const Origin* origin = nullptr;    // nullptr: from its sender, now; must stay valid until submit() returns
};

// A stream as applied: its declaration, number and revision.
struct AppliedStream {
  uint32_t number = 0;
  uint32_t revision = 1;
  std::shared_ptr<const Stream> stream;
  bool system = false;  // the program's own: written by the room it belongs to, never through capture
};

struct Options {
  std::string folder;  // for example .weir/dedup: sealed runs of the deduplication index
  Limits limits;
  size_t index_memory_bytes = 176u << 20;
};

struct StreamCounts {
  std::string stream;
  uint64_t accepted = 0, duplicates = 0, quarantined = 0, refused = 0, bytes = 0;
  ArrivalTime last_arrival;
};

using Done = std::function<void(Reply)>;

class Capture {
 public:
  virtual ~Capture() = default;
  // Opens the index and brings it up to the journal's end (reads only what no run holds).
  static Result<std::unique_ptr<Capture>> open(Files& files, Clock& clock, Random& random, Metrics& metrics,
                                               journal::Journal& journal, Options options);

  // Replaces what is captured. Requests under way finish with the declaration they started with.
  virtual void set_streams(std::vector<AppliedStream> streams) = 0;
  virtual Result<AppliedStream> find(
      std::string_view name) const = 0;  // not_found names the nearest; disabled is `denied`

  // An error (wrong shape of the whole body: 400 on the wire) means that nothing was taken and `done` is not called.
  virtual Status submit(const AppliedStream& stream, const Submission& submission, Done done) = 0;

  // Everything below is sealed in the deduplication index; the journal may be released up to here as far as capture is
  // concerned.
  virtual journal::Sequence sealed_through() const = 0;
  // Seals and merges what is due; cheap if nothing is. Called on a background lane; callers of this, seal() and
  // forget() wait for each other.
  virtual Status maintain() = 0;

  // Seals every key of a record that is on disk now: sealed_through() is at least `through` then. `timed_out`.
  virtual Status seal(journal::Sequence through, Duration limit) = 0;
  // What is remembered of these records (ascending, below sealed_through()) beside their keys: a record that comes
  // again under such a key is a duplicate, whatever its payload. How many keys, those of an earlier call too.
  virtual Result<uint64_t> forget(const std::vector<uint64_t>& sequences) = 0;

  virtual std::vector<StreamCounts> counts() const = 0;
};

}  // namespace weir::capture
