// Servers under a benchmark: started on a free port, watched, stopped.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace weir::bench {

class Process {
 public:
  // Starts the program with its output in `log`; aborts the benchmark with a message if it cannot.
  Process(const std::vector<std::string>& command, const std::string& log);
  ~Process() { stop(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  void stop();       // SIGTERM, then SIGKILL after 20 s
  void kill_hard();  // SIGKILL
  bool running() const;
  pid_t pid() const { return pid_; }
  uint64_t peak_rss_bytes() const;
  uint64_t rss_bytes() const;
  double cpu_seconds() const;  // of the program and of its children that have ended

 private:
  pid_t pid_ = -1;
};

// The largest memory of a program and its children together, looked at all the time.
class PeakMemory {
 public:
  explicit PeakMemory(pid_t pid);
  ~PeakMemory();
  uint64_t bytes() const { return bytes_; }

 private:
  const pid_t pid_;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

uint16_t free_port();
// Waits until GET path answers 200; false after the time limit.
bool wait_ready(uint16_t port, const std::string& path, double seconds);
struct HttpReply {
  int status = 0;
  std::string body;
};
HttpReply http(uint16_t port, const std::string& method, const std::string& path, const std::string& body = {},
               const std::string& token = {});

// An administrator's token of the server on this folder; `scratch` is a folder for a moment's file.
std::string admin_token(const std::string& weir, const std::string& folder, const std::string& scratch);

// The disk that the folder lies on: prints its file system and syncs per second, and ends the program if it is memory.
double print_disk(const std::string& folder);
double median(std::vector<double> values);
[[noreturn]] void give_up(const std::string& why);

}  // namespace weir::bench
