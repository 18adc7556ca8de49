#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "core/runtime/thread.h"
#include "surface/pgwire/connection.h"
#include "surface/pgwire/io.h"

namespace weir::pgwire {

namespace {

// A peer that vanished without a word is noticed within two minutes.
void watch_peer(int socket) {
  const int on = 1, idle = 60, every = 10, times = 6;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
}

// Accepts on the first io thread and deals the connections out in turn.
class Listener {
 public:
  Listener(ListeningSocket socket, bool unix_socket, std::vector<std::shared_ptr<Io>>& threads)
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
      if (!unix_socket_) watch_peer(socket);
      Io& to = *threads_[next_++ % threads_.size()];
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
      log_event(Level::warn, "wire.accept_failed", {{"reason", std::generic_category().message(code)}});
    }
    retry_.expires_after(std::chrono::milliseconds(50));
    retry_.async_wait([this](const boost::system::error_code& error) {
      if (!error) start();
    });
  }

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer retry_;
  const bool unix_socket_;
  std::vector<std::shared_ptr<Io>>& threads_;
  size_t next_ = 0;
  LogLimit log_limit_;
};

class WireServer final : public Server {
 public:
  WireServer(const ServerOptions& options, const Parts& parts) : shared_(std::make_shared<Shared>(options, parts)) {
    const int count = std::clamp(options.threads, 1, 64);
    for (int index = 0; index < count; ++index) io_.push_back(std::make_shared<Io>(shared_));
  }
  ~WireServer() override {
    const Status stopped = stop({});
    static_cast<void>(stopped);  // what did not finish was cut; stop() is the one who is asked for it
  }

  Status open() {
    const ServerOptions& options = shared_->options;
    auto socket = ListeningSocket::tcp(options.address, options.port, true);
    if (!socket) {
      return Error(socket.error().code, "the PostgreSQL wire cannot " + socket.error().message,
                   "set wire.port in weir.yaml to another one (0 takes any free one), or wire.enabled to false");
    }
    port_ = socket->port();
    listeners_.push_back(std::make_unique<Listener>(std::move(*socket), false, io_));
    if (!options.socket_folder.empty()) {
      socket_path_ = options.socket_folder + "/.s.PGSQL." + std::to_string(port_);
      TRY_ASSIGN(ListeningSocket local, ListeningSocket::unix_socket(socket_path_));
      listeners_.push_back(std::make_unique<Listener>(std::move(local), true, io_));
    }
    for (const auto& listener : listeners_) listener->start();
    for (size_t index = 0; index < io_.size(); ++index) {
      threads_.push_back(start_thread("wire-" + std::to_string(index), [io = io_[index].get()] { io->run(); }));
    }
    return {};
  }

  uint16_t port() const override { return port_; }
  std::string socket_path() const override { return socket_path_; }
  size_t connections() const override { return shared_->connections.load(); }

  Status stop(Duration limit) override {
    if (is_stopped_) return {};
    is_stopped_ = true;
    size_t cut = 0;
    if (!threads_.empty()) {
      shared_->is_draining = true;
      io_[0]->post([this] {
        for (const auto& listener : listeners_) listener->close();
      });
      on_all([](Connection& connection) { connection.begin_drain(); });
      cut = wait_until_empty(limit);
      on_all([](Connection& connection) { connection.cancel(); });
      if (cut > 0) wait_until_empty(seconds(2));
    }
    for (const auto& io : io_) io->stop();
    for (std::thread& thread : threads_) thread.join();
    for (const auto& io : io_) io->drain();
    // Statements that were cancelled end soon; what they use is the caller's.
    while (shared_->tasks.load() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (const auto& io : io_) io->drain();
    listeners_.clear();
    if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
    if (cut == 0) return {};
    return Error(Code::timed_out,
                 std::to_string(cut) + " connections of the wire had statements under way and were cut");
  }

 private:
  void on_all(void (*use)(Connection&)) {
    for (const auto& io : io_) io->post([io = io.get(), use] { io->each(use); });
  }
  size_t wait_until_empty(Duration limit) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(limit.micros);
    while (shared_->connections.load() > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return limit.micros > 0 ? shared_->connections.load() : 0;
  }

  const std::shared_ptr<Shared> shared_;  // with the io threads
  std::vector<std::shared_ptr<Io>> io_;   // and their connections
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::thread> threads_;
  std::string socket_path_;
  uint16_t port_ = 0;
  bool is_stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const Parts& parts) {
  auto server = std::make_unique<WireServer>(options, parts);
  TRY(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace weir::pgwire
