#include "app/version.h"

#include <openssl/crypto.h>

#include "storage/engine/engine.h"

namespace weir::app {

std::string versions() {
  return std::string("weir ") + kVersion + "\n" + engine::Engine::version() + "\n" + OpenSSL_version(OPENSSL_VERSION) +
         "\ng++ " + __VERSION__ + "\n";
}

}  // namespace weir::app
