// Goal: an SQL file is cut where a person sees its parts, and what cannot be cut says where. Method: small texts.
#include "core/project/front_matter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::project {
namespace {

using ::testing::StartsWith;

SqlFile parts_of(std::string_view text) {
  auto parts = split_sql_file(text, "tables/a.sql");
  EXPECT_TRUE(parts) << parts.error().text() << "\n" << text;
  return parts ? *parts : SqlFile{};
}

void expect_parts(std::string_view text, std::string_view front, std::string_view sql, int sql_line) {
  const SqlFile parts = parts_of(text);
  EXPECT_EQ(parts.front, front) << text;
  EXPECT_EQ(parts.sql, sql) << text;
  EXPECT_EQ(parts.sql_line, sql_line) << text;
  EXPECT_EQ(parts.front_line, front.empty() && sql_line == 1 ? 1 : 2) << text;
}

std::string mistake(std::string_view text) {
  auto parts = split_sql_file(text, "tables/a.sql");
  EXPECT_FALSE(parts) << text;
  return parts ? "" : parts.error().text();
}

TEST(FrontMatter, stands_between_the_first_line_and_the_next_mark) {
  expect_parts("---\nstored: lake\n---\nSELECT 1\n", "stored: lake\n", "SELECT 1\n", 4);
  expect_parts("---\n---\nSELECT 1", "", "SELECT 1", 3);
  expect_parts("---\na: 1\n\nb: 2\n---\n\n\nSELECT 1", "a: 1\n\nb: 2\n", "\n\nSELECT 1", 6);
}

TEST(FrontMatter, may_be_missing) {
  expect_parts("SELECT 1", "", "SELECT 1", 1);
  expect_parts("\n-- a comment\nSELECT 1\n", "", "\n-- a comment\nSELECT 1\n", 1);
}

TEST(FrontMatter, is_found_in_files_of_other_editors) {
  expect_parts("---\r\nstored: lake\r\n---\r\nSELECT 1\r\n", "stored: lake\r\n", "SELECT 1\r\n", 4);
  expect_parts("---  \nstored: lake\n---\t\nSELECT 1\n", "stored: lake\n", "SELECT 1\n", 4);
  expect_parts("\xEF\xBB\xBF---\nstored: lake\n---\nSELECT 1\n", "stored: lake\n", "SELECT 1\n", 4);
}

TEST(FrontMatter, a_comment_of_sql_is_no_mark) {
  expect_parts("--- advertising ---\nSELECT 1\n", "", "--- advertising ---\nSELECT 1\n", 1);
  expect_parts("----\nSELECT 1\n", "", "----\nSELECT 1\n", 1);
  expect_parts("---\na: 1\n---\nSELECT 1\n---\n-- end\n", "a: 1\n", "SELECT 1\n---\n-- end\n", 4);
  expect_parts("SELECT 1\n---\n-- end\n", "", "SELECT 1\n---\n-- end\n", 1);
}

TEST(FrontMatter, a_mark_inside_of_an_indented_text_is_text) {
  expect_parts("---\ndescription: |\n  ---\n  x\n---\nSELECT 1", "description: |\n  ---\n  x\n", "SELECT 1", 6);
}

TEST(FrontMatter, that_does_not_end_is_refused) {
  EXPECT_THAT(mistake("---\nstored: lake\nSELECT 1\n"),
              StartsWith("tables/a.sql:1:1: the front matter that begins here does not end (write --- alone"));
  EXPECT_THAT(mistake("---"), StartsWith("tables/a.sql:1:1: the front matter"));
  EXPECT_THAT(mistake("---\na: 1\n --- \nSELECT 1"), StartsWith("tables/a.sql:1:1: the front matter"));
}

TEST(FrontMatter, below_other_lines_is_refused) {
  EXPECT_THAT(mistake("\n---\nstored: lake\n---\nSELECT 1"),
              StartsWith("tables/a.sql:2:1: front matter begins in the first line of the file (move it to the top"));
  EXPECT_THAT(mistake("-- Advertising\n\n---\nstored: lake\n---\nSELECT 1"), StartsWith("tables/a.sql:3:1: front"));
}

TEST(FrontMatter, without_sql_is_refused) {
  EXPECT_THAT(mistake(""), StartsWith("tables/a.sql:1:1: the file is empty (write a SELECT here)"));
  EXPECT_THAT(mistake(" \n\t\n"), StartsWith("tables/a.sql:1:1: the file is empty"));
  EXPECT_THAT(mistake("---\na: 1\n---"), StartsWith("tables/a.sql:4:1: there is no SQL behind the front matter"));
  EXPECT_THAT(mistake("---\na: 1\n---\n \n"), StartsWith("tables/a.sql:4:1: there is no SQL"));
}

TEST(FrontMatter, bytes_that_are_no_text_are_refused_with_their_place) {
  EXPECT_THAT(mistake("SELECT 1,\n '\xFF'"), StartsWith("tables/a.sql:2:3: a byte that is not UTF-8"));
  EXPECT_THAT(mistake(std::string_view("SELECT\0 1", 9)), StartsWith("tables/a.sql:1:7: a control character"));
}

TEST(FrontMatter, knows_its_lines_as_yaml) {
  const std::string text = "---\n# why\nstored: lake\n---\nSELECT 1";
  auto yaml = parse_front_matter(parts_of(text), "tables/a.sql");
  ASSERT_TRUE(yaml);
  EXPECT_EQ(yaml->find("stored")->at.line, 3);
  EXPECT_EQ(yaml->find("stored")->at.file, "tables/a.sql");
  auto none = parse_front_matter(parts_of("SELECT 1"), "tables/a.sql");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->is_null());
  auto wrong = parse_front_matter(parts_of("---\na: 1\n--- b\nc: 2\n---\nSELECT 1"), "tables/a.sql");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().text(), StartsWith("tables/a.sql:3:1: a second document"));
}

}  // namespace
}  // namespace weir::project
