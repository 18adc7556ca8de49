// The client against a small server that says whatever a test wants, over TCP and over Unix sockets.
#include "core/io/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "core/io/files.h"
#include "core/io/socket_path.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Answers each request of each connection, one connection at a time, with what `answer` returns; "" closes it.
class Server {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit Server(Answer answer, const std::string& socket_path = "") : answer_(std::move(answer)) {
    listening_ = socket_path.empty() ? listen_tcp() : listen_unix(socket_path);
    EXPECT_EQ(::pipe(ending_), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    ::close(ending_[1]);
    thread_.join();
    ::close(ending_[0]);
    ::close(listening_);
  }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int connections() const { return connections_.load(); }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  int listen_tcp() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd, 16), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    return fd;
  }
  static int listen_unix(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 16), 0);
    return fd;
  }
  bool is_ready(int fd) const {  // false: the test is over
    pollfd watched[] = {{fd, POLLIN, 0}, {ending_[0], POLLIN, 0}};
    ::poll(watched, 2, -1);
    return watched[1].revents == 0;
  }
  void run() {
    while (is_ready(listening_)) {
      const int connection = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      serve(connection);
      ::close(connection);
    }
  }
  void serve(int connection) {
    std::string received;
    char buffer[65536];
    while (is_ready(connection)) {
      const ssize_t n = ::read(connection, buffer, sizeof buffer);
      if (n <= 0) return;
      received.append(buffer, static_cast<size_t>(n));
      const size_t head = received.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const size_t length_at = received.find("Content-Length: ");
      const size_t length = length_at < head ? std::stoul(received.substr(length_at + 16)) : 0;
      if (received.size() < head + 4 + length) continue;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(received);
      }
      const std::string reply = answer_(received);
      received.clear();
      if (reply.empty()) return;
      size_t sent = 0;
      while (sent < reply.size()) {
        const ssize_t m = ::send(connection, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
        if (m <= 0) return;
        sent += static_cast<size_t>(m);
      }
      if (reply.find("Content-Length") == std::string::npos && reply.find("chunked") == std::string::npos) {
        is_ready(connection);  // an answer without an end: the client leaves, or the test is over
        return;
      }
    }
  }

  const Answer answer_;
  int listening_ = -1;
  int ending_[2] = {-1, -1};
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

TEST(HttpClient, sends_method_headers_and_body_as_they_are) {
  Server server([](const std::string&) { return ok("hello"); });
  HttpClient client;
  const auto response = client.send({.method = "POST",
                                     .url = server.url("/v1/streams/x?a=1"),
                                     .headers = {{"Authorization", "Bearer t"}, {"X-Empty", ""}},
                                     .body = "{\"id\":1}"});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->header("content-type"), "text/plain");
  EXPECT_EQ(response->header("none"), "");
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, HasSubstr("POST /v1/streams/x?a=1 HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Authorization: Bearer t\r\n"));
  EXPECT_THAT(request, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(request, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\n\r\n{\"id\":1}"));
  EXPECT_THAT(request, Not(HasSubstr("x-www-form-urlencoded")));
  EXPECT_THAT(request, Not(HasSubstr("Expect")));
}

TEST(HttpClient, knows_the_usual_methods_and_keeps_the_connection) {
  Server server([](const std::string& request) {
    return request.starts_with("HEAD") ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n") : ok("x");
  });
  HttpClient client;
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}) {
    const auto response = client.send({.method = method, .url = server.url()});
    ASSERT_TRUE(response) << method << ": " << response.error().text();
    EXPECT_THAT(server.requests().back(), ::testing::StartsWith(std::string(method) + " / "));
  }
  EXPECT_THAT(server.requests().at(1), HasSubstr("Content-Length: 0"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, one_request_leaves_nothing_to_the_next) {
  Server server([](const std::string&) { return ok("x"); });
  HttpClient client;
  ASSERT_TRUE(client.send({.method = "POST", .url = server.url(), .headers = {{"A", "1"}}, .body = "body"}));
  ASSERT_TRUE(client.send({.url = server.url()}));
  EXPECT_THAT(server.requests().at(1), Not(HasSubstr("A: 1")));
  EXPECT_THAT(server.requests().at(1), Not(HasSubstr("body")));
}

TEST(HttpClient, any_status_is_an_answer_and_redirects_are_shown_not_followed) {
  Server server([](const std::string& request) -> std::string {
    if (request.starts_with("GET /away")) {
      return "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    }
    return "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\n"
           "Content-Length: 4\r\n\r\nbusy";
  });
  HttpClient client;
  const auto away = client.send({.url = server.url("/away")});
  EXPECT_EQ(away->status, 302);
  EXPECT_EQ(away->header("location"), "/");
  const auto busy = client.send({.url = server.url()});
  EXPECT_EQ(busy->status, 429);
  EXPECT_EQ(busy->header("retry-after"), "2");
  EXPECT_EQ(busy->header("x-early"), "");
  EXPECT_EQ(busy->body, "busy");
}

TEST(HttpClient, an_answer_that_is_too_large_is_refused_on_the_right_side_of_the_limit) {
  Server server([](const std::string&) { return ok(std::string(1000, 'x')); });
  HttpClient client;
  EXPECT_TRUE(client.send({.url = server.url(), .response_bytes_max = 1000}));
  const auto refused = client.send({.url = server.url(), .response_bytes_max = 999});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_large);
  EXPECT_THAT(refused.error().message, HasSubstr("999 bytes (response_bytes_max)"));
  EXPECT_TRUE(client.send({.url = server.url()}));
}

TEST(HttpClient, headers_without_end_are_refused) {
  Server server([](const std::string&) {
    std::string reply = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 5000; ++i) reply += "X-" + std::to_string(i) + ": " + std::string(80, 'x') + "\r\n";
    return reply + "Content-Length: 0\r\n\r\n";
  });
  EXPECT_EQ(HttpClient().send({.url = server.url()}).error().code, Code::too_large);
}

