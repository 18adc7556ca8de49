// A journal that is wrong on purpose between capture and the real one, to see that the checkers find it:
// Mutant::reply_before_sync answers appends at once, Mutant::forget_unsealed lets a start of capture read nothing, so
// that the deduplication index knows only what is sealed. With any other mutant it hands everything on.
#pragma once

#include <memory>
#include <utility>

#include "storage/journal/journal.h"
#include "world.h"

namespace weir::sim {

class MutantJournal final : public journal::Journal {
 public:
  MutantJournal(journal::Journal& real, Mutant mutant) : real_(real), mutant_(mutant) {}

  const journal::Recovery& recovery() const override { return real_.recovery(); }
  Result<journal::Sequence> append(journal::Batch batch, journal::Completion done) override {
    if (mutant_ != Mutant::reply_before_sync) return real_.append(std::move(batch), std::move(done));
    TRY_ASSIGN(const journal::Sequence first, real_.append(std::move(batch), [](const Status&) {}));
    done({});
    return first;
  }
  journal::Sequence durable_end() const override { return real_.durable_end(); }
  bool wait_past(journal::Sequence after, Duration limit) override { return real_.wait_past(after, limit); }
  Result<std::unique_ptr<journal::Reader>> read_from(journal::Sequence from) override {
    return real_.read_from(mutant_ == Mutant::forget_unsealed ? real_.durable_end() : from);
  }
  Status release(journal::Sequence below) override { return real_.release(below); }
  Status seal() override { return real_.seal(); }
  journal::Stats stats() const override { return real_.stats(); }
  Result<std::string> segment_of(journal::Sequence sequence) const override { return real_.segment_of(sequence); }
  bool run_once() override { return real_.run_once(); }

 private:
  journal::Journal& real_;
  const Mutant mutant_;
};

}  // namespace weir::sim
