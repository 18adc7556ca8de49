// Secrets that declarations use as ${secret:NAME}: kept in the control database, sealed with AES-256-GCM. The key is 32
// random bytes in .weir/secret.key (0600, made when the first secret is put), or WEIR_KEY; a backup leaves it out. The
// name is sealed with the value, so that two rows cannot be exchanged. Any thread; every call reads or writes the
// control database.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/control/control.h"

namespace weir::access {

struct SecretInfo {
  std::string name;
  WallTime changed_at;
};

class Secrets {
 public:
  struct Parts {
    control::Control& control;
    Files& files;
    Clock& clock;
    Random& random;
  };
  struct KeySource {
    std::string file;  // .weir/secret.key
    std::optional<std::string> key =
        {};  // the text of WEIR_KEY: 64 hex digits, or base64 of 32 bytes; used instead of the file
  };
  Secrets(const Parts& parts, KeySource source) : parts_(parts), source_(std::move(source)) {}

  Status put(std::string_view name, std::string_view value);  // [a-zA-Z][a-zA-Z0-9_.-]{0,62}; value up to 64 KiB
  Result<std::vector<SecretInfo>> list();                     // names only
  Status remove(std::string_view name);
  // For ${secret:NAME}. `not_found` names the nearest; `corrupt` if it was changed; `denied` if it was sealed with
  // another key.
  Result<std::string> find(std::string_view name);

  // The same sealing for what another room keeps: `name` is sealed with the value.
  Result<std::string> seal(std::string_view name, std::string_view value);
  Result<std::string> unseal(std::string_view name, std::string_view sealed);

 private:
  enum class Missing { make, refuse };
  Result<std::string> key(Missing missing) REQUIRES(mutex_);
  Parts parts_;
  KeySource source_;
  Mutex mutex_;
  std::string key_ GUARDED_BY(mutex_);  // 32 bytes once read
};

}  // namespace weir::access
