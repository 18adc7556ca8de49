#include <algorithm>
#include <array>

#include "platform/dialect/statement.h"

namespace weir::dialect {
namespace {

// The words before a text that is a secret: r_CREATE_USER, copy-parameters-authorization.
constexpr std::array<std::string_view, 8> kBefore = {
    "password",      "credentials", "secret_access_key",    "access_key_id",
    "session_token", "md5",         "master_symmetric_key", "symmetric_key"};

bool speaks_of_one(std::string_view sql) {
  std::string lower;
  for (const char c : sql) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::any_of(kBefore.begin(), kBefore.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace

std::string without_secrets(std::string_view sql) {
  if (!speaks_of_one(sql)) return std::string(sql);
  const Result<std::vector<Token>> tokens = tokenize(sql);
  if (!tokens) return "(not shown: it cannot be read, and speaks of a secret)";
  std::string out;
  size_t from = 0;
  bool is_next = false;
  for (const Token& token : *tokens) {
    if (token.kind == TokenKind::text && is_next) {
      out += sql.substr(from, token.begin - from);
      out += "'***'";
      from = token.end;
    }
    if (token.kind == TokenKind::word) {
      is_next = std::any_of(kBefore.begin(), kBefore.end(),
                            [&](std::string_view word) { return is_word(sql, token, word); }) ||
                (is_next && is_word(sql, token, "as"));
    } else if (token.kind != TokenKind::symbol) {
      is_next = false;
    }
  }
  return out += sql.substr(from);
}

}  // namespace weir::dialect
