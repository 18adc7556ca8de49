// Plans: what would change, what is refused, and that applying twice changes nothing the second time.
#include "core/project/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/simulated_clock.h"
#include "core/project/test_kind.h"

namespace weir::project {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MemoryState final : public AppliedState {
 public:
  Result<std::vector<AppliedDeclaration>> declarations() override { return list; }
  Status apply(const std::vector<Declaration>& changed,
               const std::vector<std::pair<std::string, std::string>>& detached) override {
    ++applies;
    for (const Declaration& one : changed) {
      AppliedDeclaration& stored = find_or_add(one.kind, one.name);
      stored.body = one.body;
      stored.detached = false;
      ++stored.revision;
    }
    for (const auto& [kind, name] : detached) find_or_add(kind, name).detached = true;
    return {};
  }
  Status destroy(std::string_view kind, std::string_view name) override {
    const auto is_it = [&](const AppliedDeclaration& one) {
      return one.kind == kind && one.name == name && one.detached;
    };
    return std::erase_if(list, is_it) == 1 ? Status() : Error(Code::not_found, "not there, or attached");
  }
  AppliedDeclaration& find_or_add(const std::string& kind, const std::string& name) {
    for (AppliedDeclaration& one : list) {
      if (one.kind == kind && one.name == name) return one;
    }
    list.push_back({kind, name, ++numbers, 0, {}, false});
    return list.back();
  }
  std::vector<AppliedDeclaration> list;
  uint32_t numbers = 0;
  int applies = 0;
};

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    Kind kind = thing_kind();
    kind.destroy = [this](std::string_view name, uint32_t number) -> Status {
      destroyed_.push_back(std::string(name) + "#" + std::to_string(number));
      if (fail_destroy_) return Error(Code::io, "disk");
      return {};
    };
    registry_.add_kind(std::move(kind));
  }
  Project project(std::map<std::string, std::string> files) const {
    return parse_project({std::move(files)}, registry_, {});
  }
  Result<Plan> apply(const std::map<std::string, std::string>& files, bool drop = false) {
    return apply_project(project(files), registry_, state_, drop);
  }
  // "create thing a" for every change that is one.
  static std::vector<std::string> shown(const Plan& plan) {
    std::vector<std::string> out;
    for (const Change& change : plan.changes) {
      if (change.action == Action::none) continue;
      out.push_back(std::string(action_name(change.action)) + " " + change.kind + " " + change.name +
                    (change.compatible ? "" : " refused"));
    }
    return out;
  }
  std::vector<std::string> planned(const std::map<std::string, std::string>& files, bool drop = false) {
    return shown(make_plan(project(files), registry_, state_.list, drop));
  }

  Registry registry_;
  MemoryState state_;
  std::vector<std::string> destroyed_;
  bool fail_destroy_ = false;
};

TEST_F(PlanTest, creates_what_is_new_and_nothing_the_second_time) {
  const std::map<std::string, std::string> files = {
      {"weir.yaml", "name: x\n"}, {"things/a.yaml", "size: 1\n"}, {"things/b.yaml", "size: 2\n"}};
  EXPECT_THAT(planned(files), ElementsAre("create project weir.yaml", "create thing a", "create thing b"));
  ASSERT_TRUE(apply(files));
  EXPECT_TRUE(planned(files).empty());
  auto again = apply(files);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->has_changes());
  EXPECT_EQ(state_.applies, 1);
}

TEST_F(PlanTest, no_weir_yaml_is_no_change) {
  EXPECT_TRUE(planned({}).empty());
  ASSERT_TRUE(apply({{"weir.yaml", "name: x\n"}}));
  EXPECT_THAT(planned({}), ElementsAre("change project weir.yaml"));
}

TEST_F(PlanTest, comments_and_order_are_no_change) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 1\nenabled: true\n"}}));
  EXPECT_TRUE(planned({{"things/a.yaml", "# a comment\nenabled: true\nsize: 1\n"}}).empty());
}

TEST_F(PlanTest, a_compatible_change_says_what_and_an_incompatible_one_why_and_the_way_out) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  const Plan grown = make_plan(project({{"things/a.yaml", "size: 6\n"}}), registry_, state_.list, false);
  ASSERT_EQ(grown.changes.size(), 1u);
  EXPECT_THAT(grown.changes[0].details, ElementsAre("size: 5 -> 6"));
  EXPECT_TRUE(grown.is_compatible());
  const Plan shrunk = make_plan(project({{"things/a.yaml", "size: 4\n"}}), registry_, state_.list, false);
  EXPECT_FALSE(shrunk.is_compatible());
  EXPECT_THAT(shrunk.changes[0].details,
              ElementsAre("size: 5 -> 4: refused, its data does not fit (declare a new thing)"));
  auto refused = apply({{"things/a.yaml", "size: 4\n"}, {"things/b.yaml", "size: 4\n"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("its data does not fit"));
  EXPECT_EQ(state_.list.size(), 1u);
}

TEST_F(PlanTest, a_change_that_the_kind_does_not_explain_is_still_a_change) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  const Plan plan = make_plan(project({{"things/a.yaml", "size: 5\nenabled: false\n"}}), registry_, state_.list, false);
  EXPECT_THAT(plan.changes[0].details, ElementsAre("changed"));
}

