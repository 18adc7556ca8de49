// Values of $1, $2 … as clients send them, in text or binary form, as the engine takes them: a text and the name of the
// type it is read as. Pure functions, any thread. Errors: invalid, with the SQLSTATE (22P02, 22P03, 22021, 22023).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "storage/engine/engine.h"

namespace weir::pgwire {

struct SentValue {
  std::optional<std::string_view> bytes;  // nothing: NULL
  bool is_binary = false;
  uint32_t type = 0;  // as the client declared it; 0: it did not
  std::string_view wanted =
      {};  // the engine's type of this parameter, if it was asked; for binary values without a type
};

Result<engine::Parameter> parameter_of(const SentValue& sent);

// A value of COPY as the engine reads the type: of bytea the bytes themselves, of an array a list.
Result<std::string> engine_text(uint32_t type, std::string_view bytes, bool is_binary);

// Binary numeric as its text.
Result<std::string> numeric_text(std::string_view bytes);
// PostgreSQL's text of an array, {1,NULL,"a b"}, as the engine writes a list: [1, NULL, 'a b'].
Result<std::string> list_text(std::string_view array);

}  // namespace weir::pgwire
