// What a start finds in the journal's folder: which segments there are, where the newest one ends, and what is damaged.
//
// Reads the header block of every segment and the whole of the newest (of others only where a neighbour's header is
// damaged or missing). Removes what was released, replaced or never used; changes nothing else, so that a start may be
// cut short anywhere and repeated. When it has returned, everything that it calls durable is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/files.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment.h"
#include "storage/journal/segment_table.h"

namespace weir::journal {

// Where the journal ends, as the next segment's header will say it.
struct Tail {
  PreviousEnd state = PreviousEnd::none;
  uint64_t number = 0;
  uint64_t groups = 0;
  uint64_t end_bytes = 0;
  uint64_t end_sequence = 1;
};

// The last durable group, to be written once more into the next segment: a sync may have failed before the program
// stopped, and then the system shows bytes that the disk never got. Empty if there is none.
struct LastGroup {
  uint64_t first_sequence = 0;
  uint32_t records = 0;
  std::string payload;
};

struct Recovered {
  std::vector<Segment> segments;  // oldest first
  Recovery report;
  Tail tail;
  LastGroup last_group;
  uint64_t next_number = 1;             // of the segment to be opened
  std::optional<uint64_t> spare_bytes;  // its file lies prepared, of this size
  bool replaces_newest = false;  // the newest segment holds nothing of its own: remove it once the next is durable
  bool trim_newest = false;      // only zeros lie beyond the newest segment's end
  bool has_mark = false;
  std::vector<std::string> leftovers;  // files to be removed once the next segment is durable
};

Result<Recovered> recover(Files& files, const std::string& folder, uint64_t segment_bytes);

}  // namespace weir::journal
