#include "platform/flow/zone_files.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>
#include <fstream>
#include <iterator>

#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::flow {
namespace {

constexpr const char* kFolder = "/usr/share/zoneinfo/";  // the same place the date library looks at
constexpr size_t kFileBytesMax = 1 << 20;                // the largest is 4 KiB
constexpr size_t kChangesMax = 10'000;                   // the most are about 250

Error no_files(const std::string& why) {
  return Error(Code::unavailable, "the time zone files cannot be read: " + why,
               "install them: apt-get install tzdata; or use the zone UTC, which needs none");
}

// Names of links to whatever the machine's own zone is: a schedule must not mean something else on the next machine.
bool depends_on_machine(std::string_view name) {
  return name == "localtime" || name == "posixrules" || name == "Factory";
}

// The last line of a zone file: "\nRULE\n" after the tables (RFC 8536). Empty if the file has none (version 1).
Result<std::string> closing_rule(const std::string& name) {
  const std::string path = kFolder + name;
  std::ifstream file(path, std::ios::binary);
  if (!file) return no_files(path + " cannot be opened");
  std::string bytes(kFileBytesMax, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  if (bytes.size() == kFileBytesMax)
    return no_files(path + " is larger than " + std::to_string(kFileBytesMax) + " bytes");
  const bool has_rule = bytes.size() > 5 && bytes.starts_with("TZif") && bytes[4] >= '2' && bytes.back() == '\n';
  const size_t before = has_rule ? bytes.rfind('\n', bytes.size() - 2) : std::string::npos;
  if (before == std::string::npos) return std::string();
  return bytes.substr(before + 1, bytes.size() - before - 2);
}

// What the date library knows; it throws.
std::vector<ZoneChange> written_changes(const std::string& name) {
  const date::time_zone* zone = date::locate_zone(name);
  std::vector<ZoneChange> out;
  auto at = date::sys_seconds(date::sys_days(date::year{0} / 1 / 1));
  const auto end = date::sys_seconds(date::sys_days(date::year{kZoneYearLast + 1} / 1 / 1));
  for (size_t count = 0; at < end && count < kChangesMax; ++count) {
    const date::sys_info info = zone->get_info(at);
    out.push_back({at.time_since_epoch().count(), info.offset.count(), info.abbrev});
    if (info.end <= at) break;
    at = info.end;
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> zone_names() {
  try {
    std::vector<std::string> out;
    for (const date::time_zone& zone : date::get_tzdb().zones) {
      if (!depends_on_machine(zone.name())) out.push_back(zone.name());
    }
    if (out.empty()) return no_files(std::string(kFolder) + " is empty");
    std::sort(out.begin(), out.end());
    return out;
  } catch (const std::exception& error) {
    return no_files(std::string(trim(error.what())));
  }
}

Result<std::vector<ZoneChange>> read_zone(const std::string& name) {
  std::vector<ZoneChange> known;
  try {
    known = written_changes(name);
  } catch (const std::exception& error) {
    return no_files(std::string(trim(error.what())));
  }
  TRY_ASSIGN(const std::string rule, closing_rule(name));
  return continued(std::move(known), rule);
}

Result<std::vector<ZoneChange>> continued(std::vector<ZoneChange> known, std::string_view closing_rule) {
  if (closing_rule.empty()) return known;
  TRY_ASSIGN(const ZoneRule rule, ZoneRule::parse(closing_rule));
  // A zone that never changed has its only entry in the year 0, but rules with a summer are younger than 1900.
  const int64_t last = known.back().at;
  const int first_year = std::max(1900, civil_from_micros(last * 1'000'000).year);
  for (int year = first_year; year <= kZoneYearLast; ++year) {
    for (ZoneChange& change : rule.changes_in(year)) {
      if (change.at > last) known.push_back(std::move(change));
    }
  }
  return known;
}

}  // namespace weir::flow
