#include "surface/http/server.h"

#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <system_error>
#include <thread>

#include "core/runtime/listener.h"
#include "core/runtime/thread.h"
#include "surface/http/connection.h"
#include "surface/http/io_thread.h"

namespace weir::http {

namespace {

// Accepts on the first io thread and deals the connections out in turn, so that every thread has as many.
class Listener {
 public:
  Listener(ListeningSocket socket, bool unix_socket, std::vector<std::unique_ptr<IoThread>>& threads)
      : descriptor_(threads[0]->context(), socket.release()),
        retry_(threads[0]->context()),
        unix_socket_(unix_socket),
        threads_(threads) {}

  void start() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [this](const boost::system::error_code& error) {
                             if (!error) accept_some();
                           });
  }
  void close() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    retry_.cancel();
  }

 private:
  void accept_some() {
    for (int taken = 0; taken < 64; ++taken) {
      Peer peer;
      const int socket = accept_one(descriptor_.native_handle(), unix_socket_, peer);
      if (socket < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause();
        continue;  // this one is gone already
      }
      IoThread& to = *threads_[next_++ % threads_.size()];
      if (&to == threads_[0].get()) {
        to.adopt(socket, std::move(peer));
      } else {
        to.post([&to, socket, peer = std::move(peer)]() mutable { to.adopt(socket, std::move(peer)); });
      }
    }
    start();
  }
  // No descriptors or memory left: the connections wait in the backlog until some are free.
  void pause() {
    const int code = errno;
    if (log_limit_.admit(threads_[0]->now())) {
      log_event(Level::warn, "http.accept_failed", {{"reason", std::generic_category().message(code)}});
    }
    retry_.expires_after(std::chrono::milliseconds(50));
    retry_.async_wait([this](const boost::system::error_code& error) {
      if (!error) start();
    });
  }

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer retry_;
  const bool unix_socket_;
  std::vector<std::unique_ptr<IoThread>>& threads_;
  size_t next_ = 0;
  LogLimit log_limit_;
};

class AsioServer final : public Server {
 public:
  AsioServer(const ServerOptions& options, const Router& router, Gate& gate, Clock& clock, Metrics& metrics,
             Lanes& lanes)
      : shared_(std::make_shared<Shared>(options, router, gate, clock, metrics, lanes)) {
    shared_->process = fmt::format("{:x}", static_cast<uint64_t>(clock.wall().micros / 1000) & 0xffffffffffu);
    const auto count = static_cast<size_t>(std::clamp(options.threads, 1, 64));
    for (size_t index = 0; index < count; ++index) io_.push_back(std::make_unique<IoThread>(shared_, index, count));
  }

  ~AsioServer() override {
    const Status stopped = stop({});
    static_cast<void>(stopped);  // what did not finish was cut; stop() is the one who is asked for it
  }

  Status open() {
    const ServerOptions& options = shared_->options;
    if (options.listens_on_tcp) {
      TRY_ASSIGN(ListeningSocket socket, ListeningSocket::tcp(options.address, options.port, options.tls != nullptr));
      port_ = socket.port();
      listeners_.push_back(std::make_unique<Listener>(std::move(socket), false, io_));
    }
    if (!options.socket_path.empty()) {
      TRY_ASSIGN(ListeningSocket socket, ListeningSocket::unix_socket(options.socket_path));
      listeners_.push_back(std::make_unique<Listener>(std::move(socket), true, io_));
    }
    for (const auto& listener : listeners_) listener->start();
    for (size_t index = 0; index < io_.size(); ++index) {
      threads_.push_back(start_thread("http-" + std::to_string(index), [io = io_[index].get()] { io->run(); }));
    }
    return {};
  }

  uint16_t port() const override { return port_; }

  Status stop(Duration limit) override {
    if (is_stopped_) return {};
    is_stopped_ = true;
    size_t cut = 0;
    if (!threads_.empty()) {
      shared_->draining = true;
      io_[0]->post([this] {
        for (const auto& listener : listeners_) listener->close();
      });
      for (const auto& io : io_) io->post([io = io.get()] { io->begin_drain(); });
      cut = wait_until_empty(limit);
    }
    for (const auto& io : io_) io->stop();
    for (std::thread& thread : threads_) thread.join();
    listeners_.clear();
    io_.clear();
    if (!shared_->options.socket_path.empty() && port_opened()) ::unlink(shared_->options.socket_path.c_str());
    if (cut == 0) return {};
    return Error(Code::timed_out, fmt::format("{} connections had requests under way and were cut", cut));
  }

 private:
  bool port_opened() const { return !threads_.empty(); }

  size_t wait_until_empty(Duration limit) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(limit.micros);
    while (shared_->connections.load() > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return limit.micros > 0 ? shared_->connections.load() : 0;
  }

  const std::shared_ptr<Shared> shared_;  // with the io threads
  std::vector<std::unique_ptr<IoThread>> io_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::thread> threads_;
  uint16_t port_ = 0;
  bool is_stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const Router& router, Gate& gate,
                                              Clock& clock, Metrics& metrics, Lanes& lanes) {
  auto server = std::make_unique<AsioServer>(options, router, gate, clock, metrics, lanes);
  TRY(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace weir::http
