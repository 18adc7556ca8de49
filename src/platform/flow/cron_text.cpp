#include "platform/flow/cron_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "core/base/text.h"

namespace weir::flow {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

// What may stand in a field.
struct FieldForm {
  const char* name;
  int first, last;
  std::span<const std::string_view> names;  // of first, first + 1, …
  const char* expected;
};
constexpr FieldForm kMinute = {"minute", 0, 59, {}, "minutes are 0 to 59, as in 5, 0-30, 0,30, */15 or *"};
constexpr FieldForm kHour = {"hour", 0, 23, {}, "hours are 0 to 23, as in 6, 8-18, 6,18, */2 or *"};
constexpr FieldForm kMonth = {"month", 1, 12, kMonths, "months are 1 to 12 or JAN to DEC, as in 6, JAN,JUL or *"};
constexpr FieldForm kMonthDay = {
    "day of month", 1, 31, {}, "days of a month are 1 to 31 or L (the last), as in 1, 1,15, 1-7 or *"};
constexpr FieldForm kWeekday = {"day of week", 0, 7, kDays,
                                "days of the week are 0 to 7 (0 and 7 are Sunday) or SUN to SAT, as in MON-FRI or *"};
constexpr FieldForm kCloudMonthDay = {
    "day of month", 1, 31, {}, "days of a month are 1 to 31, L, 15W (the weekday nearest to the 15th), * or ?"};
constexpr FieldForm kCloudWeekday = {
    "day of week", 1, 7, kDays,
    "days of the week are 1 to 7 (1 is Sunday) or SUN to SAT, 6L (the last Friday), 3#2 "
    "(the second Tuesday), * or ?"};
constexpr FieldForm kYear = {
    "year", kCronYearFirst, kCronYearLast, {}, "years are 1970 to 2199, as in 2027, 2026-2030 or *"};

enum class Dialect { crontab, cloud };

Error wrong(const FieldForm& form, const Word& found, const std::string& why) {
  return Error(
      Code::invalid,
      std::string(form.name) + ", column " + std::to_string(found.column) + ": " + shown(found.text) + " " + why,
      form.expected);
}

Word sub_word(const Word& word, size_t from, size_t length = std::string_view::npos) {
  return {word.text.substr(from, length), word.column + from};
}

std::vector<Word> parts_of(const Word& list) {
  std::vector<Word> out;
  size_t from = 0;
  for (const std::string_view part : split(list.text, ',')) {
    out.push_back(sub_word(list, from, part.size()));
    from += part.size() + 1;
  }
  return out;
}

std::optional<int> number_of(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  int sum = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    sum = sum * 10 + (c - '0');
  }
  return sum;
}

Result<int> parse_value(const FieldForm& form, const Word& word) {
  const auto number = number_of(word.text);
  if (number && *number >= form.first && *number <= form.last) return *number;
  if (number) {
    return wrong(form, word, "is not " + std::to_string(form.first) + " to " + std::to_string(form.last));
  }
  for (size_t i = 0; i < form.names.size(); ++i) {
    if (equal_ignoring_case(word.text, form.names[i])) return form.first + static_cast<int>(i);
  }
  if (word.text.empty()) return wrong(form, word, "is empty where a value is expected");
  return wrong(form, word, form.names.empty() ? "is no number" : "is neither a number nor a name");
}

struct Range {
  int first = 0, last = 0;
};

Result<Range> parse_range(const FieldForm& form, const Word& word, size_t dash) {
  Range out;
  TRY_ASSIGN(out.first, parse_value(form, sub_word(word, 0, dash)));
  TRY_ASSIGN(out.last, parse_value(form, sub_word(word, dash + 1)));
  // FRI-SUN: where a week may end with 7, Sunday as the end of a range is that one.
  if (&form == &kWeekday && out.last == 0 && out.first > 0) out.last = 7;
  if (out.first > out.last) {
    return wrong(form, word, "runs backwards; write its two parts with a comma between them");
  }
  return out;
}

struct Values {
  std::vector<int> all;
  bool counts = false;  // a * or a step was among them
};

