// The history of metrics over the real journal: what a sample writes, that increases add up to totals whatever failed
// between, that an idle program writes little, and EMF lines.
#include "stream/history/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/base/json.h"
#include "core/io/simulated_clock.h"
#include "stream/capture/record.h"

namespace weir::history {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

class HistoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-history-XXXXXX";
    root_ = mkdtemp(name);
    journal::Options options;
    options.folder = root_ + "/journal";
    options.segment_bytes = 4u << 20;
    options.queued_bytes_max = 64u << 10;
    options.own_thread = false;
    journal_ = must(journal::Journal::open(real_files(), clock_, journal_metrics_, options));
    reader_ = must(journal_->read_from({1}));
    begin({});
  }
  void TearDown() override {
    history_.reset();
    reader_.reset();
    journal_.reset();
    std::filesystem::remove_all(root_);
  }
  void begin(Options options) {
    capture::AppliedStream applied;
    applied.number = 3;
    applied.revision = 2;
    applied.stream = std::make_shared<const capture::Stream>(metrics_stream(days(30)));
    applied.system = true;
    history_ = std::make_unique<History>(metrics_, *journal_, clock_, applied, options);
  }
  // Takes a sample `after` the last and returns the rows of series that are not the history's own.
  std::vector<Json> sample(Duration after = seconds(10)) {
    clock_.advance(after);
    EXPECT_TRUE(history_->sample());
    write();
    return rows();
  }
  void write() {
    while (journal_->run_once()) {
    }
  }
  std::vector<Json> rows() {
    std::vector<Json> out;
    for (;;) {
      const auto group = must(reader_->next_group());
      if (group.empty()) return out;
      for (const auto& entry : group) {
        const capture::Record record = must(capture::decode(entry.bytes));
        EXPECT_EQ(record.stream, 3u);
        EXPECT_EQ(record.revision, 2u);
        EXPECT_EQ(record.kind, capture::RecordKind::accepted);
        Json row = must(Json::parse(record.payload));
        EXPECT_EQ(row.dump(), record.payload) << "the canonical form";
        EXPECT_EQ(*parse_timestamp(row["sampled_at"].as_string()), record.event_time.micros);
        if (!row["name"].as_string().starts_with("weir_history_")) out.push_back(std::move(row));
      }
    }
  }

  std::string root_;
  ManualClock clock_;
  Metrics metrics_, journal_metrics_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<journal::Reader> reader_;
  std::unique_ptr<History> history_;
};

std::vector<std::string> names(const std::vector<Json>& rows) {
  std::vector<std::string> out;
  for (const Json& row : rows) out.push_back(row["name"].as_string());
  return out;
}

TEST_F(HistoryTest, a_row_says_the_increase_the_value_or_the_observations_since_the_last) {
  Counter& counter = metrics_.counter("events_total", "e", {{"stream", "clicks"}});
  Gauge& gauge = metrics_.gauge("lag", "l");
  Histogram& histogram = metrics_.histogram("wait_seconds", "w", {}, {1, 2, 4});
  counter.add(5);
  gauge.set(0.5);
  for (int i = 0; i < 100; ++i) histogram.observe(0.5);
  sample();
  counter.add(7);
  gauge.set(-2);
  histogram.observe(3);
  histogram.observe(3);
  const auto rows = sample(seconds(20));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["labels"].dump(), R"({"stream":"clicks"})");
  EXPECT_EQ(rows[0]["kind"].as_string(), "counter");
  EXPECT_EQ(rows[0]["value"].as_int(), 7);
  EXPECT_EQ(rows[0]["total"].as_int(), 12);
  EXPECT_EQ(rows[0]["seconds"].as_double(), 20);
  EXPECT_EQ(rows[1]["value"].as_double(), -2);
  EXPECT_EQ(rows[2]["count"].as_int(), 2);
  EXPECT_EQ(rows[2]["total"].as_int(), 102);
  EXPECT_EQ(rows[2]["sum"].as_double(), 6);
  EXPECT_GT(rows[2]["p50"].as_double(), 2) << "of the interval, not since the start";
}

TEST_F(HistoryTest, what_did_not_move_gets_no_row_until_the_next_whole_sample) {
  Counter& moving = metrics_.counter("a_total", "a");
  metrics_.counter("b_total", "b").add();
  metrics_.counter("zero_total", "z");
  EXPECT_THAT(names(sample()), ElementsAre("b_total"));
  moving.add();
  EXPECT_THAT(names(sample()), ElementsAre("a_total"));
  EXPECT_THAT(names(sample()), IsEmpty());
  const auto whole = sample(kWholeEvery);
  EXPECT_THAT(names(whole), ElementsAre("a_total", "b_total"));
  EXPECT_EQ(whole[0]["value"].as_int(), 0);
}

TEST_F(HistoryTest, what_sampling_itself_moves_waits_for_something_else) {
  Counter& own = metrics_.counter("weir_journal_groups_total", "g");
  Counter& other = metrics_.counter("z_total", "z");
  other.add();
  sample();
  own.add(2);
  EXPECT_THAT(sample(), IsEmpty());
  own.add(3);
  other.add();
  const auto rows = sample();
  EXPECT_THAT(names(rows), ElementsAre("weir_journal_groups_total", "z_total"));
  EXPECT_EQ(rows[0]["value"].as_int(), 5) << "also what moved before";
  EXPECT_EQ(rows[0]["seconds"].as_double(), 20);
}

