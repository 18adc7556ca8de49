#include "core/base/result.h"

namespace weir {

const char* code_name(Code code) {
  switch (code) {
    case Code::invalid:
      return "invalid";
    case Code::not_found:
      return "not_found";
    case Code::conflict:
      return "conflict";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::denied:
      return "denied";
    case Code::busy:
      return "busy";
    case Code::too_large:
      return "too_large";
    case Code::timed_out:
      return "timed_out";
    case Code::cancelled:
      return "cancelled";
    case Code::corrupt:
      return "corrupt";
    case Code::io:
      return "io";
    case Code::no_space:
      return "no_space";
    case Code::unsupported:
      return "unsupported";
    case Code::unavailable:
      return "unavailable";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

std::string Error::text() const {
  std::string out;
  if (position) {
    const std::string line = std::to_string(position->line), column = std::to_string(position->column);
    if (position->file.empty()) {
      out += "line " + line + ", column " + column;
    } else {
      out += position->file;
      if (position->line > 0) out += ":" + line + ":" + column;
    }
    out += ": ";
  }
  out += message;
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

}  // namespace weir
