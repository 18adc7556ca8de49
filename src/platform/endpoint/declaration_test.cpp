// The declaration of an endpoint: what is read, every mistake with its place, the kept form, what fits a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/endpoint/endpoint_declaration.h"

namespace weir::endpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTraffic = R"(description: Traffic of an ad
path: /traffic/{ad_id}
table: ad_traffic
parameters:
  start: {type: date, from: day, default: today-7, max: today}
  end: {type: date, to: day, default: today}
  ad_id: {type: uuid}
list: days
columns: [day, impressions]
ratios:
  rate: {of: clicks, to: impressions, digits: 2}
order: descending
page: {cursor: after, limit: size, max: 50}
read: public
cors: [https://shop.example]
cache: 90s
)";

Endpoint read(const std::string& text) {
  ParsedEndpoint parsed = parse_endpoint(text, "endpoints/e.yaml", "e");
  for (const Error& error : parsed.errors) ADD_FAILURE() << error.text();
  return std::move(parsed.endpoint);
}

std::string mistakes(const std::string& text) {
  std::string out;
  for (const Error& error : parse_endpoint(text, "e.yaml", "e").errors) out += error.text() + "\n";
  return out;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(EndpointDeclaration, reads_what_is_written_and_keeps_it) {
  const Endpoint endpoint = read(kTraffic);
  EXPECT_EQ(endpoint.path, "/traffic/{ad_id}");
  ASSERT_EQ(endpoint.parameters.size(), 3u);
  EXPECT_EQ(endpoint.parameters[0].name, "ad_id");  // those of the path come first
  EXPECT_TRUE(endpoint.parameters[0].in_path);
  EXPECT_EQ(endpoint.parameters[0].column, "ad_id");
  EXPECT_EQ(endpoint.parameters[1].use, ParameterUse::from);
  EXPECT_EQ(endpoint.range_column(), "day");
  EXPECT_EQ(endpoint.page.otherwise, 50);  // not more than at most
  EXPECT_EQ(endpoint.order, Order::descending);
  EXPECT_EQ(endpoint.cache, seconds(90));
  auto text = Json::parse(to_json(endpoint).dump());
  ASSERT_TRUE(text);
  auto again = endpoint_from_json(*text);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, endpoint);
  EXPECT_TRUE(compare(endpoint, *again).empty());
}

TEST(EndpointDeclaration, tells_every_mistake_in_one_pass_with_its_place) {
  const struct {
    const char* from;
    const char* to;
    const char* told;
  } cases[] = {
      {"path: /traffic/{ad_id}", "path: traffic/{ad_id}", "e.yaml:2:7: path: 'traffic/{ad_id}' must begin with /"},
      {"path: /traffic/{ad_id}", "path: /traffic/{ad}", "the parameter {ad} is not declared"},
      {"path: /traffic/{ad_id}", "path: /{ad_id}", "would take every path"},
      {"path: /traffic/{ad_id}", "path: /metrics/{ad_id}", "weir's own"},
      {"path: /traffic/{ad_id}", "path: /a/{ad_id}/{ad_id}", "twice"},
      {"path: /traffic/{ad_id}", "path: /a//{ad_id}", "empty part"},
      {"path: /traffic/{ad_id}", "path: /a/../{ad_id}", ". or .."},
      {"from: day", "from: day, to: day", "is one of column, from and to"},
      {"from: day", "from: week", "ends of one range"},
      {"default: today-7", "default: tomorrow", "e.yaml:5:43: default: 'tomorrow' is no date"},
      {"max: today", "max: 7", "'7' is no date"},
      {"ad_id: {type: uuid}", "ad_id: {type: uuid, default: x}", "always given"},
      {"ad_id: {type: uuid}", "ad_id: {type: uuid, min: 1}", "bounds are for dates and integers"},
      {"ad_id: {type: uuid}", "ad_id: {type: date, from: day}", "a parameter of the path equals a column"},
      {"ad_id: {type: uuid}", "ad_id: {type: uuid, column: day}", "is chosen by parameter ad_id already"},
      {"list: days", "list: next", "is the answer's own"},
      {"columns: [day, impressions]", "columns: []", "the list is empty"},
      {"columns: [day, impressions]", "columns: [day, rate]", "has the name of a column"},
      {"cursor: after", "cursor: start", "parameter start is the page's already"},
      {"limit: size", "limit: after", "are two parameters"},
      {"max: 50", "max: 50, default: 51", "51"},
      {"read: public", "read: pubic", "public"},
      {"https://shop.example", "shop.example", "did you mean 'https://shop.example'?"},
      {"cache: 90s", "cache: 90", "90"},
      {"table: ad_traffic", "tabel: ad_traffic", "did you mean 'table'?"},
  };
  for (const auto& one : cases) EXPECT_THAT(mistakes(with(kTraffic, one.from, one.to)), HasSubstr(one.told)) << one.to;
  EXPECT_THAT(mistakes(""), ::testing::AllOf(HasSubstr("path"), HasSubstr("table"), HasSubstr("columns")));
}

