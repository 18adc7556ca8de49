#include "platform/access/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "core/io/simulated_clock.h"

namespace weir::access {
namespace {

class SecretsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "weir-secrets-XXXXXX";
    folder_ = mkdtemp(name.data());
    control_ = std::move(*control::Control::open(folder_ + "/control.db", clock_));
  }
  void TearDown() override {
    control_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::unique_ptr<Secrets> open(std::optional<std::string> key = {}) {
    return std::make_unique<Secrets>(Secrets::Parts{*control_, real_files(), clock_, random_},
                                     Secrets::KeySource{folder_ + "/secret.key", key});
  }
  std::string folder_;
  ManualClock clock_;
  SeededRandom random_{5};
  std::unique_ptr<control::Control> control_;
};

TEST_F(SecretsTest, gives_back_what_was_put_over_restarts) {
  ASSERT_TRUE(open()->put("db_password", "hunter2"));
  auto found = open()->find("db_password");
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(*found, "hunter2");
  struct stat info {};
  ASSERT_EQ(stat((folder_ + "/secret.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SecretsTest, stores_no_clear_text) {
  ASSERT_TRUE(open()->put("db_password", "hunter2"));
  auto stored = control_->secrets();
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_EQ((*stored)[0].sealed.find("hunter2"), std::string::npos);
}

TEST_F(SecretsTest, notices_a_changed_value_an_exchanged_row_and_another_key) {
  auto secrets = open();
  ASSERT_TRUE(secrets->put("a", "value of a"));
  ASSERT_TRUE(secrets->put("b", "value of b"));
  auto stored = *control_->secrets();
  control::Secret swapped{"a", stored[1].sealed, clock_.wall()};
  ASSERT_TRUE(control_->put_secret(swapped));
  EXPECT_EQ(secrets->find("a").error().code, Code::corrupt);
  // Every changed byte is noticed, and so is every cut.
  for (size_t i = 0; i < stored[0].sealed.size(); ++i) {
    std::string flipped = stored[0].sealed;
    flipped[i] = flipped[i] == 'A' ? 'B' : 'A';
    ASSERT_TRUE(control_->put_secret({"a", flipped, clock_.wall()}));
    EXPECT_FALSE(secrets->find("a")) << i;
    ASSERT_TRUE(control_->put_secret({"a", stored[0].sealed.substr(0, i), clock_.wall()}));
    EXPECT_EQ(secrets->find("a").error().code, Code::corrupt) << i;
  }
  EXPECT_EQ(open(std::string(64, 'a'))->find("b").error().code, Code::corrupt);
}

TEST_F(SecretsTest, takes_a_key_from_outside_and_refuses_one_that_is_none) {
  const std::string key(64, '7');
  ASSERT_TRUE(open(key)->put("a", "x"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/secret.key"));
  EXPECT_EQ(*open(key)->find("a"), "x");
  EXPECT_EQ(open("short")->find("a").error().code, Code::invalid);
  EXPECT_EQ(open()->find("a").error().code, Code::denied)
      << "no key file: nothing can be read, and none is made for reading";
}

TEST_F(SecretsTest, names_the_nearest_secret_and_refuses_odd_names) {
  auto secrets = open();
  ASSERT_TRUE(secrets->put("db_password", "x"));
  auto missing = secrets->find("db_pasword");
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_NE(missing.error().hint.find("db_password"), std::string::npos);
  for (const char* name : {"", "1a", "a/b", "a b"})
    EXPECT_EQ(secrets->put(name, "x").error().code, Code::invalid) << name;
  EXPECT_EQ(secrets->put("a", "").error().code, Code::invalid);
  EXPECT_EQ(secrets->put("a", std::string(70'000, 'x')).error().code, Code::too_large);
  ASSERT_TRUE(secrets->remove("db_password"));
  EXPECT_TRUE(secrets->list()->empty());
}

}  // namespace
}  // namespace weir::access
