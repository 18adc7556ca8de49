// Goal: pages, shells and programs see the rooms' state in the promised form.
// Method: every room for real in a temporary folder, requests over real sockets; scenario tables where requests alone
// decide.
#include <fstream>

#include "surface/http/local.h"
#include "surface/http/rates.h"
#include "surface/http/routes/rooms_testing.h"

namespace weir::http {
namespace {

using testing::Client;
using testing::eventually;
using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::post;
using testing::Reply;

struct Scenario {
  const char* name;
  std::string request;
  int status;
  std::string contains = {};
  std::string not_contains = {};
};

class Routes : public testing::RoomsFixture {
 protected:
  void check(const std::vector<Scenario>& scenarios) {
    for (const Scenario& scenario : scenarios) {
      const Reply reply = ask(scenario.request);
      EXPECT_EQ(reply.status, scenario.status) << scenario.name << ": " << reply.body;
      const std::string all = reply.head + reply.body;
      EXPECT_THAT(all, HasSubstr(scenario.contains)) << scenario.name;
      if (!scenario.not_contains.empty()) {
        EXPECT_THAT(all, Not(HasSubstr(scenario.not_contains))) << scenario.name;
      }
    }
  }
  void send_orders(int count) {
    std::string body;
    for (int number = 1; number <= count; ++number) {
      body +=
          "{\"order_id\":\"o" + std::to_string(number) + "\",\"amount\":" + std::to_string(number) + ",\"more\":[1]}\n";
    }
    ASSERT_EQ(ask_json(post("/v1/streams/orders", body, writer))["accepted"].as_int(), count);
  }
};

TEST_F(Routes, requests_are_answered_as_the_table_says) {
  send_orders(3);
  const std::string deleted = "HTTP/1.1\r\nHost: localhost\r\n" + admin + "\r\n";
  const std::vector<Scenario> scenarios = {
      {"live", get("/health/live"), 200, R"({"live":true})"},
      {"ready", get("/health/ready"), 200, R"("ready":true)"},
      {"metrics", get("/metrics"), 200, "# TYPE weir_http_requests_total counter"},
      {"status needs a token", get("/v1/status"), 401},
      {"status", get("/v1/status", reader), 200, R"("version":"0.1.0")"},
      {"streams", get("/v1/streams", reader), 200,
       R"("endpoints":["/impressions","/Prod/impressions","/v1/streams/impressions"])"},
      {"writers do not look", get("/v1/streams", writer), 403},
      {"unknown stream", get("/v1/streams/ordrs", reader), 404, "orders"},
      {"detail", get("/v1/streams/orders", reader), 200, R"("description":"Who it is")"},
      {"events", get("/v1/streams/orders/events?limit=2", reader), 200, R"("id":"o3")", R"("id":"o1")"},
      {"too many events", get("/v1/streams/orders/events?limit=1001", reader), 400, "1 to 1000"},
      {"limit in words", get("/v1/streams/orders/events?limit=all", reader), 400, "1 to 1000"},
      {"no quarantine", get("/v1/streams/orders/quarantine", reader), 200, R"({"records":[]})"},
      {"sql", post("/v1/sql", R"({"sql":"SELECT 1 AS one"})", reader), 200, R"("rows":[[1]])"},
      {"sql without a token", post("/v1/sql", R"({"sql":"SELECT 1"})"), 401},
      {"sql with a parameter", post("/v1/sql", R"({"sql":"SELECT $1 + 1 AS n","parameters":[41]})", reader), 200, "42"},
      {"sql with a mistake", post("/v1/sql", R"({"sql":"SELECT\n  nothing FROM orders"})", reader), 400, R"("line":2)"},
      {"sql that changes", post("/v1/sql", R"({"sql":"DROP TABLE orders"})", admin), 400, "it is a stream"},
      {"sql with an unknown key", post("/v1/sql", R"({"sql":"SELECT 1","row_max":1})", reader), 400, "rows_max"},
      {"sql in another shape", post("/v1/sql", R"(["SELECT 1"])", reader), 400, "object"},
      {"sql cut", post("/v1/sql", R"j({"sql":"SELECT * FROM range(10)","rows_max":3})j", reader), 200,
       R"("truncated":true)"},
      {"csv", post("/v1/sql", R"({"sql":"SELECT 1 AS a, 'x,y' AS b"})", reader + "Accept: text/csv\r\n"), 200,
       "a,b\r\n1,\"x,y\"\r\n"},
      {"ndjson", post("/v1/sql", R"({"sql":"SELECT 1 AS a"})", reader + "Accept: application/x-ndjson\r\n"), 200,
       "{\"a\":1}"},
      {"parquet", post("/v1/sql", R"({"sql":"SELECT 1 AS a"})", reader + "Accept: application/vnd.apache.parquet\r\n"),
       200, "PAR1"},
      {"csv of a mistake", post("/v1/sql", R"({"sql":"SELEC 1"})", reader + "Accept: text/csv\r\n"), 400, "error"},
      {"catalog", get("/v1/catalog", reader), 200, R"("name":"orders","kind":"stream")"},
      {"statements", get("/v1/statements", reader), 200, R"({"statements":[]})"},
      {"cancel nothing", "DELETE /v1/statements/00000000-0000-4000-8000-000000000000 " + deleted, 404},
      {"explain nothing", get("/v1/events/unknown", reader), 200, R"("found":false)"},
      {"explain", get("/v1/events/o2", reader), 200, R"("rows":{"orders":1})"},
      {"administration is closed to readers", get("/v1/tokens", reader), 403},
      {"tokens without their texts", get("/v1/tokens", admin), 200, R"("role":"write")", "weir_"},
      {"a token of no role", post("/v1/tokens", R"({"role":"king"})", admin), 400},
      {"no secrets", get("/v1/secrets", admin), 200, R"({"secrets":[]})"},
      {"plan", post("/v1/plan", R"({"files":{"weir.yaml":"name: x"}})", admin), 200, R"("applied":false)"},
      {"plan of the server's folder", post("/v1/plan", R"({"folder":true})", admin), 200, R"("settings")"},
      {"plan of both", post("/v1/plan", R"({"folder":true,"files":{}})", admin), 400, "exclude"},
      {"plan of nothing", post("/v1/plan", "{}", admin), 400, "files"},
      {"drain", post("/v1/lake/drain", "", admin), 200, R"({"cursor":4})"},
      {"manifest", get("/v1/lake/manifest/orders", admin), 200, R"("rows":3)"},
      {"verify", post("/v1/lake/verify", "", admin), 200, R"("ok":true)"},
      {"load over TCP", post("/v1/load", R"({"path":"/x","format":"csv","table":"t"})", admin), 403, "Unix socket"},
      {"page", get("/"), 200, "default-src 'self'"},
      {"page of an address inside", get("/streams/orders"), 200, "<!doctype html>index"},
      {"asset", get("/assets/app-1.js"), 200, "immutable"},
      {"asset, packed", get("/assets/app-1.js", "Accept-Encoding: gzip\r\n"), 200, "Content-Encoding: gzip"},
      {"asset that is known", get("/assets/app-1.js", "If-None-Match: \"a1\"\r\n"), 304, "ETag: \"a1\""},
      {"missing asset", get("/assets/gone.js"), 404, "not_found", "<!doctype"},
      {"unknown interface", get("/v1/nothing"), 404, "not_found", "<!doctype"},
  };
  check(scenarios);
}

TEST_F(Routes, saved_queries_and_files_are_answered_as_the_table_says) {
  const auto put = [](std::string_view path, const std::string& body, const std::string& headers) {
    const std::string request = post(path, body, headers);
    return "PUT" + request.substr(4);
  };
  check({
      {"no saved queries", get("/v1/queries", reader), 200, R"({"queries":[]})"},
      {"a query that a reader saves", put("/v1/queries/a", R"({"sql":"SELECT 1"})", reader), 403},
      {"a query without its revision", put("/v1/queries/a", R"({"sql":"SELECT 1"})", admin), 400, "If-None-Match"},
      {"a new query", put("/v1/queries/a", R"({"sql":"SELECT 1"})", admin + "If-None-Match: *\r\n"), 200, "ETag: \""},
      {"the same again", put("/v1/queries/a", R"({"sql":"SELECT 2"})", admin + "If-None-Match: *\r\n"), 409},
      {"over another revision", put("/v1/queries/a", R"({"sql":"SELECT 2"})", admin + "If-Match: \"x\"\r\n"), 409},
      {"a path for a name", get("/v1/queries/..%2Fweir", reader), 400, "no name"},
      {"a saved query", get("/v1/queries/a", reader), 200, R"("sql":"SELECT 1\n")"},
      {"delete another revision",
       "DELETE /v1/queries/a HTTP/1.1\r\nHost: localhost\r\nIf-Match: \"x\"\r\n" + admin + "\r\n", 409},
      {"look at a file as a reader", post("/v1/store/inspect", R"({"path":"s3://data/a.csv"})", reader), 403},
      {"a file nowhere", post("/v1/store/files", "x", admin), 400, "s3://bucket/key"},
  });
}

TEST_F(Routes, an_events_json_has_its_declared_fields_and_what_else_it_carried) {
  send_orders(1);
  const Json reply = ask_json(get("/v1/streams/orders/events", reader));
  const Json& event = reply["events"].array()[0];
  EXPECT_EQ(event["sequence"].as_int(), 1);
  EXPECT_EQ(event["event"]["order_id"].as_string(), "o1");
  EXPECT_EQ(event["event"]["amount"].as_double(), 1);
  EXPECT_EQ(event["event"]["more"].dump(), "[1]");
  EXPECT_EQ(event["arrived_at"], event["event_time"]);
}

TEST_F(Routes, quarantine_shows_the_reason_the_place_and_what_was_sent) {
  ask(post("/v1/streams/orders", R"({"order_id":"q","amount":"much"})", writer));
  const Json reply = ask_json(get("/v1/streams/orders/quarantine", reader));
  const Json& record = reply["records"].array()[0];
  EXPECT_EQ(record["reason"].as_string(), "wrong_type");
  EXPECT_EQ(record["field"].as_string(), "amount");
  EXPECT_THAT(record["payload"].as_string(), HasSubstr("much"));
  const Json detail = ask_json(get("/v1/streams/orders", reader));
  EXPECT_EQ(detail["quarantine"].array()[0]["reason"].as_string(), "wrong_type");
  EXPECT_EQ(detail["quarantined"].as_int(), 1);
  // Counted again when something came.
  ask(post("/v1/streams/orders", R"({"order_id":"r","amount":"more"})", writer));
  EXPECT_TRUE(eventually(
      [&] { return ask_json(get("/v1/streams/orders", reader))["quarantine"].array()[0]["count"].as_int() == 2; }));
}

TEST_F(Routes, fields_are_told_as_they_are_declared) {
  const Json detail = ask_json(get("/v1/streams/orders", reader));
  for (const Json& field : detail["fields"].array()) {
    if (field["name"].as_string() == "amount") {
      EXPECT_EQ(field["type"].as_string(), "number");
    }
    EXPECT_THAT(field["type"].as_string(), Not(HasSubstr(" ")));
  }
  EXPECT_FALSE(detail["fields"].array().empty());
}

TEST_F(Routes, a_token_signs_a_browser_in_until_it_signs_out) {
  const std::string token = admin.substr(22, admin.size() - 24);
  const std::string page = "Origin: http://localhost\r\nX-Weir: 1\r\n";
  EXPECT_EQ(ask_json(get("/v1/session"))["signed_in"].as_bool(true), false);
  const Reply in = ask(post("/v1/session", Json(Json::Object{{"token", token}}).dump(), page));
  ASSERT_EQ(in.status, 200) << in.body;
  const std::string& cookie = in.headers.at("set-cookie");
  EXPECT_THAT(cookie, HasSubstr("HttpOnly; SameSite=Strict; Path=/"));
  const std::string carried = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  const Json session = ask_json(get("/v1/session", carried));
  EXPECT_TRUE(session["signed_in"].as_bool());
  EXPECT_EQ(session["role"].as_string(), "admin");
  EXPECT_EQ(session["project"].as_string(), "shop");
  EXPECT_EQ(ask(get("/v1/status", carried)).status, 200);
  EXPECT_EQ(ask(post("/v1/sql", R"({"sql":"SELECT 1"})", carried + page)).status, 200);
  EXPECT_EQ(ask(post("/v1/sql", R"({"sql":"SELECT 1"})", carried)).status, 403);
  EXPECT_EQ(ask("DELETE /v1/session HTTP/1.1\r\nHost: localhost\r\n" + carried + page + "\r\n").status, 204);
  EXPECT_EQ(ask(get("/v1/status", carried)).status, 401);
  EXPECT_EQ(ask(post("/v1/session", R"({"token":"wrong"})", page)).status, 401);
  const std::string write_key = writer.substr(22, writer.size() - 24);
  EXPECT_EQ(ask(post("/v1/session", Json(Json::Object{{"token", write_key}}).dump(), page)).status, 403);
}

TEST_F(Routes, tokens_and_secrets_are_made_listed_and_ended) {
  const Json made =
      ask_json(post("/v1/tokens", R"({"role":"write","streams":["orders"],"label":"etl","expires_in":"1h"})", admin));
  const std::string bearer = "Authorization: Bearer " + made["token"].as_string() + "\r\n";
  EXPECT_EQ(ask(post("/v1/streams/orders", R"({"order_id":"t"})", bearer)).status, 200);
  EXPECT_EQ(
      ask("DELETE /v1/tokens/" + made["id"].as_string() + " HTTP/1.1\r\nHost: localhost\r\n" + admin + "\r\n").status,
      204);
  EXPECT_EQ(ask(post("/v1/streams/orders", R"({"order_id":"t"})", bearer)).status, 401);
  const std::string body = R"({"value":"hush"})";
  EXPECT_EQ(ask("PUT /v1/secrets/smtp HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n" + admin + "\r\n" + body)
                .status,
            204);
  const Reply listed = ask(get("/v1/secrets", admin));
  EXPECT_THAT(listed.body, HasSubstr("smtp"));
  EXPECT_THAT(listed.body, Not(HasSubstr("hush")));
  EXPECT_EQ(ask("DELETE /v1/secrets/smtp HTTP/1.1\r\nHost: localhost\r\n" + admin + "\r\n").status, 204);
  EXPECT_EQ(ask("DELETE /v1/secrets/smtp HTTP/1.1\r\nHost: localhost\r\n" + admin + "\r\n").status, 404);
}

TEST_F(Routes, an_apply_hands_the_files_on_and_the_beacons_follow) {
  ask_json(post("/v1/apply", R"({"files":{"weir.yaml":"name: x","streams/a.yaml":"fields: {}"},"drop":true})", admin));
  EXPECT_EQ(deployment.files.at("streams/a.yaml"), "fields: {}");
  EXPECT_TRUE(deployment.dropped);
}

TEST_F(Routes, a_running_statement_is_listed_and_cancelled_within_a_second) {
  const std::string id = "0190f3a0-0000-7000-8000-000000000001";
  Client client(server->port());
  client.send(post(
      "/v1/sql",
      R"({"sql":"SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 3","statement_id":")" +
          id + "\"}",
      reader));
  ASSERT_TRUE(eventually([&] { return ask(get("/v1/statements", reader)).body.find(id) != std::string::npos; }));
  EXPECT_EQ(ask("DELETE /v1/statements/" + id + " HTTP/1.1\r\nHost: localhost\r\n" + reader + "\r\n").status, 204);
  const auto asked = std::chrono::steady_clock::now();
  const Reply reply = client.read();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(1));
  EXPECT_EQ(reply.status, 499) << reply.body;
}

TEST_F(Routes, a_client_that_hangs_up_ends_its_statement) {
  {
    Client client(server->port());
    client.send(post("/v1/sql",
                     R"({"sql":"SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 3"})",
                     reader));
    ASSERT_TRUE(eventually([&] { return !warehouse->running().empty(); }));
  }
  EXPECT_TRUE(eventually([&] { return warehouse->running().empty(); }));
}

TEST_F(Routes, health_answers_while_statements_hold_every_place) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int index = 0; index < 6; ++index) {
    clients.push_back(std::make_unique<Client>(server->port()));
    clients.back()->send(post(
        "/v1/sql", R"({"sql":"SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 3"})",
        reader));
  }
  ASSERT_TRUE(eventually([&] { return warehouse->running().size() == 6; }));
  EXPECT_EQ(ask(get("/health/ready")).status, 200);
  EXPECT_EQ(ask(post("/v1/streams/orders", R"({"order_id":"while"})", writer)).status, 200);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return warehouse->running().empty(); }));
}

