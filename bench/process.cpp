#include "bench/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include "bench/http_load.h"

namespace weir::bench {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t status_kib(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10);
  }
  return 0;
}

}  // namespace

void give_up(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

Process::Process(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) give_up("fork failed");
  if (pid_ == 0) {
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a benchmark that gives up leaves nothing running
    setenv("WEIR_AWS_PORT", "0", 0);
    setenv("WEIR_WIRE_PORT", "0", 0);  // and is in no other server's way
    execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(127);
  }
}

bool Process::running() const {
  return pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == 0;
}

void Process::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  const double limit = now_s() + 20;
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (now_s() > limit) kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  pid_ = -1;
}

void Process::kill_hard() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

uint64_t Process::peak_rss_bytes() const {
  return status_kib(pid_, "VmHWM") << 10;
}
uint64_t Process::rss_bytes() const {
  return status_kib(pid_, "VmRSS") << 10;
}
double Process::cpu_seconds() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string word;
  std::getline(in, word, ')');  // a name may hold spaces
  double ticks = 0, sum = 0;
  for (int field = 3; field <= 17 && in >> word; ++field) {
    ticks = std::atof(word.c_str());
    if (field >= 14) sum += ticks;  // own and children's, each user and system
  }
  return sum / static_cast<double>(sysconf(_SC_CLK_TCK));
}

PeakMemory::PeakMemory(pid_t pid) : pid_(pid) {
  thread_ = std::thread([this] {
    while (!stop_) {
      const std::string process = "/proc/" + std::to_string(pid_);
      uint64_t sum = status_kib(pid_, "VmRSS") << 10;
      std::error_code ignored;  // a thread, or a child, may end meanwhile
      for (std::filesystem::directory_iterator at(process + "/task", ignored), end; at != end; at.increment(ignored)) {
        std::ifstream in(at->path() / "children");
        for (pid_t child; in >> child;) sum += status_kib(child, "VmRSS") << 10;
      }
      bytes_ = std::max(bytes_.load(), sum);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
}
PeakMemory::~PeakMemory() {
  stop_ = true;
  thread_.join();
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) give_up("no free port");
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

HttpReply http(uint16_t port, const std::string& method, const std::string& path, const std::string& body,
               const std::string& token) {
  HttpReply out;
  LoadPlan plan;
  plan.port = port;
  plan.seconds = 600;
  plan.requests_max = 1;
  plan.make = [&](uint64_t, std::string& request) {
    request = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
              "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
              (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") + "\r\n" + body;
  };
  plan.judge = [&](uint64_t, int status, std::string_view answer) {
    out = {status, std::string(answer)};
    return std::string();
  };
  (void)run_load(plan);
  return out;
}

bool wait_ready(uint16_t port, const std::string& path, double seconds) {
  const double limit = now_s() + seconds;
  while (now_s() < limit) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool up = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (up && http(port, "GET", path).status / 100 == 2) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

std::string admin_token(const std::string& weir, const std::string& folder, const std::string& scratch) {
  const std::string text_file = scratch + "/token.txt";
  std::filesystem::remove(text_file);
  Process make({weir, "token", "create", "--admin", "--dir", folder}, text_file);
  for (int i = 0; i < 200 && make.running(); ++i) usleep(50'000);
  std::ifstream in(text_file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::smatch found;
  if (!std::regex_search(text, found, std::regex("weir_[a-z2-7]{32}"))) give_up("no token in " + text);
  std::filesystem::remove(text_file);
  return found[0];
}

double print_disk(const std::string& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) give_up("cannot look at " + folder);
  if (info.f_type == 0x01021994)
    give_up(folder + " is a memory file system: nothing there is durable; name a folder on a disk with --dir");
  const std::string path = folder + "/sync-speed";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  const std::string block(64 << 10, 'x');
  const double begin = now_s();
  int syncs = 0;
  while (now_s() - begin < 1) {
    if (pwrite(fd, block.data(), block.size(), static_cast<off_t>(syncs % 64) * 65536) < 0 || fdatasync(fd) != 0)
      give_up("cannot sync in " + folder);
    ++syncs;
  }
  const double speed = syncs / (now_s() - begin);
  close(fd);
  unlink(path.c_str());
  std::printf("disk: file system type 0x%lx, %.0f syncs of 64 KiB a second\n", static_cast<unsigned long>(info.f_type),
              speed);
  return speed;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace weir::bench
