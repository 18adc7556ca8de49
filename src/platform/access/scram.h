// SCRAM-SHA-256 (RFC 5802, RFC 7677) without its messages: the verifier that is kept of a password, whether a client's
// proof fits it, and the server's own signature. The text form is PostgreSQL's. A verifier is no password: who steals
// it still has to guess, but must not see it. Pure functions, any thread.
//
// Passwords are ASCII here (password.h), so SASLprep changes nothing of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::access {

inline constexpr uint32_t kScramIterations = 4096;  // the least that RFC 7677 allows, and what PostgreSQL takes
inline constexpr uint32_t kScramIterationsMax = 10'000'000;
inline constexpr size_t kScramSaltBytes = 16;

struct ScramVerifier {
  std::string salt;
  uint32_t iterations = kScramIterations;
  std::string stored_key, server_key;  // 32 bytes each

  std::string text() const;  // "SCRAM-SHA-256$4096:salt$stored_key:server_key", each base64: 133 bytes
  static Result<ScramVerifier> parse(std::string_view text);
};

// A few milliseconds.
Result<ScramVerifier> make_scram_verifier(std::string_view password, std::string salt,
                                          uint32_t iterations = kScramIterations);

// Whether `client_proof` (32 bytes, decoded) was made with the password. `auth_message` is the three messages with
// commas between them. Constant time.
bool scram_proof_fits(const ScramVerifier& verifier, std::string_view auth_message, std::string_view client_proof);
// What the server proves itself with: 32 bytes, to be sent as base64 after "v=".
std::string scram_server_signature(const ScramVerifier& verifier, std::string_view auth_message);

}  // namespace weir::access