TEST(EndpointDeclaration, is_compared_with_the_columns_of_its_table) {
  flow::Table table;
  table.partition = "day";
  const std::vector<engine::ResultColumn> columns = {
      {"ad_id", "UUID"}, {"day", "DATE"}, {"impressions", "BIGINT"}, {"clicks", "HUGEINT"}, {"name", "VARCHAR"}};
  EXPECT_THAT(check_columns(read(kTraffic), table, columns), ElementsAre());
  EXPECT_THAT(check_columns(read(with(kTraffic, "of: clicks", "of: name")), table, columns),
              ElementsAre("ratio rate: column name is a VARCHAR, not a number"));
  EXPECT_THAT(check_columns(read(with(kTraffic, "{type: uuid}", "{type: text}")), table, columns),
              ElementsAre("parameter ad_id is a text, its column ad_id is a UUID"));
  EXPECT_THAT(
      check_columns(read(with(kTraffic, "impressions]", "impression]")), table, columns),
      ElementsAre(HasSubstr("'impression', which table ad_traffic does not have (did you mean 'impressions'?)")));
  table.partition = "week";
  EXPECT_THAT(check_columns(read(kTraffic), table, columns), ElementsAre(HasSubstr("is cut by 'week'")));
}

TEST(EndpointDeclaration, its_content_is_what_rows_are_made_of) {
  const uint64_t content = content_hash(read(kTraffic));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"read: public", "read: key"},
                                                        {"max: 50", "max: 60"},
                                                        {"order: descending", "order: ascending"},
                                                        {"/traffic/", "/other/"},
                                                        {"list: days", "list: rows"},
                                                        {"default: today-7", "default: today"}}) {
    EXPECT_EQ(content_hash(read(with(kTraffic, from, to))), content) << to;
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"columns: [day, impressions]", "columns: [impressions, day]"}, {"digits: 2", "digits: 3"}}) {
    EXPECT_NE(content_hash(read(with(kTraffic, from, to))), content) << to;
  }
}

TEST(PathPattern, matches_whole_paths_and_gives_their_values) {
  const auto pattern = path_parts("/a/{x}/b/{y}");
  EXPECT_THAT(*match_path(pattern, "/a/1/b/2%20"), ElementsAre("1", "2%20"));
  for (const char* other :
       {"/a/1/b", "/a/1/b/", "/a//b/2", "/a/1/c/2", "/a/1/b/2/", "/a/1/b/2/3", "", "/", "a/1/b/2"}) {
    EXPECT_FALSE(match_path(pattern, other)) << other;
  }
  EXPECT_TRUE(project::paths_meet("/a/{x}", "/a/b"));
  EXPECT_TRUE(project::paths_meet("/{x}/b", "/a/{y}"));
  EXPECT_FALSE(project::paths_meet("/a/{x}", "/a/b/c"));
  EXPECT_FALSE(project::paths_meet("/a/{x}", "/b/{x}"));
}

}  // namespace
}  // namespace weir::endpoint
