// Patterns of TO_CHAR, TO_DATE and TO_NUMBER as anybody may send them, and texts that are read by them: what is written
// is bounded by its pattern, and a time that was read is written without a fault.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/engine/number_pattern.h"
#include "storage/engine/time_pattern.h"

using namespace weir::engine;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 9) return 0;
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | data[i];
  const std::string_view rest(reinterpret_cast<const char*>(data) + 8, size - 8);
  const std::string_view pattern = rest.substr(0, rest.find('\n'));
  const std::string_view text = rest.substr(std::min(pattern.size() + 1, rest.size()));
  constexpr size_t kGrows = 40;  // of one sign of a pattern, and some

  if (const auto times = TimePattern::parse(pattern)) {
    const auto written = times->write(static_cast<int64_t>(number) / 2, static_cast<int32_t>(number % 86'400));
    if (!written || written->size() > kGrows * (pattern.size() + 1)) std::abort();
    (void)times->write(
        Span{static_cast<int32_t>(number), static_cast<int32_t>(number >> 32), static_cast<int64_t>(number)});
    for (const bool is_strict : {false, true}) {
      const auto read = times->read(text, is_strict);
      if (read && !times->write(*read, 0)) std::abort();
    }
  }
  if (const auto numbers = NumberPattern::parse(pattern)) {
    const auto written = numbers->write(std::to_string(static_cast<int64_t>(number)) + ".05");
    if (!written || written->size() > kGrows * (pattern.size() + 1)) std::abort();
    (void)numbers->write(static_cast<double>(number) / 7e9);
    const auto read = numbers->read(text);
    if (read && !numbers->write(std::string_view(*read))) std::abort();
  }
  return 0;
}
