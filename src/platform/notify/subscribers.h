// Who subscribes to a topic by mail, and the links that confirm it and end it.
//
// A new subscription gets one mail with a link and nothing else until somebody has followed the link and pressed the
// button there: opening the page changes nothing, as scanners of mail open pages. A link is good for kConfirmWithin.
// Links are not kept: each is the subscription's id and a MAC over what it may do, made with a key of .weir/notify.key
// (0600) and compared in constant time. Each mail to a confirmed address has a link that ends it.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "platform/notify/notify.h"

namespace weir::notify {

inline constexpr Duration kConfirmWithin = days(3);
inline constexpr size_t kSubscribersMax = 1'000;  // of one topic
inline constexpr size_t kUnconfirmedMax = 50;     // of one topic: nobody has us write to the world

enum class LinkKind { confirm, unsubscribe };

class Subscribers {
 public:
  explicit Subscribers(Notifier& notifier) : notifier_(notifier) {}

  // Asks the address to confirm; the subscription that waits for that, or the one that is confirmed already. Filter and
  // times are those of `wanted`. Errors: not_found (the topic), invalid (the address), conflict (no mail channel: the
  // error names what is missing), busy (too many).
  Result<control::Subscription> subscribe(std::string_view topic, const std::string& address,
                                          const Subscription& wanted);
  Status unsubscribe(std::string_view id);
  Result<std::vector<control::Subscription>> list(std::string_view topic) const;  // empty: of all

  // What a link is about, if it is good: not_found otherwise, whatever is wrong with it.
  Result<control::Subscription> look(LinkKind kind, std::string_view link) const;
  // Does what it says. Once more is no mistake while the subscription is there.
  Result<control::Subscription> follow(LinkKind kind, std::string_view link);

  std::string url(LinkKind kind, std::string_view id) const;  // of the link; empty if there is no key
  // It is confirmed, or this is the mail that asks for it.
  bool may_get(std::string_view id, const control::Delivery& delivery) const;
  // As a declared one, to decide who is told.
  std::vector<std::pair<std::string, Subscription>> of(const Topic& topic) const;
  void forget_unconfirmed();  // whose time is over

 private:
  Result<std::string> link(LinkKind kind, std::string_view id) const;
  Result<std::string> key() const;
  Status ask_to_confirm(const Topic& topic, const control::Subscription& subscription);

  Notifier& notifier_;
  mutable Mutex mutex_;  // finding one and writing it is one step; the key
  mutable std::string key_ GUARDED_BY(mutex_);
};

}  // namespace weir::notify
