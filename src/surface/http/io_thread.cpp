#include <utility>  // before any Asio header: 1.74's awaitable.hpp forgets it
//
#include <boost/asio/post.hpp>

#include "core/base/log.h"
#include "surface/http/connection.h"
#include "surface/http/io_thread.h"

namespace weir::http {

namespace asio = boost::asio;

IoThread::IoThread(std::shared_ptr<Shared> shared, size_t index, size_t count)
    : shared_(std::move(shared)),
      index_(index),
      count_(count),
      scratch_(64 << 10),
      local_administrator_(std::make_shared<const access::Identity>(access::Identity{.id = "local",
                                                                                     .role = access::Role::admin,
                                                                                     .streams = {},
                                                                                     .label = {},
                                                                                     .user = access::kOwnerName,
                                                                                     .user_id = access::kOwnerUser})) {
  mailbox_ = std::make_shared<Mailbox>(shared_->process, [this] { asio::post(context_, [this] { drain_mailbox(); }); });
  parser_ = std::make_unique<RequestParser>(parser_limits());
  head_text_.reserve(4096);
}

IoThread::~IoThread() {
  mailbox_->close();
  close_all();
}

void IoThread::run() {
  const auto work = asio::make_work_guard(context_);
  tick();
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {  // bad_alloc in Asio: what was running is lost, the server is not
      log_event(Level::error, "http.io_thread_failed", {{"reason", error.what()}});
    }
  }
}

void IoThread::stop() {
  context_.stop();
}

void IoThread::post(std::function<void()> work) {
  asio::post(context_, std::move(work));
}

void IoThread::adopt(int socket, Peer peer) {
  Shared& shared = *shared_;
  if (shared.connections.load() >= shared.options.connections_max && !close_oldest_idle()) {
    shared.metrics.connections_refused.add();
    refuse_connection(socket);
    return;
  }
  uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  shared.connections.fetch_add(1);
  shared.metrics.connections_accepted.add();
  shared.metrics.connections.add(1);
  slots_[slot] = std::make_unique<Connection>(*this, socket, std::move(peer), slot, ++last_connection_);
  slots_[slot]->start();
}

void IoThread::begin_drain() {
  for (const auto& connection : slots_) {
    if (connection) connection->begin_drain();
  }
}

void IoThread::close_all() {
  for (const auto& connection : slots_) {
    if (connection) connection->close();
  }
  retired_.clear();
}

void IoThread::with(uint32_t slot, uint64_t connection, const std::function<void(Connection&)>& use) {
  if (slot < slots_.size() && slots_[slot] && slots_[slot]->number() == connection) use(*slots_[slot]);
  retired_.clear();
}

void IoThread::deliver(Letter letter) {
  const RequestAddress to = letter.to;
  if (to.slot < slots_.size() && slots_[to.slot] && slots_[to.slot]->number() == to.connection) {
    slots_[to.slot]->deliver(std::move(letter));
  } else if (letter.stream) {
    letter.stream->close();
  }
}

void IoThread::retire(uint32_t slot) {
  retired_.push_back(std::move(slots_[slot]));
  free_.push_back(slot);
  shared_->metrics.connections.add(-1);
  shared_->connections.fetch_sub(1);
}

std::string_view IoThread::date() {
  const WallTime wall = shared_->clock.wall();
  const int64_t second = wall.micros / 1'000'000;
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(wall);
  }
  return date_;
}

uint64_t IoThread::next_request_number() {
  return ++last_request_ * count_ + index_;
}

void IoThread::drain_mailbox() {
  for (Letter& letter : mailbox_->take()) deliver(std::move(letter));
  retired_.clear();
}

void IoThread::tick() {
  const int64_t at = now();
  for (const auto& connection : slots_) {
    if (connection) connection->tick(at);
  }
  retired_.clear();
  timer_.expires_after(std::chrono::milliseconds(250));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

bool IoThread::close_oldest_idle() {
  Connection* oldest = nullptr;
  for (const auto& connection : slots_) {
    if (connection && connection->is_idle() && (!oldest || connection->idle_since() < oldest->idle_since())) {
      oldest = connection.get();
    }
  }
  if (!oldest) return false;
  oldest->close();
  return true;
}

}  // namespace weir::http
