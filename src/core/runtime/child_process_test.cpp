// Children that behave, that fail, that eat memory and time, that write without end and that leave children behind.
#include "core/runtime/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "core/runtime/thread.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

ChildOptions shell(const std::string& script) {
  ChildOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", script};
  options.environment_set = {{"PATH", "/usr/bin:/bin"}};
  options.time_limit = seconds(20);
  return options;
}

ChildResult run(const ChildOptions& options) {
  auto result = run_child(options);
  EXPECT_TRUE(result) << result.error().text();
  return result ? *result : ChildResult{};
}

TEST(ChildProcess, gives_back_both_outputs_and_the_exit_code) {
  ChildOptions options = shell("cat; echo problem >&2; exit 3");
  options.input = std::string(300'000, 'x');
  const ChildResult result = run(options);
  EXPECT_EQ(result.end, ChildResult::End::exited);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, options.input);
  EXPECT_EQ(result.error_output, "problem\n");
  EXPECT_FALSE(result.succeeded());
  EXPECT_EQ(result.text(options), "exit code 3");
  EXPECT_GT(result.memory_peak_bytes, 0u);
}

TEST(ChildProcess, a_program_that_is_not_there_or_cannot_run_is_an_error) {
  ChildOptions options;
  options.program = "/nowhere/program";
  EXPECT_EQ(run_child(options).error().code, Code::not_found);
  options.program = "/etc/passwd";
  const auto refused = run_child(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::io);
  EXPECT_THAT(refused.error().message, HasSubstr("/etc/passwd: run it: Permission denied"));
  options.program = "sh";
  EXPECT_EQ(run_child(options).error().code, Code::invalid);
  options = shell("true");
  options.folder = "/nowhere";
  EXPECT_THAT(run_child(options).error().message, HasSubstr("enter its folder"));
  options = shell(std::string("a\0b", 3));
  EXPECT_EQ(run_child(options).error().code, Code::invalid);
}

TEST(ChildProcess, inherits_only_the_environment_that_is_named) {
  ::setenv("WEIR_TEST_KEPT", "kept", 1);
  ::setenv("WEIR_TEST_HIDDEN", "hidden", 1);
  ::setenv("WEIR_TEST_CHANGED", "old", 1);
  ChildOptions options = shell("env | grep WEIR | sort");
  options.environment_kept = {"WEIR_TEST_KEPT", "WEIR_TEST_CHANGED", "WEIR_TEST_UNSET"};
  options.environment_set.emplace_back("WEIR_TEST_CHANGED", "new");
  EXPECT_EQ(run(options).output, "WEIR_TEST_CHANGED=new\nWEIR_TEST_KEPT=kept\n");
}

TEST(ChildProcess, inherits_no_descriptors_and_works_in_the_folder) {
  const int leaked = ::dup(1);  // not close-on-exec
  ChildOptions options = shell("ls /proc/self/fd | wc -l; pwd");
  options.folder = "/usr";
  EXPECT_EQ(run(options).output, "4\n/usr\n");  // 0, 1, 2 and the folder that ls reads
  ::close(leaked);
}

TEST(ChildProcess, gets_default_signals) {
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run(shell("yes | head -1")).output, "y\n");
  const ChildResult killed = run(shell("kill -TERM $$; echo survived"));
  ::signal(SIGPIPE, old_handler);
  EXPECT_EQ(killed.end, ChildResult::End::killed);
  EXPECT_EQ(killed.signal, SIGTERM);
  EXPECT_EQ(killed.output, "");
}

TEST(ChildProcess, is_killed_with_all_it_started_when_its_time_is_over) {
  ChildOptions options = shell("sleep 1000 & sleep 1000 & echo $!; wait");
  options.time_limit = milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = run(options);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(result.end, ChildResult::End::timed_out);
  EXPECT_EQ(result.text(options), "did not end in 200ms");
  // The second sleep is dead or a zombie that nobody has collected yet; it does not sleep any more.
  const std::string status = "/proc/" + result.output.substr(0, result.output.find('\n')) + "/stat";
  const auto is_asleep = [&] {
    std::ifstream stat(status);
    std::string line;
    return std::getline(stat, line) && line.find(") S ") != std::string::npos;
  };
  while (is_asleep() && std::chrono::steady_clock::now() - start < 10s) std::this_thread::yield();
  EXPECT_FALSE(is_asleep());
}

TEST(ChildProcess, what_it_leaves_behind_dies_with_it_and_is_not_waited_for) {
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = run(shell("sleep 1000 & echo done"));
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(ChildProcess, is_cancelled_from_another_thread) {
  const Cancel cancel;
  const auto started = std::filesystem::temp_directory_path() / ("weir-started-" + std::to_string(::getpid()));
  const ChildOptions options = shell("echo > " + started.string() + "; sleep 1000");
  std::promise<Result<ChildResult>> result;
  std::thread runner = start_thread("runner", [&] { result.set_value(run_child(options, cancel)); });
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!std::filesystem::exists(started) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  std::filesystem::remove(started);
  const auto start = std::chrono::steady_clock::now();
  cancel.cancel();
  const auto ended = result.get_future().get();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  runner.join();
  ASSERT_TRUE(ended) << ended.error().text();
  EXPECT_EQ(ended->end, ChildResult::End::cancelled);
}

TEST(ChildProcess, is_not_started_if_it_is_cancelled_already) {
  const Cancel cancel;
  cancel.cancel();
  EXPECT_EQ(run_child(shell("true"), cancel).error().code, Code::cancelled);
}

TEST(ChildProcess, keeps_a_limit_on_memory_cpu_and_files) {
  ChildOptions options = shell("head -c 200000000 /dev/zero | tail -c 200000000 | wc -c");
  options.memory_bytes_max = 64 << 20;
  EXPECT_EQ(run(options).output, "0\n");

  options = shell("while :; do :; done");
  options.cpu_max = milliseconds(10);
  const ChildResult busy = run(options);
  EXPECT_EQ(busy.end, ChildResult::End::killed);
  EXPECT_EQ(busy.signal, SIGXCPU);
  EXPECT_GE(busy.cpu.micros, 500'000);

  const auto file = std::filesystem::temp_directory_path() / ("weir-child-" + std::to_string(::getpid()));
  options = shell("head -c 100000 /dev/zero > " + file.string());
  options.file_bytes_max = 4096;
  EXPECT_FALSE(run(options).succeeded());
  EXPECT_LE(std::filesystem::file_size(file), 4096u);
  std::filesystem::remove(file);
}

TEST(ChildProcess, output_without_end_is_cut_and_ends_with_the_time_limit) {
  ChildOptions options = shell("yes");
  options.output_bytes_max = 1000;
  options.time_limit = milliseconds(100);
  const ChildResult result = run(options);
  EXPECT_EQ(result.output.size(), 1000u);
  EXPECT_TRUE(result.is_output_cut);
  EXPECT_FALSE(result.is_error_output_cut);
  EXPECT_EQ(result.end, ChildResult::End::timed_out);
}

TEST(ChildProcess, may_refuse_its_input) {
  ChildOptions options = shell("exec <&-; echo no");
  options.input = std::string(1 << 20, 'x');
  EXPECT_EQ(run(options).output, "no\n");
}

}  // namespace
}  // namespace weir
