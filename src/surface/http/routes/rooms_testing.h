// For tests of routes: every room for real in a folder of its own, two streams applied, a server before it.
//
// impressions is the seed's beacon: public, key impression_id. orders takes a write key and has typed fields.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "core/base/json.h"
#include "core/runtime/thread.h"
#include "platform/forget/forget.h"
#include "stream/capture/declaration.h"
#include "stream/live/live.h"
#include "surface/http/routes/all.h"
#include "surface/http/testing.h"

namespace weir::http::testing {

constexpr const char* kImpressions = R"(
description: Ads that were shown
write: public
key: impression_id
time: occurred_at
unknown: refuse
past_max: 365d
cors: [https://shop.example]
beacon: {path: /impressions, batch: impressions, records_max: 500}
fields:
  impression_id: uuid
  ad_id: {type: uuid, required: true}
  occurred_at: {type: timestamp, required: true}
)";
constexpr const char* kOrders = R"(
key: order_id
write: key
fields:
  order_id: {type: string, required: true, description: Who it is}
  amount: {type: number, min: 0}
  paid: boolean
  count: integer
)";

// Plans nothing and applies nothing; remembers what it was given.
class RecordingDeployment final : public Deployment {
 public:
  Result<Outcome> plan_files(project::Sources sources, bool drop) override {
    return note(std::move(sources), drop, false);
  }
  Result<Outcome> apply_files(project::Sources sources, bool drop) override {
    return note(std::move(sources), drop, true);
  }
  Result<Outcome> plan_folder(bool drop) override { return note({{{"folder", ""}}, {}}, drop, false); }
  Result<Outcome> apply_folder(bool drop) override { return note({{{"folder", ""}}, {}}, drop, true); }
  std::map<std::string, std::string> files;
  bool dropped = false;

 private:
  Result<Outcome> note(project::Sources sources, bool drop, bool applied) {
    files = std::move(sources.files);
    dropped = drop;
    Outcome outcome;
    outcome.applied = applied;
    return outcome;
  }
};

class RoomsFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("weir_routes_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder / "store");
    open_rooms();
    apply({{"impressions", kImpressions}, {"orders", kOrders}});
    live_follower = start_thread("live-test", [this] { live->run([this] { return stopping.load(); }); });
    follower = start_thread("follow-test", [this] {
      lake->run([this] { return stopping.load(); }, [this] { return capture->sealed_through(); });
    });
    open_surface();
  }

  void TearDown() override {
    static_cast<void>(server->stop({}));
    warehouse->stop();
    static_cast<void>(lanes.stop(seconds(10), seconds(10)));  // tasks hold routes and rooms
    server.reset();
    site.reset();
    stopping = true;
    follower.join();
    live_follower.join();
    queries.reset();
    warehouse.reset();
    requeue.reset();
    crawl.reset();
    endpoints.reset();
    reviews.reset();
    dashboards.reset();
    alarms.reset();
    notifier.reset();
    flows.reset();
    forgets.reset();
    flow.reset();
    live.reset();
    engine.reset();
    capture.reset();
    lake.reset();
    journal.reset();
    control.reset();
    std::filesystem::remove_all(folder);
  }

  template <class T>
  static T must(Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().text();
    return std::move(*result);
  }

  void open_rooms() {
    const std::string root = folder;
    control = must(control::Control::open(root + "/control.db", clock));
    journal::Options journal_options;
    journal_options.folder = root + "/journal";
    journal_options.segment_bytes = 4 << 20;
    journal = must(journal::Journal::open(real_files(), clock, metrics, journal_options));
    lake::Options lake_options;
    lake_options.store_root = root + "/store";
    lake = must(lake::Lake::open(real_files(), clock, metrics, *journal, *control, lake_options));
    capture::Options capture_options;
    capture_options.folder = root + "/dedup";
    capture = must(capture::Capture::open(real_files(), clock, random, metrics, *journal, capture_options));
    statements = std::make_unique<warehouse::StatementLog>(clock, metrics);
    engine::EngineOptions engine_options;
    engine_options.store_root = root + "/store";
    engine = must(engine::Engine::open(engine_options, *lake, {warehouse::statements_view(*statements)}));
    lake->set_engine(*engine);
    live = must(live::Live::open(real_files(), clock, metrics, *journal, {.folder = root + "/live"}));
    queries = std::make_unique<warehouse::SavedQueries>(real_files(), root);
    warehouse = std::make_unique<warehouse::Warehouse>(
        warehouse::Warehouse::Parts{*engine, *statements, timers, clock, random}, warehouse::Limits{});
    requeue = std::make_unique<lake::Requeue>(lake::Requeue::Parts{*lake, *engine, *capture, clock});
    externals = std::make_unique<lake::ExternalTables>(lake::ExternalTables::Parts{.engine = *engine,
                                                                                   .files = real_files(),
                                                                                   .rules = {root, {}},
                                                                                   .records = {},
                                                                                   .staging = root + "/foreign",
                                                                                   .change = {}});
    crawl = std::make_unique<lake::Crawl>(
        lake::Crawl::Parts{*capture,
                           *engine,
                           {root, {}},
                           [](const Json& request, const Cancel&, const auto&) { return lake::crawl_files(request); },
                           *externals});
    users = must(access::Users::open(*control, clock, random));
    access = must(access::Access::open(*control, *users, clock, random));
    secrets = std::make_unique<access::Secrets>(access::Secrets::Parts{*control, real_files(), clock, random},
                                                access::Secrets::KeySource{.file = root + "/secret.key"});
    flow = must(flow::Flow::open({*engine, *lake, *control, lanes, clock, random, metrics}));
    forgets = must(
        forget::Forgets::open({*journal, *capture, *lake, *live, *engine, *flow, *control, real_files(), clock, random},
                              root + "/forget.key"));
    forgets->add_work();
    starts = std::make_unique<flow::Starts>(flow::Starts::Parts{*flow, *lake, *control, clock});
    flows = std::make_unique<flow::Flows>(flow::Flows::Parts{*flow, *starts});
    endpoints = std::make_unique<endpoint::Endpoints>(endpoint::Endpoints::Parts{.engine = *engine,
                                                                                 .flow = *flow,
                                                                                 .secrets = *secrets,
                                                                                 .files = real_files(),
                                                                                 .lanes = lanes,
                                                                                 .clock = clock,
                                                                                 .random = random,
                                                                                 .metrics = metrics,
                                                                                 .folder = root + "/endpoints",
                                                                                 .memory_bytes = 1 << 20});
    notifier = std::make_unique<notify::Notifier>(notify::Notifier::Parts{*control, clock, random, metrics, {}},
                                                  notify::Options{.project = "shop", .environment = {}, .url = {}});
    alarms = std::make_unique<alarm::Alarms>(alarm::Alarms::Parts{metrics, *control, *notifier, clock, {}});
    dashboards = std::make_unique<dashboard::Dashboards>(dashboard::Dashboards::Parts{*warehouse, clock});
    auto opened = LocalBlobStore::open(real_files(), root + "/runs");
    ASSERT_TRUE(opened) << opened.error().text();
    run_files = std::move(*opened);
    reviews = std::make_unique<review::Reviews>(review::Reviews::Parts{
        *flow, *starts, *run_files, *notifier, clock, random, [this](const std::string&, const std::string&) {
          return Result<std::unique_ptr<warehouse::SqlSource>>(
              warehouse::warehouse_source(*warehouse, "review", warehouse::owner_user()));
        }});
  }

  void apply(const std::vector<std::pair<std::string, std::string>>& declarations) {
    std::vector<control::Declaration> changed;
    for (const auto& [name, text] : declarations) {
      const capture::ParsedStream parsed = capture::parse_stream(text, name + ".yaml", name);
      for (const Error& error : parsed.errors) ADD_FAILURE() << error.text();
      control::Declaration declaration;
      declaration.kind = "stream";
      declaration.name = name;
      declaration.body = capture::to_json(parsed.stream);
      changed.push_back(std::move(declaration));
    }
    std::vector<capture::AppliedStream> applied;
    for (const control::Declaration& one : must(control->apply(changed, {}))) {
      applied.push_back({one.number, one.revision,
                         std::make_shared<const capture::Stream>(must(capture::stream_from_json(one.body)))});
    }
    capture->set_streams(applied);
    EXPECT_TRUE(lake->set_streams(applied));
  }

  void open_surface() {
    SiteFacts facts;
    facts.version = "0.1.0";
    facts.project = "shop";
    facts.store_root = folder / "store";
    facts.pages = {
        {"/index.html", "text/html; charset=utf-8", "<!doctype html>index", "", "\"i1\""},
        {"/assets/app-1.js", "text/javascript; charset=utf-8", "console.log(1)", "gzipped", "\"a1\""},
    };
    site =
        make_site({clock,      random,   metrics,  lanes,   *control,  *journal,    *lake,    *capture,   *engine,
                   *warehouse, *queries, *requeue, *crawl,  *users,    *access,     *secrets, *flow,      *flows,
                   *endpoints, *forgets, *live,    *alarms, *notifier, *dashboards, *reviews, deployment, connections},
                  facts);
    gate = std::make_unique<AccessGate>(*access);
    ServerOptions options;
    options.port = 0;
    options.socket_path = folder / "weir.sock";
    server = must(Server::start(options, site->router(), *gate, clock, metrics, lanes));
    admin = "Authorization: Bearer " + must(access->create_token({access::Role::admin, {}, {}, {}})).text + "\r\n";
    reader = "Authorization: Bearer " + must(access->create_token({access::Role::read, {}, {}, {}})).text + "\r\n";
    writer =
        "Authorization: Bearer " + must(access->create_token({access::Role::write, {"orders"}, {}, {}})).text + "\r\n";
  }

  Reply ask(const std::string& request) {
    Client client(server->port());
    return client.ask(request);
  }
  Json ask_json(const std::string& request) {
    const Reply reply = ask(request);
    EXPECT_EQ(reply.status, 200) << reply.body;
    const Result<Json> json = Json::parse(reply.body);
    EXPECT_TRUE(json) << reply.body;
    return json ? *json : Json();
  }
  Json sql(const std::string& statement) {
    return ask_json(post("/v1/sql", Json(Json::Object{{"sql", statement}}).dump(), reader));
  }

  std::filesystem::path folder;
  SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  Timers timers;
  Lanes lanes{LanesOptions{
      .follow = {}, .interactive = {.threads = 4, .queue_max = 256}, .background = {}, .background_nice = 0}};
  std::unique_ptr<control::Control> control;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<lake::Lake> lake;
  std::unique_ptr<capture::Capture> capture;
  std::unique_ptr<warehouse::StatementLog> statements;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<live::Live> live;
  engine::OutsidePools connections{{}, nullptr};
  std::unique_ptr<warehouse::Warehouse> warehouse;
  std::unique_ptr<warehouse::SavedQueries> queries;
  std::unique_ptr<lake::Requeue> requeue;
  std::unique_ptr<lake::ExternalTables> externals;
  std::unique_ptr<lake::Crawl> crawl;
  std::unique_ptr<flow::Flow> flow;
  std::unique_ptr<forget::Forgets> forgets;
  std::unique_ptr<flow::Starts> starts;
  std::unique_ptr<flow::Flows> flows;
  std::unique_ptr<endpoint::Endpoints> endpoints;
  std::unique_ptr<notify::Notifier> notifier;
  std::unique_ptr<alarm::Alarms> alarms;
  std::unique_ptr<dashboard::Dashboards> dashboards;
  std::unique_ptr<LocalBlobStore> run_files;
  std::unique_ptr<review::Reviews> reviews;
  std::unique_ptr<access::Users> users;
  std::unique_ptr<access::Access> access;
  std::unique_ptr<access::Secrets> secrets;
  RecordingDeployment deployment;
  std::atomic<bool> stopping{false};
  std::thread follower, live_follower;
  std::unique_ptr<Site> site;
  std::unique_ptr<AccessGate> gate;
  std::unique_ptr<Server> server;
  std::string admin, reader, writer;
};

}  // namespace weir::http::testing
