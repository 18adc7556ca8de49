// SimulatedFiles: a disk in memory that forgets what was not synced, for tests of everything that promises durability.
//
// It keeps exactly the contract of files.h and no more. power_cut() decides for every sector of every unsynced write
// and for every unsynced name whether it reached the disk; what was synced stays. Names: a rename is kept or not, never
// half, and operations on one name keep their order. A rename between two folders is durable with the sync of the
// target's. Faults are planted beforehand: failing syncs, a full disk, flipped bits, unreadable ranges, a disk that
// lies. Everything that happens follows from the calls and from the Random handed in. Any thread may call anything; it
// must outlive the File objects it opened. Paths: "/a", "a" and "./a" are the same file; ".." is refused.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/io/files.h"
#include "core/io/simulated_sectors.h"

namespace weir {

// What a failing sync does with the data before it reports the failure. Whatever did not reach the disk then is lost
// for good: the next sync of the file succeeds and does not write it (as Linux does, which marks the pages clean).
struct FailedSync {
  enum class Reached { nothing, some_sectors, everything };
  Reached reached = Reached::nothing;
  bool reads_return_old = false;  // reads after it see the disk instead of what was written
  uint64_t seed = 1;              // chooses the sectors
};

struct FlippedBit {
  std::string path;
  uint64_t offset = 0;
  int bit = 0;
};

class SimulatedFiles final : public Files {
 public:
  static constexpr size_t kSectorBytes = weir::kSectorBytes;
  static constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

  SimulatedFiles();
  ~SimulatedFiles() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;

  // --- power ---

  // The disk loses power and comes back: what is left is what a program finds at its next start. Files opened before
  // answer `io` from now on.
  void power_cut(Random& random);
  // The n-th changing operation from now (1 = the next) is the last the disk sees: it is in flight when the power goes,
  // so it may or may not reach the disk, and it and everything after it answers `io` until power_cut() is called.
  void power_off_after(uint64_t operations);
  bool is_power_off() const;
  // Changing operations so far (create, write, truncate, rename, remove, make, sync), to aim power_off_after().
  uint64_t operations() const;
  // With this, a sector that was being written when the power went may hold garbage, in its whole length.
  void set_tear_sectors(bool tear);

  // --- faults ---

  void fail_sync(uint64_t nth, FailedSync how = {});  // the n-th File::sync() from now, 1 = the next
  void fail_sync_directory(uint64_t nth);             // nothing becomes durable by it; a later one may succeed
  // Bytes of all files together; a write beyond writes what fits and answers no_space. May be raised later.
  void set_capacity(uint64_t bytes);
  // Syncs answer success and do nothing: shows that a checker finds the loss. Files whose path holds `part`; empty for
  // all.
  void set_lying_syncs(std::optional<std::string> part);
  // On the disk and in what is read now. Both answer not_found if there is no such byte.
  Status flip_bit(const FlippedBit& where);
  Result<FlippedBit> flip_random_bit(Random& random, const std::string& path_prefix = {});
  // Reads that touch the range answer `io`, over power cuts too; until the file is removed.
  Status make_unreadable(const std::string& path, uint64_t offset, uint64_t size);

  // --- looking at it ---

  void set_trace(bool on);    // off at first; the last 10 000 operations are kept
  std::string trace() const;  // one line an operation, oldest first
  uint64_t used_bytes() const;
  uint64_t unsynced_bytes(const std::string& path) const;  // 0 for an unknown file

 private:
  friend class SimulatedFile;
  struct Node;
  struct NameChange;
  struct Entry;
  using NodePtr = std::shared_ptr<Node>;  // shared by names, waiting name changes and open files, like a real inode

  Result<std::vector<std::string>> parts_of(const std::string& path) const;
  Result<NodePtr> find(const std::string& path) const;
  Result<Entry> find_entry(const std::string& path) const;
  Status begin_change(bool& last);
  Status finish_change(bool last) const;
  Status check_power() const;
  Result<NodePtr> create_file(const Entry& entry, const std::string& path);
  Status make_directory(const Entry& entry, const std::string& path, bool& last);
  void change_name(NameChange change);
  void make_durable(size_t index);
  void forget_durable_changes();
  void sync_names_of(const Node* folder);
  uint64_t used_locked() const;
  bool lies_about(const std::string& path) const;
  void record(const std::string& line);

  mutable std::mutex mutex_;  // guards everything below and every Node
  NodePtr root_;
  std::vector<NameChange> changes_;
  uint64_t generation_ = 0;  // counts power cuts; a File of an earlier one is dead
  uint64_t operations_ = 0;
  std::optional<uint64_t> operations_left_;
  bool power_off_ = false;
  bool tear_sectors_ = false;
  uint64_t capacity_ = kUnlimited;
  uint64_t syncs_ = 0;
  uint64_t directory_syncs_ = 0;
  std::map<uint64_t, FailedSync> failing_syncs_;
  std::map<uint64_t, bool> failing_directory_syncs_;
  std::optional<std::string> lying_;
  bool tracing_ = false;
  std::deque<std::string> trace_;
};

}  // namespace weir
