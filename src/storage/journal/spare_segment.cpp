#include "storage/journal/spare_segment.h"

#include <algorithm>
#include <chrono>

#include "core/base/check.h"
#include "core/runtime/thread.h"
#include "storage/journal/segment.h"

namespace weir::journal {

namespace {

// Synced piece by piece, so that a group's sync never waits behind a whole segment of zeros.
constexpr size_t kPieceBytes = 2u << 20;

}  // namespace

SpareSegment::SpareSegment(Files& files, Clock& clock, std::string folder, Changed changed)
    : files_(files), clock_(clock), folder_(std::move(folder)), changed_(std::move(changed)) {}

SpareSegment::~SpareSegment() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SpareSegment::start_thread() {
  thread_ = weir::start_thread("journal-spare", [this] { run(); });
}

void SpareSegment::want(uint64_t number, uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(!ready_, "the segment that is ready is taken first");
    wanted_ = Order{number, bytes};
    failure_.reset();
  }
  work_.notify_all();
}

void SpareSegment::offer(Ready ready) {
  const std::lock_guard lock(mutex_);
  CHECK(!ready_ && !wanted_, "one segment is made ready at a time");
  ready_ = std::move(ready);
}

Result<SpareSegment::Ready> SpareSegment::take() {
  std::unique_lock lock(mutex_);
  const bool may_try = !failure_ || clock_.steady_micros() >= retry_at_micros_;
  if (!thread_.joinable() && !ready_ && wanted_ && may_try) attempt(lock);
  done_.wait(lock, [&] { return ready_ || failure_ || !wanted_ || is_stopping_; });
  if (ready_) {
    Ready taken = std::move(*ready_);
    ready_.reset();
    return taken;
  }
  if (failure_) return *failure_;
  return Error(Code::unavailable, "the journal is stopping");
}

void SpareSegment::poll() {
  std::unique_lock lock(mutex_);
  if (ready_ || !wanted_ || (failure_ && clock_.steady_micros() < retry_at_micros_)) return;
  attempt(lock);
}

void SpareSegment::attempt(std::unique_lock<std::mutex>& lock) {
  const Order order = *wanted_;
  lock.unlock();
  auto prepared = prepare(order);
  lock.lock();
  if (is_stopping_) return;
  if (prepared) {
    failure_.reset();
    wanted_.reset();
    ready_ = std::move(*prepared);
  } else {
    failure_ = prepared.error();
    retry_at_micros_ = clock_.steady_micros() + kRetry.micros;
  }
  const std::optional<Error> outcome = failure_;
  lock.unlock();
  changed_(outcome);
  lock.lock();
  done_.notify_all();
}

void SpareSegment::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    if (!wanted_ || ready_) {
      work_.wait(lock);
      continue;
    }
    const int64_t wait_micros = failure_ ? retry_at_micros_ - clock_.steady_micros() : 0;
    if (wait_micros > 0) {
      work_.wait_for(lock, std::chrono::microseconds(wait_micros));
      continue;
    }
    attempt(lock);
  }
}

Result<SpareSegment::Ready> SpareSegment::prepare(const Order& order) {
  const std::string staging = join_path(folder_, kPreparingName);
  const auto fill = [&]() -> Result<std::unique_ptr<File>> {
    TRY_ASSIGN(auto file, files_.open(staging, OpenMode::create));
    TRY(file->truncate(0));
    const std::string zeros(std::min<uint64_t>(kPieceBytes, order.bytes), '\0');
    for (uint64_t at = 0; at < order.bytes; at += zeros.size()) {
      {
        const std::lock_guard lock(mutex_);
        if (is_stopping_) return Error(Code::unavailable, "the journal is stopping");
      }
      TRY(file->write_at(at, std::string_view(zeros).substr(0, std::min<uint64_t>(zeros.size(), order.bytes - at))));
      TRY(file->sync());
    }
    return file;
  };
  auto file = fill();
  if (!file) {
    // What was written so far would keep the disk full.
    [[maybe_unused]] const Status removed = files_.remove(staging);
    return file.error();
  }
  const std::string path = join_path(folder_, segment_name(order.number));
  TRY(files_.rename(staging, path));
  TRY(files_.sync_directory(folder_));
  // Opened by its own name, so that errors about it name it.
  TRY_ASSIGN(*file, files_.open(path, OpenMode::read_write));
  return Ready{order.number, order.bytes, std::move(*file)};
}

}  // namespace weir::journal
