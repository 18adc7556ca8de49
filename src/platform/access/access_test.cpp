#include "platform/access/access.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/io/simulated_clock.h"

namespace weir::access {
namespace {

class AccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "weir-access-XXXXXX";
    folder_ = mkdtemp(name.data());
    open();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void open(Options options = {}, UsersOptions of_users = {}) {
    access_.reset();
    users_.reset();
    control_.reset();
    auto control = control::Control::open(folder_ + "/control.db", clock_);
    ASSERT_TRUE(control) << control.error().text();
    control_ = std::move(*control);
    auto users = Users::open(*control_, clock_, random_, of_users);
    ASSERT_TRUE(users) << users.error().text();
    users_ = std::move(*users);
    auto access = Access::open(*control_, *users_, clock_, random_, options);
    ASSERT_TRUE(access) << access.error().text();
    access_ = std::move(*access);
  }
  CreatedToken make(Role role, std::vector<std::string> streams = {}) {
    auto made = access_->create_token({.role = role, .streams = std::move(streams)});
    EXPECT_TRUE(made) << made.error().text();
    return *made;
  }

  std::string folder_;
  ManualClock clock_;
  SeededRandom random_{3};
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessTest, knows_a_token_by_its_text_over_restarts_and_stores_only_its_hash) {
  const auto token = make(Role::read);
  open();
  auto identity = access_->authenticate(token.text);
  ASSERT_TRUE(identity) << identity.error().text();
  EXPECT_EQ((*identity)->role, Role::read);
  EXPECT_EQ((*identity)->id, token.id);
  access_.reset();
  control_.reset();
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(bytes.find(token.text.substr(5)), std::string::npos) << file.path();
  }
}

