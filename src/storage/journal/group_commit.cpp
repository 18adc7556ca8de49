// LocalJournal's own thread: gathering, one group after the other, and what happens when one fails.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/check.h"
#include "core/base/log.h"
#include "storage/journal/batch.h"
#include "storage/journal/local_journal.h"

namespace weir::journal {

namespace {

constexpr int64_t kWorthGatheringMicros = 100;  // a quicker sync is cheaper than waking up twice

}  // namespace

bool LocalJournal::run_once() {
  CHECK(!options_.own_thread, "run_once() drives a journal without a thread of its own");
  spare_.poll();
  const bool had_one = step();
  spare_.poll();
  return had_one;
}

void LocalJournal::run() {
  while (wait_for_work()) {
    while (step()) {
      // One group must be under way before the next gathers: only then is it known who comes back.
      std::unique_lock lock(mutex_);
      gather(lock);
    }
  }
}

// False when there is nothing left to do for good.
bool LocalJournal::wait_for_work() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!incoming_.empty()) {
      gather(lock);
      return true;
    }
    if (is_stopping_) return false;
    if (seals_asked_ > seals_done_) return true;
    wake_at_ = 1;
    if (!open_again_at_) {
      work_.wait(lock);
    } else {
      const int64_t wait_micros = *open_again_at_ - clock_.steady_micros();
      if (wait_micros <= 0) {
        wake_at_ = 0;
        return true;
      }
      work_.wait_for(lock, std::chrono::microseconds(wait_micros));
    }
    wake_at_ = 0;
  }
}

// Waits for those who are likely to come: clients that wait for one reply before they send the next. It never waits
// longer than a sync takes, because that is all that a fuller group can save, nor when the last wait brought nobody; so
// a lone client never waits.
void LocalJournal::gather(std::unique_lock<std::mutex>& lock) {
  const int64_t limit_micros = std::min(options_.gather_max.micros, sync_micros_);
  if (limit_micros < kWorthGatheringMicros || incoming_.empty()) return;
  const auto is_enough = [&] {
    return incoming_.size() >= expected_ || queued_bytes_ >= options_.group_bytes_max || is_stopping_;
  };
  const int64_t end = clock_.steady_micros() + limit_micros;
  const auto pause = std::chrono::microseconds(std::max<int64_t>(limit_micros / 4, kWorthGatheringMicros / 2));
  while (!is_enough() && clock_.steady_micros() < end) {
    const size_t before = incoming_.size();
    wake_at_ = expected_;
    work_.wait_for(lock, pause, is_enough);
    wake_at_ = 0;
    if (incoming_.size() == before) break;
  }
}

// Writes, syncs and completes one group; false if there was nothing to do.
bool LocalJournal::step() {
  if (!writer_.is_open()) open_again();
  seal_if_asked();
  if (!take_waiting()) return false;
  const Status roomy = make_room();
  if (!roomy) {
    fail_all(roomy.error(), false);
    return true;
  }
  const size_t end = build_group();
  if (group_.records() > 0) {
    const Status written = write_group();
    if (!written) {
      fail_all(written.error(), true);
      return true;
    }
  }
  finish_group(end);
  return true;
}

bool LocalJournal::take_waiting() {
  if (working_at_ < working_.size()) return true;
  working_.clear();
  working_at_ = 0;
  const std::lock_guard lock(mutex_);
  working_.swap(incoming_);
  return !working_.empty();
}

// The open segment has room for the first batch that waits, or the next segment is opened.
Status LocalJournal::make_room() {
  const auto first = std::find_if(working_.begin() + static_cast<ptrdiff_t>(working_at_), working_.end(),
                                  [](const Waiting& waiting) { return !waiting.batch.empty(); });
  if (first == working_.end() || first->disk_bytes <= writer_.room()) return {};
  TRY(writer_.open_next(first->first));
  if (first->disk_bytes > writer_.room()) {  // only the first segment of a start is smaller than the others
    TRY(writer_.open_next(first->first));
  }
  const std::lock_guard lock(mutex_);
  room_ = writer_.room();
  return {};
}

void LocalJournal::seal_if_asked() {
  uint64_t asked = 0;
  {
    const std::lock_guard lock(mutex_);
    if (seals_asked_ == seals_done_) return;
    asked = seals_asked_;
  }
  Status sealed = seal_segment();
  const std::lock_guard lock(mutex_);
  sealed_ = std::move(sealed);
  seals_done_ = asked;
  seal_done_.notify_all();
}

Status LocalJournal::seal_segment() {
  if (!writer_.is_open()) return Error(Code::unavailable, "the journal has no open segment now", "try again later");
  const auto newest = table_.newest();
  if (newest && newest->groups == 0) return {};
  // The first record of the next segment: the first that waits, or the next that will.
  const auto has_records = [](const Waiting& waiting) { return !waiting.batch.empty(); };
  const auto first = std::find_if(working_.begin() + static_cast<ptrdiff_t>(working_at_), working_.end(), has_records);
  Sequence next;
  if (first != working_.end()) {
    next = first->first;
  } else {
    const std::lock_guard lock(mutex_);
    const auto arrived = std::find_if(incoming_.begin(), incoming_.end(), has_records);
    next = arrived != incoming_.end() ? arrived->first : Sequence{next_sequence_};
  }
  const Status opened = writer_.open_next(next);
  if (!opened && !writer_.is_open()) open_again_at_ = clock_.steady_micros();
  TRY(opened);
  const std::lock_guard lock(mutex_);
  room_ = writer_.room();
  return {};
}

