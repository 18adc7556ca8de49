#include "platform/flow/schedule.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "platform/flow/cron_text.h"
#include "platform/flow/cron_words.h"

namespace weir::flow {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr const char* kForms =
    "write five fields (minute hour day-of-month month day-of-week) as in 0 6 * * *, the cloud's six fields as in "
    "cron(0 6 * * ? *), rate(5 minutes) or @daily";

constexpr int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

constexpr int64_t ceil_divide(int64_t a, int64_t b) {
  return -floor_divide(-a, b);
}

struct Nickname {
  std::string_view name, crontab;
};
constexpr std::array<Nickname, 7> kNicknames = {{{"@hourly", "0 * * * *"},
                                                 {"@daily", "0 0 * * *"},
                                                 {"@midnight", "0 0 * * *"},
                                                 {"@weekly", "0 0 * * 0"},
                                                 {"@monthly", "0 0 1 * *"},
                                                 {"@yearly", "0 0 1 1 *"},
                                                 {"@annually", "0 0 1 1 *"}}};

Result<CronFields> parse_nickname(std::string_view text) {
  std::vector<std::string> names;
  for (const Nickname& nickname : kNicknames) {
    if (equal_ignoring_case(nickname.name, text)) return parse_crontab(words_of(nickname.crontab, 1));
    names.emplace_back(nickname.name);
  }
  return Error(Code::invalid, shown(text) + " is no name of a schedule", did_you_mean(text, names));
}

std::string count_of_fields(size_t count) {
  return std::to_string(count) + (count == 1 ? " field" : " fields");
}

Result<CronFields> parse_bare(const Word& whole) {
  const std::vector<Word> fields = words_of(whole.text, whole.column);
  if (fields.size() == 5) return parse_crontab(fields);
  if (fields.size() == 6) return parse_cloud_cron(fields);
  return Error(Code::invalid, "it has " + count_of_fields(fields.size()) + ", expected are 5 or 6", kForms);
}

// The inside of `name(…)`, which ends with the text.
Result<Word> inside_of(const Word& whole, std::string_view name) {
  const size_t opening = name.size() + 1;
  const size_t closing = whole.text.find(')');
  if (closing == whole.text.size() - 1) {
    return Word{whole.text.substr(opening, closing - opening), whole.column + opening};
  }
  const std::string what = closing == std::string_view::npos
                               ? "has no )"
                               : "goes on after its ) in column " + std::to_string(whole.column + closing);
  return Error(Code::invalid, std::string(name) + "( " + what, kForms);
}

Result<CronFields> parse_wrapped_cron(const Word& whole) {
  TRY_ASSIGN(const Word inside, inside_of(whole, "cron"));
  const std::vector<Word> fields = words_of(inside.text, inside.column);
  if (fields.size() == 6) return parse_cloud_cron(fields);
  return Error(Code::invalid, "cron( ) has " + count_of_fields(fields.size()) + ", expected are 6",
               "its fields are minutes hours day-of-month month day-of-week year, as in cron(0 6 * * ? *); the form "
               "with five fields stands without cron( )");
}

Error wrong_rate(const Word& found, const std::string& why) {
  return Error(Code::invalid, "rate, column " + std::to_string(found.column) + ": " + shown(found.text) + " " + why,
               "write a number and its unit, as in rate(1 hour), rate(5 minutes) or rate(7 days)");
}

struct RateUnit {
  std::string_view one, many;
  int64_t minutes;
};
constexpr std::array<RateUnit, 3> kRateUnits = {
    {{"minute", "minutes", 1}, {"hour", "hours", 60}, {"day", "days", 1440}}};

// A positive number of up to seven digits; 0 if it is none.
int64_t rate_number(std::string_view text) {
  int64_t sum = 0;
  if (text.empty() || text.size() > 7) return 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    sum = sum * 10 + (c - '0');
  }
  return sum;
}

Result<int64_t> parse_rate(const Word& whole) {
  TRY_ASSIGN(const Word inside, inside_of(whole, "rate"));
  const std::vector<Word> fields = words_of(inside.text, inside.column);
  if (fields.size() != 2) {
    return wrong_rate(inside, "has " + count_of_fields(fields.size()) + ", expected are 2");
  }
  const int64_t number = rate_number(fields[0].text);
  if (number == 0) return wrong_rate(fields[0], "is no whole number above 0 with up to seven digits");
  for (const RateUnit& unit : kRateUnits) {
    const std::string_view right = number == 1 ? unit.one : unit.many;
    const std::string_view other = number == 1 ? unit.many : unit.one;
    if (fields[1].text == other)
      return wrong_rate(fields[1], "does not agree with the number; write " + std::string(right));
    if (fields[1].text != right) continue;
    if (number * unit.minutes > int64_t{kRateDaysMax} * 1440) {
      return wrong_rate(fields[0], "is more than " + std::to_string(kRateDaysMax) + " days");
    }
    return number * unit.minutes;
  }
  return wrong_rate(fields[1], "is no unit of minute, minutes, hour, hours, day, days");
}

