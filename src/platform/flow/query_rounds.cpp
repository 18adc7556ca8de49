#include "platform/flow/query_rounds.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "core/base/json_shape.h"
#include "core/base/time.h"
#include "core/runtime/thread.h"
#include "platform/flow/query_results.h"

namespace weir::flow {
namespace {

const std::vector<std::pair<std::string, QueryState>>& state_words() {
  static const std::vector<std::pair<std::string, QueryState>> kWords = {
      {"INITIAL", QueryState::initial}, {"FINISHED", QueryState::finished}, {"FAILED", QueryState::failed}};
  return kWords;
}

std::string round_name(int round) {
  return "round " + std::to_string(round);
}

// A stop of the run, rather than a failure of a query.
bool is_stop(const Error& error, const Cancel& cancel) {
  const bool ends = error.code == Code::cancelled || error.code == Code::unavailable;
  return ends && cancel.is_cancelled();
}

class Rounds {
 public:
  Rounds(const RoundsParts& parts, const RoundPlan& plan, WorkContext& context)
      : parts_(parts), plan_(plan), context_(context) {}

  Result<RoundsState> run() {
    TRY(take_up());
    const size_t threads = std::min(plan_.parallel, plan_.segments.size());
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; ++i) others.push_back(start_thread("run-query", [this] { take_segments(); }));
    take_segments();
    for (std::thread& other : others) other.join();
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    return state_;
  }

 private:
  // What is on record of an earlier life, else the beginning.
  Status take_up() {
    const Json& known = context_.result()["queries"];
    if (known.is_array()) {
      TRY_ASSIGN(state_, rounds_state_from_json(known));
    } else {
      for (size_t segment = 0; segment < plan_.segments.size(); ++segment) {
        for (const RoundQuery& query : plan_.segments[segment]) state_.push_back(new_record(query, segment));
      }
    }
    for (size_t segment = 0, at = 0; segment < plan_.segments.size(); ++segment) {
      firsts_.push_back(at);
      at += plan_.segments[segment].size();
      if (at > state_.size()) return Error(Code::corrupt, "the run's state is of other queries than its review");
    }
    for (const QueryRecord& record : state_) {
      TRY(context_.plan(record.name, {round_name(std::max(1, record.round))}));
      if (record.state == QueryState::finished) {
        TRY(context_.task(record.name, round_name(record.round),
                          [&]() -> Result<TaskEnd> { return TaskEnd{record.rows}; }));
      }
    }
    return known.is_array() ? Status() : keep();
  }

  QueryRecord new_record(const RoundQuery& query, size_t segment) const {
    QueryRecord out;
    out.name = query.name;
    out.script = query.script;
    out.segment = segment;
    out.threshold = query.threshold;
    out.result_key = plan_.prefix + "/result/" + query.result + ".json";
    out.csv_key = plan_.prefix + "/csv/" + query.result + ".csv";
    out.error_key = plan_.prefix + "/error/" + query.result + ".json";
    return out;
  }

  void take_segments() {
    for (size_t segment = next_segment_++; segment < plan_.segments.size(); segment = next_segment_++) {
      if (const Status done = run_segment(segment); !done) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = done.error();
        return;
      }
    }
  }

  Status run_segment(size_t segment) {
    const auto& queries = plan_.segments[segment];
    for (int round = 1; round <= plan_.rounds; ++round) {
      bool asked = false;
      for (size_t i = 0; i < queries.size(); ++i) {
        const size_t number = firsts_[segment] + i;
        if (!is_due(number, round)) continue;
        asked = true;
        TRY(ask(queries[i], number, round));
      }
      TRY(leave_manifest(segment, round, asked));
      if (is_over(segment, round)) return {};
    }
    return {};
  }

  // Not FINISHED, and not asked in this round yet: in an earlier life it may have been.
  bool is_due(size_t number, int round) {
    const std::lock_guard lock(mutex_);
    const QueryRecord& record = state_[number];
    return record.state != QueryState::finished && record.round < round;
  }

