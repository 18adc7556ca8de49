#include "surface/cli/cli.h"

#include <gtest/gtest.h>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"
#include "surface/cli/shell.h"

namespace weir::cli {
namespace {

TEST(Shell, finds_the_end_of_a_statement_outside_quotes_and_comments) {
  EXPECT_EQ(end_of_statement("select 1;"), 9u);
  EXPECT_EQ(end_of_statement("select ';' from t; select 2"), 18u);
  EXPECT_EQ(end_of_statement("select \";\""), std::string::npos);
  EXPECT_EQ(end_of_statement("select 1 -- not here;\n;"), 23u);
  EXPECT_EQ(end_of_statement("/* ; */ select 1;"), 17u);
  EXPECT_EQ(end_of_statement("select 'open;"), std::string::npos);
}

TEST(TextTable, aligns_cells_by_what_is_seen_not_by_bytes) {
  TextTable table;
  table.header = {"name", "n"};
  table.right = {false, true};
  table.rows = {{"Zürich", "1"}, {"x", "1000"}};
  EXPECT_EQ(render(table, false), "name       n\nZürich     1\nx       1000\n");
}

TEST(TextTable, cuts_long_cells_and_keeps_a_row_on_one_line) {
  TextTable table;
  table.header = {"text"};
  table.rows = {{std::string(100, 'a')}, {"two\nlines"}};
  const std::string shown = render(table, false);
  EXPECT_NE(shown.find("…"), std::string::npos);
  EXPECT_NE(shown.find("two lines"), std::string::npos);
}

std::string error_text(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  testing::internal::CaptureStderr();
  EXPECT_EQ(run(static_cast<int>(arguments.size()), arguments.data(), {}), kWrongUse);
  return testing::internal::GetCapturedStderr();
}

TEST(Run, tells_what_is_mistyped_with_the_nearest_name) {
  EXPECT_EQ(error_text({"weir", "statsu"}),
            "error: there is no command 'weir statsu'\n  try: did you mean 'status'?\n");
  EXPECT_EQ(error_text({"weir", "token", "creat"}),
            "error: there is no command 'weir token creat'\n  try: did you mean 'create'?\n");
  EXPECT_EQ(error_text({"weir", "status", "--jsn"}),
            "error: there is no option '--jsn'\n  try: did you mean '--json'?\n");
  EXPECT_EQ(error_text({"weir", "lake"}),
            "error: weir lake needs a command\n  try: known: verify, drain, compact, requeue, retain, rebuild, crawl, "
            "forget, forgets, "
            "manifest; weir lake --help\n");
}

TEST(UrlEncode, keeps_only_unreserved_characters) {
  EXPECT_EQ(url_encode("a-z_0.9~"), "a-z_0.9~");
  EXPECT_EQ(url_encode("a/b c?ü"), "a%2Fb%20c%3F%C3%BC");
}

TEST(ErrorOf, reads_the_body_that_the_interface_answers) {
  Error error = error_of(
      {404, "application/json", R"({"error":{"code":"not_found","message":"no stream x","hint":"weir status"}})"});
  EXPECT_EQ(error.code, Code::not_found);
  EXPECT_EQ(error.message, "no stream x");
  EXPECT_EQ(error_of({502, "", "<html>"}).code, Code::unavailable);
}

}  // namespace
}  // namespace weir::cli
