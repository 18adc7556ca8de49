#include "platform/notify/notify.h"

#include <algorithm>

#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/notify/courier.h"
#include "platform/notify/subscribers.h"

namespace weir::notify {
namespace {

constexpr size_t kTextBytesMax = 4'096;
constexpr size_t kListedForCount = 10'000;

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_timestamp(time->micros)) : Json();
}

std::optional<WallTime> time_from(const Json& json) {
  const auto read = parse_timestamp(json.as_string());
  return json.is_string() && read ? std::optional(WallTime{*read}) : std::nullopt;
}

// Evidence may come from data: it is cut, and stays UTF-8.
std::string cut(std::string text) {
  if (text.size() <= kTextBytesMax) return text;
  text.resize(kTextBytesMax);
  while (!text.empty() && !valid_utf8(text)) text.pop_back();
  return text + "…";
}

Json body_of(const Kept& kept) {
  const Finding& finding = kept.finding;
  Json out{Json::Object{}};
  out.set("source", finding.source);
  out.set("what", finding.what);
  out.set("where", finding.where);
  out.set("severity", severity_word(finding.severity));
  out.set("why", finding.why);
  out.set("todo", finding.todo);
  out.set("link", finding.link);
  out.set("since", format_timestamp(finding.since.micros));
  out.set("reports", kept.reports);
  out.set("acknowledged_by", kept.acknowledged_by);
  out.set("acknowledged_at", time_or_null(kept.acknowledged_at));
  out.set("closed_because", kept.closed_because);
  return out;
}

Kept kept_of(const control::Finding& stored) {
  Kept out;
  out.id = stored.id;
  out.state = stored.state;
  out.opened_at = stored.opened_at;
  out.updated_at = stored.updated_at;
  out.closed_at = stored.closed_at;
  const Json& body = stored.body;
  Finding& finding = out.finding;
  finding.key = stored.key;
  finding.source = body["source"].as_string();
  finding.what = body["what"].as_string();
  finding.where = body["where"].as_string();
  for (const auto& [word, severity] : severity_words()) {
    if (body["severity"].as_string() == word) finding.severity = severity;
  }
  finding.why = body["why"].as_string();
  finding.todo = body["todo"].as_string();
  finding.link = body["link"].as_string();
  finding.since = time_from(body["since"]).value_or(stored.opened_at);
  out.reports = body["reports"].as_uint().value_or(1);
  out.acknowledged_by = body["acknowledged_by"].as_string();
  out.acknowledged_at = time_from(body["acknowledged_at"]);
  out.closed_because = body["closed_because"].as_string();
  return out;
}

void log_notice(const Kept& kept, std::string_view event) {
  const Level level = event == "opened" ? Level::warn : Level::info;
  log_event(level, std::string("finding.") + std::string(event),
            {{"what", kept.finding.what},
             {"where", kept.finding.where},
             {"severity", severity_word(kept.finding.severity)},
             {"why", event == "closed" ? kept.closed_because : kept.finding.why},
             {"id", kept.id}});
}

}  // namespace

Json Kept::to_json() const {
  Json out{Json::Object{}};
  out.set("id", id);
  out.set("key", finding.key);
  out.set("state", state);
  out.set("opened_at", format_timestamp(opened_at.micros));
  out.set("updated_at", format_timestamp(updated_at.micros));
  out.set("closed_at", time_or_null(closed_at));
  const Json body = body_of(*this);
  for (const auto& [name, value] : body.object()) out.set(name, value);
  return out;
}

Json ChannelState::to_json() const {
  Json out{Json::Object{}};
  out.set("name", channel.name);
  out.set("kind", channel_words()[static_cast<size_t>(channel.kind)].first);
  out.set("waiting", waiting);
  out.set("delivered", delivered);
  out.set("failed", failed);
  out.set("error", error.empty() ? Json() : Json(error));
  out.set("error_at", time_or_null(error_at));
  return out;
}

