// Live windows over the real journal on a simulated disk: followed, kept over kills at every record, resumed from
// checkpoints that are damaged or old, counted from what lay before.
#include "stream/live/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "stream/live/testing.h"

namespace weir::live {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTraffic =
    "size: 1m\nkeep: 1d\nmeasures:\n  orders: {count: orders}\n  clicks: {count: clicks}\n"
    "  rate: {ratio: clicks / orders}\n  paid: {sum: orders.price}\n";

class LiveTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { close(); }

  void open() {
    journal::Options journal_options;
    journal_options.folder = "/journal";
    journal_options.segment_bytes = 1u << 20;
    journal_options.own_thread = false;
    auto opened = journal::Journal::open(files, clock, metrics, journal_options);
    ASSERT_TRUE(opened) << opened.error().text();
    journal = std::move(*opened);
    open_live();
  }
  void open_live() {
    auto opened = Live::open(files, clock, metrics, *journal, options);
    ASSERT_TRUE(opened) << opened.error().text();
    live = std::move(*opened);
    live->set_declarations(declarations, test_streams());
  }
  void close() {
    live.reset();
    journal.reset();
  }
  // Without a last checkpoint, as a kill leaves it.
  void kill() {
    close();
    open();
  }

  void send(const std::vector<TestEvent>& events) {
    journal::Batch batch;
    for (const TestEvent& event : events) {
      std::string bytes;
      capture::encode(record_of(event), bytes);
      batch.add(bytes);
    }
    bool done = false;
    auto first = journal->append(std::move(batch), [&](const Status& status) { done = status.has_value(); });
    ASSERT_TRUE(first) << first.error().text();
    while (journal->run_once()) {
    }
    ASSERT_TRUE(done);
  }
  void pump() {
    const auto pumped = live->pump();
    ASSERT_TRUE(pumped) << pumped.error().text();
  }
  void checkpoint() {
    const Status saved = live->checkpoint();
    ASSERT_TRUE(saved) << saved.error().text();
  }

  Reading read(const Query& query = {}, const std::string& name = "traffic") {
    auto reading = live->read(name, query);
    EXPECT_TRUE(reading) << reading.error().text();
    return reading ? std::move(*reading) : Reading{};
  }
  // Windows and misfits as text, without the version.
  std::string shown(const std::string& name = "traffic") {
    Json json = change_json(read({}, name));
    json.set("version", "");
    return json.dump();
  }
  Json row(size_t index) { return reading_json(read())["windows"].array().at(index); }

  ManualClock clock{{kNoon}};
  Metrics metrics;
  SimulatedFiles files;
  Options options = [] {
    Options out;
    out.folder = "/live";
    return out;
  }();
  std::vector<Declaration> declarations = {declared(kTraffic)};
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<Live> live;
};

TEST_F(LiveTest, counts_what_is_journaled_and_shows_ratios_only_where_they_exist) {
  send({{.payload = R"({"price":"1.50"})"}, {.payload = R"({"price":2})"}, {.stream = 9}, {.at_s = 60, .stream = 9}});
  pump();
  const Json first = row(0);
  EXPECT_EQ(first["start"].as_string(), "2026-11-21T12:00:00.000000Z");
  EXPECT_EQ(first["values"]["orders"].as_int(), 2);
  EXPECT_EQ(first["values"]["clicks"].as_int(), 1);
  EXPECT_DOUBLE_EQ(first["values"]["rate"].as_double(), 0.5);
  EXPECT_DOUBLE_EQ(first["values"]["paid"].as_double(), 3.5);
  EXPECT_TRUE(first["corrected_at"].is_null());
  const Json second = row(1);
  EXPECT_TRUE(second["values"]["rate"].is_null());  // one click, no orders
  EXPECT_TRUE(second["values"]["paid"].is_null());
  EXPECT_EQ(live->needed_from().value, 5u);
}

TEST_F(LiveTest, a_late_event_corrects_its_window_and_shows_when) {
  send({{.payload = R"({"price":1})"}});
  pump();
  const uint64_t seen = read().state.version.position;
  send({{.payload = R"({"price":2})", .at_s = 5, .arrived_s = 7200}, {.at_s = 7200, .stream = 9}});
  pump();
  const Json corrected = row(0);
  EXPECT_EQ(corrected["values"]["orders"].as_int(), 2);
  EXPECT_EQ(corrected["late"].as_int(), 1);
  EXPECT_EQ(corrected["corrected_at"].as_string(), "2026-11-21T14:00:00.000000Z");
  // Both rows changed since; the first query's rows are older.
  Query changed;
  changed.changed_from = seen;
  EXPECT_EQ(read(changed).rows.size(), 2u);
  changed.changed_from = seen + 1;
  EXPECT_EQ(read(changed).rows.size(), 1u);
}