TEST_F(Routes, a_tail_shows_records_as_they_become_durable) {
  Client client(server->port());
  client.send(get("/v1/streams/orders/tail", reader));
  ASSERT_TRUE(client.wait_for_text("watching"));
  // The tail begins where the journal was when its thread looked: send until the first record shows.
  int sent = 0;
  ASSERT_TRUE(eventually([&] {
    ask(post("/v1/streams/orders", "{\"order_id\":\"tail" + std::to_string(++sent) + "\",\n\"amount\":1}", writer));
    ask(post("/v1/streams/impressions", "{}"));
    return metrics.read("weir_http_sent_bytes_total").value_or(0) > 0 && sent >= 3;
  }));
  ASSERT_TRUE(client.wait_for_text("\"order_id\":\"tail"));
  ask(post("/v1/streams/orders", R"({"order_id":"bad","amount":-1})", writer));
  ASSERT_TRUE(client.wait_for_text("\"status\":\"quarantined\""));
  EXPECT_THAT(client.received(), HasSubstr("event: record\ndata: {\"id\":"));
  EXPECT_THAT(client.received(), Not(HasSubstr("ad_id")));
}

TEST_F(Routes, a_tail_leaves_out_what_is_more_than_fifty_a_second_and_says_how_much) {
  Client client(server->port());
  client.send(get("/v1/streams/orders/tail", reader));
  ASSERT_TRUE(client.wait_for_text("watching"));
  int sent = 0;
  std::atomic<bool> done{false};
  std::thread sending([&] {
    while (!done) {
      std::string body;
      for (int count = 0; count < 200; ++count) body += "{\"order_id\":\"many" + std::to_string(++sent) + "\"}\n";
      ask(post("/v1/streams/orders", body, writer));
    }
  });
  EXPECT_TRUE(client.wait_for_text("event: skipped\ndata: {\"count\":"));
  done = true;
  sending.join();
}

