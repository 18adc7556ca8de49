// Schedules on the days on which clocks change: those that name their hours fire once, those that count them follow
// real time.
#include <gtest/gtest.h>

#include <string>

#include "core/base/time.h"
#include "platform/flow/schedule.h"

namespace weir::flow {
namespace {

Schedule schedule(const char* text, const char* zone) {
  const auto place = Zone::find(zone);
  EXPECT_TRUE(place.has_value()) << zone;
  return *Schedule::parse(text, *place);
}

struct DayCase {
  const char* text;
  const char* zone;
  const char* day;
  const char* due;  // in UTC, day and time: "29T01:00"
};

// What is due within the local day.
std::string due_on(const DayCase& wanted) {
  const Schedule due = schedule(wanted.text, wanted.zone);
  const int32_t day = *parse_date(wanted.day);
  std::string out;
  const WallTime before{due.zone().start_of_day(day) - 1}, last{due.zone().start_of_day(day + 1) - 1};
  for (const WallTime at : due.between(before, last, 100)) {
    out += (out.empty() ? "" : " ") + format_timestamp(at.micros).substr(8, 8);
  }
  return out;
}

constexpr DayCase kNamed[] = {
    // 02:00 to 03:00 does not exist.
    {"30 2 * * *", "Europe/Berlin", "2026-03-28", "28T01:30"},
    {"30 2 * * *", "Europe/Berlin", "2026-03-29", "29T01:00"},
    {"30 2 * * *", "Europe/Berlin", "2026-03-30", "30T00:30"},
    {"0 2 * * *", "Europe/Berlin", "2026-03-29", "29T01:00"},
    {"59 1 * * *", "Europe/Berlin", "2026-03-29", "29T00:59"},
    {"0 3 * * *", "Europe/Berlin", "2026-03-29", "29T01:00"},
    {"0 2,3 * * *", "Europe/Berlin", "2026-03-29", "29T01:00"},  // two local times, one instant
    {"*/20 2 * * *", "Europe/Berlin", "2026-03-29", "29T01:00"},
    {"*/20 2-3 * * *", "Europe/Berlin", "2026-03-29", "29T01:00 29T01:20 29T01:40"},
    {"0 1-4 * * *", "Europe/Berlin", "2026-03-29", "29T00:00 29T01:00 29T02:00"},
    {"cron(30 2 29 3 ? 2026)", "Europe/Berlin", "2026-03-29", "29T01:00"},
    {"@daily", "Europe/Berlin", "2026-03-29", "28T23:00"},
    // 02:00 to 03:00 comes twice.
    {"30 2 * * *", "Europe/Berlin", "2026-10-25", "25T00:30"},
    {"30 2 * * *", "Europe/Berlin", "2026-10-26", "26T01:30"},
    {"0 2 * * *", "Europe/Berlin", "2026-10-25", "25T00:00"},
    {"0 3 * * *", "Europe/Berlin", "2026-10-25", "25T02:00"},
    {"0 1-3 * * *", "Europe/Berlin", "2026-10-25", "24T23:00 25T00:00 25T02:00"},
    {"*/30 2 * * *", "Europe/Berlin", "2026-10-25", "25T00:00 25T00:30"},
    {"30 2 * * *", "America/New_York", "2026-03-08", "08T07:00"},
    {"30 1 * * *", "America/New_York", "2026-11-01", "01T05:30"},
    {"30 2 * * *", "America/New_York", "2026-11-01", "01T07:30"},
    // Half an hour: 02:00 to 02:30 does not exist, 01:30 to 02:00 comes twice.
    {"15 2 * * *", "Australia/Lord_Howe", "2026-10-04", "03T15:30"},
    {"45 2 * * *", "Australia/Lord_Howe", "2026-10-04", "03T15:45"},
    {"0,15,30,45 2 * * *", "Australia/Lord_Howe", "2026-10-04", "03T15:30 03T15:45"},
    {"45 1 * * *", "Australia/Lord_Howe", "2026-04-05", "04T14:45"},
    {"15 1 * * *", "Australia/Lord_Howe", "2026-04-05", "04T14:15"},
    {"0 2 * * *", "Australia/Lord_Howe", "2026-04-05", "04T15:30"},
    // Midnight does not exist; 23:00 to 24:00 comes twice.
    {"0 0 * * *", "America/Sao_Paulo", "2018-11-04", "04T03:00"},
    {"30 0 * * *", "America/Sao_Paulo", "2018-11-04", "04T03:00"},
    {"0 1 * * *", "America/Sao_Paulo", "2018-11-04", "04T03:00"},
    {"30 23 * * *", "America/Sao_Paulo", "2018-02-17", "18T01:30"},
    {"0 0 * * *", "America/Sao_Paulo", "2018-02-18", "18T03:00"},
    {"0 0 * * *", "Africa/Cairo", "2024-04-26", "25T22:00"},
    // 00:01 goes back to 23:01.
    {"0 0 * * *", "America/St_Johns", "2010-11-07", "07T02:30"},
    {"30 23 * * *", "America/St_Johns", "2010-11-06", "07T02:00"},
    {"30 0 * * *", "America/St_Johns", "2010-11-07", "07T04:00"},
    // 30 December never was: what it should have done is done when it would have ended.
    {"0 6 * * *", "Pacific/Apia", "2011-12-29", "29T16:00"},
    {"0 6 * * *", "Pacific/Apia", "2011-12-31", "30T10:00 30T16:00"},
    {"30 2 * * *", "UTC", "2026-03-29", "29T02:30"},
    {"30 2 * * *", "Europe/Berlin", "2060-03-28", "28T01:00"},  // beyond what is written in the files
};

TEST(ScheduleChange, a_named_local_time_is_due_once) {
  for (const DayCase& wanted : kNamed) {
    EXPECT_EQ(due_on(wanted), wanted.due) << wanted.text << " in " << wanted.zone << " on " << wanted.day;
  }
}

constexpr DayCase kCounted[] = {
    {"30 */2 * * *", "Europe/Berlin", "2026-10-25",
     "24T22:30 25T00:30 25T01:30 25T03:30 25T05:30 25T07:30 25T09:30 25T11:30 25T13:30 25T15:30 25T17:30 25T19:30 "
     "25T21:30"},
    {"30 2-6/2 * * *", "Europe/Berlin", "2026-03-29", "29T02:30 29T04:30"},
    {"cron(30 2/22 25 10 ? 2026)", "Europe/Berlin", "2026-10-25", "25T00:30 25T01:30"},  // none later, one again
};

TEST(ScheduleChange, a_step_of_hours_is_due_whenever_the_clock_shows_it) {
  for (const DayCase& wanted : kCounted) EXPECT_EQ(due_on(wanted), wanted.due) << wanted.text;
}

struct CountCase {
  const char* text;
  const char* zone;
  const char* day;
  size_t count;
};
constexpr CountCase kCounts[] = {
    {"0 * * * *", "Europe/Berlin", "2026-03-28", 24},
    {"0 * * * *", "Europe/Berlin", "2026-03-29", 23},
    {"0 * * * *", "Europe/Berlin", "2026-10-25", 25},
    {"0 0-23 * * *", "Europe/Berlin", "2026-10-25", 25},
    {"cron(0 * * * ? *)", "Europe/Berlin", "2026-10-25", 25},
    {"*/10 * * * *", "Europe/Berlin", "2026-03-29", 138},
    {"* * * * *", "Europe/Berlin", "2026-10-25", 1500},
    {"rate(1 hour)", "Europe/Berlin", "2026-10-25", 25},
    {"@hourly", "America/New_York", "2026-03-08", 23},
    {"@hourly", "America/New_York", "2026-11-01", 25},
    {"*/30 * * * *", "Australia/Lord_Howe", "2026-04-05", 49},
    {"*/30 * * * *", "Australia/Lord_Howe", "2026-10-04", 47},
    {"@hourly", "Australia/Lord_Howe", "2026-04-05", 24},
    {"@hourly", "Australia/Lord_Howe", "2026-10-04", 23},
    {"@hourly", "America/Sao_Paulo", "2018-11-04", 23},
    {"@hourly", "America/Sao_Paulo", "2018-02-17", 25},
    {"@hourly", "UTC", "2026-03-29", 24},
    {"@hourly", "Pacific/Apia", "2011-12-30", 0},
};

TEST(ScheduleChange, an_hourly_schedule_follows_real_time) {
  for (const CountCase& wanted : kCounts) {
    const Schedule due = schedule(wanted.text, wanted.zone);
    const int32_t day = *parse_date(wanted.day);
    const WallTime before{due.zone().start_of_day(day) - 1}, last{due.zone().start_of_day(day + 1) - 1};
    EXPECT_EQ(due.between(before, last, 2'000).size(), wanted.count)
        << wanted.text << " in " << wanted.zone << " on " << wanted.day;
  }
}

TEST(ScheduleChange, a_start_within_the_repeated_hour_does_not_fire_again) {
  const Schedule due = schedule("30 2 * * *", "Europe/Berlin");
  for (const char* after : {"2026-10-25T00:30Z", "2026-10-25T00:59Z", "2026-10-25T01:00Z", "2026-10-25T01:29Z",
                            "2026-10-25T01:30Z", "2026-10-26T01:29:59.999999Z"}) {
    EXPECT_EQ(format_timestamp(due.next(WallTime{*parse_timestamp(after)})->micros), "2026-10-26T01:30:00.000000Z")
        << after;
  }
}

}  // namespace
}  // namespace weir::flow
