// What is kept of a user's password, and whether a text is that password.
//
// A password comes in one of Redshift's forms (CREATE USER … PASSWORD): the text itself; 'sha256|' and the text;
// 'sha256|digest|salt', the SHA-256 of text and salt, both in hexadecimal; 'md5' and the MD5 of text and user name. Of
// a text a SCRAM verifier is kept for the wire and an Argon2id hash for the pages. Of a digest only an Argon2id hash
// over that digest: who has the password is known by it, but SCRAM needs the text. The MD5 form is kept as it is only
// where it was asked for, as the wire's old method needs it.
//
// Pure functions, any thread; make_credentials() and fits() compute some 30 ms and 19 MiB: call them on a lane.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace weir::access {

// Of Argon2id: OWASP's second recommendation.
struct PasswordCost {
  uint32_t memory_kib = 19'456;
  uint32_t passes = 2;
};

struct Credentials {
  std::string argon2;  // encoded, with its own salt and cost; empty: no password
  std::string over;   // what Argon2id was given: "" the text, "md5", or the salt of 'sha256|digest|salt' in hexadecimal
  std::string scram;  // ScramVerifier::text(); empty: only a digest was given
  std::string md5;    // "md5" and 32 digits; empty unless asked for

  bool exist() const { return !argon2.empty(); }
};

// Redshift's rule for a text: 8 to 64 characters, printable ASCII but space ' " \ / @, with an upper-case letter, a
// lower-case letter and a digit. The error never holds the password.
Status check_password(std::string_view text);

struct PasswordOwner {
  std::string_view name;
  bool keeps_md5 = false;
};
// `password` in any of the forms above.
Result<Credentials> make_credentials(std::string_view password, const PasswordOwner& owner, const PasswordCost& cost,
                                     Random& random);
// Of a text that keeps the rule, whatever it looks like.
Result<Credentials> make_text_credentials(std::string_view text, const PasswordCost& cost, Random& random);
Result<bool> fits(const Credentials& credentials, std::string_view name, std::string_view text);
// As costly as fits(), for users that do not exist.
void pretend_to_check(std::string_view text, const PasswordCost& cost);

// "md5" and the MD5 of password and name, as PostgreSQL keeps it.
Result<std::string> md5_of(std::string_view password, std::string_view name);
// 24 characters that keep the rule: 140 random bits.
std::string random_password(Random& random);
std::string random_bytes(Random& random, size_t count);

}  // namespace weir::access
