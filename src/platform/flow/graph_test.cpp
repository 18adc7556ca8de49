// Goal: the order is right, the same every time, and circles are told by name. Method: small graphs, and random ones
// against definitions that are too slow to use.
#include "platform/flow/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Node table(const std::string& name) {
  return {NodeKind::table, name};
}
Node stream(const std::string& name) {
  return {NodeKind::stream, name};
}
Node flow(const std::string& name) {
  return {NodeKind::flow, name};
}
// "c: a b" is a table c with the inputs a and b.
Graph graph(const std::vector<std::pair<std::string, std::vector<std::string>>>& tables) {
  Graph out;
  for (const auto& [name, inputs] : tables) {
    std::vector<Node> nodes;
    for (const std::string& input : inputs) nodes.push_back({NodeKind::outside, input});
    EXPECT_TRUE(out.add(table(name), nodes));
  }
  return out;
}
std::vector<std::string> names(const std::vector<Node>& nodes) {
  std::vector<std::string> out;
  for (const Node& node : nodes) out.push_back(node.name);
  return out;
}
std::vector<std::string> order(const Graph& graph) {
  auto out = graph.order();
  EXPECT_TRUE(out) << out.error().text();
  return out ? names(*out) : std::vector<std::string>{};
}
std::vector<std::string> circles(const Graph& graph) {
  std::vector<std::string> out;
  for (const auto& cycle : graph.cycles()) out.push_back(way_round(cycle));
  return out;
}

TEST(Graph, inputs_come_first_and_equals_by_name) {
  EXPECT_THAT(order(graph({{"c", {"b", "a"}}, {"b", {"z"}}, {"a", {}}, {"d", {"a"}}})),
              ElementsAre("a", "d", "z", "b", "c"));
  EXPECT_THAT(order(graph({{"d", {"a"}}, {"a", {}}, {"b", {"z"}}, {"c", {"a", "b", "b"}}})),
              ElementsAre("a", "d", "z", "b", "c"));
  EXPECT_THAT(order(Graph()), IsEmpty());
}

