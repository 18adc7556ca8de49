// Zone: a time zone of the IANA database, such as Europe/Berlin: where its calendar days begin and what its clocks
// show.
//
// Promises
//   - Instants are microseconds since 1970-01-01T00:00:00Z in UTC. A "local" reading is what the zone's wall clock
//     shows, counted the same way as if it were UTC.
//   - All answers are pure functions of the zone files read by find(); days of change are known up to the year 2200,
//     afterwards the last offset stays. Zones change by law: a Zone found before an update of the files keeps the old
//     rules.
//   - A day begins once: where clocks go back over midnight (America/St_Johns until 2011), the hour that is repeated
//     belongs to the day that has already begun, so the days [start_of_day(d), start_of_day(d + 1)) never overlap.
// Threads: immutable, copied by a pointer; everything may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::flow {

class Zone {
 public:
  // The zone of that name, from the system's zone files (Debian's package tzdata). Unknown: `invalid` with the nearest
  // name; machine without zone files: `unavailable`. "UTC" needs no files.
  static Result<Zone> find(std::string_view name);
  static Zone utc();

  const std::string& name() const;

  // The first instant of this local calendar day (days since 1970-01-01); where midnight does not exist, as in
  // America/Sao_Paulo on 2018-11-04, the first that does. A day that does not exist at all (Pacific/Apia, 2011-12-30)
  // begins with the next one. Days outside of the years 1 to 9999 are taken for the nearest of them.
  int64_t start_of_day(int32_t days_since_epoch) const;
  // The local calendar day of an instant: start_of_day(day_of(t)) <= t < start_of_day(day_of(t) + 1).
  int32_t day_of(int64_t utc_micros) const;

  // What the wall clock shows at an instant.
  int64_t local_of(int64_t utc_micros) const;
  // The first instant at which the wall clock shows `local_micros` or later: the first of two on a 25-hour day, the end
  // of the gap where that time does not exist.
  int64_t first_instant(int64_t local_micros) const;
  // The latest reading any clock of the zone has shown up to this instant; more than local_of() only for as long as a
  // stretch of local time is being repeated.
  int64_t latest_local(int64_t utc_micros) const;

  // A stretch of time during which the zone's clocks are one fixed offset ahead of UTC. In seconds.
  struct Period {
    int64_t begins = 0;
    int64_t ends = 0;  // exclusive
    int64_t offset = 0;
    int64_t local_begins() const { return begins + offset; }
    int64_t local_ends() const { return ends + offset; }
    bool is_last() const;
  };
  Period period_at(int64_t utc_seconds) const;

  // For people: "2026-03-29 03:00 CEST".
  std::string format(int64_t utc_micros) const;

 private:
  struct Table;
  explicit Zone(std::shared_ptr<const Table> table);
  size_t index_at(int64_t utc_seconds) const;
  Period period(size_t index) const;

  std::shared_ptr<const Table> table_;  // shared by all copies, never changed
};

}  // namespace weir::flow
