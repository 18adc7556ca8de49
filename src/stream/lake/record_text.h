// What the ways of taking a foreign file apart share: which characters are white space, and what stands for a record
// that cannot be handed on as it is. Inside of the room; pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/json.h"

namespace weir::lake {

inline bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

inline constexpr size_t kShownBytes = 200;

// What cannot be handed on as it stands, as a JSON text that says why: capture keeps it as no object.
inline std::string told(const std::string& why, std::string_view text) {
  std::string out;
  Json::append_quoted(out, why + ": " + std::string(text.substr(0, kShownBytes)));
  return out;
}

}  // namespace weir::lake