TEST_F(LiveTest, chooses_windows_by_time_and_says_what_it_leaves_out) {
  std::vector<TestEvent> events;
  for (int minute = 0; minute < 10; ++minute) events.push_back({.at_s = minute * 60, .arrived_s = 600, .stream = 9});
  send(events);
  pump();
  Query query;
  query.from = EventTime{kNoon + 60'000'000};
  query.to = EventTime{kNoon + 180'000'000};
  ASSERT_EQ(read(query).rows.size(), 2u);
  query.from = EventTime{kNoon + 60'000'001};  // windows that begin from there on
  EXPECT_EQ(read(query).rows.size(), 1u);
  query.from = EventTime{kNoon + 600'000'000};
  EXPECT_TRUE(read(query).rows.empty());
  query = {};
  query.rows_max = 3;
  const Reading newest = read(query);
  EXPECT_TRUE(newest.truncated);
  ASSERT_EQ(newest.rows.size(), 3u);
  EXPECT_EQ(newest.rows[0].start.micros, kNoon + 7 * 60'000'000ll);
  EXPECT_EQ(live->read("trafic", {}).error().code, Code::not_found);
  EXPECT_THAT(live->read("trafic", {}).error().hint, HasSubstr("traffic"));
}

// Killed after every record, with checkpoints now and then: the same as folded at once.
TEST_F(LiveTest, a_kill_at_every_record_loses_nothing_and_doubles_nothing) {
  std::mt19937_64 chance(20261121);
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(chance() % n); };
  std::vector<TestEvent> events;
  for (int i = 0; i < 120; ++i) {
    TestEvent event{.at_s = below(600), .arrived_s = 600 + i, .stream = below(2) == 0 ? 9u : 7u};
    if (below(10) == 0) event.reason = "wrong_type";
    if (below(3) != 0) event.payload = "{\"price\":" + std::to_string(below(90)) + ".10}";
    events.push_back(event);
  }
  const uint64_t epoch = read().state.version.epoch;
  for (const TestEvent& event : events) {
    send({event});
    pump();
    if (below(4) == 0) checkpoint();
    kill();
    if (below(8) == 0) kill();  // before anything was folded
    pump();
  }
  const std::string killed = shown();
  EXPECT_EQ(read().state.version.epoch, epoch);  // whoever watched goes on
  // All of it again, by a follower that knows no checkpoint.
  live.reset();
  options.folder = "/other";
  open_live();
  pump();
  EXPECT_EQ(shown(), killed);
}

TEST_F(LiveTest, power_cuts_at_any_operation_of_a_checkpoint_leave_a_whole_one) {
  SeededRandom random(3);
  send({{.payload = R"({"price":1})"}, {.stream = 9}});
  pump();
  checkpoint();
  for (uint64_t operation = 1; operation < 14; ++operation) {
    send({{.payload = R"({"price":1})", .at_s = static_cast<int64_t>(operation)}});
    pump();
    const std::string before = shown();
    files.power_off_after(operation);
    static_cast<void>(live->checkpoint());
    live.reset();
    journal.reset();
    files.power_cut(random);
    open();
    pump();
    EXPECT_EQ(shown(), before) << "power off at operation " << operation;
    EXPECT_EQ(read().state.problem, "") << operation;
    checkpoint();
  }
}

TEST_F(LiveTest, a_damaged_checkpoint_gives_way_to_the_one_before_and_two_to_the_journal) {
  for (int i = 0; i < 4; ++i) {
    send({{.payload = R"({"price":1})", .at_s = i * 60}});
    pump();
    checkpoint();
  }
  const std::string whole = shown();
  // The older of two: the journal is needed from there on.
  EXPECT_EQ(live->needed_from().value, 4u);
  ASSERT_TRUE(files.flip_bit({"/live/checkpoint.1", 60, 3}));
  kill();
  pump();
  EXPECT_EQ(shown(), whole);
  ASSERT_TRUE(files.flip_bit({"/live/checkpoint.0", 60, 3}));
  kill();
  pump();
  EXPECT_EQ(shown(), whole);
  EXPECT_THAT(read().state.problem, HasSubstr("damaged"));
}

TEST_F(LiveTest, a_checkpoint_of_a_newer_weir_is_refused_with_the_reason) {
  send({{}});
  pump();
  checkpoint();
  close();
  auto bytes = read_file(files, "/live/checkpoint.0");
  ASSERT_TRUE(bytes);
  (*bytes)[8] = 2;
  ASSERT_TRUE(replace_file(files, "/live/checkpoint.0", *bytes));
  auto reopened = journal::Journal::open(files, clock, metrics,
                                         {.folder = "/journal", .segment_bytes = 1u << 20, .own_thread = false});
  ASSERT_TRUE(reopened);
  journal = std::move(*reopened);
  const auto opened = Live::open(files, clock, metrics, *journal, options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unsupported);
  EXPECT_THAT(opened.error().text(), HasSubstr("newer weir"));
}

