#include "app/version.h"

#include <openssl/crypto.h>

#include "storage/engine/engine.h"

namespace weir::app {

std::string versions() {
         OpenSSL_version(OPENSSL_VERSION) + "\n" + "g++ " + __VERSION__ + "\n";
}

}  // namespace weir::app
