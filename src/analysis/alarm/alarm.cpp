#include "analysis/alarm/alarm.h"

#include <algorithm>

#include "core/base/log.h"
#include "core/base/text.h"

namespace weir::alarm {
namespace {

std::string key_of(const Alarm& alarm) {
  return "alarm/" + alarm.name;
}

Json points_json(const std::deque<Datapoint>& points) {
  Json out{Json::Array{}};
  for (const Datapoint& point : points) {
    Json one{Json::Object{}};
    one.set("at", format_timestamp(point.at.micros));
    one.set("value", point.value ? Json(*point.value) : Json());
    out.push(std::move(one));
  }
  return out;
}

std::deque<Datapoint> points_from(const Json& json) {
  std::deque<Datapoint> out;
  for (const Json& one : json.array()) {
    Datapoint point;
    if (const auto at = parse_timestamp(one["at"].as_string()); at) point.at = {*at};
    if (one["value"].is_number()) point.value = one["value"].as_double();
    out.push_back(point);
  }
  return out;
}

// What decides when a state must be written again: not the values, only how they count.
std::string pattern(const Alarm& alarm, const std::deque<Datapoint>& points) {
  std::string out;
  for (const Datapoint& point : points) out += !point.value ? '-' : alarm.is_breached_by(*point.value) ? 'x' : '.';
  return out;
}

}  // namespace

struct Alarms::Watched {
  explicit Watched(Alarm declared) : alarm(std::move(declared)) {}
  Alarm alarm;
  State state = State::no_data;
  WallTime since;
  std::string reason, error;
  std::deque<Datapoint> points;
  Series series;
  int64_t period = -1;  // the one under way; -1: before the first tick
  bool is_asking = false;
  std::string stored;  // pattern and state as the control database has them

  Json body() const {
    Json out{Json::Object{}};
    out.set("state", state_word(state));
    out.set("since", format_timestamp(since.micros));
    out.set("reason", reason);
    out.set("points", points_json(points));
    return out;
  }
  std::string mark() const { return std::string(state_word(state)) + " " + pattern(alarm, points); }
};

// A change of state on its way to people.
struct Told {
  Alarm alarm;
  State state;
  std::string reason;
  WallTime since;
};

struct Alarms::Core {
  explicit Core(const Parts& parts_in)
      : parts(parts_in),
        states{parts.metrics.gauge("weir_alarms", kHelp, {{"state", "ok"}}),
               parts.metrics.gauge("weir_alarms", kHelp, {{"state", "alarm"}}),
               parts.metrics.gauge("weir_alarms", kHelp, {{"state", "no_data"}})},
        failures(parts.metrics.counter("weir_alarm_sql_failures_total",
                                       "Statements of alarms that failed; their datapoint is missing.")) {}
  static constexpr const char* kHelp = "Alarms by the state in which they are.";

  void add_point(Watched& watched, const Datapoint& point, std::vector<Told>& told) REQUIRES(mutex);
  void fill_gap(Watched& watched, int64_t from, int64_t to, std::vector<Told>& told) REQUIRES(mutex);
  void store() REQUIRES(mutex);
  void tell(const std::vector<Told>& told);
  void answered(const std::string& name, const Datapoint& asked, const Answer& answer);
  AlarmView view(const Watched& watched) const REQUIRES(mutex);
  void count() REQUIRES(mutex);