TEST_F(LiveTest, a_new_declaration_begins_with_what_was_counted_before_and_merges_it_once) {
  std::vector<HistoryRange> asked;
  std::function<void()> task;
  options.defer = [&](std::function<void()> given) -> Status {
    task = std::move(given);
    return {};
  };
  options.history = [&](const Plan& plan, const HistoryRange& range) -> Result<Counted> {
    asked.push_back(range);
    Counted out;
    CountedRow row;
    row.window = window_of(kNoon, plan.live->size);
    row.row.events = 40;
    row.row.changed = 3;
    row.row.cells.resize(plan.cells.size());
    row.row.cells[0].count = 40;
    out.rows.push_back(row);
    return out;
  };
  send({{}, {}, {}});
  live.reset();
  open_live();
  pump();
  EXPECT_EQ(read().state.phase, Phase::counting);
  EXPECT_FALSE(live->catch_up(milliseconds(1)));
  const Version before = read().state.version;
  send({{.payload = R"({"price":1})"}});
  pump();
  EXPECT_EQ(row(0)["values"]["orders"].as_int(), 1);
  checkpoint();  // holds nothing of what is still counted
  task();
  pump();
  EXPECT_EQ(row(0)["values"]["orders"].as_int(), 41);
  EXPECT_NE(read().state.version.epoch, before.epoch);  // whoever watched gets all of it
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].before, 4u);
  EXPECT_TRUE(live->catch_up(milliseconds(1)));
  EXPECT_EQ(read().state.complete_since.micros, asked[0].floor * 60'000'000);
  checkpoint();
  kill();
  pump();
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_EQ(row(0)["values"]["orders"].as_int(), 41);
  // Another shape is counted again; another description is not.
  declarations[0].description = "other";
  live->set_declarations(declarations, test_streams());
  pump();
  EXPECT_EQ(read().state.phase, Phase::live);
  declarations[0].size = minutes(5);
  declarations[0].allowed_lateness = minutes(50);
  live->set_declarations(declarations, test_streams());
  pump();
  EXPECT_EQ(read().state.phase, Phase::counting);
  task();
  pump();
  EXPECT_EQ(asked.size(), 2u);
  EXPECT_EQ(row(0)["values"]["orders"].as_int(), 40);
}

TEST_F(LiveTest, says_since_when_it_is_whole_where_the_past_cannot_be_counted) {
  options.history = [](const Plan&, const HistoryRange&) -> Result<Counted> {
    return Error(Code::io, "the disk is gone");
  };
  send({{}});
  live.reset();
  open_live();
  clock.advance(seconds(1));
  pump();
  const LiveState state = read().state;
  EXPECT_EQ(state.phase, Phase::live);
  EXPECT_EQ(state.complete_since.micros, kNoon + 1'000'000);
  EXPECT_THAT(state.problem, HasSubstr("the disk is gone"));
}

TEST_F(LiveTest, what_is_disabled_or_cannot_be_counted_holds_nothing_back) {
  send({{}});
  pump();
  declarations[0].enabled = false;
  live->set_declarations(declarations, test_streams());
  EXPECT_EQ(read().state.phase, Phase::disabled);
  EXPECT_EQ(live->needed_from().value, UINT64_MAX);
  EXPECT_TRUE(live->catch_up(milliseconds(1)));
  declarations[0].enabled = true;
  live->set_declarations(declarations, {});
  EXPECT_EQ(read().state.phase, Phase::failed);
  EXPECT_THAT(read().state.problem, HasSubstr("not declared"));
  EXPECT_TRUE(live->tables().empty());
  live->set_declarations({}, test_streams());
  EXPECT_TRUE(live->states().empty());
}

TEST_F(LiveTest, is_a_table_of_sql_with_its_keys_as_columns) {
  declarations = {
      declared("size: 1m\nkeys: [shop]\nkeys_max: 1\nmeasures: {n: {count: orders}, p: {sum: orders.price}}\n")};
  live->set_declarations(declarations, test_streams());
  send({{.payload = R"({"shop":"a","price":1.25})"}, {.payload = R"({"shop":"b"})"}});
  pump();
  const auto tables = live->tables();
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_EQ(tables[0].name, "live_traffic");
  const auto rows = live->table_rows("live_traffic");
  ASSERT_TRUE(rows) << rows.error().text();
  ASSERT_EQ(rows->rows(), 2u);
  EXPECT_EQ(rows->columns(), tables[0].columns);
  EXPECT_EQ(rows->column(1).text_at(0), "a");
  EXPECT_EQ(rows->column(1).text_at(1), "_other");
  EXPECT_EQ(rows->column(3).int_at(0), 125);
  EXPECT_TRUE(rows->column(3).is_null(1));
}

TEST(LiveVersion, reads_what_it_wrote_and_nothing_else) {
  const Version version{1763746000123456, 4711};
  EXPECT_EQ(Version::parse(version.text()), version);
  for (const char* text : {"", "-", "1", "1-", "-1", "1-2-3", "a-1", "99999999999999999999999-1", "1- 2"}) {
    EXPECT_EQ(Version::parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weir::live
