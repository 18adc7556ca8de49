// A stream's declaration as anybody may send it to /v1/plan. What parses without a mistake must survive storing and
// reading back.
#include <cstdint>
#include <cstdlib>

#include "stream/capture/declaration.h"

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const capture::ParsedStream parsed = capture::parse_stream(text, "streams/fuzz.yaml", "fuzz");
  if (!parsed.errors.empty()) return 0;
  auto again = capture::stream_from_json(capture::to_json(parsed.stream));
  if (!again || !(*again == parsed.stream)) std::abort();
  if (!capture::compare(parsed.stream, *again).empty()) std::abort();
  return 0;
}