TEST_F(HistoryTest, increases_add_up_to_totals_also_when_samples_fail) {
  Counter& counter = metrics_.counter("a_total", "a");
  int64_t sum = 0;
  const auto take = [&](const std::vector<Json>& rows) {
    for (const Json& row : rows) sum += row["value"].as_int();
  };
  counter.add(1);
  take(sample());
  journal::Batch large;
  large.add(std::string(60u << 10, 'x'));
  ASSERT_TRUE(journal_->append(std::move(large), [](const Status&) {}));
  for (int i = 0; i < 60; ++i) metrics_.counter("filler_total", "f", {{"n", std::to_string(i)}}).add(1);
  counter.add(2);
  clock_.advance(seconds(10));
  EXPECT_EQ(history_->sample().error().code, Code::busy);
  EXPECT_EQ(metrics_.read("weir_history_failures_total"), 1);
  write();
  reader_ = must(journal_->read_from(journal_->durable_end()));
  counter.add(4);
  for (const Json& row : sample()) {
    if (row["name"].as_string() == "a_total") sum += row["value"].as_int();
  }
  EXPECT_EQ(sum, 7);
  EXPECT_EQ(counter.value(), 7u);
}

TEST_F(HistoryTest, a_sample_that_the_disk_has_not_taken_yet_is_waited_for) {
  Counter& counter = metrics_.counter("a_total", "a");
  counter.add(1);
  clock_.advance(seconds(10));
  ASSERT_TRUE(history_->sample());
  counter.add(2);
  clock_.advance(seconds(10));
  ASSERT_TRUE(history_->sample()) << "nothing is written beside the one under way";
  write();
  EXPECT_EQ(rows().size(), 1u);
  const auto next = sample();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0]["value"].as_int(), 2);
}

TEST_F(HistoryTest, series_are_bounded_and_those_that_came_first_stay) {
  metrics_.counter("b_total", "b").add();
  metrics_.counter("c_total", "c").add();
  begin({.series_max = 5});  // three are the history's own
  EXPECT_THAT(names(sample()), ElementsAre("b_total", "c_total"));
  metrics_.counter("a_total", "a").add();
  metrics_.counter("b_total", "b").add();
  EXPECT_THAT(names(sample()), ElementsAre("b_total"));
  EXPECT_EQ(metrics_.read("weir_history_series_left_out"), 1);
}

TEST_F(HistoryTest, finish_writes_what_would_have_been_put_off) {
  Counter& own = metrics_.counter("weir_journal_groups_total", "g");
  own.add();
  sample();
  own.add();
  clock_.advance(seconds(1));
  EXPECT_EQ(history_->finish(milliseconds(1)).error().code, Code::timed_out) << "nobody drives this journal";
  write();
  EXPECT_EQ(rows().size(), 1u);
}

TEST_F(HistoryTest, the_stream_reads_back_as_it_was_declared) {
  const capture::Stream stream = metrics_stream(days(30));
  EXPECT_TRUE(stream.name.starts_with(capture::kSystemPrefix));
  EXPECT_EQ(stream.retention, days(30));
  ASSERT_NE(stream.find("labels"), nullptr);
  EXPECT_EQ(stream.find("labels")->type, capture::FieldType::json);
}

TEST(Emf, a_line_a_stream_and_minute_with_the_names_of_the_seed) {
  Metrics metrics;
  ManualClock clock;
  std::vector<std::string> lines;
  const auto records = [&](const char* stream, const char* outcome) -> Counter& {
    return metrics.counter("weir_capture_records_total", "r", {{"stream", stream}, {"outcome", outcome}});
  };
  records("impressions", "accepted").add(1000);
  EmfWriter writer(metrics, clock, "advertising", [&](std::string_view line) { lines.emplace_back(line); });
  records("impressions", "accepted").add(7);
  records("impressions", "quarantined").add(2);
  records("impressions", "refused").add(5);
  records("clicks", "accepted");
  metrics.counter("weir_capture_bytes_total", "b", {{"stream", "impressions"}}).add(900);
  metrics.counter("weir_capture_requests_total", "r", {{"stream", "impressions"}}).add(3);
  writer.tick();
  EXPECT_THAT(lines, IsEmpty()) << "the minute has not ended";
  clock.advance(minutes(1));
  writer.tick();
  writer.tick();
  ASSERT_EQ(lines.size(), 1u) << "clicks had no traffic";
  const Json line = must(Json::parse(lines[0]));
  EXPECT_EQ(line["Impressions"].as_int(), 7);
  EXPECT_EQ(line["IncomingRecords"].as_int(), 9);
  EXPECT_EQ(line["IncomingBytes"].as_int(), 900);
  EXPECT_EQ(line["PutRecordBatch.Requests"].as_int(), 3);
  EXPECT_EQ(line["_aws"]["Timestamp"].as_int(), (clock.wall().micros / 60'000'000 - 1) * 60'000);
  const Json& directives = line["_aws"]["CloudWatchMetrics"];
  ASSERT_EQ(directives.array().size(), 2u);
  EXPECT_EQ(
      directives.array()[0].dump(),
      R"({"Namespace":"Warehouse/Advertising","Dimensions":[[]],"Metrics":[{"Name":"Impressions","Unit":"Count"}]})");
  EXPECT_THAT(directives.array()[1].dump(), HasSubstr(R"("Dimensions":[["DeliveryStreamName"]])"));
  clock.advance(minutes(1));
  writer.tick();
  EXPECT_EQ(lines.size(), 1u) << "nothing happened in that minute";
}

}  // namespace
}  // namespace weir::history
