#include "stream/capture/record.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/base/check.h"

namespace weir::capture {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they lie in memory");

constexpr uint8_t kFormat = 1;       // of what arrives from its sender
constexpr uint8_t kFormatLater = 2;  // marks, and records that were taken later than they arrived: i64 taken_at follows
constexpr uint16_t kIdInPayload = 1;  // the id is not repeated: most keys are a value of the payload

// What comes before the texts (in format 2: and before taken_at, which follows it). Then, of a quarantined record only,
// the lengths of reason, field and message (u32 each); then the texts: id (unless it lies in the payload), payload,
// reason, field, message. Nothing follows them.
struct Header {
  uint8_t format = kFormat;
  uint8_t kind = 0;
  uint16_t flags = 0;
  uint32_t stream = 0;
  uint32_t revision = 0;
  uint32_t id_bytes = 0;
  int64_t arrived_at = 0;
  int64_t event_time = 0;
  uint64_t key_high = 0;
  uint64_t key_low = 0;
  uint64_t payload_hash = 0;
  uint32_t id_offset = 0;  // in the payload, with kIdInPayload
  uint32_t payload_bytes = 0;
};
static_assert(sizeof(Header) == 64 && std::has_unique_object_representations_v<Header>, "part of the format on disk");
using Lengths = std::array<uint32_t, 3>;

bool lies_in(std::string_view part, std::string_view whole) {
  return !part.empty() && part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

uint32_t length_of(std::string_view text) {
  CHECK(text.size() <= UINT32_MAX, "a record's texts are bounded by the journal's record limit");
  return static_cast<uint32_t>(text.size());
}

template <class T>
void append_raw(const T& value, std::string& into) {
  into.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Takes texts off the front of what is left; a length beyond the end shows in `good`.
struct Cutter {
  std::string_view rest;
  bool good = true;
  std::string_view take(size_t size) {
    if (size > rest.size()) {
      good = false;
      return {};
    }
    std::string_view out = rest.substr(0, size);
    rest.remove_prefix(size);
    return out;
  }
};

Error damaged(const char* what) {
  return Error(Code::corrupt, std::string("a journal record cannot be read: ") + what);
}

}  // namespace

void encode(const Record& record, std::string& into) {
  Header header;
  header.kind = static_cast<uint8_t>(record.kind);
  header.stream = record.stream;
  header.revision = record.revision;
  header.id_bytes = length_of(record.id);
  header.arrived_at = record.arrived_at.micros;
  header.event_time = record.event_time.micros;
  header.key_high = record.key.high;
  header.key_low = record.key.low;
  header.payload_hash = record.payload_hash;
  header.payload_bytes = length_of(record.payload);
  const bool shared = lies_in(record.id, record.payload);
  const bool later = record.taken_at.micros != 0 || record.kind == RecordKind::mark;
  if (later) header.format = kFormatLater;
  if (shared) {
    header.flags = kIdInPayload;
    header.id_offset = static_cast<uint32_t>(record.id.data() - record.payload.data());
  }
  append_raw(header, into);
  if (later) append_raw(record.taken_at.micros, into);
  const bool quarantined = record.kind == RecordKind::quarantined;
  if (quarantined) {
    append_raw(Lengths{length_of(record.reason), length_of(record.field), length_of(record.message)}, into);
  }
  if (!shared) into.append(record.id);
  into.append(record.payload);
  if (quarantined) into.append(record.reason).append(record.field).append(record.message);
}

Result<Record> decode(std::string_view bytes) {
  if (bytes.empty()) return damaged("it is empty");
  if (static_cast<uint8_t>(bytes[0]) > kFormatLater) {
    return Error(Code::unsupported,
                 "a journal record has format " + std::to_string(static_cast<uint8_t>(bytes[0])) +
                     ", this program knows up to " + std::to_string(kFormatLater),
                 "it was written by a newer weir: start that one");
  }
  Header header;
  Cutter in{bytes};
  std::string_view head = in.take(sizeof header);
  if (!in.good) return damaged("it is shorter than a header");
  std::memcpy(&header, head.data(), sizeof header);
  if (header.format == 0) return damaged("its format number is 0");
  const bool later = header.format == kFormatLater;
  const auto kind_max = later ? RecordKind::mark : RecordKind::quarantined;
  if (header.kind == 0 || header.kind > static_cast<uint8_t>(kind_max)) return damaged("its kind is unknown");
  const bool quarantined = header.kind == static_cast<uint8_t>(RecordKind::quarantined);
  if ((header.flags & ~kIdInPayload) != 0) return damaged("its flags are unknown");

  int64_t taken_at = 0;
  if (later) {
    std::string_view raw = in.take(sizeof taken_at);
    if (in.good) std::memcpy(&taken_at, raw.data(), sizeof taken_at);
  }
  Lengths lengths{};
  if (quarantined) {
    std::string_view raw = in.take(sizeof lengths);
    if (in.good) std::memcpy(lengths.data(), raw.data(), sizeof lengths);
  }
  Record out;
  out.kind = static_cast<RecordKind>(header.kind);
  out.stream = header.stream;
  out.revision = header.revision;
  out.arrived_at = {header.arrived_at};
  out.event_time = {header.event_time};
  out.taken_at = {taken_at};
  out.key = {header.key_high, header.key_low};
  out.payload_hash = header.payload_hash;
  const bool shared = (header.flags & kIdInPayload) != 0;
  if (!shared) out.id = in.take(header.id_bytes);
  out.payload = in.take(header.payload_bytes);
  out.reason = in.take(lengths[0]);
  out.field = in.take(lengths[1]);
  out.message = in.take(lengths[2]);
  if (!in.good) return damaged("a length goes beyond its end");
  if (!in.rest.empty()) return damaged("bytes follow its end");
  if (shared) {
    if (uint64_t{header.id_offset} + header.id_bytes > out.payload.size()) return damaged("its id lies outside of it");
    out.id = out.payload.substr(header.id_offset, header.id_bytes);
  }
  return out;
}

}  // namespace weir::capture
