// One io thread of the wire: its io_context, its connections and the buffer they read into. Internal to surface/pgwire.
//
// Everything is called on this thread but run(), stop() and post(). Connections hold it, as their callbacks may come
// when the server has gone; post() then does nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "surface/pgwire/shared.h"

namespace weir::pgwire {

class Connection;

class Io : public std::enable_shared_from_this<Io> {
 public:
  explicit Io(std::shared_ptr<Shared> shared);
  ~Io();

  // --- any thread
  void run();   // the thread's body; returns after stop()
  void stop();  // what is posted from now on is dropped
  void post(std::function<void()> work);
  void drain();  // after run() has returned: connections end, callbacks that wait are dropped

  // --- this thread
  void adopt(int socket, Peer peer);
  void retire(const std::shared_ptr<Connection>& connection);
  void each(const std::function<void(Connection&)>& use);

  boost::asio::io_context& context() { return context_; }
  Shared& shared() { return *shared_; }
  std::vector<char>& scratch() { return scratch_; }
  int64_t now() const { return shared_->parts.clock.steady_micros(); }

 private:
  void tick();

  const std::shared_ptr<Shared> shared_;  // with the other threads
  boost::asio::io_context context_{1};
  boost::asio::steady_timer timer_{context_};
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::vector<char> scratch_;
  Mutex mutex_;
  bool is_stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace weir::pgwire
