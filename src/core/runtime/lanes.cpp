#include "core/runtime/lanes.h"

#include <chrono>

#include "core/base/check.h"
#include "core/runtime/thread.h"

namespace weir {

namespace {

constexpr std::array<Lane, kLaneCount> kLanes{Lane::follow, Lane::interactive, Lane::background};

std::chrono::steady_clock::time_point deadline_after(Duration duration) {
  return std::chrono::steady_clock::now() + std::chrono::microseconds(duration.micros);
}

}  // namespace

const char* lane_name(Lane lane) {
  switch (lane) {
    case Lane::follow:
      return "follow";
    case Lane::interactive:
      return "interactive";
    case Lane::background:
      return "background";
  }
  return "unknown";
}

Lanes::Lanes(const LanesOptions& options) {
  start(Lane::follow, options.follow, 0);
  start(Lane::interactive, options.interactive, 0);
  start(Lane::background, options.background, options.background_nice);
}

Lanes::~Lanes() {
  const Status stopped = stop(Duration{0}, Duration{0});
  static_cast<void>(stopped);  // whoever wants to know calls stop() before
  for (Queue& lane : queues_) {
    for (std::thread& thread : lane.threads) thread.join();
  }
}

void Lanes::start(Lane lane, const LaneSize& size, int nice_by) {
  CHECK(size.threads >= 1 && size.threads < 1000 && size.queue_max >= 1, "a lane has a thread and room for a task");
  Queue& started = queue(lane);
  started.waiting_max = size.queue_max;
  {
    const MutexLock lock(started.mutex);
    started.threads_alive = static_cast<size_t>(size.threads);
  }
  for (int i = 0; i < size.threads; ++i) {
    // "interactive-123" has just the 15 bytes that a name may have.
    started.threads.push_back(start_thread(lane_name(lane) + ("-" + std::to_string(i)), [&started, nice_by] {
      if (nice_by > 0) lower_thread_priority(nice_by);
      run(started);
    }));
  }
}

void Lanes::run(Queue& queue) {
  queue.mutex.lock();
  while (true) {
    while (queue.waiting.empty() && !queue.is_stopping) queue.ready.wait(queue.mutex);
    if (queue.waiting.empty()) break;
    {
      Task task = std::move(queue.waiting.front());
      queue.waiting.pop_front();
      ++queue.running;
      queue.mutex.unlock();
      task();
    }  // what the task holds is destroyed before it counts as done, and without the lock
    queue.mutex.lock();
    --queue.running;
    ++queue.done;
  }
  --queue.threads_alive;
  queue.idle.notify_all();
  queue.mutex.unlock();
}

Status Lanes::submit(Lane lane, Task task) {
  Queue& target = queue(lane);
  const MutexLock lock(target.mutex);
  if (target.is_stopping) {
    return Error(Code::unavailable, std::string("the lane ") + lane_name(lane) + " is stopping");
  }
  if (target.waiting.size() >= target.waiting_max) {
    ++target.refused;
    return Error(Code::busy,
                 std::string("the lane ") + lane_name(lane) + " has " + std::to_string(target.waiting_max) +
                     " tasks waiting, its limit",
                 "try again later");
  }
  target.waiting.push_back(std::move(task));
  target.ready.notify_one();
  return {};
}

bool Lanes::wait_until_ended(Queue& queue, std::chrono::steady_clock::time_point deadline) {
  const MutexLock lock(queue.mutex);
  while (queue.threads_alive > 0) {
    if (queue.idle.wait_until(queue.mutex, deadline) == std::cv_status::timeout) return queue.threads_alive == 0;
  }
  return true;
}

std::deque<Task> Lanes::take_waiting(Queue& queue) {
  const MutexLock lock(queue.mutex);
  return std::exchange(queue.waiting, {});
}

Status Lanes::stop(Duration drain, Duration grace) {
  for (Queue& lane : queues_) {
    const MutexLock lock(lane.mutex);
    lane.is_stopping = true;
    lane.ready.notify_all();
  }
  const auto drained_by = deadline_after(drain);
  bool all_ended = true;
  for (Queue& lane : queues_) all_ended = wait_until_ended(lane, drained_by) && all_ended;
  if (all_ended) return {};

  std::string left;
  for (const Lane lane : kLanes) {
    const std::deque<Task> dropped = take_waiting(queue(lane));
    if (!dropped.empty()) {
      left += std::string(left.empty() ? "" : ", ") + std::to_string(dropped.size()) + " waiting tasks of " +
              lane_name(lane) + " dropped";
    }
  }
  stopping_.cancel(Error(Code::unavailable, "the program is stopping"));
  const auto ended_by = deadline_after(grace);
  for (const Lane lane : kLanes) {
    if (wait_until_ended(queue(lane), ended_by)) continue;
    left += std::string(left.empty() ? "" : ", ") + std::to_string(state(lane).running) + " tasks of " +
            lane_name(lane) + " still running";
  }
  if (left.empty()) return {};
  return Error(Code::timed_out, "the lanes did not come to an end in " + format_duration(drain) + ": " + left);
}

LaneState Lanes::state(Lane lane) const {
  const Queue& shown = queue(lane);
  const MutexLock lock(shown.mutex);
  return {.waiting = shown.waiting.size(), .running = shown.running, .done = shown.done, .refused = shown.refused};
}

}  // namespace weir
