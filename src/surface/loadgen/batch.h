// One request of the load generator: its body, and what each record in it is expected to become. Pure functions and
// values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "surface/loadgen/audience.h"

namespace weir::loadgen {

struct SentRecord {
  Action::Kind kind = Action::Kind::impression;
  Uuid id;
  bool duplicate = false;  // sent before with this id
  bool malformed = false;
};

struct Batch {
  Action::Kind kind = Action::Kind::impression;
  std::string body;  // {"impressions":[…]} without the closing ]}
  std::vector<SentRecord> records;
  bool resent = false;  // the same bytes as an acknowledged one
};

// Appends the record's JSON; a malformed one lacks its ad_id.
void append_record(Batch& batch, const Action& action, WallTime occurred_at, bool malformed);
std::string finished_body(Batch& batch);

// The flags of a reply's records in order; `invalid` if it is no such reply.
Result<std::vector<bool>> read_failed_flags(std::string_view reply);

struct Target {
  std::string host, port, prefix;
};
Result<Target> parse_target(std::string_view base_url);

}  // namespace weir::loadgen
