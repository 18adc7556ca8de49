// The declaration of live windows, `live/<name>.yaml`: which streams are counted, in windows of which size, by which
// keys, what is measured, how long windows are kept and until when late events still correct them. As a value, as it is
// read, described by a schema, stored, and compared with what is applied.
//
// Promises: parse_live finds every mistake of a file in one pass, each with file:line:column.
// live_from_json(to_json(d))
// == d, also through text; equal declarations give equal JSON. A declaration without mistakes has at least one measure
// of a stream, no two columns of one name, ratios only between other measures, and bounded memory (rows_max). Not
// judged here: whether the streams and fields exist (plan.h). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"
#include "core/project/project.h"

namespace weir::live {

inline constexpr size_t kMeasuresMax = 32;
inline constexpr size_t kKeysMax = 8;                 // fields of a key
inline constexpr uint64_t kRowsMax = 500'000;         // windows times keys, all of which are in memory
inline constexpr size_t kKeyBytesMax = 256;           // of one value; longer ones are counted as `beyond_keys` says
inline constexpr const char* kTablePrefix = "live_";  // in SQL: live_traffic

enum class MeasureKind { count, sum, min, max, avg, ratio };

// `field` is empty where events are counted. A ratio names two other measures and is null where the divisor is 0 or has
// no value.
struct Measure {
  std::string name;
  MeasureKind kind = MeasureKind::count;
  std::string stream, field;
  std::string dividend, divisor;
  std::string metric;  // its name among the program's metrics; empty: not exported
  friend bool operator==(const Measure&, const Measure&) = default;
};

// What becomes of an event whose key is new where the window has keys_max of them already.
enum class Beyond {
  other,  // counted together, in one row of the window
  drop,   // not counted; counted as `too_many_keys`
};

struct Declaration {
  std::string name;  // [a-z][a-z0-9_]{0,57}
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  Duration size = minutes(1);           // divides a day; windows begin at multiples of it since 1970 in UTC
  Duration keep = days(1);              // from a window's end; older events are too late for it
  Duration allowed_lateness = days(1);  // from a window's end; at most `keep`, which is the default
  Duration settle = seconds(10);        // from a window's end; what arrives later is late, and corrects
  std::vector<std::string> keys;        // fields that every stream has
  size_t keys_max = 100;                // of one window
  Beyond beyond_keys = Beyond::other;
  std::vector<Measure> measures;
  std::string metrics_namespace;  // of measures with a `metric`

  std::vector<std::string> streams() const;  // each once, in order of first use
  friend bool operator==(const Declaration&, const Declaration&) = default;
};

const char* kind_word(MeasureKind kind);
// As a file says it: "orders.amount", "clicks / impressions".
std::string operand_text(const Measure& measure);

struct ParsedLive {
  Declaration live;           // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
};
// `name` is the file's name without .yaml. The second form takes a file without `${…}`.
ParsedLive parse_live(const Yaml& root, const std::string& name);
ParsedLive parse_live(std::string_view text, const std::string& file, const std::string& name);

// JSON Schema (draft 2020-12) of the file, for editors and `weir schema`.
Json live_schema();

// The canonical form that the control database keeps.
Json to_json(const Declaration& live);
// `corrupt` if it is not what to_json wrote; `unsupported` if a newer weir wrote it.
Result<Declaration> live_from_json(const Json& json);

// From what is applied to what is wanted, in the order of the declaration; empty if nothing would change. All of it is
// compatible: what changes the windows computes them again from what the lake holds.
std::vector<project::Difference> compare(const Declaration& applied, const Declaration& wanted);

// The kind "live" for the project's registry, with all of the above. `destroy` is the caller's to add.
project::Kind live_kind();

}  // namespace weir::live
