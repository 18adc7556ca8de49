// The declaration of a stream (`streams/<name>.yaml`) as a value: what an event of it looks like, who may send it, how
// long its keys are remembered. Parsed by declaration.h, immutable afterwards, shared freely.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/time.h"

namespace weir::capture {

enum class FieldType { boolean, integer, number, decimal, string, uuid, timestamp, date, json, object, array };

struct Field {
  std::string name;
  FieldType type = FieldType::string;
  bool required = false;  // absent is an error; null is an error unless `nullable`
  bool nullable = false;
  std::string description;
  std::string was;                                // its former name, for a rename
  bool subject = false;                           // names a person: `weir lake forget` may select by it
  std::vector<std::string> values;                // enum of a string; empty: any
  std::optional<double> minimum, maximum;         // of numbers, bounds included
  std::optional<int64_t> length_min, length_max;  // characters of a string, items of an array
  std::string pattern;                            // RE2, must match the whole string
  std::optional<Json> otherwise;                  // `default:` value when absent
  int precision = 18, scale = 3;                  // decimal
  std::vector<Field> fields;                      // of an object
  std::vector<Field> items;                       // of an array: exactly one, without a name
  // Carried from what was applied before, never written in a file (declaration.h, carry()); top-level fields only.
  std::vector<std::string> former;  // names that its data had before `was`, newest first
  std::optional<Json> initial;      // what events from before the field read as; nothing: NULL
  friend bool operator==(const Field&, const Field&) = default;
};

enum class UnknownFields { keep, drop, refuse };  // keep: in the column `_extra` as JSON
enum class WhoWrites { key, anyone };

// A seed-style endpoint: POST <mount><path> with {"<batch>": [records]}, answered {"failed_count", "records"}.
struct Beacon {
  std::string path;   // "/impressions"
  std::string batch;  // "impressions"
  int records_max = 500;
  friend bool operator==(const Beacon&, const Beacon&) = default;
};

// Names of the program's own streams and views begin so; no declaration may.
inline constexpr std::string_view kSystemPrefix = "weir_";

enum class PartitionBy { day, year_month };  // `dt` (date), or `year`, `month` (int)

struct Stream {
  std::string name;  // [a-z][a-z0-9_]{0,62}
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  std::vector<Field> fields;
  std::string key;         // field that identifies an event; empty: no key, ids are assigned
  bool assign_key = true;  // a missing key is assigned (only for a uuid or string key)
  std::string time_field;  // empty: the arrival time is the event's time
  UnknownFields unknown = UnknownFields::keep;
  WhoWrites write = WhoWrites::key;
  bool public_off_loopback = false;       // `write: public` on a listener off loopback must say so
  std::vector<std::string> cors_origins;  // "https://shop.example", or "*"
  std::optional<Beacon> beacon;
  PartitionBy partition = PartitionBy::day;
  Duration dedup_window = days(7);
  Duration past_max = days(30);
  Duration future_max = hours(1);
  std::optional<Duration> retention;  // by event day; nothing: kept
  std::vector<Field> retired;  // fields that were removed and that older files still hold; carried, like `former`

  const Field* find(std::string_view field) const;
  friend bool operator==(const Stream&, const Stream&) = default;
};

// The tables that a stream has in SQL: its own, <stream>_quarantine, <stream>_intake (mark.h), and raw_<stream>, its
// archive.
std::vector<std::string> tables_of(std::string_view stream);

}  // namespace weir::capture