  // All are FINISHED, the last of them in this round or an earlier one.
  bool is_over(size_t segment, int round) {
    const std::lock_guard lock(mutex_);
    return std::all_of(state_.begin(), state_.end(), [&](const QueryRecord& record) {
      return record.segment != segment || (record.state == QueryState::finished && record.round <= round);
    });
  }

  Status ask(const RoundQuery& query, size_t number, int round) {
    if (round > 1) {
      TRY(context_.plan(query.name, {round_name(round)}));
      TRY(change(number, [](QueryRecord& record) { record.state = QueryState::initial; }));
    }
    Status written;
    const Status done = context_.task(query.name, round_name(round), [&]() -> Result<TaskEnd> {
      const int64_t begin = parts_.clock.steady_micros();
      auto answer = answer_of(query);
      const Duration took{parts_.clock.steady_micros() - begin};
      if (answer) {
        written = finish(number, round, *answer, took);
        if (!written) return written.error();
        return TaskEnd{answer->rows.size(), answer->is_cut ? "more rows than are kept" : ""};
      }
      if (is_stop(answer.error(), context_.cancel())) {
        written = answer.error();
      } else {
        written = fail(number, round, answer.error(), took);
      }
      return answer.error();
    });
    TRY(written);
    if (!done && context_.cancel().is_cancelled()) return context_.cancel().check();
    return {};
  }

  Result<warehouse::SqlAnswer> answer_of(const RoundQuery& query) {
    Duration time = query.threshold;
    bool is_of_run = false;
    if (plan_.end) {
      const int64_t left = *plan_.end - parts_.clock.steady_micros();
      is_of_run = left < time.micros;
      if (left <= 0) return Error(Code::timed_out, "the run's time_limit was over before its turn came");
      time.micros = std::min(time.micros, left);
    }
    auto out = parts_.source.run(query.sql, {.time = time, .rows_max = plan_.rows_max}, context_.cancel());
    if (!out && out.error().code == Code::timed_out) {
      return Error(Code::timed_out,
                   is_of_run ? "cancelled: the run's time_limit was over"
                             : "cancelled: it took longer than its threshold of " + format_duration(query.threshold));
    }
    return out;
  }

  // Its files first: a FINISHED query has them.
  Status finish(size_t number, int round, const warehouse::SqlAnswer& answer, Duration took) {
    const QueryRecord record = record_of(number);
    TRY(parts_.store.put(record.result_key, result_json(answer)));
    TRY(parts_.store.put(record.csv_key, plan_.bars ? result_bars(answer) : result_csv(answer)));
    return change(number, [&](QueryRecord& into) {
      into.state = QueryState::finished;
      into.round = round;
      into.rows = answer.rows.size();
      into.is_cut = answer.is_cut;
      into.took = took;
      into.code.clear();
      into.error.clear();
    });
  }

  Status fail(size_t number, int round, const Error& error, Duration took) {
    const QueryRecord record = record_of(number);
    const Json body = Json::Object{{"query", record.name},
                                   {"round", round},
                                   {"code", code_name(error.code)},
                                   {"sqlstate", error.sqlstate == nullptr ? Json() : Json(error.sqlstate)},
                                   {"error", error.text()}};
    TRY(parts_.store.put(record.error_key, body.dump(1) + "\n"));
    return change(number, [&](QueryRecord& into) {
      into.state = QueryState::failed;
      into.round = round;
      into.took = took;
      into.code = code_name(error.code);
      into.error = error.text();
    });
  }

  QueryRecord record_of(size_t number) {
    const std::lock_guard lock(mutex_);
    return state_[number];
  }

  template <class Change>
  Status change(size_t number, const Change& made) {
    const std::lock_guard lock(mutex_);
    made(state_[number]);
    return keep();
  }

