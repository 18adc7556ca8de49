#include "platform/flow/affects.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::flow {
namespace {

constexpr int32_t kFirstDay = -719'162;  // 0001-01-01, a Monday
constexpr int32_t kLastDay = 2'932'896;  // 9999-12-31
constexpr int64_t kMicrosPerDay = days(1).micros;
constexpr const char* kExpected = "expected day, day-1, day+2, day-2..day+1, week, month or all";

bool exists(int64_t day) {
  return day >= kFirstDay && day <= kLastDay;
}

void add(std::set<int32_t>& into, int64_t first, int64_t last) {
  for (int64_t day = std::max<int64_t>(first, kFirstDay); day <= std::min<int64_t>(last, kLastDay); ++day) {
    into.insert(static_cast<int32_t>(day));
  }
}

int32_t monday_of(int32_t day) {
  const int32_t weekday = ((day - kFirstDay) % 7 + 7) % 7;  // 0 is Monday
  return day - weekday;
}

int32_t first_of_month(int32_t day) {
  return day - (civil_from_micros(day * kMicrosPerDay).day - 1);
}

int32_t days_of_month(int32_t first) {
  CivilTime civil = civil_from_micros(first * kMicrosPerDay);
  civil.month = civil.month % 12 + 1;
  if (civil.month == 1) return 31;
  return day_number(micros_from_civil(civil)) - first;
}

// `day`, `day-3`, `day+1`
std::optional<int32_t> offset_of(std::string_view word) {
  if (!word.starts_with("day")) return std::nullopt;
  word.remove_prefix(3);
  if (word.empty()) return 0;
  const bool is_back = word.front() == '-';
  if (!is_back && word.front() != '+') return std::nullopt;
  word.remove_prefix(1);
  int32_t count = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), count);
  const bool is_number =
      !word.empty() && word.front() != '-' && read.ec == std::errc() && read.ptr == word.data() + word.size();
  if (!is_number || count > kAffectsDaysMax) return std::nullopt;
  return is_back ? -count : count;
}

Error refused(std::string_view word) {
  std::string hint = kExpected;
  if (word.starts_with("day")) hint += "; at most " + std::to_string(kAffectsDaysMax) + " days away";
  return Error(Code::invalid, shown(word) + " is no day of a table", hint);
}

Result<Affects::Days> days_from(std::string_view word) {
  const size_t dots = word.find("..");
  const auto first = offset_of(word.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : offset_of(word.substr(dots + 2));
  if (!first || !last) return refused(word);
  if (*first > *last) {
    return Error(Code::invalid, shown(word) + " ends before it begins",
                 "write " + std::string(word.substr(dots + 2)) + ".." + std::string(word.substr(0, dots)));
  }
  return Affects::Days{*first, *last};
}

std::vector<Affects::Days> merged(std::vector<Affects::Days> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Affects::Days> out;
  for (const Affects::Days& one : ranges) {
    if (!out.empty() && one.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, one.last);
    } else {
      out.push_back(one);
    }
  }
  return out;
}

std::string word_of(int32_t offset) {
  if (offset == 0) return "day";
  return offset < 0 ? "day" + std::to_string(offset) : "day+" + std::to_string(offset);
}

}  // namespace

std::vector<int32_t> Affects::days_of(int32_t input_day) const {
  CHECK(!all, "with `all` there are no days to name");
  std::set<int32_t> out;
  if (!exists(input_day)) return {};
  for (const Days& range : days) add(out, int64_t{input_day} + range.first, int64_t{input_day} + range.last);
  if (week) out.insert(monday_of(input_day));
  if (month) out.insert(first_of_month(input_day));
  return {out.begin(), out.end()};
}

std::vector<int32_t> Affects::input_days_for(int32_t table_day) const {
  CHECK(!all, "with `all` there are no days to name");
  std::set<int32_t> out;
  if (!exists(table_day)) return {};
  for (const Days& range : days) add(out, int64_t{table_day} - range.last, int64_t{table_day} - range.first);
  if (week && monday_of(table_day) == table_day) add(out, table_day, int64_t{table_day} + 6);
  if (month && first_of_month(table_day) == table_day) {
    add(out, table_day, int64_t{table_day} + days_of_month(table_day) - 1);
  }
  return {out.begin(), out.end()};
}

Result<Affects> affects_of(const std::vector<std::string>& words) {
  if (words.empty()) return Error(Code::invalid, "no day is named", kExpected);
  if (words.size() > kAffectsWordsMax) {
    return Error(Code::too_large,
                 std::to_string(words.size()) + " words, allowed are " + std::to_string(kAffectsWordsMax),
                 "days in a row are one: day-6..day");
  }
  Affects out;
  out.days.clear();
  for (const std::string& written : words) {
    std::string word;
    std::copy_if(written.begin(), written.end(), std::back_inserter(word), [](char c) { return c != ' '; });
    if (word == "all") {
      out.all = true;
    } else if (word == "week") {
      out.week = true;
    } else if (word == "month") {
      out.month = true;
    } else {
      TRY_ASSIGN(const Affects::Days days, days_from(word));
      out.days.push_back(days);
    }
  }
  if (out.all && words.size() > 1) {
    return Error(Code::invalid, "all touches every partition, the other words add nothing", "write all alone");
  }
  out.days = merged(std::move(out.days));
  return out;
}

std::vector<std::string> words_of(const Affects& affects) {
  if (affects.all) return {"all"};
  std::vector<std::string> out;
  for (const Affects::Days& range : affects.days) {
    out.push_back(range.first == range.last ? word_of(range.first) : word_of(range.first) + ".." + word_of(range.last));
  }
  if (affects.week) out.push_back("week");
  if (affects.month) out.push_back("month");
  return out;
}

}  // namespace weir::flow
