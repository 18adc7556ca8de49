#include "platform/flow/flows.h"

#include <algorithm>
#include <chrono>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::flow {
namespace {

constexpr int kMissedMax = 10'000;
// A place is listed as often as its bucket says, one whose listing takes long that much less often, and one that fails
// at twice the time with each failure.
constexpr int64_t kLookShare = 50, kLookMicrosMax = 600'000'000;
constexpr int kDoublingsMax = 10;
// How long set_flows() waits for the first listings of new triggers, all together.
constexpr auto kFirstListing = std::chrono::seconds(10);

std::string fired_key(const std::string& flow) {
  return "flow.fired." + flow;
}

std::string objects_key(const std::string& flow, const std::string& place) {
  return "flow.objects." + flow + "." + place;
}

bool is_open(const control::Run& run) {
  return run.state == "queued" || run.state == "running";
}

}  // namespace

FlowChecks flow_checks() {
  FlowChecks out;
  out.zone = [](std::string_view name) -> Status {
    TRY(Zone::find(name));
    return {};
  };
  out.schedule = [](std::string_view text) -> Status {
    TRY(Schedule::parse(text, Zone::utc()));
    return {};
  };
  return out;
}

std::optional<WallTime> Flows::next_of(const Declared& declared, WallTime after) {
  std::optional<WallTime> out;
  for (const Schedule& schedule : declared.schedules) {
    const auto next = schedule.next(after);
    if (next && (!out || *next < *out)) out = next;
  }
  return out;
}

Status Flows::set_flows(std::vector<FlowDeclaration> flows) {
  const WallTime now = parts_.clock.wall();
  std::map<std::string, Declared, std::less<>> made;
  for (FlowDeclaration& flow : flows) {
    Declared declared;
    TRY_ASSIGN(declared.zone, Zone::find(flow.zone));
    for (const std::string& text : flow.schedules) {
      TRY_ASSIGN(Schedule schedule, Schedule::parse(text, declared.zone));
      declared.schedules.push_back(std::move(schedule));
    }
    TRY_ASSIGN(const auto fired, parts_.control.value(fired_key(flow.name)));
    declared.fired = fired ? WallTime{fired->as_int()} : now;  // a new flow is not due for the past
    if (!fired) {
      TRY(parts_.control.set_value(fired_key(flow.name), Json(now.micros)));
    }
    declared.next = next_of(declared, declared.fired);
    declared.flow = std::move(flow);
    TRY(watch_objects(declared));
    const std::string name = declared.flow.name;
    made.emplace(name, std::move(declared));
  }
  list_first(made);
  const std::lock_guard lock(mutex_);
  for (auto& [name, declared] : made) {
    const auto known = flows_.find(name);
    if (known == flows_.end()) continue;
    declared.due = known->second.due;
    declared.due_from = known->second.due_from;
    declared.due_to = known->second.due_to;
    declared.seen = known->second.seen;
    declared.changed = known->second.changed;
    declared.left_behind = known->second.left_behind;
    declared.last_ended = known->second.last_ended;
    declared.object = known->second.object;
    for (auto& [place, objects] : declared.objects) {
      const auto before = known->second.objects.find(place);
      if (before != known->second.objects.end()) objects = before->second;
    }
  }
  flows_ = std::move(made);
  return {};
}

Result<std::vector<FlowState>> Flows::flows() {
  std::vector<FlowState> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, declared] : flows_) {
    FlowState state;
    state.flow = declared.flow;
    for (const Schedule& schedule : declared.schedules) state.when.push_back(schedule.words());
    if (declared.flow.enabled) state.next = declared.next;
    TRY_ASSIGN(const auto runs, parts_.flow.runs(name, false, 50));
    const auto last = std::find_if(runs.begin(), runs.end(), [](const auto& run) { return run.kind == "flow"; });
    if (last != runs.end()) state.last = *last;
    for (const auto& [place, objects] : declared.objects) state.objects.push_back(objects.state);
    out.push_back(std::move(state));
  }
  return out;
}

