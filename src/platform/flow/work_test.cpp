// Other rooms' work as runs: it is recorded, watched, stopped, takes turns, and goes on after a restart with what is
// missing.
#include <condition_variable>
#include <mutex>

#include "platform/flow/flow_fixture.h"

namespace weir::flow {
namespace {

// Three tasks. It waits before the second one until it is let go or stopped; counts what it does.
class Counting final : public Work {
 public:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = true;
    int inside = 0, inside_most = 0;
    std::map<std::string, int> done;
  };
  explicit Counting(Shared& shared) : shared_(shared) {}
  Status check(const Json& parameters) const override {
    if (parameters.find("table") == nullptr) return Error(Code::invalid, "which table?");
    return {};
  }
  Status run(WorkContext& context) override {
    {
      const std::lock_guard lock(shared_.mutex);
      shared_.inside_most = std::max(shared_.inside_most, ++shared_.inside);
    }
    const Status done = all(context);
    const std::lock_guard lock(shared_.mutex);
    --shared_.inside;
    return done;
  }

 private:
  Status all(WorkContext& context) {
    TRY(context.plan("count", {"a", "b", "c"}));
    const Json* lives = context.result().find("lives");
    TRY(context.set_result(Json(Json::Object{{"lives", lives == nullptr ? 1 : lives->as_int() + 1}})));
    for (const char* what : {"a", "b", "c"}) {
      TRY(context.task("count", what, [&]() -> Result<TaskEnd> {
        if (what[0] == 'b') {
          TRY(context.note("count", what, {3, "half of it", 0.5}));
          TRY(wait(context));
        }
        const std::lock_guard lock(shared_.mutex);
        ++shared_.done[what];
        return TaskEnd{7, std::string("counted ") + what};
      }));
    }
    return {};
  }
  Status wait(WorkContext& context) {
    const auto stop = context.cancel().attach([&] {
      const std::lock_guard lock(shared_.mutex);
      shared_.changed.notify_all();
    });
    std::unique_lock lock(shared_.mutex);
    shared_.changed.wait(lock, [&] { return shared_.is_open || context.cancel().is_cancelled(); });
    return context.cancel().check();
  }
  Shared& shared_;
};

class WorkTest : public FlowTest {
 protected:
  WorkTest() {
    works_["count"] = [this] { return std::make_unique<Counting>(shared_); };
  }
  std::string begin(const std::string& table = "clicks") {
    return must(flow_->start_work({"count", table, Json(Json::Object{{"table", table}})}));
  }
  void let_go(bool open) {
    const std::lock_guard lock(shared_.mutex);
    shared_.is_open = open;
    shared_.changed.notify_all();
  }
  void wait_until_running(const std::string& id, const std::string& what) {
    for (int i = 0; i < 3'000; ++i) {
      for (const auto& task : must(flow_->run(id)).tasks) {
        if (task.what == what && task.state == "running") return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << what << " does not begin";
  }
  Counting::Shared shared_;
};

TEST_F(WorkTest, is_a_run_with_tasks) {
  const RunView view = wait(begin());
  EXPECT_EQ(view.run.state, "done") << view.run.error;
  EXPECT_EQ(view.run.kind, "count");
  EXPECT_EQ(view.run.name, "clicks");
  EXPECT_EQ(computed(view), "count a, count b, count c");
  EXPECT_EQ(view.tasks[1].rows, 7u);
  EXPECT_EQ(view.tasks[1].message, "counted b");
  EXPECT_EQ(must(flow_->runs("clicks", false, 10)).size(), 1u);
  EXPECT_EQ(flow_->start_work({"nosuch", "x"}).error().code, Code::unsupported);
  EXPECT_EQ(flow_->start_work({"count", "x"}).error().message, "which table?");
}

TEST_F(WorkTest, is_stopped_and_what_waits_behind_it_too) {
  let_go(false);
  const std::string first = begin(), second = begin(), third = begin();
  wait_until_running(first, "b");
  ASSERT_TRUE(flow_->stop(second, "somebody"));
  const RunView gone = wait(second);
  EXPECT_EQ(gone.run.state, "stopped");
  EXPECT_EQ(gone.run.error, "stopped by somebody");
  EXPECT_TRUE(gone.tasks.empty());
  ASSERT_TRUE(flow_->stop(first, "somebody"));
  EXPECT_EQ(wait(first).run.state, "stopped");
  let_go(true);
  EXPECT_EQ(wait(third).run.state, "done");
  EXPECT_EQ(shared_.inside_most, 1) << "runs of one name take turns";
}

TEST_F(WorkTest, goes_on_after_a_restart_with_what_is_missing) {
  let_go(false);
  const std::string id = begin();
  wait_until_running(id, "b");
  close();
  let_go(true);
  open();
  ASSERT_TRUE(flow_->resume());
  const RunView view = wait(id);
  EXPECT_EQ(view.run.state, "done");
  EXPECT_EQ(shared_.done, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"c", 1}}));
  EXPECT_EQ(view.run.result.dump(), R"({"lives":2})") << "it knows what an earlier life has done";
}

TEST_F(WorkTest, a_task_under_way_says_how_far_it_is) {
  let_go(false);
  const std::string id = begin();
  wait_until_running(id, "b");
  RunView view = must(flow_->run(id));
  for (int i = 0; i < 3'000 && view.tasks[1].progress == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    view = must(flow_->run(id));
  }
  EXPECT_EQ(view.tasks[1].progress, 0.5);
  EXPECT_EQ(view.tasks[1].message, "half of it");
  ASSERT_TRUE(view.left);
  EXPECT_EQ(view.to_json()["tasks"].array()[1]["progress"].as_double(), 0.5);
  let_go(true);
  view = wait(id);
  EXPECT_EQ(view.tasks[1].progress, 0);
  EXPECT_FALSE(view.left);
}

TEST_F(WorkTest, a_kind_that_is_gone_is_a_failed_run_and_somebody_is_told) {
  let_go(false);
  const std::string id = begin();
  wait_until_running(id, "b");
  close();
  works_.clear();
  open();
  ASSERT_TRUE(flow_->resume());
  const RunView view = wait(id);
  EXPECT_EQ(view.run.state, "failed");
  EXPECT_NE(view.run.error.find("no work of kind 'count'"), std::string::npos) << view.run.error;
}

}  // namespace
}  // namespace weir::flow