  // Holding mutex_, but at the beginning.
  Status keep() {
    Json result = context_.result();
    if (!result.is_object()) result = Json(Json::Object{});
    result.set("queries", to_json(state_));
    return context_.set_result(std::move(result));
  }

  // How the segment stands at the round's end. A round in which nothing was asked left it in an earlier life.
  Status leave_manifest(size_t segment, int round, bool asked) {
    const std::string key = plan_.prefix + "/manifest/round-" + std::to_string(round) + "-workflow-" +
                            std::to_string(plan_.segments.size()) + "-" + std::to_string(segment) + ".manifest";
    if (!asked) {
      TRY_ASSIGN(const bool is_there, parts_.store.exists(key));
      if (is_there) return {};
    }
    RoundsState of_segment;
    {
      const std::lock_guard lock(mutex_);
      std::copy_if(state_.begin(), state_.end(), std::back_inserter(of_segment),
                   [&](const QueryRecord& record) { return record.segment == segment; });
    }
    const Json body = Json::Object{{"run", context_.run()},
                                   {"round", round},
                                   {"rounds", plan_.rounds},
                                   {"segment", segment},
                                   {"segments", plan_.segments.size()},
                                   {"queries", to_json(of_segment)}};
    return parts_.store.put(key, body.dump(1) + "\n");
  }

  const RoundsParts parts_;
  const RoundPlan& plan_;
  WorkContext& context_;
  std::vector<size_t> firsts_;  // of each segment, the number of its first query in the state
  std::atomic<size_t> next_segment_{0};
  std::mutex mutex_;  // guards what follows, and the run's result
  RoundsState state_;
  std::optional<Error> failure_;
};

}  // namespace

const char* query_state_word(QueryState state) {
  return state_words()[static_cast<size_t>(state)].first.c_str();
}

Json to_json(const RoundsState& state) {
  Json out{Json::Array{}};
  for (const QueryRecord& record : state) {
    out.push(Json::Object{{"query", record.name},
                          {"status", query_state_word(record.state)},
                          {"script", record.script},
                          {"segment", record.segment},
                          {"threshold", format_duration(record.threshold)},
                          {"result", record.result_key},
                          {"csv", record.csv_key},
                          {"error_file", record.error_key},
                          {"round", record.round},
                          {"rows", record.rows},
                          {"truncated", record.is_cut},
                          {"elapsed_ms", record.took.micros / 1000},
                          {"code", record.code},
                          {"error", record.error}});
  }
  return out;
}

Result<RoundsState> rounds_state_from_json(const Json& json) {
  RoundsState out;
  std::string wrong;
  for (const Json& one : json.array()) {
    QueryRecord record;
    JsonShape in(one, "a query's state", wrong);
    int64_t segment = 0, round = 0, rows = 0, elapsed = 0;
    in.text("query", record.name);
    in.choice("status", record.state, state_words());
    in.text("script", record.script);
    in.integer("segment", segment, 0);
    in.duration("threshold", record.threshold);
    in.text("result", record.result_key);
    in.text("csv", record.csv_key);
    in.text("error_file", record.error_key);
    in.integer("round", round, 0, 1'000);
    in.integer("rows", rows, 0);
    in.flag("truncated", record.is_cut);
    in.integer("elapsed_ms", elapsed);
    in.text("code", record.code);
    in.text("error", record.error);
    in.finish();
    record.segment = static_cast<size_t>(segment);
    record.round = static_cast<int>(round);
    record.rows = static_cast<uint64_t>(rows);
    record.took = Duration{elapsed * 1000};
    out.push_back(std::move(record));
  }
  if (!wrong.empty()) return Error(Code::corrupt, "the state of a run cannot be read: " + wrong);
  return out;
}

Result<RoundsState> run_rounds(const RoundsParts& parts, const RoundPlan& plan, WorkContext& context) {
  return Rounds(parts, plan, context).run();
}

}  // namespace weir::flow
