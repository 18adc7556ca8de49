#include "platform/flow/graph.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace weir::flow {

// Takes node after node whose inputs were all taken. Where none is left that could be next, it takes a circle as a
// whole, and goes on behind it.
class Graph::Sorter {
 public:
  explicit Sorter(const Graph& graph) : graph_(graph) {
    for (const auto& [key, entry] : graph.nodes_) {
      waiting_[key] = entry.inputs.size();
      if (entry.inputs.empty()) ready_.insert(key);
    }
  }

  void sort() {
    while (!waiting_.empty()) {
      if (ready_.empty()) {
        cycles.push_back(find_cycle());
        for (const Key& key : cycles.back()) take(key);
      } else {
        const Key next = *ready_.begin();
        order.push_back(next);
        take(next);
      }
    }
  }

  std::vector<Key> order;
  std::vector<std::vector<Key>> cycles;

 private:
  void take(const Key& key) {
    ready_.erase(key);
    waiting_.erase(key);
    for (const Key& user : graph_.nodes_.at(key).users) {
      const auto found = waiting_.find(user);
      if (found != waiting_.end() && --found->second == 0) ready_.insert(user);
    }
  }

  // Each node that waits has an input that waits: going from input to input comes back to a node sooner or later.
  std::vector<Key> find_cycle() const {
    std::vector<Key> way;
    std::map<Key, size_t> place;
    Key at = waiting_.begin()->first;
    while (place.emplace(at, way.size()).second) {
      way.push_back(at);
      const std::vector<Key>& inputs = graph_.nodes_.at(at).inputs;
      at = *std::find_if(inputs.begin(), inputs.end(), [this](const Key& one) { return waiting_.contains(one); });
    }
    way.erase(way.begin(), way.begin() + static_cast<std::ptrdiff_t>(place[at]));
    std::rotate(way.begin(), std::min_element(way.begin(), way.end()), way.end());
    return way;
  }

  const Graph& graph_;
  std::map<Key, size_t> waiting_;  // what is not taken, with the number of its inputs that are not
  std::set<Key> ready_;
};

namespace {

template <class T>
void insert_sorted(std::vector<T>& into, const T& value) {
  into.insert(std::lower_bound(into.begin(), into.end(), value), value);
}

std::string id_of(const Node& node) {
  return node.kind == NodeKind::flow ? "flow:" + node.name : node.name;
}

}  // namespace

Status Graph::add(const Node& node, const std::vector<Node>& inputs) {
  const Key key = key_of(node);
  const auto known = nodes_.find(key);
  if (known != nodes_.end() && known->second.is_added) {
    return Error(Code::conflict,
                 std::string(node_word(node.kind)) + " " + node.name + " has the name of a " +
                     node_word(known->second.kind) + " that is there",
                 "give one of them another name");
  }
  std::map<Key, NodeKind> named;
  for (const Node& input : inputs) named.emplace(key_of(input), input.kind);
  size_t new_nodes = known == nodes_.end() ? 1 : 0;
  for (const auto& [input, kind] : named) new_nodes += !nodes_.contains(input) && input != key;
  if (nodes_.size() + new_nodes > kGraphNodesMax || edges_ + named.size() > kGraphEdgesMax) {
    return Error(Code::too_large, "more than " + std::to_string(kGraphNodesMax) + " streams, tables and flows, or " +
                                      std::to_string(kGraphEdgesMax) + " inputs of them");
  }
  Entry& entry = nodes_[key];
  entry.kind = node.kind;
  entry.is_added = true;
  for (const auto& [input, kind] : named) {
    const auto [found, is_new] = nodes_.try_emplace(input);
    if (is_new) found->second.kind = kind;
    insert_sorted(found->second.users, key);
    entry.inputs.push_back(input);
  }
  edges_ += named.size();
  return {};
}

Result<std::vector<Node>> Graph::order() const {
  Sorter sorter(*this);
  sorter.sort();
  if (sorter.cycles.empty()) return nodes_of(sorter.order);
  std::string ways;
  for (const auto& cycle : cycles()) ways += (ways.empty() ? "" : "; ") + way_round(cycle);
  return Error(Code::conflict, "these depend on each other in a circle: " + ways, "let one of them read another input");
}

std::vector<std::vector<Node>> Graph::cycles() const {
  Sorter sorter(*this);
  sorter.sort();
  std::vector<std::vector<Node>> out;
  for (const auto& cycle : sorter.cycles) out.push_back(nodes_of(cycle));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return key_of(a.front()) < key_of(b.front()); });
  return out;
}

std::vector<Node> Graph::nodes_of(const std::vector<Key>& keys) const {
  std::vector<Node> out;
  for (const Key& key : keys) out.push_back(node_of(key));
  return out;
}

std::vector<Node> Graph::inputs_of(const Node& node) const {
  const auto found = nodes_.find(key_of(node));
  return found == nodes_.end() ? std::vector<Node>() : nodes_of(found->second.inputs);
}

std::vector<Node> Graph::users_of(const Node& node) const {
  const auto found = nodes_.find(key_of(node));
  return found == nodes_.end() ? std::vector<Node>() : nodes_of(found->second.users);
}

std::vector<Node> Graph::reached(const Node& from, std::vector<Key> Entry::*direction) const {
  const auto start = nodes_.find(key_of(from));
  if (start == nodes_.end()) return {};
  std::set<Key> seen;
  std::vector<const Entry*> left = {&start->second};
  while (!left.empty()) {
    const Entry* at = left.back();
    left.pop_back();
    for (const Key& key : at->*direction) {
      if (seen.insert(key).second) left.push_back(&nodes_.at(key));
    }
  }
  return nodes_of({seen.begin(), seen.end()});
}

std::vector<Node> Graph::upstream_of(const Node& node) const {
  return reached(node, &Entry::inputs);
}

std::vector<Node> Graph::downstream_of(const Node& node) const {
  return reached(node, &Entry::users);
}

Json Graph::to_json() const {
  Json nodes(Json::Array{}), edges(Json::Array{});
  for (const auto& [key, entry] : nodes_) {
    const std::string id = id_of(node_of(key));
    nodes.push(Json::Object{{"id", id}, {"kind", node_word(entry.kind)}, {"name", key.name}});
    for (const Key& user : entry.users) edges.push(Json::Object{{"from", id}, {"to", id_of(node_of(user))}});
  }
  return Json::Object{{"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

const char* node_word(NodeKind kind) {
  switch (kind) {
    case NodeKind::stream:
      return "stream";
    case NodeKind::table:
      return "table";
    case NodeKind::outside:
      return "outside";
    case NodeKind::flow:
      return "flow";
  }
  return "";
}

std::string way_round(const std::vector<Node>& cycle) {
  std::vector<std::string> names;
  for (const Node& node : cycle) names.push_back(id_of(node));
  if (!names.empty()) names.push_back(names.front());
  return join(names, " → ");
}

}  // namespace weir::flow
