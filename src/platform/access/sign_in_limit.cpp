#include "platform/access/sign_in_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace weir::access {
namespace {

// Who failed: the address without its port. Of IPv6 only the first 64 bits, because one machine owns all addresses
// below them.
std::string peer_key(std::string_view peer) {
  if (peer.starts_with('[')) {
    peer = peer.substr(1, peer.find(']') == std::string_view::npos ? std::string_view::npos : peer.find(']') - 1);
  } else if (std::count(peer.begin(), peer.end(), ':') == 1) {
    peer = peer.substr(0, peer.find(':'));
  }
  const std::string address(peer.substr(0, 64));
  std::array<char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  return hex_encode(std::string_view(bytes.data(), 8)) + "/64";
}

}  // namespace

Status SignInLimit::check(std::string_view peer) {
  MutexLock lock(mutex_);
  auto found = failures_.find(peer_key(peer));
  if (found == failures_.end()) return {};
  if (clock_.steady_micros() - found->second.since > limits_.window.micros) {
    failures_.erase(found);
    return {};
  }
  if (found->second.count < limits_.failures_max) return {};
  return Error(Code::busy, "too many sign-ins failed from this address", "wait " + format_duration(limits_.window));
}

void SignInLimit::count_failure(std::string_view peer) {
  const std::string key = peer_key(peer);
  MutexLock lock(mutex_);
  const int64_t now = clock_.steady_micros();
  if (failures_.size() >= limits_.peers_max) {
    std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.since > limits_.window.micros; });
  }
  if (failures_.size() >= limits_.peers_max && !failures_.contains(key)) {
    // The table is full of other attackers: the oldest one's memory goes.
    auto oldest = std::min_element(failures_.begin(), failures_.end(),
                                   [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
    failures_.erase(oldest);
  }
  Failures& failures = failures_[key];
  if (failures.count == 0) failures.since = now;
  ++failures.count;
}

}  // namespace weir::access
