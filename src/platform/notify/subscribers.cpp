#include "platform/notify/subscribers.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/mail.h"
#include "platform/notify/content.h"

namespace weir::notify {
namespace {

constexpr size_t kKeyBytes = 32;

const char* word_of(LinkKind kind) {
  return kind == LinkKind::confirm ? "confirm" : "unsubscribe";
}

// The subscription's body is what it filters by, in a declared one's form.
Subscription wanted_of(const control::Subscription& stored, const Topic& topic) {
  std::string wrong;
  Topic carrier = topic_from_json(Json(Json::Object{{"name", topic.name},
                                                    {"description", ""},
                                                    {"through", topic.through},
                                                    {"subscriptions", Json(Json::Array{stored.body})}}),
                                  wrong);
  Subscription out = carrier.subscriptions.empty() ? Subscription{} : std::move(carrier.subscriptions.front());
  out.channel = topic.through;
  out.to = {stored.address};
  return out;
}

}  // namespace

// Made when it is needed first; lost, every link is void and subscriptions stay.
Result<std::string> Subscribers::key() const {
  MutexLock lock(mutex_);
  if (!key_.empty()) return key_;
  const std::string& path = notifier_.options_.key_file;
  if (path.empty()) return Error(Code::unsupported, "there are no links in mails here");
  Files& files = real_files();
  TRY_ASSIGN(const bool is_there, files.exists(path));
  if (!is_there) {
    std::string bytes;
    while (bytes.size() < kKeyBytes) {
      uint64_t word = notifier_.parts_.random.next();
      for (int i = 0; i < 8; ++i, word >>= 8) bytes.push_back(static_cast<char>(word & 0xff));
    }
    TRY(replace_file(files, path, hex_encode(bytes) + "\n"));
  }
  TRY_ASSIGN(const std::string text, read_file(files, path, 256));
  auto bytes = hex_decode(trim(text));
  if (!bytes || bytes->size() != kKeyBytes) {
    return Error(Code::corrupt, path + " is no key", "remove it: links of mails that were sent will be void");
  }
  key_ = std::move(*bytes);
  return key_;
}

Result<std::string> Subscribers::link(LinkKind kind, std::string_view id) const {
  TRY_ASSIGN(const std::string secret, key());
  return std::string(id) + "." +
         base64url_encode(hmac_sha256(secret, std::string(word_of(kind)) + "\n" + std::string(id)));
}

std::string Subscribers::url(LinkKind kind, std::string_view id) const {
  const std::string site = notifier_.url();
  const auto made = link(kind, id);
  return made && !site.empty() ? site + "/subscriptions/" + word_of(kind) + "?link=" + *made : std::string();
}

Result<control::Subscription> Subscribers::look(LinkKind kind, std::string_view given) const {
  const Error gone(Code::not_found, "this link is not good any more", "subscribe anew");
  const std::string id(given.substr(0, given.find('.')));
  TRY_ASSIGN(const std::string good, link(kind, id));
  if (!constant_time_equal(good, given)) return gone;
  TRY_ASSIGN(const auto all, notifier_.parts_.control.subscriptions());
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.id == id; });
  if (found == all.end()) return gone;
  const int64_t age = notifier_.parts_.clock.wall().micros - found->created_at.micros;
  if (kind == LinkKind::confirm && !found->is_confirmed && age > kConfirmWithin.micros) return gone;
  return *found;
}

Result<control::Subscription> Subscribers::follow(LinkKind kind, std::string_view given) {
  TRY_ASSIGN(control::Subscription found, look(kind, given));
  if (kind == LinkKind::unsubscribe) {
    TRY(unsubscribe(found.id));
    return found;
  }
  if (found.is_confirmed) return found;
  found.is_confirmed = true;
  TRY(notifier_.parts_.control.put_subscription(found));
  log_event(Level::info, "notify.subscribed", {{"topic", found.topic}, {"subscription", found.id}});
  return found;
}

Status Subscribers::unsubscribe(std::string_view id) {
  TRY(notifier_.parts_.control.remove_subscription(id));
  log_event(Level::info, "notify.unsubscribed", {{"subscription", std::string(id)}});
  return {};
}

Result<std::vector<control::Subscription>> Subscribers::list(std::string_view topic) const {
  TRY_ASSIGN(auto all, notifier_.parts_.control.subscriptions());
  std::erase_if(all, [&](const auto& one) { return !topic.empty() && one.topic != topic; });
  return all;
}

