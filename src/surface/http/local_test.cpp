// Goal: a route answers the same whether it is asked over a socket or by the command that opened the folder itself.
#include "surface/http/local.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace weir::http {
namespace {

Route route(std::string pattern, Handler handler) {
  Route out;
  out.pattern = std::move(pattern);
  out.access = Access::owner;
  out.handler = std::move(handler);
  return out;
}

TEST(LocalCall, answers_as_the_folders_owner) {
  Router router;
  router.add(route("/who/{name}", answers([](Request& request) -> Result<Response> {
                     EXPECT_TRUE(request.caller.may_administer());
                     return json_response(request.caller.name() + " asks for " +
                                          std::string(request.parameter("name")) + " " + *request.query_value("x"));
                   })));
  const LocalResponse response = call_locally(router, {.target = "/who/a%20b?x=1"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "local asks for a b 1");
  EXPECT_EQ(call_locally(router, {.target = "/nowhere"}).status, 404);
  EXPECT_EQ(call_locally(router, {.method = "POST", .target = "/who/x"}).status, 405);
}

TEST(LocalCall, waits_for_an_answer_from_another_thread) {
  Router router;
  std::thread answering;
  router.add(route("/later", [&](Request&, const Responder& responder) {
    answering = std::thread([responder] { responder.send(json_response("late")); });
  }));
  EXPECT_EQ(call_locally(router, {.target = "/later"}).body, "late");
  answering.join();
}

TEST(LocalCall, a_dropped_request_fails_instead_of_waiting_for_ever) {
  Router router;
  router.add(route("/dropped", [](Request&, const Responder&) {}));
  EXPECT_EQ(call_locally(router, {.target = "/dropped"}).status, 500);
}

TEST(LocalCall, a_streamed_body_larger_than_the_buffer_comes_whole_or_in_pieces) {
  Router router;
  const auto write_all = [](const std::shared_ptr<BodyStream>& body) {
    for (int count = 0; count < 1000; ++count) {
      if (!body->write(std::string(1000, 'x'))) return;
    }
    body->finish();
  };
  std::thread writing;
  router.add(route("/here", [&](Request&, const Responder& responder) { write_all(responder.stream({})); }));
  router.add(route("/there", [&](Request&, const Responder& responder) {
    writing = std::thread([&write_all, body = responder.stream({})] { write_all(body); });
  }));
  for (const char* target : {"/here", "/there"}) {
    EXPECT_EQ(call_locally(router, {.target = target}).body.size(), 1'000'000u);
    if (writing.joinable()) writing.join();
    size_t pieces = 0;
    const LocalResponse stopped =
        call_locally(router, {.target = target}, {}, [&](std::string_view) { return ++pieces < 3; });
    if (writing.joinable()) writing.join();
    EXPECT_EQ(pieces, 3u) << target;
    EXPECT_TRUE(stopped.body.empty());
  }
}

}  // namespace
}  // namespace weir::http
