// CHECK(condition, why): what must be true, in release too. It prints the place and the reason and aborts.
// Never for input: bad input is an Error.
#pragma once

namespace weir {

[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line) noexcept;

}  // namespace weir

#define CHECK(condition, why)                                 \
  (__builtin_expect(static_cast<bool>(condition), 1) ? void() \
                                                     : ::weir::check_failed(#condition, why, __FILE__, __LINE__))
