#include "surface/pgwire/io.h"

#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

#include "surface/pgwire/connection.h"

namespace weir::pgwire {

namespace asio = boost::asio;

namespace {
constexpr size_t kStrangersMax = 64;  // beside connections_max: those that have not said anything yet
}  // namespace

Io::Io(std::shared_ptr<Shared> shared) : shared_(std::move(shared)), scratch_(64 << 10) {}
Io::~Io() = default;

void Io::run() {
  const auto work = asio::make_work_guard(context_);
  tick();
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {  // bad_alloc in Asio: what was running is lost, the server is not
      log_event(Level::error, "wire.io_thread_failed", {{"reason", error.what()}});
    }
  }
}

void Io::stop() {
  MutexLock lock(mutex_);
  is_stopped_ = true;
  context_.stop();
}

void Io::post(std::function<void()> work) {
  MutexLock lock(mutex_);
  if (!is_stopped_) asio::post(context_, std::move(work));
}

void Io::drain() {
  each([](Connection& connection) { connection.close(); });
  connections_.clear();
  timer_.cancel();
  context_.restart();
  while (context_.poll() > 0) {
  }
}

void Io::adopt(int socket, Peer peer) {
  Shared& shared = *shared_;
  if (shared.connections.load() >= shared.options.connections_max + kStrangersMax) {
    shared.metrics.refused.add();
    ::close(socket);
    return;
  }
  shared.connections.fetch_add(1);
  shared.metrics.accepted.add();
  shared.metrics.connections.add(1);
  const auto connection = std::make_shared<Connection>(shared_from_this(), socket, std::move(peer));
  connections_.insert(connection);
  connection->start();
}

void Io::retire(const std::shared_ptr<Connection>& connection) {
  if (connections_.erase(connection) == 0) return;
  shared_->metrics.connections.add(-1);
  shared_->connections.fetch_sub(1);
}

void Io::each(const std::function<void(Connection&)>& use) {
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());  // they leave meanwhile
  for (const auto& connection : all) use(*connection);
}

void Io::tick() {
  const int64_t at = now();
  each([at](Connection& connection) { connection.tick(at); });
  timer_.expires_after(std::chrono::milliseconds(250));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

}  // namespace weir::pgwire
