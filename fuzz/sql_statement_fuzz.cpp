// Statements as anybody may send them: they fall into words that lie one behind another, and what is made of them for
// the engine knows the place of each of its characters and does not grow without end.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "platform/dialect/rewrite.h"
#include "platform/dialect/statement.h"

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const dialect::TokenRules rules{.backslash_escapes = data[0] % 2 == 1, .named_parameters = data[0] % 4 > 1};
  const std::string_view sql(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto tokens = dialect::tokenize(sql, rules);
  if (!tokens) return 0;
  size_t end = 0;
  for (const dialect::Token& token : *tokens) {
    if (token.begin < end || token.end <= token.begin || token.end > sql.size()) std::abort();
    end = token.end;
    if (token.kind == dialect::TokenKind::text) (void)dialect::text_of(sql, token, rules);
  }
  for (const dialect::TokenRange& range : dialect::split_statements(sql, *tokens)) {
    if (const auto parsed = dialect::parse_statement(sql, *tokens, range)) (void)dialect::tag_of(*parsed);
    const auto text = dialect::rewrite_query(sql, *tokens, range);
    if (!text) continue;
    if (text->sql.size() > 4 * sql.size() + (2u << 20)) std::abort();
    for (size_t at = 0; at < text->sql.size(); at += 1 + text->sql.size() / 50) {
      if (text->original_of(at) > sql.size()) std::abort();
    }
  }
  (void)dialect::without_secrets(sql);
  return 0;
}
