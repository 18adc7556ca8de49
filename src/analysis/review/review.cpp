#include "analysis/review/review.h"

#include <algorithm>

#include "analysis/review/compare.h"
#include "analysis/review/judge.h"
#include "analysis/review/left_out.h"
#include "analysis/review/report.h"
#include "analysis/review/shipped.h"
#include "analysis/review/tell.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/flow/query_results.h"
#include "platform/flow/query_rounds.h"

namespace weir::review {
namespace {

constexpr size_t kFileBytesMax = 64u << 20;
constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr size_t kRunsLooked = 500;  // newest ones of a review, of all its targets

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

Result<std::string> content_of(BlobStore& store, const std::string& key, size_t bytes_max = kFileBytesMax) {
  TRY_ASSIGN(const auto file, store.open(key));
  TRY_ASSIGN(const uint64_t size, file->size());
  if (size > bytes_max) return Error(Code::too_large, key + " has " + std::to_string(size) + " bytes");
  std::string out(size, '\0');
  for (size_t at = 0; at < out.size();) {
    TRY_ASSIGN(const size_t n, file->read_at(at, out.data() + at, out.size() - at));
    if (n == 0) return Error(Code::corrupt, key + " is shorter than it was");
    at += n;
  }
  return out;
}

// compare.h's runs_before(), as it was when the run with this prefix was started.
Result<Json> before_of(BlobStore& store, const std::string& prefix) {
  TRY_ASSIGN(const std::string text, content_of(store, prefix + "/before.json"));
  return Json::parse(text, kFileBytesMax);
}

// "20261122T180000Z-3f2a": sorts by time, and is another one for two starts of one second.
std::string start_name(WallTime now, Random& random) {
  std::string out;
  for (const char c : format_timestamp(now.micros / kMicrosPerSecond * kMicrosPerSecond).substr(0, 19)) {
    if (c != '-' && c != ':') out += c;
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += "Z-";
  const uint64_t chance = random.next();
  for (int i = 0; i < 4; ++i) out += kDigits[(chance >> (4 * i)) & 15];
  return out;
}

class ReviewWork final : public flow::Work {
 public:
  explicit ReviewWork(const Reviews::Parts& parts) : parts_(parts) {}
  Status check(const Json& parameters) const override {
    if (parameters["prefix"].as_string().empty()) return Error(Code::invalid, "a run of a review has a prefix");
    return {};
  }
  size_t at_once() const override { return kAtOnce; }
  bool waits() const override { return true; }
  Status run(flow::WorkContext& context) override;

 private:
  Result<Review> declared(const std::string& prefix) const;
  Result<flow::RoundPlan> plan_of(const Review& review, flow::WorkContext& context) const;
  Status begin(const Review& review, flow::WorkContext& context, warehouse::SqlSource& source);
  Status compare(Json& report, const std::string& prefix) const;
  Status write_report(const Review& review, const flow::RoundsState& state, flow::WorkContext& context);
  const Reviews::Parts parts_;
};

Result<Review> ReviewWork::declared(const std::string& prefix) const {
  TRY_ASSIGN(const std::string text, content_of(parts_.store, prefix + "/review.json"));
  TRY_ASSIGN(const Json json, Json::parse(text, kFileBytesMax));
  return review_from_json(json);
}

// What the whole run's time limit counts from is its first life's beginning; what was left out then stays so.
Status ReviewWork::begin(const Review& review, flow::WorkContext& context, warehouse::SqlSource& source) {
  if (context.result().is_object()) return {};
  const std::string prefix = context.parameters()["prefix"].as_string();
  if (parts_.store.open(prefix + "/report.json")) {
    return Error(Code::conflict, "the files below " + prefix + " are of a run that has ended",
                 "begin a new one with `weir review run`");
  }
  const int64_t started_at = parts_.clock.wall().micros;
  const Json target = source.about();
  const Cancel& cancel = context.cancel();
  const auto engine = source.engine(cancel);
  const std::string answers = engine ? *engine : target["kind"].as_string();
  auto readable =
      engine ? source.examine(needed_relations(review, answers), cancel) : Result<warehouse::Readable>(engine.error());
  TRY(cancel.check());
  if (!readable) {  // the rounds will say it of each query, or find the target there again
    std::string note = "what can be read there could not be looked at: " + readable.error().text();
    readable = warehouse::Readable{.unreadable = {}, .notes = {std::move(note)}};
  }
  return context.set_result(Json::Object{{"started_at", started_at},
                                         {"target", target},
                                         {"prefix", prefix},
                                         {"engine", answers},
                                         {"left_out", to_json(left_out(review, answers, *readable))},
                                         {"notes", texts(readable->notes)}});
}

Result<flow::RoundPlan> ReviewWork::plan_of(const Review& review, flow::WorkContext& context) const {
  flow::RoundPlan out;
  out.prefix = context.parameters()["prefix"].as_string();
  out.rounds = review.rounds;
  out.parallel = static_cast<size_t>(review.parallel);
  out.bars = review.seed_csv;
  const auto workflow = review.workflows.find(context.parameters()["workflow"].as_string());
  if (workflow == review.workflows.end()) return Error(Code::corrupt, "the run's workflow is not in its review");
  const std::string engine = context.result()["engine"].as_string();
  TRY_ASSIGN(const auto left_out, left_out_from_json(context.result()["left_out"]));
  for (const Segment& segment : workflow->second) {
    std::vector<flow::RoundQuery> queries;
    for (const Planned& planned : segment) {
      const Query& query = *review.find(planned.query);
      const std::string* sql = query.sql_for(engine);
      if (sql == nullptr || is_left_out(left_out, query.name)) continue;
      queries.push_back({query.name, query.script_for(engine), *sql, query.result, planned.threshold});
    }
    if (!queries.empty()) out.segments.push_back(std::move(queries));
  }
  if (review.time_limit) {
    const int64_t passed = parts_.clock.wall().micros - context.result()["started_at"].as_int();
    out.end = parts_.clock.steady_micros() + review.time_limit->micros - std::max<int64_t>(0, passed);
  }
  return out;
}

Status ReviewWork::run(flow::WorkContext& context) {
  const std::string prefix = context.parameters()["prefix"].as_string();
  TRY_ASSIGN(const Review review, declared(prefix));
  TRY_ASSIGN(const auto source, parts_.source(review.target, review.user));
  TRY(begin(review, context, *source));
  TRY_ASSIGN(const flow::RoundPlan plan, plan_of(review, context));
  TRY_ASSIGN(const flow::RoundsState state, flow::run_rounds({*source, parts_.store, parts_.clock}, plan, context));
  TRY(context.task("report", "report", [&]() -> Result<flow::TaskEnd> {
    TRY(write_report(review, state, context));
    const Json& counts = context.result()["counts"];
    return flow::TaskEnd{std::nullopt, std::to_string(counts["red"].as_int()) + " red, " +
                                           std::to_string(counts["yellow"].as_int()) + " yellow"};
  }));
  const bool is_measured = std::any_of(state.begin(), state.end(), [](const flow::QueryRecord& record) {
    return record.state == flow::QueryState::finished;
  });
  if (state.empty()) {
    return Error(Code::unavailable,
                 "no query of this workflow can be asked of " + review.target + "; the report says why of each");
  }
  if (!is_measured) {
    return Error(Code::unavailable, "none of the " + std::to_string(state.size()) +
                                        " queries finished; the first says: " + state.front().error);
  }
  return {};
}

// With the run that was settled when this one was started. That one's report may have been taken away since: then there
// is nothing to compare with.
Status ReviewWork::compare(Json& report, const std::string& prefix) const {
  TRY_ASSIGN(const Json before, before_of(parts_.store, prefix));
  Json since;
  if (before["since"].is_object()) {
    const auto text = content_of(parts_.store, before["since"]["prefix"].as_string() + "/report.json");
    if (!text && text.error().code != Code::not_found) return text.error();
    if (text) {
      TRY_ASSIGN(const Json other, Json::parse(*text, kFileBytesMax));
      since = since_json(compare_reports(other, report));
    }
  }
  Json trend = before["trend"].is_array() ? before["trend"] : Json(Json::Array{});
  trend.push(trend_point(report));
  report.set("since", std::move(since));
  report.set("trend", std::move(trend));
  return {};
}

Status ReviewWork::write_report(const Review& review, const flow::RoundsState& state, flow::WorkContext& context) {
  const std::string prefix = context.parameters()["prefix"].as_string();
  std::map<std::string, Frame> frames;
  for (const flow::QueryRecord& record : state) {
    if (record.state != flow::QueryState::finished) continue;
    TRY_ASSIGN(const std::string text, content_of(parts_.store, record.result_key, flow::kResultBytesMax));
    TRY_ASSIGN(warehouse::SqlAnswer answer, flow::result_from_json(text));
    Frame frame = Frame::of(answer.columns, std::move(answer.rows));
    frame.is_cut = answer.is_cut;
    frames.emplace(record.name, std::move(frame));
  }
  ReportAbout about{context.run(), format_timestamp(context.result()["started_at"].as_int()),
                    context.parameters()["workflow"].as_string(), context.result()["target"],
                    context.result()["engine"].as_string()};
  TRY_ASSIGN(about.left_out, left_out_from_json(context.result()["left_out"]));
  for (const Json& note : context.result()["notes"].array()) about.notes.push_back(note.as_string());
  Json report = judge_all(review, state, frames, about);
  TRY(compare(report, prefix));
  TRY(parts_.store.put(prefix + "/junit.xml", report_junit(report)));
  TRY(parts_.store.put(prefix + "/report.html", report_html(report, review.look)));
  if (!review.page.empty()) {
    TRY(parts_.store.put(prefix + "/html/review.html", report_page(report, review.page)));
  }
  TRY(parts_.store.put(prefix + "/report.json", report.dump(1) + "\n"));
  const int64_t took = parts_.clock.wall().micros - context.result()["started_at"].as_int();
  const bool is_whole = std::all_of(state.begin(), state.end(), [](const flow::QueryRecord& record) {
    return record.state == flow::QueryState::finished;
  });
  tell(parts_.notifier, parts_.clock,
       {.review = review,
        .state = state,
        .report = report,
        .run = context.run(),
        .on = context.parameters()["on"].as_string(),
        .prefix = prefix,
        .is_late = !is_whole && review.time_limit && took >= review.time_limit->micros});
  Json result = context.result();
  result.set("verdict", report["verdict"]);
  result.set("score", report["score"]);
  result.set("counts", report["counts"]);
  result.set("met", met_by_query(report));
  return context.set_result(std::move(result));
}

}  // namespace

Json ReviewState::to_json() const {
  Json workflows{Json::Array{}}, queries{Json::Array{}};
  for (const auto& [name, workflow] : review.workflows) workflows.push(name);
  size_t signals = 0;
  for (const Query& query : review.queries) {
    signals += query.signals.size();
    queries.push(Json::Object{{"query", query.name},
                              {"title", query.title.empty() ? query.name : query.title},
                              {"script", query.script},
                              {"threshold", format_duration(query.threshold)},
                              {"engines", texts(query.engines)},
                              {"needs", texts(query.needs)},
                              {"signals", query.signals.size()}});
  }
  Json out = Json::Object{{"review", review.name},
                          {"title", review.title},
                          {"description", review.description},
                          {"shipped", is_shipped},
                          {"enabled", review.enabled},
                          {"target", review.target},
                          {"workflow", review.workflow},
                          {"workflows", std::move(workflows)},
                          {"rounds", review.rounds},
                          {"queries", std::move(queries)},
                          {"signals", signals},
                          {"last", last ? flow::run_json(*last) : Json()},
                          {"trend", trend}};
  start.add_to(out);
  return out;
}

Reviews::Reviews(const Parts& parts) : parts_(parts) {
  parts_.flow.add_work(kWorkKind, std::make_unique<ReviewWork>(parts_));
}

Status Reviews::set_reviews(std::vector<Review> reviews) {
  std::map<std::string, Known, std::less<>> made;
  for (const ShippedReview& one : shipped_reviews()) made[one.review.name] = {one.review, true};
  for (Review& review : reviews) {
    std::string name = review.name;
    made[std::move(name)] = {std::move(review), false};
  }
  std::vector<flow::Startable> startables;
  for (const auto& [name, known] : made) {
    flow::Startable startable;
    startable.kind = kWorkKind;
    startable.name = name;
    startable.enabled = known.review.enabled && known.review.scheduled;
    startable.rules = known.review.starts;
    startable.declaration = review::to_json(known.review).dump();
    startable.start = [this, name = name](const flow::StartReason& reason) {
      StartRequest request;
      request.cause = reason.cause;
      return start(name, request);
    };
    startables.push_back(std::move(startable));
  }
  {
    const MutexLock lock(mutex_);
    reviews_ = std::move(made);
  }
  return parts_.starts.set(kWorkKind, std::move(startables));
}

Result<std::vector<ReviewState>> Reviews::reviews() const {
  std::vector<ReviewState> out;
  {
    const MutexLock lock(mutex_);
    for (const auto& [name, known] : reviews_) out.push_back({known.review, known.is_shipped});
  }
  for (ReviewState& state : out) {
    TRY_ASSIGN(const auto runs, parts_.flow.runs(state.review.name, false, 50));
    const auto last = std::find_if(runs.begin(), runs.end(), [](const auto& run) { return run.kind == kWorkKind; });
    if (last != runs.end()) state.last = *last;
    state.start = parts_.starts.state(kWorkKind, state.review.name);
    state.trend = runs_before(runs, state.review.target)["trend"];
  }
  return out;
}

Result<Review> Reviews::review(std::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = reviews_.find(name);
  if (found != reviews_.end()) return found->second.review;
  std::vector<std::string> known;
  for (const auto& [other, review] : reviews_) known.push_back(other);
  return Error(Code::not_found, "there is no review " + shown(name), did_you_mean(name, known));
}

Result<std::string> Reviews::start(std::string_view name, const StartRequest& request) {
  TRY_ASSIGN(Review review, this->review(name));
  if (!review.enabled) {
    return Error(Code::conflict, "review " + review.name + " is disabled", "set enabled: true in its declaration");
  }
  const std::string workflow = request.workflow.empty() ? review.workflow : request.workflow;
  if (!review.workflows.contains(workflow)) {
    std::vector<std::string> known;
    for (const auto& [other, segments] : review.workflows) known.push_back(other);
    return Error(Code::not_found, "review " + review.name + " has no workflow " + shown(workflow),
                 did_you_mean(workflow, known));
  }
  const std::string on = request.on == review.target ? "" : request.on;
  if (!on.empty()) review.target = on;
  TRY(parts_.source(review.target, review.user));
  const std::string prefix = review.name + "/" + start_name(parts_.clock.wall(), parts_.random);
  TRY(parts_.store.put(prefix + "/review.json", to_json(review).dump(1) + "\n"));
  TRY_ASSIGN(const auto runs, parts_.flow.runs(review.name, false, kRunsLooked));
  TRY(parts_.store.put(prefix + "/before.json", runs_before(runs, review.target).dump(1) + "\n"));
  flow::WorkRequest work;
  work.kind = kWorkKind;
  work.name = review.name;
  work.parameters = Json(Json::Object{{"workflow", workflow}, {"prefix", prefix}, {"target", review.target}});
  if (!on.empty()) work.parameters.set("on", on);
  work.cause = request.cause;
  return parts_.flow.start_work(work);
}

Result<std::string> Reviews::report(std::string_view run, std::string_view file) const {
  TRY_ASSIGN(const auto view, parts_.flow.run(run));
  if (view.run.kind != kWorkKind) return Error(Code::not_found, "run " + shown(run) + " is no review");
  const std::string key = view.run.parameters["prefix"].as_string() + "/" + std::string(file);
  auto out = content_of(parts_.store, key);
  if (out || out.error().code != Code::not_found) return out;
  return Error(Code::not_found, "run " + std::string(run) + " has no " + std::string(file),
               view.run.ended_at ? "" : "it has not ended: weir runs watch " + std::string(run));
}

Result<Json> Reviews::report_json(std::string_view run) const {
  TRY_ASSIGN(const std::string text, report(run, "report.json"));
  return Json::parse(text, kFileBytesMax);
}

Result<Json> Reviews::compare(std::string_view name, const Compared& runs) const {
  TRY(review(name));
  std::string to = runs.to, from = runs.from;
  if (to.empty()) {
    TRY_ASSIGN(to, last_run(name));
  }
  TRY_ASSIGN(const Json now, report_json(to));
  if (from.empty()) from = now["since"]["run"].as_string();
  if (from.empty()) {
    return Error(Code::not_found, "run " + to + " is the first of review " + std::string(name) + " against its target",
                 "name the run that it is to be compared with");
  }
  TRY_ASSIGN(const Json then, report_json(from));
  for (const Json* report : {&now, &then}) {
    if ((*report)["review"].as_string() == name) continue;
    return Error(Code::invalid, "run " + (*report)["run"].as_string() + " is one of review " +
                                    shown((*report)["review"].as_string()) + ", not of " + shown(name));
  }
  Json out = Json::Object{{"review", name}};
  const Json compared = compare_reports(then, now);
  for (const auto& [key, value] : compared.object()) out.set(key, value);
  return out;
}

Result<std::string> Reviews::last_run(std::string_view name) const {
  TRY(review(name));
  TRY_ASSIGN(const auto runs, parts_.flow.runs(name, false, 200));
  for (const auto& run : runs) {
    if (run.kind == kWorkKind && run.result["verdict"].is_string()) return run.id;
  }
  return Error(Code::not_found, "review " + std::string(name) + " has no report yet",
               "weir review run " + std::string(name));
}

}  // namespace weir::review
