// The book about a journal, kept outside of it: what was appended, acknowledged, shown, failed and released, against
// what is found.
//
// Rules: what was acknowledged or shown is found exactly once, in order, with its bytes; what was not may be found, but
// never with other bytes, and if a start does not show it, never later; numbers that are in use are not given again.
// Losses are excused only where the journal itself named the damage and a bit was flipped before. Pure bookkeeping: it
// never touches the journal.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

class Ledger {
 public:
  using Problem = std::function<void(const std::string&)>;
  explicit Ledger(Problem problem) : problem_(std::move(problem)) {}

  void appended(uint64_t first, const std::vector<std::string>& records);
  void acknowledged(uint64_t first, const std::vector<std::string>& records);
  void failed(uint64_t first, uint64_t count);
  void released(uint64_t below);
  // A reader showed it while the program ran.
  void shown(uint64_t sequence, std::string_view bytes);

  // A start: `next` is the first number it will give; then everything that a reader finds from the beginning; then the
  // end.
  void begin_inventory(uint64_t next, uint64_t durable_end);
  void found(uint64_t sequence, std::string_view bytes);
  void named_corrupt(uint64_t from, uint64_t until);  // a reader said that these cannot be read
  struct Excuses {
    bool damage_was_done = false;      // bits were flipped: what was named may be lost
    bool tail_was_cut = false;         // the start reported a cut: what lies beyond the durable end may be lost, too
    bool was_reported_before = false;  // a start that did not get to its end reported damage: where, is not known
    bool false_alarms = false;         // damage may be named where nothing was lost
    bool is_provisional = false;       // what was not acknowledged may still come and go
  };
  void end_inventory(const Excuses& excuses);

  uint64_t records() const { return settled_.size(); }

 private:
  void check_found(uint64_t sequence, std::string_view bytes);

  const Problem problem_;
  std::map<uint64_t, std::string> settled_;                // acknowledged or shown
  std::map<uint64_t, std::vector<std::string>> possible_;  // appended, and not known to be gone
  uint64_t released_ = 1;
  uint64_t used_up_ = 1;     // numbers below are never given again
  bool has_failed_ = false;  // since the last accepted append

  std::map<uint64_t, std::string> inventory_;
  std::vector<std::pair<uint64_t, uint64_t>> corrupt_;
  uint64_t last_found_ = 0;
  uint64_t durable_end_ = 1;
};

}  // namespace weir::sim
