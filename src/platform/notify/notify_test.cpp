// Findings over the real control database: one for each key, kept before anybody is told, bounded. Deliveries to real
// receivers are in tests/scenario/test_notifications.py and test_alarms.py; here only ones that nobody answers.
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
    open_notifier(options);
  }
  void open_notifier(const Options& options) {
    notifier_.reset();
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

Channel away() {
  Channel channel;
  channel.name = "hook";
  channel.url = {"http://127.0.0.1:1/${secret:PATH}", true};
  channel.retry_wait = channel.retry_wait_max = milliseconds(1);
  return channel;
}

TEST_F(NotifyTest, a_channel_that_cannot_deliver_is_a_finding_without_the_secret) {
  notifier_->set_channels({away()});
  (void)must(notifier_->report(finding(), {"hook", "nobody"}));
  // The clock of the test stands still, so the next attempt is due only when it is moved.
  wait_for([&] {
    clock_.advance(milliseconds(2));
    return must(notifier_->open("channel/hook")).has_value();
  });
  const auto kept = *must(notifier_->open("channel/hook"));
  EXPECT_THAT(kept.finding.why, Not(HasSubstr("hush")));
  EXPECT_THAT(kept.finding.why, HasSubstr("***"));
  const auto states = notifier_->channels();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].waiting, 1u) << "it is tried for three days";
  EXPECT_THAT(states[0].error, Not(HasSubstr("hush")));
  notifier_->set_channels({});
  EXPECT_FALSE(must(notifier_->open("channel/hook")).has_value()) << "it is not declared any more";
  EXPECT_EQ(must(notifier_->deliveries({})).size(), 1u) << "what waits for it stays";
}

TEST_F(NotifyTest, what_cannot_be_delivered_in_time_is_given_up_and_a_finding_until_somebody_looks) {
  Channel channel = away();
  channel.retry_for = seconds(1);
  notifier_->set_channels({channel});
  (void)must(notifier_->report(finding(), {"hook"}));
  wait_for([&] {
    clock_.advance(milliseconds(200));
    const auto all = must(notifier_->deliveries({}));
    return all.size() == 1 && all[0].state == "given_up";
  });
  wait_for([&] {
    notifier_->tick();
    return must(notifier_->open("outbox/hook")).has_value();
  });
  EXPECT_EQ(metrics_.read("weir_notify_notices_total", {{"channel", "hook"}, {"outcome", "failed"}}), 1);
  const std::string id = must(notifier_->deliveries({}))[0].id;
  ASSERT_TRUE(notifier_->discard(id));
  notifier_->tick();
  EXPECT_FALSE(must(notifier_->open("outbox/hook")).has_value());
  EXPECT_EQ(notifier_->discard(id).error().code, Code::conflict);
  ASSERT_TRUE(notifier_->retry(id)) << "second thoughts";
}

TEST_F(NotifyTest, what_waits_and_what_was_being_sent_is_there_after_a_restart_under_the_same_id) {
  Options idle;
  idle.project = "shop";
  idle.delivers = false;
  open_notifier(idle);
  notifier_->set_channels({away()});
  Message message;
  message.subject = "hello";
  const auto ids = must(notifier_->submit(message, {"hook"}));
  ASSERT_EQ(ids.size(), 1u);
  const auto taken = must(control_->next_delivery("hook", clock_.wall(), {}));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->state, "sending");
  EXPECT_FALSE(must(control_->next_delivery("hook", clock_.wall(), {})).has_value()) << "it is taken";
  notifier_.reset();
  control_ = must(control::Control::open(root_ + "/control.db", clock_));
  ASSERT_TRUE(control_->wait_again());
  const auto again = must(control_->next_delivery("hook", clock_.wall(), {}));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->id, ids[0]);
  EXPECT_EQ(again->attempts, 2u);
  control::Delivery done = *again;
  done.state = "delivered";
  done.ended_at = clock_.wall();
  EXPECT_FALSE(must(control_->next_delivery("hook", clock_.wall(), done)).has_value());
  EXPECT_FALSE(must(control_->next_delivery("hook", clock_.wall(), {})).has_value()) << "never again";
}

