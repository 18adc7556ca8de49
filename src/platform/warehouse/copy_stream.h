// COPY … FROM STDIN and TO STDOUT: rows that come from a client into a table, all of them or none, and rows that go to
// it. Internal to platform/warehouse; Run and Execution hand it on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/result.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/warehouse.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

class SessionState;
struct Answer;
struct Words;

// Takes rows into its table, in the session's transaction or one of its own. Dropped without finish(): whoever ends
// the statement rolls back, SessionState::ended(). One thread at a time.
class Loader {
 public:
  virtual ~Loader() = default;
  // Nothing can be added after an error. `lines`: of each row, in what the client sent.
  virtual Status add(const engine::GivenRows& rows, const std::vector<uint64_t>& lines) = 0;
  // The client sent what is no row: tells stl_load_errors.
  virtual void note(const Error& error, const LoadPlace& place) = 0;
  virtual Result<uint64_t> finish() = 0;  // commits, if the transaction is its own; gives the number of rows
  virtual const LoadPlace& place() const = 0;
};

Result<Answer> copy_in(SessionState& session, const dialect::CopyIn& order);
Result<Answer> copy_out(SessionState& session, const Words& words, const dialect::CopyOut& order);

}  // namespace weir::warehouse
