// The journal: the durable log that every event goes through before anybody is told that it was taken.
//
// Promises
//   - An append completes with success only after its records are on disk (fdatasync returned 0).
//   - Records keep the order of their append() calls; sequences only grow. Numbers may be missing (a failed group),
//   never reused.
//   - After a crash every acknowledged record is read back, byte for byte. A torn tail is cut only in the last segment
//   that holds
//     one; a cut that drops non-zero bytes is reported. Damage anywhere else is `corrupt`: named, later groups still
//     read.
//   - A failed sync poisons its segment: that group and every append waiting behind it fail, nothing is tried twice,
//   and the next
//     segment's header names the poisoned one with its last durable group. Appends are refused until all failures were
//     delivered.
//   - Memory is bounded: append() answers `busy` when `queued_bytes_max` is reached, `no_space` when the disk is full
//   (and tries
//     again by itself later), and never waits.
//
// Threads: append(), durable_end(), read, stats from any thread. Completions run on the journal's thread (or inside
// run_once()), in order, and must not block. The journal does not know what its records mean: stream/capture does.
// Format: docs/internals/journal.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::journal {

// The place of a record in the journal, counted from 1 over all streams.
struct Sequence {
  uint64_t value = 0;
  friend constexpr auto operator<=>(Sequence, Sequence) = default;
};

struct Options {
  std::string folder;                       // for example .weir/journal
  uint64_t segment_bytes = 64ull << 20;     // written with zeros ahead of use
  uint64_t queued_bytes_max = 32ull << 20;  // appended and not yet durable
  uint64_t group_bytes_max = 4ull << 20;    // one write and one sync
  uint64_t record_bytes_max = (1ull << 20) + 65'536;
  Duration gather_max = milliseconds(2);  // how long a small group may wait for company
  bool own_thread = true;                 // false: the caller drives it with run_once() (tests, simulation)
};

// Records of one append, framed back to back in one buffer so that a request costs one allocation.
class Batch {
 public:
  // `record` is copied. The i-th record added gets the i-th sequence of the range that append() returns.
  void add(std::string_view record);
  // For writers that build in place: returns where to append the record's bytes; call close_record() after.
  std::string& open_record();
  void close_record();
  size_t count() const { return count_; }
  size_t bytes() const { return buffer_.size(); }
  bool empty() const { return count_ == 0; }

 private:
  friend class BatchAccess;
  std::string buffer_;  // u32 length, then the bytes, for each record
  size_t open_at_ = 0;
  size_t count_ = 0;
  size_t largest_ = 0;  // bytes of the largest record
  bool is_open_ = false;
};

// Called exactly once for each accepted append, after the sync (success) or when it can no longer succeed.
using Completion = std::function<void(const Status&)>;

struct Damage {
  std::string segment;        // file name
  uint64_t from = 0, to = 0;  // byte range
  std::string what;           // "torn tail cut", "corrupt group", "poisoned groups dropped"
  bool cut = false;           // true: dropped as never acknowledged; false: `corrupt`, acknowledged records may be lost
};

struct Recovery {
  Sequence next;  // first sequence that will be given
  uint64_t segments = 0;
  uint64_t bytes_scanned = 0;  // only the tail segment is scanned at start; older ones are checked when read
  std::vector<Damage> damage;
};

struct Stats {
  uint64_t segments = 0, bytes_on_disk = 0;
  Sequence first, durable_end;  // oldest kept; one past the newest durable
  uint64_t queued_bytes = 0;
  uint64_t groups = 0, records = 0, syncs_failed = 0;
  bool full = false;  // the disk is full now
};

// One record as read. The view lives until the next call on the reader.
struct Entry {
  Sequence sequence;
  std::string_view bytes;
};

// Reads durable records in order. One thread at a time; several readers are independent.
class Reader {
 public:
  virtual ~Reader() = default;
  // The next group's records (at most one group of them), or none at the durable end (not an error: try again later).
  // `corrupt` names segment and byte range, and the next call goes on behind the damage. The views live until the next
  // call.
  virtual Result<std::vector<Entry>> next_group() = 0;
  // The sequence that the next call starts at.
  virtual Sequence position() const = 0;
};

class Journal {
 public:
  virtual ~Journal() = default;  // stops after what was appended is durable or failed

  // Opens or creates the folder, recovers, and readies the first segment.
  static Result<std::unique_ptr<Journal>> open(Files& files, Clock& clock, Metrics& metrics, Options options);
  virtual const Recovery& recovery() const = 0;

  // Takes all records or none. On success returns the sequence of the first one; `done` will be called. On error
  // (`busy`, `no_space`, `too_large`, `unavailable` while a failure is being delivered) `done` is not called. An empty
  // batch is allowed: it completes when everything appended before it is durable (a barrier) and fails if any of that
  // failed while it waited.
  virtual Result<Sequence> append(Batch batch, Completion done) = 0;

  // One past the newest durable record. Records below it never change.
  virtual Sequence durable_end() const = 0;
  // Waits until durable_end() > after or the time limit; true if so.
  virtual bool wait_past(Sequence after, Duration limit) = 0;

  // Starts at the first record with a sequence >= from that is kept.
  virtual Result<std::unique_ptr<Reader>> read_from(Sequence from) = 0;

  // Segments that hold only records below `below` may be removed now: their content is committed elsewhere.
  virtual Status release(Sequence below) = 0;
  // Ends the open segment, though it is not full, and opens the next one: what was durable before the call lies in
  // segments that release() can remove. Does nothing if the open segment holds no record yet. Waits for the disk.
  virtual Status seal() = 0;

  virtual Stats stats() const = 0;
  // Name of the segment file that holds the sequence, for `weir explain`; not_found if released.
  virtual Result<std::string> segment_of(Sequence sequence) const = 0;

  // own_thread=false only: gathers, writes, syncs and completes one group; true if there was one.
  virtual bool run_once() = 0;
};

}  // namespace weir::journal
