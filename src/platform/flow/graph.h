// What is made of what: streams, tables, flows and things outside, each with its inputs. Says in which order they can
// be computed, what a change reaches, and which of them depend on each other in a circle.
//
// Streams, tables and what is outside share one space of names, that of SQL; flows have their own, so that a flow and a
// table may both be called `daily`. Everything is answered in the same order whatever the order of add(). Limits: 20
// 000 nodes, 200 000 edges. A pure value; safe to share while nobody adds.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir::flow {

inline constexpr size_t kGraphNodesMax = 20'000;
inline constexpr size_t kGraphEdgesMax = 200'000;

enum class NodeKind { stream, table, outside, flow };
const char* node_word(NodeKind kind);

struct Node {
  NodeKind kind = NodeKind::outside;
  std::string name;
  friend bool operator==(const Node&, const Node&) = default;
};

class Graph {
 public:
  // An input may be named before it is added itself, as anything of its space (`outside` will do). What is never added
  // is a node as it was named first. Naming an input twice is naming it once. `conflict`: the node was added already;
  // `too_large`: a limit. After an error nothing was added.
  Status add(const Node& node, const std::vector<Node>& inputs);

  // Whether it was added, or named as an input. Of `node`, only the space and the name count, here and below.
  bool has(const Node& node) const { return nodes_.contains(key_of(node)); }
  size_t size() const { return nodes_.size(); }

  // Every node behind its inputs; among those that could be next, the first by name. `conflict` if some depend on each
  // other in a circle; the message names the way round: "a → b → a" (a reads b).
  Result<std::vector<Node>> order() const;
  // Circles without a common node, each from its first name on: [a, b] for a → b → a. Empty: there is none; without
  // the nodes of those that are named there would be none.
  std::vector<std::vector<Node>> cycles() const;

  // By name; empty for a node that is not there. The far ones include the near ones, and the node itself only if it
  // lies on a circle.
  std::vector<Node> inputs_of(const Node& node) const;
  std::vector<Node> users_of(const Node& node) const;
  std::vector<Node> upstream_of(const Node& node) const;    // all that it is made of
  std::vector<Node> downstream_of(const Node& node) const;  // all that a change of it reaches

  // {"nodes":[{"id","kind","name"}],"edges":[{"from","to"}]}, by id; an edge leads from an input to what reads it. An
  // id is the name, with "flow:" before a flow's.
  Json to_json() const;

 private:
  // Sorted by name, flows behind their namesakes.
  struct Key {
    std::string name;
    bool is_flow = false;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Entry {
    NodeKind kind = NodeKind::outside;
    bool is_added = false;
    std::vector<Key> inputs, users;  // sorted
  };
  class Sorter;

  static Key key_of(const Node& node) { return {node.name, node.kind == NodeKind::flow}; }
  Node node_of(const Key& key) const { return {nodes_.at(key).kind, key.name}; }
  std::vector<Node> nodes_of(const std::vector<Key>& keys) const;
  std::vector<Node> reached(const Node& from, std::vector<Key> Entry::*direction) const;

  std::map<Key, Entry> nodes_;
  size_t edges_ = 0;
};

// "a → b → a", of one of Graph::cycles().
std::string way_round(const std::vector<Node>& cycle);

}  // namespace weir::flow
