#include "platform/access/short_passwords.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "platform/access/password.h"

namespace weir::access {

ShortPasswords::ShortPasswords(Clock& clock, Random& random)
    : clock_(clock), random_(random), salt_key_(random_bytes(random, 32)) {}

void ShortPasswords::drop_expired() {
  const WallTime now = clock_.wall();
  for (auto at = names_.begin(); at != names_.end();) {
    std::erase_if(at->second.all, [&](const One& one) { return one.expires_at <= now; });
    at = at->second.all.empty() ? names_.erase(at) : std::next(at);
  }
}

Result<ShortPassword> ShortPasswords::make(const std::string& name, uint32_t user, Duration valid) {
  ShortPassword out{.name = name, .password = random_password(random_), .expires_at = {}};
  out.expires_at = {clock_.wall().micros + valid.micros};
  TRY_ASSIGN(ScramVerifier verifier,
             make_scram_verifier(out.password, hmac_sha256(salt_key_, name).substr(0, kScramSaltBytes)));
  const MutexLock lock(mutex_);
  drop_expired();
  if (names_.size() >= kNamesMax) return Error(Code::busy, "too many names have short-lived passwords");
  OfName& of = names_[name];
  if (of.user != user) of = {.user = user, .all = {}};  // another user has the name now
  if (of.all.size() == kOfNameMax) of.all.erase(of.all.begin());
  of.all.push_back({std::move(verifier), out.expires_at});
  return out;
}

std::vector<ScramVerifier> ShortPasswords::verifiers(std::string_view name) const {
  const MutexLock lock(mutex_);
  std::vector<ScramVerifier> out;
  const auto found = names_.find(name);
  if (found == names_.end()) return out;
  for (const One& one : found->second.all) {
    if (one.expires_at > clock_.wall()) out.push_back(one.verifier);
  }
  return out;
}

bool ShortPasswords::fits(std::string_view name, std::string_view password) const {
  const std::vector<ScramVerifier> all = verifiers(name);
  if (all.empty()) return false;
  const auto given = make_scram_verifier(password, all.front().salt, all.front().iterations);
  bool fits = false;
  for (const ScramVerifier& one : all) {
    if (given && constant_time_equal(given->stored_key, one.stored_key)) fits = true;
  }
  return fits;
}

std::optional<uint32_t> ShortPasswords::user_of(std::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return std::nullopt;
  return found->second.user;
}

}  // namespace weir::access
