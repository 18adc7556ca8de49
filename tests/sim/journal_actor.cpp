#include "journal_actor.h"

#include <algorithm>

namespace weir::sim {

using journal::Sequence;

namespace {

constexpr const char* kFolder = "/weir/journal";

}  // namespace

JournalActor::JournalActor(World& world)
    : world_(world), ledger_([&world](const std::string& what) { world.problem("journal: " + what); }) {
  options_.folder = kFolder;
  options_.segment_bytes = (32 + 16 * world.below(4)) << 10;
  options_.queued_bytes_max = 24 << 10;
  options_.group_bytes_max = (4 + 4 * world.below(3)) << 10;
  options_.own_thread = false;
}

bool JournalActor::start(Process& process) {
  waiting_.clear();
  auto opened = journal::Journal::open(process.files(), world_.clock, process.metrics(), options_);
  if (!opened) {
    const Code code = opened.error().code;
    const bool is_known = code == Code::io || code == Code::no_space || world_.bits_flipped > 0;
    if (!is_known) world_.problem("journal: it did not open: " + opened.error().text());
    if (process.metrics().read("weir_journal_damages_total").value_or(0) > 0) was_damage_reported_ = true;
    return false;
  }
  journal_ = std::move(*opened);
  take_inventory();
  follower_ = *journal_->read_from({1});
  return true;
}

// Reads everything there is, from the beginning, and compares.
void JournalActor::take_inventory() {
  const journal::Recovery& recovery = journal_->recovery();
  durable_end_ = journal_->durable_end().value;
  ledger_.begin_inventory(recovery.next.value, durable_end_);
  auto reader = *journal_->read_from({1});
  while (true) {
    const uint64_t from = reader->position().value;
    auto group = reader->next_group();
    if (!group) {
      if (group.error().code != Code::corrupt) {  // the power went: the next start takes the inventory
        was_damage_reported_ = was_damage_reported_ || !recovery.damage.empty();
        return;
      }
      ledger_.named_corrupt(from, reader->position().value);
      continue;
    }
    if (group->empty()) break;
    for (const journal::Entry& entry : *group) ledger_.found(entry.sequence.value, entry.bytes);
  }
  Ledger::Excuses excuses;
  excuses.damage_was_done = world_.bits_flipped > 0;
  excuses.was_reported_before = was_damage_reported_;
  excuses.false_alarms = world_.syncs_failed > 0;
  for (const journal::Damage& damage : recovery.damage) {
    excuses.tail_was_cut = excuses.tail_was_cut || damage.cut || damage.segment != "released";
    if (!damage.cut && !excuses.damage_was_done && !excuses.false_alarms) {
      world_.problem("journal: a start called " + damage.segment + " damaged (" + damage.what + "), and nothing was");
    }
  }
  is_provisional_ = journal_->stats().full && world_.syncs_failed > 0;
  excuses.is_provisional = is_provisional_;
  ledger_.end_inventory(excuses);
  was_damage_reported_ = false;
}

void JournalActor::step() {
  const uint64_t what = world_.below(100);
  if (what < 45) {
    append();
  } else if (what < 75) {
    run_some_groups();
  } else if (what < 90) {
    follow();
  } else if (what < 93) {
    release();
  } else {
    world_.clock.advance(milliseconds(static_cast<int64_t>(world_.below(1500))));
  }
  const uint64_t durable_end = journal_->durable_end().value;
  if (durable_end < durable_end_) world_.problem("journal: the durable end went back");
  durable_end_ = durable_end;
}

void JournalActor::append() {
  auto append = std::make_shared<Append>();
  journal::Batch batch;
  const uint64_t count = world_.chance(1, 12) ? 0 : 1 + world_.below(4);  // 0: a barrier
  for (uint64_t i = 0; i < count; ++i) {
    const size_t size = world_.chance(1, 10) ? world_.below(9000) : world_.below(200);
    append->records.push_back(std::to_string(++record_number_) + ":" + world_.bytes(size));
    batch.add(append->records.back());
  }
  waiting_.push_back(append);
  const auto first =
      journal_->append(std::move(batch), [this, append](const Status& status) { complete(append, status); });
  if (!first) {
    waiting_.pop_back();
    const Code code = first.error().code;
    if (code != Code::busy && code != Code::no_space && code != Code::unavailable && code != Code::too_large) {
      world_.problem("journal: an append was refused in an unknown way: " + first.error().text());
    }
    return;
  }
  append->first = first->value;
  ledger_.appended(first->value, append->records);
}

void JournalActor::complete(const std::shared_ptr<Append>& append, const Status& status) {
  if (waiting_.empty() || waiting_.front() != append) {
    world_.problem("journal: appends were answered out of order or twice");
    return;
  }
  waiting_.pop_front();
  if (status) {
    is_provisional_ = is_provisional_ && append->records.empty();
    ledger_.acknowledged(append->first, append->records);
    acknowledged_ += append->records.size();
  } else {
    ledger_.failed(append->first, append->records.size());
    failed_ += append->records.size();
  }
}

void JournalActor::run_some_groups() {
  const uint64_t groups = 1 + world_.below(4);
  for (uint64_t i = 0; i < groups && journal_->run_once(); ++i) {
  }
}

void JournalActor::follow() {
  const auto group = follower_->next_group();
  if (!group) {
    const bool is_known = group.error().code == Code::io || world_.bits_flipped + world_.syncs_failed > 0;
    if (!is_known) world_.problem("journal: the follower met " + group.error().text());
    return;
  }
  if (is_provisional_) return;
  for (const journal::Entry& entry : *group) ledger_.shown(entry.sequence.value, entry.bytes);
}

void JournalActor::release() {
  const uint64_t below = follower_->position().value;
  ledger_.released(below);  // from now on they may be gone
  const Status released = journal_->release({below});
  const bool is_known = released || released.error().code == Code::io || released.error().code == Code::no_space;
  if (!is_known) world_.problem("journal: release() failed: " + released.error().text());
}

void JournalActor::stop() {
  follower_.reset();
  journal_.reset();
}

void JournalActor::finish() {
  for (int i = 0; i < 10; ++i) {
    append();
    world_.clock.advance(seconds(2));
    while (journal_->run_once()) {
    }
  }
  if (!waiting_.empty()) world_.problem("journal: appends were never answered");
}

}  // namespace weir::sim
