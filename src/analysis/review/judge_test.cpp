// From results to a report: what is met, what is not measured and why, what it comes to, and its forms.
#include "analysis/review/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/review/report.h"

namespace weir::review {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Signal signal(const std::string& name, const std::string& when, const std::string& of = "") {
  Signal out;
  out.name = name;
  out.when = when;
  out.of = of;
  return out;
}

Frame tables() {
  return Frame::of({{"name", "VARCHAR"}, {"tbl_rows", "BIGINT"}, {"stats_off", "DECIMAL(5,2)"}},
                   {{"a<b>", int64_t{100}, "50.00"}, {"b", int64_t{1}, "80.00"}, {"c", int64_t{200}, nullptr}});
}

TEST(Judge, judges_the_population_and_counts_in_it) {
  const Frame frame = tables();
  const auto all = judge(signal("s", "stats_off > 10"), &frame, "");
  EXPECT_EQ(all.colour, Colour::yellow);
  EXPECT_EQ(all.match.count, 2u);
  EXPECT_EQ(all.of, 3u);
  const auto large = judge(signal("s", "stats_off > 10", "tbl_rows > 50"), &frame, "");
  EXPECT_EQ(large.match.count, 1u);
  EXPECT_EQ(large.of, 2u);
  const auto value = judge(signal("s", "select sum(tbl_rows) from df || > 250", "tbl_rows > 50"), &frame, "");
  EXPECT_EQ(value.colour, Colour::yellow);
}

TEST(Judge, what_cannot_be_measured_says_why) {
  const Frame frame = tables();
  EXPECT_EQ(judge(signal("s", "a > 1"), nullptr, "no relation").why, "no relation");
  const auto column = judge(signal("s", "stat_off > 1"), &frame, "");
  EXPECT_EQ(column.colour, Colour::not_measured);
  EXPECT_THAT(column.why, HasSubstr("did you mean 'stats_off'?"));
  EXPECT_THAT(judge(signal("s", "select count(*) from df || == 0", "tbl_rows > 1000"), &frame, "").why,
              HasSubstr("no rows"));
  EXPECT_EQ(judge(signal("s", "stats_off > 1", "tbl_rows > 1000"), &frame, "").colour, Colour::green);
}

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    review_.name = "warehouse";
    review_.title = "A & B";
    Query query;
    query.name = "Tables";
    query.signals = {signal("no statistics", "stats_off > 10"), signal("huge", "tbl_rows > 1000"),
                     signal("off", "skip tbl_rows > 1")};
    query.signals[0].colour = Colour::red;
    query.signals[0].impact = Impact::high;
    query.signals[0].mend = "ANALYZE {name}; -- {nothing}";
    query.signals[0].recommend = {"1"};
    review_.queries.push_back(query);
    query.name = "Locks";
    query.signals = {signal("waits", "waiting > 0")};
    review_.queries.push_back(query);
    review_.recommendations.push_back(
        {"1", "Run ANALYZE", "<ul><a href='https://x.example/'>more</a></ul><script>alert(1)</script>", "Small"});
    state_.resize(2);
    state_[0].name = "Tables";
    state_[0].state = flow::QueryState::finished;
    state_[1].name = "Locks";
    state_[1].state = flow::QueryState::failed;
    state_[1].error = "permission denied";
    frames_.emplace("Tables", tables());
  }
  Json report() const {
    return judge_all(review_, state_, frames_, {"run-1", "2026-11-22T18:00:00Z", "all-serial", Json(Json::Object{})});
  }
  Review review_;
  flow::RoundsState state_;
  std::map<std::string, Frame> frames_;
};

TEST_F(ReportTest, has_a_verdict_a_score_and_leaves_out_what_is_not_measured) {
  const Json report = this->report();
  EXPECT_EQ(report["verdict"].as_string(), "red");
  EXPECT_EQ(report["counts"].dump(), R"({"red":1,"yellow":0,"green":1,"not_measured":1})");
  // high 3 of (3 + 2): what is not measured, and what is switched off, counts for nothing.
  EXPECT_EQ(report["score"].as_int(), 40);
  const Json& met = report["sections"].array()[0]["queries"].array()[0]["signals"].array()[0];
  EXPECT_EQ(met["mend"].dump(), R"(["ANALYZE a<b>; -- {nothing}","ANALYZE b; -- {nothing}"])");
  EXPECT_EQ(met["evidence"]["rows"].array().size(), 2u);
  EXPECT_TRUE(report["sections"].array()[1]["score"].is_null());
}

TEST_F(ReportTest, is_one_html_file_without_anything_from_outside) {
  const std::string html = report_html(report());
  EXPECT_THAT(html, HasSubstr("A &amp; B"));
  EXPECT_THAT(html, HasSubstr("a&lt;b&gt;"));
  EXPECT_THAT(html, HasSubstr("permission denied"));
  EXPECT_THAT(html, HasSubstr("href=\"https://x.example/\""));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
}

TEST_F(ReportTest, fills_the_automated_reviews_template) {
  const std::string page = report_page(report(), "REPLACE_DATE_TIME|Tab_01|Tab_02|tabtext_01|tabtext_02|");
  EXPECT_THAT(page, HasSubstr("2026-11-22 18:00:00|Locks|Tables|<p>Not measured: permission denied</p>|<table"));
}

TEST_F(ReportTest, is_junit_for_build_pipelines) {
  const std::string xml = report_junit(report());
  EXPECT_THAT(xml, HasSubstr(R"(tests="3" failures="1" skipped="0" errors="1")"));
  EXPECT_THAT(xml, HasSubstr(R"(<error message="permission denied"/>)"));
  EXPECT_THAT(xml, HasSubstr(R"(<failure type="red" message="2 of 3">stats_off &gt; 10</failure>)"));
}

TEST(HtmlCleaned, keeps_what_texts_need_and_nothing_that_acts) {
  EXPECT_EQ(html_cleaned("a<br>b <b>c"), "a<br>b <b>c</b>");
  EXPECT_EQ(html_cleaned("<a href=\"javascript:alert(1)\" onclick='x'>y</a>"), "<a rel=\"noopener\" href=\"\">y</a>");
  EXPECT_EQ(html_cleaned("<img src=x onerror=y>"), "&lt;img src=x onerror=y&gt;");
  EXPECT_EQ(html_cleaned("1 < 2 & 3"), "1 &lt; 2 &amp; 3");
  EXPECT_EQ(html_cleaned("</ul><li>x</ul>"), "<li>x</li>");
}

}  // namespace
}  // namespace weir::review
