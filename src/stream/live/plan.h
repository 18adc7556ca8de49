// Live windows bound to the streams they measure: which fields of a record are read, as what, and into which cell of a
// row they go. Made once per declaration and apply, immutable afterwards.
//
// A FieldReader reads those fields of a payload and no others; it stops when it has them all. It belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/columns.h"
#include "stream/capture/capture.h"
#include "stream/capture/json_scanner.h"
#include "stream/capture/stream_plan.h"
#include "stream/live/declaration.h"

namespace weir::live {

// A number that a row holds for one measure that is no ratio. Integers and decimals are exact (`whole`, scaled by
// 10^scale), numbers are `real`.
struct CellPlan {
  MeasureKind kind = MeasureKind::count;
  bool is_exact = true;
  int scale = 0;
};

inline constexpr size_t kNoField = SIZE_MAX;

// One stream's share of a declaration.
struct Source {
  struct Input {
    size_t cell = 0;
    size_t field = kNoField;  // in `fields`; none: events are counted
    bool tells = false;       // counts what lacks the field: the first of the measures that read its number
  };
  std::string stream;
  std::string time_field;  // empty: the arrival is the event's time
  bool time_is_date = false;
  uint32_t number = 0;
  std::vector<capture::Field> fields;  // those that are read
  std::vector<size_t> keys;            // in `fields`, in the declaration's order
  std::vector<Input> inputs;
};

struct Plan {
  std::shared_ptr<const Declaration> live;
  std::vector<Source> sources;
  std::vector<CellPlan> cells;
  std::vector<size_t> cell_of;  // by measure; kNoField for a ratio
  // Everything that decides what the windows hold, as text: kept windows of another shape are of no use.
  std::string shape;

  size_t measure(std::string_view name) const;  // CHECKs that it is there
};

// `errors` say what is missing or does not fit, without places: the plan of an apply gives them to its declaration.
struct Binding {
  std::shared_ptr<const Plan> plan;  // only if there are no errors
  std::vector<Error> errors;
};
Binding bind_live(std::shared_ptr<const Declaration> live, const std::vector<capture::AppliedStream>& streams);

// The columns of its table in SQL: window_start, keys, measures, late, corrected_at.
std::vector<engine::Column> table_columns(const Plan& plan);

struct FieldValue {
  enum class State : uint8_t { absent, null, exact, real, text, misfit };
  State state = State::absent;
  int64_t whole = 0;
  double real = 0;
  std::string_view text;  // lives until the next read
};

class FieldReader {
 public:
  explicit FieldReader(const Source& source);  // which outlives it
  FieldReader(const FieldReader&) = delete;    // values point into its texts
  FieldReader& operator=(const FieldReader&) = delete;
  // `corrupt` if the payload is no object any more (it was judged before, so that is damage).
  Status read(std::string_view payload);
  const FieldValue& value(size_t field) const { return values_[field]; }

 private:
  bool read_object();
  bool read_member(uint16_t& expected, size_t& missing);
  bool read_value(size_t field);
  void take_text(size_t field, const capture::JsonScanner::Text& text);
  void take_number(size_t field, const capture::JsonScanner::Number& number);
  void take_default(size_t field);

  const Source& source_;
  capture::ObjectPlan names_;
  std::vector<FieldValue> values_, defaults_;
  std::vector<bool> is_key_;
  std::vector<std::string> texts_, default_texts_;  // what values_ and defaults_ point into, by field
  std::string buffer_, scratch_;
  capture::JsonScanner scanner_;
};

}  // namespace weir::live
