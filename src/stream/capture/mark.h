// A mark: the journal's note of what was done to a stream beside taking events from their senders. It is appended in
// one piece with the records it speaks of, so that both are there or neither: a requeue or a load that is killed, or
// run again, reads the marks and goes on behind them.
//
// Marks are rows of the table <stream>_intake, archived and committed as events are. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "stream/capture/stream.h"

namespace weir::capture {

struct Mark {
  std::string action;   // "requeue": one entry of the quarantine; "etl": some records of a foreign file
  std::string outcome;  // requeue: "accepted", "duplicate", "kept"; etl: "part", "whole" (the file ends there)

  // requeue
  std::optional<uint64_t> entry;       // sequence of the entry
  std::string quarantine_id;           // its id
  std::string event_id;                // of the event that it became, or is a duplicate of
  std::string reason, field, message;  // of one that was kept: why, by the declaration as it was then

  // etl
  std::string source;                                     // the file, as it was named
  std::string fingerprint;                                // of its content
  std::optional<uint64_t> records_from, records_through;  // in the file, from 0; the second is not included
  std::optional<uint64_t> accepted, duplicates, quarantined, refused;
};

std::string mark_json(const Mark& mark);
// What the table of marks looks like: the members above, those that are empty as NULL.
std::shared_ptr<const Stream> mark_stream();

}  // namespace weir::capture
