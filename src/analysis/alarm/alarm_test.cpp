// Alarms over a clock that the test moves, the real registry, control database and notifier: when a datapoint is taken,
// what becomes of a change, what a restart keeps.
#include "analysis/alarm/alarm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/io/simulated_clock.h"

namespace weir::alarm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

class AlarmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-alarm-XXXXXX";
    root_ = mkdtemp(name);
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(root_);
  }
  void close() {
    alarms_.reset();
    notifier_.reset();
    control_.reset();
  }
  void open() {
    control_ = must(control::Control::open(root_ + "/control.db", clock_));
    metrics_ = std::make_unique<Metrics>();  // a new program counts from 0
    notifier_ = std::make_unique<notify::Notifier>(notify::Notifier::Parts{*control_, clock_, random_, *metrics_, {}},
                                                   notify::Options{.project = "shop", .environment = {}, .url = {}});
    alarms_ = std::make_unique<Alarms>(
        Alarms::Parts{*metrics_, *control_, *notifier_, clock_,
                      [this](const std::string& sql, Duration, std::function<void(Answer)> done) -> Status {
                        asked_.push_back(sql);
                        if (refuse_) return Error(Code::busy, "too many wait");
                        answers_.push_back(std::move(done));
                        return {};
                      }});
  }
  void declare(std::vector<Alarm> alarms) {
    declared_ = std::move(alarms);
    const Status done = alarms_->set_alarms(declared_);
    ASSERT_TRUE(done) << done.error().text();
  }
  void restart() {
    close();
    open();
    declare(declared_);
  }
  // To the next full minute, second by second; then `minutes` more of them.
  void to_the_minute() {
    do {
      clock_.advance(seconds(1));
      alarms_->tick();
    } while (clock_.wall().micros % 60'000'000 != 0);
  }
  // One whole minute in which the counter rises by `increase`.
  void minute(uint64_t increase) {
    counter().add(increase);
    to_the_minute();
  }
  Counter& counter() { return metrics_->counter("events_total", "e", {{"stream", "clicks"}}); }
  AlarmView view(const std::string& name = "a") { return must(alarms_->alarm(name)); }
  std::vector<std::string> open_findings() {
    std::vector<std::string> out;
    for (const auto& kept : must(notifier_->findings(false, 100))) out.push_back(kept.finding.key + " " + kept.state);
    return out;
  }
  std::vector<std::string> history(const std::string& name = "a") {
    std::vector<std::string> out;
    for (const auto& change : must(alarms_->history(name, 100))) out.push_back(change.from + "→" + change.to);
    return out;
  }
  static Alarm counting(int breaching, int of) {
    Alarm out;
    out.name = "a";
    out.metric = "events_total";
    out.labels = {{"stream", "clicks"}};
    out.statistic = Statistic::sum;
    out.limit = 100;
    out.breaching = breaching;
    out.of = of;
    out.notify = {"page"};
    return out;
  }
  static Alarm asking() {
    Alarm out;
    out.name = "a";
    out.sql = "SELECT 1";
    out.limit = 100;
    out.notify = {"page"};
    return out;
  }

  std::string root_;
  ManualClock clock_{WallTime{1'700'000'007'000'000}};
  SeededRandom random_{1};
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<notify::Notifier> notifier_;
  std::unique_ptr<Alarms> alarms_;
  std::vector<Alarm> declared_;
  std::vector<std::string> asked_;
  std::vector<std::function<void(Answer)>> answers_;
  bool refuse_ = false;
};

TEST_F(AlarmTest, goes_off_and_back_and_its_finding_opens_and_closes) {
  counter();
  declare({counting(2, 3)});
  minute(500);
  EXPECT_THAT(view().points, IsEmpty()) << "the first minute was not seen from its beginning";
  minute(50);
  EXPECT_EQ(view().state, State::ok);
  minute(101);
  EXPECT_EQ(view().state, State::ok);
  minute(100);  // the limit itself is not above it
  EXPECT_EQ(view().state, State::ok);
  minute(200);
  EXPECT_EQ(view().state, State::alarm);
  EXPECT_THAT(view().reason, HasSubstr("(101, 200)"));
  EXPECT_THAT(open_findings(), ElementsAre("alarm/a open"));
  minute(200);
  EXPECT_EQ(must(notifier_->findings(false, 10)).size(), 1u);
  minute(1);
  EXPECT_EQ(view().state, State::alarm) << "two of the last three still breach";
  minute(1);
  EXPECT_EQ(view().state, State::ok);
  EXPECT_THAT(open_findings(), IsEmpty());
  EXPECT_THAT(history(), ElementsAre("alarm→ok", "ok→alarm", "no_data→ok"));
}

TEST_F(AlarmTest, a_series_that_comes_later_counts_from_zero_and_one_that_never_comes_is_no_data) {
  Alarm other = counting(1, 2);
  other.name = "b";
  other.labels = {{"stream", "nobody"}};
  declare({counting(1, 2), other});
  to_the_minute();
  to_the_minute();
  EXPECT_EQ(view().state, State::no_data);
  EXPECT_THAT(view().error, HasSubstr("no series of events_total"));
  minute(500);
  EXPECT_EQ(view().state, State::alarm);
  EXPECT_EQ(view("b").state, State::no_data);
}

TEST_F(AlarmTest, silence_becomes_no_data_and_its_finding_stays) {
  auto gauge = metrics_->callback_gauge("lag", "l", [] { return 500.0; });
  Alarm alarm = counting(1, 2);
  alarm.metric = "lag";
  alarm.labels.clear();
  alarm.statistic = Statistic::max;
  declare({alarm});
  for (int i = 0; i < 2; ++i) to_the_minute();
  EXPECT_EQ(view().state, State::alarm);
  gauge.reset();
  to_the_minute();
  EXPECT_EQ(view().state, State::alarm);
  to_the_minute();
  EXPECT_EQ(view().state, State::no_data);
  EXPECT_THAT(open_findings(), ElementsAre("alarm/a open"));
}

TEST_F(AlarmTest, statistics_of_counters_gauges_and_histograms) {
  Counter& counter = metrics_->counter("c_total", "c");
  Gauge& gauge = metrics_->gauge("g", "g");
  Histogram& histogram = metrics_->histogram("h_seconds", "h", {}, {1, 2, 4});
  std::vector<Alarm> alarms;
  const auto add = [&](const std::string& metric, Statistic statistic) {
    Alarm alarm = counting(1, 1);
    alarm.name = metric + "_" + statistic_word(statistic);
    alarm.metric = metric;
    alarm.labels.clear();
    alarm.statistic = statistic;
    alarms.push_back(alarm);
  };
  for (Statistic one : {Statistic::sum, Statistic::avg, Statistic::rate, Statistic::max, Statistic::min})
    add("c_total", one);
  for (Statistic one :
       {Statistic::sum, Statistic::avg, Statistic::min, Statistic::max, Statistic::count, Statistic::rate})
    add("g", one);
  for (Statistic one :
       {Statistic::sum, Statistic::avg, Statistic::count, Statistic::rate, Statistic::p50, Statistic::p99})
    add("h_seconds", one);
  declare(alarms);
  for (int i = 0; i < 100; ++i) histogram.observe(0.5);  // before the period
  to_the_minute();
  for (int second = 0; second < 60; ++second) {
    if (second == 10) counter.add(120);
    gauge.set(second < 30 ? 2 : 4);
    if (second < 10) histogram.observe(3);
    clock_.advance(seconds(1));
    alarms_->tick();
  }
  const auto value = [&](const std::string& name) {
    return must(alarms_->alarm(name)).points.back().value.value_or(-1);
  };
  EXPECT_EQ(value("c_total_sum"), 120);
  EXPECT_EQ(value("c_total_avg"), 2);
  EXPECT_EQ(value("c_total_rate"), 2);
  EXPECT_EQ(value("c_total_max"), 120);
  EXPECT_EQ(value("c_total_min"), 0);
  EXPECT_EQ(value("g_sum"), 180);
  EXPECT_EQ(value("g_avg"), 3);
  EXPECT_EQ(value("g_min"), 2);
  EXPECT_EQ(value("g_max"), 4);
  EXPECT_EQ(value("g_count"), 60);
  EXPECT_NEAR(value("g_rate"), 4 / 60.0, 1e-9);
  EXPECT_EQ(value("h_seconds_sum"), 30);
  EXPECT_EQ(value("h_seconds_avg"), 3);
  EXPECT_EQ(value("h_seconds_count"), 10);
  EXPECT_NEAR(value("h_seconds_rate"), 10 / 60.0, 1e-9);
  EXPECT_GT(value("h_seconds_p50"), 2) << "not of the hundred before";
}

TEST_F(AlarmTest, a_restart_keeps_the_state_its_datapoints_and_its_finding) {
  counter();
  declare({counting(2, 3)});
  to_the_minute();
  minute(1);
  minute(500);
  restart();
  counter();
  EXPECT_EQ(view().state, State::ok);
  EXPECT_EQ(view().points.size(), 2u);
  clock_.advance(hours(5));  // while nobody looked there are no datapoints
  to_the_minute();
  EXPECT_EQ(view().points.size(), 2u);
  minute(500);
  EXPECT_EQ(view().state, State::alarm) << "the two that breach lie around the restart";
  const std::string finding = view().finding;
  EXPECT_FALSE(finding.empty());
  restart();
  EXPECT_EQ(view().state, State::alarm);
  EXPECT_EQ(view().finding, finding);
  EXPECT_THAT(history(), ElementsAre("ok→alarm", "no_data→ok"));
}

TEST_F(AlarmTest, a_kill_between_the_state_and_its_finding_is_mended_at_the_next_start) {
  counter();
  declare({counting(1, 1)});
  to_the_minute();
  minute(500);
  ASSERT_EQ(view().state, State::alarm);
  ASSERT_TRUE(notifier_->close("alarm/a", "as if it had never been reported", {}));
  restart();
  EXPECT_THAT(open_findings(), ElementsAre("alarm/a open"));
}

TEST_F(AlarmTest, an_alarm_that_is_removed_or_disabled_is_forgotten_and_its_finding_closed) {
  counter();
  declare({counting(1, 1)});
  to_the_minute();
  minute(500);
  ASSERT_THAT(open_findings(), ElementsAre("alarm/a open"));
  Alarm disabled = counting(1, 1);
  disabled.enabled = false;
  declare({disabled});
  EXPECT_THAT(open_findings(), IsEmpty());
  EXPECT_EQ(alarms_->alarm("a").error().code, Code::not_found);
  EXPECT_THAT(must(control_->alarm_states()), IsEmpty());
  declare({counting(1, 1)});
  EXPECT_EQ(view().state, State::no_data);
}

TEST_F(AlarmTest, a_changed_declaration_keeps_the_state_and_starts_its_datapoints_anew) {
  counter();
  declare({counting(1, 1)});
  to_the_minute();
  minute(500);
  Alarm changed = counting(1, 1);
  changed.limit = 1000;
  declare({changed});
  EXPECT_EQ(view().state, State::alarm);
  EXPECT_THAT(view().points, IsEmpty());
  to_the_minute();
  minute(500);
  EXPECT_EQ(view().state, State::ok);
}

TEST_F(AlarmTest, periods_that_a_late_tick_left_out_are_missing) {
  counter();
  Alarm alarm = counting(1, 3);
  alarm.missing = Missing::breaching;
  declare({alarm});
  to_the_minute();
  minute(1);
  ASSERT_EQ(view().state, State::ok);
  clock_.advance(minutes(3));
  alarms_->tick();
  EXPECT_EQ(view().state, State::alarm);
  EXPECT_THAT(view().reason, HasSubstr("missing"));
}

TEST_F(AlarmTest, a_statement_is_asked_once_a_period_and_its_number_is_the_datapoint) {
  declare({asking()});
  to_the_minute();
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_THAT(view().points, IsEmpty()) << "nothing was answered yet";
  answers_.back()(std::optional(101.0));
  EXPECT_EQ(view().state, State::alarm);
  to_the_minute();
  ASSERT_EQ(asked_.size(), 2u);
  answers_.back()(std::optional(100.0));
  EXPECT_EQ(view().state, State::ok);
}

TEST_F(AlarmTest, a_statement_that_fails_or_hangs_is_a_missing_datapoint_with_its_reason) {
  declare({asking()});
  to_the_minute();
  answers_.back()(Error(Code::timed_out, "too slow"));
  EXPECT_EQ(view().state, State::no_data);
  EXPECT_THAT(view().error, HasSubstr("too slow"));
  EXPECT_EQ(metrics_->read("weir_alarm_sql_failures_total"), 1);
  to_the_minute();
  to_the_minute();
  EXPECT_EQ(asked_.size(), 2u) << "not again while it runs";
  EXPECT_THAT(view().error, HasSubstr("has not ended"));
  answers_.back()(std::optional<double>());
  EXPECT_THAT(view().error, HasSubstr("NULL"));
  refuse_ = true;
  to_the_minute();
  EXPECT_THAT(view().error, HasSubstr("too many wait"));
}

TEST_F(AlarmTest, an_answer_after_the_end_is_nobodys) {
  declare({asking()});
  to_the_minute();
  auto late = answers_.back();
  close();
  late(std::optional(500.0));
  open();
  declare(declared_);
  EXPECT_EQ(view().state, State::no_data);
}

TEST_F(AlarmTest, what_does_not_change_is_not_written_again) {
  counter();
  declare({counting(2, 3)});
  for (int i = 0; i < 6; ++i) minute(1);
  const auto stored = must(control_->alarm_states());
  for (int i = 0; i < 5; ++i) minute(2);
  EXPECT_EQ(must(control_->alarm_states())[0].body, stored[0].body);
  minute(500);
  EXPECT_NE(must(control_->alarm_states())[0].body, stored[0].body);
}

TEST_F(AlarmTest, is_acknowledged_once_it_has_a_finding) {
  counter();
  declare({counting(1, 1)});
  EXPECT_EQ(alarms_->acknowledge("a", "ada").error().code, Code::conflict);
  EXPECT_EQ(alarms_->acknowledge("b", "ada").error().code, Code::not_found);
  to_the_minute();
  minute(500);
  ASSERT_TRUE(alarms_->acknowledge("a", "ada"));
  const auto kept = must(notifier_->findings(false, 1))[0];
  EXPECT_EQ(kept.state, "acknowledged");
  EXPECT_EQ(kept.acknowledged_by, "ada");
  minute(1);
  EXPECT_THAT(open_findings(), IsEmpty());
}

}  // namespace
}  // namespace weir::alarm