TEST(Graph, an_input_that_is_added_later_is_what_it_is_added_as) {
  Graph out;
  ASSERT_TRUE(out.add(table("advertising"), {{NodeKind::outside, "impressions"}, {NodeKind::outside, "ads"}}));
  ASSERT_TRUE(out.add(stream("impressions"), {}));
  EXPECT_THAT(out.inputs_of(table("advertising")), ElementsAre(Node{NodeKind::outside, "ads"}, stream("impressions")));
  EXPECT_TRUE(out.has({NodeKind::outside, "impressions"}));
  EXPECT_FALSE(out.has(flow("impressions")));
  auto again = out.add(table("impressions"), {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_THAT(again.error().text(), HasSubstr("table impressions has the name of a stream that is there"));
}

TEST(Graph, flows_have_names_of_their_own) {
  Graph out;
  ASSERT_TRUE(out.add(table("daily"), {stream("clicks")}));
  ASSERT_TRUE(out.add(flow("daily"), {table("daily")}));
  EXPECT_THAT(order(out), ElementsAre("clicks", "daily", "daily"));
  EXPECT_EQ(out.to_json().dump(),
            R"({"nodes":[{"id":"clicks","kind":"stream","name":"clicks"},{"id":"daily","kind":"table","name":"daily"},)"
            R"({"id":"flow:daily","kind":"flow","name":"daily"}],)"
            R"("edges":[{"from":"clicks","to":"daily"},{"from":"daily","to":"flow:daily"}]})");
}

TEST(Graph, a_circle_is_told_the_way_round) {
  const Graph two = graph({{"b", {"a"}}, {"a", {"b"}}, {"c", {"a", "x"}}});
  EXPECT_THAT(circles(two), ElementsAre("a → b → a"));
  auto order = two.order();
  ASSERT_FALSE(order);
  EXPECT_EQ(order.error().code, Code::conflict);
  EXPECT_THAT(order.error().text(), HasSubstr("in a circle: a → b → a (let one of them read another input)"));
  EXPECT_THAT(circles(graph({{"a", {"a"}}})), ElementsAre("a → a"));
  EXPECT_THAT(circles(graph({{"c", {"a"}}, {"a", {"b"}}, {"b", {"c"}}})), ElementsAre("a → b → c → a"));
  EXPECT_THAT(circles(graph({{"y", {"x", "a"}}, {"x", {"y"}}, {"b", {"a"}}, {"a", {"b"}}})),
              ElementsAre("a → b → a", "x → y → x"));
}

TEST(Graph, what_is_up_and_down_the_stream) {
  const Graph out = graph({{"b", {"a"}}, {"c", {"b"}}, {"d", {"b", "x"}}, {"e", {"y"}}});
  EXPECT_THAT(names(out.upstream_of(table("d"))), ElementsAre("a", "b", "x"));
  EXPECT_THAT(names(out.downstream_of({NodeKind::outside, "a"})), ElementsAre("b", "c", "d"));
  EXPECT_THAT(names(out.users_of(table("b"))), ElementsAre("c", "d"));
  EXPECT_THAT(names(out.inputs_of(table("d"))), ElementsAre("b", "x"));
  EXPECT_THAT(out.upstream_of(table("a")), IsEmpty());
  EXPECT_THAT(out.upstream_of(table("nothing")), IsEmpty());
  EXPECT_THAT(out.inputs_of(table("nothing")), IsEmpty());
  const Graph circle = graph({{"a", {"b"}}, {"b", {"a"}}});
  EXPECT_THAT(names(circle.downstream_of(table("a"))), ElementsAre("a", "b"));
}

TEST(Graph, random_graphs_are_ordered_or_have_a_circle) {
  std::mt19937 random(11);
  for (int i = 0; i < 500; ++i) {
    const auto count = 1 + random() % 12;
    std::vector<std::pair<std::string, std::vector<std::string>>> tables;
    for (size_t n = 0; n < count; ++n) {
      std::vector<std::string> inputs;
      for (auto m = random() % 3; m > 0; --m) inputs.push_back("t" + std::to_string(random() % count));
      tables.emplace_back("t" + std::to_string(n), inputs);
    }
    const Graph made = graph(tables);
    std::shuffle(tables.begin(), tables.end(), random);
    const Graph shuffled = graph(tables);
    EXPECT_EQ(made.to_json(), shuffled.to_json());
    EXPECT_EQ(made.cycles(), shuffled.cycles());
    bool has_circle = false;
    for (const auto& [name, inputs] : tables) {
      const auto up = names(made.upstream_of(table(name)));
      has_circle = has_circle || std::count(up.begin(), up.end(), name) > 0;
      for (const std::string& other : up) {
        EXPECT_THAT(names(made.downstream_of(table(other))), testing::Contains(name));
      }
    }
    const auto ordered = made.order();
    EXPECT_EQ(ordered.has_value(), !has_circle);
    EXPECT_EQ(made.cycles().empty(), !has_circle);
    for (const auto& cycle : made.cycles()) {
      for (size_t n = 0; n < cycle.size(); ++n) {
        EXPECT_THAT(made.inputs_of(cycle[n]), testing::Contains(cycle[(n + 1) % cycle.size()]));
      }
    }
    if (!ordered) continue;
    std::set<std::string> before;
    for (const Node& node : *ordered) {
      for (const Node& input : made.inputs_of(node)) EXPECT_TRUE(before.contains(input.name));
      before.insert(node.name);
    }
    EXPECT_EQ(before.size(), made.size());
  }
}

TEST(Graph, is_limited_and_holds_its_limit) {
  Graph out;
  for (size_t i = 0; i < kGraphNodesMax; ++i) {
    const std::vector<Node> inputs =
        i == 0 ? std::vector<Node>{} : std::vector<Node>{table("t" + std::to_string(i - 1))};
    ASSERT_TRUE(out.add(table("t" + std::to_string(i)), inputs));
  }
  auto more = out.add(table("more"), {});
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::too_large);
  EXPECT_EQ(out.size(), kGraphNodesMax);
  EXPECT_EQ(order(out).size(), kGraphNodesMax);
  EXPECT_EQ(out.upstream_of(table("t19999")).size(), kGraphNodesMax - 1);
}

}  // namespace
}  // namespace weir::flow
