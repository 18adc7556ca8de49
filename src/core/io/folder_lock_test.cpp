// One owner at a time, also between processes, and what the second one is told.
#include "core/io/folder_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace weir {
namespace {

using ::testing::HasSubstr;

class FolderLockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-lock-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ + "/lock";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
  std::string path_;
};

TEST_F(FolderLockTest, the_second_one_is_told_who_holds_it) {
  auto first = FolderLock::acquire(path_, "weir serve, process 17");
  ASSERT_TRUE(first) << first.error().text();
  const auto second = FolderLock::acquire(path_, "weir sql", milliseconds(30));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
  EXPECT_THAT(second.error().message, HasSubstr("weir serve, process 17; waited 30ms"));
  first->reset();
  EXPECT_TRUE(FolderLock::acquire(path_, "weir sql", Duration{0}));
}

TEST_F(FolderLockTest, the_patient_one_gets_it_when_the_first_one_leaves) {
  auto first = FolderLock::acquire(path_, "first").value();
  std::thread leaving([&] { first.reset(); });
  EXPECT_TRUE(FolderLock::acquire(path_, "second", seconds(10)));
  leaving.join();
}

TEST_F(FolderLockTest, a_killed_owner_holds_nothing) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const auto lock = FolderLock::acquire(path_, "the child");
    [[maybe_unused]] const ssize_t written = ::write(ready[1], lock ? "y" : "n", 1);
    while (true) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_THAT(FolderLock::acquire(path_, "we", Duration{0}).error().message, HasSubstr("held by the child"));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(FolderLock::acquire(path_, "we", seconds(10)));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FolderLockTest, a_folder_that_is_not_there_is_not_found) {
  EXPECT_EQ(FolderLock::acquire(folder_ + "/none/lock", "we").error().code, Code::not_found);
}

}  // namespace
}  // namespace weir
