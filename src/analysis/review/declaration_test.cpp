// Reviews as people declare them, in weir's form and as the automated review's files, and every way to get one wrong.
#include "analysis/review/declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/project/settings.h"

namespace weir::review {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Parts = std::map<std::string, std::string>;

constexpr const char* kOwn = R"(title: Warehouse
target: prod
workflow: nightly
rounds: 2
time_limit: 1h
workflows:
  nightly: ["Tables:600,Locks:30s", "Slow"]
queries:
  Tables:
    title: Table design
    signals:
      - {signal: no statistics, when: stats_off > 10, of: tbl_rows > 5, colour: red, impact: high, recommend: [analyze]}
  Locks: {threshold: 5s}
  Slow: {}
recommendations:
  analyze: {text: Run ANALYZE, effort: Small}
)";

Parts own(const std::string& yaml = kOwn) {
  return {{"review.yaml", yaml},
          {"scripts/Tables.sql", "SELECT 1"},
          {"scripts/Locks.sql", "SELECT 2"},
          {"scripts/Slow.sql", "SELECT 3"}};
}

Parts seed(const std::string& criteria = "a > 1", const std::string& order = R"({"all-serial": ["A:600,B:60"]})") {
  return {{"config.json", order},
          {"review_config.json", R"({"Customer": "shop", "Endpoint": "", "Sections": {
  "A": {"SQL": "SELECT 1 AS a", "Signals": [{"Signal": "large", "Criteria": ")" +
                                     criteria + R"(",
    "PopulationCriteria": "", "PopulationName": "rows", "Recommendation": ["1"]}], "Observations": []},
  "B": {"SQL": "SELECT 2", "Signals": []}},
  "Recommendations": {"1": {"text": "Make it small", "description": "<b>b</b>", "effort": "Small"}},
  "Next Actions": []})"}};
}

ParsedReview parse(const Parts& parts, const std::string& name = "warehouse") {
  const project::Settings settings;
  Yaml root;
  if (const auto main = parts.find("review.yaml"); main != parts.end()) {
    auto read = parse_yaml(main->second, {"reviews/" + name + "/review.yaml", 1});
    EXPECT_TRUE(read) << read.error().text();
    if (read) root = std::move(*read);
  }
  project::DeclarationSource source{root, "", "reviews/" + name + "/review.yaml", name, settings};
  for (const auto& [path, text] : parts) source.parts.emplace(path, text);
  return parse_review(source);
}

std::vector<std::string> errors(const Parts& parts, const std::string& name = "warehouse") {
  std::vector<std::string> out;
  for (const Error& error : parse(parts, name).errors) out.push_back(error.text());
  return out;
}

