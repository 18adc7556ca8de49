// One transaction of the engine on a session of ours. One thread.
#pragma once

#include "platform/flow/partitions.h"
#include "storage/engine/engine.h"

namespace weir::flow {

// Rolls back unless committed.
class EngineTransaction {
 public:
  explicit EngineTransaction(engine::Session& session) : session_(session) {}
  ~EngineTransaction() {
    if (is_open_) (void)run_statement(session_, "ROLLBACK").has_value();
  }
  EngineTransaction(const EngineTransaction&) = delete;
  EngineTransaction& operator=(const EngineTransaction&) = delete;
  Status begin() {
    TRY(run_statement(session_, "BEGIN"));
    is_open_ = true;
    return {};
  }
  Status commit() {
    is_open_ = false;
    TRY(run_statement(session_, "COMMIT"));
    return {};
  }

 private:
  engine::Session& session_;
  bool is_open_ = false;
};

}  // namespace weir::flow