TEST_F(AccessTest, refuses_unknown_revoked_and_expired_tokens) {
  EXPECT_EQ(access_->authenticate("").error().code, Code::unauthenticated);
  EXPECT_EQ(access_->authenticate(std::string(100'000, 'x')).error().code, Code::unauthenticated);
  const auto token = make(Role::admin);
  ASSERT_TRUE(access_->revoke_token(token.id));
  EXPECT_EQ(access_->authenticate(token.text).error().code, Code::unauthenticated);
  EXPECT_EQ(access_->revoke_token("nobody").error().code, Code::not_found);
  auto brief = access_->create_token({.role = Role::read, .expires_in = hours(1)});
  ASSERT_TRUE(brief);
  EXPECT_TRUE(access_->authenticate(brief->text));
  clock_.advance(hours(2));
  EXPECT_EQ(access_->authenticate(brief->text).error().code, Code::unauthenticated);
}

TEST_F(AccessTest, lets_each_role_do_its_own) {
  const auto writer = *access_->authenticate(make(Role::write, {"clicks"}).text);
  EXPECT_TRUE(may_write(*writer, "clicks"));
  EXPECT_EQ(may_write(*writer, "orders").error().code, Code::denied);
  EXPECT_EQ(may_read(*writer).error().code, Code::denied);
  const auto reader = *access_->authenticate(make(Role::read).text);
  EXPECT_TRUE(may_read(*reader));
  EXPECT_EQ(may_write(*reader, "clicks").error().code, Code::denied);
  EXPECT_EQ(may_administer(*reader).error().code, Code::denied);
  EXPECT_TRUE(may_administer(*local_administrator()));
  EXPECT_TRUE(may_write(*local_administrator(), "anything"));
}

TEST_F(AccessTest, a_key_of_endpoints_reads_these_and_nothing_else_over_restarts) {
  const auto made = access_->create_token({.role = Role::read, .endpoints = {"traffic"}});
  ASSERT_TRUE(made);
  for (int start = 0; start < 2; ++start) {
    const auto key = *access_->authenticate(made->text);
    EXPECT_TRUE(may_read_endpoint(*key, "traffic"));
    EXPECT_EQ(may_read_endpoint(*key, "other").error().code, Code::denied);
    EXPECT_EQ(may_read(*key).error().code, Code::denied);
    EXPECT_EQ(may_write(*key, "clicks").error().code, Code::denied);
    EXPECT_EQ(may_administer(*key).error().code, Code::denied);
    EXPECT_EQ(access_->tokens().back().requests, 1u);
    open();
  }
  EXPECT_TRUE(may_read_endpoint(**access_->authenticate(make(Role::read).text), "any"));
  EXPECT_TRUE(may_read_endpoint(**access_->authenticate(make(Role::admin).text), "any"));
  EXPECT_FALSE(may_read_endpoint(**access_->authenticate(make(Role::write).text), "any"));
  EXPECT_EQ(access_->create_token({.role = Role::write, .endpoints = {"traffic"}}).error().code, Code::invalid);
  EXPECT_EQ(access_->create_token({.role = Role::admin, .endpoints = {"traffic"}}).error().code, Code::invalid);
  EXPECT_EQ(access_->create_token({.role = Role::read, .endpoints = {"No"}}).error().code, Code::invalid);
}

TEST_F(AccessTest, refuses_tokens_that_make_no_sense) {
  EXPECT_EQ(access_->create_token({.role = Role::read, .streams = {"clicks"}}).error().code, Code::invalid);
  EXPECT_EQ(access_->create_token({.role = Role::write, .streams = {"Not A Stream"}}).error().code, Code::invalid);
  EXPECT_EQ(access_->create_token({.role = Role::read, .label = std::string(201, 'x')}).error().code, Code::too_large);
  EXPECT_EQ(access_->create_token({.role = Role::read, .expires_in = seconds(-1)}).error().code, Code::invalid);
}

TEST_F(AccessTest, makes_a_first_sign_in_only_while_there_is_no_administrator) {
  auto first = access_->first_sign_in();
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->has_value());
  auto second = access_->first_sign_in();
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->has_value());
  ASSERT_TRUE(access_->revoke_token((*first)->id));
  EXPECT_TRUE((*access_->first_sign_in()).has_value()) << "nobody could get in any more";
}

TEST_F(AccessTest, keeps_open_sessions_over_a_restart_and_never_an_ended_one) {
  const auto token = make(Role::read);
  const auto other = make(Role::read);
  const auto stays = access_->sign_in(token.text, "p"), leaves = access_->sign_in(token.text, "p");
  const auto revoked = access_->sign_in(other.text, "p");
  ASSERT_TRUE(stays && leaves && revoked);
  ASSERT_TRUE(access_->flush_last_used());
  EXPECT_TRUE(access_->sign_out(leaves->cookie));
  ASSERT_TRUE(access_->revoke_token(other.id));
  open();
  EXPECT_TRUE(access_->session(stays->cookie));
  EXPECT_FALSE(access_->session(leaves->cookie));
  EXPECT_FALSE(access_->session(revoked->cookie));
  ASSERT_TRUE(access_->flush_last_used());
  clock_.advance(hours(13));
  open();
  EXPECT_FALSE(access_->session(stays->cookie)) << "idle for too long, running or not";
}

TEST_F(AccessTest, opens_sessions_that_end_when_idle_signed_out_or_revoked) {
  const auto token = make(Role::read);
  auto session = access_->sign_in(token.text, "127.0.0.1");
  ASSERT_TRUE(session);
  clock_.advance(hours(11));
  EXPECT_TRUE(access_->session(session->cookie)) << "and this use prolongs it";
  clock_.advance(hours(11));
  EXPECT_TRUE(access_->session(session->cookie));
  clock_.advance(hours(13));
  EXPECT_EQ(access_->session(session->cookie).error().code, Code::unauthenticated);

  auto second = access_->sign_in(token.text, "127.0.0.1");
  ASSERT_TRUE(second);
  EXPECT_TRUE(access_->sign_out(second->cookie));
  EXPECT_FALSE(access_->session(second->cookie));

  auto third = access_->sign_in(token.text, "127.0.0.1");
  ASSERT_TRUE(third);
  ASSERT_TRUE(access_->revoke_token(token.id));
  EXPECT_EQ(access_->session(third->cookie).error().code, Code::unauthenticated);
  EXPECT_EQ(access_->session("forged").error().code, Code::unauthenticated);
}

TEST_F(AccessTest, slows_down_who_guesses_without_hurting_others) {
  const auto token = make(Role::read);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(access_->sign_in("guess", "10.0.0.1").error().code, Code::unauthenticated);
  EXPECT_EQ(access_->sign_in(token.text, "10.0.0.1").error().code, Code::busy);
  EXPECT_TRUE(access_->sign_in(token.text, "10.0.0.2"));
  clock_.advance(minutes(6));
  EXPECT_TRUE(access_->sign_in(token.text, "10.0.0.1"));
}

TEST_F(AccessTest, a_guesser_gains_nothing_by_another_port_or_address_of_the_same_network) {
  const auto token = make(Role::read);
  const auto busy = [&](std::string_view peer) {
    auto answer = access_->sign_in(token.text, peer);
    return !answer && answer.error().code == Code::busy;
  };
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(access_->sign_in("guess", "10.0.0.1:" + std::to_string(i)));
  EXPECT_TRUE(busy("10.0.0.1"));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(access_->sign_in("guess", "2001:db8::" + std::to_string(i)));
  EXPECT_TRUE(busy("[2001:db8::ffff]:443"));
  EXPECT_FALSE(busy("2001:db8:0:1::1"));
}

TEST_F(AccessTest, forgets_the_oldest_failures_when_a_crowd_attacks) {
  UsersOptions small;
  small.limits.peers_max = 100;
  open({}, small);
  for (int i = 0; i < 1'000; ++i)
    EXPECT_FALSE(access_->sign_in("guess", "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(access_->sign_in("guess", "192.0.2.1"));
  EXPECT_EQ(access_->sign_in("guess", "192.0.2.1").error().code, Code::busy);
}

// Goal: a revoked token is refused by every thread as soon as revoke_token() has returned. Also food for the thread
// sanitizer.
TEST_F(AccessTest, revocation_reaches_every_thread_at_once) {
  const auto steady = make(Role::read);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        EXPECT_TRUE(access_->authenticate(steady.text));
        auto session = access_->sign_in(steady.text, "p");
        EXPECT_TRUE(session && access_->session(session->cookie));
        if (session) {  // or the bound on open sessions would end others'
          EXPECT_TRUE(access_->sign_out(session->cookie));
        }
        (void)access_->tokens();
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const auto token = make(Role::read);
    auto session = access_->sign_in(token.text, "q");
    ASSERT_TRUE(session);
    EXPECT_TRUE(access_->authenticate(token.text));
    ASSERT_TRUE(access_->revoke_token(token.id));
    EXPECT_FALSE(access_->authenticate(token.text));
    EXPECT_FALSE(access_->session(session->cookie));
    EXPECT_TRUE(access_->flush_last_used());
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(AccessTest, bounds_its_tables) {
  Options small;
  small.sessions_max = 3;
  small.tokens_max = 2;
  open(small);
  const auto token = make(Role::read);
  std::vector<std::string> cookies;
  for (int i = 0; i < 5; ++i) {
    clock_.advance(seconds(1));
    cookies.push_back((*access_->sign_in(token.text, "p")).cookie);
  }
  EXPECT_EQ(access_->session_count(), 3u);
  EXPECT_FALSE(access_->session(cookies[0])) << "the one unused longest went";
  EXPECT_TRUE(access_->session(cookies[4]));
  make(Role::read);
  EXPECT_EQ(access_->create_token({.role = Role::read}).error().code, Code::busy);
}

TEST_F(AccessTest, remembers_when_a_token_was_last_used) {
  const auto token = make(Role::read);
  ASSERT_TRUE(access_->authenticate(token.text));
  ASSERT_TRUE(access_->flush_last_used());
  open();
  ASSERT_EQ(access_->tokens().size(), 1u);
  ASSERT_TRUE(access_->tokens()[0].last_used_at.has_value());
  EXPECT_EQ(access_->tokens()[0].last_used_at->micros, clock_.wall().micros);
}

TEST(Role, is_read_from_its_name) {
  EXPECT_EQ(*parse_role("write"), Role::write);
  EXPECT_EQ(parse_role("root").error().code, Code::invalid);
}

}  // namespace
}  // namespace weir::access
