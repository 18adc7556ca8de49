#include "platform/access/scram.h"

#include <openssl/evp.h>

#include <charconv>
#include <vector>

#include "core/base/hash.h"
#include "core/base/text.h"

namespace weir::access {
namespace {

constexpr std::string_view kScheme = "SCRAM-SHA-256";
constexpr size_t kKeyBytes = 32;

std::string exclusive_or(std::string a, std::string_view b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

}  // namespace

std::string ScramVerifier::text() const {
  return std::string(kScheme) + "$" + std::to_string(iterations) + ":" + base64_encode(salt) + "$" +
         base64_encode(stored_key) + ":" + base64_encode(server_key);
}

Result<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  const Error wrong(Code::invalid, "this is no SCRAM-SHA-256 verifier");
  const auto parts = split(text, '$');
  if (parts.size() != 3 || parts[0] != kScheme) return wrong;
  const auto salted = split(parts[1], ':');
  const auto keys = split(parts[2], ':');
  if (salted.size() != 2 || keys.size() != 2) return wrong;
  ScramVerifier out;
  const char* end = salted[0].data() + salted[0].size();
  const auto number = std::from_chars(salted[0].data(), end, out.iterations);
  if (number.ec != std::errc() || number.ptr != end) return wrong;
  auto salt = base64_decode(salted[1]);
  auto stored_key = base64_decode(keys[0]);
  auto server_key = base64_decode(keys[1]);
  if (!salt || !stored_key || !server_key || salt->empty() || stored_key->size() != kKeyBytes ||
      server_key->size() != kKeyBytes || out.iterations < kScramIterations || out.iterations > kScramIterationsMax) {
    return wrong;
  }
  out.salt = std::move(*salt);
  out.stored_key = std::move(*stored_key);
  out.server_key = std::move(*server_key);
  return out;
}

Result<ScramVerifier> make_scram_verifier(std::string_view password, std::string salt, uint32_t iterations) {
  std::string salted(kKeyBytes, '\0');
  const int done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                     reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                                     static_cast<int>(iterations), EVP_sha256(), static_cast<int>(salted.size()),
                                     reinterpret_cast<unsigned char*>(salted.data()));
  if (done != 1) return Error(Code::internal, "the password's verifier could not be made");
  ScramVerifier out;
  out.stored_key = sha256(hmac_sha256(salted, "Client Key"));
  out.server_key = hmac_sha256(salted, "Server Key");
  out.salt = std::move(salt);
  out.iterations = iterations;
  return out;
}

bool scram_proof_fits(const ScramVerifier& verifier, std::string_view auth_message, std::string_view client_proof) {
  if (client_proof.size() != kKeyBytes) return false;
  const std::string client_key =
      exclusive_or(std::string(client_proof), hmac_sha256(verifier.stored_key, auth_message));
  return constant_time_equal(sha256(client_key), verifier.stored_key);
}

std::string scram_server_signature(const ScramVerifier& verifier, std::string_view auth_message) {
  return hmac_sha256(verifier.server_key, auth_message);
}

}  // namespace weir::access
