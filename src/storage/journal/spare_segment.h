// The next segment's file, written with zeros and synced before it is needed, so that neither a full disk nor the
// growth of a file is met on the way of an append.
//
// One at a time. With a thread of its own it works in the background and tries again every second after a failure;
// without one, poll() does the same when it is called. want() and take() belong to the journal's thread; the rest may
// be called from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::journal {

// Where a file is made ready before it gets its segment's name.
inline constexpr const char* kPreparingName = "preparing";

class SpareSegment {
 public:
  struct Ready {
    uint64_t number = 0;
    uint64_t bytes = 0;
    std::unique_ptr<File> file;
  };
  // `changed` is called without a lock held after each success (none) or failure (its error), on the thread that
  // prepared.
  using Changed = std::function<void(const std::optional<Error>&)>;

  SpareSegment(Files& files, Clock& clock, std::string folder, Changed changed);
  ~SpareSegment();  // stops in the middle of a file if it must
  void start_thread();

  // Makes the file of that number ready, over whatever has its name.
  void want(uint64_t number, uint64_t bytes);
  // The file is there already.
  void offer(Ready ready);
  // Waits for an attempt that is under way (without a thread: makes it), and takes its file. The error says why there
  // is none.
  Result<Ready> take();
  // Without a thread: prepares what is wanted, if nothing failed less than a second ago.
  void poll();

  static constexpr Duration kRetry = seconds(1);

 private:
  struct Order {
    uint64_t number = 0;
    uint64_t bytes = 0;
  };
  Result<Ready> prepare(const Order& order);
  void attempt(std::unique_lock<std::mutex>& lock);
  void run();

  Files& files_;
  Clock& clock_;
  const std::string folder_;
  const Changed changed_;

  std::mutex mutex_;  // guards everything below
  std::condition_variable work_, done_;
  std::optional<Order> wanted_;
  std::optional<Ready> ready_;
  std::optional<Error> failure_;  // of the last attempt
  int64_t retry_at_micros_ = 0;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::journal
