// real_files() on the machine's disk, the helpers over it, and the crash points that it passes.
#include "core/io/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "core/io/crash_point.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string at(const std::string& name) const { return join_path(folder_, name); }
  void write(const std::string& name, std::string_view bytes) {
    auto file = files_.open(at(name), OpenMode::create);
    ASSERT_TRUE(file) << file.error().text();
    ASSERT_TRUE((*file)->write_at(0, bytes));
  }
  std::string read(const std::string& name) {
    auto bytes = read_file(files_, at(name));
    return bytes ? *bytes : "error: " + bytes.error().text();
  }
  unsigned mode_of(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::stat(at(name).c_str(), &info), 0);
    return info.st_mode & 0777u;
  }

  Files& files_ = real_files();
  std::string folder_;
};

TEST_F(FilesTest, reads_back_what_was_written_with_zeros_in_the_hole) {
  auto file = files_.open(at("a"), OpenMode::create_new);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(4, "data"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ(read("a"), std::string("\0\0\0\0data", 8));
  char buffer[16] = {};
  EXPECT_EQ((*file)->read_at(6, buffer, sizeof buffer).value(), 2u);
  EXPECT_EQ((*file)->read_at(100, buffer, sizeof buffer).value(), 0u);
  ASSERT_TRUE((*file)->truncate(5));
  EXPECT_EQ((*file)->size().value(), 5u);
}

TEST_F(FilesTest, new_files_and_folders_are_for_the_owner_only) {
  write("a", "x");
  EXPECT_EQ(mode_of("a"), 0600u);
  ASSERT_TRUE(files_.make_directories(at("b/c/d")));
  EXPECT_EQ(mode_of("b"), 0700u);
  EXPECT_EQ(mode_of("b/c/d"), 0700u);
}

TEST_F(FilesTest, open_modes_keep_their_words) {
  EXPECT_EQ(files_.open(at("none"), OpenMode::read).error().code, Code::not_found);
  EXPECT_EQ(files_.open(at("none"), OpenMode::read_write).error().code, Code::not_found);
  EXPECT_EQ(files_.open(at("none/below"), OpenMode::create).error().code, Code::not_found);
  write("a", "kept");
  EXPECT_EQ(files_.open(at("a"), OpenMode::create_new).error().code, Code::conflict);
  ASSERT_TRUE(files_.open(at("a"), OpenMode::create));
  EXPECT_EQ(read("a"), "kept");
  auto reader = files_.open(at("a"), OpenMode::read);
  EXPECT_EQ((*reader)->write_at(0, "x").error().code, Code::io);
}

TEST_F(FilesTest, what_is_no_regular_file_is_refused_at_once) {
  EXPECT_EQ(files_.open(folder_, OpenMode::read).error().code, Code::io);
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_THAT(files_.open(at("pipe"), OpenMode::read).error().message, HasSubstr("not a regular file"));
  EXPECT_EQ(files_.open("", OpenMode::read).error().code, Code::invalid);
  EXPECT_EQ(files_.open(at(std::string("a\0b", 3)), OpenMode::create).error().code, Code::invalid);
}

TEST_F(FilesTest, errors_name_the_path_and_the_reason) {
  const Error error = files_.open(at("none"), OpenMode::read).error();
  EXPECT_THAT(error.message, HasSubstr(at("none")));
  EXPECT_THAT(error.message, HasSubstr("No such file or directory"));
}

TEST_F(FilesTest, a_full_disk_is_no_space_and_writing_goes_on_when_there_is_room) {
  ASSERT_TRUE(files_.make_directories(at("small")));
  if (::mount("weir-test", at("small").c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "only root may mount the small disk that this test fills";
  }
  write("small/other", std::string(32 << 10, 'x'));
  {
    auto file = files_.open(at("small/a"), OpenMode::create);
    const Status status = (*file)->write_at(0, std::string(128 << 10, 'x'));
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::no_space);
    EXPECT_THAT(status.error().message, HasSubstr(at("small/a")));
    EXPECT_TRUE(files_.remove(at("small/other")));
    EXPECT_TRUE((*file)->truncate(0));
    EXPECT_TRUE((*file)->write_at(0, std::string(48 << 10, 'x')));
  }
  EXPECT_EQ(::umount(at("small").c_str()), 0);
}

TEST_F(FilesTest, a_refused_write_names_the_path) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit old_limit = limit;
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  limit.rlim_cur = 4096;
  auto file = files_.open(at("a"), OpenMode::create);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const Status status = (*file)->write_at(0, std::string(8192, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  ::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::io);
  EXPECT_THAT(status.error().message, HasSubstr(at("a")));
}

TEST_F(FilesTest, rename_replaces_and_remove_takes_files_and_empty_folders) {
  write("a", "new");
  write("b", "old");
  ASSERT_TRUE(files_.rename(at("a"), at("b")));
  EXPECT_EQ(read("b"), "new");
  EXPECT_FALSE(files_.exists(at("a")).value());
  EXPECT_EQ(files_.rename(at("a"), at("b")).error().code, Code::not_found);
  ASSERT_TRUE(files_.make_directories(at("c/d")));
  EXPECT_EQ(files_.remove(at("c")).error().code, Code::io);
  ASSERT_TRUE(files_.remove(at("c/d")));
  ASSERT_TRUE(files_.remove(at("c")));
  ASSERT_TRUE(files_.remove(at("b")));
  EXPECT_EQ(files_.remove(at("b")).error().code, Code::not_found);
}

TEST_F(FilesTest, making_folders_twice_changes_nothing_and_a_file_in_the_way_is_named) {
  ASSERT_TRUE(files_.make_directories(at("a/b")));
  ASSERT_TRUE(files_.make_directories(at("a/b")));
  ASSERT_TRUE(files_.make_directories(at("a/b/")));
  write("a/file", "x");
  EXPECT_EQ(files_.make_directories(at("a/file")).error().code, Code::conflict);
  EXPECT_FALSE(files_.make_directories(at("a/file/below")));
}

TEST_F(FilesTest, list_is_sorted_with_sizes) {
  write("b", "12345");
  write("a", "");
  ASSERT_TRUE(files_.make_directories(at("c")));
  ASSERT_EQ(::symlink("nowhere", at("dangling").c_str()), 0);
  std::vector<std::string> found;
  const auto entries = files_.list(folder_);
  ASSERT_TRUE(entries);
  for (const DirectoryEntry& entry : *entries) {
    found.push_back(entry.name + (entry.is_directory ? "/" : " " + std::to_string(entry.size)));
  }
  EXPECT_THAT(found, ElementsAre("a 0", "b 5", "c/"));
  EXPECT_EQ(files_.list(at("none")).error().code, Code::not_found);
}

TEST_F(FilesTest, free_space_is_known) {
  EXPECT_GT(files_.free_bytes(folder_).value(), 0u);
  EXPECT_EQ(files_.free_bytes(at("none")).error().code, Code::not_found);
}

TEST_F(FilesTest, read_file_keeps_its_limit) {
  write("a", "12345");
  EXPECT_EQ(read_file(files_, at("a"), 5).value(), "12345");
  const auto refused = read_file(files_, at("a"), 4);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_large);
  EXPECT_THAT(refused.error().message, HasSubstr("5 bytes"));
}

