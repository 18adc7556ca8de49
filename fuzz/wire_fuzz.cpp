// What a stranger sends to the PostgreSQL wire: start-up packets and messages, as they arrive, and the values in them.
// The first byte chooses whether a start-up packet comes first.
#include <cstdint>
#include <string>

#include "surface/pgwire/message.h"
#include "surface/pgwire/parameter.h"

using namespace weir;

namespace {

void take_values(const pgwire::BindMessage& bind) {
  constexpr uint32_t kTypes[] = {0,    16,   17,   20,   21,   23,   25,   26,   114,  700,  701,
                                 1007, 1015, 1082, 1083, 1114, 1184, 1186, 1231, 1700, 2950, 3802};
  size_t index = 0;
  for (const auto& value : bind.values) {
    pgwire::SentValue sent;
    if (value) sent.bytes = *value;
    for (const bool is_binary : {false, true}) {
      sent.is_binary = is_binary;
      sent.type = kTypes[(index++ + (value ? value->size() : 0)) % std::size(kTypes)];
      (void)pgwire::parameter_of(sent);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto bytes = pgwire::startup_bytes(left);
    if (!bytes || !*bytes) return 0;
    const auto packet = pgwire::parse_startup(left.substr(0, **bytes));
    if (packet) (void)pgwire::parse_options(packet->find("options"));
    left.remove_prefix(**bytes);
  }
  for (;;) {
    const auto bytes = pgwire::message_bytes(left, 1 << 20);
    if (!bytes || !*bytes) return 0;
    const pgwire::Message message{left[0], std::string(left.substr(5, **bytes - 5))};
    (void)pgwire::check_message(message);
    if (message.type == 'B') {
      if (const auto bind = pgwire::parse_bind(message.body)) take_values(*bind);
    }
    left.remove_prefix(**bytes);
  }
}
