// The file `released` in the journal's folder: which segment is the oldest that must still be there.
//
// Written (replaced whole, durably) before the segments below it are removed, so that a segment that is gone was either
// released or is missing. It is first written when the first segment is durable: where it lies, there is a segment.
// Pure but for the two file functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::journal {

struct ReleaseMark {
  uint64_t first_segment = 1;
  uint64_t first_sequence = 1;
};

inline constexpr const char* kReleaseMarkName = "released";

std::string encode_mark(const ReleaseMark& mark);
Result<ReleaseMark> parse_mark(std::string_view text);  // `corrupt`, or `unsupported` for a newer format

// None if there is no such file.
Result<std::optional<ReleaseMark>> read_mark(Files& files, const std::string& folder);
Status write_mark(Files& files, const std::string& folder, const ReleaseMark& mark);

}  // namespace weir::journal
