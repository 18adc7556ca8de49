// The journal alone: somebody appends, a follower reads along and releases, and a ledger is kept about both.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "actor.h"
#include "ledger.h"
#include "storage/journal/journal.h"

namespace weir::sim {

class JournalActor final : public Actor {
 public:
  explicit JournalActor(World& world);
  bool start(Process& process) override;
  void step() override;
  void stop() override;
  void finish() override;

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t failed() const { return failed_; }

 private:
  struct Append {
    uint64_t first = 0;
    std::vector<std::string> records;
  };
  void append();
  void complete(const std::shared_ptr<Append>& append, const Status& status);
  void follow();
  void release();
  void take_inventory();
  void run_some_groups();

  World& world_;
  Ledger ledger_;
  journal::Options options_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::Reader> follower_;
  std::deque<std::shared_ptr<Append>> waiting_;  // in the order of their appends; shared with their completions
  // A start on a full disk cannot prove that the last group is on disk, and shows it nevertheless.
  bool is_provisional_ = false;
  bool was_damage_reported_ = false;  // by a start that failed afterwards
  uint64_t record_number_ = 0;
  uint64_t durable_end_ = 1;
  uint64_t acknowledged_ = 0;
  uint64_t failed_ = 0;
};

}  // namespace weir::sim
