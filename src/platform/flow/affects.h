// Which days of a derived table a day of its input touches: what lateness affects.
//
//   affects: day, day-1          the day itself and the one before (a click is counted with the impression of
//   yesterday) affects: day..day+6          a sum over the seven days up to each day holds an input's day in seven
//   partitions affects: week                the Monday of its week       affects: month     the first of its month
//   affects: all                 any change touches every partition
//
// Days are counted from 1970-01-01; years 1 to 9999 exist, days outside of them are left out. Pure values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::flow {

inline constexpr int32_t kAffectsDaysMax = 366;  // how far `day-N` and `day+N` may reach
inline constexpr size_t kAffectsWordsMax = 16;

struct Affects {
  // Days of the table relative to the input's; both ends included.
  struct Days {
    int32_t first = 0;
    int32_t last = 0;
    friend bool operator==(const Days&, const Days&) = default;
  };
  std::vector<Days> days = {Days{}};  // in order, neither overlapping nor adjacent
  bool week = false;
  bool month = false;
  bool all = false;  // then there is nothing else

  // The days of the table that a change of the input in `input_day` touches, in order. Not for `all`.
  std::vector<int32_t> days_of(int32_t input_day) const;
  // Its inverse: the days of the input that the table's day is made of, in order. Not for `all`.
  std::vector<int32_t> input_days_for(int32_t table_day) const;

  friend bool operator==(const Affects&, const Affects&) = default;
};

// `day`, `day-1`, `day+2`, `day-2..day+1`, `week`, `month`, `all`, one word each. At least one word.
Result<Affects> affects_of(const std::vector<std::string>& words);
// The same rule in its shortest words; affects_of() reads them back.
std::vector<std::string> words_of(const Affects& affects);

}  // namespace weir::flow
