#include "event_book.h"

namespace weir::sim {

using capture::Outcome;

void EventBook::sent(const Sent& record) {
  // A well-formed record may end in quarantine too: as a conflict.
  ++maybe_quarantined_[record.text];
  if (!record.malformed) ++events_[record.number].maybe[record.content];
}

// The attempt never reached the journal.
void EventBook::withdraw(const Sent& record) {
  if (--maybe_quarantined_[record.text] == 0) maybe_quarantined_.erase(record.text);
  if (record.malformed) return;
  Event& event = events_[record.number];
  if (auto at = event.maybe.find(record.content); at != event.maybe.end() && --at->second == 0) event.maybe.erase(at);
}

void EventBook::not_taken(const Sent& record) {
  ++refused_;
  withdraw(record);
}

void EventBook::answered(const Sent& record, const capture::Verdict& verdict, bool at_once) {
  switch (verdict.outcome) {
    case Outcome::refused:
      ++refused_;
      if (at_once) withdraw(record);
      return;
    case Outcome::quarantined: {
      ++quarantined_;
      if (verdict.code == "conflict") {
        const Event& event = events_[record.number];
        if (event.settled == record.content && !event.excused) {
          problem_(name(record.number) + " was sent again and called a conflict");
        }
      } else if (!record.malformed) {
        problem_(name(record.number) + " fits and was quarantined: " + verdict.code + ", " + verdict.message);
      }
      Entry& entry = entries_[verdict.id];
      if (!entry.text.empty() && entry.text != record.text) {
        problem_("two quarantined records were answered with the id " + verdict.id);
      }
      entry.text = record.text;
      return;
    }
    case Outcome::accepted:
    case Outcome::duplicate:
      if (record.malformed) {
        problem_("a malformed record was taken: " + record.text);
        return;
      }
      accept(record, events_[record.number], verdict.outcome);
  }
}

void EventBook::accept(const Sent& record, Event& event, Outcome outcome) {
  outcome == Outcome::accepted ? ++acknowledged_ : ++duplicates_;
  if (event.excused) return;
  if (event.settled && *event.settled != record.content) {
    problem_(name(record.number) + " was answered as " + (outcome == Outcome::accepted ? "accepted" : "duplicate") +
             " with another payload than the one that is kept");
    return;
  }
  if (event.settled && outcome == Outcome::accepted) {
    problem_(name(record.number) + " was accepted a second time");
    return;
  }
  event.settled = record.content;
}

void EventBook::seen(const Row& row) {
  const auto note = [&row](auto& thing) {
    thing.sequence = row.sequence;
    thing.table = row.table;
    thing.day = row.day;
  };
  if (row.is_mark) return;
  if (!row.quarantined) {
    note(events_[row.number]);
  } else if (const auto entry = entries_.find(row.id); entry != entries_.end()) {
    note(entry->second);
  }
}

bool EventBook::is_excused(const Found& found, const std::optional<uint64_t>& sequence) {
  if (found.unknown_damage) return true;
  if (!sequence) return !found.damaged.empty() || found.cut_at;
  if (found.cut_at && *sequence >= *found.cut_at) return true;
  return is_in(found.damaged, *sequence);
}

bool EventBook::is_in(const Ranges& ranges, uint64_t sequence) {
  for (const auto& [from, until] : ranges) {
    if (sequence >= from && sequence < until) return true;
  }
  return false;
}

void EventBook::damaged(const Ranges& ranges) {
  if (ranges.empty()) return;
  for (auto& [number, event] : events_) {
    if (event.sequence && is_in(ranges, *event.sequence)) event.excused = true;
  }
  for (auto& [id, entry] : entries_) {
    if (entry.sequence && is_in(ranges, *entry.sequence)) entry.excused = true;
  }
}

void EventBook::check(const Found& found) {
  for (auto& [number, event] : events_) event.excused = event.excused || is_excused(found, event.sequence);
  for (auto& [id, entry] : entries_) entry.excused = entry.excused || is_excused(found, entry.sequence);
  for (const Row& row : found.rows) seen(row);
  check_events(found);
  check_quarantine(found);
}

void EventBook::check_events(const Found& found) {
  std::map<uint64_t, std::vector<const Row*>> rows;
  for (const Row& row : found.rows) {
    if (!row.quarantined && !row.is_mark) rows[row.number].push_back(&row);
  }
  for (auto& [number, copies] : rows) {
    const auto known = events_.find(number);
    if (known == events_.end()) {
      problem_(name(number) + " is there and was never sent");
      continue;
    }
    Event& event = known->second;
    if (event.excused) continue;
    if (event.is_past) problem_(name(number) + " came back after retention had removed it");
    if (copies.size() > 1) {
      problem_(name(number) + " is doubled: sequences " + std::to_string(copies[0]->sequence) + " and " +
               std::to_string(copies[1]->sequence));
    }
    const std::string& content = copies[0]->content;
    if (event.settled ? *event.settled != content : event.maybe.count(content) == 0) {
      problem_(name(number) + " is there as it was not sent, or was refused or gone before: \"" +
               content.substr(0, 24) + "\"");
    }
  }
  for (auto& [number, event] : events_) {
    const auto at = rows.find(number);
    if (at == rows.end()) {
      if (event.settled && is_past(found, event)) {
        event.is_past = true;
      } else if (event.settled && !event.excused) {
        problem_(name(number) + " was acknowledged or shown, and is lost; its sequence was " +
                 std::to_string(event.sequence.value_or(0)));
        event.excused = true;  // said once
      }
    } else if (!found.is_provisional || at->second[0]->sequence < found.cursor) {
      event.settled = at->second[0]->content;
    }
    if (found.is_start && !found.is_provisional) event.maybe.clear();
  }
}

void EventBook::check_quarantine(const Found& found) {
  std::map<std::string, int> by_id, unknown;
  for (const Row& row : found.rows) {
    if (!row.quarantined) continue;
    if (++by_id[row.id] == 2 && !found.index_is_damaged) problem_("quarantine entry " + row.id + " is doubled");
    const auto known = entries_.find(row.id);
    if (known != entries_.end()) {
      if (known->second.is_past) problem_("quarantine entry " + row.id + " came back after retention had removed it");
      if (known->second.text != row.content) problem_("quarantine entry " + row.id + " holds another record");
      continue;
    }
    const auto maybe = maybe_quarantined_.find(row.content);
    if (maybe == maybe_quarantined_.end() || ++unknown[row.content] > maybe->second) {
      problem_("quarantine entry " + row.id + " was never sent so, or was refused or gone before");
    }
    if (!found.is_provisional || row.sequence < found.cursor)
      entries_[row.id] = {row.content, row.sequence, false, row.table, row.day};
  }
  for (auto& [id, entry] : entries_) {
    if (by_id.count(id) != 0 || entry.excused) continue;
    if (is_past(found, entry)) {
      entry.is_past = true;
      continue;
    }
    problem_("quarantine entry " + id + " was answered or shown, and is lost");
    entry.excused = true;
  }
  if (found.is_start && !found.is_provisional) maybe_quarantined_.clear();
}

}  // namespace weir::sim
