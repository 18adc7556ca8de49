// The rooms that Flow stands on, real ones, on a folder of the machine's disk; and small verbs. For the tests of this
// room.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/io/simulated_clock.h"
#include "core/runtime/system_clock.h"
#include "platform/access/users.h"
#include "platform/flow/flows.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/warehouse.h"
#include "stream/capture/record.h"

namespace weir::flow {

namespace fs = std::filesystem;

inline std::shared_ptr<capture::Stream> stream(const std::string& name) {
  auto out = std::make_shared<capture::Stream>();
  out->name = name;
  const auto field = [&](const char* called, capture::FieldType type) {
    capture::Field made;
    made.name = called;
    made.type = type;
    out->fields.push_back(std::move(made));
  };
  field("id", capture::FieldType::string);
  field("ad", capture::FieldType::string);
  field("occurred_at", capture::FieldType::timestamp);
  out->key = "id";
  out->time_field = "occurred_at";
  return out;
}

inline constexpr const char* kTraffic = R"(---
partition: day
grain: [ad, day]
inputs:
  clicks: {affects: [day-1, day]}
---
SELECT i.ad, CAST(i.occurred_at AS DATE) AS day, count(*) AS shown, count(c.id) AS clicked
FROM impressions i LEFT JOIN clicks c ON c.id = i.id
GROUP BY ALL
)";
inline constexpr const char* kTotals = R"(---
---
SELECT ad, sum(shown)::BIGINT AS shown, sum(clicked)::BIGINT AS clicked FROM traffic GROUP BY ad
)";

// A table whose test fails by an event of the ad 'bad'.
inline constexpr const char* kTrafficWithTest = R"(---
partition: day
tests:
  - {name: no_bad_ad, sql: "SELECT * FROM traffic WHERE ad = 'bad'"}
---
SELECT ad, CAST(occurred_at AS DATE) AS day, count(*) AS shown, 0 AS clicked FROM impressions GROUP BY ALL
)";

class FlowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-flow-XXXXXX";
    root_ = mkdtemp(name);
    open();
  }
  void TearDown() override {
    close();
    fs::remove_all(root_);
  }
  template <class T>
  static T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().text());
    return std::move(*result);
  }
  void open() {
    LanesOptions lanes;
    lanes.background.threads = 3;
    lanes_ = std::make_unique<Lanes>(lanes);
    control_ = must(control::Control::open(root_ + "/control.db", clock_));
    journal::Options journal;
    journal.folder = root_ + "/journal";
    journal.segment_bytes = 4u << 20;
    journal_ = must(journal::Journal::open(real_files(), clock_, metrics_, journal));
    lake::Options lake;
    lake.store_root = root_ + "/store";
    lake_ = must(lake::Lake::open(real_files(), clock_, metrics_, *journal_, *control_, lake));
    engine::EngineOptions engine;
    engine.database = root_ + "/warehouse.duckdb";
    engine.store_root = lake.store_root;
    engine.temp_directory = root_ + "/tmp";
    engine_ = must(engine::Engine::open(engine, *lake_, {}));
    lake_->set_engine(*engine_);
    auto streams = lake_->set_streams({{7, 1, stream("impressions")}, {8, 1, stream("clicks")}});
    ASSERT_TRUE(streams) << streams.error().text();
    users_ = must(access::Users::open(*control_, clock_, random_, {.cost = {.memory_kib = 64, .passes = 1}}));
    const Status made = warehouse::make_catalog(*engine_);
    ASSERT_TRUE(made) << made.error().text();
    warehouse_ = std::make_unique<warehouse::Warehouse>(
        warehouse::Warehouse::Parts{.engine = *engine_,
                                    .log = log_,
                                    .timers = timers_,
                                    .clock = clock_,
                                    .random = random_,
                                    .users = users_.get(),
                                    .buckets = &store_.emplace(real_files(), root_ + "/s3"),
                                    .loads = &loads_},
        warehouse::Limits{});
    Flow::Parts parts{*engine_, *lake_, *control_, *lanes_, clock_, random_, metrics_};
    parts.warehouse = warehouse_.get();
    parts.parallel = 2;
    parts.steps.folder = folder();
    parts.steps.store_root = root_ + "/store";
    fs::create_directories(folder());
    parts.on_end = [this](const control::Run& run) {
      if (run.state == "failed") failures_.push_back(run.id);
    };
    flow_ = must(Flow::open(parts));
    for (const auto& [kind, make] : works_) flow_->add_work(kind, make());
    declare(files_);
  }
  void close() {
    static_cast<void>(lanes_->stop(Duration{}, seconds(10)));
    lanes_.reset();
    flow_.reset();
    warehouse_.reset();
    users_.reset();
    engine_.reset();
    lake_.reset();
    journal_.reset();
    control_.reset();
  }
  std::string folder() const { return root_ + "/project"; }
  // Runs a flow, for the days of 2026-11-20 unless it says otherwise.
  RunView run_flow(const std::string& text, std::optional<int32_t> from = day("2026-11-20"),
                   std::optional<int32_t> to = day("2026-11-21")) {
    return wait(must(flow_->start_flow(parsed(text), {from, to, true, Json(Json::Object{})})));
  }
  static FlowDeclaration parsed(const std::string& text) {
    ParsedFlow flow = parse_flow(text, "flows/f.yaml", "f", start_checks());
    for (const auto& error : flow.errors) ADD_FAILURE() << error.text();
    return std::move(flow.flow);
  }
  static int32_t day(const std::string& text) { return *parse_date(text); }
  // "stage done 3, load failed: why"
  static std::string told(const RunView& view) {
    std::string out;
    for (const auto& task : view.tasks) {
      out += (out.empty() ? "" : ", ") + task.step + " " + task.state +
             (task.rows ? " " + std::to_string(*task.rows) : "") + (task.message.empty() ? "" : ": " + task.message);
    }
    return out;
  }
  void declare(std::map<std::string, std::string> files) {
    files_ = std::move(files);
    std::vector<Table> tables;
    for (const auto& [name, text] : files_) {
      ParsedTable parsed = parse_table(text, "tables/" + name + ".sql", name);
      for (const auto& error : parsed.errors) ADD_FAILURE() << error.text();
      tables.push_back(std::move(parsed.table));
    }
    flow_->set_tables(std::move(tables));
  }

  void send(uint32_t number, const std::string& id, const std::string& ad, const std::string& time) {
    const std::string payload = Json(Json::Object{{"id", id}, {"ad", ad}, {"occurred_at", time}}).dump();
    capture::Record record;
    record.stream = number;
    record.arrived_at = {clock_.wall().micros};
    record.event_time = {*parse_timestamp(time)};
    record.id = id;
    record.payload = payload;
    std::string bytes;
    capture::encode(record, bytes);
    journal::Batch batch;
    batch.add(bytes);
    std::atomic<int> done{0};
    auto first = journal_->append(std::move(batch), [&](const Status& status) { done = status ? 1 : 2; });
    ASSERT_TRUE(first) << first.error().text();
    while (done == 0) std::this_thread::yield();
    ASSERT_EQ(done, 1);
  }
  void impression(const std::string& id, const std::string& ad, const std::string& time) { send(7, id, ad, time); }
  void click(const std::string& id, const std::string& ad, const std::string& time) { send(8, id, ad, time); }

  RunView wait(const std::string& id) {
    for (int i = 0; i < 3'000; ++i) {
      RunView view = must(flow_->run(id));
      if (view.run.ended_at) return view;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "the run does not end";
    return {};
  }
  RunView compute(RunRequest request) { return wait(must(flow_->start(request))); }
  static RunRequest of(const std::string& table) {
    RunRequest out;
    out.table = table;
    out.cause = Json(Json::Object{});
    return out;
  }
  RunView compute(const std::string& table) { return compute(of(table)); }
  // "traffic 2026-11-20, totals all"
  static std::string computed(const RunView& view) {
    std::string out;
    for (const auto& task : view.tasks) {
      if (task.state == "done") out += (out.empty() ? "" : ", ") + task.step + " " + task.what;
    }
    return out;
  }
  // Both days of a table that is computed by day, and what is made of it: its inputs first.
  void compute_two_days() {
    impression("1", "a", "2026-11-19T10:00:00Z");
    impression("2", "a", "2026-11-20T10:00:00Z");
    click("2", "a", "2026-11-20T10:00:05Z");
    const RunView view = compute("totals");
    EXPECT_EQ(view.run.state, "done") << view.run.error;
    // The click of the 20th touches the 19th too.
    EXPECT_EQ(computed(view), "traffic 2026-11-19, traffic 2026-11-20, totals all");
    EXPECT_EQ(traffic(), "a,2026-11-19,1,0 | a,2026-11-20,1,1");
    EXPECT_EQ(sql("SELECT * FROM totals"), "a,2,1");
  }
  std::string sql(const std::string& statement) {
    auto session = must(engine_->connect(engine::Trust::user));
    auto rows = session->query(statement, {}, {});
    if (!rows) return rows.error().text();
    std::string out;
    while (true) {
      auto next = must((*rows)->next());
      if (next.empty()) return out;
      for (const auto& row : next) {
        out += out.empty() ? "" : " | ";
        for (size_t i = 0; i < row.size(); ++i) {
          if (i > 0) out += ",";
          if (const auto* text = std::get_if<std::string>(&row[i])) out += *text;
          if (const auto* number = std::get_if<int64_t>(&row[i])) out += std::to_string(*number);
        }
      }
    }
  }
  std::string traffic() { return sql("SELECT ad, day::VARCHAR, shown, clicked FROM traffic ORDER BY day, ad"); }

  std::string root_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  std::map<std::string, std::function<std::unique_ptr<Work>()>> works_;  // handed in at each open()
  std::vector<std::string> failures_;                                    // runs that failed, as they were told
  std::map<std::string, std::string> files_ = {{"traffic", kTraffic}, {"totals", kTotals}};
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<lake::Lake> lake_;
  std::unique_ptr<engine::Engine> engine_;
  Timers timers_;
  warehouse::StatementLog log_{clock_, metrics_};
  warehouse::LoadLog loads_;
  std::optional<warehouse::Buckets> store_;
  std::unique_ptr<access::Users> users_;
  std::unique_ptr<warehouse::Warehouse> warehouse_;
  std::unique_ptr<Flow> flow_;
};

}  // namespace weir::flow
