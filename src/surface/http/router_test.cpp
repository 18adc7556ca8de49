// Goal: each request is refused or routed as the table says, from its head alone. Method: scenario tables (request,
// status, what the answer contains and does not contain) over a real socket, and the router by itself.
#include "surface/http/router.h"

#include <gmock/gmock.h>

#include "surface/http/testing.h"
#include "surface/http/url.h"

namespace weir::http {
namespace {

using testing::Client;
using testing::Reply;

Route route(Method method, std::string pattern, Access access = Access::anyone) {
  Route out;
  out.method = method;
  out.pattern = pattern;
  out.access = access;
  out.runs = Runs::on_io;
  out.body_bytes_max = 1000;
  out.handler = answers([pattern](Request& request) -> Result<Response> {
    std::string text = pattern;
    for (size_t index = 0; index < request.path_value_count; ++index) {
      text += " " + std::string(request.path_values[index].name) + "=" + request.path_values[index].value;
    }
    return json_response(text);
  });
  return out;
}

struct Scenario {
  const char* name;
  std::string request;
  int status;
  std::string contains = {};      // head or body
  std::string not_contains = {};  // head or body
};

std::string raw(std::string_view start_line, std::string_view headers = "Host: localhost\r\n",
                std::string_view body = "") {
  return std::string(start_line) + "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
std::string with(std::string_view start_line, std::string_view headers) {
  return raw(start_line, "Host: localhost\r\n" + std::string(headers));
}

class HttpRouting : public testing::ServerFixture {
 protected:
  void SetUp() override {
    router.add(route(Method::get, "/v1/streams"));
    router.add(route(Method::get, "/v1/streams/{name}"));
    Route events = route(Method::post, "/v1/streams/{name}", Access::events);
    events.cross_origin = true;
    router.add(std::move(events));
    router.add(route(Method::get, "/v1/streams/special"));
    router.add(route(Method::get, "/v1/streams/{name}/events"));
    router.add(route(Method::get, "/read", Access::reader));
    router.add(route(Method::post, "/read", Access::reader));
    router.add(route(Method::post, "/admin", Access::admin));
    router.add(route(Method::get, "/metrics", Access::operations));
    const Route& beacon = router.keep(route(Method::post, "{mount}{beacon}", Access::events));
    router.add_resolver([&beacon](Method method, std::string_view path, std::vector<Method>& allowed) -> const Route* {
      if (path != "/Prod/impressions") return nullptr;
      allowed = {Method::post};
      return method == Method::post ? &beacon : nullptr;
    });
    ServerOptions options;
    options.site.hosts = {"shop.example"};
    options.site.origins = {"https://admin.example"};
    start(options);
  }
  void check(const std::vector<Scenario>& scenarios) {
    for (const Scenario& scenario : scenarios) {
      Client client(port());
      const Reply reply = client.ask(scenario.request);
      EXPECT_EQ(reply.status, scenario.status) << scenario.name << ": " << reply.body;
      const std::string all = reply.head + reply.body;
      EXPECT_THAT(all, ::testing::HasSubstr(scenario.contains)) << scenario.name;
      if (!scenario.not_contains.empty()) {
        EXPECT_THAT(all, ::testing::Not(::testing::HasSubstr(scenario.not_contains))) << scenario.name;
      }
    }
  }
};

TEST_F(HttpRouting, paths_find_their_routes) {
  check({
      {"literal", raw("GET /v1/streams HTTP/1.1"), 200, "/v1/streams"},
      {"value", raw("GET /v1/streams/clicks HTTP/1.1"), 200, "name=clicks"},
      {"query is no part of the path", raw("GET /v1/streams/clicks?a=/b HTTP/1.1"), 200, "name=clicks"},
      {"literal wins over value", raw("GET /v1/streams/special HTTP/1.1"), 200, "/v1/streams/special", "name="},
      {"a value may begin as a literal does", raw("GET /v1/streams/special/events HTTP/1.1"), 200, "name=special"},
      {"escapes are decoded", raw("GET /v1/streams/a%20%C3%A4 HTTP/1.1"), 200, "name=a \xc3\xa4"},
      {"an escaped slash stays inside its value", raw("GET /v1/streams/a%2Fevents HTTP/1.1"), 200, "name=a/events"},
      {"a malformed escape", raw("GET /v1/streams/a%2 HTTP/1.1"), 400, "escape"},
      {"an escape that is not UTF-8", raw("GET /v1/streams/%ff HTTP/1.1"), 400, "escape"},
      {"a NUL byte", raw("GET /v1/streams/a%00b HTTP/1.1"), 400, "escape"},
      {"an empty value", raw("GET /v1/streams/ HTTP/1.1"), 404, "not_found"},
      {"dots are plain text", raw("GET /v1/../read HTTP/1.1"), 404, "not_found"},
      {"unknown", raw("GET /nothing HTTP/1.1"), 404, "not_found"},
      {"other method", raw("DELETE /v1/streams/clicks HTTP/1.1"), 405, "Allow: GET, HEAD, POST"},
      {"unknown method", raw("BREW /v1/streams/clicks HTTP/1.1"), 405, "Allow:"},
      {"what it allows", raw("OPTIONS /v1/streams HTTP/1.1"), 204, "Allow: GET, HEAD"},
      {"a resolved path", raw("POST /Prod/impressions HTTP/1.1"), 200, "{beacon}"},
      {"a resolved path's other method", raw("GET /Prod/impressions HTTP/1.1"), 405, "Allow: POST"},
  });
}

TEST_F(HttpRouting, malformed_requests_are_refused_with_a_short_text) {
  check({
      {"no request line", raw("hello"), 400, "malformed"},
      {"no host", raw("GET /v1/streams HTTP/1.1", ""), 400, "Host"},
      {"two hosts", with("GET /v1/streams HTTP/1.1", "Host: localhost\r\n"), 400, "Host"},
      {"absolute target", raw("GET http://localhost/v1/streams HTTP/1.1"), 400, "path"},
      {"space before colon", with("GET /v1/streams HTTP/1.1", "X-A : b\r\n"), 400, "malformed"},
      {"folded header", with("GET /v1/streams HTTP/1.1", "X-A: b\r\n c\r\n"), 400, "two lines"},
      {"control character", with("GET /v1/streams HTTP/1.1", "X-A: b\x01\r\n"), 400, "malformed"},
      {"two lengths", with("POST /v1/streams/a HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400,
       "Content-Length"},
      {"negative length", with("POST /v1/streams/a HTTP/1.1", "Content-Length: -1\r\n"), 400, "Content-Length"},
      {"length beyond 64 bits", with("POST /v1/streams/a HTTP/1.1", "Content-Length: 99999999999999999999\r\n"), 400,
       "Content-Length"},
      {"length and chunks", with("POST /v1/streams/a HTTP/1.1", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
       400, "Encoding"},
      {"chunks and length", with("POST /v1/streams/a HTTP/1.1", "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
       400, "Content-Length"},
      {"other transfer encoding", with("POST /v1/streams/a HTTP/1.1", "Transfer-Encoding: gzip\r\n"), 501, "chunked"},
      {"two transfer encodings", with("POST /v1/streams/a HTTP/1.1", "Transfer-Encoding: gzip, chunked\r\n"), 501,
       "chunked"},
      {"chunks of an old client", with("POST /v1/streams/a HTTP/1.0", "Transfer-Encoding: chunked\r\n"), 400, "1.0"},
      {"malformed chunk",
       raw("POST /v1/streams/a HTTP/1.1", "Host: localhost\r\nTransfer-Encoding: chunked\r\n", "zz\r\n\r\n"), 400,
       "body"},
      {"newer version", raw("GET /v1/streams HTTP/2.0"), 505, "HTTP/1.1"},
      {"other expectation", with("POST /v1/streams/a HTTP/1.1", "Expect: more\r\nContent-Length: 1\r\n"), 417,
       "100-continue"},
      {"long target", raw("GET /" + std::string(9000, 'a') + " HTTP/1.1"), 414, "8 KiB"},
      {"long head", with("GET /v1/streams HTTP/1.1", "X-A: " + std::string(17000, 'a') + "\r\n"), 431, "16 KiB"},
      {"long head without an end", "GET /v1/streams HTTP/1.1\r\nX-A: " + std::string(17000, 'a'), 431, "16 KiB"},
      {"many headers",
       with("GET /v1/streams HTTP/1.1",
            [] {
              std::string headers;
              for (int index = 0; index < 64; ++index) headers += "X-A: b\r\n";
              return headers;
            }()),
       431, "64"},
      {"large body", with("POST /v1/streams/a HTTP/1.1", "Content-Length: 1001\r\n"), 413, "1001"},
  });
}

TEST_F(HttpRouting, only_the_servers_own_names_and_pages_are_taken) {
  check({
      {"rebound name", raw("GET /v1/streams HTTP/1.1", "Host: evil.example\r\n"), 403, "evil.example"},
      {"loopback names", raw("GET /v1/streams HTTP/1.1", "Host: 127.0.0.1:8480\r\n"), 200},
      {"loopback of IPv6", raw("GET /v1/streams HTTP/1.1", "Host: [::1]:8480\r\n"), 200},
      {"declared name", raw("GET /v1/streams HTTP/1.1", "Host: Shop.Example:443\r\n"), 200},
      {"a name that only ends like ours", raw("GET /v1/streams HTTP/1.1", "Host: not-localhost\r\n"), 403},
      {"a name with a user", raw("GET /v1/streams HTTP/1.1", "Host: localhost@evil\r\n"), 403},
      {"own page", with("GET /v1/streams HTTP/1.1", "Origin: http://localhost\r\n"), 200},
      {"page of another port", with("GET /v1/streams HTTP/1.1", "Origin: http://localhost:3000\r\n"), 403,
       "localhost:3000"},
      {"declared page", with("GET /v1/streams HTTP/1.1", "Origin: https://admin.example\r\n"), 200},
      {"foreign page", with("GET /v1/streams HTTP/1.1", "Origin: https://evil.example\r\n"), 403},
      {"page without a name", with("GET /v1/streams HTTP/1.1", "Origin: null\r\n"), 403},
      {"events judge their origins themselves", with("POST /v1/streams/a HTTP/1.1", "Origin: https://evil.example\r\n"),
       200},
  });
}

TEST_F(HttpRouting, routes_open_to_those_who_may_use_them) {
  const std::string admin = "Authorization: Bearer admin-token\r\n", read = "Authorization: bearer read-token\r\n",
                    write = "Authorization: Bearer write-token\r\n", wrong = "Authorization: Bearer nonsense\r\n",
                    cookie = "Cookie: theme=dark; weir_session=good-session\r\n",
                    ended = "Cookie: weir_session=old\r\n", own_page = "Origin: http://localhost\r\n",
                    mark = "X-Weir: 1\r\n";
  check({
      {"nobody", with("GET /read HTTP/1.1", ""), 401, "WWW-Authenticate: Bearer"},
      {"reader", with("GET /read HTTP/1.1", read), 200},
      {"administrator", with("GET /read HTTP/1.1", admin), 200},
      {"writer", with("GET /read HTTP/1.1", write), 403, "denied"},
      {"wrong token", with("GET /read HTTP/1.1", wrong), 401, "not known"},
      {"wrong token where none is needed", with("GET /v1/streams HTTP/1.1", wrong), 200},
      {"other scheme", with("GET /read HTTP/1.1", "Authorization: Basic YWRtaW46YWRtaW4=\r\n"), 401},
      {"reader at the administrator's", with("POST /admin HTTP/1.1", read), 403},
      {"administrator's own", with("POST /admin HTTP/1.1", admin), 200},
      {"signed in", with("GET /read HTTP/1.1", cookie), 200},
      {"session ended", with("GET /read HTTP/1.1", ended), 401},
      {"signed in, changing, from our page", with("POST /read HTTP/1.1", cookie + own_page + mark), 200},
      {"signed in, changing, without the mark", with("POST /read HTTP/1.1", cookie + own_page), 403, "X-Weir"},
      {"signed in, changing, without an origin", with("POST /read HTTP/1.1", cookie + mark), 403, "X-Weir"},
      {"signed in, changing, from elsewhere",
       with("POST /read HTTP/1.1", cookie + mark + "Origin: https://evil.example\r\n"), 403},
      {"a token needs no mark", with("POST /read HTTP/1.1", admin), 200},
      {"operations from this machine", with("GET /metrics HTTP/1.1", ""), 200},
      {"operations through a proxy", with("GET /metrics HTTP/1.1", "X-Forwarded-For: 192.0.2.1\r\n"), 401},
      {"operations through a proxy, reader", with("GET /metrics HTTP/1.1", "Forwarded: for=192.0.2.1\r\n" + read), 200},
      {"events with a wrong token", with("POST /v1/streams/a HTTP/1.1", wrong), 401},
      {"events ignore the cookie", with("POST /v1/streams/a HTTP/1.1", ended), 200},
  });
}

TEST_F(HttpRouting, every_answer_carries_the_headers_that_keep_a_browser_safe) {
  check({
      {"success", raw("GET /v1/streams HTTP/1.1"), 200, "X-Content-Type-Options: nosniff"},
      {"no caching", raw("GET /v1/streams HTTP/1.1"), 200, "Cache-Control: no-store"},
      {"no framing", raw("GET /v1/streams HTTP/1.1"), 200, "frame-ancestors 'none'"},
      {"an error too", raw("GET /nothing HTTP/1.1"), 404, "X-Frame-Options: DENY"},
      {"which request", raw("GET /nothing HTTP/1.1"), 404, "X-Request-Id: "},
  });
}

TEST(Url, escapes_and_lists_read_as_they_are_meant) {
  EXPECT_EQ(percent_decode("a%2Bb+c"), "a+b+c");
  EXPECT_EQ(percent_decode("a%2Bb+c", true), "a+b c");
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  const auto pairs = query_pairs("a=1&&b&c=x%20y&d=%&=e");
  ASSERT_EQ(pairs.size(), 5u);
  EXPECT_EQ(pairs[1], (std::pair<std::string, std::string>("b", "")));
  EXPECT_EQ(pairs[2].second, "x y");
  EXPECT_EQ(pairs[3].second, "%");
  EXPECT_EQ(cookie_value("a=1; weir_session=x=y; b=2", "weir_session"), "x=y");
  EXPECT_EQ(cookie_value("not_weir_session=x", "weir_session"), "");
  EXPECT_TRUE(names_token("br, GZIP;q=0.8", "gzip"));
  EXPECT_FALSE(names_token("gzip;q=0, br", "gzip"));
  EXPECT_FALSE(names_token("gzipped", "gzip"));
  EXPECT_EQ(host_name("[::1]:80"), "[::1]");
  EXPECT_EQ(host_name("localhost:999999"), "");
}

}  // namespace
}  // namespace weir::http
