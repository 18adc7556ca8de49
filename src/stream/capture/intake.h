// One request on its way through capture until its records are handed to the journal: read and judged, ids given,
// looked up in the sealed index, encoded. All of that is done without capture's lock; under it only decide() and
// take_batch() are called.
//
// An Intake is reused from request to request, by one thread at a time; it keeps its memory, and nothing of the request
// after release().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "stream/capture/capture.h"
#include "stream/capture/dedup.h"
#include "stream/capture/event_reader.h"

namespace weir::capture {

// What the rest of the room lends to an Intake.
struct IntakeTools {
  Clock& clock;
  Random& random;
  DedupIndex& index;
};

enum class Fate : uint8_t {
  take,        // new: into journal and index
  duplicate,   // its original is there, with the same payload
  quarantine,  // into the journal's quarantine
  repeat,      // was quarantined before under the same Idempotency-Key: the same answer, not kept again
  refuse,      // cannot be kept
};

class Intake {
 public:
  struct Item {
    Fate fate = Fate::take;
    bool fits = false;       // the schema
    bool resolved = false;   // no key in memory can change its fate any more
    bool indexed = false;    // it has a key under which it may come again
    bool enters = false;     // its key enters the index once it is appended
    bool pending = false;    // a duplicate whose original may not be on disk yet
    bool retryable = false;  // refused, but only for now
    const char* code = "";
    int32_t same_before = -1;   // the item before it with the same key
    size_t begin = 0, end = 0;  // its encoded record in the prepared batch; equal: none
    uint64_t payload_hash = 0;
    Fingerprint key;
    EventTime event_time;
    std::string_view id;             // of the event
    std::string_view entry_id;       // of its entry in quarantine
    std::string_view text, payload;  // as received; canonical
    std::string_view field, message;
    bool is_appended() const { return fate == Fate::take || fate == Fate::quarantine; }
  };

  // Everything before the lock. An error means that nothing is taken: wrong shape, or another body under the same
  // Idempotency-Key.
  Status prepare(const IntakeTools& tools, const StreamPlan& plan, const AppliedStream& applied,
                 const Submission& submission, const Limits& limits);
  // Looks once more for what is still new, if runs were sealed meanwhile.
  Status look_again(const IntakeTools& tools);
  uint64_t runs_version() const { return runs_->version; }

  // Under the lock: meets the keys in memory; every fate is final afterwards. `durable_end` is the journal's.
  Status decide(const IntakeTools& tools, uint64_t durable_end);
  // Under the lock, after decide(): the records to append, in the order of their items.
  journal::Batch take_batch();
  // Whether fates changed since the batch (and the caller's reply) were prepared.
  bool is_changed() const { return changed_; }
  // Nothing of it can be appended now: everything that would be, or that waits for what is in flight, is refused.
  void refuse_all(const Error& error);
  // A duplicate waits for its original: the answer must come after what was appended before.
  bool needs_barrier() const { return needs_barrier_; }
  // How many keys may enter the index.
  size_t new_keys_max() const { return new_keys_max_; }

  const std::vector<Item>& items() const { return items_; }
  const Origin* origin() const { return origin_; }
  // When the records enter the index, and the journal: now, whenever they first arrived.
  uint32_t arrival_s() const { return static_cast<uint32_t>(taken_at_.micros / 1'000'000); }
  ArrivalTime taken_at() const { return taken_at_; }
  // A record cannot be kept now, and could be later.
  bool is_refused_for_now() const;
  // The mark that goes behind the batch, encoded; empty: none, as where something is refused for now. `reply` is final.
  std::string encode_mark(const IntakeTools& tools, const Reply& reply) const;
  Reply reply() const;
  void release();
  // The request was so large that its memory is better given back than kept.
  bool is_large() const { return items_.capacity() > kItemsKept || large_body_; }

 private:
  static constexpr size_t kItemsKept = 5'000, kBodyBytesKept = 1u << 20;
  void start(const IntakeTools& tools, const StreamPlan& plan, const AppliedStream& applied,
             const Submission& submission);
  void identify(const IntakeTools& tools, size_t index, Candidate& record);
  Fate unfit() const { return origin_ == nullptr || origin_->keeps_unfit ? Fate::quarantine : Fate::repeat; }
  void refuse_forgotten();
  void check_forgotten(const IntakeTools& tools, Item& item);
  void name_key(const IntakeTools& tools, Item& item) const;
  std::string_view new_id(const IntakeTools& tools, size_t index, char* where);
  std::string_view entry_id(const IntakeTools& tools, const Item& item);
  const char* untimely(const Item& item, int64_t arrival_micros) const;
  void check_time(const IntakeTools& tools, Item& item);
  void find_repeats();
  Status look_up(const IntakeTools& tools);
  // The item's key was accepted before, with this payload and arrival.
  struct Before {
    uint32_t payload_hash = 0, arrival_s = 0;
    bool is_forgotten = false;  // its payload's hash too
  };
  Status meet(const IntakeTools& tools, Item& item, const Before& before);
  void encode_item(Item& item, journal::Batch& into);
  std::string_view placed_message(const Item& item);

  const StreamPlan* plan_ = nullptr;
  AppliedStream applied_;
  std::string id_seed_;      // from which ids under an Idempotency-Key derive; empty without one
  bool whole_body_ = false;  // the body's hash stands for every payload: a stream without key, under an Idempotency-Key
  uint64_t body_hash_ = 0;
  uint32_t not_before_s_ = 0;
  const Origin* origin_ = nullptr;
  ArrivalTime arrived_at_, taken_at_;
  EventReader reader_;
  std::vector<Item> items_;
  std::vector<int32_t> slots_;  // items by key, for repeats within the request
  std::shared_ptr<const DedupRuns> runs_;
  journal::Batch batch_;
  const std::string* batch_bytes_ = nullptr;
  size_t new_keys_max_ = 0;
  bool changed_ = false;  // since the batch was prepared
  bool needs_barrier_ = false;
  bool large_body_ = false;
};

}  // namespace weir::capture
