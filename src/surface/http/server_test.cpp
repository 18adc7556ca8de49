// Goal: the server keeps its promises against real sockets: order, limits, slow and rude clients, late answers, drain.
// Method: a server with a handful of small routes on a free port; a client that writes bytes as they are.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "surface/http/testing.h"

namespace weir::http {
namespace {

using testing::Client;
using testing::eventually;
using testing::get;
using testing::post;
using testing::Reply;

Route route(Method method, std::string pattern, Handler handler, Runs runs = Runs::on_io) {
  Route out;
  out.method = method;
  out.pattern = std::move(pattern);
  out.access = Access::anyone;
  out.runs = runs;
  out.handler = std::move(handler);
  return out;
}

Handler echo() {
  return answers([](Request& request) -> Result<Response> {
    Response response = json_response(std::string(request.body));
    response.content_type = "text/plain";
    return response;
  });
}

class HttpServer : public testing::ServerFixture {
 protected:
  void SetUp() override {
    Route echo_route = route(Method::post, "/echo", echo());
    echo_route.body_bytes_max = 1 << 20;
    router.add(std::move(echo_route));
    router.add(route(Method::post, "/lane/echo", echo(), Runs::on_lane));
    router.add(route(Method::get, "/hello/{name}", answers([](Request& request) -> Result<Response> {
                       return json_response("hello " + std::string(request.parameter("name")));
                     })));
    router.add(route(Method::get, "/later", [this](Request&, const Responder& responder) {
      const std::lock_guard lock(mutex);
      kept.push_back(responder);
    }));
    router.add(route(
        Method::get, "/lane/later",
        [this](Request& request, const Responder& responder) {
          const std::lock_guard lock(mutex);
          cancels.push_back(*request.cancel);
          kept.push_back(responder);
        },
        Runs::on_lane));
    router.add(route(Method::get, "/dropped", [](Request&, const Responder&) {}));
    router.add(
        route(Method::get, "/throws", [](Request&, const Responder&) { throw std::runtime_error("secret path"); }));
    router.add(route(Method::get, "/broken", answers([](Request&) -> Result<Response> {
                       return Error(Code::io, "cannot read /home/somebody/.weir/control.db");
                     })));
  }
  size_t kept_count() {
    const std::lock_guard lock(mutex);
    return kept.size();
  }
  std::vector<Responder> take_kept() {
    const std::lock_guard lock(mutex);
    return std::exchange(kept, {});
  }