// Puts as many batches into the group as it may hold; returns the place in working_ behind the last.
size_t LocalJournal::build_group() {
  group_.clear();
  const uint64_t room = writer_.room();
  size_t at = working_at_;
  for (; at < working_.size(); ++at) {
    Batch& batch = working_[at].batch;
    if (batch.empty()) continue;
    const uint64_t payload = group_.payload_bytes() + batch.bytes();
    if (group_.records() > 0 && (payload > options_.group_bytes_max || group_bytes_on_disk(payload) > room)) break;
    group_.add(BatchAccess::framed(batch), batch.count());
  }
  return at;
}

Status LocalJournal::write_group() {
  const auto first = std::find_if(working_.begin() + static_cast<ptrdiff_t>(working_at_), working_.end(),
                                  [](const Waiting& waiting) { return !waiting.batch.empty(); });
  const int64_t started = clock_.steady_micros();
  TRY(writer_.write_group(group_, first->first));
  const int64_t took = clock_.steady_micros() - started;
  sync_micros_ = sync_micros_ == 0 ? took : (7 * sync_micros_ + took) / 8;
  numbers_.sync_seconds.observe(static_cast<double>(took) / 1e6);
  numbers_.group_records.observe(group_.records());
  numbers_.groups.add();
  numbers_.records.add(group_.records());
  numbers_.bytes.add(group_bytes_on_disk(group_.payload_bytes()));
  return {};
}

void LocalJournal::finish_group(size_t end) {
  uint64_t memory_bytes = 0;
  uint64_t disk_bytes = 0;
  for (size_t at = working_at_; at < end; ++at) {
    memory_bytes += working_[at].memory_bytes;
    disk_bytes += working_[at].disk_bytes;
  }
  {
    const std::lock_guard lock(mutex_);
    queued_bytes_ -= memory_bytes;
    queued_disk_bytes_ -= disk_bytes;
    room_ = writer_.room();
    expected_ = (end - working_at_) + incoming_.size();
  }
  const Status durable;
  for (; working_at_ < end; ++working_at_) {
    Waiting waiting = std::move(working_[working_at_]);
    if (waiting.done) waiting.done(durable);
  }
}

// Nothing that waits can succeed any more: refuse new appends, answer every waiting one in order, open a new segment if
// this one is poisoned, and only then accept again.
void LocalJournal::fail_all(const Error& reason, bool is_poisoned) {
  if (is_poisoned) {
    numbers_.syncs_failed.add();
    log_event(Level::error, "journal.segment_poisoned",
              {{"segment", writer_.number()}, {"durable_groups", writer_.tail().groups}, {"reason", reason.message}});
  }
  std::vector<Waiting> failed;
  uint64_t next_sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    refusal_ = Error(Code::unavailable, "the journal is answering appends that failed: " + reason.message,
                     "try again in a moment");
    failed.assign(std::make_move_iterator(working_.begin() + static_cast<ptrdiff_t>(working_at_)),
                  std::make_move_iterator(working_.end()));
    failed.insert(failed.end(), std::make_move_iterator(incoming_.begin()), std::make_move_iterator(incoming_.end()));
    incoming_.clear();
    queued_bytes_ = 0;
    queued_disk_bytes_ = 0;
    next_sequence = next_sequence_;
  }
  working_.clear();
  working_at_ = 0;
  // The segment is sound, there is only no next one: it keeps which numbers are used up.
  const bool is_sound = !is_poisoned && writer_.is_open() && writer_.write_gap({next_sequence}).has_value();
  const Code code = reason.code == Code::no_space ? Code::no_space : Code::io;
  const Status answer =
      Error(code, "the journal could not write it: " + reason.message, "it is not stored; send it again");
  for (Waiting& waiting : failed) {
    if (waiting.done) waiting.done(answer);
  }
  if (!is_sound) {
    open_again_at_ = clock_.steady_micros();
    open_again();
    return;
  }
  const std::lock_guard lock(mutex_);
  refusal_.reset();
  room_ = writer_.room();
}

void LocalJournal::open_again() {
  if (open_again_at_ && clock_.steady_micros() < *open_again_at_) return;
  uint64_t next_sequence = 0;
  {
    const std::lock_guard lock(mutex_);
    next_sequence = next_sequence_;
  }
  const Status opened = writer_.open_next({next_sequence});
  const std::lock_guard lock(mutex_);
  if (opened) {
    open_again_at_.reset();
    refusal_.reset();
    room_ = writer_.room();
    return;
  }
  open_again_at_ = clock_.steady_micros() + SpareSegment::kRetry.micros;
  const bool is_full = opened.error().code == Code::no_space;
  refusal_ = Error(is_full ? Code::no_space : Code::unavailable, "the journal cannot write: " + opened.error().message,
                   "it tries again every second");
}

}  // namespace weir::journal
