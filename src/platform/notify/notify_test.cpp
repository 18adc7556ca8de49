// Findings over the real control database: one for each key, kept before anybody is told, bounded. Deliveries to real
// receivers are in tests/scenario/test_alarms.py; here only one that nobody answers.
#include "platform/notify/notify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "core/io/simulated_clock.h"

namespace weir::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

class NotifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-notify-XXXXXX";
    root_ = mkdtemp(name);
    control_ = must(control::Control::open(root_ + "/control.db", clock_));
    Options options;
    options.project = "shop";
    options.attempts = 2;
    options.wait = milliseconds(1);
    notifier_ = std::make_unique<Notifier>(
        Notifier::Parts{*control_, clock_, random_, metrics_,
                        [](std::string_view name_in) -> Result<std::string> { return "hush-" + std::string(name_in); }},
        options);
  }
  void TearDown() override {
    notifier_.reset();
    control_.reset();
    std::filesystem::remove_all(root_);
  }
  static Finding finding(const std::string& key = "alarm/a") {
    Finding out;
    out.key = key;
    out.source = "alarm";
    out.what = "too many";
    out.where = "alarm a";
    out.why = "5 of 5";
    out.link = "/alarms/a";
    out.since = {1'699'999'000'000'000};
    return out;
  }
  template <class Condition>
  static void wait_for(const Condition& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      std::this_thread::yield();
    }
  }

  std::string root_;
  ManualClock clock_;
  SeededRandom random_{7};
  Metrics metrics_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifyTest, what_is_reported_again_updates_the_finding_of_its_key) {
  const std::string id = must(notifier_->report(finding(), {"page"}));
  clock_.advance(minutes(1));
  Finding again = finding();
  again.why = "7 of 7";
  again.since = clock_.wall();
  EXPECT_EQ(must(notifier_->report(again, {"page"})), id);
  const auto kept = must(notifier_->findings(false, 10));
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].reports, 2u);
  EXPECT_EQ(kept[0].finding.why, "7 of 7");
  EXPECT_EQ(kept[0].finding.since, finding().since) << "since when it is so, not since it was said again";
  EXPECT_EQ(kept[0].updated_at.micros - kept[0].opened_at.micros, 60'000'000);
  EXPECT_EQ(metrics_.read("weir_findings_open"), 1);
}

TEST_F(NotifyTest, a_closed_finding_stays_to_be_read_and_the_next_one_is_new) {
  const std::string id = must(notifier_->report(finding(), {}));
  ASSERT_TRUE(notifier_->close("alarm/a", "it is over", {}));
  ASSERT_TRUE(notifier_->close("alarm/a", "twice", {})) << "nothing to close is no mistake";
  EXPECT_THAT(must(notifier_->findings(false, 10)), IsEmpty());
  const auto kept = must(notifier_->finding(id));
  EXPECT_EQ(kept.state, "closed");
  EXPECT_EQ(kept.closed_because, "it is over");
  EXPECT_NE(must(notifier_->report(finding(), {})), id);
  EXPECT_EQ(must(notifier_->findings(true, 10)).size(), 2u);
  EXPECT_EQ(notifier_->acknowledge(id, "ada").error().code, Code::conflict);
  EXPECT_EQ(notifier_->finding("x").error().code, Code::not_found);
}

TEST_F(NotifyTest, an_acknowledged_finding_is_updated_and_closed_like_any) {
  const std::string id = must(notifier_->report(finding(), {}));
  ASSERT_TRUE(notifier_->acknowledge(id, "ada"));
  ASSERT_TRUE(notifier_->acknowledge(id, "bob")) << "the first one has it";
  EXPECT_EQ(must(notifier_->report(finding(), {})), id);
  EXPECT_EQ(must(notifier_->finding(id)).acknowledged_by, "ada");
  ASSERT_TRUE(notifier_->close("alarm/a", "done", {}));
  EXPECT_EQ(must(notifier_->finding(id)).state, "closed");
}

TEST_F(NotifyTest, evidence_is_cut_and_stays_text) {
  Finding large = finding();
  large.why = std::string(4'095, 'x') + "äöü";
  const std::string id = must(notifier_->report(large, {}));
  const std::string why = must(notifier_->finding(id)).finding.why;
  EXPECT_LT(why.size(), 4'200u);
  EXPECT_TRUE(why.ends_with("x…"));
}

TEST_F(NotifyTest, a_channel_that_cannot_deliver_is_a_finding_without_the_secret) {
  Channel channel;
  channel.name = "hook";
  channel.url = {"http://127.0.0.1:1/${secret:PATH}", true};
  notifier_->set_channels({channel});
  (void)must(notifier_->report(finding(), {"hook", "nobody"}));
  wait_for([&] { return must(notifier_->open("channel/hook")).has_value(); });
  const auto kept = *must(notifier_->open("channel/hook"));
  EXPECT_THAT(kept.finding.why, Not(HasSubstr("hush")));
  EXPECT_THAT(kept.finding.why, HasSubstr("***"));
  const auto states = notifier_->channels();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].failed, 1u);
  EXPECT_THAT(states[0].error, Not(HasSubstr("hush")));
  EXPECT_EQ(metrics_.read("weir_notify_notices_total", {{"channel", "hook"}, {"outcome", "failed"}}), 1);
  notifier_->set_channels({});
  EXPECT_FALSE(must(notifier_->open("channel/hook")).has_value()) << "it is not declared any more";
}

TEST_F(NotifyTest, a_channel_that_did_not_change_goes_on) {
  Channel channel;
  channel.name = "hook";
  channel.url = {"http://127.0.0.1:1/", false};
  notifier_->set_channels({channel});
  (void)must(notifier_->report(finding(), {"hook"}));
  wait_for([&] { return notifier_->channels()[0].failed == 1; });
  notifier_->set_channels({channel});
  EXPECT_EQ(notifier_->channels()[0].failed, 1u);
}

}  // namespace
}  // namespace weir::notify
