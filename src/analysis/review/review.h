// Reviews: what is declared, their runs, and their reports.
//
// A review's run (flow's work of kind "review") asks the declared queries in rounds (flow/query_rounds.h), judges the
// results (judge.h) and writes the report. All of it lies below one prefix of the store of runs that bears the start's
// time:
//
//   <review>/<start>/review.json     the declaration as it was when the run began, with the target of this run
//                        /before.json  the runs that it is compared with, see compare.h
//                        /result/…json  /csv/…csv  /error/…json  /manifest/…manifest
//                        /report.json  /report.html  /junit.xml  /html/review.html (where there is a template)
//
// Before the first round the target is looked at: queries that cannot be asked there are left out (left_out.h), which
// the run's result says from then on, in whichever life.
//
// Runs of one review go side by side, at most kAtOnce; each is its own. A run that was killed goes on with what is
// missing. Queries that fail in every round do not fail the run: its report says what was not measured and why, and a
// finding lists them. A run fails if nothing could be measured at all.
//
// Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/declaration.h"
#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/io/blob_store.h"
#include "platform/flow/flow.h"
#include "platform/flow/starts.h"
#include "platform/notify/notify.h"
#include "platform/warehouse/sql_source.h"

namespace weir::review {

inline constexpr const char* kWorkKind = "review";
inline constexpr size_t kAtOnce = 8;

struct ReviewState {
  Review review;
  bool is_shipped = false;  // it comes with the program, and nobody declared another one of its name
  std::optional<control::Run> last = {};
  flow::StartState start = {};       // when it runs by itself
  Json trend = Json(Json::Array{});  // of the runs against the review's target, oldest first: compare.h
  Json to_json() const;              // what a list shows; without SQL
};

struct Compared {
  std::string from, to;  // runs; empty: the one that `to` was compared with at its end, the newest with a report
};

struct StartRequest {
  std::string workflow;  // empty: the review's own
  std::string on;        // another target for this run; empty: the review's own
  Json cause;            // see control::Run
};

class Reviews {
 public:
  struct Parts {
    flow::Flow& flow;
    flow::Starts& starts;  // what starts reviews by itself
    BlobStore& store;
    notify::Notifier& notifier;
    const Clock& clock;
    Random& random;
    // A review's target, asked on weir as this user (empty: the owner); not_found names those that there are.
    std::function<Result<std::unique_ptr<warehouse::SqlSource>>(const std::string& target, const std::string& user)>
        source;
  };
  // Hands its work to flow.
  explicit Reviews(const Parts& parts);

  // At start and after each apply. The declared ones; those that come with the program (shipped.h) are there beside
  // them.
  Status set_reviews(std::vector<Review> reviews);
  Result<std::vector<ReviewState>> reviews() const;
  Result<Review> review(std::string_view name) const;  // not_found names the nearest
  // The run's id.
  Result<std::string> start(std::string_view name, const StartRequest& request);
  // Of a run; an empty id is the review's last that has one. `not_found` while it has none.
  Result<std::string> report(std::string_view run, std::string_view file) const;  // "report.json", "report.html" …
  // Two runs' reports side by side, {"review", and what compare.h says}; `invalid` if they are of different reviews.
  Result<Json> compare(std::string_view name, const Compared& runs) const;
  Result<std::string> last_run(std::string_view name) const;

 private:
  Result<Json> report_json(std::string_view run) const;
  const Parts parts_;
  mutable Mutex mutex_;
  struct Known {
    Review review;
    bool is_shipped = false;
  };
  std::map<std::string, Known, std::less<>> reviews_ GUARDED_BY(mutex_);
};

}  // namespace weir::review
