// The columns that declared tables will have once they are applied and computed, told by the engine's binder from the
// declarations alone: streams and tables that are not there yet stand as empty ones in front of the SELECT. Everything
// handed in outlives it; any thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/flow/table.h"
#include "storage/engine/engine.h"
#include "stream/capture/stream.h"

namespace weir::app {

class ColumnsToBe {
 public:
  ColumnsToBe(const std::map<std::string, flow::Table>& tables, const std::vector<capture::Stream>& streams,
              engine::Engine& engine)
      : tables_(tables), streams_(streams), engine_(engine) {}
  // `invalid` if a SELECT on the way does not bind.
  Result<std::vector<engine::ResultColumn>> of(const std::string& table) const;
  // Whether a SELECT would bind; one that reads a table of `later` is not looked at any closer.
  Status bind(const std::string& select, const std::set<std::string>& later) const;

 private:
  // Appends what `name` is made of, then itself, each once.
  Status add(const std::string& name, std::set<std::string>& known, std::string& with) const;

  const std::map<std::string, flow::Table>& tables_;
  const std::vector<capture::Stream>& streams_;
  engine::Engine& engine_;
};

}  // namespace weir::app
