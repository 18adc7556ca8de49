// The pages of a report: what stands first, its charts, what is empty, all green or failing, brand and template, and
// the automated review's template with the run's numbers.
#include "analysis/review/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/review/report_charts.h"

namespace weir::review {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json parsed(const std::string& text) {
  auto out = Json::parse(text);
  EXPECT_TRUE(out) << out.error().text();
  return out ? *out : Json();
}

Json counts(int red, int yellow, int green, int not_measured) {
  return Json::Object{{"red", red}, {"yellow", yellow}, {"green", green}, {"not_measured", not_measured}};
}

Json signal(const char* name, const char* colour, Json more = Json(Json::Object{})) {
  Json out = Json::Object{{"signal", name},
                          {"colour", colour},
                          {"impact", "high"},
                          {"count", 3},
                          {"of", 9},
                          {"criterion", "size > 5"},
                          {"evidence", parsed(R"({"columns":[],"rows":[],"more":0})")}};
  for (const auto& [key, value] : more.object()) out.set(key, value);
  return out;
}

Json query(const char* name, const char* colour, Json::Array signals, const char* status = "FINISHED") {
  return Json::Object{{"query", name}, {"title", name},    {"status", status}, {"colour", colour},
                      {"rows", 9},     {"elapsed_ms", 12}, {"round", 1},       {"signals", std::move(signals)}};
}

Json section(const char* name, const char* colour, Json score, Json of, Json::Array queries) {
  return Json::Object{{"name", name},
                      {"colour", colour},
                      {"score", std::move(score)},
                      {"counts", std::move(of)},
                      {"queries", std::move(queries)}};
}

Json point(const char* day, int score, int red, Json met) {
  return Json::Object{{"run", day},     {"started_at", std::string(day) + "T18:00:00Z"},
                      {"score", score}, {"red", red},
                      {"yellow", 0},    {"green", 1},
                      {"met", met}};
}

Json report(const char* verdict, Json score, Json of, Json::Array sections) {
  return Json::Object{{"title", "Shop"},
                      {"run", "run-2"},
                      {"started_at", "2026-11-22T18:00:00Z"},
                      {"verdict", verdict},
                      {"score", std::move(score)},
                      {"counts", std::move(of)},
                      {"customer", "Shop Ltd."},
                      {"endpoint", "shop-1.abc.example:5439/dev"},
                      {"target", parsed(R"({"target":"prod","kind":"redshift","version":"1.0.100"})")},
                      {"sections", std::move(sections)},
                      {"since", nullptr},
                      {"trend", Json::Array{point("2026-11-22", 40, 2, parsed(R"({"Tables":2})"))}}};
}

Json found() {
  const Json evidence = parsed(R"({"columns":["schema","table","id","size"],"rows":[
    ["public","a",1,6],["public","b",2,1234567.5],["public","<c>",3,7]],"more":4})");
  Json out =
      report("red", 40, counts(2, 0, 1, 1),
             {section("Tables", "red", 40, counts(2, 0, 0, 0),
                      {query("Tables", "red",
                             {signal("too large", "red", Json(Json::Object{{"evidence", evidence}})),
                              signal("mild", "red", Json(Json::Object{{"impact", "low"}}))})}),
              section("Locks", "green", 100, counts(0, 0, 1, 0), {query("Locks", "green", {signal("waits", "green")})}),
              section("Users", "not measured", nullptr, counts(0, 0, 0, 1),
                      {query("Users", "not measured",
                             {signal("old", "not measured",
                                     Json(Json::Object{{"why", "permission denied for table stl_query, at 1"}}))},
                             "FAILED")})});
  out.set("trend", Json::Array{point("2026-07-01", 90, 0, parsed(R"({"Old":7})")),
                               point("2026-11-21", 60, 1, parsed(R"({"Tables":1,"Gone":3})")),
                               point("2026-11-22", 40, 2, parsed(R"({"Tables":2})"))});
  out.set("since", parsed(R"({"run":"run-1","started_at":"2026-11-21T18:00:00Z","score":60,
    "new":[{"query":"Tables","title":"Tables","signal":"too large","from":"green","to":"red","count_from":0,
            "count_to":3,"colour":"red"}],"worse":[],"better":[],"resolved":[],"not_measured_any_more":[]})"));
  return out;
}

