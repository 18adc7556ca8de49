#include "platform/flow/zone.h"

#include <algorithm>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/flow/zone_files.h"

namespace weir::flow {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kForever = int64_t{1} << 53;  // seconds: after every instant, and far from an overflow
constexpr int64_t kDayFirst = -719'162;         // 0001-01-01
constexpr int64_t kDayLast = 2'932'896;         // 9999-12-31
// Clocks are at most 16 hours off UTC, so what was shown longer ago than this is surely earlier than what is shown now.
constexpr int64_t kOffsetsApart = 2 * kSecondsPerDay;

constexpr int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::string_view city_of(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

// People write the city alone, or mistype one of both.
std::string names_like(std::string_view name, const std::vector<std::string>& names) {
  std::string wanted(name.substr(0, 64));
  std::replace(wanted.begin(), wanted.end(), ' ', '_');
  std::vector<std::string> cities, same_city;
  for (const std::string& known : names) {
    cities.emplace_back(city_of(known));
    if (equal_ignoring_case(wanted, cities.back())) same_city.push_back(shown(known));
  }
  constexpr size_t kListedMax = 3;
  if (same_city.size() > kListedMax) same_city.resize(kListedMax);
  if (!same_city.empty()) return "did you mean " + join(same_city, " or ") + "?";
  if (nearest(wanted, names)) return did_you_mean(wanted, names);
  if (const auto city = nearest(wanted, cities)) {
    const auto found = static_cast<size_t>(std::find(cities.begin(), cities.end(), *city) - cities.begin());
    return "did you mean " + shown(names[found]) + "?";
  }
  return "zones are named as in the IANA database, for example UTC, Europe/Berlin or America/New_York";
}

}  // namespace

struct Zone::Table {
  std::string name;
  std::vector<ZoneChange> changes;  // never empty; the first one lies before every instant
};

Zone::Zone(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

Zone Zone::utc() {
  static const Zone utc(std::make_shared<Table>(Table{"UTC", {{-kForever, 0, "UTC"}}}));
  return utc;
}

Result<Zone> Zone::find(std::string_view name) {
  if (name == "UTC") return utc();
  TRY_ASSIGN(const std::vector<std::string> names, zone_names());
  if (!std::binary_search(names.begin(), names.end(), std::string(name))) {
    return Error(Code::invalid, shown(name) + " is no time zone", names_like(name, names));
  }
  auto table = std::make_shared<Table>();
  table->name = name;
  TRY_ASSIGN(table->changes, read_zone(table->name));
  CHECK(!table->changes.empty(), "a zone has at least one offset");
  table->changes.front().at = -kForever;
  return Zone(std::move(table));
}

const std::string& Zone::name() const {
  return table_->name;
}

bool Zone::Period::is_last() const {
  return ends == kForever;
}

size_t Zone::index_at(int64_t utc_seconds) const {
  const auto& changes = table_->changes;
  const auto after = std::upper_bound(changes.begin() + 1, changes.end(), utc_seconds,
                                      [](int64_t second, const ZoneChange& change) { return second < change.at; });
  return static_cast<size_t>(after - changes.begin()) - 1;
}

Zone::Period Zone::period(size_t index) const {
  const auto& changes = table_->changes;
  const int64_t ends = index + 1 < changes.size() ? changes[index + 1].at : kForever;
  return {changes[index].at, ends, changes[index].offset};
}

Zone::Period Zone::period_at(int64_t utc_seconds) const {
  return period(index_at(utc_seconds));
}

int64_t Zone::local_of(int64_t utc_micros) const {
  return utc_micros + period_at(floor_divide(utc_micros, kMicrosPerSecond)).offset * kMicrosPerSecond;
}

int64_t Zone::first_instant(int64_t local_micros) const {
  // Seconds are enough to find the period: changes happen at full seconds.
  const int64_t second = floor_divide(local_micros, kMicrosPerSecond);
  size_t index = index_at(second - kOffsetsApart);
  while (period(index).local_ends() <= second) ++index;
  const Period found = period(index);
  if (second < found.local_begins()) return found.begins * kMicrosPerSecond;
  return local_micros - found.offset * kMicrosPerSecond;
}

int64_t Zone::latest_local(int64_t utc_micros) const {
  const int64_t second = floor_divide(utc_micros, kMicrosPerSecond);
  size_t index = index_at(second);
  int64_t latest = utc_micros + period(index).offset * kMicrosPerSecond;
  while (index > 0 && period(index).begins > second - kOffsetsApart) {
    --index;
    latest = std::max(latest, period(index).local_ends() * kMicrosPerSecond - 1);
  }
  return latest;
}

int64_t Zone::start_of_day(int32_t days_since_epoch) const {
  const int64_t day = std::clamp<int64_t>(days_since_epoch, kDayFirst, kDayLast);
  return first_instant(day * kSecondsPerDay * kMicrosPerSecond);
}

int32_t Zone::day_of(int64_t utc_micros) const {
  return day_number(latest_local(utc_micros));
}

std::string Zone::format(int64_t utc_micros) const {
  const ZoneChange& now = table_->changes[index_at(floor_divide(utc_micros, kMicrosPerSecond))];
  const std::string text = format_timestamp(utc_micros + now.offset * kMicrosPerSecond);  // 2026-03-29T03:00:00.000000Z
  return text.substr(0, text.find('T')) + " " + text.substr(text.find('T') + 1, 5) + " " + now.abbreviation;
}

}  // namespace weir::flow
