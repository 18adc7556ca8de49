// What waits for its files: of each table the rows by partition, in the engine's layout, and the archive's lines by
// hour of arrival.
//
// A Tail is filled by pump() and then frozen for a commit; a frozen one is only read. Not thread-safe: the Lake guards
// it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/io/compression.h"
#include "storage/engine/engine.h"
#include "stream/capture/rows.h"

namespace weir::lake {

struct SequenceRange {
  uint64_t first = 0, last = 0;  // both included; 0: empty
  void include(uint64_t sequence);
};

// Rows of one partition. New rows go to an open block; a full block becomes a chunk that nobody copies again.
class PartitionTail {
 public:
  PartitionTail(std::vector<engine::Column> columns) : open_(std::move(columns)) {}
  engine::RowBlock& open() { return open_; }
  void added(uint64_t sequence, engine::Engine& engine);  // call after each row appended to open()
  // All rows as chunks; the open block is sealed as it stands and sealed again only if it grew.
  void collect(engine::Engine& engine, std::vector<std::shared_ptr<const engine::SealedChunk>>& into);
  // The layout of rows to come, after the declaration changed; the open block must be frozen.
  void set_columns(std::vector<engine::Column> columns) { open_ = engine::RowBlock(std::move(columns)); }
  // Seals the open block for good. After it collect() only reads.
  void freeze(engine::Engine& engine);
  uint64_t rows() const { return rows_; }
  const SequenceRange& sequences() const { return sequences_; }

 private:
  static constexpr size_t kBlockRows = 16'384;
  engine::RowBlock open_;
  std::shared_ptr<const engine::SealedChunk> open_view_;
  size_t open_view_rows_ = 0;
  std::vector<std::shared_ptr<const engine::SealedChunk>> full_;
  uint64_t rows_ = 0;
  SequenceRange sequences_;
};

// The lines of one hour's archive file, compressed as they come: they wait in a fraction of their size, and a commit
// has little left to do.
class ArchiveTail {
 public:
  std::string& open() { return open_; }                                          // to append one whole line to
  void added(uint64_t sequence, int32_t event_day, GzipCompressor& compressor);  // call after each line
  size_t bytes() const { return member_bytes_ + open_.size(); }
  // The whole file as it stands: the same bytes each time.
  Result<std::string> file(int gzip_level) const;
  uint64_t rows() const { return rows_; }
  const SequenceRange& sequences() const { return sequences_; }
  std::pair<int32_t, int32_t> event_days() const { return {first_day_, last_day_}; }  // both included

 private:
  static constexpr size_t kMemberBytes = 256u << 10;  // of lines
  std::string open_;                                  // lines of the member to come
  std::vector<std::string> members_;
  size_t member_bytes_ = 0;
  uint64_t rows_ = 0;
  int32_t first_day_ = INT32_MAX, last_day_ = INT32_MIN;
  SequenceRange sequences_;
};

struct TableTail {
  void note_day(int32_t day) {
    if (days.empty() || day != last_day) days.insert(last_day = day);
  }
  std::map<std::vector<int64_t>, PartitionTail> partitions;
  std::map<int64_t, ArchiveTail> hours;  // by hours since 1970
  std::set<int32_t> days;                // of the rows' events, since 1970
  int32_t last_day = 0;
};

struct Tail {
  std::map<std::string, TableTail> tables;
  uint64_t from = 0, through = 0;  // journal range, `through` excluded
  uint64_t rows = 0, bytes = 0;
  size_t partitions = 0;
  int64_t oldest_arrival = INT64_MAX;
  bool empty() const { return from == through; }
};

}  // namespace weir::lake