TEST_F(PlanTest, what_only_history_knows_is_stored_and_is_no_change) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  EXPECT_EQ(state_.list[0].body.find("past"), nullptr);
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 6\n"}}));
  EXPECT_EQ(state_.list[0].body["past"].as_int(), 5);
  EXPECT_TRUE(planned({{"things/a.yaml", "size: 6\n"}}).empty());
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 6\nenabled: false\n"}}));
  EXPECT_EQ(state_.list[0].body["past"].as_int(), 5) << "carried on by every change";
  ASSERT_TRUE(apply({}));
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 7\n"}}));
  EXPECT_EQ(state_.list[0].body["past"].as_int(), 6) << "also over a time without the declaration";
}

TEST_F(PlanTest, settings_that_cannot_move_are_refused_and_others_say_restart) {
  ASSERT_TRUE(apply({{"weir.yaml", "name: x\n"}}));
  const Plan moved = make_plan(project({{"weir.yaml", "name: x\nstore: elsewhere\nlog: {level: debug}\n"}}), registry_,
                               state_.list, false);
  ASSERT_EQ(moved.changes.size(), 1u);
  EXPECT_FALSE(moved.is_compatible());
  EXPECT_THAT(moved.changes[0].details,
              ElementsAre(HasSubstr("store: \".weir/store\" -> \"elsewhere\""), HasSubstr("(after a restart)")));
  EXPECT_TRUE(make_plan(project({{"weir.yaml", "name: x\nstore: .weir/store\n"}}), registry_, state_.list, false)
                  .is_compatible());
}

TEST_F(PlanTest, what_is_removed_is_detached_and_comes_back_with_its_data) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  EXPECT_THAT(planned({}), ElementsAre("detach thing a"));
  ASSERT_TRUE(apply({}));
  EXPECT_TRUE(planned({}).empty());
  EXPECT_THAT(planned({{"things/a.yaml", "size: 5\n"}}), ElementsAre("change thing a"));
  EXPECT_THAT(planned({{"things/a.yaml", "size: 4\n"}}), ElementsAre("change thing a refused"));
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  EXPECT_FALSE(state_.list[0].detached);
  EXPECT_TRUE(destroyed_.empty());
}

TEST_F(PlanTest, drop_destroys_what_is_removed_and_what_was_detached_before) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}, {"things/b.yaml", "size: 5\n"}}));
  ASSERT_TRUE(apply({{"things/b.yaml", "size: 5\n"}}));
  EXPECT_THAT(planned({}, true), ElementsAre("destroy thing a", "destroy thing b"));
  ASSERT_TRUE(apply({}, true));
  EXPECT_THAT(destroyed_, ElementsAre("a#1", "b#2"));
  EXPECT_TRUE(state_.list.empty());
  EXPECT_TRUE(apply({}, true));
}

TEST_F(PlanTest, a_destruction_that_fails_half_way_is_finished_by_the_next_apply) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  fail_destroy_ = true;
  EXPECT_FALSE(apply({}, true));
  EXPECT_TRUE(state_.list[0].detached);
  fail_destroy_ = false;
  ASSERT_TRUE(apply({}, true));
  EXPECT_TRUE(state_.list.empty());
}

TEST_F(PlanTest, drop_is_refused_where_nobody_can_remove_the_data) {
  Registry registry;
  registry.add_kind(thing_kind());
  ASSERT_TRUE(apply_project(project({{"things/a.yaml", "size: 5\n"}}), registry, state_, false));
  auto refused = apply_project(project({}), registry, state_, true);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("not built"));
  EXPECT_FALSE(state_.list[0].detached);
}

TEST_F(PlanTest, a_broken_file_neither_detaches_nor_applies_anything) {
  ASSERT_TRUE(apply({{"things/a.yaml", "size: 5\n"}}));
  const std::map<std::string, std::string> broken = {{"things/a.yaml", "size: \n"}, {"things/b.yaml", "size: 1\n"}};
  EXPECT_THAT(planned(broken), ElementsAre("create thing b"));
  EXPECT_THAT(planned(broken, true), ElementsAre("create thing b"));
  auto refused = apply(broken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().position->file, "things/a.yaml");
  EXPECT_EQ(state_.list.size(), 1u);
}

TEST_F(PlanTest, kinds_of_a_newer_program_are_left_alone) {
  state_.find_or_add("flow", "daily");
  EXPECT_TRUE(planned({}, true).empty());
}

// Goal: after any sequence of folders, the applied state equals the folder, and a plan is empty. Method: seeds.
TEST_F(PlanTest, applying_any_folder_makes_the_next_plan_empty) {
  SeededRandom random(11);
  for (int i = 0; i < 300; ++i) {
    std::map<std::string, std::string> files;
    for (const char* name : {"a", "b", "c", "d"}) {
      if (random_chance(random, 2, 3))
        files["things/" + std::string(name) + ".yaml"] = "size: " + std::to_string(random_below(random, 3)) + "\n";
    }
    const bool drop = random_chance(random, 1, 2);
    const bool compatible = make_plan(project(files), registry_, state_.list, drop).is_compatible();
    const size_t before = state_.list.size();
    auto applied = apply(files, drop);
    ASSERT_EQ(applied.has_value(), compatible);
    if (!applied) {
      EXPECT_EQ(state_.list.size(), before);
      continue;
    }
    EXPECT_TRUE(planned(files, drop).empty());
    size_t attached = 0;
    for (const AppliedDeclaration& one : state_.list) attached += one.detached ? 0 : 1;
    EXPECT_EQ(attached, files.size());
    if (drop) {
      EXPECT_EQ(state_.list.size(), files.size());
    }
  }
}

}  // namespace
}  // namespace weir::project
