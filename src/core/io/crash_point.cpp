#include "core/io/crash_point.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace weir {

std::atomic<bool> crash_points_on{false};

namespace {

// The one piece of state that no constructor can carry: points lie in code that knows nothing of tests.
struct State {
  std::mutex mutex;
  std::string kill_name;
  uint64_t kill_hit = 0;
  std::string log;
  std::map<std::string, uint64_t, std::less<>> hits;
};
State state;

void append_line(const std::string& path, std::string_view name, uint64_t hit) {
  const std::string line = std::string(name) + " " + std::to_string(hit) + "\n";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;  // a test that finds no log fails by itself
  [[maybe_unused]] const ssize_t written = ::write(fd, line.data(), line.size());
  ::close(fd);
}

}  // namespace

Status set_crash_points(const CrashPoints& points) {
  std::string name;
  uint64_t hit = 0;
  if (!points.at.empty()) {
    const size_t colon = points.at.rfind(':');
    const char* const end = points.at.data() + points.at.size();
    const char* const number = colon == std::string::npos ? end : points.at.data() + colon + 1;
    const auto parsed = std::from_chars(number, end, hit);
    if (colon == 0 || number == end || parsed.ec != std::errc() || parsed.ptr != end || hit == 0) {
      return Error(Code::invalid, "crash point \"" + points.at + "\" is not NAME:HIT",
                   "for example journal/sync:3, counted from 1");
    }
    name = points.at.substr(0, colon);
  }
  const std::lock_guard lock(state.mutex);
  state.kill_name = std::move(name);
  state.kill_hit = hit;
  state.log = points.log;
  state.hits.clear();
  crash_points_on.store(!points.at.empty() || !points.log.empty(), std::memory_order_relaxed);
  return {};
}

void crash_point_hit(std::string_view name) {
  const std::lock_guard lock(state.mutex);
  auto found = state.hits.find(name);
  if (found == state.hits.end()) found = state.hits.emplace(std::string(name), 0).first;
  const uint64_t hit = ++found->second;
  if (!state.log.empty()) append_line(state.log, name, hit);
  if (hit == state.kill_hit && name == state.kill_name) ::kill(::getpid(), SIGKILL);
}

std::string_view crash_label(std::string_view path) {
  constexpr std::string_view kFolder = ".weir/";
  size_t start = path.rfind(kFolder);
  while (start != std::string_view::npos && start > 0 && path[start - 1] != '/') {
    start = path.rfind(kFolder, start - 1);
  }
  if (start == std::string_view::npos) return "outside";
  const std::string_view rest = path.substr(start + kFolder.size());
  const size_t slash = rest.find('/');
  return slash == std::string_view::npos ? "weir" : rest.substr(0, slash);
}

}  // namespace weir
