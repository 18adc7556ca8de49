// A journal segment with any bytes: its header, a group, the records in it, and each record's own encoding.
#include <cstdint>
#include <string_view>

#include "storage/journal/segment.h"
#include "stream/capture/record.h"

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = journal::parse_header(bytes.substr(0, 4096));
  journal::GroupIdentity identity;
  identity.segment = header.state == journal::HeaderState::valid ? header.header.number : 1;
  const std::string_view rest = bytes.size() > 4096 ? bytes.substr(4096) : bytes;
  (void)journal::group_bytes_claimed(rest, identity);
  (void)journal::group_records_claimed(rest, identity);
  if (auto group = journal::parse_group(rest, identity)) {
    std::string_view payload = group->payload, record;
    while (journal::next_record(payload, record)) (void)capture::decode(record);
  }
  (void)capture::decode(bytes);
  return 0;
}
