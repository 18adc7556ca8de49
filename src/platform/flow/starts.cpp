#include "platform/flow/starts.h"

#include <algorithm>
#include <chrono>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/flow/flow_words.h"

namespace weir::flow {
namespace {

constexpr int kMissedMax = 10'000;
// A place is listed as often as its bucket says, one whose listing takes long that much less often, and one that fails
// at twice the time with each failure.
constexpr int64_t kLookShare = 50, kLookMicrosMax = 600'000'000;
constexpr int kDoublingsMax = 10;
// How long set() waits for the first looks of new triggers, all together.
constexpr auto kFirstListing = std::chrono::seconds(10);
constexpr Duration kFirstReading = seconds(10);

// Of flows as they always were: what was recorded before there was anything else is found.
std::string fired_key(const Startable& what) {
  return what.kind + ".fired." + what.name;
}
std::string applied_key(const Startable& what) {
  return what.kind + ".applied." + what.name;
}
std::string objects_key(const Startable& what, const std::string& place) {
  return what.kind + ".objects." + what.name + "." + place;
}
std::string job_key(const Trigger& trigger) {
  std::string out = trigger.name;
  for (const auto& [column, value] : trigger.where) out += "." + column + "=" + value;
  return out;
}
std::string jobs_key(const Startable& what, const Trigger& trigger) {
  return what.kind + ".jobs." + what.name + "." + job_key(trigger);
}

bool is_open(const control::Run& run) {
  return run.state == "queued" || run.state == "running";
}

Json place_json(const WatchedPlace& one) {
  Json out{Json::Object{{"place", one.place}}};
  out.set("listed_at", one.listed_at ? Json(format_timestamp(one.listed_at->micros)) : Json());
  out.set("failing_since", one.failing_since ? Json(format_timestamp(one.failing_since->micros)) : Json());
  if (one.failing_since) out.set("error", one.error);
  return out;
}

}  // namespace

void StartState::add_to(Json& json) const {
  Json words{Json::Array{}};
  for (const std::string& one : when) words.push(one);
  json.set("when", std::move(words));
  json.set("next_at", next ? Json(format_timestamp(next->micros)) : Json());
  Json listed{Json::Array{}};
  for (const WatchedPlace& one : places) listed.push(place_json(one));
  if (!places.empty()) json.set("objects", std::move(listed));
  if (due) json.set("due", *due);
  if (refused) json.set("not_started", *refused);
}

std::optional<WallTime> Starts::next_of(const Declared& declared, WallTime after) {
  std::optional<WallTime> out;
  for (const Schedule& schedule : declared.schedules) {
    const auto next = schedule.next(after);
    if (next && (!out || *next < *out)) out = next;
  }
  return out;
}

Result<Starts::Declared> Starts::make(Startable startable, WallTime now) {
  Declared out;
  TRY_ASSIGN(const Zone zone, Zone::find(startable.rules.zone));
  for (const std::string& text : startable.rules.schedules) {
    TRY_ASSIGN(Schedule schedule, Schedule::parse(text, zone));
    out.schedules.push_back(std::move(schedule));
  }
  TRY_ASSIGN(const auto fired, parts_.control.value(fired_key(startable)));
  out.fired = fired ? WallTime{fired->as_int()} : now;  // what is new is not due for the past
  if (!fired && !out.schedules.empty()) {
    TRY(parts_.control.set_value(fired_key(startable), Json(now.micros)));
  }
  out.next = next_of(out, out.fired);
  TRY_ASSIGN(const auto applied, parts_.control.value(applied_key(startable)));
  if (applied) out.applied = applied->as_string();
  out.what = std::move(startable);
  TRY(watch_objects(out));
  follow_jobs(out);
  return out;
}

Status Starts::set(const std::string& kind, std::vector<Startable> startables) {
  const WallTime now = parts_.clock.wall();
  All made;
  for (Startable& startable : startables) {
    Id id{kind, startable.name};
    TRY_ASSIGN(Declared declared, make(std::move(startable), now));
    made.emplace(std::move(id), std::move(declared));
  }
  list_first(made);
  wait_for_jobs(made);
  const MutexLock lock(mutex_);
  for (auto& [id, declared] : made) {
    const auto known = all_.find(id);
    if (known == all_.end()) continue;
    const Declared& before = known->second;
    declared.due = before.due;
    declared.due_from = before.due_from;
    declared.due_to = before.due_to;
    declared.seen = before.seen;
    declared.changed = before.changed;
    declared.left_behind = before.left_behind;
    declared.ended = before.ended;
    declared.object = before.object;
    declared.job = before.job;
    for (auto& [place, objects] : declared.objects) {
      const auto old = before.objects.find(place);
      if (old != before.objects.end()) objects = old->second;
    }
    for (auto& [place, follower] : declared.jobs) {
      const auto old = before.jobs.find(place);
      if (old != before.jobs.end() && old->second.follower) follower = old->second;
    }
  }
  std::erase_if(all_, [&](const auto& one) { return one.first.first == kind; });
  all_.merge(made);
  return {};
}

StartState Starts::state(const std::string& kind, const std::string& name) {
  StartState out;
  const MutexLock lock(mutex_);
  const auto found = all_.find({kind, name});
  if (found == all_.end()) return out;
  const Declared& declared = found->second;
  for (const Schedule& schedule : declared.schedules) out.when.push_back(schedule.words());
  if (declared.what.enabled) out.next = declared.next;
  for (const auto& [place, objects] : declared.objects) out.places.push_back(objects.state);
  for (const auto& [key, job] : declared.jobs) {
    WatchedPlace place{"job log of " + job.connection, std::nullopt, job.failing_since, job.error};
    if (job.follower) {
      const JobFollower::State state = job.follower->state();
      place.listed_at = state.read_at;
      place.failing_since = state.failing_since;
      place.error = state.error;
    }
    out.places.push_back(std::move(place));
  }
  out.due = declared.due;
  out.refused = declared.refused;
  return out;
}

void Starts::tick() {
  const WallTime now = parts_.clock.wall();
  const MutexLock lock(mutex_);
  for (auto& [id, declared] : all_) {
    if (!declared.what.enabled) continue;
    look_at_schedule(declared, now);
    if (!declared.due) look_at_triggers(declared, now);
    if (declared.due) start_due(declared, now);
  }
}

void Starts::look_at_schedule(Declared& declared, WallTime now) {
  if (!declared.next || now < *declared.next) return;
  // Recorded before it is started: a kill in between costs one run of what the next one computes too, never a second.
  if (auto kept = parts_.control.set_value(fired_key(declared.what), Json(now.micros)); !kept) {
    log_event(Level::error, "start.not_recorded",
              {{declared.what.kind, declared.what.name}, {"error", kept.error().text()}});
    return;
  }
  // All times that have passed are one run.
  WallTime last = *declared.next;
  for (int missed = 0; missed < kMissedMax; ++missed) {
    const auto next = next_of(declared, last);
    if (!next || now < *next) break;
    last = *next;
  }
  if (!declared.due_from || *declared.next < *declared.due_from) declared.due_from = *declared.next;
  declared.due_to = last;
  declared.due = "schedule";
  declared.fired = now;
  declared.next = next_of(declared, now);
}

void Starts::stop() {
  stopping_.cancel();
  threads_.stop();
}

// --- objects --------------------------------------------------------------------------------------------------------

Status Starts::watch_objects(Declared& declared) {
  if (parts_.buckets == nullptr) return {};
  for (const Trigger& trigger : declared.what.rules.triggers) {
    if (trigger.kind != TriggerKind::object) continue;
    TRY_ASSIGN(const warehouse::ObjectPath place, warehouse::ObjectPath::of(trigger.name));
    TRY_ASSIGN(const auto known, parts_.control.value(objects_key(declared.what, trigger.name)));
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
void Starts::list_first(All& made) {
  const auto until = std::chrono::steady_clock::now() + kFirstListing;
  std::vector<std::pair<Declared*, Objects*>> begun;
  {
    const MutexLock lock(mutex_);
    for (auto& [id, declared] : made) {
      const auto known = all_.find(id);
      for (auto& [place, objects] : declared.objects) {
        const bool is_watched = known != all_.end() && known->second.objects.contains(place);
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

void Starts::begin_listing(Objects& objects) {
  const auto work = std::make_shared<std::packaged_task<Listing()>>([this, url = objects.state.place]() -> Listing {
    return std::make_shared<const Result<ObjectListing>>(list_objects(*parts_.buckets, url, parts_.clock, stopping_));
  });
  objects.listing = work->get_future().share();
  objects.began = parts_.clock.steady_micros();
  if (!parts_.lists_aside) return (*work)();
  // Folders are quick, and share a thread.
  threads_.run(parts_.buckets->is_remote(objects.bucket) ? objects.bucket : "", [work] { (*work)(); });
}

void Starts::take_listing(const Declared& declared, Objects& objects, WallTime now) {
  const Listing listing = objects.listing.get();
  objects.listing = {};
  const int64_t every = parts_.buckets->list_every(objects.bucket).micros;
  if (!*listing) {
    const std::string error = listing->error().text();
    if (objects.failures == 0) {
      objects.state.failing_since = now;
      log_event(Level::error, "start.objects_not_listed",
                {{declared.what.kind, declared.what.name}, {"place", objects.state.place}, {"error", error}});
    }
    objects.state.error = error;
    objects.failures = std::min(objects.failures + 1, kDoublingsMax);
    objects.next_look = objects.began + std::min(every << objects.failures, std::max(every, kLookMicrosMax));
    return;
  }
  if (objects.failures > 0) {
    log_event(Level::info, "start.objects_listed_again",
              {{declared.what.kind, declared.what.name}, {"place", objects.state.place}});
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
void Starts::look_at_objects(const Declared& declared, Objects& objects, WallTime now) {
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

void Starts::record_objects(const Declared& declared, Objects& objects) {
  if (objects.recorded == objects.watch->digest()) return;
  const std::string key = objects_key(declared.what, objects.state.place);
  const Status kept = parts_.control.set_value(key, Json(objects.watch->digest()));
  if (kept) {
    objects.recorded = objects.watch->digest();
  } else {
    log_event(Level::error, "start.not_recorded",
              {{declared.what.kind, declared.what.name}, {"error", kept.error().text()}});
  }
}

// --- job logs -------------------------------------------------------------------------------------------------------

// A connection that is not declared any more is no reason not to start: its trigger's state says so.
void Starts::follow_jobs(Declared& declared) {
  if (parts_.job_logs == nullptr) return;
  for (const Trigger& trigger : declared.what.rules.triggers) {
    if (trigger.kind != TriggerKind::job_log) continue;
    Jobs jobs{.connection = trigger.name};
    if (auto follower = parts_.job_logs->follow(trigger.name, jobs_key(declared.what, trigger), trigger.where)) {
      jobs.follower = std::move(*follower);
    } else {
      jobs.error = follower.error().text();
    }
    if (!jobs.follower) {
      jobs.failing_since = parts_.clock.wall();
      log_event(Level::error, "start.job_log_not_followed",
                {{declared.what.kind, declared.what.name}, {"error", jobs.error}});
    }
    declared.jobs.emplace(job_key(trigger), std::move(jobs));
  }
}

// Whoever applies a trigger, and then writes a row, starts it.
void Starts::wait_for_jobs(const All& made) {
  const int64_t until = parts_.clock.steady_micros() + kFirstReading.micros;
  for (const auto& [id, declared] : made) {
    for (const auto& [key, jobs] : declared.jobs) {
      const int64_t left = std::max<int64_t>(0, until - parts_.clock.steady_micros());
      if (jobs.follower) jobs.follower->wait_begun(microseconds(left));
    }
  }
}

// --- triggers -------------------------------------------------------------------------------------------------------

void Starts::look_at_triggers(Declared& declared, WallTime now) {
  for (const Trigger& trigger : declared.what.rules.triggers) {
    if (!triggered(declared, trigger, now)) continue;
    declared.due = trigger_word(trigger.kind);
    return;
  }
}

bool Starts::triggered(Declared& declared, const Trigger& trigger, WallTime now) {
  switch (trigger.kind) {
    case TriggerKind::arrival:
      return has_arrived(declared, trigger, now);
    case TriggerKind::stale:
      return is_stale(declared, trigger);
    case TriggerKind::run:
      return has_ended(declared, trigger);
    case TriggerKind::object:
      return was_written(declared, trigger, now);
    case TriggerKind::job_log:
      return was_logged(declared, trigger, now);
    case TriggerKind::apply:
      return was_applied(declared);
  }
  return false;
}

bool Starts::has_arrived(Declared& declared, const Trigger& trigger, WallTime now) {
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
  if (changed == declared.changed.end() || now.micros - changed->second.micros < trigger.quiet.micros) return false;
  declared.changed.erase(changed);
  return true;
}

bool Starts::is_stale(Declared& declared, const Trigger& trigger) {
  const auto state = parts_.flow.table(trigger.name);
  if (!state || state->stale.empty() || state->stale_fingerprint == declared.left_behind) return false;
  declared.left_behind = state->stale_fingerprint;
  return true;
}

bool Starts::has_ended(Declared& declared, const Trigger& trigger) {
  const auto runs = parts_.flow.runs(trigger.name, false, 20);
  if (!runs) return false;
  const auto last =
      std::find_if(runs->begin(), runs->end(), [&](const control::Run& run) { return run.kind == trigger.work; });
  std::string& seen = declared.ended[trigger.work + "/" + trigger.name];
  if (last == runs->end()) {
    if (seen.empty()) seen = "none";
    return false;
  }
  if (is_open(*last) || last->id == seen) return false;
  const bool is_first_look = seen.empty();
  seen = last->id;
  bool is_wanted = last->state == (trigger.state == RunState::done ? "done" : "failed");
  const auto other = all_.find({trigger.work, trigger.name});
  if (last->state == "failed" && other != all_.end() && other->second.what.goes_on_behind) is_wanted = true;
  return is_wanted && !is_first_look;
}

bool Starts::was_written(Declared& declared, const Trigger& trigger, WallTime now) {
  const auto found = declared.objects.find(trigger.name);
  if (found == declared.objects.end()) return false;
  look_at_objects(declared, found->second, now);
  const auto since = found->second.watch->pending_since();
  if (!since || now.micros - since->micros < trigger.quiet.micros) return false;
  declared.object = found->second.watch->newest();
  return true;
}

bool Starts::was_logged(Declared& declared, const Trigger& trigger, WallTime now) {
  const auto found = declared.jobs.find(job_key(trigger));
  if (found == declared.jobs.end() || !found->second.follower) return false;
  const auto since = found->second.follower->pending_since();
  if (!since || now.micros - since->micros < trigger.quiet.micros) return false;
  declared.job = found->second.follower->newest();
  return true;
}

bool Starts::was_applied(const Declared& declared) {
  return declared.applied != digest_of(declared.what);
}

// --- starting -------------------------------------------------------------------------------------------------------

// A run that begins now sees all that was written and applied. Recorded once it is started: a kill in between costs one
// run more.
void Starts::cover(Declared& declared) {
  for (auto& [place, objects] : declared.objects) {
    if (!objects.watch->pending_since()) continue;
    objects.watch->covered();
    record_objects(declared, objects);
  }
  const auto tell = [&](const Status& kept) {
    if (kept) return;
    log_event(Level::error, "start.not_recorded",
              {{declared.what.kind, declared.what.name}, {"error", kept.error().text()}});
  };
  for (auto& [key, jobs] : declared.jobs) {
    if (jobs.follower && jobs.follower->pending_since()) tell(jobs.follower->covered(parts_.control));
  }
  const std::string digest = digest_of(declared.what);
  if (digest.empty() || digest == declared.applied) return;
  declared.applied = digest;
  tell(parts_.control.set_value(applied_key(declared.what), Json(digest)));
}

// Empty without a trigger by apply: then nobody needs it.
std::string Starts::digest_of(const Startable& what) {
  const auto& triggers = what.rules.triggers;
  const bool is_needed =
      std::any_of(triggers.begin(), triggers.end(), [](const Trigger& one) { return one.kind == TriggerKind::apply; });
  return is_needed ? sha256_hex(what.declaration) : std::string();
}

Result<bool> Starts::has_room(const Startable& what) {
  TRY_ASSIGN(const auto open, parts_.flow.runs(what.name, true, 1'000));
  const auto active = std::count_if(open.begin(), open.end(), [&](const auto& run) { return run.kind == what.kind; });
  return active < what.at_once;
}

void Starts::start_due(Declared& declared, WallTime now) {
  if (declared.try_again && now < *declared.try_again) return;
  const auto room = has_room(declared.what);
  if (!room || !*room) return;
  StartReason reason{Json(Json::Object{{"by", *declared.due}}), declared.due_from, declared.due_to};
  if (*declared.due == trigger_word(TriggerKind::object)) reason.cause.set("object", declared.object);
  if (*declared.due == trigger_word(TriggerKind::job_log)) reason.cause.set("job", declared.job);
  const auto started = declared.what.start(reason);
  if (!started) {
    declared.refused = started.error().text();
    declared.try_again = WallTime{now.micros + kTryAgain.micros};
    log_event(Level::error, "start.refused", {{declared.what.kind, declared.what.name}, {"error", *declared.refused}});
    return;
  }
  cover(declared);
  declared.due.reset();
  declared.due_from.reset();
  declared.due_to.reset();
  declared.refused.reset();
  declared.try_again.reset();
}

}  // namespace weir::flow
