// For tests of this room: a server on a free port with the routes a test wants, and a client that writes bytes as they
// are.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/metrics.h"
#include "core/base/text.h"
#include "core/runtime/lanes.h"
#include "core/runtime/system_clock.h"
#include "surface/http/server.h"

namespace weir::http::testing {

// Knows "admin-token", "read-token", "write-token" (stream clicks), and the session "good-session" (admin).
class TestGate final : public Gate {
 public:
  Result<access::IdentityPtr> by_token(std::string_view token) override {
    if (token == "admin-token") return identity(access::Role::admin, {});
    if (token == "read-token") return identity(access::Role::read, {});
    if (token == "write-token") return identity(access::Role::write, {"clicks"});
    return Error(Code::unauthenticated, "this token is not known");
  }
  Result<access::IdentityPtr> by_session(std::string_view session) override {
    if (session == "good-session") return identity(access::Role::admin, {});
    return Error(Code::unauthenticated, "this session ended");
  }

 private:
  static access::IdentityPtr identity(access::Role role, std::vector<std::string> streams) {
    auto made = std::make_shared<access::Identity>();
    made->id = "t1";
    made->role = role;
    made->streams = std::move(streams);
    return made;
  }
};

struct Reply {
  int status = 0;  // 0: the connection ended before a whole answer came
  std::string head, body;
  std::map<std::string, std::string> headers;  // names in lower case
};

class Client {
 public:
  explicit Client(uint16_t port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  explicit Client(const std::string& socket_path) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { hang_up(); }
  Client(const Client&) = delete;

  void hang_up() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void half_close() { ::shutdown(socket_, SHUT_WR); }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  // One answer, its body by Content-Length, chunks, or the connection's end.
  Reply read(bool of_head_request = false) {
    Reply reply;
    if (!wait_for([&] { return received_.find("\r\n\r\n") != std::string::npos; })) return reply;
    reply.head = received_.substr(0, received_.find("\r\n\r\n") + 2);
    received_.erase(0, reply.head.size() + 2);
    parse_head(reply);
    const int status = std::stoi(reply.head.substr(9, 3));
    if (status == 100 || status == 204 || status == 304 || of_head_request) {
      reply.status = status;
    } else if (reply.headers.count("content-length")) {
      const size_t length = std::stoul(reply.headers["content-length"]);
      if (!wait_for([&] { return received_.size() >= length; })) return reply;
      reply.body = received_.substr(0, length);
      received_.erase(0, length);
      reply.status = status;
    } else if (reply.headers.count("transfer-encoding")) {
      if (read_chunks(reply.body)) reply.status = status;
    } else {
      while (receive_some()) continue;
      reply.body = std::exchange(received_, {});
      reply.status = status;
    }
    return reply;
  }
  Reply ask(std::string_view request) {
    send(request);
    return read(request.starts_with("HEAD "));
  }
  // Waits for text anywhere in what arrives (a stream's body); keeps it.
  bool wait_for_text(std::string_view text) {
    return wait_for([&] { return received_.find(text) != std::string::npos; });
  }
  // True if the server ends the connection within the time and says nothing more.
  bool is_ended() {
    while (receive_some()) continue;
    return received_.empty() && ended_;
  }
  const std::string& received() const { return received_; }

 private:
  static constexpr int kDeadlineMillis = 10'000;

  void parse_head(Reply& reply) {
    size_t at = reply.head.find("\r\n") + 2;
    while (at < reply.head.size()) {
      const size_t end = reply.head.find("\r\n", at);
      const std::string line = reply.head.substr(at, end - at);
      const size_t colon = line.find(": ");
      reply.headers[to_lower(line.substr(0, colon))] = line.substr(colon + 2);
      at = end + 2;
    }
  }
  bool read_chunks(std::string& body) {
    for (;;) {
      if (!wait_for([&] { return received_.find("\r\n") != std::string::npos; })) return false;
      const size_t line = received_.find("\r\n");
      const size_t length = std::stoul(received_.substr(0, line), nullptr, 16);
      if (!wait_for([&] { return received_.size() >= line + 2 + length + 2; })) return false;
      body += received_.substr(line + 2, length);
      received_.erase(0, line + 2 + length + 2);
      if (length == 0) return true;
    }
  }
  template <class Condition>
  bool wait_for(Condition condition) {
    while (!condition()) {
      if (!receive_some()) return false;
    }
    return true;
  }
  bool receive_some() {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, kDeadlineMillis) <= 0) return false;
    char buffer[16384];
    const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
    ended_ = count <= 0;
    if (count <= 0) return false;
    received_.append(buffer, static_cast<size_t>(count));
    return true;
  }

  int socket_ = -1;
  std::string received_;
  bool ended_ = false;
};

// Waits until the condition holds, or gives up after ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class ServerFixture : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    options.port = 0;
    auto started = Server::start(options, router, gate, clock, metrics, lanes);
    ASSERT_TRUE(started) << started.error().text();
    server = std::move(*started);
  }
  uint16_t port() const { return server->port(); }
  void TearDown() override { server.reset(); }

  Router router;
  TestGate gate;
  SystemClock clock;
  Metrics metrics;
  Lanes lanes{LanesOptions{}};
  std::unique_ptr<Server> server;
};

inline std::string get(std::string_view path, std::string_view headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace weir::http::testing