Notifier::Notifier(const Parts& parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      open_(parts.metrics.gauge("weir_findings_open", "Findings that are not closed.")),
      oldest_(parts.metrics.gauge("weir_outbox_oldest_seconds", "Age of the oldest delivery that is not ended.")),
      subscribers_(std::make_unique<Subscribers>(*this)),
      url_(options_.url) {
  parts_.metrics.declare(MetricKind::counter, "weir_notify_notices_total",
                         "Notices by channel and outcome: delivered, failed (given up), retried (an attempt that "
                         "failed).");
  parts_.metrics.declare(MetricKind::gauge, "weir_outbox_waiting", "Deliveries that are not ended, by channel.");
  if (options_.delivers) {
    if (const Status done = parts_.control.wait_again(); !done) {
      log_event(Level::error, "notify.outbox_failed", {{"error", done.error().text()}});
    }
  }
  count_open();
}

Notifier::~Notifier() {
  stop();
}

void Notifier::stop() {
  std::map<std::string, std::shared_ptr<Courier>> couriers;
  {
    MutexLock lock(mutex_);
    couriers.swap(couriers_);
  }
  for (const auto& [name, courier] : couriers) courier->stop();
}

void Notifier::set_url(std::string url) {
  MutexLock lock(mutex_);
  url_ = std::move(url);
}

std::string Notifier::url() const {
  MutexLock lock(mutex_);
  return url_;
}

void Notifier::set_channels(const std::vector<Channel>& channels, const std::vector<Topic>& topics) {
  std::map<std::string, std::shared_ptr<Courier>> gone;
  std::vector<std::string> removed;
  {
    MutexLock lock(mutex_);
    std::vector<std::string> before;
    for (const auto& [name, channel] : declared_) before.push_back(name);
    declared_.clear();
    topics_.clear();
    for (const Channel& channel : channels) declared_.emplace(channel.name, channel);
    for (const Topic& topic : topics) topics_.emplace(topic.name, topic);
    for (const std::string& name : before) {
      if (!declared_.contains(name)) removed.push_back(name);
    }
    if (options_.delivers) {
      gone.swap(couriers_);
      for (auto one = gone.begin(); one != gone.end();) {
        const auto still = declared_.find(one->first);
        const bool goes_on = still != declared_.end() && still->second == one->second->channel();
        const auto next = std::next(one);
        if (goes_on) couriers_.insert(gone.extract(one));
        one = next;
      }
    }
  }
  for (const auto& [name, courier] : gone) courier->stop();
  for (const std::string& name : removed) {
    (void)close("channel/" + name, "the channel is not declared any more", {});
  }
  outbox_changed_ = true;
  if (!options_.delivers) return;
  // What the stopped ones were sending is not known: it waits again before another courier takes it.
  for (const auto& [name, courier] : gone) (void)parts_.control.wait_again(name);
  MutexLock lock(mutex_);
  for (const auto& [name, channel] : declared_) {
    (void)waiting_gauge(name);  // there from now on
    if (!couriers_.contains(name)) couriers_[name] = std::make_shared<Courier>(*this, channel);
  }
}

std::vector<ChannelState> Notifier::channels() const {
  std::map<std::string, size_t> waiting;
  if (const auto counts = parts_.control.delivery_counts()) {
    for (const auto& one : *counts) {
      if (one.state == "waiting" || one.state == "sending") waiting[one.channel] += one.count;
    }
  }
  MutexLock lock(mutex_);
  std::vector<ChannelState> out;
  for (const auto& [name, channel] : declared_) {
    const auto courier = couriers_.find(name);
    ChannelState state = courier == couriers_.end() ? ChannelState{} : courier->second->state();
    state.channel = channel;
    state.waiting = waiting[name];
    out.push_back(std::move(state));
  }
  return out;
}

std::vector<Topic> Notifier::topics() const {
  MutexLock lock(mutex_);
  std::vector<Topic> out;
  for (const auto& [name, topic] : topics_) out.push_back(topic);
  return out;
}

Result<Topic> Notifier::topic(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto found = topics_.find(std::string(name));
  if (found != topics_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, topic] : topics_) names.push_back(known);
  return Error(Code::not_found, "there is no topic " + shown(name),
               names.empty() ? "declare topics: in alerts/<name>.yaml" : did_you_mean(name, names));
}

Status Notifier::put(const Kept& kept, std::vector<control::Delivery> deliveries) {
  control::Finding stored;
  stored.id = kept.id;
  stored.key = kept.finding.key;
  stored.state = kept.state;
  stored.opened_at = kept.opened_at;
  stored.updated_at = kept.updated_at;
  stored.closed_at = kept.closed_at;
  stored.body = body_of(kept);
  TRY_ASSIGN(const bool has_room, parts_.control.put_finding(stored, kClosedKept, deliveries, kOutboxMax));
  if (has_room) {
    wake(deliveries);
  } else {
    outbox_is_full();
  }
  return {};
}

