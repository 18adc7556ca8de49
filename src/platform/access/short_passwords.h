// Passwords for the wire that are over within the hour: what GetClusterCredentials hands out. In memory only: a restart
// ends all of them. Any thread; make() computes for some milliseconds.
//
// Several may be valid for one name, as each call makes one: their verifiers share salt and iterations, so that a SCRAM
// exchange can be begun before it is known which of them the client has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/result.h"
#include "platform/access/scram.h"

namespace weir::access {

struct ShortPassword {
  std::string name;  // to sign in with: "IAM:anna"
  std::string password;
  WallTime expires_at{};
};

class ShortPasswords {
 public:
  static constexpr size_t kOfNameMax = 16;  // beyond it the oldest ends
  static constexpr size_t kNamesMax = 10'000;

  ShortPasswords(Clock& clock, Random& random);

  Result<ShortPassword> make(const std::string& name, uint32_t user, Duration valid);  // `busy`
  // Those that are valid now; empty: none is.
  std::vector<ScramVerifier> verifiers(std::string_view name) const;
  bool fits(std::string_view name, std::string_view password) const;
  std::optional<uint32_t> user_of(std::string_view name) const;

 private:
  struct One {
    ScramVerifier verifier;
    WallTime expires_at;
  };
  struct OfName {
    uint32_t user = 0;
    std::vector<One> all;
  };
  void drop_expired() REQUIRES(mutex_);

  Clock& clock_;
  Random& random_;
  const std::string salt_key_;  // a name's salt is derived with it
  mutable Mutex mutex_;
  std::map<std::string, OfName, std::less<>> names_ GUARDED_BY(mutex_);
};

}  // namespace weir::access
