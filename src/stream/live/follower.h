// Live's one implementation: follows the journal into the windows of every declaration. See live.h for what it
// promises.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "stream/live/checkpoint.h"
#include "stream/live/live.h"

namespace weir::live {

// A history that is being counted elsewhere. Shared by the task and the follower, whichever ends first.
struct Count {
  std::shared_ptr<const Plan> plan;
  HistoryRange range;
  bool is_submitted = false;  // the follower's own
  std::mutex mutex;           // guards outcome
  std::optional<Result<Counted>> outcome;
};

class Follower : public Live {
 public:
  Follower(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal, Options options);
  Status start();

  void set_declarations(std::vector<Declaration> declarations,
                        const std::vector<capture::AppliedStream>& streams) override;
  Result<uint64_t> pump() override;
  Status checkpoint() override;
  Status renew_checkpoints(journal::Sequence through, Duration limit) override;
  Result<std::vector<std::string>> recount(const std::string& stream, Duration limit) override;
  void run(const std::function<bool()>& stop) override;
  journal::Sequence needed_from() const override { return {needed_from_.load()}; }
  bool catch_up(Duration limit) override;
  std::vector<LiveState> states() const override;
  Result<Reading> read(std::string_view name, const Query& query) const override;
  std::vector<Table> tables() const override;
  Result<engine::RowBlock> table_rows(std::string_view table) const override;

 private:
  struct State {
    std::shared_ptr<const Declaration> live;
    std::shared_ptr<const Plan> plan;  // none: disabled or failed
    std::unique_ptr<Windows> windows;
    std::string problem;
    uint64_t epoch = 0;
    uint64_t from = 0;  // records below are not folded: they are in the history
    int64_t complete_since = 0;
    std::shared_ptr<Count> count;  // while the history is counted
    std::vector<Gauge*> metrics;   // by measure; null where it is not exported
  };
  // One declaration's share of a stream.
  struct Lane {
    State* state = nullptr;
    size_t source = 0;
    std::unique_ptr<FieldReader> reader;
  };
  // One declaration of a checkpoint.
  struct Kept {
    std::string shape, windows;
    uint64_t epoch = 0;
    int64_t complete_since = 0;
  };

  Status read_checkpoint();
  Status save_checkpoint(bool whatever);
  void renew_if_asked();
  void begin_locked(State& state);
  bool resume_locked(State& state);
  void place_locked();
  void make_lanes_locked();
  bool is_followed_locked() const { return !lanes_.empty(); }
  void update_needed_locked();
  void fold_locked(const journal::Entry& entry);
  bool open_reader();
  void submit_counts();
  void merge_counts_locked();
  void export_metrics();
  std::string encode_locked() const;
  LiveState state_locked(const State& state) const;
  Result<const State*> find_locked(std::string_view name) const;
  uint64_t next_epoch();

  Files& files_;
  Clock& clock_;
  Metrics& metrics_;
  journal::Journal& journal_;
  const Options options_;
  Checkpoints checkpoints_;  // the follower's own, after start()

  // The follower's own:
  std::unique_ptr<journal::Reader> reader_;
  int64_t checkpoint_due_ = 0, metrics_due_ = 0;
  LogLimit damage_log_;

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable folded_;
  std::map<std::string, State, std::less<>> states_;
  std::map<uint32_t, std::vector<Lane>> lanes_;    // by stream
  std::map<std::string, Kept, std::less<>> kept_;  // of the checkpoint, until the first declarations came
  std::string kept_problem_;
  bool is_placed_ = false;       // position_ means something
  bool is_reader_stale_ = true;  // it stands elsewhere than position_
  uint64_t position_ = 1;        // everything below is folded
  uint64_t saved_position_ = 0;
  bool is_changed_ = false;  // since the checkpoint
  uint64_t last_epoch_ = 0;
  std::optional<WallTime> checkpoint_at_;
  std::optional<uint64_t> oldest_checkpoint_;
  uint64_t renewals_asked_ = 0, renewals_done_ = 0;
  uint64_t renew_through_ = 0;
  Status renewed_;  // how the last of them ended

  std::atomic<uint64_t> needed_from_{0};  // nothing may go before the declarations are known
  Counter& records_;
  Counter& late_;
  Counter& misfits_;
  Counter& checkpoints_saved_;
  Counter& checkpoint_failures_;
  Counter& damage_;
  Gauge& lag_;
  Gauge& rows_;
};

Value value_of(const Plan& plan, const Row& row, size_t measure);

}  // namespace weir::live