Result<std::string> Flows::start(std::string_view name, const FlowRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto found = flows_.find(name);
  if (found == flows_.end()) {
    std::vector<std::string> known;
    for (const auto& [other, declared] : flows_) known.push_back(other);
    return Error(Code::not_found, "there is no flow " + shown(name), did_you_mean(name, known));
  }
  if (!found->second.flow.enabled) {
    return Error(Code::conflict, "flow " + std::string(name) + " is disabled", "set enabled: true in its declaration");
  }
  return parts_.flow.start_flow(found->second.flow, request);
}

void Flows::tick() {
  const WallTime now = parts_.clock.wall();
  const std::lock_guard lock(mutex_);
  for (auto& [name, declared] : flows_) {
    if (!declared.flow.enabled) continue;
    look_at_schedule(declared, now);
    if (!declared.due) look_at_triggers(declared, now);
    if (declared.due) start_due(declared);
  }
}

void Flows::look_at_schedule(Declared& declared, WallTime now) {
  if (!declared.next || now < *declared.next) return;
  // Recorded before it is started: a kill in between costs one run of what the next one computes too, never a second.
  if (auto kept = parts_.control.set_value(fired_key(declared.flow.name), Json(now.micros)); !kept) {
    log_event(Level::error, "flow.not_recorded", {{"flow", declared.flow.name}, {"error", kept.error().text()}});
    return;
  }
  // All times that have passed are one run, for the days of the first of them to those of the last.
  WallTime last = *declared.next;
  for (int missed = 0; missed < kMissedMax; ++missed) {
    const auto next = next_of(declared, last);
    if (!next || now < *next) break;
    last = *next;
  }
  const auto window = [&](WallTime time) { return days_of(declared.flow.window, declared.zone.day_of(time.micros)); };
  declared.due_from = std::min(declared.due_from.value_or(INT32_MAX), window(*declared.next).first);
  declared.due_to = window(last).last + 1;
  declared.due = "schedule";
  declared.fired = now;
  declared.next = next_of(declared, now);
}

void Flows::stop() {
  stopping_.cancel();
  threads_.stop();
}

Status Flows::watch_objects(Declared& declared) {
  if (parts_.buckets == nullptr) return {};
  for (const Trigger& trigger : declared.flow.triggers) {
    if (trigger.kind != TriggerKind::object) continue;
    TRY_ASSIGN(const warehouse::ObjectPath place, warehouse::ObjectPath::of(trigger.name));
    TRY_ASSIGN(const auto known, parts_.control.value(objects_key(declared.flow.name, trigger.name)));
    const auto digest = known ? std::optional<std::string>(known->as_string()) : std::nullopt;
    Objects objects{.bucket = place.bucket, .watch = std::make_shared<ObjectWatch>(digest)};
    objects.recorded = digest.value_or("");
    objects.state.place = trigger.name;
    declared.objects.emplace(trigger.name, std::move(objects));
  }
  return {};
}

// What is there when a trigger is new is not written since. A bucket that does not answer in time is listed later: what
// is there then is what the trigger begins with, and until then its state says so.
void Flows::list_first(std::map<std::string, Declared, std::less<>>& flows) {
  const auto until = std::chrono::steady_clock::now() + kFirstListing;
  std::vector<std::pair<Declared*, Objects*>> begun;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, declared] : flows) {
      const auto known = flows_.find(name);
      for (auto& [place, objects] : declared.objects) {
        const bool is_watched = known != flows_.end() && known->second.objects.contains(place);
        if (objects.recorded.empty() && !is_watched) begun.emplace_back(&declared, &objects);
      }
    }
  }
  for (const auto& [declared, objects] : begun) begin_listing(*objects);
  for (const auto& [declared, objects] : begun) {
    if (objects->listing.wait_until(until) == std::future_status::ready) {
      take_listing(*declared, *objects, parts_.clock.wall());
    }
  }
}

