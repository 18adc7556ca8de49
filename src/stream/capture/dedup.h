// The deduplication index: which keys were accepted within their stream's window, in bounded memory and on disk.
//
// New keys go to an active table in memory. When it is full or old it is frozen, and once the journal has made
// everything in it durable it is sealed: written as a run sorted by fingerprint, with a filter, and listed in a
// manifest. Runs of similar size are merged; what is older than the longest window is dropped. Memory: two tables, the
// filters, folded as their budget asks, and a cache for those that fit in no form: with more keys lookups get slower,
// never wrong.
//
// Who guards what: functions marked (locked) are called under one mutex of the caller, the same that orders its journal
// appends. runs(), find_sealed() and maintain() are called without it; maintain() by one thread at a time, with a
// function that takes that mutex. What lies after sealed_through() in the journal is put back with insert() at start.
// Format: docs/internals/dedup.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::capture {

struct DedupEntry {
  Fingerprint key;            // of (stream, key); never all zero
  uint64_t sequence = 0;      // in the journal; 0: no entry. kForgotten beside it: forgotten
  uint32_t payload_hash = 0;  // the low half of the payload's hash; 0 of a forgotten one
  uint32_t arrival_s = 0;     // seconds since 1970

  // What was accepted under the key is forgotten: whatever comes again under it is a duplicate. Only in runs.
  bool is_forgotten() const { return (sequence & kForgotten) != 0; }
  uint64_t place() const { return sequence & ~kForgotten; }
  void forget() {
    sequence |= kForgotten;
    payload_hash = 0;
  }
  static constexpr uint64_t kForgotten = 1ull << 63;
};
static_assert(sizeof(DedupEntry) == 32);

class DedupRun;
class FilterCache;

// The sealed runs at one moment, newest first. Immutable.
struct DedupRuns {
  uint64_t version = 0;
  std::vector<std::shared_ptr<const DedupRun>> runs;
};

struct DedupOptions {
  std::string folder;
  size_t memory_bytes = 176u << 20;
  size_t table_slots = 0;             // 0: from memory_bytes; a power of two
  Duration seal_after = minutes(15);  // an active table with entries is sealed at this age
};

class DedupIndex {
 public:
  static Result<std::unique_ptr<DedupIndex>> open(Files& files, Clock& clock, Random& random, Metrics& metrics,
                                                  DedupOptions options);
  ~DedupIndex();

  // Secret of this folder; fingerprints of other folders mean nothing here.
  const HashKey& hash_key() const { return hash_key_; }
  // First journal sequence whose accepted records may be missing from the runs.
  uint64_t sealed_through() const { return sealed_through_.load(); }

  std::shared_ptr<const DedupRuns> runs() const;
  // The newest sealed entry of the key that arrived at or after `not_before_s`. Reads at most a page or two of a run's
  // file.
  Result<std::optional<DedupEntry>> find_sealed(const DedupRuns& runs, const Fingerprint& key,
                                                uint32_t not_before_s) const;

  // Asks the processor for what find_sealed() will look at first.
  void prefetch(const DedupRuns& runs, const Fingerprint& key) const noexcept;

  // (locked) The same among the tables in memory.
  std::optional<DedupEntry> find_recent(const Fingerprint& key, uint32_t not_before_s) const;
  // (locked) False if there is no room until maintain() has sealed: answer `busy`.
  bool has_room(size_t entries) const;
  // (locked) Room was asked for. Sequences grow from call to call.
  void insert(const DedupEntry& entry);
  // (locked) Takes back an entry whose record did not become durable.
  void erase(const Fingerprint& key, uint64_t sequence);

  // Freezes and seals what is due, merges, drops what is older than `window`. `locked` runs a function under the
  // caller's mutex; `durable_end` says below which sequence everything is on disk and every failure was taken back by
  // erase().
  Status maintain(Duration window, const std::function<void(const std::function<void()>&)>& locked,
                  const std::function<uint64_t()>& durable_end);
  // (locked) Every accepted record below it is in the runs; nothing if there is none in memory that is not.
  std::optional<uint64_t> first_in_memory() const;
  // Freezes and seals what is in memory and durable now, however young. By the thread that may call maintain().
  Status seal_all(const std::function<void(const std::function<void()>&)>& locked,
                  const std::function<uint64_t()>& durable_end);
  // Takes the payload's hash from the sealed entries of these records (ascending, all of them sealed) and marks them;
  // how many there are, those of an earlier call too. Writes the runs that hold any anew. By the thread that may call
  // maintain().
  Result<uint64_t> forget(const std::vector<uint64_t>& sequences);
  bool wants_maintenance() const { return wants_seal_.load(std::memory_order_relaxed); }

 private:
  class Table;
  DedupIndex(Files& files, Clock& clock, Metrics& metrics, DedupOptions options);
  struct Caller {
    const std::function<void(const std::function<void()>&)>& locked;
    const std::function<uint64_t()>& durable_end;
  };
  Status load_key(Random& random);
  Status write_key(const std::string& name);
  Status load_manifest();
  Status find_lost_runs(DedupRuns& runs);
  Status write_manifest(const DedupRuns& runs, uint64_t sealed_through);
  Status seal_due(const Caller& caller, bool all = false);
  Status seal_frozen();
  Status pass_by(const Caller& caller);
  Status merge_due(uint32_t not_before_s, const Caller& caller);
  Status replace_runs(const std::vector<std::shared_ptr<const DedupRun>>& gone, std::shared_ptr<const DedupRun> run,
                      uint64_t sealed_through);
  Result<bool> merge_once(uint32_t not_before_s, const Caller& caller);
  Result<uint64_t> forget_in(const std::shared_ptr<const DedupRun>& run, const std::vector<uint64_t>& sequences);
  void fit_filters();
  Status filters_status();
  void show_instead(const std::shared_ptr<const DedupRun>& known, const std::shared_ptr<const DedupRun>& run);
  std::string path_of(const std::string& name) const;

  Files& files_;
  Clock& clock_;
  DedupOptions options_;
  HashKey hash_key_;
  std::atomic<uint64_t> sealed_through_{1};
  std::atomic<bool> wants_seal_{false};
  uint64_t next_run_ = 1;                   // maintain() only
  std::unique_ptr<Table> active_, frozen_;  // the caller's mutex
  int64_t active_since_ = 0;                // the caller's mutex
  mutable std::mutex runs_mutex_;           // guards runs_
  std::shared_ptr<const DedupRuns> runs_;
  std::unique_ptr<FilterCache> filters_;
  std::map<uint64_t, Error> unreadable_filters_;  // maintain() only; by the run's number
  Gauge& keys_;
  Gauge& run_count_;
  Gauge& filter_bytes_;
  Counter& seals_;
  Counter& merges_;
};

}  // namespace weir::capture
