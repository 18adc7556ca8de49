// Notifier's half that decides who is told, and looks after the outbox.
#include <algorithm>

#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/notify/content.h"
#include "platform/notify/courier.h"
#include "platform/notify/notify.h"
#include "platform/notify/subscribers.h"

namespace weir::notify {
namespace {

constexpr Duration kTrimEvery = minutes(10);
constexpr size_t kSubjectBytesMax = 1'000;
const std::string kOutboxKey = "outbox", kGivenUpKey = "outbox/";  // of findings; the latter before a channel's name

Status check_message(const Message& message) {
  size_t attached = 0;
  for (const Attachment& one : message.attachments) attached += one.bytes.size();
  if (message.subject.empty() || message.subject.size() > kSubjectBytesMax) {
    return Error(Code::invalid, "a message has a subject of 1 to " + std::to_string(kSubjectBytesMax) + " bytes");
  }
  if (message.text.size() > kMessageTextBytesMax || message.html.size() > kMessageHtmlBytesMax ||
      message.attachments.size() > kAttachmentsMax || attached > kAttachmentBytesMax) {
    return Error(Code::too_large, "a message has " + std::to_string(message.text.size()) + " bytes of text, " +
                                      std::to_string(message.html.size()) + " of HTML and " + std::to_string(attached) +
                                      " in " + std::to_string(message.attachments.size()) +
                                      " attachments; allowed are " + std::to_string(kMessageTextBytesMax) + ", " +
                                      std::to_string(kMessageHtmlBytesMax) + ", " +
                                      std::to_string(kAttachmentBytesMax) + " and " + std::to_string(kAttachmentsMax));
  }
  for (const std::string* text : {&message.subject, &message.text, &message.html}) {
    if (!valid_utf8(*text)) return Error(Code::invalid, "a message is UTF-8");
  }
  return {};
}

// Two names may lead to one receiver, which is told once.
bool is_same_receiver(const control::Delivery& a, const control::Delivery& b) {
  return a.channel == b.channel && a.body["to"] == b.body["to"];
}

void add_once(control::Delivery delivery, std::vector<control::Delivery>& out) {
  for (const control::Delivery& known : out) {
    if (is_same_receiver(known, delivery)) return;
  }
  out.push_back(std::move(delivery));
}

}  // namespace

control::Delivery Notifier::delivery_to(const Channel& channel, const Told& told) const {
  control::Delivery out;
  out.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
  out.channel = channel.name;
  out.created_at = out.due_at = parts_.clock.wall();
  out.give_up_at = {out.created_at.micros + channel.retry_for.micros};
  out.body.set("event", told.event);
  out.body.set("items", Json(Json::Array{told.item}));
  return out;
}

void Notifier::subscribed(const Topic& topic, const Told& told, std::vector<control::Delivery>& out) const {
  std::vector<std::pair<std::string, Subscription>> all = subscribers_->of(topic);
  for (const Subscription& declared : topic.subscriptions) all.emplace_back(std::string(), declared);
  size_t number = 0;
  for (const auto& [id, subscription] : all) {
    ++number;
    if (!subscription.wants(told.severity, told.key, told.source)) continue;
    Channel channel;
    {
      MutexLock lock(mutex_);
      const auto found = declared_.find(subscription.channel);
      if (found == declared_.end()) continue;
      channel = found->second;
    }
    control::Delivery delivery = delivery_to(channel, told);
    // Of bundles: which subscription of which topic it is.
    const std::string who = topic.name + "/" + (id.empty() ? std::to_string(number) : id);
    delivery.body.set("topic", topic.name);
    if (!id.empty()) delivery.body.set("subscription", id);
    if (!subscription.to.empty()) {
      Json to{Json::Array{}};
      for (const std::string& one : subscription.to) to.push(one);
      delivery.body.set("to", std::move(to));
    }
    auto due = subscription.due(parts_.calendar, told.severity, delivery.created_at);
    if (!due) {
      // A zone that the machine has lost is no reason to be silent.
      log_event(Level::error, "notify.told_at_once", {{"topic", topic.name}, {"error", due.error().text()}});
      due = delivery.created_at;
    }
    delivery.due_at = *due;
    delivery.give_up_at.micros += due->micros - delivery.created_at.micros;
    if (!subscription.digest.empty() && *due > delivery.created_at) {
      delivery.bundle = "digest/" + who + "/" + std::to_string(due->micros);
    }
    if (subscription.deduplicate) {
      delivery.again_key = who + "/" + told.key + "/" + told.event;
      delivery.again_within = *subscription.deduplicate;
    }
    add_once(std::move(delivery), out);
  }
}

std::vector<control::Delivery> Notifier::deliveries_of(const Told& told, const std::vector<std::string>& names) const {
  std::vector<control::Delivery> out;
  for (const std::string& name : names) {
    std::optional<Channel> channel;
    std::optional<Topic> topic;
    {
      MutexLock lock(mutex_);
      if (const auto found = declared_.find(name); found != declared_.end()) channel = found->second;
      if (const auto found = topics_.find(name); found != topics_.end()) topic = found->second;
    }
    if (channel) add_once(delivery_to(*channel, told), out);
    if (topic) subscribed(*topic, told, out);
  }
  return out;
}

Status Notifier::send(const Message& message, const std::vector<std::string>& names) {
  TRY(submit(message, names));
  return {};
}

Result<std::vector<std::string>> Notifier::submit(const Message& message, const std::vector<std::string>& names,
                                                  const std::string& event) {
  TRY(check_message(message));
  {
    MutexLock lock(mutex_);
    for (const std::string& name : names) {
      if (name == kLogChannel || name == kPageChannel || declared_.contains(name) || topics_.contains(name)) continue;
      std::vector<std::string> known;
      for (const auto& [one, channel] : declared_) known.push_back(one);
      for (const auto& [one, topic] : topics_) known.push_back(one);
      return Error(Code::not_found, "there is no channel and no topic " + shown(name),
                   known.empty() ? "declare channels: in alerts/<name>.yaml" : did_you_mean(name, known));
    }
  }
  Told told;
  told.event = event;
  told.severity = message.severity;
  told.key = told.source = message.name;
  told.item.set("event", event);
  told.item.set("message", message_json(message));
  std::vector<control::Delivery> deliveries = deliveries_of(told, names);
  // Each message is its own, and only findings come again.
  for (control::Delivery& one : deliveries) {
    one.again_key.clear();
    if (message.once.empty()) continue;
    one.again_key = "once/" + message.once + "/" + one.body["to"].dump();
    one.again_within = kEndedKeptFor;
    one.once = true;
  }
  TRY_ASSIGN(const bool has_room, parts_.control.add_deliveries(deliveries, kOutboxMax));
  if (!has_room) {
    outbox_is_full();
    return Error(Code::busy, "the outbox is full: " + std::to_string(kOutboxMax) + " deliveries are not ended",
                 "`weir outbox list --state waiting` shows whose receiver is away");
  }
  wake(deliveries);
  if (std::find(names.begin(), names.end(), kLogChannel) != names.end()) {
    log_event(Level::info, "notify.message", {{"subject", message.subject}, {"name", message.name}});
  }
  std::vector<std::string> ids;
  for (const control::Delivery& one : deliveries) ids.push_back(one.id);
  return ids;
}

void Notifier::wake(const std::vector<control::Delivery>& deliveries) {
  if (deliveries.empty()) return;
  outbox_changed_ = true;
  MutexLock lock(mutex_);
  for (const control::Delivery& one : deliveries) {
    if (const auto found = couriers_.find(one.channel); found != couriers_.end()) found->second->wake();
  }
}

// Said once, until there is room again.
void Notifier::outbox_is_full() {
  outbox_changed_ = true;  // the next tick makes a finding of it
  if (is_full_.exchange(true)) return;
  log_event(Level::error, "notify.outbox_full", {{"open", kOutboxMax}});
}

Result<std::vector<control::Delivery>> Notifier::deliveries(const control::DeliveryFilter& filter) const {
  return parts_.control.deliveries(filter);
}

Result<control::Delivery> Notifier::delivery(std::string_view id) const {
  TRY_ASSIGN(auto found, parts_.control.find_delivery(id));
  if (!found) return Error(Code::not_found, "there is no delivery " + shown(id), "`weir outbox list` shows the newest");
  return std::move(*found);
}

Status Notifier::retry(std::string_view id) {
  TRY_ASSIGN(control::Delivery found, delivery(id));
  if (found.state == "delivered" || found.state == "sending") {
    return Error(Code::conflict, "the delivery is " + found.state);
  }
  const std::string from = found.state;
  Duration keeps_trying = Channel{}.retry_for;
  {
    MutexLock lock(mutex_);
    if (const auto channel = declared_.find(found.channel); channel != declared_.end()) {
      keeps_trying = channel->second.retry_for;
    }
  }
  found.state = "waiting";
  found.ended_at.reset();
  found.due_at = parts_.clock.wall();
  found.give_up_at = {found.due_at.micros + keeps_trying.micros};
  TRY(parts_.control.put_delivery(found, from));
  wake({found});
  return {};
}

Status Notifier::discard(std::string_view id) {
  TRY_ASSIGN(control::Delivery found, delivery(id));
  if (found.state != "waiting" && found.state != "given_up") {
    return Error(Code::conflict, "the delivery is " + found.state);
  }
  const std::string from = found.state;
  found.state = "discarded";
  found.ended_at = parts_.clock.wall();
  TRY(parts_.control.put_delivery(found, from));
  outbox_changed_ = true;
  return {};
}

void Notifier::tick() {
  const WallTime now = parts_.clock.wall();
  if (const auto given_up = parts_.control.give_up_deliveries(now); given_up && *given_up > 0) outbox_changed_ = true;
  if (now.micros - trimmed_at_.load() >= kTrimEvery.micros) {
    trimmed_at_ = now.micros;
    subscribers_->forget_unconfirmed();
    if (const Status done = parts_.control.trim_deliveries({now.micros - kEndedKeptFor.micros}, kEndedKept); !done) {
      log_event(Level::error, "notify.trim_failed", {{"error", done.error().text()}});
    }
    outbox_changed_ = true;
  }
  if (outbox_changed_.exchange(false)) count_outbox();
  const int64_t oldest = oldest_at_.load();
  oldest_.set(oldest == 0 ? 0 : static_cast<double>(now.micros - oldest) / 1e6);
}

void Notifier::count_outbox() {
  const auto counts = parts_.control.delivery_counts();
  if (!counts) return;
  std::map<std::string, uint64_t> open, given_up;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, channel] : declared_) open[name] = 0;
  }
  int64_t oldest = 0;
  uint64_t all_open = 0;
  for (const control::DeliveryCount& one : *counts) {
    open[one.channel] += 0;
    if (one.state == "given_up") given_up[one.channel] += one.count;
    if (one.state != "waiting" && one.state != "sending") continue;
    open[one.channel] += one.count;
    all_open += one.count;
    oldest = oldest == 0 ? one.oldest.micros : std::min(oldest, one.oldest.micros);
  }
  oldest_at_ = oldest;
  for (const auto& [channel, count] : open) {
    waiting_gauge(channel).set(static_cast<double>(count));
  }
  std::map<std::string, uint64_t> said = said_given_up();
  {
    MutexLock lock(mutex_);
    given_up_ = given_up;
  }
  for (const auto& [channel, count] : given_up) {
    if (said[channel] != count) report_given_up(channel, count);
    said.erase(channel);
  }
  for (const auto& [channel, count] : said) {
    note_kept(kGivenUpKey + channel,
              close(kGivenUpKey + channel, "nothing of it is given up any more", {std::string(kLogChannel)}));
  }
  report_room(all_open);
}

