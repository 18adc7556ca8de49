// Criteria: conditions in pandas' and SQL's words, SELECTs over the result, and what null and the empty text mean.
#include "analysis/review/criteria.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::review {
namespace {

using engine::Cell;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// node_type, pct (NUMERIC, which servers send as texts), slots (texts of numbers), key (may be null or empty), fast
Frame nodes() {
  return Frame::of({{"node_type", "VARCHAR"},
                    {"pct", "DECIMAL(8,4)"},
                    {"slots", "VARCHAR"},
                    {"key", "VARCHAR"},
                    {"fast", "BOOLEAN"}},
                   {{"dc2.large", "71.5000", "5", "id", true},
                    {"ra3.4xlarge", "30.0000", "10", "", false},
                    {"ds2.xlarge", nullptr, "auto", nullptr, nullptr}});
}

std::vector<size_t> rows(const std::string& text, const Frame& frame = nodes()) {
  const auto parsed = Expression::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().text();
  if (!parsed) return {};
  const auto out = parsed->rows(frame);
  EXPECT_TRUE(out) << text << ": " << out.error().text();
  return out ? *out : std::vector<size_t>{};
}

std::string refusal(const std::string& text) {
  const auto parsed = Expression::parse(text);
  if (!parsed) return parsed.error().text();
  const auto out = parsed->rows(nodes());
  return out ? "" : out.error().text();
}

Match match(const std::string& text, const Frame& frame = nodes()) {
  const auto criterion = Criterion::parse(text);
  EXPECT_TRUE(criterion) << text << ": " << criterion.error().text();
  if (!criterion) return {};
  auto out = criterion->match(frame);
  EXPECT_TRUE(out) << text << ": " << out.error().text();
  return out ? *out : Match{};
}

TEST(Expression, says_which_rows_it_is_true_of) {
  EXPECT_THAT(rows("pct > 70 and (node_type.str.startswith('dc') or node_type.str.startswith('ds'))"), ElementsAre(0));
  EXPECT_THAT(rows("node_type == 'ra3.4xlarge'"), ElementsAre(1));
  EXPECT_THAT(rows("node_type = 'ra3.4xlarge' OR NOT pct < 40"), ElementsAre(0, 1));
  EXPECT_THAT(rows("node_type <> 'ra3.4xlarge'"), ElementsAre(0, 2));
  EXPECT_THAT(rows("(pct - 1.5) / 2 + 2 ** 3 >= 43"), ElementsAre(0));
  EXPECT_THAT(rows("20 < pct <= 30"), ElementsAre(1));
  EXPECT_THAT(rows("node_type in ('dc2.large', \"ds2.xlarge\")"), ElementsAre(0, 2));
  EXPECT_THAT(rows("node_type not in ['dc2.large']"), ElementsAre(1, 2));
  EXPECT_THAT(rows("`node_type`.str.contains('LARGE', case=False) & pct.between(1, 50)"), ElementsAre(1));
  EXPECT_THAT(rows("node_type.str.contains('dc|ds')"), ElementsAre(0, 2));
  EXPECT_THAT(rows("-pct < -70"), ElementsAre(0));
  EXPECT_THAT(rows("7 % 4 == 3 and -7 // 2 == -4"), ElementsAre(0, 1, 2));
}

TEST(Expression, and_binds_closer_than_or) {
  EXPECT_THAT(rows("pct > 70 or pct < 40 and node_type == 'x'"), ElementsAre(0));
}

TEST(Expression, null_is_unknown_and_empty_is_a_text) {
  EXPECT_THAT(rows("key == ''"), ElementsAre(1));
  EXPECT_THAT(rows("key != ''"), ElementsAre(0));
  EXPECT_THAT(rows("not key == ''"), ElementsAre(0));
  EXPECT_THAT(rows("key is null"), ElementsAre(2));
  EXPECT_THAT(rows("key.notnull()"), ElementsAre(0, 1));
  EXPECT_THAT(rows("pct > 0"), ElementsAre(0, 1));
  EXPECT_THAT(rows("pct > 0 or key.isnull()"), ElementsAre(0, 1, 2));
  EXPECT_THAT(rows("pct / 0 > 1"), IsEmpty());
  EXPECT_THAT(rows("not key.str.contains('x')"), ElementsAre(0, 1));
}

TEST(Expression, a_truth_value_is_compared_with_what_servers_write_for_one) {
  EXPECT_THAT(rows("fast == 't'"), ElementsAre(0));
  EXPECT_THAT(rows("fast == False"), ElementsAre(1));
  EXPECT_THAT(rows("fast"), ElementsAre(0));
}

TEST(Expression, aggregates_are_of_the_whole_result) {
  EXPECT_THAT(rows("pct >= pct.max()"), ElementsAre(0));
  EXPECT_THAT(rows("pct < pct.mean() and node_type.count() == 3 and node_type.nunique() == 3"), ElementsAre(1));
}

TEST(Expression, says_what_is_wrong_and_where) {
  EXPECT_THAT(refusal("pct >"), HasSubstr("column 6: found the end where a column, a value or ( was expected"));
  EXPECT_THAT(refusal("pct > 1\n  and and"), HasSubstr("line 2, column 7: found"));
  EXPECT_THAT(refusal("pctt > 1"), HasSubstr("the result has no column 'pctt' (did you mean 'pct'?)"));
  EXPECT_THAT(refusal("node_type > 5"),
              HasSubstr("row 1: a comparison with a number cannot be computed with the text 'dc2.large'"));
  EXPECT_THAT(refusal("slots > 5"), HasSubstr("row 3"));
  EXPECT_THAT(refusal("node_type.str.contain('x')"),
              HasSubstr("str.contain is not known here (did you mean 'contains'?)"));
  EXPECT_THAT(refusal("node_type.str.contains('d.2')"), HasSubstr("regex=False"));
  EXPECT_THAT(refusal("__import__('os')"), HasSubstr("there is no function"));
  EXPECT_THAT(refusal("node_type + 1"), HasSubstr("row 1"));
  EXPECT_THAT(refusal("'open"), HasSubstr("is not closed"));
  EXPECT_THAT(refusal("pct"), HasSubstr("neither true nor false"));
  EXPECT_THAT(refusal(std::string(70, '(') + "1" + std::string(70, ')')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(std::string(9'000, ' ') + "1"), HasSubstr("allowed are 8192"));
}

TEST(Criterion, a_select_of_rows) {
  const Match found = match("select * from df where (pct - (select min(pct) from df)) * 100 > 10");
  EXPECT_TRUE(found.is_met);
  EXPECT_EQ(found.count, 1u);
  EXPECT_EQ(found.evidence.rows[0][0], Cell("dc2.large"));
}

TEST(Criterion, a_select_of_one_value_with_a_comparison) {
  EXPECT_TRUE(match("select sum(slots) from df where node_type not in ('x') || > 14").is_met);
  EXPECT_FALSE(match("select sum(slots) from df || > 15").is_met);
  EXPECT_TRUE(match("select sum(pct) / 1440 from df  || *100 < 75").is_met);
  EXPECT_TRUE(match("select count(1) from df where fast || ==1").is_met);
  EXPECT_EQ(match("select count(1) from df || > 2").value, Cell(int64_t{3}));
  // Nothing to compare.
  EXPECT_FALSE(match("select sum(pct) from df where node_type = 'x' || < 100").is_met);
}

TEST(Criterion, bars_that_join_texts_are_no_comparison) {
  EXPECT_EQ(match("select * from df where node_type || key = 'dc2.largeid'").count, 1u);
}

TEST(Criterion, skip_switches_it_off) {
  EXPECT_TRUE(Criterion::parse("skip pct > 70")->is_off());
  EXPECT_FALSE(match("skip anything at all").is_met);
}

TEST(Criterion, a_select_reads_df_and_nothing_else) {
  EXPECT_THAT(Criterion::parse("select * from other").error().text(), HasSubstr("no such table"));
  EXPECT_THAT(Criterion::parse("select 1; drop table df").error().text(), HasSubstr("follows it"));
  EXPECT_FALSE(Criterion::parse("select * from df where load_extension('x')"));
  EXPECT_FALSE(Criterion::parse("with x as (select 1) insert into df select 1, 2, 3, 4, 5"));
  EXPECT_FALSE(Criterion::parse("select * from pragma_database_list"));
  EXPECT_THAT(Criterion::parse("select sum(a) from df || > b").error().text(), HasSubstr("'b' is neither"));
}

TEST(Criterion, a_select_without_end_is_stopped) {
  const auto endless =
      Criterion::parse("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n || > 0");
  // It is judged when it is read, too.
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Code::timed_out);
}

TEST(Criterion, a_value_must_be_one) {
  const auto criterion = Criterion::parse("select node_type from df || == 'x'");
  ASSERT_TRUE(criterion);
  EXPECT_THAT(criterion->match(nodes()).error().text(), HasSubstr("3 rows of 1 columns"));
}

}  // namespace
}  // namespace weir::review
