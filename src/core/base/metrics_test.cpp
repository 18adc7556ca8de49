// Metrics: what a scraper reads, what a page reads, and that no update is lost between threads.
#include "core/base/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace weir {
namespace {

TEST(Metrics, the_scrape_is_prometheus_text_with_help_type_and_escapes) {
  Metrics metrics;
  metrics.counter("weir_events_total", "Events\nby \\ stream", {{"stream", "a\"b\\c\nd"}, {"kind", "x"}})
      .add(12'000'000);
  metrics.gauge("weir_lag", "Lag").set(0.25);
  Histogram& histogram = metrics.histogram("weir_wait_seconds", "Wait", {}, {0.1, 1});
  for (double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
  EXPECT_EQ(metrics.prometheus(),
            "# HELP weir_events_total Events\\nby \\\\ stream\n"
            "# TYPE weir_events_total counter\n"
            "weir_events_total{kind=\"x\",stream=\"a\\\"b\\\\c\\nd\"} 12000000\n"
            "# HELP weir_lag Lag\n"
            "# TYPE weir_lag gauge\n"
            "weir_lag 0.25\n"
            "# HELP weir_wait_seconds Wait\n"
            "# TYPE weir_wait_seconds histogram\n"
            "weir_wait_seconds_bucket{le=\"0.1\"} 2\n"
            "weir_wait_seconds_bucket{le=\"1\"} 3\n"
            "weir_wait_seconds_bucket{le=\"+Inf\"} 4\n"
            "weir_wait_seconds_sum 7.65\n"
            "weir_wait_seconds_count 4\n");
}

TEST(Metrics, asking_twice_gives_the_same_object_whatever_the_order_of_labels) {
  Metrics metrics;
  Counter& first = metrics.counter("c_total", "c", {{"a", "1"}, {"b", "2"}});
  Counter& second = metrics.counter("c_total", "c", {{"b", "2"}, {"a", "1"}});
  EXPECT_EQ(&first, &second);
  first.add(3);
  EXPECT_EQ(metrics.read("c_total", {{"b", "2"}, {"a", "1"}}), 3.0);
  EXPECT_EQ(metrics.read("c_total"), std::nullopt);
  EXPECT_EQ(metrics.read("absent"), std::nullopt);
}

TEST(Metrics, too_many_label_sets_share_one_series_that_says_so) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kSeriesMax + 50; ++i) {
    metrics.counter("c_total", "c", {{"id", std::to_string(i)}}).add();
  }
  EXPECT_EQ(metrics.read("c_total", {{"id", "_other"}}), 50.0);
  EXPECT_EQ(metrics.read("c_total", {{"id", "7"}}), 1.0);
}

TEST(Metrics, a_callback_is_read_at_each_scrape_until_its_owner_goes) {
  Metrics metrics;
  double depth = 1;
  CallbackGauge owner = metrics.callback_gauge("depth", "d", [&] { return depth; });
  EXPECT_EQ(metrics.read("depth"), 1.0);
  depth = 2;
  EXPECT_NE(metrics.prometheus().find("depth 2\n"), std::string::npos);
  {
    CallbackGauge successor = metrics.callback_gauge("depth", "d", [] { return 7.0; });
    owner.reset();
    EXPECT_EQ(metrics.read("depth"), 7.0);
  }
  EXPECT_EQ(metrics.read("depth"), std::nullopt);
  EXPECT_EQ(metrics.prometheus(), "");
}

TEST(Metrics, pages_read_values_and_percentiles_as_json) {
  Metrics metrics;
  metrics.counter("c_total", "c", {{"stream", "x"}}).add(2);
  Histogram& histogram = metrics.histogram("h_seconds", "h", {}, {1, 2, 4});
  for (int i = 0; i < 100; ++i) histogram.observe(1.5);
  Json json = metrics.json();
  EXPECT_EQ(json["c_total"].array()[0].dump(), R"({"labels":{"stream":"x"},"value":2})");
  EXPECT_EQ(json["h_seconds"].array()[0]["count"].as_int(), 100);
  EXPECT_EQ(json["h_seconds"].array()[0]["p50"].as_double(), 1.5);
}

TEST(Metrics, special_values_have_their_prometheus_names) {
  Metrics metrics;
  metrics.gauge("a", "a").set(std::numeric_limits<double>::quiet_NaN());
  metrics.gauge("b", "b").set(std::numeric_limits<double>::infinity());
  metrics.gauge("c", "c").set(-std::numeric_limits<double>::infinity());
  std::string text = metrics.prometheus();
  EXPECT_NE(text.find("\na NaN\n"), std::string::npos);
  EXPECT_NE(text.find("\nb +Inf\n"), std::string::npos);
  EXPECT_NE(text.find("\nc -Inf\n"), std::string::npos);
}

TEST(Histogram, percentiles_are_near_and_stay_within_the_bounds) {
  Histogram histogram(latency_bounds());
  EXPECT_EQ(histogram.percentile(0.99), 0);
  for (int i = 1; i <= 10'000; ++i) histogram.observe(i / 10'000.0);
  EXPECT_NEAR(histogram.percentile(0.5), 0.5, 0.05);
  EXPECT_NEAR(histogram.percentile(0.99), 0.99, 0.1);
  histogram.observe(std::nan(""));
  EXPECT_EQ(histogram.count(), 10'000u);
  Histogram beyond({1, 2});
  beyond.observe(1e9);
  EXPECT_EQ(beyond.percentile(0.5), 2);
  Histogram below({-1, 1});
  below.observe(-5);
  EXPECT_LE(below.percentile(0.5), -1);
}

TEST(Histogram, doubling_bounds_end_at_the_largest) {
  EXPECT_EQ(doubling_bounds(1, 8), (std::vector<double>{1, 2, 4, 8}));
  EXPECT_EQ(doubling_bounds(3, 7), (std::vector<double>{3, 6}));
}

TEST(Metrics, no_update_is_lost_between_threads) {
  Metrics metrics;
  Counter& counter = metrics.counter("c_total", "c");
  Gauge& gauge = metrics.gauge("g", "g");
  Histogram& histogram = metrics.histogram("h_seconds", "h");
  auto work = [&] {
    for (int i = 0; i < 20'000; ++i) {
      counter.add();
      gauge.add(1);
      histogram.observe(0.5);
      if (i % 5000 == 0) {
        EXPECT_FALSE(metrics.prometheus().empty());
      }
    }
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
  EXPECT_EQ(counter.value(), 40'000u);
  EXPECT_EQ(gauge.value(), 40'000);
  EXPECT_EQ(histogram.count(), 40'000u);
  EXPECT_EQ(histogram.sum(), 20'000);
}

TEST(MetricsDeath, a_name_of_two_kinds_is_our_own_mistake) {
  Metrics metrics;
  metrics.counter("x", "x");
  EXPECT_DEATH(metrics.gauge("x", "x"), "two kinds");
  EXPECT_DEATH(metrics.gauge("not a name", "x"), "a metric's name");
}

}  // namespace
}  // namespace weir
