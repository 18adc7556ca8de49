// From results to a verdict: each query's result is judged by its signals, and all of it becomes one report.
//
// The report is JSON; pages, files and other programs are made of it and say the same:
//   {"format","review","title","run","started_at","target":{…},"customer","endpoint","workflow",
//    "engine","notes":[…],                     which answered; what its answers left out
//    "verdict","score","counts":{"red","yellow","green","not_measured"},
//    "sections":[{"name","score","colour","queries":[
//       {"query","title","description","status","round","elapsed_ms","rows","truncated","error","result",
//        "csv","colour",
//        "left_out":{"why","statement","by"},   with the statement that mends it; null where it was asked
//        "signals":[{"signal","colour","impact","count","of","of_name","value","why","explanation",
//                    "criterion","population",
//                    "evidence":{"columns":[…],"rows":[[…]],"more"},"mend":[…],"links":[…],"recommend":[…]}],
//        "observations":[{"text","recommend"}]}]}],
//    "recommendations":{id:{"text","description","effort"}},"next_actions":[…],
//    "since":…,"trend":[…]}                     of a run's, compare.h
//
// A signal is green if it is not met, else its colour. It is *not measured*, with the reason, if its query was left out
// (left_out.h) or did not finish, if its criterion cannot be computed from the result, or if a single value was asked
// of no rows at all. What is not measured stays out of the score. The score of a section, and of the review, is 100
// less the share of what is measured that is met: high impact counts 3, medium 2, low 1; red in full, yellow by half.
//
// Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "analysis/review/criteria.h"
#include "analysis/review/declaration.h"
#include "analysis/review/left_out.h"
#include "core/base/json.h"
#include "platform/flow/query_rounds.h"

namespace weir::review {

inline constexpr size_t kEvidenceRowsMax = 50;  // of a signal, in the report

struct SignalJudgement {
  Colour colour = Colour::green;
  std::string why;  // it is not measured
  uint64_t of = 0;  // rows that were judged
  Match match;
};
// `frame`: null if the query did not finish, for the reason `why`.
SignalJudgement judge(const Signal& signal, const Frame* frame, const std::string& why);

struct ReportAbout {
  std::string run;
  std::string started_at;  // RFC 3339
  std::string workflow;
  Json target;
  std::string engine = {};
  std::vector<LeftOut> left_out = {};
  std::vector<std::string> notes = {};
};
// `frames`: the results of the queries that have finished, by the query's name.
Json judge_all(const Review& review, const flow::RoundsState& state, const std::map<std::string, Frame>& frames,
               const ReportAbout& about);

}  // namespace weir::review
