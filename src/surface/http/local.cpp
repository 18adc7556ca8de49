#include "surface/http/local.h"

#include <atomic>
#include <condition_variable>
#include <thread>

#include "core/base/guarded.h"
#include "surface/http/response_text.h"

namespace weir::http {

namespace {

// What the calling thread waits for: a whole answer, or a body in pieces.
class Waiting {
 public:
  explicit Waiting(const std::function<bool(std::string_view)>& take) : take_(take) {}
  void answer(Response response) {
    MutexLock lock(mutex_);
    response_ = std::move(response);
    is_answered_ = is_ended_ = true;
    changed_.notify_all();
  }
  void begin(Response head) {
    MutexLock lock(mutex_);
    response_ = std::move(head);
    is_answered_ = true;
    changed_.notify_all();
  }
  bool add(std::string_view bytes, bool waits, size_t waiting_bytes_max) {
    if (std::this_thread::get_id() == reader_) return add_in_readers_thread(bytes);
    MutexLock lock(mutex_);
    while (!is_closed_ && !pieces_.empty() && pieces_.size() + bytes.size() > waiting_bytes_max) {
      if (!waits) return false;
      changed_.wait(mutex_);
    }
    if (is_closed_) return false;
    pieces_.append(bytes);
    changed_.notify_all();
    return true;
  }
  void end(bool whole) {
    MutexLock lock(mutex_);
    is_ended_ = true;
    is_cut_ = !whole;
    changed_.notify_all();
  }
  bool is_closed() {
    MutexLock lock(mutex_);
    return is_closed_;
  }
  void close() {
    MutexLock lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

  Response wait_head() {
    MutexLock lock(mutex_);
    while (!is_answered_) changed_.wait(mutex_);
    return std::move(response_);
  }
  // The next pieces; false at the end.
  bool wait_pieces(std::string& into, bool& is_cut) {
    MutexLock lock(mutex_);
    while (pieces_.empty() && !is_ended_) changed_.wait(mutex_);
    into = std::exchange(pieces_, {});
    is_cut = is_cut_;
    changed_.notify_all();
    return !into.empty();
  }

 private:
  // The handler itself writes, in the thread that will read: waiting for room would wait for ever.
  bool add_in_readers_thread(std::string_view bytes) {
    if (is_closed()) return false;
    if (take_) {
      if (!take_(bytes)) close();
      return !is_closed();
    }
    MutexLock lock(mutex_);
    pieces_.append(bytes);
    return true;
  }

  const std::function<bool(std::string_view)>& take_;
  const std::thread::id reader_ = std::this_thread::get_id();
  Mutex mutex_;
  std::condition_variable_any changed_;
  Response response_ GUARDED_BY(mutex_);
  std::string pieces_ GUARDED_BY(mutex_);
  bool is_answered_ GUARDED_BY(mutex_) = false;
  bool is_ended_ GUARDED_BY(mutex_) = false;
  bool is_cut_ GUARDED_BY(mutex_) = false;
  bool is_closed_ GUARDED_BY(mutex_) = false;
};

class LocalStream final : public BodyStream {
 public:
  LocalStream(std::shared_ptr<Waiting> waiting, StreamOptions options)
      : waiting_(std::move(waiting)), options_(options) {}
  ~LocalStream() override {
    if (!is_finished_) waiting_->end(false);
  }
  Status write(std::string_view bytes) override {
    if (waiting_->add(bytes, true, options_.waiting_bytes_max)) return {};
    return Error(Code::cancelled, "the reader went away");
  }
  bool offer(std::string_view bytes) override { return waiting_->add(bytes, false, options_.waiting_bytes_max); }
  void finish() override {
    is_finished_ = true;
    waiting_->end(true);
  }
  bool is_closed() const override { return waiting_->is_closed(); }

