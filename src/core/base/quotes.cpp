#include "core/base/quotes.h"

namespace weir {

namespace {

std::string between(std::string_view text, char mark) {
  std::string out;
  out.reserve(text.size() + 2);
  out += mark;
  for (const char c : text) out.append(c == mark ? 2 : 1, c);
  out += mark;
  return out;
}

}  // namespace

std::string quoted_name(std::string_view name) {
  return between(name, '"');
}

std::string quoted_text(std::string_view text) {
  return between(text, '\'');
}

}  // namespace weir