TEST_F(NotifyTest, a_digest_and_what_comes_again_wait_together_and_nothing_is_lost) {
  Options idle;
  idle.project = "shop";
  idle.delivers = false;
  open_notifier(idle);
  Topic topic;
  topic.name = "team";
  Subscription hourly, flapping;
  hourly.channel = flapping.channel = "hook";
  hourly.digest = "1h";
  flapping.channel = "other";
  flapping.deduplicate = minutes(30);
  topic.subscriptions = {hourly, flapping};
  Channel other = away();
  other.name = "other";
  notifier_->set_channels({away(), other}, {topic});
  for (int i = 0; i < 3; ++i) {
    (void)must(notifier_->report(finding(), {"team"}));
    ASSERT_TRUE(notifier_->close("alarm/a", "over", {"team"}));
  }
  control::DeliveryFilter of_hook;
  of_hook.channel = "hook";
  const auto digest = must(notifier_->deliveries(of_hook));
  ASSERT_EQ(digest.size(), 1u);
  EXPECT_EQ(digest[0].body["items"].array().size(), 6u);
  control::DeliveryFilter of_other;
  of_other.channel = "other";
  const auto told = must(notifier_->deliveries(of_other));
  ASSERT_EQ(told.size(), 4u) << "each event at once the first time; the others of each wait together";
  size_t held = 0;
  for (const control::Delivery& one : told) {
    if (one.bundle.empty()) continue;
    held += one.body["items"].array().size();
    EXPECT_EQ(one.due_at.micros - clock_.wall().micros, minutes(30).micros);
  }
  EXPECT_EQ(held, 4u);
}

TEST_F(NotifyTest, a_message_is_refused_where_it_could_not_be_told) {
  Message message;
  message.subject = "hello";
  EXPECT_EQ(notifier_->send(message, {"nobody"}).error().code, Code::not_found);
  EXPECT_TRUE(notifier_->send(message, {"page"}));
  message.text = std::string(kMessageTextBytesMax + 1, 'x');
  EXPECT_EQ(notifier_->send(message, {"page"}).error().code, Code::too_large);
}

TEST_F(NotifyTest, what_is_told_once_is_not_told_again_after_a_kill) {
  Options idle;
  idle.delivers = false;
  open_notifier(idle);
  notifier_->set_channels({away()});
  Message message;
  message.subject = "your report is ready";
  message.once = "review/nightly/run-1";
  const auto count = [&] { return must(notifier_->deliveries({})).size(); };
  ASSERT_TRUE(notifier_->send(message, {"hook"}));
  open_notifier(idle);
  notifier_->set_channels({away()});
  ASSERT_TRUE(notifier_->send(message, {"hook"})) << "who goes on after a kill does not know that it was sent";
  EXPECT_EQ(count(), 1u);
  message.once = "review/nightly/run-2";
  ASSERT_TRUE(notifier_->send(message, {"hook"}));
  EXPECT_EQ(count(), 2u) << "another run is another message";
  message.once.clear();
  ASSERT_TRUE(notifier_->send(message, {"hook"}));
  ASSERT_TRUE(notifier_->send(message, {"hook"}));
  EXPECT_EQ(count(), 4u) << "each is its own";
}

TEST_F(NotifyTest, a_full_outbox_drops_nothing_takes_nothing_and_says_so) {
  Options idle;
  idle.delivers = false;
  open_notifier(idle);
  notifier_->set_channels({away()});
  std::vector<control::Delivery> many(kOutboxMax - 1);
  for (size_t i = 0; i < many.size(); ++i) {
    many[i].id = "id-" + std::to_string(i);
    many[i].channel = "hook";
    const WallTime soon{clock_.wall().micros + 1'000'000};
    many[i].due_at = many[i].give_up_at = i < kOutboxMax / 9 ? soon : WallTime{INT64_MAX};
    many[i].body.set("items", Json(Json::Array{}));
  }
  ASSERT_TRUE(must(control_->add_deliveries(many, kOutboxMax)));
  std::vector<control::Delivery> two = {many[0], many[1]};
  EXPECT_FALSE(must(control_->add_deliveries(two, kOutboxMax))) << "all or none";
  Message message;
  message.subject = "hello";
  ASSERT_TRUE(notifier_->send(message, {"hook"})) << "the last one that has room";
  EXPECT_EQ(notifier_->send(message, {"hook"}).error().code, Code::busy);
  const std::string id = must(notifier_->report(finding(), {"hook"}));
  EXPECT_EQ(must(notifier_->finding(id)).state, "open") << "kept, and not told";
  notifier_->tick();
  EXPECT_THAT(must(notifier_->open("outbox"))->finding.what, HasSubstr("the outbox is full"));
  clock_.advance(seconds(2));
  notifier_->tick();
  EXPECT_FALSE(must(notifier_->open("outbox")).has_value()) << "there is room again";
  EXPECT_TRUE(notifier_->send(message, {"hook"}));
}

TEST_F(NotifyTest, a_channel_that_did_not_change_goes_on) {
  notifier_->set_channels({away()});
  (void)must(notifier_->report(finding(), {"hook"}));
  wait_for([&] { return !notifier_->channels()[0].error.empty(); });
  notifier_->set_channels({away()});
  EXPECT_FALSE(notifier_->channels()[0].error.empty());
}

}  // namespace
}  // namespace weir::notify