TEST(HttpClient, nobody_there_is_unavailable_and_silence_is_timed_out) {
  HttpClient client;
  std::string url;
  {
    Server server([](const std::string&) { return ok("x"); });
    url = server.url();
  }
  const auto nobody = client.send({.url = url});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::unavailable);
  Server silent([](const std::string&) { return std::string("HTTP/1.1 200 OK\r\n\r\nsome"); });
  EXPECT_EQ(client.send({.url = silent.url(), .time_limit = milliseconds(100)}).error().code, Code::timed_out);
  Server rude([](const std::string&) { return std::string(); });
  EXPECT_EQ(client.send({.url = rude.url()}).error().code, Code::io);
  Server nonsense([](const std::string&) { return std::string("what? Content-Length\r\n\r\n"); });
  const auto puzzled = client.send({.url = nonsense.url()});
  ASSERT_FALSE(puzzled) << puzzled->status << " " << puzzled->body;
  EXPECT_EQ(puzzled.error().code, Code::io) << puzzled.error().text();
}

TEST(HttpClient, a_cancel_ends_a_stream_that_has_no_end) {
  Server server([](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  });
  HttpClient client;
  std::atomic<bool> cancelled{false};
  std::string received;
  const auto ended = client.stream({.url = server.url(), .time_limit = Duration{0}, .cancelled = &cancelled},
                                   [&](const HttpResponse& head, std::string_view piece) -> Status {
                                     EXPECT_EQ(head.status, 200);
                                     EXPECT_EQ(head.header("content-type"), "text/event-stream");
                                     received += piece;
                                     cancelled = true;
                                     return {};
                                   });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::cancelled);
  EXPECT_EQ(received, "data: 1\n\n");
}

TEST(HttpClient, an_error_of_the_taker_ends_the_stream_with_it) {
  Server server([](const std::string&) { return ok(std::string(1 << 20, 'x')); });
  HttpClient client;
  size_t taken = 0;
  const auto ended = client.stream({.url = server.url()}, [&](const HttpResponse&, std::string_view piece) -> Status {
    taken += piece.size();
    return Error(Code::no_space, "the disk is full here");
  });
  EXPECT_EQ(ended.error().code, Code::no_space);
  EXPECT_LT(taken, size_t{1} << 20);
  taken = 0;
  ASSERT_TRUE(client.stream({.url = server.url()}, [&](const HttpResponse&, std::string_view piece) -> Status {
    taken += piece.size();
    return {};
  }));
  EXPECT_EQ(taken, size_t{1} << 20);
}

TEST(HttpClient, nothing_can_be_smuggled_into_a_request) {
  HttpClient client;
  const auto code = [&](const HttpRequest& request) { return client.send(request).error().code; };
  EXPECT_EQ(code({.method = "GET / HTTP/1.1\r\nX: 1", .url = "http://127.0.0.1/"}), Code::invalid);
  EXPECT_EQ(code({.url = "http://127.0.0.1/", .headers = {{"A", "1\r\nB: 2"}}}), Code::invalid);
  EXPECT_EQ(code({.url = "http://127.0.0.1/", .headers = {{"A: x\r\nB", "2"}}}), Code::invalid);
  EXPECT_EQ(code({.url = "http://127.0.0.1/\r\nX: 1"}), Code::invalid);
  EXPECT_EQ(code({.url = "file:///etc/passwd"}), Code::invalid);
  EXPECT_EQ(code({.url = "ftp://127.0.0.1/"}), Code::invalid);
  EXPECT_EQ(code({.url = ""}), Code::invalid);
}

TEST(HttpClient, the_environments_proxy_is_not_asked_for_loopback) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  Server server([](const std::string&) { return ok("direct"); });
  EXPECT_EQ(HttpClient().send({.url = server.url()})->body, "direct");
  ::unsetenv("http_proxy");
}

class UnixSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-socket-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(UnixSocketTest, is_reached_by_a_short_path_and_by_a_long_one) {
  const std::string deep = join_path(folder_, std::string(120, 'd'));
  std::filesystem::create_directory(deep);
  HttpClient client;
  for (const std::string& path : {join_path(folder_, "weir.sock"), join_path(deep, "weir.sock")}) {
    auto bound = SocketPath::of(path);
    ASSERT_TRUE(bound) << bound.error().text();
    Server server([&](const std::string&) { return ok(path); }, bound->text());
    for (int i = 0; i < 2; ++i) {
      const auto response = client.send({.url = "http://localhost/v1/status", .unix_socket = path});
      ASSERT_TRUE(response) << response.error().text();
      EXPECT_EQ(response->body, path);
    }
    EXPECT_EQ(server.connections(), 1);
    EXPECT_THAT(server.requests().at(0), HasSubstr("Host: localhost"));
  }
}

TEST_F(UnixSocketTest, without_a_server_is_unavailable_and_without_a_folder_not_found) {
  HttpClient client;
  const auto nobody = client.send({.url = "http://localhost/", .unix_socket = join_path(folder_, "weir.sock")});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::unavailable);
  EXPECT_THAT(nobody.error().message, HasSubstr("weir.sock"));
  const std::string missing = join_path(join_path(folder_, std::string(120, 'd')), "weir.sock");
  EXPECT_EQ(client.send({.url = "http://localhost/", .unix_socket = missing}).error().code, Code::not_found);
  EXPECT_EQ(SocketPath::of(join_path(folder_, std::string(120, 's'))).error().code, Code::invalid);
}

}  // namespace
}  // namespace weir
