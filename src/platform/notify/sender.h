// One attempt of one delivery, by the kind of its channel. Blocking; one thread at a time. Internal to
// platform/notify.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/io/http_client.h"
#include "core/runtime/cancel.h"
#include "platform/notify/channel.h"
#include "platform/notify/content.h"
#include "storage/control/control.h"

namespace weir::notify {

class Sender {
 public:
  struct Parts {
    std::function<Result<std::string>(std::string_view name)> secret;
    const Clock& clock;
    std::string folder;                 // the project's
    std::vector<std::string> commands;  // that may run
    std::function<std::string(std::string_view subscription)> confirm_url, unsubscribe_url;
  };
  Sender(Parts parts, const Channel& channel) : parts_(std::move(parts)), channel_(channel) {}

  // Success is a definite answer: what was sent will not be sent again. `again` says whether another attempt may help.
  // No error holds a secret.
  Status send(const control::Delivery& delivery, const Site& site, bool& again);
  void cancel();  // from any thread: the attempt under way ends, and every later one

 private:
  Status post(const control::Delivery& delivery, const Site& site, bool& again);
  Status mail(const control::Delivery& delivery, const Site& site, bool& again);
  Status run(const control::Delivery& delivery, const Site& site, bool& again);
  Status append(const control::Delivery& delivery, const Site& site, bool& again);
  Status add_link(const control::Delivery& delivery, Mail& mail) const;
  Result<std::string> filled(const SecretWords& words);

  const Parts parts_;
  const Channel& channel_;
  HttpClient client_;
  std::atomic<bool> cancelled_{false};
  Cancel cancel_;
  std::vector<std::string> secrets_;  // of this attempt
};

}  // namespace weir::notify
