// A sealed run: entries sorted by fingerprint in checksummed pages, the first key of each page, and a blocked Bloom
// filter. Written once, then only read. See docs/internals/dedup.md for the bytes.
//
// Threads: a DedupRun may be read from any thread. A RunWriter and merge_runs() belong to one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "stream/capture/dedup.h"

namespace weir::capture {

inline constexpr size_t kRunPageBytes = 4096;
inline constexpr size_t kRunPageEntries = 127;   // 32 bytes each; the rest of the page is its checksum and count
inline constexpr size_t kFilterBlockBytes = 64;  // one cache line decides
inline constexpr size_t kFilterBlockKeys = 40;   // 12.8 bits a key: about 1 in 300 new keys costs a needless page read

inline constexpr size_t kFilterPieceBytes = 512;  // what is read and checked of a filter in the file

// Pieces of filters that are not in memory as a whole. Bounded; a miss reads one piece.
class FilterCache {
 public:
  FilterCache(size_t bytes, Metrics& metrics);
  struct Place {
    uint64_t run = 0;       // the run's number
    uint64_t offset = 0;    // of the block in its file
    uint64_t checksum = 0;  // of the piece that the block lies in
  };
  // The 64 bytes there; `corrupt` if the piece is not what was written.
  Status read_block(const File& file, const Place& place, char into[kFilterBlockBytes]);

 private:
  struct Piece {
    uint64_t run = 0, number = 0;
    std::array<char, kFilterPieceBytes> bytes;
  };
  static constexpr size_t kStripes = 64;
  std::vector<std::unique_ptr<Piece>> pieces_;  // direct-mapped; pieces_[i] is guarded by stripes_[i % kStripes]
  std::array<std::mutex, kStripes> stripes_;
  Counter& hits_;
  Counter& misses_;
};

struct RunSummary {
  std::string file;     // name in the folder
  uint64_t number = 0;  // grows with age: a merged run takes a new one
  uint64_t count = 0, bytes = 0;
  uint64_t first_sequence = 0, last_sequence = 0;
  uint32_t newest_arrival_s = 0;
};

// A run's filter in memory, whole or folded: the 8 words of every block laid over each other until `words` are left.
// What a folded one lets through, the whole one in the file decides.
inline constexpr int kFilterWords = kFilterBlockBytes / sizeof(uint64_t);  // whole
inline constexpr int kFilterWordsMin = 2;
// The share of new keys that get through a filter of so many words a block: 0.003 of a whole one, 0.4 of the smallest.
double let_through(int words);

class RunFilter {
 public:
  // From the file, its pieces checked against `sums`.
  static Result<std::shared_ptr<const RunFilter>> read(const File& file, uint64_t offset,
                                                       const std::vector<uint64_t>& sums, int words);
  int words() const { return words_; }
  bool may_hold(const Fingerprint& key) const;
  void prefetch(const Fingerprint& key) const noexcept;

 private:
  RunFilter(uint64_t blocks, int words);
  const uint64_t* block_of(const Fingerprint& key) const;

  const int words_;
  const uint64_t blocks_;
  const std::unique_ptr<uint64_t[], void (*)(void*)> bits_;
};

// Immutable; copies share the open file.
class DedupRun {
 public:
  // Checks header and size; reads neither entries nor filter.
  static Result<std::shared_ptr<const DedupRun>> open(Files& files, const std::string& folder,
                                                      const RunSummary& summary);

  const RunSummary& summary() const { return body_->summary; }
  uint64_t filter_bytes(int words) const {
    return body_->filter_blocks * static_cast<uint64_t>(words) * sizeof(uint64_t);
  }
  // What finds pages and checks them: always in memory.
  uint64_t index_bytes() const { return (body_->fences.size() + body_->filter_sums.size()) * sizeof(uint64_t); }
  // Of a block of the filter in memory; 0 if there is none, and lookups read it through the cache.
  int filter_words() const { return filter_ ? filter_->words() : 0; }
  // The same run with its filter in memory, read and checked, folded to so many words a block.
  Result<std::shared_ptr<const DedupRun>> with_filter(int words) const;
  std::shared_ptr<const DedupRun> without_filter() const;

  Result<std::optional<DedupEntry>> find(const Fingerprint& key, FilterCache& cache) const;
  // Asks the processor for the filter's cache line, so that a find() soon after need not wait for memory.
  void prefetch(const Fingerprint& key) const noexcept {
    if (filter_) filter_->prefetch(key);
  }
  // Entries of page `index`, checked; at most kRunPageEntries.
  Status read_page(uint64_t index, std::vector<DedupEntry>& into) const;
  uint64_t pages() const { return body_->pages; }

 private:
  struct Body {
    RunSummary summary;
    std::unique_ptr<File> file;
    uint64_t pages = 0, filter_offset = 0, filter_blocks = 0;
    std::vector<uint64_t> fences;       // the first key's high half of each page
    std::vector<uint64_t> filter_sums;  // checksum of each piece of the filter
  };
  DedupRun(std::shared_ptr<const Body> body, std::shared_ptr<const RunFilter> filter)
      : body_(std::move(body)), filter_(std::move(filter)) {}
  bool may_hold(const Fingerprint& key, FilterCache& cache) const;

  std::shared_ptr<const Body> body_;
  std::shared_ptr<const RunFilter> filter_;
};

// Writes one run to a staging file; finish() syncs it and gives it its name. Pages and filter are written as the keys
// come, so that a run of any size takes little memory.
class RunWriter {
 public:
  static Result<std::unique_ptr<RunWriter>> create(Files& files, const std::string& folder, uint64_t number,
                                                   uint64_t keys_max);
  Status add(const DedupEntry& entry);  // in ascending order of key, each key once, at most keys_max
  Result<RunSummary> finish();

 private:
  // A part of the file that grows in order, gathered into larger writes.
  struct Section {
    uint64_t offset = 0;
    std::string pending;
  };
  RunWriter(Files& files, std::string folder, uint64_t number, uint64_t keys_max);
  Status flush_page();
  Status move_filter_to(uint64_t page);
  Status append(Section& section, std::string_view bytes);
  Status flush(Section& section);

  Files& files_;
  std::string folder_;
  RunSummary summary_;
  std::unique_ptr<File> file_;
  uint64_t keys_max_, filter_blocks_, fences_offset_, filter_offset_;
  std::string page_;
  size_t page_count_entries_ = 0;
  std::vector<uint64_t> fences_, filter_sums_;
  std::string filter_page_;
  uint64_t filter_page_number_ = 0;
  Section entries_, filter_;
};

// Merges runs (any order) into one: of equal keys the newest sequence stays, entries that arrived before `not_before_s`
// go. Nothing if no entry is left. `pause` is called every few thousand entries, so that a long merge keeps nobody
// waiting; its error ends the merge.
Result<std::optional<RunSummary>> merge_runs(Files& files, const std::string& folder, uint64_t number,
                                             const std::vector<std::shared_ptr<const DedupRun>>& runs,
                                             uint32_t not_before_s, const std::function<Status()>& pause);
// What the header of a run's file says about it: to find runs again whose list was lost.
Result<RunSummary> read_summary(Files& files, const std::string& folder, const std::string& file);

}  // namespace weir::capture
