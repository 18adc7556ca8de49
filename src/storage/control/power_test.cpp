// The control database on a disk that loses power, fills up and fails to sync. Goal: after every cut the file opens,
// holds each reported change whole, and at most the one that was under way besides. Method: seeds; the cut falls on any
// write, sync or rename.
#include <gtest/gtest.h>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "storage/control/control.h"

namespace weir::control {
namespace {

constexpr const char* kPath = "/p/.weir/control.db";

LakeCommit next_commit(uint64_t from, uint64_t size) {
  LakeCommit commit{.from = from, .through = from + size, .added = {}, .removed = {}};
  for (uint64_t i = 0; i < size; ++i) {
    LakeFile file;
    file.table = "clicks";
    file.path = "f" + std::to_string(from + i);
    file.first_sequence = file.last_sequence = from + i;
    file.partition = std::string(200, 'p');
    commit.added.push_back(std::move(file));
  }
  return commit;
}

struct Model {
  uint64_t cursor = 1;     // reported as committed
  uint64_t under_way = 1;  // the cursor if the last, unreported one counts too
};

void commit_until_power_fails(Files& files, Clock& clock, Random& random, Model& model) {
  auto control = Control::open(files, kPath, clock);
  if (!control) return;
  for (int i = 0; i < 200; ++i) {
    LakeCommit commit = next_commit(model.cursor, 1 + random_below(random, 20));
    model.under_way = commit.through;
    if (!(*control)->commit_lake(commit)) return;
    model.cursor = commit.through;
  }
}

TEST(ControlPower, every_reported_commit_survives_a_power_cut_whole) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedFiles files;
    ManualClock clock;
    SeededRandom random(seed);
    ASSERT_TRUE(files.make_directories("/p/.weir"));
    ASSERT_TRUE(files.sync_directory("/p"));
    files.set_tear_sectors(seed % 2 == 0);
    Model model;
    for (int cut = 0; cut < 4; ++cut) {
      files.power_off_after(1 + random_below(random, 1'500));
      commit_until_power_fails(files, clock, random, model);
      files.power_cut(random);
      auto control = Control::open(files, kPath, clock);
      ASSERT_TRUE(control) << control.error().text();
      const uint64_t cursor = *(*control)->lake_cursor();
      ASSERT_TRUE(cursor == model.cursor || cursor == model.under_way)
          << cursor << " of " << model.cursor << " or " << model.under_way;
      ASSERT_EQ((*control)->lake_files()->size(), cursor - 1);
      model.cursor = model.under_way = cursor;
    }
  }
}

TEST(ControlPower, a_disk_that_lies_about_syncs_is_found_out_by_this_test) {
  int losses = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedFiles files;
    ManualClock clock;
    SeededRandom random(seed);
    ASSERT_TRUE(files.make_directories("/p/.weir"));
    files.set_lying_syncs("control.db");
    Model model;
    files.power_off_after(100 + random_below(random, 1'000));
    commit_until_power_fails(files, clock, random, model);
    files.power_cut(random);
    auto control = Control::open(files, kPath, clock);
    auto cursor = control ? (*control)->lake_cursor() : Result<uint64_t>(control.error());
    if (!cursor || *cursor < model.cursor) ++losses;
  }
  EXPECT_GT(losses, 0);
}

TEST(ControlPower, a_full_disk_refuses_changes_until_there_is_room) {
  SimulatedFiles files;
  ManualClock clock;
  ASSERT_TRUE(files.make_directories("/p/.weir"));
  auto control = Control::open(files, kPath, clock);
  ASSERT_TRUE(control);
  files.set_capacity(files.used_bytes() + 20'000);
  uint64_t cursor = 1;
  weir::Result<uint64_t> committed = 0u;
  while ((committed = (*control)->commit_lake(next_commit(cursor, 10)))) cursor += 10;
  EXPECT_EQ(committed.error().code, Code::no_space);
  EXPECT_EQ(*(*control)->lake_cursor(), cursor);
  EXPECT_EQ((*control)->lake_files()->size(), cursor - 1);
  files.set_capacity(SimulatedFiles::kUnlimited);
  ASSERT_TRUE((*control)->commit_lake(next_commit(cursor, 10)));
  EXPECT_EQ(*(*control)->lake_cursor(), cursor + 10);
}

TEST(ControlPower, a_failed_sync_takes_no_further_changes_until_reopened) {
  SimulatedFiles files;
  ManualClock clock;
  ASSERT_TRUE(files.make_directories("/p/.weir"));
  auto control = Control::open(files, kPath, clock);
  ASSERT_TRUE(control);
  ASSERT_TRUE((*control)->commit_lake(next_commit(1, 2)));
  files.fail_sync(1);
  EXPECT_EQ((*control)->commit_lake(next_commit(3, 2)).error().code, Code::io);
  auto after = (*control)->commit_lake(next_commit(3, 2));
  ASSERT_FALSE(after);
  EXPECT_NE(after.error().hint.find("restart"), std::string::npos);
  control->reset();
  SeededRandom random(1);
  files.power_cut(random);
  control = Control::open(files, kPath, clock);
  ASSERT_TRUE(control);
  EXPECT_EQ(*(*control)->lake_cursor(), 3u);
  EXPECT_TRUE((*control)->commit_lake(next_commit(3, 2)));
}

// The system shows what a failed sync did not write. Believed by the next start, it would be taken back by the next
// cut.
TEST(ControlPower, what_a_start_shows_after_a_failed_sync_outlives_the_next_power_cut) {
  SimulatedFiles files;
  ManualClock clock;
  SeededRandom random(1);
  ASSERT_TRUE(files.make_directories("/p/.weir"));
  auto killed = Control::open(files, kPath, clock);  // lives on without a word, as if it had been killed
  ASSERT_TRUE(killed);
  ASSERT_TRUE((*killed)->commit_lake(next_commit(1, 2)));
  files.fail_sync(1);
  ASSERT_FALSE((*killed)->commit_lake(next_commit(3, 2)));
  auto control = Control::open(files, kPath, clock);
  ASSERT_TRUE(control);
  const uint64_t shown = *(*control)->lake_cursor();
  EXPECT_EQ(shown, 5u) << "the system still has it in memory";
  ASSERT_TRUE((*control)->commit_lake(next_commit(shown, 2)));
  files.power_cut(random);
  auto after = Control::open(files, kPath, clock);
  ASSERT_TRUE(after);
  EXPECT_EQ(*(*after)->lake_cursor(), shown + 2);
}

TEST(ControlPower, a_log_that_a_killed_program_created_gets_its_name_on_disk) {
  SimulatedFiles files;
  ManualClock clock;
  ASSERT_TRUE(files.make_directories("/p/.weir"));
  ASSERT_TRUE(Control::open(files, kPath, clock));  // closed in order: no log is left
  auto killed = Control::open(files, kPath, clock);
  ASSERT_TRUE(killed);
  auto control = Control::open(files, kPath, clock);
  ASSERT_TRUE(control);
  ASSERT_TRUE((*control)->commit_lake(next_commit(1, 2)));
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SeededRandom random(seed);
    files.power_cut(random);
    auto after = Control::open(files, kPath, clock);
    ASSERT_TRUE(after);
    EXPECT_EQ(*(*after)->lake_cursor(), 3u);
  }
}

}  // namespace
}  // namespace weir::control
