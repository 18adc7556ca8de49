#include "core/runtime/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/runtime/thread.h"

namespace weir {

Result<std::unique_ptr<Signals>> Signals::start(std::function<void(int)> callback) {
  std::unique_ptr<Signals> signals(new Signals);
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGTERM);
  sigaddset(&caught, SIGINT);
  pthread_sigmask(SIG_BLOCK, &caught, &signals->old_mask_);
  ::signal(SIGPIPE, SIG_IGN);
  signals->callback_ = std::move(callback);
  signals->signals_ = ::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
  signals->ending_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals->signals_ < 0 || signals->ending_ < 0) {
    return Error(Code::io, "cannot wait for signals: " + std::generic_category().message(errno));
  }
  signals->thread_ = start_thread("signals", [waiting = signals.get()] { waiting->run(); });
  return signals;
}

Signals::~Signals() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(ending_, &one, sizeof one);
    thread_.join();
  }
  if (signals_ >= 0) ::close(signals_);
  if (ending_ >= 0) ::close(ending_);
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void Signals::run() const {
  while (true) {
    pollfd watched[] = {{signals_, POLLIN, 0}, {ending_, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) continue;  // EINTR
    if (watched[1].revents != 0) return;
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) callback_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace weir
