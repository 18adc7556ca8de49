// The disk that loses power must itself be trusted: each promise of files.h is kept, and everything that files.h does
// not promise is broken sooner or later by some seed.
#include "core/io/simulated_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "core/io/simulated_clock.h"

namespace weir {
namespace {

using ::testing::Contains;

std::unique_ptr<File> open(Files& files, const std::string& path, OpenMode mode = OpenMode::create) {
  auto file = files.open(path, mode);
  EXPECT_TRUE(file) << file.error().text();
  return file ? std::move(*file) : nullptr;
}

std::string content(Files& files, const std::string& path) {
  auto bytes = read_file(files, path);
  return bytes ? *bytes : std::string("(") + code_name(bytes.error().code) + ")";
}

// Runs the story on a new disk for many seeds, cuts the power, and collects what is found under `path`.
std::set<std::string> outcomes(const std::function<void(SimulatedFiles&)>& story, const std::string& path,
                               uint64_t seeds = 300) {
  std::set<std::string> found;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SimulatedFiles files;
    story(files);
    SeededRandom random(seed);
    files.power_cut(random);
    found.insert(content(files, path));
  }
  return found;
}

TEST(SimulatedFiles, behaves_like_a_disk_while_the_power_is_on) {
  SimulatedFiles files;
  EXPECT_EQ(files.open("a", OpenMode::read).error().code, Code::not_found);
  EXPECT_EQ(files.open("none/a", OpenMode::create).error().code, Code::not_found);
  auto file = open(files, "a", OpenMode::create_new);
  EXPECT_EQ(files.open("/a", OpenMode::create_new).error().code, Code::conflict);
  ASSERT_TRUE(file->write_at(2, "xy"));
  EXPECT_EQ(content(files, "./a"), std::string("\0\0xy", 4));
  ASSERT_TRUE(file->truncate(3));
  EXPECT_EQ(file->size().value(), 3u);
  ASSERT_TRUE(files.make_directories("d/e"));
  EXPECT_EQ(files.remove("d").error().code, Code::io);
  EXPECT_EQ(files.rename("a", "d").error().code, Code::io);
  EXPECT_EQ(files.rename("d", "d/e/f").error().code, Code::io);
  ASSERT_TRUE(files.rename("a", "d/e/b"));
  EXPECT_EQ(files.list("d/e")->at(0).name, "b");
  EXPECT_EQ(files.list("d/e")->at(0).size, 3u);
  EXPECT_FALSE(files.exists("a").value());
  EXPECT_EQ(files.make_directories("d/e/b/c").error().code, Code::conflict);
  EXPECT_EQ(files.open("d", OpenMode::read).error().code, Code::io);
  EXPECT_EQ(files.open("../a", OpenMode::create).error().code, Code::invalid);
  EXPECT_EQ(open(files, "d/e/b", OpenMode::read)->write_at(0, "z").error().code, Code::io);
}

TEST(SimulatedFiles, what_was_synced_survives_every_power_cut) {
  const auto story = [](SimulatedFiles& files) {
    ASSERT_TRUE(files.make_directories("d/e"));
    auto file = open(files, "d/e/a");
    ASSERT_TRUE(file->write_at(0, std::string(2000, 'x')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.sync_directory("d/e"));
  };
  EXPECT_EQ(outcomes(story, "d/e/a"), std::set<std::string>{std::string(2000, 'x')});
}

TEST(SimulatedFiles, a_new_file_without_its_folders_sync_may_be_gone) {
  const auto story = [](SimulatedFiles& files) {
    auto file = open(files, "a");
    ASSERT_TRUE(file->write_at(0, "x"));
    ASSERT_TRUE(file->sync());
  };
  EXPECT_EQ(outcomes(story, "a"), (std::set<std::string>{"x", "(not_found)"}));
}

TEST(SimulatedFiles, unsynced_sectors_survive_one_by_one) {
  const auto story = [](SimulatedFiles& files) {
    auto file = open(files, "a");
    ASSERT_TRUE(file->write_at(0, std::string(1024, 'o')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.sync_directory("."));
    ASSERT_TRUE(file->write_at(256, std::string(512, 'n')));  // half of the first sector, half of the second
  };
  const std::string o(256, 'o'), n(256, 'n');
  EXPECT_EQ(outcomes(story, "a"), (std::set<std::string>{o + o + o + o, o + n + o + o, o + o + n + o, o + n + n + o}));
}

TEST(SimulatedFiles, a_file_that_grew_may_be_short_or_end_in_zeros_or_have_a_hole) {
  const auto story = [](SimulatedFiles& files) {
    auto file = open(files, "a");
    ASSERT_TRUE(files.sync_directory("."));
    ASSERT_TRUE(file->write_at(0, std::string(1024, 'n')));
  };
  const std::string n(512, 'n'), z(512, '\0');
  EXPECT_EQ(outcomes(story, "a"), (std::set<std::string>{"", n, n + n, z + n, n + z, z + z}));
}

TEST(SimulatedFiles, a_torn_sector_takes_old_bytes_with_it_only_if_asked) {
  const auto story = [](bool tear) {
    return [tear](SimulatedFiles& files) {
      files.set_tear_sectors(tear);
      auto file = open(files, "a");
      ASSERT_TRUE(file->write_at(0, std::string(512, 'o')));
      ASSERT_TRUE(file->sync());
      ASSERT_TRUE(files.sync_directory("."));
      ASSERT_TRUE(file->write_at(500, std::string(12, 'n')));
    };
  };
  const std::string old(512, 'o'), changed = std::string(500, 'o') + std::string(12, 'n');
  EXPECT_EQ(outcomes(story(false), "a"), (std::set<std::string>{old, changed}));
  EXPECT_GT(outcomes(story(true), "a").size(), 2u);
}

TEST(SimulatedFiles, a_rename_is_kept_or_not_and_never_half) {
  const auto story = [](SimulatedFiles& files, bool sync) {
    ASSERT_TRUE(files.make_directories("staging"));
    ASSERT_TRUE(files.make_directories("table"));
    ASSERT_TRUE(replace_file(files, "table/a", "old"));
    auto file = open(files, "staging/a");
    ASSERT_TRUE(file->write_at(0, "new"));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.rename("staging/a", "table/a"));
    if (sync) {
      ASSERT_TRUE(files.sync_directory("table"));
    }
  };
  std::set<std::string> found;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SimulatedFiles files;
    story(files, false);
    SeededRandom random(seed);
    files.power_cut(random);
    found.insert(content(files, "staging/a") + " " + content(files, "table/a"));
  }
  EXPECT_EQ(found, (std::set<std::string>{"(not_found) new", "(not_found) old", "new old"}));
  EXPECT_EQ(outcomes([&](SimulatedFiles& files) { story(files, true); }, "table/a"), std::set<std::string>{"new"});
  EXPECT_EQ(outcomes([&](SimulatedFiles& files) { story(files, true); }, "staging/a"),
            std::set<std::string>{"(not_found)"});
}

TEST(SimulatedFiles, a_removed_name_may_come_back_until_its_folder_is_synced) {
  const auto story = [](SimulatedFiles& files) {
    ASSERT_TRUE(replace_file(files, "a", "x"));
    ASSERT_TRUE(files.remove("a"));
  };
  EXPECT_EQ(outcomes(story, "a"), (std::set<std::string>{"x", "(not_found)"}));
  const auto synced = [&](SimulatedFiles& files) {
    story(files);
    ASSERT_TRUE(files.sync_directory("."));
  };
  EXPECT_EQ(outcomes(synced, "a"), std::set<std::string>{"(not_found)"});
}

TEST(SimulatedFiles, replace_file_shows_the_old_or_the_new_whole_wherever_the_power_goes) {
  const std::string old_bytes(3000, 'o'), new_bytes(5000, 'n');
  std::set<std::string> found;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SimulatedFiles files;
    ASSERT_TRUE(replace_file(files, "a", old_bytes));
    files.power_off_after(1 + seed % 8);
    const bool acknowledged = replace_file(files, "a", new_bytes).has_value();
    SeededRandom random(seed);
    files.power_cut(random);
    const std::string now = content(files, "a");
    ASSERT_TRUE(now == new_bytes || (now == old_bytes && !acknowledged)) << "seed " << seed << "\n" << files.trace();
    found.insert(now);
  }
  EXPECT_EQ(found.size(), 2u);
}

