// Goal: nothing acknowledged is lost, doubled, reordered or changed, over any power cut, kill or fault of the disk.
// Method: days that follow from a seed, a ledger outside of the program that compares; and broken disks, to see that it
// would tell.
#include <gtest/gtest.h>

#include "core/base/log.h"
#include "day.h"
#include "event_book.h"
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

Day run_days(Scene scene, uint64_t days) {
  Day sum;
  for (uint64_t seed = 1; seed <= days && !testing::Test::HasFailure(); ++seed) {
    const Day day = run_day({.seed = seed, .scene = scene});
    for (const std::string& problem : day.problems) {
      ADD_FAILURE() << "seed " << seed << ": " << problem << "\nreplay: weir_sim --what "
                    << (scene == Scene::spine ? "spine" : "journal") << " --seeds 1 --first " << seed << " --trace";
    }
    sum.add(day);
  }
  return sum;
}

TEST(Sim, the_journal_loses_and_doubles_nothing_in_200_days) {
  const Day sum = run_days(Scene::journal, 200);
  // The days are as bad as they are meant to be.
  EXPECT_GT(sum.acknowledged, 20'000u);
  EXPECT_GT(sum.failed, 500u);
  EXPECT_GT(sum.power_cuts, 800u);
  EXPECT_GT(sum.kills, 400u);
  EXPECT_GT(sum.bits_flipped, 50u);
  EXPECT_GT(sum.syncs_failed, 200u);
}

TEST(Sim, the_whole_chain_loses_and_doubles_nothing_in_100_days) {
  const Day sum = run_days(Scene::spine, 100);
  EXPECT_GT(sum.acknowledged, 10'000u);
  EXPECT_GT(sum.duplicates, 1'000u);
  EXPECT_GT(sum.quarantined, 1'000u);
  EXPECT_GT(sum.failed, 500u);
  EXPECT_GT(sum.commits, 500u);
  EXPECT_GT(sum.releases, 12u);
  EXPECT_GT(sum.merged, 200u);
  EXPECT_GT(sum.retired, 50u);
  EXPECT_GT(sum.rebuilt, 50u);
  EXPECT_GT(sum.loaded, 2'000u);
  EXPECT_GT(sum.power_cuts, 400u);
  EXPECT_GT(sum.kills, 200u);
  EXPECT_GT(sum.bits_flipped, 20u);
  EXPECT_GT(sum.syncs_failed, 100u);
}

TEST(Sim, a_day_follows_from_its_seed) {
  for (const Scene scene : {Scene::journal, Scene::spine}) {
    const Day one = run_day({.seed = 7, .scene = scene, .with_trace = true});
    const Day two = run_day({.seed = 7, .scene = scene, .with_trace = true});
    EXPECT_EQ(one.trace, two.trace);
    EXPECT_EQ(one.acknowledged, two.acknowledged);
  }
}

int days_that_show(Mutant mutant, Scene scene, int days) {
  int shown = 0;
  for (int seed = 1; seed <= days; ++seed) {
    const Day day = run_day({.seed = static_cast<uint64_t>(seed), .scene = scene, .mutant = mutant});
    if (!day.problems.empty()) ++shown;
  }
  return shown;
}

TEST(Sim, finds_a_disk_whose_syncs_do_nothing) {
  EXPECT_GT(days_that_show(Mutant::syncs_do_nothing, Scene::journal, 20), 15);
  EXPECT_GT(days_that_show(Mutant::syncs_do_nothing, Scene::spine, 20), 10);
}
TEST(Sim, finds_a_disk_that_writes_after_the_sync) {
  EXPECT_GT(days_that_show(Mutant::write_after_sync, Scene::journal, 20), 15);
  EXPECT_GT(days_that_show(Mutant::write_after_sync, Scene::spine, 20), 10);
}
TEST(Sim, finds_a_lake_that_commits_before_its_files_are_synced) {
  EXPECT_GT(days_that_show(Mutant::commit_before_sync, Scene::spine, 60), 0);
}
TEST(Sim, finds_a_reply_that_comes_before_the_sync) {
  EXPECT_GT(days_that_show(Mutant::reply_before_sync, Scene::spine, 20), 10);
}
TEST(Sim, finds_a_journal_that_goes_before_the_lake_has_committed) {
  EXPECT_GT(days_that_show(Mutant::release_before_commit, Scene::spine, 60), 0);
}
TEST(Sim, finds_an_index_that_forgets_what_is_not_sealed) {
  EXPECT_GT(days_that_show(Mutant::forget_unsealed, Scene::spine, 20), 10);
}

TEST(Sim, finds_a_load_that_does_not_know_its_marks) {
  EXPECT_GT(days_that_show(Mutant::forget_marks, Scene::spine, 20), 5);
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

// --- the book about events -----------------------------------------------------------------------------------------

class EventBookTest : public testing::Test {
 protected:
  Sent event(uint64_t number, const std::string& content = "a") {
    return {number, content, "{" + std::to_string(number) + content + "}", false};
  }
  void answer(const Sent& record, capture::Outcome outcome, const std::string& id = "", const std::string& code = "",
              bool at_once = false) {
    capture::Verdict verdict;
    verdict.outcome = outcome;
    verdict.id = id;
    verdict.code = code;
    book.sent(record);
    book.answered(record, verdict, at_once);
  }
  void start(const std::vector<Row>& rows, EventBook::Found found = {}) {
    found.rows = rows;
    book.check(found);
  }
  static Row row(uint64_t sequence, uint64_t number, const std::string& content = "a") {
    return {.sequence = sequence, .table = "clicks", .id = "e", .number = number, .content = content};
  }
  static Row entry(uint64_t sequence, const std::string& id, const std::string& text) {
    return {.sequence = sequence, .table = "clicks_quarantine", .id = id, .quarantined = true, .content = text};
  }
  int problems = 0;
  std::string last;
  EventBook book{[this](const std::string& what) {
    ++problems;
    last = what;
  }};
};

TEST_F(EventBookTest, is_content_with_everything_that_may_happen) {
  answer(event(1), capture::Outcome::accepted);
  answer(event(1), capture::Outcome::duplicate);
  answer(event(1, "b"), capture::Outcome::quarantined, "q1", "conflict");
  book.sent(event(2));
  book.sent(event(3));
  answer(event(4), capture::Outcome::refused, "", "io");
  start({row(1, 1), entry(2, "q1", "{1b}"), row(3, 2), row(4, 4)});
  answer(event(2), capture::Outcome::duplicate);
  answer(event(3), capture::Outcome::accepted);
  start({row(1, 1), entry(2, "q1", "{1b}"), row(3, 2), row(4, 4), row(5, 3)});
  EXPECT_EQ(problems, 0) << last;
}

TEST_F(EventBookTest, finds_loss_doubles_and_change) {
  answer(event(1), capture::Outcome::accepted);
  start({row(1, 1), row(9, 1)});
  EXPECT_EQ(problems, 1) << "doubled";
  start({row(1, 1, "x")});
  EXPECT_EQ(problems, 2) << "changed: " << last;
  start({});
  EXPECT_EQ(problems, 3) << "lost: " << last;
}

TEST_F(EventBookTest, finds_what_was_refused_at_once_and_what_comes_back) {
  answer(event(1), capture::Outcome::refused, "", "busy", true);
  start({row(1, 1)});
  EXPECT_EQ(problems, 1) << "it never reached the journal";
  book.sent(event(2));
  start({row(1, 1)});
  const int before = problems;
  start({row(1, 1), row(2, 2)});
  EXPECT_EQ(problems, before + 1) << "it was gone";
}

TEST_F(EventBookTest, finds_wrong_verdicts) {
  answer(event(1), capture::Outcome::accepted);
  answer(event(1), capture::Outcome::accepted);
  EXPECT_EQ(problems, 1) << "twice";
  answer(event(1, "b"), capture::Outcome::duplicate);
  EXPECT_EQ(problems, 2) << "with another payload";
  answer(event(1), capture::Outcome::quarantined, "q1", "conflict");
  EXPECT_EQ(problems, 3) << "a conflict with itself";
}

TEST_F(EventBookTest, finds_a_quarantine_that_loses_and_doubles) {
  Sent bad = event(1);
  bad.malformed = true;
  answer(bad, capture::Outcome::quarantined, "q1", "missing_field");
  start({entry(1, "q1", bad.text), entry(2, "q1", bad.text)});
  EXPECT_EQ(problems, 1) << "doubled";
  start({});
  EXPECT_EQ(problems, 2) << "lost";
  answer(bad, capture::Outcome::accepted);
  EXPECT_EQ(problems, 3) << "taken";
}

TEST_F(EventBookTest, what_retention_takes_is_past_and_never_comes_back) {
  answer(event(1), capture::Outcome::accepted);
  answer(event(2), capture::Outcome::accepted);
  Row old = row(1, 1), young = row(2, 2);
  old.day = 10;
  young.day = 12;
  start({old, young});
  EventBook::Found found;
  found.retained_from = {{"clicks", 11}};
  start({young}, found);
  EXPECT_EQ(problems, 0) << last;
  start({}, found);
  EXPECT_EQ(problems, 1) << "2 is not past: " << last;
  start({old}, found);
  EXPECT_EQ(problems, 2) << "1 is there again: " << last;
}

TEST_F(EventBookTest, excuses_only_what_lies_in_a_damaged_place) {
  answer(event(1), capture::Outcome::accepted);
  answer(event(2), capture::Outcome::accepted);
  start({row(1, 1), row(2, 2)});
  EventBook::Found found;
  found.damaged = {{1, 2}};
  start({}, found);
  EXPECT_EQ(problems, 1) << "1 was named, 2 was not: " << last;
}

}  // namespace
}  // namespace weir::sim