TEST_F(Routes, the_owner_loads_a_file_over_the_unix_socket) {
  const std::string path = folder / "people.csv";
  std::ofstream(path) << "name,age\nAda,36\nAlan,41\n";
  Client client((folder / "weir.sock").string());
  const Reply reply =
      client.ask(post("/v1/load", Json(Json::Object{{"path", path}, {"format", "csv"}, {"table", "people"}}).dump()));
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("\"rows\":2"));
  EXPECT_EQ(sql("SELECT max(age) FROM people")["rows"].dump(), "[[41]]");
}

TEST_F(Routes, the_same_routes_answer_without_a_socket) {
  const LocalResponse streams = call_locally(site->router(), {.target = "/v1/streams"});
  EXPECT_EQ(streams.status, 200);
  EXPECT_THAT(streams.body, HasSubstr("impressions"));
  const LocalResponse result =
      call_locally(site->router(), {.method = "POST", .target = "/v1/sql", .body = R"({"sql":"SELECT 7 AS n"})"});
  EXPECT_THAT(result.body, HasSubstr("[[7]]"));
}

const char* who(Access access) {
  switch (access) {
    case Access::anyone:
      return "anybody";
    case Access::operations:
      return "operations";
    case Access::events:
      return "the stream";
    case Access::endpoint:
      return "the endpoint";
    case Access::reader:
      return "reader";
    case Access::admin:
      return "administrator";
    case Access::owner:
      return "owner";
  }
  return "";
}