void Flows::begin_listing(Objects& objects) {
  const auto work = std::make_shared<std::packaged_task<Listing()>>([this, url = objects.state.place]() -> Listing {
    return std::make_shared<const Result<ObjectListing>>(list_objects(*parts_.buckets, url, parts_.clock, stopping_));
  });
  objects.listing = work->get_future().share();
  objects.began = parts_.clock.steady_micros();
  if (!parts_.lists_aside) return (*work)();
  // Folders are quick, and share a thread.
  threads_.run(parts_.buckets->is_remote(objects.bucket) ? objects.bucket : "", [work] { (*work)(); });
}

void Flows::take_listing(const Declared& declared, Objects& objects, WallTime now) {
  const Listing listing = objects.listing.get();
  objects.listing = {};
  const int64_t every = parts_.buckets->list_every(objects.bucket).micros;
  if (!*listing) {
    const std::string error = listing->error().text();
    if (objects.failures == 0) {
      objects.state.failing_since = now;
      log_event(Level::error, "flow.objects_not_listed",
                {{"flow", declared.flow.name}, {"place", objects.state.place}, {"error", error}});
    }
    objects.state.error = error;
    objects.failures = std::min(objects.failures + 1, kDoublingsMax);
    objects.next_look = objects.began + std::min(every << objects.failures, std::max(every, kLookMicrosMax));
    return;
  }
  if (objects.failures > 0) {
    log_event(Level::info, "flow.objects_listed_again", {{"flow", declared.flow.name}, {"place", objects.state.place}});
  }
  objects.failures = 0;
  objects.state.failing_since.reset();
  objects.state.error.clear();
  objects.state.listed_at = now;
  objects.next_look = objects.began + std::max(every, (*listing)->took_micros * kLookShare);
  objects.watch->take(**listing, now);
  // What was removed, too: else the next start would take it for something written.
  if (!objects.watch->pending_since()) record_objects(declared, objects);
}

// Never waits for a bucket: what is under way is looked at with a later tick.
void Flows::look_at_objects(const Declared& declared, Objects& objects, WallTime now) {
  const auto take_if_done = [&] {
    if (objects.listing.valid() && objects.listing.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      take_listing(declared, objects, now);
    }
  };
  take_if_done();
  if (objects.listing.valid() || parts_.clock.steady_micros() < objects.next_look) return;
  begin_listing(objects);
  take_if_done();
}

void Flows::record_objects(const Declared& declared, Objects& objects) {
  if (objects.recorded == objects.watch->digest()) return;
  const std::string key = objects_key(declared.flow.name, objects.state.place);
  const Status kept = parts_.control.set_value(key, Json(objects.watch->digest()));
  if (kept) {
    objects.recorded = objects.watch->digest();
  } else {
    log_event(Level::error, "flow.not_recorded", {{"flow", declared.flow.name}, {"error", kept.error().text()}});
  }
}

// A run that begins now sees all that was written. Recorded once it is started: a kill in between costs one run more.
void Flows::cover_objects(Declared& declared) {
  for (auto& [place, objects] : declared.objects) {
    if (!objects.watch->pending_since()) continue;
    objects.watch->covered();
    record_objects(declared, objects);
  }
}

void Flows::look_at_triggers(Declared& declared, WallTime now) {
  for (const Trigger& trigger : declared.flow.triggers) {
    if (auto why = triggered(declared, trigger, now)) {
      declared.due = std::move(why);
      return;
    }
  }
}