Result<control::Subscription> Subscribers::subscribe(std::string_view name, const std::string& address,
                                                     const Subscription& wanted) {
  TRY(check_mail_address(address));
  TRY_ASSIGN(const Topic topic, notifier_.topic(name));
  if (topic.through.empty()) {
    return Error(Code::conflict, "nobody can subscribe to " + topic.name + " by mail: it has no mail channel",
                 "declare one beside it in alerts/*.yaml (kind: mail), and name it by through: if there are several");
  }
  if (notifier_.url().empty()) {
    return Error(Code::unavailable, "no server runs that a link could lead to", "weir serve");
  }
  control::Subscription made;
  made.id = format_uuid(uuid_v7(notifier_.parts_.clock, notifier_.parts_.random));
  made.topic = topic.name;
  made.address = address;
  made.created_at = notifier_.parts_.clock.wall();
  made.body = to_json(wanted);
  TRY(link(LinkKind::confirm, made.id));
  {
    MutexLock lock(mutex_);
    TRY_ASSIGN(const auto all, list(topic.name));
    size_t unconfirmed = 0;
    for (const control::Subscription& one : all) {
      if (one.address == address) return one;  // asked already: one mail is enough
      if (!one.is_confirmed) ++unconfirmed;
    }
    if (all.size() >= kSubscribersMax || unconfirmed >= kUnconfirmedMax) {
      return Error(Code::busy, "the topic " + topic.name + " has " + std::to_string(all.size()) + " subscriptions, " +
                                   std::to_string(unconfirmed) + " of them not confirmed; allowed are " +
                                   std::to_string(kSubscribersMax) + " and " + std::to_string(kUnconfirmedMax));
    }
    TRY(notifier_.parts_.control.put_subscription(made));
  }
  if (const Status asked = ask_to_confirm(topic, made); !asked) {
    (void)unsubscribe(made.id);
    return asked.error();
  }
  return made;
}

// The link is not in the outbox: the mail is made when it is sent.
Status Subscribers::ask_to_confirm(const Topic& topic, const control::Subscription& subscription) {
  std::optional<Channel> channel;
  {
    MutexLock lock(notifier_.mutex_);
    const auto found = notifier_.declared_.find(topic.through);
    if (found != notifier_.declared_.end()) channel = found->second;
  }
  if (!channel) return Error(Code::not_found, "there is no channel " + topic.through);
  Notifier::Told told;
  told.event = "confirm";
  Message message;
  message.name = "confirm";
  message.subject = "Do you want to be told of " + topic.name + "?";
  message.text = "Somebody, perhaps you, asked that this address is told of " + topic.name + " by " +
                 notifier_.options_.project +
                 ".\nIf you want that, open the page and confirm it there within 3 days. "
                 "Otherwise do nothing: there will be no other mail.\n";
  told.item.set("event", told.event);
  told.item.set("message", message_json(message));
  control::Delivery delivery = notifier_.delivery_to(*channel, told);
  delivery.body.set("topic", topic.name);
  delivery.body.set("to", Json(Json::Array{Json(subscription.address)}));
  delivery.body.set("subscription", subscription.id);
  // After three days there would be nothing to confirm.
  delivery.give_up_at = std::min(delivery.give_up_at, WallTime{delivery.created_at.micros + kConfirmWithin.micros});
  std::vector<control::Delivery> deliveries = {std::move(delivery)};
  TRY_ASSIGN(const bool has_room, notifier_.parts_.control.add_deliveries(deliveries, kOutboxMax));
  if (!has_room) return Error(Code::busy, "the outbox is full");
  notifier_.wake(deliveries);
  return {};
}

bool Subscribers::may_get(std::string_view id, const control::Delivery& delivery) const {
  const auto all = notifier_.parts_.control.subscriptions();
  if (!all) return false;
  const auto found = std::find_if(all->begin(), all->end(), [&](const auto& one) { return one.id == id; });
  const bool asks = delivery.body["event"].as_string() == "confirm";
  return found != all->end() && (found->is_confirmed || asks);
}

std::vector<std::pair<std::string, Subscription>> Subscribers::of(const Topic& topic) const {
  std::vector<std::pair<std::string, Subscription>> out;
  if (topic.through.empty()) return out;
  const auto all = list(topic.name);
  if (!all) return out;
  for (const control::Subscription& one : *all) {
    if (one.is_confirmed) out.emplace_back(one.id, wanted_of(one, topic));
  }
  return out;
}

void Subscribers::forget_unconfirmed() {
  const auto all = notifier_.parts_.control.subscriptions();
  if (!all) return;
  const int64_t until = notifier_.parts_.clock.wall().micros - kConfirmWithin.micros;
  for (const control::Subscription& one : *all) {
    if (!one.is_confirmed && one.created_at.micros < until) (void)unsubscribe(one.id);
  }
}

}  // namespace weir::notify