TEST(SimulatedFiles, files_opened_before_a_power_cut_are_dead) {
  SimulatedFiles files;
  auto file = open(files, "a");
  SeededRandom random(1);
  files.power_cut(random);
  EXPECT_EQ(file->write_at(0, "x").error().code, Code::io);
  EXPECT_EQ(file->sync().error().code, Code::io);
  EXPECT_EQ(file->size().error().code, Code::io);
  EXPECT_TRUE(open(files, "a")->write_at(0, "x"));
}

TEST(SimulatedFiles, after_the_last_operation_nothing_answers) {
  SimulatedFiles files;
  auto file = open(files, "a");
  const uint64_t before = files.operations();
  files.power_off_after(2);
  ASSERT_TRUE(file->write_at(0, "1"));
  EXPECT_FALSE(file->write_at(1, "2"));
  EXPECT_EQ(files.operations(), before + 2);
  EXPECT_TRUE(files.is_power_off());
  EXPECT_FALSE(file->sync());
  EXPECT_FALSE(files.exists("a"));
  EXPECT_FALSE(files.list("."));
  EXPECT_EQ(files.operations(), before + 2);
}

TEST(SimulatedFiles, a_sync_that_is_the_last_operation_promises_nothing) {
  const auto story = [](SimulatedFiles& files) {
    auto file = open(files, "a");
    ASSERT_TRUE(files.sync_directory("."));
    ASSERT_TRUE(file->write_at(0, "x"));
    files.power_off_after(1);
    EXPECT_FALSE(file->sync());
  };
  EXPECT_THAT(outcomes(story, "a"), Contains(""));
}

