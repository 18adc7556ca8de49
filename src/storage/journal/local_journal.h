// The Journal on the machine's own disk: a queue in front, groups behind.
//
// append() puts a batch into the queue under its lock, which is where its sequences come from. The journal's thread
// takes what has gathered, writes it as one group, syncs it, and calls the completions. See journal.h for what is
// promised.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/journal/journal.h"
#include "storage/journal/recovery.h"
#include "storage/journal/segment_table.h"
#include "storage/journal/segment_writer.h"
#include "storage/journal/spare_segment.h"

namespace weir::journal {

class LocalJournal final : public Journal {
 public:
  LocalJournal(Files& files, Clock& clock, Metrics& metrics, Options options);
  ~LocalJournal() override;
  Status start();

  const Recovery& recovery() const override { return recovery_; }
  Result<Sequence> append(Batch batch, Completion done) override;
  Sequence durable_end() const override { return table_.durable_end(); }
  bool wait_past(Sequence after, Duration limit) override;
  Result<std::unique_ptr<Reader>> read_from(Sequence from) override;
  Status release(Sequence below) override;
  Status seal() override;
  Stats stats() const override;
  Result<std::string> segment_of(Sequence sequence) const override;
  bool run_once() override;

 private:
  // An append that is accepted and not yet answered.
  struct Waiting {
    Batch batch;
    Completion done;
    Sequence first;
    uint64_t memory_bytes = 0;  // counted against queued_bytes_max
    uint64_t disk_bytes = 0;    // at most so much of a segment
  };
  struct Numbers {
    Counter& groups;
    Counter& records;
    Counter& bytes;
    Counter& syncs_failed;
    Counter& refused_busy;
    Counter& refused_full;
    Counter& refused_unavailable;
    Counter& damaged;
    Histogram& sync_seconds;
    Histogram& group_records;
    Gauge& full;
  };
  static Numbers numbers(Metrics& metrics);

  Status check_batch(const Batch& batch) const;
  Status admit(const Waiting& waiting) const;
  void spare_changed(const std::optional<Error>& failure);
  void log_recovery() const;

  // On the journal's thread from here on.
  void run();
  bool wait_for_work();
  void gather(std::unique_lock<std::mutex>& lock);
  bool step();
  bool take_waiting();
  Status make_room();
  void seal_if_asked();
  Status seal_segment();
  size_t build_group();
  Status write_group();
  void finish_group(size_t end);
  void fail_all(const Error& reason, bool is_poisoned);
  void open_again();

  Files& files_;
  Clock& clock_;
  Metrics& metrics_;
  const Options options_;
  const uint64_t batch_bytes_max_;
  Numbers numbers_;
  Recovery recovery_;
  SegmentTable table_;

  mutable std::mutex mutex_;  // guards from here to the next comment
  std::condition_variable work_;
  std::vector<Waiting> incoming_;
  uint64_t next_sequence_ = 1;
  uint64_t queued_bytes_ = 0;  // accepted and not answered
  uint64_t queued_disk_bytes_ = 0;
  uint64_t room_ = 0;             // left in the open segment before what is queued
  std::optional<Error> refusal_;  // why nothing is accepted now
  std::optional<Error> spare_failure_;
  uint64_t seals_asked_ = 0, seals_done_ = 0;
  Status sealed_;  // how the last of them ended
  std::condition_variable seal_done_;
  size_t wake_at_ = 0;  // the journal's thread sleeps until so many appends wait; 0: it does not sleep
  bool is_stopping_ = false;

  // The journal's thread only.
  std::vector<Waiting> working_;
  size_t working_at_ = 0;
  GroupBuffer group_;
  size_t expected_ = 1;      // how many appends the next group may hope for
  int64_t sync_micros_ = 0;  // what a write and sync takes, averaged
  std::optional<int64_t> open_again_at_;

  std::mutex release_mutex_;            // one release() at a time; guards unremoved_
  std::vector<std::string> unremoved_;  // released, but the file could not be removed yet
  SpareSegment spare_;
  SegmentWriter writer_;
  std::vector<CallbackGauge> gauges_;
  std::thread thread_;
};

}  // namespace weir::journal