// 2200-01-01 on the clock of UTC: rates end like years do.
int64_t end_of_rates() {
  return micros_from_civil({.year = kCronYearLast + 1});
}

}  // namespace

Result<Schedule> Schedule::parse(std::string_view text, const Zone& zone) {
  if (text.size() > kScheduleBytesMax) {
    return Error(Code::too_large,
                 "a schedule has " + std::to_string(text.size()) + " bytes, allowed are up to " +
                     std::to_string(kScheduleBytesMax),
                 "write ranges and steps instead of long lists");
  }
  const std::string_view written = trim(text);
  Schedule out(std::string(written), zone);
  if (auto read = out.read(written, static_cast<size_t>(written.data() - text.data()) + 1); !read) {
    Error error = std::move(read).error();
    error.message = "schedule " + shown(text) + ": " + error.message;
    return error;
  }
  return out;
}

Status Schedule::read(std::string_view written, size_t column) {
  const Word whole{written, column};
  if (written.empty()) return Error(Code::invalid, "it is empty", kForms);
  if (written.starts_with("rate(")) {
    TRY_ASSIGN(every_minutes_, parse_rate(whole));
  } else if (written.starts_with("cron(")) {
    TRY_ASSIGN(cron_, parse_wrapped_cron(whole));
  } else if (written.starts_with('@')) {
    TRY_ASSIGN(cron_, parse_nickname(written));
  } else {
    TRY_ASSIGN(cron_, parse_bare(whole));
  }
  return {};
}

// Every local time it names has exactly one instant: the first at which the clock shows it or something later. So the
// next firing is that of the first local time which no clock has shown yet.
std::optional<int64_t> Schedule::next_named(int64_t after_micros) const {
  const int64_t shown_until = zone_.latest_local(after_micros);
  const auto minute = cron_.first_minute(floor_divide(shown_until, kMicrosPerMinute) + 1);
  if (!minute) return std::nullopt;
  return zone_.first_instant(*minute * kMicrosPerMinute);
}

// Whenever the clock shows a matching time: searched period by period, in each of which the clock runs evenly.
std::optional<int64_t> Schedule::next_counted(int64_t after_micros) const {
  const int64_t second = floor_divide(after_micros, kMicrosPerSecond) + 1;
  Zone::Period period = zone_.period_at(second);
  int64_t searched_from = second + period.offset;
  auto minute = cron_.first_minute(ceil_divide(searched_from, 60));
  while (!minute || *minute * 60 >= period.local_ends()) {
    if (period.is_last()) return std::nullopt;
    period = zone_.period_at(period.ends);
    const int64_t begins = period.local_begins();
    const bool goes_back = begins < searched_from;
    if (!minute && !goes_back) return std::nullopt;
    if (goes_back || *minute * 60 < begins) {
      searched_from = begins;
      minute = cron_.first_minute(ceil_divide(begins, 60));
    }
  }
  return (*minute * 60 - period.offset) * kMicrosPerSecond;
}

std::optional<int64_t> Schedule::next_of_rate(int64_t after_micros) const {
  const int64_t every = every_minutes_ * kMicrosPerMinute;
  if (after_micros < 0) return 0;
  if (after_micros >= end_of_rates()) return std::nullopt;
  const int64_t at = (after_micros / every + 1) * every;
  if (at >= end_of_rates()) return std::nullopt;
  return at;
}

std::optional<WallTime> Schedule::next(WallTime after) const {
  // Between these years every sum of an instant and an offset is far from an overflow.
  static const int64_t first = micros_from_civil({.year = kCronYearFirst - 1});
  static const int64_t last = micros_from_civil({.year = kCronYearLast + 2});
  if (after.micros > last) return std::nullopt;
  const int64_t from = std::max(after.micros, first);
  const auto found = every_minutes_ > 0   ? next_of_rate(from)
                     : cron_.counts_hours ? next_counted(from)
                                          : next_named(from);
  if (!found) return std::nullopt;
  return WallTime{*found};
}

std::vector<WallTime> Schedule::between(WallTime after, WallTime until, size_t max) const {
  std::vector<WallTime> out;
  while (out.size() < max) {
    const auto found = next(out.empty() ? after : out.back());
    if (!found || *found > until) break;
    out.push_back(*found);
  }
  return out;
}

std::string Schedule::words() const {
  if (every_minutes_ > 0) return words_of_rate(every_minutes_);
  const auto words = words_of_cron(cron_);
  return words.value_or(text_) + " (" + zone_.name() + ")";
}

}  // namespace weir::flow
