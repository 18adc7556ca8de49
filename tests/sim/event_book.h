// The book about events, kept outside of the program: what was sent, how it was answered, against what is found in the
// lake and in the journal's tail behind it.
//
// Rules: an event answered as accepted or duplicate is found exactly once, with its content; one that was refused
// before it reached the journal is not found; of all others at most one copy is, and what a start found stays. A resend
// of what is known is a duplicate, with another payload a conflict. A quarantined record is found exactly once under
// the id it was answered with. Losses are excused only in places that the program itself named damaged, after a bit was
// flipped. Pure bookkeeping: it never touches the program.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "stream/capture/capture.h"

namespace weir::sim {

// A record as it was sent. `number` names the event over all its resends; each content is sent under one number only.
struct Sent {
  uint64_t number = 0;
  std::string content;
  std::string text;        // the whole record as JSON
  bool malformed = false;  // must not be accepted
};

// A record as it is found, in a table's file, an archive, or the journal.
struct Row {
  uint64_t sequence = 0;
  std::string table = {}, id = {};
  bool quarantined = false;
  bool is_mark = false;      // of a load: neither an event nor quarantined
  uint64_t number = 0;       // of an accepted one
  std::string content = {};  // quarantined: the text as it was sent; a mark: "FILE FROM THROUGH"
  int32_t day = 0;           // of the event, else of its arrival
  friend bool operator==(const Row&, const Row&) = default;
};

class EventBook {
 public:
  using Problem = std::function<void(const std::string&)>;
  explicit EventBook(Problem problem) : problem_(std::move(problem)) {}

  void sent(const Sent& record);
  // `at_once`: before submit() returned, so a refused one never reached the journal.
  void answered(const Sent& record, const capture::Verdict& verdict, bool at_once);
  void not_taken(const Sent& record);  // submit() refused the whole request
  // Where a record lies in the journal, to know what a damaged place may hold.
  void seen(const Row& row);

  // The program cannot read these journal ranges (end excluded) any more, and says so: what they hold is excused.
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
  void damaged(const Ranges& ranges);

  struct Found {
    std::vector<Row> rows;           // committed files and the journal behind the cursor
    uint64_t cursor = 1;             // what lies below is in committed files
    bool is_start = true;            // nothing is under way: what is not found now must never appear
    Ranges damaged;                  // named by journal or catalog, each after a bit was flipped
    std::optional<uint64_t> cut_at;  // a reported cut: what lies at or beyond may be gone
    bool unknown_damage = false;     // a start that did not get to its end reported damage
    bool is_provisional = false;     // what only the journal holds and nobody was told of may still go
    bool index_is_damaged = false;   // bits were flipped: an entry that was excused may have been written again
    std::map<std::string, int32_t> retained_from = {};  // by table: rows of earlier days may be gone, for good
  };
  void check(const Found& found);

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t quarantined() const { return quarantined_; }
  uint64_t refused() const { return refused_; }

 private:
  struct Event {
    std::map<std::string, int> maybe;    // contents that may be on disk, with the number of their attempts
    std::optional<std::string> settled;  // must be found
    std::optional<uint64_t> sequence;
    bool excused = false;
    std::string table = {};  // where it was seen
    int32_t day = 0;
    bool is_past = false;  // retention took it
  };
  struct Entry {  // of a quarantine
    std::string text;
    std::optional<uint64_t> sequence;
    bool excused = false;
    std::string table = {};
    int32_t day = 0;
    bool is_past = false;
  };
  template <class Thing>
  static bool is_past(const Found& found, const Thing& thing) {
    const auto from = found.retained_from.find(thing.table);
    return thing.sequence && from != found.retained_from.end() && thing.day < from->second;
  }
  static std::string name(uint64_t number) { return "event " + std::to_string(number); }
  void accept(const Sent& record, Event& event, capture::Outcome outcome);
  void withdraw(const Sent& record);
  void check_events(const Found& found);
  void check_quarantine(const Found& found);
  static bool is_in(const Ranges& ranges, uint64_t sequence);
  static bool is_excused(const Found& found, const std::optional<uint64_t>& sequence);

  const Problem problem_;
  std::map<uint64_t, Event> events_;
  std::map<std::string, Entry> entries_;          // by id: must be found
  std::map<std::string, int> maybe_quarantined_;  // by text: attempts that may be on disk
  uint64_t acknowledged_ = 0, duplicates_ = 0, quarantined_ = 0, refused_ = 0;
};

}  // namespace weir::sim