  std::mutex mutex;
  std::vector<Responder> kept;
  std::vector<Cancel> cancels;
};

TEST_F(HttpServer, answers_requests_on_one_connection_one_after_another) {
  start();
  Client client(port());
  for (int round = 0; round < 3; ++round) {
    const Reply reply = client.ask(post("/echo", "round " + std::to_string(round)));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "round " + std::to_string(round));
  }
}

TEST_F(HttpServer, answers_pipelined_requests_in_order_whatever_their_speed) {
  start();
  Client client(port());
  client.send(get("/later") + post("/lane/echo", "second") + post("/echo", "third") + get("/hello/fourth"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  take_kept()[0].send(json_response("first"));
  EXPECT_EQ(client.read().body, "first");
  EXPECT_EQ(client.read().body, "second");
  EXPECT_EQ(client.read().body, "third");
  EXPECT_EQ(client.read().body, "hello fourth");
}

TEST_F(HttpServer, reads_a_request_that_arrives_byte_by_byte) {
  start();
  Client client(port());
  const std::string request = post("/echo", "abc");
  for (const char byte : request) ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_EQ(client.read().body, "abc");
}

TEST_F(HttpServer, reads_a_large_body_in_pieces_on_either_kind_of_route) {
  start();
  std::string body(900'000, 'x');
  body[123'456] = 'y';
  Client client(port());
  EXPECT_EQ(client.ask(post("/echo", body)).body, body);
  EXPECT_EQ(client.ask(post("/lane/echo", body)).body, body);
}

TEST_F(HttpServer, reads_chunked_bodies_split_anywhere) {
  start();
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n7;name=value\r\n, world\r\n0\r\nX-Trailer: ignored\r\n\r\n";
  for (size_t cut = 1; cut < request.size(); cut += 7) {
    Client client(port());
    client.send(request.substr(0, cut));
    client.send(request.substr(cut));
    EXPECT_EQ(client.read().body, "hello, world") << cut;
    EXPECT_EQ(client.ask(post("/echo", "next")).body, "next") << cut;
  }
}

TEST_F(HttpServer, refuses_a_body_over_the_routes_limit_before_reading_it) {
  start();
  Client client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_THAT(reply.body, ::testing::HasSubstr("1048577"));
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(client.is_ended());
}

TEST_F(HttpServer, a_client_that_sends_too_much_still_reads_why) {
  start();
  Client client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int count = 0; count < 40; ++count) client.send(chunk);
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(HttpServer, says_continue_only_to_a_request_it_will_read) {
  start();
  Client client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("abc");
  EXPECT_EQ(client.read().body, "abc");
  client.send("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read().status, 404);
}

TEST_F(HttpServer, a_request_dropped_by_its_handler_is_answered_500) {
  start();
  Client client(port());
  EXPECT_EQ(client.ask(get("/dropped")).status, 500);
  EXPECT_EQ(client.ask(get("/hello/again")).status, 200);
}

TEST_F(HttpServer, an_exception_in_a_handler_is_answered_500_and_says_nothing_of_our_inside) {
  start();
  Client client(port());
  for (const char* path : {"/throws", "/broken"}) {
    const Reply reply = client.ask(get(path));
    EXPECT_EQ(reply.status, 500);
    EXPECT_THAT(reply.body, ::testing::Not(::testing::HasSubstr("secret")));
    EXPECT_THAT(reply.body, ::testing::Not(::testing::HasSubstr("control.db")));
    EXPECT_THAT(reply.body, ::testing::HasSubstr(reply.headers.at("x-request-id")));
  }
}

TEST_F(HttpServer, an_administrator_sees_the_reason_of_an_internal_error) {
  start();
  Client client(port());
  EXPECT_THAT(client.ask(get("/broken", "Authorization: Bearer admin-token\r\n")).body,
              ::testing::HasSubstr("control.db"));
}

TEST_F(HttpServer, only_the_first_answer_counts) {
  start();
  Client client(port());
  client.send(get("/later"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  const std::vector<Responder> responders = take_kept();
  responders[0].send(json_response("one"));
  responders[0].send(json_response("two"));
  EXPECT_EQ(client.read().body, "one");
  EXPECT_EQ(client.ask(get("/hello/x")).body, "hello x");
}

TEST_F(HttpServer, many_late_answers_from_another_thread_reach_their_own_clients) {
  start();
  constexpr size_t kClients = 64;
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t index = 0; index < kClients; ++index) {
    clients.push_back(std::make_unique<Client>(port()));
    clients[index]->send(get("/later"));
    ASSERT_TRUE(eventually([&] { return kept_count() == index + 1; }));
  }
  std::thread([responders = take_kept()] {
    for (size_t index = 0; index < responders.size(); ++index)
      responders[index].send(json_response(std::to_string(index)));
  }).join();
  for (size_t index = 0; index < kClients; ++index) EXPECT_EQ(clients[index]->read().body, std::to_string(index));
}

TEST_F(HttpServer, an_answer_for_a_client_that_left_harms_nobody) {
  start();
  {
    Client client(port());
    client.send(get("/later"));
    ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  }
  take_kept()[0].send(json_response("too late"));
  Client other(port());
  EXPECT_EQ(other.ask(get("/hello/x")).body, "hello x");
}

TEST_F(HttpServer, an_answer_after_the_server_ended_is_dropped) {
  start();
  Client client(port());
  client.send(get("/later"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  server.reset();
  take_kept()[0].send(json_response("nobody listens"));
}

TEST_F(HttpServer, a_client_that_leaves_cancels_its_work_on_the_lane) {
  start();
  Client client(port());
  client.send(get("/lane/later"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  EXPECT_FALSE(cancels[0].is_cancelled());
  client.hang_up();
  EXPECT_TRUE(eventually([&] { return cancels[0].is_cancelled(); }));
}

TEST_F(HttpServer, a_capture_is_answered_to_a_client_that_closed_its_sending_side) {
  start();
  Client client(port());
  client.send(get("/later"));
  client.half_close();
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  take_kept()[0].send(json_response("kept"));
  EXPECT_EQ(client.read().body, "kept");
}

TEST_F(HttpServer, head_requests_get_the_head_alone) {
  start();
  Client client(port());
  const Reply reply = client.ask("HEAD /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-length"), "7");
  EXPECT_EQ(client.ask(get("/hello/y")).body, "hello y");
}

TEST_F(HttpServer, an_old_client_is_answered_and_its_connection_ends) {
  start();
  Client client(port());
  const Reply reply = client.ask("GET /hello/x HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(reply.body, "hello x");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(client.is_ended());
}

TEST_F(HttpServer, an_idle_connection_and_a_slow_head_and_a_slow_body_end_in_time) {
  ServerOptions options;
  options.idle_max = milliseconds(300);
  options.head_max = milliseconds(300);
  options.body_max = milliseconds(300);
  start(options);
  Client idle(port()), slow_head(port()), slow_body(port());
  slow_head.send("GET /hello/x HTTP/1.1\r\nHost: loc");
  slow_body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(idle.is_ended());
  EXPECT_EQ(slow_head.read().status, 408);
  EXPECT_EQ(slow_body.read().status, 408);
}

TEST_F(HttpServer, a_client_that_does_not_read_is_cut) {
  router.add(route(Method::get, "/large",
                   answers([](Request&) -> Result<Response> { return json_response(std::string(64 << 20, 'x')); })));
  ServerOptions options;
  options.write_max = milliseconds(300);
  start(options);
  Client client(port());
  client.send(get("/large"));
  EXPECT_TRUE(eventually([&] { return metrics.read("weir_http_connections").value_or(-1) == 1; }));
  EXPECT_TRUE(eventually([&] { return metrics.read("weir_http_connections").value_or(-1) == 0; }));
}

TEST_F(HttpServer, at_its_most_connections_the_oldest_idle_one_makes_room) {
  ServerOptions options;
  options.connections_max = 2;
  options.threads = 1;
  start(options);
  Client first(port());
  EXPECT_EQ(first.ask(get("/hello/1")).status, 200);
  Client second(port());
  EXPECT_EQ(second.ask(get("/hello/2")).status, 200);
  Client third(port());
  EXPECT_EQ(third.ask(get("/hello/3")).status, 200);
  EXPECT_TRUE(first.is_ended());
  second.send(get("/later"));
  third.send(get("/later"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 2; }));
  Client fourth(port());
  EXPECT_EQ(fourth.read().status, 503);
}

TEST_F(HttpServer, bodies_under_way_share_one_limit_of_memory) {
  ServerOptions options;
  options.bodies_bytes_max = 600'000;
  start(options);
  const std::string half(500'000, 'x');
  Client first(port()), second(port());
  first.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + half);
  EXPECT_TRUE(eventually([&] { return metrics.read("weir_http_received_bytes_total").value_or(0) > 500'000; }));
  second.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + half);
  EXPECT_EQ(second.read().status, 503);
  first.send(std::string(400'000, 'x'));
  EXPECT_EQ(first.read().status, 503);  // it alone grew beyond
  Client third(port());
  EXPECT_EQ(third.ask(post("/echo", half)).status, 200);
}

TEST_F(HttpServer, a_drain_finishes_what_is_under_way_and_ends_what_is_idle) {
  start();
  Client idle(port()), busy(port());
  EXPECT_EQ(idle.ask(get("/hello/x")).status, 200);
  busy.send(get("/later"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  std::thread answering([&] {
    EXPECT_TRUE(idle.is_ended());
    take_kept()[0].send(json_response("finished"));
  });
  EXPECT_TRUE(server->stop(seconds(10)));
  answering.join();
  const Reply reply = busy.read();
  EXPECT_EQ(reply.body, "finished");
  EXPECT_EQ(reply.headers.at("connection"), "close");
}

TEST_F(HttpServer, a_drain_does_not_wait_long_for_a_request_that_does_not_arrive) {
  start();
  Client head(port()), body(port());
  head.send("GET /hello/x HT");
  body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
  ASSERT_TRUE(eventually([&] { return metrics.read("weir_http_received_bytes_total").value_or(0) > 70; }));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(server->stop(seconds(30)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(head.read().status, 503);
  EXPECT_EQ(body.read().status, 503);
}

TEST_F(HttpServer, a_drain_that_takes_too_long_says_so) {
  start();
  Client client(port());
  client.send(get("/later"));
  ASSERT_TRUE(eventually([&] { return kept_count() == 1; }));
  const Status stopped = server->stop(milliseconds(20));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::timed_out);
}

TEST_F(HttpServer, requests_and_their_statuses_are_counted_by_route) {
  start();
  Client client(port());
  client.ask(get("/hello/x"));
  client.ask(get("/hello/y"));
  client.ask(get("/nowhere"));
  EXPECT_EQ(
      metrics.read("weir_http_requests_total", {{"method", "GET"}, {"route", "/hello/{name}"}, {"status", "200"}}), 2);
  EXPECT_EQ(metrics.read("weir_http_requests_total", {{"method", ""}, {"route", "none"}, {"status", "404"}}), 1);
}

TEST_F(HttpServer, off_loopback_without_tls_nothing_is_listened_on) {
  ServerOptions options;
  options.address = "0.0.0.0";
  const auto started = Server::start(options, router, gate, clock, metrics, lanes);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::unsupported);
}

TEST_F(HttpServer, a_port_that_is_taken_is_named) {
  start();
  ServerOptions options;
  options.port = port();
  const auto second = Server::start(options, router, gate, clock, metrics, lanes);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr(std::to_string(port())));
}

// --- the Unix socket ----------------------------------------------------------------------------------------------

class HttpUnixSocket : public HttpServer {
 protected:
  void SetUp() override {
    HttpServer::SetUp();
    Route owner = route(Method::get, "/owner", echo());
    owner.access = Access::owner;
    router.add(std::move(owner));
    folder = std::filesystem::temp_directory_path() / ("weir_http_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    options.socket_path = folder / "weir.sock";
  }
  void TearDown() override {
    HttpServer::TearDown();
    std::filesystem::remove_all(folder);
  }
  std::filesystem::path folder;
  ServerOptions options;
};

TEST_F(HttpUnixSocket, makes_its_owner_the_administrator_and_lets_nobody_else_in) {
  start(options);
  struct stat found {};
  ASSERT_EQ(::stat(options.socket_path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  Client client(options.socket_path);
  EXPECT_EQ(client.ask("GET /owner HTTP/1.1\r\nHost: anything\r\n\r\n").status, 200);
  EXPECT_THAT(client.ask(get("/broken")).body, ::testing::HasSubstr("control.db"));
  Client over_tcp(port());
  EXPECT_EQ(over_tcp.ask(get("/owner", "Authorization: Bearer admin-token\r\n")).status, 403);
}

TEST_F(HttpUnixSocket, replaces_what_a_killed_server_left_and_removes_its_own) {
  start(options);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(options.socket_path));
  {
    const int left_behind = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(left_behind, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(left_behind);
  }
  start(options);
  Client client(options.socket_path);
  EXPECT_EQ(client.ask(get("/owner")).status, 200);
}

TEST_F(HttpUnixSocket, never_removes_a_file_that_is_no_socket) {
  std::ofstream(options.socket_path) << "a person's file";
  const auto started = Server::start(options, router, gate, clock, metrics, lanes);
  ASSERT_FALSE(started);
  EXPECT_TRUE(std::filesystem::exists(options.socket_path));
}

TEST_F(HttpUnixSocket, works_where_the_path_is_longer_than_a_sockets_name) {
  const auto deep = folder / std::string(100, 'a') / std::string(100, 'b');
  std::filesystem::create_directories(deep);
  options.socket_path = deep / "weir.sock";
  start(options);
  EXPECT_TRUE(std::filesystem::is_socket(options.socket_path));
}

// --- streamed bodies ----------------------------------------------------------------------------------------------

class HttpStream : public HttpServer {
 protected:
  void SetUp() override {
    HttpServer::SetUp();
    router.add(route(
        Method::get, "/numbers",
        [](Request&, const Responder& responder) {
          Response head;
          head.content_type = "text/plain";
          const auto body = responder.stream(head);
          for (int number = 0; number < 100'000; ++number) {
            if (!body->write(std::to_string(number) + "\n")) return;
          }
          body->finish();
        },
        Runs::on_lane));
    router.add(route(
        Method::get, "/half",
        [](Request&, const Responder& responder) {
          const auto body = responder.stream({});
          const Status wrote = body->write("half of it");
          EXPECT_TRUE(wrote);
        },
        Runs::on_lane));
    router.add(route(
        Method::get, "/endless",
        [this](Request&, const Responder& responder) {
          stream = responder.stream({}, {.endless = true, .waiting_bytes_max = 1000});
          EXPECT_TRUE(stream->offer("begun\n"));
          is_begun = true;
        },
        Runs::on_lane));
  }
  std::shared_ptr<BodyStream> stream;
  std::atomic<bool> is_begun{false};
};

TEST_F(HttpStream, a_body_longer_than_every_buffer_arrives_whole) {
  start();
  Client client(port());
  const Reply reply = client.ask(get("/numbers"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.size(), 588'890u + 0u);
  EXPECT_TRUE(reply.body.ends_with("99998\n99999\n"));
  EXPECT_EQ(client.ask(get("/hello/x")).body, "hello x");
}

TEST_F(HttpStream, an_old_client_reads_it_to_the_connections_end) {
  start();
  Client client(port());
  const Reply reply = client.ask("GET /numbers HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(reply.body.ends_with("99998\n99999\n"));
}

TEST_F(HttpStream, a_body_that_was_not_finished_cuts_the_connection) {
  start();
  Client client(port());
  client.send(get("/half"));
  EXPECT_EQ(client.read().status, 0);
}

TEST_F(HttpStream, a_writer_is_told_that_its_client_left) {
  start();
  Client client(port());
  client.send(get("/endless"));
  ASSERT_TRUE(client.wait_for_text("begun"));
  client.hang_up();
  EXPECT_TRUE(eventually([&] { return stream->is_closed(); }));
  EXPECT_FALSE(stream->offer("more"));
  EXPECT_FALSE(stream->write("more"));
}

TEST_F(HttpStream, what_is_offered_beyond_the_limit_is_refused_not_kept) {
  start();
  Client client(port());
  client.send(get("/endless"));
  ASSERT_TRUE(client.wait_for_text("begun"));
  const std::string piece(100'000, 'x');
  size_t taken = 0, refused = 0;
  while (refused == 0 && taken < 10'000) ++(stream->offer(piece) ? taken : refused);
  EXPECT_EQ(refused, 1u);
}

TEST_F(HttpStream, a_drain_ends_an_endless_one_properly) {
  start();
  Client client(port());
  client.send(get("/endless"));
  ASSERT_TRUE(client.wait_for_text("begun"));
  EXPECT_TRUE(server->stop(seconds(10)));
  EXPECT_TRUE(client.wait_for_text("\r\n0\r\n\r\n"));
  EXPECT_TRUE(stream->is_closed());
}

}  // namespace
}  // namespace weir::http
