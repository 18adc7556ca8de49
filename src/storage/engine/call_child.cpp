#include "storage/engine/call_child.h"

#include <signal.h>

#include <chrono>
#include <utility>

#include "core/base/log.h"
#include "core/base/sizes.h"
#include "core/runtime/child_process.h"
#include "core/runtime/worker.h"
#include "storage/engine/call_cost.h"
#include "storage/engine/call_message.h"
#include "storage/engine/calls.h"
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

// Of the program itself and its library, as address space.
constexpr uint64_t kProgramBytes = 1ull << 30;
constexpr size_t kAnswerBytesMax = 2ull << 30;

Counter* counter_of(Metrics* metrics, const char* result) {
  if (metrics == nullptr) return nullptr;
  return &metrics->counter("weir_engine_child_calls_total", "Calls of functions that ran in a child, by how they ended",
                           {{"result", result}});
}

void count(Counter* counter) {
  if (counter != nullptr) counter->add();
}

Error with_state(Error error, const char* sqlstate) {
  error.sqlstate = sqlstate;
  return error;
}

}  // namespace

class CallChildren::Place {
 public:
  explicit Place(CallChildren& owner) : owner_(owner) {
    if (owner_.running_ != nullptr) owner_.running_->add(1);
  }
  ~Place() {
    if (owner_.running_ != nullptr) owner_.running_->add(-1);
    {
      const std::lock_guard lock(owner_.mutex_);
      --owner_.at_once_;
    }
    owner_.changed_.notify_one();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  CallChildren& owner_;
};

CallChildren::CallChildren(Options options)
    : options_(std::move(options)),
      done_(counter_of(options_.metrics, "done")),
      failed_(counter_of(options_.metrics, "failed")),
      stopped_(counter_of(options_.metrics, "stopped")),
      running_(options_.metrics == nullptr
                   ? nullptr
                   : &options_.metrics->gauge("weir_engine_child_calls", "Children that run a call of a function")) {}

Status CallChildren::take_place(const Cancel& stop) {
  std::unique_lock lock(mutex_);
  while (at_once_ >= kAtOnceMax) {
    changed_.wait_for(lock, std::chrono::milliseconds(20));
    TRY(stop.check());
  }
  ++at_once_;
  return {};
}

Result<std::string> CallChildren::run(Order order, const Cancel& stop) {
  const std::string name(order.function);
  if (options_.program.empty()) {
    return with_state(Error(Code::too_large, name + "() is too large for this process, and no other may run it here"),
                      "54000");
  }
  TRY(take_place(stop));
  const Place place(*this);
  log_event(Level::info, "engine.call_in_child",
            {{"function", name},
             {"rows", static_cast<int64_t>(order.rows)},
             {"argument_bytes", static_cast<int64_t>(order.request.size())},
             {"text", std::string(order.text_id)}});
  std::string answer;
  bool is_too_long = false;
  const Cancel too_long = stop.child();
  ChildOptions child;
  child.program = options_.program;
  child.arguments = {"worker", kCallsKind};
  child.folder = "/";
  child.input = std::move(order.request);
  child.time_limit = hours(1);
  child.cpu_max = {static_cast<int64_t>(kValueStepsMax / 1000)};
  child.memory_bytes_max = options_.memory_bytes + kProgramBytes;
#ifdef __SANITIZE_ADDRESS__  // whose shadow of the memory alone is beyond any limit
  child.memory_bytes_max = 0;
#endif
  child.file_bytes_max = 1;
  child.open_files_max = 64;
  child.nice_by = 10;
  child.on_output = [&](std::string_view piece) {
    if (answer.size() + piece.size() > kAnswerBytesMax) {
      is_too_long = true;
      too_long.cancel();
      return;
    }
    answer.append(piece);
  };
  const Result<ChildResult> ended = run_child(child, too_long);
  if (stop.is_cancelled()) {
    count(stopped_);
    return Error(Code::cancelled, "the statement was stopped");
  }
  if (ended && ended->succeeded() && !is_too_long) {
    count(done_);
    return answer;
  }
  count(failed_);
  if (!ended) return with_state(ended.error(), "58000");
  if (is_too_long) {
    return with_state(Error(Code::too_large, name + "() builds more than " + approximate_size(kAnswerBytesMax)),
                      "54000");
  }
  if (ended->signal == SIGXCPU || ended->end == ChildResult::End::timed_out) {
    return with_state(
        Error(Code::too_large, name + "() takes more CPU than a call may have, " + format_duration(child.cpu_max)),
        "54000");
  }
  const std::string words = last_lines(ended->error_output);
  return with_state(
      Error(Code::unavailable, name + "() ran in a process of its own, which ended: " + ended->text(child) +
                                   (words.empty() ? "" : "; its last words: " + words)),
      "58000");
}

Status call_in_child(duckdb::ClientContext& context, const duckdb::BoundFunctionExpression& call,
                     duckdb::DataChunk& arguments, duckdb::DataChunk& answer,
                     const std::function<void(double bytes)>& reserve) {
  const auto state = ConnectionState::of(context);
  const std::string& name = call.function.name;
  if (!state || state->database == nullptr || state->database->calls == nullptr) {
    return Error(Code::too_large, name + "() is too large for this process, and no other may run it here");
  }
  TRY_ASSIGN(std::string request, call_request(context, call, arguments));
  const ConnectionState::Statement statement = state->statement();
  TRY_ASSIGN(
      const std::string said,
      state->database->calls->run(
          {.function = name, .text_id = statement.text_id, .rows = arguments.size(), .request = std::move(request)},
          statement.stop));
  reserve(static_cast<double>(said.size()));
  return read_call_answer(said, answer);
}

}  // namespace weir::engine