std::string with(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

TEST(ReviewDeclaration, weirs_own_form) {
  const ParsedReview parsed = parse(own());
  ASSERT_THAT(errors(own()), IsEmpty());
  const Review& review = parsed.review;
  EXPECT_EQ(review.name, "warehouse");
  EXPECT_EQ(review.target, "prod");
  EXPECT_EQ(review.queries.size(), 3u);
  EXPECT_EQ(review.find("Tables")->sql, "SELECT 1");
  EXPECT_EQ(review.find("Tables")->signals[0].colour, Colour::red);
  const Workflow& nightly = review.workflows.at("nightly");
  ASSERT_EQ(nightly.size(), 2u);
  EXPECT_EQ(nightly[0], (Segment{{"Tables", seconds(600)}, {"Locks", seconds(30)}}));
  EXPECT_EQ(nightly[1], (Segment{{"Slow", minutes(10)}}));
  EXPECT_EQ(review.workflows.at(kAllSerial).size(), 1u);
  EXPECT_EQ(review.workflows.at(kAllParallel).size(), 3u);
  EXPECT_EQ(review.workflows.at(kAllParallel)[1], (Segment{{"Locks", seconds(5)}}));
}

TEST(ReviewDeclaration, the_automated_reviews_files) {
  Parts files = seed();
  files["review_result.html"] = "<h2>REPLACE_DATE_TIME</h2>Tab_01 tabtext_01";
  const ParsedReview parsed = parse(files);
  ASSERT_THAT(errors(files), IsEmpty());
  const Review& review = parsed.review;
  EXPECT_EQ(review.customer, "shop");
  EXPECT_TRUE(review.seed_csv);
  EXPECT_EQ(review.target, kThisTarget);
  EXPECT_EQ(review.workflow, kAllSerial);
  EXPECT_EQ(review.workflows.at(kAllSerial)[0], (Segment{{"A", seconds(600)}, {"B", seconds(60)}}));
  EXPECT_EQ(review.find("B")->threshold, seconds(60));
  EXPECT_EQ(review.find("A")->signals[0].of_name, "rows");
  EXPECT_EQ(review.recommendation("1")->effort, "Small");
  // Its scripts win over the SQL of its sections, and review.yaml says what it has no words for.
  files["scripts/A.sql"] = "SELECT 5 AS a";
  files["review.yaml"] = "target: prod\nworkflow: all-parallel\n";
  const ParsedReview both = parse(files);
  ASSERT_THAT(errors(files), IsEmpty());
  EXPECT_EQ(both.review.find("A")->sql, "SELECT 5 AS a");
  EXPECT_EQ(both.review.target, "prod");
}

TEST(ReviewDeclaration, is_kept_as_it_is) {
  for (const Parts& parts : {own(), seed()}) {
    const Review review = parse(parts).review;
    const auto text = Json::parse(to_json(review).dump());
    ASSERT_TRUE(text);
    const auto read = review_from_json(*text);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(*read, review);
  }
}

TEST(ReviewDeclaration, mistakes_in_review_yaml_have_places) {
  EXPECT_THAT(errors(own(with(kOwn, "rounds: 2", "round: 2"))),
              ElementsAre(HasSubstr(
                  "reviews/warehouse/review.yaml:4:1: unknown key 'round' in a review (did you mean 'rounds'?)")));
  EXPECT_THAT(
      errors(own(with(kOwn, "Slow\"]", "Slov\"]"))),
      ElementsAre(HasSubstr("review.yaml:7:37: workflow nightly: there is no query 'Slov' (did you mean 'Slow'?)")));
  EXPECT_THAT(errors(own(with(kOwn, "Locks:30s", "Locks:0"))),
              ElementsAre(HasSubstr("a threshold of 0 would cancel the query before it begins")));
  EXPECT_THAT(errors(own(with(kOwn, "Locks:30s", "Locks:soon"))), ElementsAre(HasSubstr("'soon' is no time")));
  EXPECT_THAT(errors(own(with(kOwn, "threshold: 5s", "threshold: 0s"))), ElementsAre(HasSubstr("review.yaml:13:22")));
  EXPECT_THAT(errors(own(with(kOwn, "stats_off > 10", "stats_off >"))),
              ElementsAre(HasSubstr(
                  "review.yaml:12:39: found the end where a column, a value or ( was expected (at 1:12 of it)")));
  EXPECT_THAT(errors(own(with(kOwn, "[analyze]", "[analyse]"))),
              ElementsAre(HasSubstr("review.yaml:12:112: Tables, 'no statistics' recommends 'analyse', which is not "
                                    "there (did you mean 'analyze'?)")));
  EXPECT_THAT(errors(own(with(kOwn, "workflow: nightly", "workflow: nightli"))),
              ElementsAre(HasSubstr("review.yaml:3:11: there is no workflow 'nightli' (did you mean 'nightly'?)")));
  EXPECT_THAT(errors(own(with(kOwn, "Slow: {}", "Slow: {result: Tables}"))),
              testing::Contains(HasSubstr("review.yaml:14:18: queries Tables and Slow have one result, 'Tables'")));
  EXPECT_THAT(errors(own(with(kOwn, "\"Slow\"", "\"Tables\""))),
              ElementsAre(HasSubstr("the result 'Tables' is written twice")));
  EXPECT_THAT(errors(own(), "My Review"), ElementsAre(HasSubstr("'My Review' is no name of a review")));
}

TEST(ReviewDeclaration, scripts_and_queries_belong_together) {
  Parts parts = own();
  parts.erase("scripts/Slow.sql");
  EXPECT_THAT(errors(parts),
              ElementsAre(HasSubstr("review.yaml:14:9: there is no scripts/Slow.sql beside review.yaml")));
  parts = own();
  parts["scripts/Slwo.sql"] = "SELECT 4";
  EXPECT_THAT(
      errors(parts),
      ElementsAre(HasSubstr("reviews/warehouse/scripts/Slwo.sql:1:1: no query of this review is made of this file")));
  parts = own();
  parts["scripts/Slow.sql"] = "  \n";
  EXPECT_THAT(errors(parts), ElementsAre(HasSubstr("scripts/Slow.sql:1:1: expected one statement")));
}

constexpr const char* kEngineWords = R"(queries:
  Tables:
    engines: [weir, redshift]
    not_on: {weir: weir has no slices}
    needs: [svv_table_info, public.orders]
  Sizes: {}
)";

