#include "bench/http_load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace weir::bench {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Connection {
  int fd = -1;
  bool waiting = false;  // for an answer
  uint64_t number = 0;
  double sent_at = 0;
  std::string out, in;
  size_t out_at = 0;
};

int connect_to(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (fd >= 0) close(fd);
    return -1;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

// The length of a whole answer at the front of `in`, or 0; answers have a Content-Length, or none (204).
size_t whole_answer(const std::string& in, int& status, std::string_view& body) {
  const size_t head = in.find("\r\n\r\n");
  if (head == std::string::npos) return 0;
  std::from_chars(in.data() + 9, in.data() + 12, status);
  size_t length = 0;
  for (size_t at = in.find("\r\n"); at < head; at = in.find("\r\n", at + 2)) {
    constexpr std::string_view kName = "content-length:";
    const char* line = in.data() + at + 2;
    if (strncasecmp(line, kName.data(), kName.size()) != 0) continue;
    line += kName.size();
    while (*line == ' ') ++line;
    std::from_chars(line, in.data() + in.size(), length);
  }
  if (in.size() < head + 4 + length) return 0;
  body = std::string_view(in).substr(head + 4, length);
  return head + 4 + length;
}

class Load {
 public:
  explicit Load(const LoadPlan& plan) : plan_(plan), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~Load() {
    for (auto& connection : connections_) {
      if (connection.fd >= 0) close(connection.fd);
    }
    close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadResult run() {
    connections_.resize(static_cast<size_t>(plan_.connections));
    for (size_t i = 0; i < connections_.size(); ++i) open(i);
    begin_ = now_s();
    const double end = begin_ + plan_.seconds;
    for (size_t i = 0; i < connections_.size(); ++i) idle_.push_back(i);
    epoll_event events[256];
    while (true) {
      const double now = now_s();
      const bool over = now >= end || sent_ >= plan_.requests_max;
      if (!over) send_due(now);
      if (over && (in_flight_ == 0 || now > end + 10)) break;
      const int count = epoll_wait(epoll_, events, 256, plan_.requests_per_s > 0 ? 1 : 10);
      for (int i = 0; i < count; ++i) react(static_cast<size_t>(events[i].data.u64), events[i].events);
    }
    result_.errors += in_flight_;
    if (in_flight_ > 0 && result_.first_error.empty())
      result_.first_error = std::to_string(in_flight_) + " requests without an answer";
    result_.seconds = std::min(now_s(), end) - begin_;
    return std::move(result_);
  }

 private:
  void open(size_t index) {
    Connection& connection = connections_[index];
    connection.fd = connect_to(plan_.port);
    if (connection.fd < 0) {
      fail("cannot connect: " + std::string(std::strerror(errno)));
      return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  void send_due(double now) {
    uint64_t allowed = UINT64_MAX;
    if (plan_.requests_per_s > 0) allowed = static_cast<uint64_t>((now - begin_) * plan_.requests_per_s);
    while (!idle_.empty() && sent_ < std::min(allowed, plan_.requests_max)) {
      const size_t index = idle_.back();
      idle_.pop_back();
      Connection& connection = connections_[index];
      if (connection.fd < 0) open(index);
      if (connection.fd < 0) continue;
      connection.number = sent_++;
      plan_.make(connection.number, connection.out);
      connection.out_at = 0;
      connection.waiting = true;
      connection.sent_at = now;
      ++in_flight_;
      push(index);
    }
  }

  void push(size_t index) {
    Connection& connection = connections_[index];
    while (connection.out_at < connection.out.size()) {
      const ssize_t wrote = send(connection.fd, connection.out.data() + connection.out_at,
                                 connection.out.size() - connection.out_at, MSG_NOSIGNAL);
      if (wrote < 0 && errno == EAGAIN) {
        watch(index, EPOLLIN | EPOLLOUT);
        return;
      }
      if (wrote <= 0) {
        drop(index, "send: " + std::string(std::strerror(errno)));
        return;
      }
      connection.out_at += static_cast<size_t>(wrote);
    }
  }

  void watch(size_t index, uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connections_[index].fd, &event);
  }

  void react(size_t index, uint32_t what) {
    Connection& connection = connections_[index];
    if (connection.fd < 0) return;
    if ((what & EPOLLOUT) != 0) {
      watch(index, EPOLLIN);
      push(index);
      if (connection.fd < 0) return;
    }
    char buffer[65536];
    while (true) {
      const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) {
        drop(index, got == 0 ? "the server closed a connection" : "recv: " + std::string(std::strerror(errno)));
        return;
      }
      connection.in.append(buffer, static_cast<size_t>(got));
      if (static_cast<size_t>(got) < sizeof buffer) break;
    }
    int status = 0;
    std::string_view body;
    if (const size_t length = whole_answer(connection.in, status, body)) {
      const double now = now_s();
      result_.latencies_ms.push_back(static_cast<float>((now - connection.sent_at) * 1000));
      ++result_.requests;
      std::string wrong = plan_.judge(connection.number, status, body);
      if (!wrong.empty()) fail(std::move(wrong));
      connection.in.erase(0, length);
      connection.waiting = false;
      --in_flight_;
      idle_.push_back(index);
      if (plan_.requests_per_s == 0 && now < begin_ + plan_.seconds) send_due(now);
    }
  }

  void drop(size_t index, std::string why) {
    Connection& connection = connections_[index];
    close(connection.fd);
    connection.fd = -1;
    connection.in.clear();
    if (connection.waiting) {
      connection.waiting = false;
      --in_flight_;
      fail(std::move(why));
    }
    idle_.push_back(index);
  }

  void fail(std::string why) {
    ++result_.errors;
    if (result_.first_error.empty()) result_.first_error = std::move(why);
  }

  const LoadPlan& plan_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::vector<size_t> idle_;
  uint64_t sent_ = 0, in_flight_ = 0;
  double begin_ = 0;
  LoadResult result_;
};

}  // namespace

double LoadResult::percentile(double share) {
  if (latencies_ms.empty()) return 0;
  const auto at =
      std::min(latencies_ms.size() - 1, static_cast<size_t>(share * static_cast<double>(latencies_ms.size())));
  std::nth_element(latencies_ms.begin(), latencies_ms.begin() + static_cast<std::ptrdiff_t>(at), latencies_ms.end());
  return static_cast<double>(latencies_ms[at]);
}

LoadResult run_load(const LoadPlan& plan) {
  return Load(plan).run();
}

}  // namespace weir::bench
