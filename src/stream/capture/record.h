// One record as it lies in the journal: what was judged, and enough beside it that the lake, the live windows and the
// deduplication index are rebuilt without judging again. Encoded little-endian with a leading format byte; documented
// in docs/internals/journal.md. Pure functions; views point into the given bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/hash.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace weir::capture {

enum class RecordKind : uint8_t {
  accepted = 1,
  quarantined = 2,
  mark = 3,  // no event: what was done to the stream, see mark.h
};

struct Record {
  RecordKind kind = RecordKind::accepted;
  uint32_t stream = 0;     // the stream's number, given at apply and never reused
  uint32_t revision = 0;   // of the stream's declaration that judged it
  ArrivalTime arrived_at;  // first arrival; a requeue keeps it
  ArrivalTime taken_at;    // when it entered the journal, if that was not at its arrival (requeue, etl); 0: at arrival
  EventTime event_time;    // accepted: decides the partition
  // What enters the deduplication index: the fingerprint of (stream, id); zero if nothing does, as for quarantined
  // records and streams without a key. Under an Idempotency-Key every record of a stream without a key has one.
  Fingerprint key;
  uint64_t payload_hash = 0;  // of the payload below, for `conflict`; of the whole body under such an Idempotency-Key
  std::string_view id;  // key as text, or the assigned id; for quarantined: the id of the quarantine entry (a UUID)
  // Accepted: one JSON object in one line, without white space between tokens, key assigned, unknown fields by policy.
  // Quarantined: bytes as received. A mark: its JSON object.
  std::string_view payload;
  std::string_view reason;   // quarantined: code, for example "missing_field"
  std::string_view field;    // quarantined: JSON path, or empty
  std::string_view message;  // quarantined: sentence

  ArrivalTime entered_at() const { return taken_at.micros == 0 ? arrived_at : taken_at; }
};

void encode(const Record& record, std::string& into);  // appends
Result<Record> decode(std::string_view bytes);         // `corrupt` or, for a newer format, `unsupported`

}  // namespace weir::capture
