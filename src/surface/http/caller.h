// Who sent a request, and the gate that finds it out. Plain values; a Gate is called on io threads, for every request
// that carries credentials, so it answers from memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::http {

enum class Role : uint8_t { nobody, writer, reader, admin };
enum class Via : uint8_t { nothing, token, cookie, unix_socket };

struct Caller {
  Role role = Role::nobody;
  Via via = Via::nothing;
  // Of a token: what lists and logs call it, and the streams a writer may write (empty: all). Shared because it is the
  // gate's.
  struct Identity {
    std::string id, label;
    std::vector<std::string> streams;
  };
  std::shared_ptr<const Identity> identity;

  bool may_read() const { return role == Role::reader || role == Role::admin; }
  bool may_write(std::string_view stream) const;
  std::string name() const;  // "admin", "token ab12 (etl)", "nobody"
};

class Gate {
 public:
  virtual ~Gate() = default;
  // `unauthenticated` if the token is unknown, revoked or expired.
  virtual Result<Caller> by_token(std::string_view token) = 0;
  // The same for the session cookie's value.
  virtual Result<Caller> by_session(std::string_view session) = 0;
};

}  // namespace weir::http