  const Parts parts;
  struct {
    Gauge &ok, &alarm, &no_data;
  } states;
  Counter& failures;
  mutable Mutex mutex;
  std::map<std::string, Watched, std::less<>> watched GUARDED_BY(mutex);
  std::vector<control::AlarmChange> changes GUARDED_BY(mutex);  // not written yet
  bool stopped GUARDED_BY(mutex) = false;
};

Json AlarmView::to_json() const {
  Json out = alarm::to_json(alarm);
  out.set("condition", alarm.condition());
  out.set("state", state_word(state));
  out.set("since", since.micros == 0 ? Json() : Json(format_timestamp(since.micros)));
  out.set("reason", reason);
  out.set("error", error.empty() ? Json() : Json(error));
  Json listed{Json::Array{}};
  for (const Datapoint& point : points) {
    Json one{Json::Object{}};
    one.set("at", format_timestamp(point.at.micros));
    one.set("value", point.value ? Json(*point.value) : Json());
    one.set("breaching", point.value ? Json(alarm.is_breached_by(*point.value)) : Json());
    listed.push(std::move(one));
  }
  out.set("points", std::move(listed));
  out.set("finding", finding.empty() ? Json() : Json(finding));
  return out;
}

Alarms::Alarms(const Parts& parts) : core_(std::make_shared<Core>(parts)) {}

Alarms::~Alarms() {
  MutexLock lock(core_->mutex);
  core_->stopped = true;
}

void Alarms::Core::count() {
  double ok = 0, alarm = 0, no_data = 0;
  for (const auto& [name, one] : watched) {
    switch (one.state) {
      case State::ok:
        ++ok;
        break;
      case State::alarm:
        ++alarm;
        break;
      case State::no_data:
        ++no_data;
        break;
    }
  }
  states.ok.set(ok);
  states.alarm.set(alarm);
  states.no_data.set(no_data);
}

void Alarms::Core::add_point(Watched& one, const Datapoint& point, std::vector<Told>& told) {
  one.points.push_back(point);
  while (one.points.size() > static_cast<size_t>(one.alarm.of)) one.points.pop_front();
  Judgement judged = judge(one.alarm, one.state, one.points);
  if (judged.state == one.state) {
    if (one.since.micros != 0) return;
    one.since = parts.clock.wall();
    one.reason = std::move(judged.reason);
    return;
  }
  const State before = one.state;
  one.state = judged.state;
  one.since = parts.clock.wall();
  one.reason = std::move(judged.reason);
  changes.push_back({one.alarm.name, one.since, state_word(before), state_word(one.state), one.reason});
  // The trouble began with the oldest datapoint that breaches.
  const auto first = std::find_if(one.points.begin(), one.points.end(), [&](const Datapoint& each) {
    return each.value && one.alarm.is_breached_by(*each.value);
  });
  told.push_back({one.alarm, one.state, one.reason, first == one.points.end() ? one.since : first->at});
}

// Periods of which nothing was seen although the program ran: a tick came late, or the clock was set.
void Alarms::Core::fill_gap(Watched& one, int64_t from, int64_t to, std::vector<Told>& told) {
  for (int64_t period = std::max(from, to - one.alarm.of); period < to; ++period) {
    add_point(one, {{period * one.alarm.period.micros}, std::nullopt}, told);
  }
}

// One transaction for everything that changed. What cannot be written now is tried again with the next tick.
void Alarms::Core::store() {
  std::vector<control::AlarmState> states_to_write;
  for (const auto& [name, one] : watched) {
    if (one.since.micros != 0 && one.stored != one.mark()) states_to_write.push_back({name, one.body()});
  }
  count();
  if (states_to_write.empty() && changes.empty()) return;
  if (const Status done = parts.control.put_alarms(states_to_write, changes, kChangesKept); !done) {
    log_event(Level::error, "alarm.state_unwritten", {{"error", done.error().text()}});
    return;
  }
  changes.clear();
  for (const auto& state : states_to_write) {
    Watched& one = watched.find(state.name)->second;
    one.stored = one.mark();
  }
}

void Alarms::Core::tell(const std::vector<Told>& told) {
  for (const Told& one : told) {
    Status done;
    if (one.state == State::alarm) {
      notify::Finding finding;
      finding.key = key_of(one.alarm);
      finding.source = "alarm";
      finding.what =
          one.alarm.description.empty() ? one.alarm.name + ": " + one.alarm.condition() : one.alarm.description;
      finding.where = "alarm " + one.alarm.name;
      finding.severity = one.alarm.severity;
      finding.why = one.reason;
      finding.todo = one.alarm.todo;
      finding.link = "/alarms/" + one.alarm.name;
      finding.since = one.since;
      if (auto kept = parts.notifier.report(finding, one.alarm.notify); !kept) done = kept.error();
    } else if (one.state == State::ok) {
      done = parts.notifier.close(key_of(one.alarm), one.reason, one.alarm.notify);
    }
    if (!done)
      log_event(Level::error, "alarm.finding_lost", {{"alarm", one.alarm.name}, {"error", done.error().text()}});
  }
}

Status Alarms::set_alarms(const std::vector<Alarm>& alarms) {
  TRY_ASSIGN(const auto stored, core_->parts.control.alarm_states());
  std::vector<std::string> gone;
  std::vector<Told> told;
  {
    MutexLock lock(core_->mutex);
    auto before = std::exchange(core_->watched, {});
    for (const Alarm& alarm : alarms) {
      if (!alarm.enabled) continue;
      const auto known = before.find(alarm.name);
      if (known != before.end() && known->second.alarm == alarm) {
        core_->watched.insert(before.extract(known));
        continue;
      }
      Watched made(alarm);
      for (const auto& state : stored) {
        if (state.name != alarm.name) continue;
        made.state = state_from(state.body["state"].as_string());
        if (const auto since = parse_timestamp(state.body["since"].as_string()); since) made.since = {*since};
        made.reason = state.body["reason"].as_string();
        // Of another declaration the values mean something else.
        if (known == before.end()) made.points = points_from(state.body["points"]);
      }
      core_->watched.emplace(alarm.name, std::move(made));
    }
    for (const auto& state : stored) {
      if (!core_->watched.contains(state.name)) gone.push_back(state.name);
    }
    // A kill between writing a state and its finding left one without the other.
    for (const auto& [name, one] : core_->watched) {
      TRY_ASSIGN(const auto open, core_->parts.notifier.open(key_of(one.alarm)));
      if ((one.state == State::alarm && !open) || (one.state == State::ok && open)) {
        told.push_back({one.alarm, one.state, one.reason, one.since});
      }
    }
    core_->count();
  }
  core_->tell(told);
  for (const std::string& name : gone) {
    TRY(core_->parts.control.forget_alarm(name));
    TRY(core_->parts.notifier.close("alarm/" + name, "the alarm is not declared any more, or disabled",
                                    {std::string(notify::kLogChannel)}));
  }
  return {};
}

void Alarms::tick() {
  struct Question {
    std::string name, sql;
    Datapoint asked;
    Duration limit;
  };
  std::vector<Question> questions;
  std::vector<Told> told;
  {
    MutexLock lock(core_->mutex);
    const int64_t now = core_->parts.clock.wall().micros;
    const int64_t steady = core_->parts.clock.steady_micros();
    for (auto& [name, one] : core_->watched) {
      const Alarm& alarm = one.alarm;
      if (!alarm.is_sql()) one.series.take(read(core_->parts.metrics, alarm.metric, alarm.labels), steady);
      const int64_t period = now / alarm.period.micros;
      if (one.period == period) continue;
      const int64_t ended = std::exchange(one.period, period);
      const bool is_first = ended < 0;
      const Datapoint point{{ended * alarm.period.micros}, std::nullopt};
      if (alarm.is_sql()) {
        if (is_first) continue;
        if (one.is_asking) {
          one.error = "the statement of the period before has not ended";
          core_->add_point(one, point, told);
        } else {
          one.is_asking = true;
          questions.push_back({name, alarm.sql, point, std::min(kSqlTimeMax, std::max(alarm.period, seconds(1)))});
        }
      } else if (is_first) {
        continue;
      } else if (!one.series.is_whole()) {
        one.series.restart();
        continue;
      } else {
        const auto value = ended + 1 == period ? one.series.value(alarm.statistic) : std::nullopt;
        one.error = value ? "" : "no series of " + alarm.metric + " had a value";
        one.series.restart();
        core_->add_point(one, {point.at, value}, told);
      }
      if (ended + 1 < period) core_->fill_gap(one, ended + 1, period, told);
    }
    core_->store();
  }
  core_->tell(told);
  for (Question& question : questions) {
    // Not asking again while it runs is what bounds them.
    const auto core = core_;
    const Status taken = core->parts.ask(question.sql, question.limit,
                                         [core, name = question.name, asked = question.asked](const Answer& answer) {
                                           core->answered(name, asked, answer);
                                         });
    if (!taken) core->answered(question.name, question.asked, taken.error());
  }
}

void Alarms::Core::answered(const std::string& name, const Datapoint& asked, const Answer& answer) {
  std::vector<Told> told;
  {
    MutexLock lock(mutex);
    const auto found = watched.find(name);
    if (stopped || found == watched.end()) return;
    Watched& one = found->second;
    if (!one.is_asking) return;  // it was declared anew meanwhile
    one.is_asking = false;
    if (!answer) failures.add();
    one.error = !answer ? answer.error().text() : *answer ? "" : "its SQL gives no row or NULL";
    add_point(one, {asked.at, answer ? *answer : std::nullopt}, told);
    store();
  }
  tell(told);
}

AlarmView Alarms::Core::view(const Watched& one) const {
  AlarmView out;
  out.alarm = one.alarm;
  out.state = one.state;
  out.since = one.since;
  out.reason = one.reason;
  out.error = one.error;
  out.points = one.points;
  if (const auto open = parts.notifier.open(key_of(one.alarm)); open && *open) out.finding = (*open)->id;
  return out;
}

std::vector<AlarmView> Alarms::alarms() const {
  MutexLock lock(core_->mutex);
  std::vector<AlarmView> out;
  for (const auto& [name, one] : core_->watched) out.push_back(core_->view(one));
  return out;
}

std::map<std::string, State> Alarms::states() const {
  MutexLock lock(core_->mutex);
  std::map<std::string, State> out;
  for (const auto& [name, one] : core_->watched) out.emplace(name, one.state);
  return out;
}

Result<AlarmView> Alarms::alarm(std::string_view name) const {
  MutexLock lock(core_->mutex);
  const auto found = core_->watched.find(name);
  if (found != core_->watched.end()) return core_->view(found->second);
  std::vector<std::string> names;
  for (const auto& [known, one] : core_->watched) names.push_back(known);
  return Error(Code::not_found, "there is no alarm " + shown(name),
               names.empty() ? "declare one in alerts/<name>.yaml" : did_you_mean(name, names));
}

Result<std::vector<control::AlarmChange>> Alarms::history(std::string_view name, size_t limit) const {
  TRY(alarm(name));
  return core_->parts.control.alarm_changes(name, limit);
}

Status Alarms::acknowledge(std::string_view name, const std::string& who) {
  TRY_ASSIGN(const AlarmView view, alarm(name));
  if (view.finding.empty()) {
    return Error(Code::conflict,
                 "the alarm " + view.alarm.name + " has no open finding: there is nothing to acknowledge");
  }
  return core_->parts.notifier.acknowledge(view.finding, who);
}

}  // namespace weir::alarm