 private:
  const std::shared_ptr<Waiting> waiting_;  // with the thread that reads
  const StreamOptions options_;
  bool is_finished_ = false;
};

class LocalExchange final : public Exchange {
 public:
  LocalExchange(std::shared_ptr<Waiting> waiting, ErrorShape errors) : waiting_(std::move(waiting)), errors_(errors) {}
  ~LocalExchange() override {
    if (!is_answered_) fail(Error(Code::internal, "the request was dropped without an answer"), {});
  }
  void send(Response response) override {
    if (!is_answered_.exchange(true)) waiting_->answer(std::move(response));
  }
  void send(std::unique_ptr<LateResponse> response) override { send(response->make()); }
  void fail(const Error& error, Headers headers) override {
    Response response = error_response(error, {true, errors_, "local"});
    for (auto& header : headers) response.headers.push_back(std::move(header));
    send(std::move(response));
  }
  std::shared_ptr<BodyStream> stream(Response head, StreamOptions options) override {
    auto made = std::make_shared<LocalStream>(waiting_, options);
    if (is_answered_.exchange(true)) {
      waiting_->close();
    } else {
      waiting_->begin(std::move(head));
    }
    return made;
  }

 private:
  const std::shared_ptr<Waiting> waiting_;  // with the thread that waits
  const ErrorShape errors_;
  std::atomic<bool> is_answered_{false};
};

Method method_of(std::string_view name) {
  for (const Method method :
       {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::erase, Method::options}) {
    if (name == method_name(method)) return method;
  }
  return Method::other;
}

LocalResponse collect(Waiting& waiting, const Cancel& cancel, const std::function<bool(std::string_view)>& take) {
  Response head = waiting.wait_head();
  LocalResponse response;
  response.status = head.status;
  response.content_type = head.content_type;
  response.headers = std::move(head.headers);
  response.body = head.fixed_body.empty() ? std::move(head.body) : std::string(head.fixed_body);
  if (take && !response.body.empty()) static_cast<void>(take(std::exchange(response.body, {})));
  const auto closing = cancel.attach([&waiting] { waiting.close(); });
  std::string piece;
  bool is_cut = false;
  while (waiting.wait_pieces(piece, is_cut)) {
    if (!take) {
      response.body += piece;
    } else if (!take(piece)) {
      waiting.close();
      break;
    }
  }
  if (is_cut) response.status = 0;
  return response;
}

}  // namespace

LocalResponse call_locally(const Router& router, const LocalRequest& asked, const Cancel& cancel,
                           const std::function<bool(std::string_view)>& take) {
  const Peer peer{.unix_socket = true, .owner = true, .loopback = false, .address = "local"};
  std::vector<Header> headers;
  for (const auto& [name, value] : asked.headers) headers.push_back({name, value});
  Request request;
  request.method = method_of(asked.method);
  request.target = asked.target;
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string_view::npos) request.query = request.target.substr(question + 1);
  request.headers = headers;
  request.body = asked.body;
  request.peer = &peer;
  request.cancel = cancel;
  request.caller = asked.caller;
  if (!request.caller.is_known()) {
    request.caller.via = Via::unix_socket;
    request.caller.identity = std::make_shared<const access::Identity>(access::Identity{.id = "local",
                                                                                        .role = access::Role::admin,
                                                                                        .streams = {},
                                                                                        .label = {},
                                                                                        .user = access::kOwnerName,
                                                                                        .user_id = access::kOwnerUser});
  }
  const auto waiting = std::make_shared<Waiting>(take);
  const Match match = router.match(request);
  if (!match.route) {
    const Error error = match.allowed.empty() ? Error(Code::not_found, "there is nothing at this path")
                                              : Error(Code::invalid, "this path does not take that method");
    const Response response = error_response(error, {true, ErrorShape::object, "local"});
    return {match.allowed.empty() ? 404 : 405, std::string(response.content_type), {}, response.body};
  }
  {
    const Responder responder(std::make_shared<LocalExchange>(waiting, match.route->errors));
    try {
      match.route->handler(request, responder);
    } catch (const std::exception& error) {
      responder.fail(Error(Code::internal, error.what()));
    }
  }
  return collect(*waiting, cancel, take);
}

}  // namespace weir::http
