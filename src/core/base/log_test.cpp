// The log: a line stays a line whatever is in it, lines of threads do not mix, floods are kept back and counted.
#include "core/base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace weir {
namespace {

constexpr int64_t kThen = 1'675'209'599'123'456;

class LogTest : public testing::Test {
 protected:
  void capture(Level level = Level::info, bool json = false) {
    set_log({level, json, [this](std::string_view line) { lines_.emplace_back(line); }});
  }
  ~LogTest() override { set_log({}); }
  std::vector<std::string> lines_;
};

TEST(LogLine, is_logfmt_with_quotes_only_where_needed) {
  EXPECT_EQ(log_line(false, kThen, Level::warn, "journal.poisoned",
                     {{"segment", 12},
                      {"ratio", 0.5},
                      {"ok", true},
                      {"stream", "impressions"},
                      {"reason", "no space left"},
                      {"empty", ""}}),
            "time=2023-01-31T23:59:59.123456Z level=warn event=journal.poisoned segment=12 ratio=0.5 ok=true "
            "stream=impressions reason=\"no space left\" empty=\"\"\n");
}

TEST(LogLine, is_json_that_parses_on_request) {
  std::string line =
      log_line(true, kThen, Level::error, "a.b", {{"n", 1}, {"text", "x\"y"}, {"list", Json::Array{1, "z"}}});
  auto parsed = Json::parse(line);
  ASSERT_TRUE(parsed.has_value()) << line;
  EXPECT_EQ((*parsed)["level"].as_string(), "error");
  EXPECT_EQ((*parsed)["n"].as_int(), 1);
  EXPECT_EQ((*parsed)["text"].as_string(), "x\"y");
  EXPECT_EQ((*parsed)["list"].as_string(), "[1,\"z\"]");
}

TEST(LogLine, hostile_values_stay_inside_their_line) {
  std::string evil = "x\nlevel=error event=fake\r\x1B[2J\x7F\xC2\x9B\xFF\"=\\";
  for (bool json : {false, true}) {
    std::string line = log_line(json, kThen, Level::info, evil, {{"value", evil}});
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
    for (char c : line.substr(0, line.size() - 1)) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    EXPECT_EQ(line.find("\xC2\x9B"), std::string::npos);
    if (json) {
      EXPECT_TRUE(Json::parse(line).has_value()) << line;
    }
  }
}

TEST(LogLine, a_long_value_is_cut_and_says_how_long_it_was) {
  std::string euros;
  for (int i = 0; i < 100'000; ++i) euros += "€";
  std::string line = log_line(true, kThen, Level::info, "e", {{"value", euros}});
  EXPECT_LT(line.size(), kLogValueBytesMax + 200);
  EXPECT_NE(line.find("… (300000 bytes)"), std::string::npos);
  EXPECT_EQ(line.find("\xEF\xBF\xBD"), std::string::npos) << "cut inside of a character";
}

TEST_F(LogTest, levels_below_the_set_one_are_not_written) {
  capture(Level::warn);
  log_event(Level::info, "quiet");
  log_event(Level::warn, "loud", {{"n", 1}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("event=loud n=1\n"), std::string::npos);
  EXPECT_TRUE(log_enabled(Level::error));
  EXPECT_FALSE(log_enabled(Level::debug));
}

TEST_F(LogTest, lines_of_several_threads_are_all_there_and_whole) {
  capture();
  auto work = [](int id) {
    for (int i = 0; i < 500; ++i) log_event(Level::info, "work", {{"id", id}, {"i", i}});
  };
  std::thread first(work, 1), second(work, 2);
  first.join();
  second.join();
  ASSERT_EQ(lines_.size(), 1000u);
  for (const std::string& line : lines_) EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(LogLevel, names_are_read_back) {
  for (Level level : {Level::debug, Level::info, Level::warn, Level::error})
    EXPECT_EQ(*parse_level(level_name(level)), level);
  EXPECT_EQ(parse_level("loud").error().text(), "'loud' is no log level (write debug, info, warn or error)");
}

TEST(LogLimit, admits_a_burst_in_each_interval_and_counts_the_rest) {
  LogLimit limit(2, seconds(10));
  EXPECT_EQ(limit.admit(0), 0);
  EXPECT_EQ(limit.admit(1), 0);
  EXPECT_EQ(limit.admit(2), std::nullopt);
  EXPECT_EQ(limit.admit(9'999'999), std::nullopt);
  EXPECT_EQ(limit.admit(10'000'000), 2);
  EXPECT_EQ(limit.admit(10'000'001), 0);
  EXPECT_EQ(limit.admit(10'000'002), std::nullopt);
}

}  // namespace
}  // namespace weir
