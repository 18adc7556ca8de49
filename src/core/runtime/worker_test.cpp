// The server's side of a worker, with shell scripts in the place of our own program: answers, data, deaths, limits.
#include "core/runtime/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-worker-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Workers script(const std::string& text) {
    const std::string path = folder_ + "/program";
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    chmod(path.c_str(), 0700);
    return Workers(path);
  }
  static WorkerLimits limits() {
    WorkerLimits out;
    out.time = seconds(20);
    return out;
  }
  std::string folder_;
};

TEST_F(WorkerTest, gives_lines_as_they_come_and_the_answer) {
  const Workers workers =
      script("read request; echo \"$1 $2\"; echo one; printf '\\036{\"result\": %s}\\n' \"$request\"");
  std::vector<std::string> lines;
  const auto answer = workers.call("csv", Json(Json::Object{{"a", 1}}), limits(), {}, [&](std::string_view line) {
    lines.emplace_back(line);
    return Status();
  });
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ((*answer)["a"].as_int(), 1);
  EXPECT_THAT(lines, ElementsAre("worker csv", "one"));
}

TEST_F(WorkerTest, an_error_keeps_its_code_and_its_place) {
  const Workers workers = script(
      "printf '\\036{\"error\":{\"code\":\"too_large\",\"message\":\"m\",\"hint\":\"h\","
      "\"at\":{\"file\":\"f\",\"line\":2,\"column\":3}}}\\n'; exit 70");
  const auto answer = workers.call("csv", Json(), limits(), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::too_large);
  EXPECT_EQ(answer.error().text(), "f:2:3: m (h)");
}

TEST_F(WorkerTest, a_death_names_the_signal_and_the_last_words) {
  const auto answer =
      script("echo working >&2; echo 'row 7 is odd' >&2; kill -SEGV $$").call("csv", Json(), limits(), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::io);
  EXPECT_THAT(answer.error().message, HasSubstr("signal 11"));
  EXPECT_THAT(answer.error().message, HasSubstr("row 7 is odd"));
}

TEST_F(WorkerTest, is_held_to_its_time_and_its_cpu) {
  WorkerLimits short_time = limits();
  short_time.time = milliseconds(200);
  EXPECT_EQ(script("exec /bin/sleep 20").call("csv", Json(), short_time, {}).error().code, Code::timed_out);
  WorkerLimits little_cpu = limits();
  little_cpu.cpu = seconds(1);
  EXPECT_EQ(script("while :; do :; done").call("csv", Json(), little_cpu, {}).error().code, Code::timed_out);
}

TEST_F(WorkerTest, who_takes_the_lines_may_end_it) {
  const auto answer =
      script("while :; do echo x; done").call("csv", Json(), limits(), {}, [](std::string_view) -> Status {
        return Error(Code::invalid, "enough");
      });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "enough");
}

TEST_F(WorkerTest, a_cancel_gives_its_own_reason) {
  const Cancel cancel;
  const auto answer =
      script("echo begun; exec /bin/sleep 20").call("csv", Json(), limits(), cancel, [&](std::string_view) {
        cancel.cancel(Error(Code::cancelled, "stopped by somebody"));
        return Status();
      });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "stopped by somebody");
}

TEST(LastLines, are_whole_lines_from_the_end) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb\nc", 10), "a\nb\nc");
  EXPECT_EQ(last_lines(std::string(50, 'x'), 10, 20), std::string(20, 'x'));
  EXPECT_EQ(last_lines("long line\nshort", 10, 8), "short");
  EXPECT_EQ(last_lines(""), "");
}

}  // namespace
}  // namespace weir
