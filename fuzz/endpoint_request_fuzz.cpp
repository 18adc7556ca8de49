// What a request says to an endpoint: lines are the path's value, then name=value pairs; a cursor among them. Also the
// cursor alone, with the right signature and with whatever comes: what is read back is what was written.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/base/text.h"
#include "platform/endpoint/question.h"

using namespace weir;

namespace {

endpoint::Endpoint declared() {
  endpoint::ParsedEndpoint parsed = endpoint::parse_endpoint(
      "path: /traffic/{ad_id}\ntable: ad_traffic\ncolumns: [day]\nparameters:\n  ad_id: {type: uuid}\n"
      "  start: {type: date, from: day, default: today}\n  end: {type: date, to: day, default: today, max: today}\n"
      "  n: {type: integer, default: 7}\n  name: {type: text, default: x}\n  is: {type: boolean, default: true}\n",
      "endpoints/traffic.yaml", "traffic");
  if (!parsed.errors.empty()) std::abort();
  return std::move(parsed.endpoint);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const endpoint::Endpoint kEndpoint = declared();
  static const endpoint::EndpointKeys kKeys = endpoint::keys_of("a secret of the fuzzer");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  endpoint::Asked asked;
  for (const std::string_view line : split(bytes, '\n')) {
    const size_t equals = line.find('=');
    if (asked.path.empty()) {
      asked.path.emplace_back(line);
    } else if (equals != std::string_view::npos) {
      asked.query.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  const auto question = endpoint::read_question(kEndpoint, asked, kKeys, 20'000);
  if (question && !question->after && question->from > question->to) std::abort();
  if (!question && question.error().code != Code::invalid) std::abort();
  if (endpoint::decode_cursor(bytes, kKeys.cursor, "another request")) std::abort();  // nobody guesses a signature
  if (size < 24) return 0;
  endpoint::Cursor cursor;
  cursor.value = static_cast<int64_t>(size);
  cursor.given = data[0];
  cursor.version = data[1];
  const std::string text = endpoint::encode_cursor(cursor, kKeys.cursor, bytes);
  if (endpoint::decode_cursor(text, kKeys.cursor, bytes) != cursor) std::abort();
  std::string changed = text;
  changed[data[2] % changed.size()] = static_cast<char>(data[3]);
  const auto read = endpoint::decode_cursor(changed, kKeys.cursor, bytes);
  if (read && *read != cursor) std::abort();
  return 0;
}
