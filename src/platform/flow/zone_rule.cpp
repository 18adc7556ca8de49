#include "platform/flow/zone_rule.h"

#include <algorithm>
#include <cctype>

#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::flow {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int kHoursMax = 167;

int64_t day_of_civil(int year, int month, int day) {
  return day_number(micros_from_civil({.year = year, .month = month, .day = day}));
}

int64_t days_in_month(int year, int month) {
  const int64_t next = month == 12 ? day_of_civil(year + 1, 1, 1) : day_of_civil(year, month + 1, 1);
  return next - day_of_civil(year, month, 1);
}

}  // namespace

// Walks over the rule; each step says whether it found what it wanted.
class ZoneRule::Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool character(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool number(int largest, int& value) {
    size_t count = 0;
    int sum = 0;
    for (; count < rest_.size() && count < 3 && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
      sum = sum * 10 + (rest_[count] - '0');
    }
    if (count == 0 || sum > largest) return false;
    value = sum;
    rest_.remove_prefix(count);
    return true;
  }
  // "CET", or "<+0330>" where it is not only letters.
  bool abbreviation(std::string& out) {
    const bool quoted = character('<');
    size_t count = 0;
    while (count < rest_.size() &&
           (quoted ? rest_[count] != '>' : std::isalpha(static_cast<unsigned char>(rest_[count])))) {
      ++count;
    }
    if (count < 3) return false;
    out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return !quoted || character('>');
  }
  // [+-]hh[:mm[:ss]] in seconds.
  bool clock(int64_t& seconds) {
    const bool negative = character('-');
    if (!negative) (void)character('+');
    int hour = 0, minute = 0, second = 0;
    if (!number(kHoursMax, hour)) return false;
    if (character(':') && !number(59, minute)) return false;
    if (character(':') && !number(59, second)) return false;
    seconds = hour * 3600 + minute * 60 + second;
    if (negative) seconds = -seconds;
    return true;
  }
  // POSIX counts offsets west of Greenwich; ours count east.
  bool offset(int64_t& seconds) {
    if (!clock(seconds)) return false;
    seconds = -seconds;
    return true;
  }
  bool moment(Moment& out) {
    if (character('M')) {
      out.kind = Moment::Kind::weekday_of_month;
      if (!number(12, out.month) || !character('.') || !number(5, out.week) || !character('.') ||
          !number(6, out.weekday) || out.month < 1 || out.week < 1) {
        return false;
      }
    } else if (character('J')) {
      out.kind = Moment::Kind::day_without_leap;
      if (!number(365, out.day) || out.day < 1) return false;
    } else {
      out.kind = Moment::Kind::day_of_year;
      if (!number(365, out.day)) return false;
    }
    return !character('/') || clock(out.second);
  }

 private:
  std::string_view rest_;
};

Result<ZoneRule> ZoneRule::parse(std::string_view text) {
  const Error wrong(Code::corrupt, "the closing rule of a zone file is " + shown(text) + ", which is no rule of POSIX",
                    "reinstall the zone files: apt-get install --reinstall tzdata");
  ZoneRule out;
  Reader in(text);
  if (!in.abbreviation(out.standard_.abbreviation) || !in.offset(out.standard_.offset)) return wrong;
  if (in.at_end()) return out;
  if (!in.abbreviation(out.summer_.abbreviation)) return wrong;
  out.summer_.offset = out.standard_.offset + 3600;
  if (!in.character(',')) {
    if (!in.offset(out.summer_.offset) || !in.character(',')) return wrong;
  }
  Moment begins, ends;
  if (!in.moment(begins) || !in.character(',') || !in.moment(ends) || !in.at_end()) return wrong;
  out.summer_begins_ = begins;
  out.summer_ends_ = ends;
  return out;
}

int64_t ZoneRule::Moment::local_seconds(int year) const {
  int64_t day_number = 0;
  switch (kind) {
    case Kind::weekday_of_month: {
      const int64_t first = day_of_civil(year, month, 1);
      const int64_t first_weekday = (first % 7 + 7 + 4) % 7;  // 1970-01-01 was a Thursday
      int64_t in_month = (weekday - first_weekday + 7) % 7 + 7 * (week - 1);
      if (in_month >= days_in_month(year, month)) in_month -= 7;  // the fifth is the last, if there are only four
      day_number = first + in_month;
      break;
    }
    case Kind::day_of_year:
      day_number = day_of_civil(year, 1, 1) + day;
      break;
    case Kind::day_without_leap: {
      const bool leap = days_in_month(year, 2) == 29;
      day_number = day_of_civil(year, 1, 1) + day - 1 + (leap && day >= 60 ? 1 : 0);
      break;
    }
  }
  return day_number * kSecondsPerDay + second;
}

std::vector<ZoneChange> ZoneRule::changes_in(int year) const {
  if (!summer_begins_ || !summer_ends_) return {};
  std::vector<ZoneChange> out = {
      {summer_begins_->local_seconds(year) - standard_.offset, summer_.offset, summer_.abbreviation},
      {summer_ends_->local_seconds(year) - summer_.offset, standard_.offset, standard_.abbreviation}};
  if (out[1].at < out[0].at) std::swap(out[0], out[1]);  // south of the equator
  return out;
}

}  // namespace weir::flow
