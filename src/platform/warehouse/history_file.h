// What statements, loads and sign-ins leave behind, on disk: small records, written beside every transaction, once a
// second and then synced. kill -9 loses those of the last second, and no earlier ones.
//
// Append-only segments of lines, each with its checksum: a torn end is passed over. A start begins a new segment, after
// it has read the others; many small ones are made one. Bounded by a number of records, their age and their bytes:
// whole segments go. Why no table of a database: docs/internals/sessions.md.
//
// Threads: open() and take_kept() from one, add() and flush() from any. One thread of its own writes.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::warehouse {

class HistoryFile {
 public:
  struct Limits {
    size_t records_max = 10'000;
    Duration age_max = days(30);
    uint64_t bytes_max = 64u << 20;
  };
  static Result<std::unique_ptr<HistoryFile>> open(Files& files, const Clock& clock, std::string folder, Limits limits);
  ~HistoryFile();  // what waits is written first
  HistoryFile(const HistoryFile&) = delete;
  HistoryFile& operator=(const HistoryFile&) = delete;

  // Oldest first; once.
  std::vector<Json> take_kept() { return std::move(kept_); }
  // An object with "at", in microseconds. Never blocks; where the disk does not keep up the newest are left out.
  void add(Json record);
  Status flush();  // everything that was added is on disk. Blocks
  size_t records_max() const { return limits_.records_max; }

 private:
  struct Segment {
    std::string path;
    uint64_t number = 0, records = 0, bytes = 0;
    int64_t newest = 0;  // µs
  };
  HistoryFile(Files& files, const Clock& clock, std::string folder, Limits limits);
  Status load();
  Status read_segment(Segment& segment);
  Status merge();
  Status write(const std::vector<Json>& records);
  Status begin_segment();
  void drop_old();
  void work();
  std::string path_of(uint64_t number) const;

  Files& files_;
  const Clock& clock_;
  const std::string folder_;
  const Limits limits_;
  std::vector<Json> kept_;
  // The writer's, or whoever opens.
  std::deque<Segment> segments_;  // oldest first
  std::unique_ptr<File> file_;    // the last segment's; null: the next record begins one

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Json> waiting_ GUARDED_BY(mutex_);
  uint64_t added_ GUARDED_BY(mutex_) = 0, written_ GUARDED_BY(mutex_) = 0, lost_ GUARDED_BY(mutex_) = 0;
  Status last_ GUARDED_BY(mutex_);
  bool is_ending_ GUARDED_BY(mutex_) = false, is_urgent_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace weir::warehouse
