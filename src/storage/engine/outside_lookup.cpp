#include "storage/engine/outside_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "core/base/text.h"
#include "core/runtime/thread.h"

namespace weir::engine {
namespace {

constexpr size_t kAddressesMax = 8;

Result<std::vector<std::string>> ask_system(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (failed != 0) {
    return Error(Code::unavailable, "the host " + shown(host) + " has no address: " + ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> kept(found, ::freeaddrinfo);
  std::vector<std::string> out;
  for (const addrinfo* one = found; one != nullptr && out.size() < kAddressesMax; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    if (std::find(out.begin(), out.end(), text.data()) == out.end()) out.emplace_back(text.data());
  }
  if (out.empty()) return Error(Code::unavailable, "the host " + shown(host) + " has no address");
  return out;
}

// Shared by who waits and the thread that asks.
struct Lookup {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::optional<Result<std::vector<std::string>>> answer;
  bool is_cancelled = false;
};

}  // namespace

Result<std::vector<std::string>> addresses_of(const std::string& host, std::chrono::steady_clock::time_point deadline,
                                              const Cancel& cancel) {
  const auto lookup = std::make_shared<Lookup>();
  const auto attachment = cancel.attach([lookup] {
    const std::lock_guard lock(lookup->mutex);
    lookup->is_cancelled = true;
    lookup->changed.notify_all();
  });
  start_thread("outside-lookup", [lookup, host] {
    auto answer = ask_system(host);
    const std::lock_guard lock(lookup->mutex);
    lookup->answer = std::move(answer);
    lookup->changed.notify_all();
  }).detach();
  std::unique_lock lock(lookup->mutex);
  const bool is_over =
      lookup->changed.wait_until(lock, deadline, [&] { return lookup->answer || lookup->is_cancelled; });
  if (lookup->answer) return *lookup->answer;
  if (!is_over) return Error(Code::unavailable, "the address of the host " + shown(host) + " was not found in time");
  lock.unlock();
  TRY(cancel.check());
  return Error(Code::cancelled, "cancelled on request");
}

}  // namespace weir::engine
