// The raw archive's line format: one JSON object a line, the event as it was accepted with three members before it.
//
//   {"_id":"…","_seq":17,"_arrived_at":"2026-11-21T08:00:00.000000Z","impression_id":"…", …}
//   {"_id":"…","_seq":18,"_arrived_at":"…","reason":"missing_field","field":"ad_id","message":"…","payload":"{…}"}
//   (quarantine)
//
//   {"_id":"…","_seq":19,"_arrived_at":"…","_forgotten":"2026-12-01T09:00:00.000000Z"}
//   (a tombstone: what stood there was forgotten then; without the id where that was the forgotten value itself)
//
// A quarantined payload that is not UTF-8 is kept byte for byte in `payload_base64` instead. Names beginning with `_`
// are reserved, so a declared field never meets these. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "stream/capture/record.h"

namespace weir::lake {

void append_archive_line(const capture::Record& record, uint64_t sequence, std::string& into);

// The members weir put before the event, read back. `event` is the rest as a JSON object without them, byte for byte
// what was accepted (of a quarantine line: empty).
struct ArchiveLine {
  std::string id;
  uint64_t sequence = 0;
  int64_t arrived_at = 0;
  std::optional<int64_t> forgotten_at = {};  // of a tombstone, whose `event` is empty
  std::string event;
};
Result<ArchiveLine> read_archive_line(std::string_view line);
// In the place of a line that is forgotten.
void append_tombstone(const ArchiveLine& line, int64_t forgotten_at, bool with_id, std::string& into);

// The lines of an archive file in order, each without its end, unpacked piece by piece. An error of `take` ends it.
Status read_lines(std::string_view packed, const std::function<Status(std::string_view)>& take);

}  // namespace weir::lake
