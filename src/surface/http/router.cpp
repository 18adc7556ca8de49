#include "surface/http/router.h"

#include <algorithm>

#include "core/base/check.h"
#include "surface/http/url.h"

namespace weir::http {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
  std::unique_ptr<Node> value;  // {name}
  std::vector<const Route*> routes;
};

namespace {

// "/a/b" → "a", rest "/b". The path starts with a slash.
std::string_view first_segment(std::string_view path, std::string_view& after) {
  const size_t end = path.find('/', 1);
  after = end == std::string_view::npos ? std::string_view{} : path.substr(end);
  return path.substr(1, end == std::string_view::npos ? std::string_view::npos : end - 1);
}

bool is_value(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// Path values of a pattern, in order, as views into it.
void name_values(const Route& route, Request& request) {
  size_t index = 0;
  std::string_view rest = route.pattern;
  while (!rest.empty()) {
    const std::string_view segment = first_segment(rest, rest);
    if (is_value(segment)) request.path_values[index++].name = segment.substr(1, segment.size() - 2);
  }
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

void Router::add(Route route) {
  CHECK(route.pattern.starts_with('/'), "a route's pattern starts with a slash");
  const Route& added = keep(std::move(route));
  Node* node = root_.get();
  size_t values = 0;
  std::string_view rest = added.pattern;
  while (!rest.empty()) {
    const std::string_view segment = first_segment(rest, rest);
    std::unique_ptr<Node>* next = nullptr;
    if (is_value(segment)) {
      CHECK(++values <= Request::kPathValuesMax, "a pattern has at most three values");
      next = &node->value;
    } else {
      next = &node->literal[std::string(segment)];
    }
    if (!*next) *next = std::make_unique<Node>();
    node = next->get();
  }
  for (const Route* other : node->routes) CHECK(other->method != added.method, "two routes of one method and pattern");
  node->routes.push_back(&added);
}

const Route& Router::keep(Route route) {
  CHECK(route.handler != nullptr, "a route has a handler");
  route.index = routes_.size();
  routes_.push_back(std::make_unique<const Route>(std::move(route)));
  return *routes_.back();
}

void Router::add_resolver(Resolver resolver) {
  resolvers_.push_back(std::move(resolver));
}

void Router::set_fallback(Route route) {
  fallback_ = &keep(std::move(route));
}

const Router::Node* Router::find(const Node& node, std::string_view rest, Request& request, bool& bad_escape) const {
  if (rest.empty()) return node.routes.empty() ? nullptr : &node;
  std::string_view after;
  const std::string_view segment = first_segment(rest, after);
  if (const auto literal = node.literal.find(segment); literal != node.literal.end()) {
    if (const Node* found = find(*literal->second, after, request, bad_escape)) return found;
  }
  if (!node.value || segment.empty()) return nullptr;
  const size_t index = request.path_value_count;
  if (segment.find('%') == std::string_view::npos) {
    request.path_values[index].value = segment;
  } else {
    std::optional<std::string> decoded = percent_decode(segment);
    if (!decoded) {
      bad_escape = true;
      return nullptr;
    }
    request.path_values[index].value = std::move(*decoded);
  }
  request.path_value_count = index + 1;
  const Node* found = find(*node.value, after, request, bad_escape);
  if (!found) request.path_value_count = index;
  return found;
}

Match Router::match(Request& request) const {
  Match match;
  request.path_value_count = 0;
  const Method method = request.method == Method::head ? Method::get : request.method;
  if (const Node* node = find(*root_, request.path, request, match.bad_escape)) {
    for (const Route* route : node->routes) {
      if (route->method == method) {
        name_values(*route, request);
        match.route = route;
        return match;
      }
      match.allowed.push_back(route->method);
      if (route->method == Method::get) match.allowed.push_back(Method::head);
    }
    return match;
  }
  if (match.bad_escape) return match;
  for (const Resolver& resolver : resolvers_) {
    match.route = resolver(method, request.path, match.allowed);
    if (match.route || !match.allowed.empty()) return match;
  }
  if (fallback_ && fallback_->method == method) match.route = fallback_;
  return match;
}

}  // namespace weir::http
