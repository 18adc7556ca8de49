#include "surface/pgwire/sign_in.h"

#include <openssl/evp.h>

#include "core/base/text.h"

namespace weir::pgwire {

namespace {

constexpr int32_t kOk = 0, kCleartext = 3, kMd5 = 5, kSasl = 10, kSaslContinue = 11, kSaslFinal = 12;
constexpr std::string_view kMechanism = "SCRAM-SHA-256";
constexpr size_t kPasswordBytesMax = 1024;

std::string random_bytes(Random& random, size_t count) {
  std::string out;
  while (out.size() < count) {
    const uint64_t bits = random.next();
    out.append(reinterpret_cast<const char*>(&bits), std::min(sizeof(bits), count - out.size()));
  }
  return out;
}

std::string md5_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1) return {};
  return hex_encode({reinterpret_cast<const char*>(digest), size});
}

Result<std::string> password_of(std::string_view body) {
  const size_t end = body.find('\0');
  if (end == std::string_view::npos || end + 1 != body.size()) return protocol_error("a password is not closed");
  if (end > kPasswordBytesMax) return protocol_error("a password of more than 1024 bytes");
  return std::string(body.substr(0, end));
}

}  // namespace

Result<SignIn::Step> SignIn::begin() {
  Step step;
  if (transport_.peer.unix_socket && transport_.peer.owner) {
    way_ = "owner";
    append_authentication(step.reply, kOk);
    step.user = authenticator_.owner();
    return step;
  }
  TRY(authenticator_.check_peer(transport_.peer));
  challenge_ = authenticator_.challenge(user_);
  if (challenge_.kind == Authenticator::Challenge::Kind::scram && !transport_.knows_scram) {
    challenge_ = {.kind = Authenticator::Challenge::Kind::cleartext};
  }
  switch (challenge_.kind) {
    case Authenticator::Challenge::Kind::scram:
      way_ = "scram";
      append_authentication(step.reply, kSasl,
                            std::string(kMechanism) + std::string(transport_.reads_list_short ? 1 : 2, '\0'));
      break;
    case Authenticator::Challenge::Kind::md5:
      way_ = "md5";
      md5_salt_ = random_bytes(random_, 4);
      append_authentication(step.reply, kMd5, md5_salt_);
      break;
    case Authenticator::Challenge::Kind::cleartext:
      way_ = "cleartext";
      if (!transport_.is_private()) {
        return with_state(Error(Code::unauthenticated, "this user's password or token would be sent in clear text",
                                "connect with sslmode=require"),
                          "28000");
      }
      append_authentication(step.reply, kCleartext);
      break;
  }
  return step;
}

Result<SignIn::Step> SignIn::answer(std::string_view body) {
  if (challenge_.kind == Authenticator::Challenge::Kind::scram) return answer_scram(body);
  TRY_ASSIGN(const std::string password, password_of(body));
  if (challenge_.kind == Authenticator::Challenge::Kind::md5) {
    // What is kept is "md5" and the digest of password and name; sent is the digest of that digest and the salt.
    const std::string wanted = "md5" + md5_hex(challenge_.md5.substr(3) + md5_salt_);
    return finish_proof(constant_time_equal(password, wanted), {});
  }
  Step step;
  TRY_ASSIGN(step.user, authenticator_.check_password(user_, password, transport_.peer));
  append_authentication(step.reply, kOk);
  return step;
}

Result<SignIn::Step> SignIn::answer_scram(std::string_view body) {
  Step step;
  if (!scram_) {
    TRY_ASSIGN(const SaslMessage first, parse_sasl_initial(body));
    if (first.mechanism != kMechanism) {
      return protocol_error("SASL mechanism " + shown(first.mechanism) + " was not offered, SCRAM-SHA-256 was");
    }
    scram_ = std::make_unique<ScramExchange>(challenge_.verifier, base64_encode(random_bytes(random_, 18)),
                                             challenge_.others);
    TRY_ASSIGN(const std::string reply, scram_->begin(first.data));
    append_authentication(step.reply, kSaslContinue, reply);
    return step;
  }
  TRY_ASSIGN(const ScramExchange::End end, scram_->finish(body));
  if (end.is_good) append_authentication(step.reply, kSaslFinal, end.message);
  return finish_proof(end.is_good, std::move(step.reply));
}

Result<SignIn::Step> SignIn::finish_proof(bool is_good, std::string reply) {
  Step step;
  step.reply = std::move(reply);
  TRY_ASSIGN(step.user, authenticator_.end_proof(user_, transport_.peer, is_good));
  append_authentication(step.reply, kOk);
  return step;
}

}  // namespace weir::pgwire
