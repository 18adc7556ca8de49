// Signals: SIGTERM and SIGINT as a plain function call in a thread of its own ("signals"), where everything is allowed.
//
// start() must come before any other thread is started, because threads inherit that the signals are blocked. SIGPIPE
// is ignored from then on (a peer that went away is an error of its write). The callback gets the signal's number, once
// for each delivery; a second one usually means: stop at once. The destructor waits for a running callback.
#pragma once

#include <signal.h>

#include <functional>
#include <memory>
#include <thread>

#include "core/base/result.h"

namespace weir {

class Signals {
 public:
  static Result<std::unique_ptr<Signals>> start(std::function<void(int signal)> callback);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  Signals() = default;
  void run() const;

  std::function<void(int)> callback_;
  sigset_t old_mask_{};
  int signals_ = -1;  // a signalfd
  int ending_ = -1;   // an eventfd
  std::thread thread_;
};

}  // namespace weir