TEST(SimulatedFiles, what_a_failed_sync_left_is_not_written_by_the_next_one) {
  const auto story = [](FailedSync how) {
    return [how](SimulatedFiles& files) {
      auto file = open(files, "a");
      ASSERT_TRUE(file->write_at(0, std::string(1024, 'o')));
      ASSERT_TRUE(file->sync());
      ASSERT_TRUE(files.sync_directory("."));
      files.fail_sync(1, how);
      ASSERT_TRUE(file->write_at(0, std::string(1024, 'n')));
      EXPECT_EQ(file->sync().error().code, Code::io);
      EXPECT_EQ(content(files, "a"), std::string(1024, how.reads_return_old ? 'o' : 'n'));
      EXPECT_TRUE(file->sync());
    };
  };
  const std::string old_bytes(1024, 'o'), new_bytes(1024, 'n');
  EXPECT_EQ(outcomes(story({}), "a"), std::set<std::string>{old_bytes});
  EXPECT_EQ(outcomes(story({.reached = FailedSync::Reached::nothing, .reads_return_old = true}), "a"),
            std::set<std::string>{old_bytes});
  EXPECT_EQ(outcomes(story({.reached = FailedSync::Reached::everything}), "a"), std::set<std::string>{new_bytes});
  std::set<std::string> partial;
  for (uint64_t seed = 1; seed < 40; ++seed) {
    partial.merge(outcomes(story({.reached = FailedSync::Reached::some_sectors, .seed = seed}), "a", 1));
  }
  EXPECT_EQ(partial.size(), 4u);
}

TEST(SimulatedFiles, a_failed_folder_sync_leaves_names_undecided) {
  const auto story = [](SimulatedFiles& files) {
    open(files, "a");
    files.fail_sync_directory(1);
    EXPECT_FALSE(files.sync_directory("."));
  };
  EXPECT_EQ(outcomes(story, "a"), (std::set<std::string>{"", "(not_found)"}));
}