Gauge& Notifier::waiting_gauge(const std::string& channel) const {
  return parts_.metrics.gauge("weir_outbox_waiting", "Deliveries that are not ended, by channel.",
                              {{"channel", channel}});
}

// What the findings say of deliveries that were given up; the first time it is asked for, those of an earlier start.
std::map<std::string, uint64_t> Notifier::said_given_up() {
  if (!was_counted_.exchange(true)) {
    std::map<std::string, uint64_t> out;
    const auto open_ones = findings(false, kClosedKept);
    for (size_t i = 0; open_ones && i < open_ones->size(); ++i) {
      const std::string& key = (*open_ones)[i].finding.key;
      if (key == kOutboxKey) is_full_ = true;
      if (key.starts_with(kGivenUpKey)) out[key.substr(kGivenUpKey.size())] = 0;
    }
    return out;
  }
  MutexLock lock(mutex_);
  return given_up_;
}

void Notifier::report_given_up(const std::string& channel, uint64_t count) {
  Finding finding;
  finding.key = kGivenUpKey + channel;
  finding.source = "outbox";
  finding.what = std::to_string(count) + (count == 1 ? " notice" : " notices") + " of the channel " + channel +
                 " could not be delivered";
  finding.where = "outbox of " + channel;
  finding.severity = Severity::critical;
  control::DeliveryFilter newest;
  newest.state = "given_up";
  newest.channel = channel;
  newest.limit = 1;
  if (const auto found = deliveries(newest); found && !found->empty()) finding.why = found->front().error;
  finding.todo =
      "`weir outbox list --state given_up` shows them; `weir outbox retry ID` sends one again, `weir outbox "
      "discard ID` does without it";
  finding.link = "/alarms";
  finding.since = parts_.clock.wall();
  const auto kept = report(finding, {std::string(kLogChannel)});
  note_kept(finding.key, kept ? Status() : Status(kept.error()));
}

// Room for a tenth says that it is over.
void Notifier::report_room(uint64_t open) {
  if (!is_full_.load()) return;
  if (open < kOutboxMax - kOutboxMax / 10) {
    is_full_ = false;
    note_kept(kOutboxKey, close(kOutboxKey, "there is room again", {std::string(kLogChannel)}));
    return;
  }
  Finding finding;
  finding.key = kOutboxKey;
  finding.source = "outbox";
  finding.what = "the outbox is full: nobody is told of what happens now";
  finding.where = "outbox";
  finding.severity = Severity::critical;
  finding.why = std::to_string(open) + " deliveries are not ended, allowed are " + std::to_string(kOutboxMax);
  finding.todo = "`weir outbox list --state waiting` shows whose receiver is away";
  finding.link = "/alarms";
  finding.since = parts_.clock.wall();
  const auto kept = report(finding, {std::string(kLogChannel)});
  note_kept(finding.key, kept ? Status() : Status(kept.error()));
}

void Notifier::note_kept(const std::string& key, const Status& kept) {
  if (!kept) log_event(Level::error, "notify.finding_lost", {{"key", key}, {"error", kept.error().text()}});
}

}  // namespace weir::notify
