// The declaration of a flow, `flows/<name>.yaml`: when it runs, for which days, its steps and their order, and what
// happens when one fails. As a value, as it is read, described by a schema, stored, and compared with what is applied.
// Nothing here runs, waits or knows a clock.
//
// Promises: parse_flow finds every mistake of a file in one pass, each with file:line:column. flow_from_json(
// to_json(f)) == f, also through text; equal flows give equal JSON. A flow without mistakes has at least one step, no
// two of one name, and no circle among them. Not judged here: whether the tables, streams and flows that are named
// exist. No secret is kept: what holds one is kept as it is written, `${secret:NAME}`. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"
#include "core/project/project.h"
#include "platform/flow/start_rules.h"

namespace weir::flow {

inline constexpr size_t kStepsMax = 200;
inline constexpr size_t kStepTablesMax = 1'000;
inline constexpr size_t kArgumentsMax = 200;
inline constexpr size_t kArgumentBytesMax = 8'192;
inline constexpr size_t kEnvironmentMax = 100;
inline constexpr int kRetriesMax = 100;
inline constexpr int kActiveMax = 100;

// Again after a failure, each time a little later.
struct Retries {
  int times = 0;  // beyond the first attempt
  Duration wait = seconds(10);
  double factor = 2;
  Duration max = minutes(10);
  // Before the retry with this number (from 1): wait × factor^(number - 1), at most `max`.
  Duration wait_before(int number) const;
  friend bool operator==(const Retries&, const Retries&) = default;
};

// The days that a scheduled run is for: `days` of them, the last one `offset` days from the day of its start in the
// flow's zone. By default yesterday.
struct Window {
  int days = 1;
  int offset = -1;
  // A table: the window begins earlier if an earlier day of it, or of what it is made of, has changed since the flow's
  // last run that was done. So what arrived late is done again.
  std::string late{};
  friend bool operator==(const Window&, const Window&) = default;
};
struct WindowDays {
  int32_t first = 0;  // days since 1970-01-01, both included
  int32_t last = 0;
};
WindowDays days_of(const Window& window, int32_t start_day);

enum class StepKind { tables, sql, load, unload, check, command };
enum class DataFormat { csv, json, parquet };
enum class LoadMode { append, replace };

// Paths may hold {start} and {end} (the window's first day, and the day after its last), {day} (its last day) and
// {run}. SQL has the same as parameters: $start, $end, $day, $run. A table is `name` or `public.name`.
struct Load {
  std::string file;
  std::string table;
  DataFormat format = DataFormat::csv;  // by default what the file's name ends with
  LoadMode mode = LoadMode::append;
  std::string by{};  // replace: only the rows whose time or day in this column lies in the window; empty: all rows
  friend bool operator==(const Load&, const Load&) = default;
};
struct Unload {
  std::string select;  // or
  std::string table;
  std::string to;
  DataFormat format = DataFormat::csv;  // as above
  bool header = true;                   // of csv
  friend bool operator==(const Unload&, const Unload&) = default;
};
struct EnvironmentValue {
  std::string text;
  bool secret = false;  // then `text` is as written, `${…}` to be expanded when the step runs
  friend bool operator==(const EnvironmentValue&, const EnvironmentValue&) = default;
};
struct Command {
  std::vector<std::string> arguments;  // the program first; no shell
  std::map<std::string, EnvironmentValue> environment;
  friend bool operator==(const Command&, const Command&) = default;
};

enum class StepFailure { stop, keep_going };  // `stop`, `continue`: whether the steps behind it run
struct Step {
  std::string name;  // by default its kind and its place: sql_2
  StepKind kind = StepKind::tables;
  std::vector<std::string> tables;  // built as far as they are stale
  std::string sql;                  // one or more statements
  std::string check;                // a SELECT, each row of which is a failure
  Load load;
  Unload unload;
  Command command;
  std::optional<std::vector<std::string>> after;  // [] : from the beginning. Nothing: the flow's order decides
  std::optional<Retries> retries;                 // nothing: the flow's
  std::optional<Duration> time_limit;             // of one attempt
  StepFailure on_failure = StepFailure::stop;
  friend bool operator==(const Step&, const Step&) = default;
};

enum class StepOrder { serial, parallel };  // of steps without `after`: behind the one above, or from the beginning
enum class FlowFailure { cascade, keep_going };  // `cascade`, `continue`: whether what depends on the flow runs

struct FlowDeclaration : StartRules {
  std::string name;  // [a-z][a-z0-9_]{0,62}
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  Window window;
  std::vector<Step> steps;
  StepOrder order = StepOrder::serial;
  Retries retries;                     // of a step that does not say its own
  std::optional<Duration> time_limit;  // of a run
  int max_active = 1;                  // runs at once
  FlowFailure on_failure = FlowFailure::cascade;
  friend bool operator==(const FlowDeclaration&, const FlowDeclaration&) = default;
};

const char* step_word(StepKind kind);
const char* format_word(DataFormat format);

// For each step the places of those that must have ended before it, in order. Means something only for a flow without
// mistakes.
std::vector<std::vector<size_t>> steps_before(const FlowDeclaration& flow);

struct ParsedFlow {
  FlowDeclaration flow;       // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
};
// `name` is the file's name without .yaml. The second form takes a file without `${…}`.
ParsedFlow parse_flow(const Yaml& root, const std::string& name, const StartChecks& checks);
ParsedFlow parse_flow(std::string_view text, const std::string& file, const std::string& name,
                      const StartChecks& checks);

// JSON Schema (draft 2020-12) of the file, for editors and `weir schema`.
Json flow_schema();

// The canonical form that the control database keeps.
Json to_json(const FlowDeclaration& flow);
// `corrupt` if it is not what to_json wrote; `unsupported` if a newer weir wrote it.
Result<FlowDeclaration> flow_from_json(const Json& json);

// From what is applied to what is wanted, in the order of the declaration; empty if nothing would change. All of it is
// compatible: runs that have begun end as they began.
std::vector<project::Difference> compare(const FlowDeclaration& applied, const FlowDeclaration& wanted);

// The kind "flow" for the project's registry, with all of the above; `destroy` is the caller's to add.
project::Kind flow_kind(StartChecks checks);

}  // namespace weir::flow
