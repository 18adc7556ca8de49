// A criterion: what makes a result worth a word. Written in one of three ways, all of them found in the reviews that
// exist:
//
//   tbl_rows > 5000000 and stats_off > 10            a condition (expression.h): the rows for which it is true
//   select * from df where skew > (select …)         a SELECT over the result as table df: the rows that it gives
//   select sum(slots) from df || > 20                a SELECT of one value, and what it is compared with
//   skip …                                           switched off
//
// SELECTs are answered by SQLite, in memory, which may read df and nothing else, for at most kSelectTimeMax and
// kSelectRowsMax rows. A value of null is compared with nothing: the criterion is not met.
//
// Pure, but for the time a SELECT takes; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/expression.h"
#include "analysis/review/frame.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace weir::review {

inline constexpr Duration kSelectTimeMax = seconds(5);
inline constexpr size_t kSelectRowsMax = 100'000;

struct Match {
  bool is_met = false;
  // Of a condition or SELECT of rows: how many; of a single value that is met: 1.
  uint64_t count = 0;
  Frame evidence;                     // the rows; of a single value the row that holds it
  std::optional<engine::Cell> value;  // of a SELECT of one value
};

class Criterion {
 public:
  // `invalid`, with line and column in the text.
  static Result<Criterion> parse(std::string_view text);

  bool is_off() const { return is_off_; }
  bool is_of_value() const { return comparison_.has_value(); }
  // What it cannot be computed with is an error: not_found (a column), invalid, timed_out, too_large.
  Result<Match> match(const Frame& frame) const;

 private:
  bool is_off_ = false;
  std::optional<Expression> condition_;
  std::string select_;
  std::optional<Expression> comparison_;
};

// The answer of a SELECT over `frame` as table df.
Result<Frame> select_from(const Frame& frame, const std::string& select);
// Whether it is one, as far as that can be told without the frame.
Status check_select(const std::string& select);

}  // namespace weir::review
