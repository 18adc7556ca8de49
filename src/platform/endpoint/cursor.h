// Where the next page begins, as a text that a client can only hand back: it is signed (HMAC-SHA256), and bound to the
// endpoint and the parameters of the request that it was given for. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::endpoint {

inline constexpr size_t kCursorBytesMax = 256;

struct Cursor {
  int64_t from = 0, to = 0;  // the range as it was when the first page was asked: `today` stays that day
  int64_t value = 0;         // of the last row that was given
  uint32_t given = 0;        // rows with this value so far
  uint64_t version = 0;      // of the partition, if it has more rows with this value; otherwise 0
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

// `key`: a secret; `bound`: the endpoint's name and the parameters.
std::string encode_cursor(const Cursor& cursor, std::string_view key, std::string_view bound);
// Nothing for a text that was not given for just this; how long it takes does not depend on what is wrong with a
// signature.
std::optional<Cursor> decode_cursor(std::string_view text, std::string_view key, std::string_view bound);

}  // namespace weir::endpoint