// One of the comma's parts: `*`, `5`, `1-5`, each with or without `/step`.
Status parse_part(const FieldForm& form, Dialect dialect, const Word& part, Values& out) {
  const size_t slash = part.text.find('/');
  const bool stepped = slash != std::string_view::npos;
  const Word head = sub_word(part, 0, slash);
  const size_t dash = head.text.find('-');
  Range range{form.first, &form == &kWeekday ? 6 : form.last};
  const int count = range.last - range.first + 1;
  if (dash != std::string_view::npos) {
    TRY_ASSIGN(range, parse_range(form, head, dash));
  } else if (head.text != "*") {
    TRY_ASSIGN(range.first, parse_value(form, head));
    if (!stepped) range.last = range.first;
    if (stepped && dialect == Dialect::crontab) {
      return wrong(form, part,
                   "has a step without a range; write " + std::string(head.text) + "-" + std::to_string(range.last) +
                       std::string(part.text.substr(slash)));
    }
  }
  int step = 1;
  if (stepped) {
    const Word written = sub_word(part, slash + 1);
    const auto number = number_of(written.text);
    if (!number || *number < 1 || *number > count) {
      return wrong(form, written, "is no step of 1 to " + std::to_string(count));
    }
    step = *number;
  }
  out.counts = out.counts || stepped || head.text == "*";
  for (int value = range.first; value <= range.last; value += step) out.all.push_back(value);
  return {};
}

Result<Values> parse_list(const FieldForm& form, Dialect dialect, const Word& list) {
  Values out;
  for (const Word& part : parts_of(list)) {
    TRY(parse_part(form, dialect, part, out));
  }
  return out;
}

template <class Bits>
Bits bits_of(const Values& values) {
  Bits out = 0;
  for (const int value : values.all) out |= Bits{1} << value;
  return out;
}

// Minute, hour and month, which both dialects write alike.
Status parse_common(Dialect dialect, const Word& minute, const Word& hour, const Word& month, CronFields& out) {
  TRY_ASSIGN(const Values minutes, parse_list(kMinute, dialect, minute));
  TRY_ASSIGN(const Values hours, parse_list(kHour, dialect, hour));
  TRY_ASSIGN(const Values months, parse_list(kMonth, dialect, month));
  out.minutes = bits_of<uint64_t>(minutes);
  out.hours = bits_of<uint32_t>(hours);
  out.months = bits_of<uint32_t>(months);
  out.counts_hours = hours.counts || out.hours == 0xFF'FFFF;
  return {};
}

Status parse_month_days(Dialect dialect, const Word& field, CronFields& out) {
  const FieldForm& form = dialect == Dialect::cloud ? kCloudMonthDay : kMonthDay;
  out.month_days_given = true;
  for (const Word& part : parts_of(field)) {
    const bool ends_with_w = part.text.size() > 1 && (part.text.back() == 'W' || part.text.back() == 'w');
    if (equal_ignoring_case(part.text, "L")) {
      out.last_day = true;
    } else if (ends_with_w && dialect == Dialect::crontab) {
      return wrong(form, part, "is known only to the form with six fields");
    } else if (equal_ignoring_case(part.text, "LW")) {
      out.last_working_day = true;
    } else if (ends_with_w) {
      TRY_ASSIGN(const int day, parse_value(form, sub_word(part, 0, part.text.size() - 1)));
      out.nearest_workday |= uint32_t{1} << day;
    } else {
      Values values;
      TRY(parse_part(form, dialect, part, values));
      out.days |= bits_of<uint32_t>(values);
    }
  }
  return {};
}

Status parse_crontab_weekdays(const Word& field, CronFields& out) {
  for (const Word& part : parts_of(field)) {
    const char end = part.text.empty() ? ' ' : part.text.back();
    if (part.text.find('#') != std::string_view::npos || end == 'L' || end == 'l') {
      return wrong(kWeekday, part, "is known only to the form with six fields");
    }
  }
  out.weekdays_given = true;
  TRY_ASSIGN(const Values values, parse_list(kWeekday, Dialect::crontab, field));
  for (const int value : values.all) out.weekdays |= uint32_t{1} << (value % 7);
  return {};
}