std::optional<std::string> Flows::triggered(Declared& declared, const Trigger& trigger, WallTime now) {
  if (trigger.kind == TriggerKind::arrival) {
    const auto days = parts_.lake.days(trigger.name);
    uint64_t version = 0;
    for (const auto& [day, touched] : *days) version = std::max(version, touched);
    // At the first look since the start nobody knows what arrived before: one run more computes nothing twice.
    const auto [seen, is_first] = declared.seen.try_emplace(trigger.name, version);
    if (seen->second != version || (is_first && version > 0)) {
      seen->second = version;
      declared.changed[trigger.name] = now;
    }
    const auto changed = declared.changed.find(trigger.name);
    if (changed == declared.changed.end() || now.micros - changed->second.micros < trigger.quiet.micros)
      return std::nullopt;
    declared.changed.erase(changed);
    return "arrival";
  }
  if (trigger.kind == TriggerKind::object) {
    const auto found = declared.objects.find(trigger.name);
    if (found == declared.objects.end()) return std::nullopt;
    look_at_objects(declared, found->second, now);
    const auto since = found->second.watch->pending_since();
    if (!since || now.micros - since->micros < trigger.quiet.micros) return std::nullopt;
    declared.object = found->second.watch->newest();
    return "object";
  }
  if (trigger.kind == TriggerKind::stale) {
    const auto state = parts_.flow.table(trigger.name);
    if (!state || state->stale.empty()) return std::nullopt;
    if (state->stale_fingerprint == declared.left_behind) return std::nullopt;
    declared.left_behind = state->stale_fingerprint;
    return "stale";
  }
  const auto runs = parts_.flow.runs(trigger.name, false, 1);
  if (!runs || runs->empty() || is_open(runs->front()) || runs->front().id == declared.last_ended) return std::nullopt;
  const bool is_first_look = declared.last_ended.empty();
  declared.last_ended = runs->front().id;
  const std::string& state = runs->front().state;
  bool is_wanted = state == (trigger.state == RunState::done ? "done" : "failed");
  // on_failure: continue of the flow that failed: what depends on it runs all the same.
  const auto other = flows_.find(trigger.name);
  if (state == "failed" && other != flows_.end() && other->second.flow.on_failure == FlowFailure::keep_going) {
    is_wanted = true;
  }
  if (is_first_look || !is_wanted) return std::nullopt;
  return "run";
}

Result<bool> Flows::has_room(const FlowDeclaration& flow) {
  TRY_ASSIGN(const auto open, parts_.flow.runs(flow.name, true, 1'000));
  const auto active = std::count_if(open.begin(), open.end(), [](const auto& run) { return run.kind == "flow"; });
  return active < flow.max_active;
}

void Flows::start_due(Declared& declared) {
  const auto room = has_room(declared.flow);
  if (!room || !*room) return;
  FlowRequest request{declared.due_from, declared.due_to};
  request.cause = Json(Json::Object{{"by", *declared.due}});
  if (*declared.due == "object") request.cause.set("object", declared.object);
  const auto started = parts_.flow.start_flow(declared.flow, request);
  if (started) {
    cover_objects(declared);
    declared.due.reset();
    declared.due_from.reset();
    declared.due_to.reset();
  } else {
    log_event(Level::error, "flow.not_started", {{"flow", declared.flow.name}, {"error", started.error().text()}});
  }
}

Json FlowState::to_json() const {
  Json out{Json::Object{}};
  out.set("name", flow.name);
  out.set("description", flow.description);
  out.set("enabled", flow.enabled);
  Json words{Json::Array{}};
  for (const std::string& one : when) words.push(one);
  out.set("when", std::move(words));
  out.set("next_at", next ? Json(format_timestamp(next->micros)) : Json());
  Json steps{Json::Array{}};
  for (const Step& step : flow.steps) {
    Json one{Json::Object{}};
    one.set("name", step.name);
    one.set("kind", step_word(step.kind));
    Json tables{Json::Array{}};
    for (const std::string& table : step.tables) tables.push(table);
    one.set("tables", std::move(tables));
    steps.push(std::move(one));
  }
  out.set("steps", std::move(steps));
  out.set("last_run", last ? run_json(*last) : Json());
  Json places{Json::Array{}};
  for (const WatchedPlace& one : objects) {
    Json place{Json::Object{{"place", one.place}}};
    place.set("listed_at", one.listed_at ? Json(format_timestamp(one.listed_at->micros)) : Json());
    place.set("failing_since", one.failing_since ? Json(format_timestamp(one.failing_since->micros)) : Json());
    if (one.failing_since) place.set("error", one.error);
    places.push(std::move(place));
  }
  if (!objects.empty()) out.set("objects", std::move(places));
  return out;
}

}  // namespace weir::flow