TEST_F(Routes, every_route_is_on_its_page_and_none_that_does_not_exist) {
  std::string expected;
  for (const auto& route : site->router().routes()) {
    expected += std::string("| ") + method_name(route->method) + " | `" + route->pattern + "` | " + who(route->access) +
                " | " + route->summary + " |\n";
  }
  std::ifstream file(WEIR_DOCS "/reference/http.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string head = "|---|---|---|---|\n";
  const size_t from = page.find(head, page.find("<!-- routes:"));
  ASSERT_NE(from, std::string::npos);
  EXPECT_EQ(page.substr(from + head.size(), page.find("<!-- /routes -->") - from - head.size()), expected);
}

TEST(Rates, are_differences_over_the_time_that_passed) {
  Rates rates;
  const auto counts = [](uint64_t accepted) {
    capture::StreamCounts one;
    one.stream = "a";
    one.accepted = accepted;
    return std::vector<capture::StreamCounts>{one};
  };
  rates.sample({1'000'000}, counts(100));
  EXPECT_TRUE(rates.points("a").empty());
  rates.sample({3'000'000}, counts(300));
  rates.sample({4'000'000}, counts(300));
  ASSERT_EQ(rates.points("a").size(), 2u);
  EXPECT_EQ(rates.points("a")[0].accepted, 100);
  EXPECT_EQ(rates.points("a")[1].accepted, 0);
  EXPECT_EQ(rates.mean("a", 10).records(), 50);
  EXPECT_EQ(rates.mean("a", 1).records(), 0);
  EXPECT_EQ(rates.mean_of_all(2).accepted, 50);
  EXPECT_EQ(rates.mean("unknown", 1).records(), 0);
  for (int second = 5; second < 400; ++second) rates.sample({second * 1'000'000LL}, counts(300));
  EXPECT_EQ(rates.points("a").size(), Rates::kPoints);
}

TEST(Rates, a_stream_that_was_just_applied_begins_with_nothing) {
  Rates rates;
  capture::StreamCounts one;
  one.stream = "new";
  one.accepted = 50;
  rates.sample({1'000'000}, {});
  rates.sample({2'000'000}, {one});
  ASSERT_EQ(rates.points("new").size(), 1u);
  EXPECT_EQ(rates.points("new")[0].accepted, 50);
}

TEST(Tail, an_event_is_one_line_whatever_its_payload) {
  capture::Record record;
  record.id = "a\"b";
  record.payload = "{\n \"x\": \"y\\n\"\r\n}";
  const std::string event = tail_event(record, 7);
  EXPECT_EQ(std::count(event.begin(), event.end(), '\n'), 3);
  EXPECT_TRUE(event.ends_with("}\n\n"));
}

}  // namespace
}  // namespace weir::http
