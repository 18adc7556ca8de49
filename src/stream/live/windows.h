// The windows of one declaration: folded from records one by one, merged with what the lake counted before, read, and
// kept as bytes.
//
// Folding is exact and, but for sums of floating-point numbers and the choice of keys beyond keys_max, does not depend
// on the order of records: whether a record is late is decided by its own event time and arrival, never by a clock. So
// a checkpoint plus the records behind it give what a clean fold of all records gives. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "stream/capture/record.h"
#include "stream/live/plan.h"

namespace weir::live {

// What was measured so far; `count` values made it up. A count has no more than that.
struct Cell {
  uint64_t count = 0;
  int64_t whole = 0;  // sum, smallest or largest, scaled; or
  double real = 0;
};

struct Row {
  uint64_t events = 0;
  uint64_t late = 0;
  int64_t corrected_at = 0;  // arrival of the newest late one; 0: none
  uint64_t changed = 0;      // sequence of the newest record in it
  std::vector<Cell> cells;
};

// By encoded key (encode_key()).
struct KeyHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
};
using Rows = std::unordered_map<std::string, Row, KeyHash, std::equal_to<>>;
struct Window {
  Rows rows;
  uint64_t changed = 0;
};

// A key's values, or nothing for null. The row of all keys beyond keys_max has a key of its own.
using Key = std::vector<std::optional<std::string>>;
std::string encode_key(const Key& key);
Key decode_key(std::string_view encoded);
inline constexpr std::string_view kOtherKey = "\x02";

// Records that a window does not show, by stream, reason and field: a quarantined one's code ("wrong_type"),
// "too_late", "missing_field", "not_a_number", "too_many_keys", "key_too_long", "sum_overflow", "unreadable".
struct MisfitPlace {
  std::string stream, reason, field;
  friend auto operator<=>(const MisfitPlace&, const MisfitPlace&) = default;
};
struct Misfit {
  uint64_t count = 0;
  int64_t last_at = 0;  // arrival
  uint64_t last_sequence = 0;
};
using Misfits = std::map<MisfitPlace, Misfit>;

// What the lake counted of one window and key, up to some sequence.
struct CountedRow {
  int64_t window = 0;
  std::string key;     // encoded
  uint64_t first = 0;  // its first sequence, which decides who is among keys_max
  Row row;
};
struct Counted {
  std::vector<CountedRow> rows;
  Misfits misfits;
};

int64_t window_of(int64_t micros, Duration size);  // rounded toward the past

class Windows {
 public:
  explicit Windows(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}
  const Plan& plan() const { return *plan_; }
  // Another one of the same shape.
  void set_plan(std::shared_ptr<const Plan> plan) { plan_ = std::move(plan); }

  // One record of plan().sources[source], whose reader is given.
  void fold(size_t source, FieldReader& reader, uint64_t sequence, const capture::Record& record);
  // What was counted elsewhere of records that were not folded.
  void merge(Counted counted);
  // Windows that had ended `keep` before `now` are forgotten, and never come back.
  void forget_before(int64_t now);

  const std::map<int64_t, Window>& all() const { return windows_; }
  const Misfits& misfits() const { return misfits_; }
  int64_t floor() const { return floor_; }       // the oldest window that may be there
  uint64_t changed() const { return changed_; }  // sequence of the newest record that changed anything
  uint64_t rows() const { return rows_; }
  uint64_t late() const { return late_; }  // since counting began
  uint64_t events() const { return events_; }
  uint64_t misfit_count() const { return misfit_count_; }

  // The bytes of all of it, for the same shape of plan. `corrupt` if they are something else.
  void encode(std::string& into) const;
  static Result<Windows> decode(std::shared_ptr<const Plan> plan, std::string_view bytes);

 private:
  Row* row_of(Window& window, std::string_view key, size_t source, uint64_t sequence, int64_t arrived_at);
  // The row's key in key_; false: it has no place, as was counted.
  bool make_key(const Source& source, const FieldReader& reader, uint64_t sequence, int64_t arrived_at);
  void add_value(const Source& source, const Source::Input& input, const FieldReader& reader, Cell& cell,
                 uint64_t sequence, int64_t arrived_at);
  void note(const std::string& stream, const char* reason, const std::string& field, uint64_t sequence, int64_t at);
  void merge_row(Row& into, const Row& from);
  bool add_exact(const CellPlan& plan, Cell& into, uint64_t count, int64_t whole) const;

  std::shared_ptr<const Plan> plan_;
  std::map<int64_t, Window> windows_;
  Misfits misfits_;
  int64_t newest_arrival_ = INT64_MIN;
  int64_t floor_ = INT64_MIN;
  uint64_t changed_ = 0, rows_ = 0, late_ = 0, events_ = 0, misfit_count_ = 0;
  std::string key_;  // being made
};

}  // namespace weir::live
