// Two reports of one review side by side, and the trend over its runs.
//
// A signal is known by its query's name and its own; of two with one name in one query the first is compared with the
// first. What else its declaration says (criterion, impact, colour) may have changed in between. What is met (yellow or
// red) is one of:
//
//   new       met now, and then it was green, not measured, or not there
//   worse     met both times, and now it is red and was yellow, or of the same colour and has more rows
//   better    met both times, and now it is yellow and was red, or of the same colour and has fewer rows
//   resolved  met then, and measured now and green
//
// and what was measured then, met or not, and now is not measured or no longer declared: not_measured_any_more. A
// signal of which nothing changed is in none of them. A criterion of one value has one row while it is met.
//
// An entry: {"query","title" (the query's),"signal","from","to" (colours; null: it is not declared there),
// "count_from","count_to","colour" (as it is met: of `to`, or of `from` where it is met no longer)}. Red first, then in
// the report's order.
//
// A run is compared with the last run of the same review and target that had begun before it and had judged something
// when it began. That is settled, and kept beside the run's declaration, before the run exists: a run that was killed
// and went on is compared with the same one.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "storage/control/control.h"

namespace weir::review {

inline constexpr size_t kTrendRunsMax = 30;

// {"from":{"run","started_at","target","workflow","verdict","score","counts"},"to":{…},"new":[…],"worse":[…],
//  "better":[…],"resolved":[…],"not_measured_any_more":[…]}
Json compare_reports(const Json& from, const Json& to);
// The same as a report has it: {"run","started_at","verdict","score","new",…}, of the one before.
Json since_json(const Json& comparison);

// How many signals are met, by query; without those that have none.
Json met_by_query(const Json& report);
// What a run has come to, for a trend: {"run","started_at","verdict","score","red","yellow","green","not_measured",
// "met":{query: signals}}.
Json trend_point(const Json& report);
Json trend_point(const control::Run& run);
// Of a review's runs, newest first, those that a run against `target` is compared with, if it began now:
// {"since": {"run","prefix"} or null, "trend": [points, oldest first]}. The trend has room for the run itself.
Json runs_before(const std::vector<control::Run>& runs, const std::string& target);

}  // namespace weir::review
