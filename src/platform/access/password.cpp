#include "platform/access/password.h"

#include <argon2.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "platform/access/scram.h"

namespace weir::access {
namespace {

constexpr size_t kPasswordBytesMin = 8, kPasswordBytesMax = 64;
constexpr size_t kTextBytesMax = 1'024;  // of what somebody tries: older verifiers may be of anything up to here
constexpr size_t kDigestDigits = 64, kMd5Digits = 32;
constexpr size_t kSaltBytes = 16, kHashBytes = 32;
constexpr std::string_view kSha256 = "sha256|";
constexpr std::string_view kMd5 = "md5";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

bool is_md5_form(std::string_view password) {
  return password.size() == kMd5.size() + kMd5Digits && password.starts_with(kMd5) &&
         is_hex(password.substr(kMd5.size()));
}

Result<std::string> argon2id(std::string_view text, const PasswordCost& cost, Random& random) {
  const std::string salt = random_bytes(random, kSaltBytes);
  std::string encoded(argon2_encodedlen(cost.passes, cost.memory_kib, 1, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const int done = argon2id_hash_encoded(cost.passes, cost.memory_kib, 1, text.data(), text.size(), salt.data(),
                                         salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (done != ARGON2_OK) {
    return Error(done == ARGON2_MEMORY_ALLOCATION_ERROR ? Code::busy : Code::internal,
                 std::string("the password could not be hashed: ") + argon2_error_message(done));
  }
  encoded.resize(encoded.find('\0') == std::string::npos ? encoded.size() : encoded.find('\0'));
  return encoded;
}

// SHA-256 of text and salt, in digits: what Redshift keeps of 'sha256|digest|salt'.
Result<std::string> salted_digest(std::string_view text, std::string_view salt_digits) {
  TRY_ASSIGN(const std::string salt, hex_decode(salt_digits));
  return sha256_hex(std::string(text) + salt);
}

Result<Credentials> of_digest(std::string_view rest, const PasswordCost& cost, Random& random) {
  const auto parts = split(rest, '|');
  if (parts.size() != 2 || parts[0].size() != kDigestDigits || parts[1].size() != kDigestDigits ||
      !is_hex(rest.substr(0, kDigestDigits)) || !is_hex(parts[1])) {
    return Error(Code::invalid, "a password of the form sha256|digest|salt has 64 hexadecimal digits in both parts",
                 "or sha256|PASSWORD with the text itself");
  }
  Credentials out;
  TRY_ASSIGN(out.argon2, argon2id(to_lower(parts[0]), cost, random));
  out.over = to_lower(parts[1]);
  return out;
}

}  // namespace

std::string random_bytes(Random& random, size_t count) {
  std::string out;
  while (out.size() < count) {
    const uint64_t word = random.next();
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  out.resize(count);
  return out;
}

Result<std::string> md5_of(std::string_view password, std::string_view name) {
  const std::string text = std::string(password) + std::string(name);
  std::array<unsigned char, 16> digest{};
  unsigned length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_md5(), nullptr) != 1 || length != digest.size())
    return Error(Code::unsupported, "this machine's OpenSSL does not compute MD5");
  return std::string(kMd5) + hex_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string random_password(Random& random) {
  // 24 of base64url without its two signs: what is left is drawn again.
  std::string out;
  while (out.size() < 24 || !check_password(out)) {
    if (out.size() >= 24) out.clear();
    for (const char c : base64url_encode(random_bytes(random, 24))) {
      if (c != '-' && c != '_' && out.size() < 24) out += c;
    }
  }
  return out;
}

Status check_password(std::string_view text) {
  const char* rule =
      "8 to 64 printable ASCII characters except space ' \" \\ / @, with an upper-case letter, "
      "a lower-case letter and a digit";
  if (text.size() < kPasswordBytesMin || text.size() > kPasswordBytesMax) {
    return Error(Code::invalid, "the password has " + std::to_string(text.size()) + " characters, allowed are 8 to 64",
                 rule);
  }
  bool upper = false, lower = false, digit = false;
  for (const char c : text) {
    if (c < 33 || c > 126 || std::string_view("'\"\\/@").find(c) != std::string_view::npos)
      return Error(Code::invalid, "the password has a character that is not allowed", rule);
    upper = upper || (c >= 'A' && c <= 'Z');
    lower = lower || (c >= 'a' && c <= 'z');
    digit = digit || (c >= '0' && c <= '9');
  }
  if (upper && lower && digit) return {};
  return Error(Code::invalid,
               std::string("the password has no ") + (!upper   ? "upper-case letter"
                                                      : !lower ? "lower-case letter"
                                                               : "digit"),
               rule);
}

Result<Credentials> make_text_credentials(std::string_view text, const PasswordCost& cost, Random& random) {
  TRY(check_password(text));
  Credentials out;
  TRY_ASSIGN(out.argon2, argon2id(text, cost, random));
  TRY_ASSIGN(const ScramVerifier verifier, make_scram_verifier(text, random_bytes(random, kScramSaltBytes)));
  out.scram = verifier.text();
  return out;
}

Result<Credentials> make_credentials(std::string_view password, const PasswordOwner& owner, const PasswordCost& cost,
                                     Random& random) {
  if (is_md5_form(password)) {
    Credentials out;
    out.md5 = to_lower(password);
    out.over = std::string(kMd5);
    TRY_ASSIGN(out.argon2, argon2id(out.md5, cost, random));
    return out;
  }
  if (password.starts_with(kSha256)) {
    password.remove_prefix(kSha256.size());
    if (password.find('|') != std::string_view::npos || (password.size() == kDigestDigits && is_hex(password))) {
      if (owner.keeps_md5) return Error(Code::invalid, "of a digest no MD5 form can be made", "give the text itself");
      return of_digest(password, cost, random);
    }
  }
  TRY_ASSIGN(Credentials out, make_text_credentials(password, cost, random));
  if (owner.keeps_md5) {
    TRY_ASSIGN(out.md5, md5_of(password, owner.name));
  }
  return out;
}

Result<bool> fits(const Credentials& credentials, std::string_view name, std::string_view text) {
  if (text.size() > kTextBytesMax) return false;
  std::string given(text);
  if (credentials.over == kMd5) {
    TRY_ASSIGN(given, md5_of(text, name));
  } else if (!credentials.over.empty()) {
    TRY_ASSIGN(given, salted_digest(text, credentials.over));
  }
  const int done = argon2id_verify(credentials.argon2.c_str(), given.data(), given.size());
  if (done == ARGON2_OK) return true;
  if (done == ARGON2_VERIFY_MISMATCH) return false;
  return Error(done == ARGON2_MEMORY_ALLOCATION_ERROR ? Code::busy : Code::corrupt,
               std::string("a password could not be checked: ") + argon2_error_message(done));
}

void pretend_to_check(std::string_view text, const PasswordCost& cost) {
  std::array<unsigned char, kHashBytes> hash{};
  const std::string salt(kSaltBytes, 's');
  const size_t size = std::min(text.size(), kTextBytesMax);
  (void)argon2id_hash_raw(cost.passes, cost.memory_kib, 1, text.data(), size, salt.data(), salt.size(), hash.data(),
                          hash.size());
}

}  // namespace weir::access
