// A request's texts as what is looked up: the key, the range, the number of rows, where to go on. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/hash.h"
#include "core/base/result.h"
#include "platform/endpoint/cursor.h"
#include "platform/endpoint/endpoint_declaration.h"

namespace weir::endpoint {

// What a request says, decoded: the path's values in the order of its parameters, and the pairs behind the question
// mark.
struct Asked {
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;
};

// Secrets of one project, from one: cursors are signed with the first, keys of indexes are hashed with the second.
struct EndpointKeys {
  std::string cursor;
  HashKey rows;
  uint64_t rows_check = 0;  // tells two of them apart
};
EndpointKeys keys_of(std::string_view secret);

struct Question {
  Fingerprint key;
  int64_t from = INT64_MIN, to = INT64_MAX;  // of the range's value, both included
  size_t rows_max = 0;
  std::optional<Cursor> after;
  std::string bound;  // what its cursors are bound to
};

// The values of an index's key, each in its canonical form, as the bytes that are hashed.
void append_key_value(std::string& into, std::string_view text);
// `invalid`, naming the parameter and what was expected.
Result<Question> read_question(const Endpoint& endpoint, const Asked& asked, const EndpointKeys& keys, int32_t today);

}  // namespace weir::endpoint