// `3#2`: the second Tuesday.
Status parse_nth_weekday(const Word& field, size_t hash, CronFields& out) {
  if (field.text.find(',') != std::string_view::npos) {
    return wrong(kCloudWeekday, field, "has a # in a list; a # stands alone");
  }
  TRY_ASSIGN(const int weekday, parse_value(kCloudWeekday, sub_word(field, 0, hash)));
  const Word written = sub_word(field, hash + 1);
  const auto nth = number_of(written.text);
  if (!nth || *nth < 1 || *nth > 5) return wrong(kCloudWeekday, written, "is not 1 to 5, the first to the fifth");
  out.weekdays = uint32_t{1} << (weekday - 1);
  out.nth = *nth;
  return {};
}

Status parse_cloud_weekdays(const Word& field, CronFields& out) {
  out.weekdays_given = true;
  const size_t hash = field.text.find('#');
  if (hash != std::string_view::npos) return parse_nth_weekday(field, hash, out);
  for (const Word& part : parts_of(field)) {
    const bool last = !part.text.empty() && (part.text.back() == 'L' || part.text.back() == 'l');
    if (last && part.text.size() == 1) {
      out.weekdays |= uint32_t{1} << 6;  // the week's last day is Saturday
    } else if (last) {
      TRY_ASSIGN(const int weekday, parse_value(kCloudWeekday, sub_word(part, 0, part.text.size() - 1)));
      out.last_weekdays |= uint32_t{1} << (weekday - 1);
    } else {
      Values values;
      TRY(parse_part(kCloudWeekday, Dialect::cloud, part, values));
      for (const int value : values.all) out.weekdays |= uint32_t{1} << (value - 1);
    }
  }
  return {};
}

// Is there a day at all? 31 February never comes, nor does 29 February of 2027.
Status check_possible(const CronFields& fields, const FieldForm& form, const Word& field) {
  for (int year = kCronYearFirst; year <= kCronYearLast; ++year) {
    for (int month = 1; month <= 12; ++month) {
      if (fields.days_of(year, month) != 0) return {};
    }
  }
  return wrong(form, field, "never comes in the months and years of this schedule");
}

}  // namespace

std::vector<Word> words_of(std::string_view text, size_t column) {
  std::vector<Word> out;
  size_t at = 0;
  while (true) {
    at = text.find_first_not_of(" \t", at);
    if (at == std::string_view::npos) return out;
    const size_t end = std::min(text.find_first_of(" \t", at), text.size());
    out.push_back({text.substr(at, end - at), column + at});
    at = end;
  }
}

Result<CronFields> parse_crontab(const std::vector<Word>& five) {
  CronFields out;
  TRY(parse_common(Dialect::crontab, five[0], five[1], five[3], out));
  out.years.set();
  for (const Word* field : {&five[2], &five[4]}) {
    if (field->text == "?") {
      return wrong(field == &five[2] ? kMonthDay : kWeekday, *field,
                   "is known only to the form with six fields; write *");
    }
  }
  if (five[2].text != "*") {
    TRY(parse_month_days(Dialect::crontab, five[2], out));
  }
  if (five[4].text != "*") {
    TRY(parse_crontab_weekdays(five[4], out));
  }
  TRY(check_possible(out, kMonthDay, five[2]));
  return out;
}

Result<CronFields> parse_cloud_cron(const std::vector<Word>& six) {
  CronFields out;
  const Word &month_day = six[2], &weekday = six[4];
  TRY(parse_common(Dialect::cloud, six[0], six[1], six[3], out));
  const bool any_month_day = month_day.text == "?", any_weekday = weekday.text == "?";
  if (any_month_day && any_weekday) {
    return wrong(kCloudWeekday, weekday, "stands here and in the day of month; one of the two must say which days");
  }
  if (!any_month_day && month_day.text != "*") {
    TRY(parse_month_days(Dialect::cloud, month_day, out));
  }
  if (!any_weekday && weekday.text != "*") {
    TRY(parse_cloud_weekdays(weekday, out));
  }
  if (!any_month_day && !any_weekday) {
    return wrong(kCloudWeekday, weekday,
                 "stands beside " + shown(month_day.text) + " as day of month; one of the two must be ?");
  }
  TRY_ASSIGN(const Values years, parse_list(kYear, Dialect::cloud, six[5]));
  for (const int year : years.all) out.years.set(static_cast<size_t>(year - kCronYearFirst));
  TRY(check_possible(out, any_month_day ? kCloudWeekday : kCloudMonthDay, any_month_day ? weekday : month_day));
  return out;
}

}  // namespace weir::flow