TEST_F(FilesTest, replace_file_leaves_only_the_new_content) {
  ASSERT_TRUE(replace_file(files_, at("a"), "a longer first version"));
  write("a.staging", "what a crash left, longer than all that follows");
  ASSERT_TRUE(replace_file(files_, at("a"), "second"));
  EXPECT_EQ(read("a"), "second");
  EXPECT_EQ(files_.list(folder_)->size(), 1u);
  EXPECT_EQ(replace_file(files_, at("none/a"), "x").error().code, Code::not_found);
}

TEST(Paths, parent_and_join_are_inverse_where_they_can_be) {
  EXPECT_EQ(parent_path("a/b/c"), "a/b");
  EXPECT_EQ(parent_path("a/b/"), "a");
  EXPECT_EQ(parent_path("a//b"), "a");
  EXPECT_EQ(parent_path("a"), ".");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(parent_path("/"), "/");
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("/", "b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

TEST(CrashPoint, labels_tell_the_place) {
  EXPECT_EQ(crash_label("/x/shop/.weir/journal/0001.segment"), "journal");
  EXPECT_EQ(crash_label(".weir/store/raw/a/b"), "store");
  EXPECT_EQ(crash_label(".weir/store/"), "store");
  EXPECT_EQ(crash_label(".weir/lock"), "weir");
  EXPECT_EQ(crash_label(".weir/"), "weir");
  EXPECT_EQ(crash_label("/x/my.weir/journal/a"), "outside");
  EXPECT_EQ(crash_label("/x/weir.yaml"), "outside");
}

TEST(CrashPoint, a_wrong_setting_is_refused) {
  for (const char* wrong :
       {"journal/sync", "journal/sync:", "journal/sync:0", "journal/sync:x", ":3", "a:1x", "a:-1"}) {
    EXPECT_EQ(set_crash_points({.at = wrong}).error().code, Code::invalid) << wrong;
  }
}

TEST_F(FilesTest, the_log_counts_every_point_that_a_durable_replace_passes) {
  ASSERT_TRUE(files_.make_directories(at(".weir/store")));
  ASSERT_TRUE(set_crash_points({.log = at("points")}));
  EXPECT_TRUE(replace_file(files_, at(".weir/store/a"), "x"));
  crash_point("control/commit");
  crash_point("control/commit");
  ASSERT_TRUE(set_crash_points({}));
  crash_point("control/commit");
  EXPECT_EQ(read("points"),
            "store/before_sync 1\nstore/sync 1\nstore/before_rename 1\nstore/rename 1\n"
            "store/before_sync_directory 1\nstore/sync_directory 1\ncontrol/commit 1\ncontrol/commit 2\n");
}

TEST_F(FilesTest, the_process_dies_at_the_named_hit_and_not_before) {
  ASSERT_TRUE(files_.make_directories(at(".weir/journal")));
  const auto run = [&] {
    static_cast<void>(set_crash_points({.at = "journal/sync:2"}));
    auto file = files_.open(at(".weir/journal/a"), OpenMode::create);
    static_cast<void>((*file)->write_at(0, "1"));
    static_cast<void>((*file)->sync());
    static_cast<void>((*file)->write_at(1, "2"));
    static_cast<void>((*file)->sync());
    static_cast<void>((*file)->write_at(2, "3"));
    ::_exit(0);
  };
  EXPECT_EXIT(run(), ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(read(".weir/journal/a"), "12");
}

}  // namespace
}  // namespace weir