TEST(ReportPage, says_the_answer_the_changes_and_the_worst_before_the_checks) {
  const std::string html = report_html(found());
  const auto at = [&](const char* what) {
    const size_t place = html.find(what);
    EXPECT_NE(place, std::string::npos) << what;
    return place;
  };
  EXPECT_LT(at("Needs work: 2 signals are red, of 3 signals judged."),
            at("The score is 20 less than in the last run, 2026-11-21."));
  EXPECT_LT(at("<b>1</b> new"), at("Worst first"));
  EXPECT_LT(at("Worst first"), at("Signals that are met, by section: Tables 2"));
  EXPECT_LT(at("What was found"), at("id=\"q-Tables\""));
  EXPECT_LT(at("id=\"q-Tables\""), at("id=\"unmeasured\""));
  EXPECT_LT(at("<strong>too large</strong>"), at("<strong>mild</strong>"));
  EXPECT_THAT(html, HasSubstr("Score of the last 3 runs: 90, 60, 40. In the last one 2 signals are red"));
  EXPECT_THAT(html, HasSubstr("GRANT SELECT ON stl_query TO &lt;the user of connection prod&gt;;"));
  EXPECT_THAT(html, HasSubstr("<summary>1 check without a finding</summary>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(ReportPage, what_was_left_out_says_what_mends_it_once) {
  Json one =
      query("A", "not measured", {signal("a", "not measured", Json(Json::Object{{"why", "x: ask y"}}))}, "SKIPPED");
  one.set("left_out", parsed(R"({"why":"no SELECT on t","statement":"GRANT SELECT ON t TO u;","by":"t's owner"})"));
  Json other = one;
  other.set("title", "B");
  Json of = report("not measured", nullptr, counts(0, 0, 0, 2),
                   {section("S", "not measured", nullptr, counts(0, 0, 0, 2), {one, other})});
  of.set("notes", Json::Array{"only own statements are seen"});
  const std::string html = report_html(of);
  EXPECT_THAT(html,
              HasSubstr("<strong>no SELECT on t</strong></div><p>To mend it, as t&#39;s owner:</p><pre>GRANT SELECT "
                        "ON t TO u;</pre><ul><li>A: <span class=\"dim\">a</span></li><li>B: "));
  EXPECT_THAT(html, HasSubstr("<p>only own statements are seen</p>"));
}

TEST(ReportPage, draws_the_number_that_the_criterion_asks_of) {
  const std::string html = report_html(found());
  EXPECT_THAT(html, HasSubstr("aria-label=\"size: b 1,234,568, &lt;c&gt; 7, a 6\""));
}

TEST(ReportPage, draws_nothing_where_rows_have_no_names_or_one_number) {
  const auto chart = [](const char* rows) {
    const std::string evidence = R"({"columns":["schema","name","size"],"more":0,"rows":)" + std::string(rows) + "}";
    return evidence_svg(signal("s", "red", Json(Json::Object{{"evidence", parsed(evidence)}})));
  };
  EXPECT_EQ(chart(R"([["p","a",1]])"), "");
  EXPECT_EQ(chart(R"([["p","a",1],["p","a",2]])"), "");
  EXPECT_EQ(chart(R"([["p","a",1],["p","b",1]])"), "");
  EXPECT_EQ(chart(R"([["p","a",-1],["p","b",1]])"), "");
  EXPECT_THAT(chart(R"([["p","a",1],["q","a",2],["p","b",3]])"), HasSubstr("size: p.b 3, q.a 2, p.a 1"));
  EXPECT_THAT(chart(R"([["p","a","1.50"],["p","b",null]])"), HasSubstr("size: a 1.5, b 0"));
}

TEST(ReportPage, of_a_first_run_without_signals_of_green_ones_and_of_none_measured) {
  const std::string green = report_html(report(
      "green", 100, counts(0, 0, 1, 0),
      {section("Locks", "green", 100, counts(0, 0, 1, 0), {query("Locks", "green", {signal("waits", "green")})})}));
  EXPECT_THAT(green, HasSubstr("All is well: the one signal that was judged is green."));
  EXPECT_THAT(green, HasSubstr("This is the first run"));
  EXPECT_THAT(green, Not(HasSubstr("What was found")));
  EXPECT_THAT(green, Not(HasSubstr("Worst first")));
  const std::string none = report_html(report("not measured", nullptr, counts(0, 0, 0, 0), {}));
  EXPECT_THAT(none, HasSubstr("Nothing could be judged."));
  EXPECT_THAT(none, HasSubstr(">–<small> of 100"));
  EXPECT_THAT(none, Not(HasSubstr("What is well")));
}

TEST(ReportPage, has_the_brand_and_what_is_put_in_is_escaped) {
  const std::string html =
      report_html(found(), {"Shop <Ltd>", "#0b57a4", "For \"us\"", "data:image/png;base64,AAAA", ""});
  EXPECT_THAT(html, HasSubstr("<img src=\"data:image/png;base64,AAAA\" alt=\"\"><span>Shop &lt;Ltd&gt;</span>"));
  EXPECT_THAT(html, HasSubstr("--brand:#0b57a4"));
  EXPECT_THAT(html, HasSubstr("For &quot;us&quot;"));
}

TEST(ReportPage, every_placeholder_of_a_template_is_filled) {
  std::string html;
  for (const Placeholder& one : template_placeholders()) html += std::string(one.name) + "={{" + one.name + "}}\n";
  const std::string page = report_html(found(), {"Shop", "", "Footer", "", html});
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, HasSubstr("score=40\nred=2\nyellow=0\ngreen=1\nnot_measured=1\n"));
  EXPECT_THAT(page, HasSubstr("target=prod\n"));
  EXPECT_THAT(page, HasSubstr("footer=Footer\n"));
  EXPECT_THAT(page, HasSubstr("style=\n:root"));
}

constexpr const char* kSeedPage = R"(<html><head></head><body><h2>REPLACE_DATE_TIME</h2>
<table class="dataframe"><th>AccountId</th><th>ClusterId</th><th>ClusterName</th><th>InstanceType</th>
<tr><td>47939527907</td><td>35718913</td><td>reignitepoc</td><td>ra3</td></tr></table>
<canvas id="barChart" style="x"></canvas><canvas id="lineChart"></canvas><canvas id="sigChart"></canvas>
<script>
  // new Chart("barChart", {labels: [9]}): not this one
  var xValues = ["Demo ] one", 'Demo'];
  var yValues = [27, 15] ;
  var barColors = ["blue", "blue"];
  new Chart("barChart", { type: "bar", data: { labels: xValues,
    datasets: [{ backgroundColor: barColors, data: yValues }] }, options: { title: { text: "labels: none" } } });
  const xlineValues = ['4-Feb'];
  new Chart('lineChart', { data: { labels: xlineValues, datasets: [{ data: [16], label: "Demo line" }] } });
  new Chart("sigChart", { data: { labels: ['4-Feb'], datasets: [{ data: [8], label: "Demo increased" }] } });
</script><li>Tab_01</li></body></html>)";

TEST(SeedPage, the_examples_make_place_for_the_run) {
  Json of = found();
  of.set("title", "x");
  const std::string page = report_page(of, kSeedPage);
  EXPECT_THAT(page, HasSubstr(R"(var xValues = ["Tables"];)"));
  EXPECT_THAT(page, HasSubstr("var yValues = [2] ;"));
  EXPECT_THAT(page, HasSubstr(R"(var barColors = ["blue"];)"));
  EXPECT_THAT(page, HasSubstr(R"(const xlineValues = ["21-Nov","22-Nov"];)"));  // July is too long ago
  EXPECT_THAT(page, HasSubstr(R"({"data":[1,2],"borderColor":"blue","label":"Tables","fill":false})"));
  EXPECT_THAT(page, HasSubstr(R"({"data":[3,0],"borderColor":"red","label":"Gone","fill":false})"));
  EXPECT_THAT(page, Not(HasSubstr("Demo ")));
  EXPECT_THAT(page, HasSubstr("<td>Shop Ltd.</td><td>shop-1</td><td>prod</td><td>not known</td>"));
  EXPECT_THAT(page, HasSubstr("<div class=\"weir-chart\"><b>Top categories with signals</b><svg"));
  EXPECT_THAT(page, HasSubstr("<li>Locks</li>"));
}

TEST(SeedPage, of_a_first_run_has_one_point_and_nothing_increased) {
  const Json of = report(
      "red", 40, counts(2, 0, 0, 0),
      {section("Tables", "red", 40, counts(2, 0, 0, 0), {query("Tables", "red", {signal("</script>", "red")})})});
  const std::string page = report_page(of, kSeedPage);
  EXPECT_THAT(page, HasSubstr(R"(const xlineValues = ["22-Nov"];)"));
  EXPECT_THAT(page, HasSubstr(R"(labels: ["22-Nov"], datasets: [] } });)"));
}

TEST(SeedPage, another_template_keeps_what_it_has) {
  std::string other = kSeedPage;
  other.replace(other.find("new Chart(\"sigChart\""), 9, "new Pie  ");
  std::string expected = other;
  expected.replace(expected.find("REPLACE_DATE_TIME"), 17, "2026-11-22 18:00:00");
  expected.replace(expected.find("Tab_01"), 6, "Locks");
  EXPECT_EQ(report_page(found(), other), expected);
  EXPECT_THAT(report_page(found(), "new Chart(\"barChart\", {labels: ["), HasSubstr("labels: ["));
}

TEST(Charts, numbers_are_grouped) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(0.5), "0.5");
  EXPECT_EQ(grouped(1234.50), "1,234.5");
}

}  // namespace
}  // namespace weir::review
