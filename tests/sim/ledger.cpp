#include "ledger.h"

#include <algorithm>

namespace weir::sim {

namespace {

std::string name(uint64_t sequence) {
  return "record " + std::to_string(sequence);
}
std::string brief(std::string_view bytes) {
  return "\"" + std::string(bytes.substr(0, 24)) + "\"";
}

}  // namespace

void Ledger::appended(uint64_t first, const std::vector<std::string>& records) {
  if (first < used_up_)
    problem_(name(first) + " was given, though numbers below " + std::to_string(used_up_) + " are used up");
  if (has_failed_) used_up_ = std::max(used_up_, first);
  has_failed_ = false;
  for (const std::string& record : records) {
    if (settled_.count(first) != 0) problem_(name(first) + " was given a second time");
    possible_[first++].push_back(record);
  }
}

void Ledger::acknowledged(uint64_t first, const std::vector<std::string>& records) {
  for (const std::string& record : records) {
    const auto known = settled_.find(first);
    if (known != settled_.end() && known->second != record)
      problem_(name(first) + " was acknowledged and shown with other bytes");
    settled_[first] = record;
    possible_.erase(first);
    ++first;
  }
  used_up_ = std::max(used_up_, first);
}

void Ledger::failed(uint64_t first, uint64_t count) {
  for (uint64_t sequence = first; sequence < first + count; ++sequence) {
    if (settled_.count(sequence) != 0) problem_(name(sequence) + " failed after it was shown or acknowledged");
  }
  has_failed_ = true;
}

void Ledger::released(uint64_t below) {
  released_ = std::max(released_, below);
}

void Ledger::shown(uint64_t sequence, std::string_view bytes) {
  check_found(sequence, bytes);
  settled_[sequence] = std::string(bytes);
  possible_.erase(sequence);
  used_up_ = std::max(used_up_, sequence + 1);
}

void Ledger::check_found(uint64_t sequence, std::string_view bytes) {
  const auto known = settled_.find(sequence);
  if (known != settled_.end()) {
    if (known->second != bytes)
      problem_(name(sequence) + " has other bytes: " + brief(bytes) + " for " + brief(known->second));
    return;
  }
  const auto maybe = possible_.find(sequence);
  if (maybe == possible_.end() || std::find(maybe->second.begin(), maybe->second.end(), bytes) == maybe->second.end()) {
    problem_(name(sequence) + " was never appended so, or was gone before: " + brief(bytes));
  }
}

void Ledger::begin_inventory(uint64_t next, uint64_t durable_end) {
  inventory_.clear();
  corrupt_.clear();
  last_found_ = 0;
  durable_end_ = durable_end;
  if (next < used_up_) {
    problem_("the next number is " + std::to_string(next) + ", though those below " + std::to_string(used_up_) +
             " are used up");
  }
  if (next < durable_end) problem_("the next number lies before the durable end");
}

void Ledger::found(uint64_t sequence, std::string_view bytes) {
  if (sequence <= last_found_) problem_(name(sequence) + " was read after " + name(last_found_));
  if (sequence >= durable_end_) problem_(name(sequence) + " was read beyond the durable end");
  last_found_ = std::max(last_found_, sequence);
  check_found(sequence, bytes);
  inventory_[sequence] = std::string(bytes);
}

void Ledger::named_corrupt(uint64_t from, uint64_t until) {
  corrupt_.emplace_back(from, until);
}

void Ledger::end_inventory(const Excuses& excuses) {
  const auto is_excused = [&](uint64_t sequence) {
    if (!excuses.damage_was_done) return false;
    if (excuses.was_reported_before) return true;
    if (excuses.tail_was_cut && sequence >= durable_end_) return true;
    return std::any_of(corrupt_.begin(), corrupt_.end(),
                       [&](const auto& range) { return sequence >= range.first && sequence < range.second; });
  };
  if (!corrupt_.empty() && !excuses.damage_was_done && !excuses.false_alarms) {
    problem_("records from " + std::to_string(corrupt_.front().first) +
             " were called corrupt, and nothing was damaged");
  }
  for (auto at = settled_.begin(); at != settled_.end();) {
    const bool is_found = inventory_.count(at->first) != 0;
    if (!is_found && at->first >= released_ && !is_excused(at->first)) {
      problem_(name(at->first) + " was acknowledged or shown, and is lost: " + brief(at->second));
    }
    // What was released may come back as long as it can be told from something else.
    at = is_found || at->first < released_ ? std::next(at) : settled_.erase(at);
  }
  // What this start did not show is gone for good; what it showed stays.
  if (excuses.is_provisional) return;
  possible_.clear();
  for (auto& [sequence, bytes] : inventory_) {
    settled_[sequence] = std::move(bytes);
    used_up_ = std::max(used_up_, sequence + 1);
  }
  inventory_.clear();
}

}  // namespace weir::sim
