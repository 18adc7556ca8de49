// What starts work by itself: schedules in a zone, and triggers. Shared by the declarations of flows and of whatever
// else is started by itself (reviews): one way of writing it, one meaning.
//
//   schedule: 0 6 * * *            a text or a list, see schedule.h; zone: Europe/Berlin
//   triggers:
//     - arrival: clicks            a stream that something arrives in, once it is quiet
//     - stale: daily               a table of which a partition becomes stale
//     - run: nightly               another flow's run ends; run: review/health, a review's
//     - object: s3://bucket/in/    an object is written there
//     - job_log: prod              a row is written to the job log of a connection, see job_log.h
//     - apply: true                an apply has made or changed the declaration
//
// Pure functions and values, any thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml_reader.h"
#include "core/project/project.h"

namespace weir::flow {

inline constexpr size_t kSchedulesMax = 32;
inline constexpr size_t kFlowScheduleBytesMax = 200;
inline constexpr size_t kTriggersMax = 32;
inline constexpr size_t kTriggerColumnsMax = 16;
inline constexpr size_t kPathBytesMax = 1'024;
inline constexpr const char* kFlowRunKind = "flow";
inline constexpr const char* kReviewRunKind = "review";

enum class TriggerKind { arrival, stale, run, object, job_log, apply };
enum class RunState { done, failed };
struct Trigger {
  TriggerKind kind = TriggerKind::arrival;
  std::string name;                            // of the stream, table, run or connection; object: "s3://bucket/prefix"
  Duration quiet = seconds(10);                // arrival, object, job_log: once nothing has arrived for so long
  RunState state = RunState::done;             // run: how that run ended
  std::string work = kFlowRunKind;             // run: the kind of what runs
  std::map<std::string, std::string> where{};  // job_log: what the row's columns must hold
  friend bool operator==(const Trigger&, const Trigger&) = default;
};
const char* trigger_word(TriggerKind kind);
std::string trigger_text(const Trigger& trigger);  // "arrival of clicks (quiet for 10s)"

struct StartRules {
  std::vector<std::string> schedules;
  std::string zone = "UTC";
  std::vector<Trigger> triggers;
  friend bool operator==(const StartRules&, const StartRules&) = default;
};

// What other parts judge: a schedule's text and a zone's name. An error's column counts within the text; one that is
// missing judges nothing.
struct StartChecks {
  std::function<Status(std::string_view schedule)> schedule = {};
  std::function<Status(std::string_view zone)> zone = {};
};
StartChecks start_checks();  // what schedule.h and zone.h say

// The keys schedule, zone and triggers. `kind` and `name`: of what is declared, which does not start itself.
void read_start_rules(YamlReader& in, const StartChecks& checks, std::string_view kind, const std::string& name,
                      StartRules& into);
// Whose runs start it, with their places: for project::Declared.
std::vector<project::Starter> starters_of(const Yaml& root, const StartRules& rules);

// The properties of the three keys, and what they refer to, for a declaration's JSON Schema.
Json start_rules_schema();
Json trigger_schema();

Json trigger_json(const Trigger& trigger);
// `format`: of the flow's declaration (flow_json.cpp); before 4 a trigger had neither `work` nor `where`.
Trigger trigger_from_json(const Json& json, int64_t format, std::string& wrong);
Json to_json(const StartRules& rules);
StartRules start_rules_from_json(const Json& json, std::string& wrong);
// In words, one line each.
std::vector<project::Difference> compare(const StartRules& applied, const StartRules& wanted);

}  // namespace weir::flow
