// Lanes: the threads that do the work, in three lanes that cannot starve each other.
//
//   follow       the lake's and the live windows' followers
//   interactive  queries and predictions somebody waits for
//   background   ETL and flows; gives way to the others by its priority
//
// Each lane has its own threads ("follow-0", …) and its own bounded queue. submit() may be called from any thread and
// never blocks: a full queue is `busy`. A task may use Cancel and engine calls, must not wait for another task of a
// lane, and must not throw (that aborts the program: a task turns its failures into a Result by itself).
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/runtime/cancel.h"

namespace weir {

enum class Lane { follow, interactive, background };
inline constexpr size_t kLaneCount = 3;
const char* lane_name(Lane lane);

// What a lane runs: anything that can be called once without arguments; it need not be copyable.
class Task {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Task>)
      Task(F run)  // NOLINT: implicit on purpose, so that a lambda can be handed in
      : run_(std::make_unique<Holder<F>>(std::move(run))) {}
  void operator()() { run_->call(); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void call() = 0;
  };
  template <class F>
  struct Holder final : Base {
    explicit Holder(F run_in) : run(std::move(run_in)) {}
    void call() override { run(); }
    F run;
  };
  std::unique_ptr<Base> run_;
};

struct LaneSize {
  int threads = 1;
  size_t queue_max = 256;  // tasks that wait; those that run are not counted
};

struct LanesOptions {
  LaneSize follow{.threads = 1, .queue_max = 64};
  LaneSize interactive{.threads = 2, .queue_max = 256};
  LaneSize background{.threads = 1, .queue_max = 1024};
  int background_nice = 10;
};

struct LaneState {
  size_t waiting = 0;
  size_t running = 0;
  uint64_t done = 0;
  uint64_t refused = 0;
};

class Lanes {
 public:
  explicit Lanes(const LanesOptions& options);
  // Stops with no time to drain if stop() was not called, and waits for the tasks that run.
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // `busy` if the lane's queue is full, `unavailable` after stop() began. Then the task is destroyed without having
  // run, as it is when a stop drops it: a closure that somebody waits for answers them from its destructor.
  Status submit(Lane lane, Task task);

  // Takes no more tasks and runs those that wait, for at most `drain`; then drops what still waits, cancels stopping(),
  // and gives the tasks that run `grace` to notice. `timed_out` says what was dropped and what still runs. Call it
  // once.
  Status stop(Duration drain, Duration grace);

  // Cancelled when a stop has no more patience. Tasks that may take long make their Cancel a child of it.
  const Cancel& stopping() const { return stopping_; }
  LaneState state(Lane lane) const;

 private:
  struct Queue {
    mutable Mutex mutex;
    std::condition_variable_any ready;  // a task came, or the lane stops
    std::condition_variable_any idle;   // a thread ended
    std::deque<Task> waiting GUARDED_BY(mutex);
    bool is_stopping GUARDED_BY(mutex) = false;
    size_t running GUARDED_BY(mutex) = 0;
    size_t threads_alive GUARDED_BY(mutex) = 0;
    uint64_t done GUARDED_BY(mutex) = 0;
    uint64_t refused GUARDED_BY(mutex) = 0;
    size_t waiting_max = 0;
    std::vector<std::thread> threads;  // changed only by the constructor and destructor of Lanes
  };

  Queue& queue(Lane lane) { return queues_[static_cast<size_t>(lane)]; }
  const Queue& queue(Lane lane) const { return queues_[static_cast<size_t>(lane)]; }
  void start(Lane lane, const LaneSize& size, int nice_by);
  static void run(Queue& queue);
  static bool wait_until_ended(Queue& queue, std::chrono::steady_clock::time_point deadline);
  static std::deque<Task> take_waiting(Queue& queue);

  std::array<Queue, kLaneCount> queues_;
  Cancel stopping_;
};

}  // namespace weir
