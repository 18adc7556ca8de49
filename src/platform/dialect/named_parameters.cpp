#include "platform/dialect/named_parameters.h"

#include <algorithm>

#include "platform/dialect/token.h"

namespace weir::dialect {

Result<NumberedStatement> number_parameters(std::string_view sql) {
  TRY_ASSIGN(const std::vector<Token> tokens, tokenize(sql, {.named_parameters = true}));
  NumberedStatement out;
  size_t copied = 0;
  bool has_numbers = false;
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::parameter) continue;
    const std::string_view word = token.in(sql);
    if (word.front() != ':') {
      has_numbers = true;
      continue;
    }
    const std::string name(word.substr(1));
    const auto known = std::find(out.names.begin(), out.names.end(), name);
    const auto place = static_cast<size_t>(known - out.names.begin());
    if (known == out.names.end()) out.names.push_back(name);
    out.sql.append(sql.substr(copied, token.begin - copied)).append("$").append(std::to_string(place + 1));
    copied = token.end;
  }
  if (has_numbers && !out.names.empty())
    return Error(Code::invalid, "the statement has parameters with names and with numbers",
                 "write all of them as :name");
  out.sql.append(sql.substr(copied));
  return out;
}

}  // namespace weir::dialect
