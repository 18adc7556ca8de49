// Goal: nothing acknowledged is lost, doubled, reordered or changed, over any power cut, kill or fault of the disk.
// Method: days that follow from a seed, a ledger outside of the program that compares; and broken disks, to see that it
// would tell.
#include <gtest/gtest.h>

#include "core/base/log.h"
#include "day.h"
#include "ledger.h"

namespace weir::sim {
namespace {

class Quiet : public testing::Environment {
 public:
  void SetUp() override {
    set_log({.level = Level::error, .json = false, .sink = [](std::string_view) {}});
  }
};
[[maybe_unused]] const auto* const quiet = testing::AddGlobalTestEnvironment(new Quiet);

TEST(Sim, loses_and_doubles_nothing_in_200_days) {
  Day sum;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Day day = run_day({.seed = seed});
    for (const std::string& problem : day.problems) {
      ADD_FAILURE() << "seed " << seed << ": " << problem << "\nreplay: weir_sim --seeds 1 --first " << seed
                    << " --trace";
    }
    sum.acknowledged += day.acknowledged;
    sum.failed += day.failed;
    sum.power_cuts += day.power_cuts;
    sum.kills += day.kills;
    sum.bits_flipped += day.bits_flipped;
    sum.syncs_failed += day.syncs_failed;
    if (testing::Test::HasFailure()) return;
  }
  // The days are as bad as they are meant to be.
  EXPECT_GT(sum.acknowledged, 20'000u);
  EXPECT_GT(sum.failed, 500u);
  EXPECT_GT(sum.power_cuts, 800u);
  EXPECT_GT(sum.kills, 400u);
  EXPECT_GT(sum.bits_flipped, 50u);
  EXPECT_GT(sum.syncs_failed, 200u);
}

TEST(Sim, a_day_follows_from_its_seed) {
  const Day one = run_day({.seed = 7, .with_trace = true});
  const Day two = run_day({.seed = 7, .with_trace = true});
  EXPECT_EQ(one.trace, two.trace);
  EXPECT_EQ(one.acknowledged, two.acknowledged);
}

int days_that_show(Mutant mutant, int days) {
  int shown = 0;
  for (int seed = 1; seed <= days; ++seed) {
    if (!run_day({.seed = static_cast<uint64_t>(seed), .mutant = mutant}).problems.empty()) ++shown;
  }
  return shown;
}

TEST(Sim, finds_a_disk_whose_syncs_do_nothing) {
  EXPECT_GT(days_that_show(Mutant::syncs_do_nothing, 20), 15);
}
TEST(Sim, finds_a_disk_that_writes_after_the_sync) {
  EXPECT_GT(days_that_show(Mutant::write_after_sync, 20), 15);
}

// --- the ledger itself -------------------------------------------------------------------------------------------

class LedgerTest : public testing::Test {
 protected:
  void restart(const std::vector<std::pair<uint64_t, std::string>>& found, uint64_t next,
               Ledger::Excuses excuses = {}) {
    ledger.begin_inventory(next, next);
    for (const auto& [sequence, bytes] : found) ledger.found(sequence, bytes);
    ledger.end_inventory(excuses);
  }
  int problems = 0;
  std::string last;
  Ledger ledger{[this](const std::string& what) {
    ++problems;
    last = what;
  }};
};

TEST_F(LedgerTest, is_content_with_everything_that_may_happen) {
  ledger.appended(1, {"a", "b"});
  ledger.acknowledged(1, {"a", "b"});
  ledger.appended(3, {"c"});
  ledger.appended(4, {"d"});
  restart({{1, "a"}, {2, "b"}, {3, "c"}}, 4);
  ledger.appended(4, {"e"});
  ledger.acknowledged(4, {"e"});
  ledger.released(3);
  restart({{3, "c"}, {4, "e"}}, 5);
  EXPECT_EQ(problems, 0) << last;
}

TEST_F(LedgerTest, finds_loss_change_and_order) {
  ledger.appended(1, {"a", "b"});
  ledger.acknowledged(1, {"a", "b"});
  restart({{1, "a"}}, 3);
  EXPECT_EQ(problems, 1) << "b is lost";
  restart({{1, "x"}}, 3);
  EXPECT_EQ(problems, 2) << "a has other bytes";
  ledger.appended(3, {"c", "d"});
  ledger.acknowledged(3, {"c", "d"});
  restart({{1, "x"}, {4, "d"}, {3, "c"}}, 5);
  EXPECT_EQ(problems, 3) << "out of order: " << last;
  restart({{1, "x"}, {3, "c"}, {3, "c"}, {4, "d"}}, 5);
  EXPECT_EQ(problems, 4) << "doubled: " << last;
}

TEST_F(LedgerTest, finds_what_comes_back_after_it_was_gone) {
  ledger.appended(1, {"a"});
  restart({}, 1);
  restart({{1, "a"}}, 2);
  EXPECT_EQ(problems, 1);
}

TEST_F(LedgerTest, finds_numbers_that_are_given_again) {
  ledger.appended(1, {"a"});
  ledger.failed(1, 1);
  ledger.appended(2, {"b"});
  restart({}, 1);
  EXPECT_EQ(problems, 1) << "1 failed, and was followed by 2";
  ledger.appended(1, {"c"});
  EXPECT_EQ(problems, 2);
}

TEST_F(LedgerTest, excuses_only_what_was_named_after_damage) {
  ledger.appended(1, {"a", "b", "c"});
  ledger.acknowledged(1, {"a", "b", "c"});
  ledger.begin_inventory(4, 4);
  ledger.found(1, "a");
  ledger.named_corrupt(2, 3);
  ledger.end_inventory({.damage_was_done = true, .tail_was_cut = true});
  EXPECT_EQ(problems, 1) << "b was named, c was not";
}

}  // namespace
}  // namespace weir::sim
