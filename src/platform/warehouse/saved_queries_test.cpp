#include "platform/warehouse/saved_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;

class SavedQueriesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "weir-queries-XXXXXX";
    folder_ = mkdtemp(name.data());
    queries_.emplace(real_files(), folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string names() const {
    std::string out;
    const auto listed = queries_->list();
    if (!listed) return listed.error().text();
    for (const auto& one : *listed) out += one.name + " ";
    return out;
  }
  std::string file(const std::string& name) const {
    std::ifstream in(folder_ + "/queries/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string folder_;
  std::optional<SavedQueries> queries_;
};

TEST_F(SavedQueriesTest, are_files_of_the_project) {
  EXPECT_EQ(names(), "");
  const auto saved = queries_->save("top-ads_2", "SELECT 1", std::nullopt);
  ASSERT_TRUE(saved) << saved.error().text();
  EXPECT_EQ(file("top-ads_2.sql"), "SELECT 1\n");
  EXPECT_EQ(names(), "top-ads_2 ");
  // One that somebody put there is one too; other files are none, and stay.
  std::ofstream(folder_ + "/queries/by-hand.sql") << "SELECT 2";
  std::ofstream(folder_ + "/queries/Notes.sql") << "x";
  std::ofstream(folder_ + "/queries/readme.md") << "x";
  std::filesystem::create_directory(folder_ + "/queries/deep.sql");
  EXPECT_EQ(names(), "by-hand top-ads_2 ");
  EXPECT_EQ(queries_->open("by-hand")->sql, "SELECT 2");
}

TEST_F(SavedQueriesTest, nobody_overwrites_another_unseen) {
  const auto first = queries_->save("q", "SELECT 1", std::nullopt);
  EXPECT_EQ(queries_->save("q", "SELECT 2", std::nullopt).error().code, Code::conflict);
  const auto second = queries_->save("q", "SELECT 2", first->revision);
  ASSERT_TRUE(second);
  EXPECT_EQ(queries_->save("q", "SELECT 3", first->revision).error().code, Code::conflict);
  EXPECT_EQ(queries_->remove("q", first->revision).error().code, Code::conflict);
  EXPECT_EQ(queries_->rename("q", "r", first->revision).error().code, Code::conflict);
  EXPECT_EQ(file("q.sql"), "SELECT 2\n");
  // An edit beside weir counts, too.
  std::ofstream(folder_ + "/queries/q.sql") << "SELECT 4";
  EXPECT_EQ(queries_->save("q", "SELECT 3", second->revision).error().code, Code::conflict);
  const auto third = queries_->save("q", "SELECT 3\n", queries_->open("q")->revision);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->sql, "SELECT 3\n");
}

TEST_F(SavedQueriesTest, are_renamed_and_deleted) {
  const auto saved = queries_->save("a", "SELECT 1", std::nullopt);
  ASSERT_TRUE(queries_->save("b", "SELECT 2", std::nullopt));
  EXPECT_EQ(queries_->rename("a", "b", saved->revision).error().code, Code::conflict);
  EXPECT_EQ(queries_->rename("a", "../b", saved->revision).error().code, Code::invalid);
  ASSERT_TRUE(queries_->rename("a", "c", saved->revision));
  EXPECT_EQ(names(), "b c ");
  ASSERT_TRUE(queries_->remove("c", saved->revision));
  EXPECT_EQ(queries_->remove("c", saved->revision).error().code, Code::not_found);
  EXPECT_EQ(names(), "b ");
}

TEST_F(SavedQueriesTest, no_name_leads_elsewhere) {
  std::ofstream(folder_ + "/secret.sql") << "x";
  for (const std::string name : {"", "..", "../secret", "a/b", "A", "a.b", ".a", "a b", "ä", "a\n"}) {
    EXPECT_EQ(queries_->open(name).error().code, Code::invalid) << name;
    EXPECT_EQ(queries_->save(name, "SELECT 1", std::nullopt).error().code, Code::invalid) << name;
    EXPECT_EQ(queries_->remove(name, "x").error().code, Code::invalid) << name;
  }
  EXPECT_TRUE(queries_->save(std::string(63, 'a'), "SELECT 1", std::nullopt));
  EXPECT_FALSE(queries_->save(std::string(64, 'a'), "SELECT 1", std::nullopt));
}

TEST_F(SavedQueriesTest, a_text_has_its_limits) {
  EXPECT_TRUE(queries_->save("big", std::string(SavedQueries::kBytesMax - 1, 'x'), std::nullopt));
  EXPECT_EQ(queries_->save("more", std::string(SavedQueries::kBytesMax, 'x'), std::nullopt).error().code,
            Code::too_large);
  EXPECT_EQ(queries_->save("empty", " \n", std::nullopt).error().code, Code::invalid);
  EXPECT_EQ(queries_->save("binary", "SELECT '\xff'", std::nullopt).error().code, Code::invalid);
  EXPECT_EQ(queries_->save("zero", std::string("SELECT '\0'", 11), std::nullopt).error().code, Code::invalid);
  std::ofstream(folder_ + "/queries/huge.sql") << std::string(SavedQueries::kBytesMax + 1, 'x');
  const auto huge = queries_->open("huge");
  EXPECT_EQ(huge.error().code, Code::too_large);
  EXPECT_THAT(huge.error().message, Not(HasSubstr(folder_)));
}

TEST_F(SavedQueriesTest, there_is_an_end_to_them) {
  ASSERT_TRUE(queries_->save("first", "SELECT 1", std::nullopt));
  for (size_t i = 1; i < SavedQueries::kQueriesMax; ++i) {
    std::ofstream(folder_ + "/queries/q" + std::to_string(i) + ".sql") << "x";
  }
  EXPECT_EQ(queries_->list()->size(), SavedQueries::kQueriesMax);
  EXPECT_EQ(queries_->save("one-more", "SELECT 1", std::nullopt).error().code, Code::too_large);
  EXPECT_TRUE(queries_->save("first", "SELECT 2", queries_->open("first")->revision));
}

}  // namespace
}  // namespace weir::warehouse
