// Who sent a request, and the gate that finds it out. Plain values; a Gate is called on io threads, for every request
// that carries credentials, so it answers from memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "platform/access/access.h"

namespace weir::http {

enum class Via : uint8_t { nothing, token, cookie, unix_socket };

struct Caller {
  Via via = Via::nothing;
  access::IdentityPtr identity;  // nullptr: nobody said who they are

  bool is_known() const { return identity != nullptr; }
  bool may_read() const { return identity && access::may_read(*identity); }
  bool may_read_endpoint(std::string_view endpoint) const {
    return identity && access::may_read_endpoint(*identity, endpoint);
  }
  bool may_administer() const { return identity && identity->role == access::Role::admin; }
  bool may_write(std::string_view stream) const;
  std::string name() const;  // for messages and the statement log: "ab12 (etl)", "local", "nobody"
};

class Gate {
 public:
  virtual ~Gate() = default;
  // `unauthenticated` if the token is unknown, revoked or expired.
  virtual Result<access::IdentityPtr> by_token(std::string_view token) = 0;
  // The same for the session cookie's value.
  virtual Result<access::IdentityPtr> by_session(std::string_view cookie) = 0;
};

// The gate of the real program.
class AccessGate final : public Gate {
 public:
  explicit AccessGate(access::Access& access) : access_(access) {}
  Result<access::IdentityPtr> by_token(std::string_view token) override { return access_.authenticate(token); }
  Result<access::IdentityPtr> by_session(std::string_view cookie) override { return access_.session(cookie); }

 private:
  access::Access& access_;
};

}  // namespace weir::http
