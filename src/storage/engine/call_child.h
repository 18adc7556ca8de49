// One call of a function over some rows, in a child of our own program (`weir worker calls`), which a stop kills: for
// rows that would keep a thread of the engine for longer than a stop may wait, or need more memory than it may have.
//
// The child is started for one call and ends with it. It inherits no descriptor but the pipes to us and no environment,
// works under limits of memory and CPU, opens no file, and dies with us (core/runtime/child_process.h). It holds an
// engine in memory with the same functions; the call comes as the engine's own serialized expression with its bound
// data, and the rows as a serialized chunk, so that its answer is the engine's.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "storage/engine/duck.h"

namespace weir::engine {

// The children of one engine: how many there may be at once, and what is counted of them. Any thread.
class CallChildren {
 public:
  static constexpr size_t kAtOnceMax = 2;
  struct Options {
    std::string program;  // empty: there are none, such calls are refused
    uint64_t memory_bytes = 1ull << 30;
    Metrics* metrics = nullptr;
  };
  explicit CallChildren(Options options);

  struct Order {
    std::string_view function;  // for messages
    std::string_view text_id;   // of the statement
    size_t rows = 0;
    std::string request;
  };
  // The child's whole answer. Blocks; waits for a place first. Errors: cancelled, unsupported without a program,
  // too_large past a limit, unavailable if it was killed.
  Result<std::string> run(Order order, const Cancel& stop);

 private:
  class Place;
  Status take_place(const Cancel& stop);

  const Options options_;
  Counter* const done_;
  Counter* const failed_;
  Counter* const stopped_;
  Gauge* const running_;
  std::mutex mutex_;  // guards at_once_
  std::condition_variable changed_;
  size_t at_once_ = 0;
};

// Evaluates `call` over `arguments`, which are its children's values; `answer` gets one column. `reserve` is told the
// bytes of the answer before it is read, and may throw.
Status call_in_child(duckdb::ClientContext& context, const duckdb::BoundFunctionExpression& call,
                     duckdb::DataChunk& arguments, duckdb::DataChunk& answer,
                     const std::function<void(double bytes)>& reserve);

}  // namespace weir::engine