void Notifier::count_open() {
  if (const auto listed = parts_.control.findings(false, kListedForCount); listed) {
    open_.set(static_cast<double>(listed->size()));
  }
}

Result<std::string> Notifier::report(const Finding& finding, const std::vector<std::string>& names) {
  Kept kept;
  {
    MutexLock lock(findings_mutex_);
    TRY_ASSIGN(const auto known, open(finding.key));
    const bool is_new = !known;
    const WallTime now = parts_.clock.wall();
    if (known) {
      kept = *known;
      ++kept.reports;
    } else {
      kept.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
      kept.state = "open";
      kept.opened_at = now;
    }
    const WallTime since = known ? known->finding.since : finding.since;
    kept.finding = finding;
    kept.finding.since = since;
    kept.finding.what = cut(finding.what);
    kept.finding.why = cut(finding.why);
    kept.finding.todo = cut(finding.todo);
    kept.updated_at = now;
    if (is_new) {
      TRY(keep_and_tell(kept, "opened", names));
      open_.add(1);
    } else {
      TRY(put(kept));
    }
  }
  return kept.id;
}

Status Notifier::close(std::string_view key, const std::string& why, const std::vector<std::string>& names) {
  MutexLock lock(findings_mutex_);
  TRY_ASSIGN(auto known, open(key));
  if (!known) return {};
  Kept kept = std::move(*known);
  kept.state = "closed";
  kept.updated_at = parts_.clock.wall();
  kept.closed_at = kept.updated_at;
  kept.closed_because = cut(why);
  TRY(keep_and_tell(kept, "closed", names));
  open_.add(-1);
  return {};
}

Status Notifier::acknowledge(std::string_view id, const std::string& who) {
  MutexLock lock(findings_mutex_);
  TRY_ASSIGN(Kept kept, finding(id));
  if (kept.state == "closed") return Error(Code::conflict, "the finding is closed already");
  if (kept.state == "acknowledged") return {};
  kept.state = "acknowledged";
  kept.acknowledged_by = who;
  kept.acknowledged_at = kept.updated_at = parts_.clock.wall();
  return put(kept);
}

// With the finding, in one transaction.
Status Notifier::keep_and_tell(const Kept& kept, const char* event, const std::vector<std::string>& names) {
  Told told;
  told.event = event;
  told.severity = kept.finding.severity;
  told.key = kept.finding.key;
  told.source = kept.finding.source;
  told.item.set("event", event);
  told.item.set("finding", kept.to_json());
  TRY(put(kept, deliveries_of(told, names)));
  if (std::find(names.begin(), names.end(), kLogChannel) != names.end()) log_notice(kept, event);
  return {};
}

void Notifier::channel_failed(const std::string& channel, const Error& error) {
  Finding finding;
  finding.key = "channel/" + channel;
  finding.source = "channel";
  finding.what = "the channel " + channel + " cannot deliver";
  finding.where = "channel " + channel;
  finding.severity = Severity::critical;
  finding.why = error.message;
  finding.todo = "look at the receiver and at the channel's declaration; findings are on the page meanwhile";
  finding.link = "/alarms";
  finding.since = parts_.clock.wall();
  if (const auto kept = report(finding, {std::string(kLogChannel)}); !kept) {
    log_event(Level::error, "notify.finding_lost", {{"what", finding.what}, {"error", kept.error().text()}});
  }
}

void Notifier::channel_works(const std::string& channel) {
  if (const Status done = close("channel/" + channel, "it delivers again", {std::string(kLogChannel)}); !done) {
    log_event(Level::error, "notify.finding_lost", {{"what", "channel " + channel}, {"error", done.error().text()}});
  }
}

Result<std::vector<Kept>> Notifier::findings(bool closed_too, size_t limit) const {
  TRY_ASSIGN(const auto stored, parts_.control.findings(closed_too, limit));
  std::vector<Kept> out;
  for (const auto& one : stored) out.push_back(kept_of(one));
  return out;
}

Result<Kept> Notifier::finding(std::string_view id) const {
  TRY_ASSIGN(const auto stored, parts_.control.find_finding(id));
  if (!stored) return Error(Code::not_found, "there is no finding " + shown(id), "`weir alarms findings` lists them");
  return kept_of(*stored);
}

Result<std::optional<Kept>> Notifier::open(std::string_view key) const {
  TRY_ASSIGN(const auto stored, parts_.control.open_finding(key));
  return stored ? std::optional(kept_of(*stored)) : std::nullopt;
}

}  // namespace weir::notify
