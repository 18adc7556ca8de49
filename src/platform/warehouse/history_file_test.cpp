// The history on disk: what comes back after a start, what goes when there is too much, and damage.
#include "platform/warehouse/history_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/runtime/system_clock.h"

namespace weir::warehouse {
namespace {

class HistoryFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "weir-history-XXXXXX";
    folder = mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::unique_ptr<HistoryFile> open(HistoryFile::Limits limits = {}) {
    auto opened = HistoryFile::open(real_files(), clock, folder, limits);
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  void write(HistoryFile& file, int first, int count, Duration ago = {}) {
    for (int i = first; i < first + count; ++i) {
      file.add(Json::Object{{"at", clock.wall().micros - ago.micros}, {"number", int64_t{i}}});
    }
    const Status done = file.flush();
    EXPECT_TRUE(done) << done.error().text();
  }
  // "3..7", or "none".
  static std::string numbers(HistoryFile& file) {
    const std::vector<Json> kept = file.take_kept();
    if (kept.empty()) return "none";
    for (size_t i = 1; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i]["number"].as_int(), kept[i - 1]["number"].as_int() + 1);
    }
    return std::to_string(kept.front()["number"].as_int()) + ".." + std::to_string(kept.back()["number"].as_int());
  }
  std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
  }

  SystemClock clock;
  std::string folder;
};

TEST_F(HistoryFileTest, gives_back_after_a_start_what_was_added) {
  EXPECT_EQ(numbers(*open()), "none");
  write(*open(), 1, 5);
  {
    const auto second = open();
    EXPECT_EQ(numbers(*second), "1..5");
    second->add(Json::Object{{"at", clock.wall().micros}, {"number", int64_t{6}}});  // written when it ends
  }
  EXPECT_EQ(numbers(*open()), "1..6");
}

TEST_F(HistoryFileTest, passes_over_a_torn_end_and_damaged_lines) {
  write(*open(), 1, 5);
  const std::string path = segments().front();
  std::string text;
  {
    std::ifstream in(path);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  std::ofstream(path) << text.substr(0, text.size() - 10);
  EXPECT_EQ(numbers(*open()), "1..4");
  text[text.find("\"number\"") + 2] ^= 1;
  std::ofstream(path) << text;
  EXPECT_EQ(numbers(*open()), "2..5");
  std::ofstream(folder + "/000000000009.log") << "weir hist";  // its header was torn
  EXPECT_EQ(numbers(*open()), "2..5");
}

TEST_F(HistoryFileTest, refuses_a_version_that_it_does_not_know) {
  std::ofstream(folder + "/000000000001.log") << "weir history 2\n";
  const auto opened = HistoryFile::open(real_files(), clock, folder, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
}

TEST_F(HistoryFileTest, keeps_no_more_records_than_it_may_and_few_segments) {
  for (int start = 0; start < 30; ++start) write(*open({.records_max = 100}), start * 10, 10);
  EXPECT_LE(segments().size(), 12u);
  EXPECT_EQ(numbers(*open({.records_max = 100})), "200..299");
}

TEST_F(HistoryFileTest, forgets_what_is_too_old) {
  write(*open(), 1, 5, hours(24 * 40));
  write(*open(), 6, 5);
  EXPECT_EQ(numbers(*open()), "6..10");
  EXPECT_EQ(segments().size(), 1u);
}

}  // namespace
}  // namespace weir::warehouse
