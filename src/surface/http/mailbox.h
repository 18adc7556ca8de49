// How answers reach the io thread that owns their connection: letters from any thread, one wake-up for many.
//
// post() from any thread; take() by the io thread only. While the io thread is calling a handler (is_here() is true)
// its own letters are kept without a wake-up, and taken right after the handler. After close() letters are dropped:
// whoever answers later than the server lives, answers nobody.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/log.h"
#include "surface/http/http.h"
#include "surface/http/response_text.h"

namespace weir::http {

// A connection may be gone, and its slot taken again, when an answer comes: the numbers tell.
struct RequestAddress {
  uint32_t slot = 0;
  uint64_t connection = 0;
  uint64_t request = 0;
};

// What of a streamed body was made and not yet sent; shared by the thread that makes it and the connection.
class StreamState {
 public:
  explicit StreamState(StreamOptions options) : options_(options) {}
  bool endless() const { return options_.endless; }
  std::optional<uint64_t> bytes() const { return options_.bytes; }
  bool reserve(size_t bytes);       // false: no room or closed
  bool wait_reserve(size_t bytes);  // waits for room; false: closed
  void sent(size_t bytes);
  void close();
  bool is_closed() const;

 private:
  const StreamOptions options_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  size_t waiting_ GUARDED_BY(mutex_) = 0;
  bool is_closed_ GUARDED_BY(mutex_) = false;
};

struct Letter {
  enum class Kind : uint8_t { answer, late_answer, stream_head, stream_piece, stream_end, stream_cut };
  RequestAddress to;
  Kind kind = Kind::answer;
  Response response;
  std::unique_ptr<LateResponse> late;
  std::shared_ptr<StreamState> stream;
  std::string piece;
};

class Mailbox {
 public:
  Mailbox(std::string process, std::function<void()> wake) : process_(std::move(process)), wake_(std::move(wake)) {}
  const std::string& process() const { return process_; }  // first part of every request id
  bool is_open();
  bool may_log_failure();  // keeps a failing disk from filling the log
  void post(Letter letter);
  std::vector<Letter> take();
  void close();

  // Around the call of a handler on the io thread.
  void enter();
  std::vector<Letter> leave();

 private:
  const std::string process_;
  LogLimit failures_;
  Mutex mutex_;
  std::function<void()> wake_ GUARDED_BY(mutex_);
  std::vector<Letter> letters_ GUARDED_BY(mutex_);
  bool is_woken_ GUARDED_BY(mutex_) = false;
  std::vector<Letter> here_;  // the io thread's own
};

// One request that a handler has in its hands.
struct ExchangeContext {
  RequestAddress address;
  bool sees_internals = false;
  ErrorShape errors = ErrorShape::object;
  uint64_t number = 0;           // of the request in this process
  const Route* route = nullptr;  // lives as long as the mailbox is open
};
std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Mailbox> mailbox, const ExchangeContext& context);

}  // namespace weir::http