TEST(SimulatedFiles, a_full_disk_takes_what_fits_and_goes_on_when_there_is_room) {
  SimulatedFiles files;
  auto file = open(files, "a");
  files.set_capacity(10);
  ASSERT_TRUE(file->write_at(0, "12345678"));
  EXPECT_EQ(files.free_bytes(".").value(), 2u);
  EXPECT_EQ(file->write_at(8, "9abc").error().code, Code::no_space);
  EXPECT_EQ(content(files, "a"), "123456789a");
  EXPECT_TRUE(file->write_at(0, "x"));  // overwriting needs no room
  EXPECT_EQ(files.open("b", OpenMode::create).error().code, Code::no_space);
  files.set_capacity(12);
  EXPECT_TRUE(file->write_at(8, "9abc"));
  EXPECT_EQ(files.used_bytes(), 12u);
  ASSERT_TRUE(files.remove("a"));
  EXPECT_EQ(files.free_bytes(".").value(), 12u);
}

TEST(SimulatedFiles, flipped_bits_and_unreadable_ranges_are_found_where_they_were_put) {
  SimulatedFiles files;
  ASSERT_TRUE(replace_file(files, "d", "x"));
  ASSERT_TRUE(replace_file(files, "a", "AAAA"));
  ASSERT_TRUE(files.flip_bit({.path = "a", .offset = 1, .bit = 1}));
  EXPECT_EQ(content(files, "a"), "ACAA");
  EXPECT_EQ(files.flip_bit({.path = "a", .offset = 4, .bit = 0}).error().code, Code::not_found);
  SeededRandom random(5);
  const auto flipped = files.flip_random_bit(random, "a");
  ASSERT_TRUE(flipped);
  EXPECT_EQ(flipped->path, "a");
  EXPECT_NE(content(files, "a"), "ACAA");
  EXPECT_EQ(files.flip_random_bit(random, "none").error().code, Code::not_found);
  ASSERT_TRUE(files.make_unreadable("a", 2, 1));
  char byte = 0;
  auto file = open(files, "a", OpenMode::read);
  EXPECT_TRUE(file->read_at(0, &byte, 1));
  EXPECT_EQ(file->read_at(2, &byte, 1).error().code, Code::io);
  EXPECT_TRUE(file->read_at(3, &byte, 1));
}

TEST(SimulatedFiles, a_lying_disk_loses_what_it_claimed_to_have_synced) {
  const auto story = [](SimulatedFiles& files) {
    files.set_lying_syncs("journal");
    ASSERT_TRUE(files.make_directories("journal"));
    ASSERT_TRUE(replace_file(files, "journal/a", "x"));
    ASSERT_TRUE(replace_file(files, "store", "x"));
  };
  EXPECT_THAT(outcomes(story, "journal/a"), Contains("(not_found)"));
  EXPECT_EQ(outcomes(story, "store"), std::set<std::string>{"x"});
}

TEST(SimulatedFiles, the_same_seed_gives_the_same_disk) {
  const auto run = [](uint64_t seed) {
    SimulatedFiles files;
    files.set_tear_sectors(true);
    for (int i = 0; i < 20; ++i) {
      auto file = open(files, "f" + std::to_string(i));
      EXPECT_TRUE(file->write_at(0, std::string(3000, static_cast<char>('a' + i))));
    }
    SeededRandom random(seed);
    files.power_cut(random);
    std::string all;
    for (int i = 0; i < 20; ++i) all += content(files, "f" + std::to_string(i)) + "\n";
    return all;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(SimulatedFiles, the_trace_tells_the_story) {
  SimulatedFiles files;
  files.set_trace(true);
  ASSERT_TRUE(replace_file(files, "a", "xyz"));
  EXPECT_EQ(files.trace(),
            "create a.staging\ntruncate a.staging to 0\nwrite a.staging at 0 bytes 3\nsync a.staging\n"
            "rename a.staging to a\nsync folder .\n");
}

TEST(ManualClock, moves_only_when_told_and_a_jump_of_the_wall_leaves_steady_time) {
  ManualClock clock({1'000'000});
  EXPECT_EQ(clock.wall().micros, 1'000'000);
  clock.advance(seconds(2));
  EXPECT_EQ(clock.wall().micros, 3'000'000);
  clock.set_wall({500});
  EXPECT_EQ(clock.wall().micros, 500);
  EXPECT_EQ(clock.steady_micros(), 2'000'000);
}

}  // namespace
}  // namespace weir
