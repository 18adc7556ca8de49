// A stream's events as text: the columns that raw_<stream> has in SQL, and the writer that fills them from what was
// accepted, byte for byte. Nothing is converted and no default is filled in: a string is its text, every other value
// its JSON, what an event does not have is NULL.
//
// Columns: the declared fields as text, `_payload` (the whole event, JSON), `_id`, `_seq`, `_arrived_at`.
// Threads: a RawRows belongs to one thread; the function is pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/columns.h"
#include "stream/capture/json_scanner.h"
#include "stream/capture/stream.h"
#include "stream/capture/stream_plan.h"

namespace weir::capture {

std::vector<engine::Column> raw_columns(const Stream& stream);

struct RawEvent {
  std::string_view id;
  uint64_t sequence = 0;
  int64_t arrived_at = 0;
  std::string_view payload;  // one JSON object
};

class RawRows {
 public:
  explicit RawRows(std::shared_ptr<const Stream> stream);
  // Appends one row, or nothing and an error (`corrupt`: the payload does not read).
  Status append(const RawEvent& event, engine::RowBlock& into);

 private:
  struct Slot {
    bool is_there = false;
    std::string_view text;
    std::string decoded;
  };
  Status read(std::string_view payload);
  bool read_object();
  bool read_member(uint16_t& expected);
  bool read_value(Slot& slot);

  std::shared_ptr<const Stream> stream_;
  ObjectPlan names_;
  std::optional<Error> unusable_;
  std::vector<Slot> slots_;
  std::string buffer_, scratch_;
  JsonScanner scanner_;
};

}  // namespace weir::capture