TEST(ReviewDeclaration, queries_for_engines) {
  const Parts files{{"review.yaml", kEngineWords},
                    {"scripts/Tables.sql", "SELECT 1"},
                    {"scripts/Tables.redshift.sql", "SELECT 2"},
                    {"scripts/Sizes.postgresql.sql", "SELECT 3"}};
  ASSERT_THAT(errors(files), IsEmpty());
  const Review review = parse(files).review;
  const Query& tables = *review.find("Tables");
  EXPECT_EQ(*tables.sql_for("redshift"), "SELECT 2");
  EXPECT_EQ(*tables.sql_for("weir"), "SELECT 1");
  EXPECT_EQ(tables.script_for("redshift"), "scripts/Tables.redshift.sql");
  EXPECT_EQ(tables.script_for("weir"), "scripts/Tables.sql");
  EXPECT_THAT(tables.needs, ElementsAre("svv_table_info", "public.orders"));
  EXPECT_EQ(review.find("Sizes")->sql_for("weir"), nullptr);
  const auto read = review_from_json(to_json(review));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, review);
  const auto wrong = [&](const std::string& what, const std::string& by) {
    Parts changed = files;
    changed["review.yaml"] = with(kEngineWords, what, by);
    return errors(changed);
  };
  EXPECT_THAT(wrong("redshift]", "redshit]"),
              ElementsAre(HasSubstr("review.yaml:3:21: there is no engine 'redshit' (did you mean 'redshift'?)")));
  EXPECT_THAT(wrong("{weir:", "{wier:"), ElementsAre(HasSubstr("review.yaml:4:14: there is no engine 'wier'")));
  EXPECT_THAT(wrong("weir has no slices", "''"), ElementsAre(HasSubstr("review.yaml:4:20: a reason has 1 to")));
  EXPECT_THAT(wrong("public.orders", "\"a; b\""),
              ElementsAre(HasSubstr("review.yaml:5:29: 'a; b' is no name of a relation")));
  EXPECT_THAT(wrong("Sizes: {}", "Sizes: {engines: [weir]}"), ElementsAre(HasSubstr("there is no SQL for weir")));
}

Review base() {
  Review out;
  out.name = "tables";
  out.title = "Base";
  out.rounds = 2;
  out.parallel = 4;
  out.time_limit = minutes(30);
  for (const char* name : {"Tables", "Locks", "Slow"}) {
    Query query;
    query.name = query.result = name;
    query.sql = "SELECT 0";
    query.script = "scripts/" + query.name + ".sql";
    out.queries.push_back(query);
  }
  out.recommendations.push_back({"analyze", "Base's", "", ""});
  out.workflows = {{kAllSerial, {}},
                   {"nightly", {{{"Tables", seconds(1)}, {"Locks", seconds(1)}}, {{"Slow", seconds(1)}}}}};
  return out;
}

ParsedReview parse_over_base(const std::string& yaml, const Parts& more = {}) {
  Parts parts = more;
  parts["review.yaml"] = yaml;
  const project::Settings settings;
  auto root = parse_yaml(yaml, {"reviews/mine/review.yaml", 1});
  EXPECT_TRUE(root) << root.error().text();
  project::DeclarationSource source{*root, "", "reviews/mine/review.yaml", "mine", settings};
  for (const auto& [path, text] : parts) source.parts.emplace(path, text);
  return parse_review(source, {base()});
}

