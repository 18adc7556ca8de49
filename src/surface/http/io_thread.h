// One io thread: its io_context, its connections, and the buffers they share. Inside the http room only.
//
// Everything is called on this thread but run(), mailbox() and post(). A connection reads into scratch(), so an idle
// one holds no buffer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "surface/http/mailbox.h"
#include "surface/http/request_parser.h"
#include "surface/http/shared.h"

namespace weir::http {

class Connection;

class IoThread {
 public:
  IoThread(std::shared_ptr<Shared> shared, size_t index, size_t count);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // --- any thread
  void run();   // the thread's body; returns after stop()
  void stop();  // drops what is left
  void post(std::function<void()> work);
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

  // --- this thread
  void adopt(int socket, Peer peer);  // takes the descriptor over
  void begin_drain();
  void close_all();
  // Calls `use` with the connection if it still is the one in that slot. The only way in from the reactor.
  void with(uint32_t slot, uint64_t connection, const std::function<void(Connection&)>& use);
  void deliver(Letter letter);
  void retire(uint32_t slot);  // destroyed after the callback that is running

  boost::asio::io_context& context() { return context_; }
  Shared& shared() { return *shared_; }
  std::vector<char>& scratch() { return scratch_; }
  std::string& head_text() { return head_text_; }
  std::unique_ptr<RequestParser>& parser() { return parser_; }
  std::string_view date();
  int64_t now() const { return shared_->clock.steady_micros(); }
  uint64_t next_request_number();
  ParserLimits parser_limits() const { return {}; }
  const access::IdentityPtr& local_administrator() const { return local_administrator_; }

 private:
  void drain_mailbox();
  void tick();
  bool close_oldest_idle();

  const std::shared_ptr<Shared> shared_;  // with the other threads
  const size_t index_, count_;
  boost::asio::io_context context_{1};
  boost::asio::steady_timer timer_{context_};
  std::shared_ptr<Mailbox> mailbox_;  // with the exchanges under way
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<uint32_t> free_;
  std::vector<std::unique_ptr<Connection>> retired_;
  uint64_t last_connection_ = 0, last_request_ = 0;
  std::vector<char> scratch_;
  std::string head_text_;
  std::unique_ptr<RequestParser> parser_;
  int64_t date_second_ = -1;
  std::string date_;
  const access::IdentityPtr local_administrator_;  // shared with its requests
};

}  // namespace weir::http
