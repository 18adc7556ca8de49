// The table of routes: finds the one for a method and a path, with the values of its {names}.
//
// Filled once by app (routes/all.cpp), then only read: match() may be called from any thread without a lock. A literal
// segment wins over a {name}; a path that ends differently by a slash is another path. Beacon endpoints, which change
// with `weir apply`, come through a resolver that is asked when the table has no such path; the fallback (the pages) is
// asked last.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surface/http/http.h"

namespace weir::http {

struct Match {
  const Route* route = nullptr;
  std::vector<Method> allowed;  // if the path is known and the method is not: what it takes
  bool bad_escape = false;      // a {name} whose value cannot be decoded
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;

  // Aborts on a pattern that is malformed or taken: routes are our own text.
  void add(Route route);

  // A route that only a resolver hands out; listed, and alive as long as the router.
  const Route& keep(Route route);

  // Asked in order for paths that no pattern has. Returns a route that lives as long as the router, or nullptr; may
  // name what the path takes in `allowed`.
  using Resolver = std::function<const Route*(Method method, std::string_view path, std::vector<Method>& allowed)>;
  void add_resolver(Resolver resolver);
  void set_fallback(Route route);

  // Fills the request's path values.
  Match match(Request& request) const;

  // Every route in the order added, for metrics, OpenAPI and the reference.
  const std::vector<std::unique_ptr<const Route>>& routes() const { return routes_; }

 private:
  struct Node;
  const Node* find(const Node& node, std::string_view rest, Request& request, bool& bad_escape) const;

  std::vector<std::unique_ptr<const Route>> routes_;
  std::unique_ptr<Node> root_;
  std::vector<Resolver> resolvers_;
  const Route* fallback_ = nullptr;
};

}  // namespace weir::http