TEST(ReviewDeclaration, begins_with_a_base) {
  const ParsedReview parsed = parse_over_base(
      "base: tables\nleave_out: [Slow]\nparallel: 2\nqueries: {Locks: {threshold: 5s}, Own: {}}\n"
      "recommendations: {analyze: {text: Mine}}\n",
      {{"scripts/Locks.sql", "SELECT 1"}, {"scripts/Own.sql", "SELECT 2"}});
  for (const Error& error : parsed.errors) ADD_FAILURE() << error.text();
  const Review& review = parsed.review;
  EXPECT_EQ(review.title, "Base");
  EXPECT_EQ(review.rounds, 2);
  EXPECT_EQ(review.parallel, 2);  // its own
  EXPECT_EQ(review.time_limit, minutes(30));
  ASSERT_EQ(review.queries.size(), 3u);
  EXPECT_EQ(review.find("Tables")->sql, "SELECT 0");
  EXPECT_EQ(review.find("Locks")->sql, "SELECT 1");  // its own, in the base's place
  EXPECT_EQ(review.queries[1].name, "Locks");
  EXPECT_EQ(review.find("Own")->sql, "SELECT 2");
  EXPECT_EQ(review.recommendation("analyze")->text, "Mine");
  EXPECT_EQ(review.workflows.at("nightly"), (Workflow{{{"Tables", seconds(1)}, {"Locks", seconds(1)}}}));
  EXPECT_EQ(review.workflows.at(kAllParallel).size(), 3u);
}

TEST(ReviewDeclaration, mistakes_about_the_base_have_places) {
  const auto first = [](const std::string& yaml) {
    const auto parsed = parse_over_base(yaml);
    return parsed.errors.empty() ? std::string() : parsed.errors[0].text();
  };
  EXPECT_THAT(
      first("base: tabels\n"),
      HasSubstr("reviews/mine/review.yaml:1:7: base: no review 'tabels' comes with weir (did you mean 'tables'?)"));
  EXPECT_THAT(first("base: tables\nleave_out: [Tables, Lokcs]\n"),
              HasSubstr("reviews/mine/review.yaml:2:21: the base has no query 'Lokcs' (did you mean 'Locks'?)"));
  EXPECT_THAT(first("leave_out: [Tables]\n"),
              HasSubstr("review.yaml:1:12: leave_out: there is no `base` to leave queries out of"));
}

TEST(ReviewDeclaration, mistakes_in_the_json_files_have_places) {
  EXPECT_THAT(errors(seed("a >")), ElementsAre(HasSubstr("reviews/warehouse/review_config.json:2:77: found the end")));
  EXPECT_THAT(errors(seed("a > 1", R"({"all-serial": ["A:600,C:60"]})")),
              ElementsAre(HasSubstr("reviews/warehouse/config.json:1:17: workflow all-serial: there is no query 'C'")));
  EXPECT_THAT(errors(seed("a > 1", R"({"all-serial": ["A,B:60"]})")),
              ElementsAre(HasSubstr("A has no time threshold")));
  EXPECT_THAT(errors(seed("a > 1", R"({"all-serial": ["A:600",]})")),
              ElementsAre(HasSubstr("reviews/warehouse/config.json:1:")));
  Parts unknown = seed();
  unknown["review_config.json"] =
      with(unknown["review_config.json"], R"("Recommendation": ["1"])", R"("Recommendation": ["9"])");
  EXPECT_THAT(errors(unknown), ElementsAre(HasSubstr("review_config.json:3:76: A, 'large' recommends '9'")));
  Parts parts = seed();
  parts.erase("config.json");
  EXPECT_THAT(errors(parts), ElementsAre(HasSubstr("there is no config.json")));
  parts = seed();
  parts["review_result.html"] = "<html>\n  REPLACE_DATE_TMIE</html>";
  EXPECT_THAT(errors(parts),
              ElementsAre(HasSubstr("review_result.html:2:3: there is no placeholder 'REPLACE_DATE_TMIE'")));
  EXPECT_THAT(errors({{"scripts/A.sql", "SELECT 1"}}), ElementsAre(HasSubstr("neither review.yaml nor config.json")));
}

}  // namespace
}  // namespace weir::review
