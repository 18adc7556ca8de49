#include "platform/endpoint/path_pattern.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace weir::endpoint {
namespace {

bool is_plain(std::string_view part) {
  return std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.~").find(c) != std::string_view::npos;
  });
}

bool is_parameter(std::string_view part) {
  return part.size() > 2 && part.front() == '{' && part.back() == '}';
}

}  // namespace

std::string path_mistake(std::string_view path) {
  if (!path.starts_with('/')) return "must begin with /";
  if (path.size() > kPathBytesMax) return "is longer than " + std::to_string(kPathBytesMax) + " bytes";
  const auto parts = split(path.substr(1), '/');
  if (parts.size() > kPathPartsMax) return "has more than " + std::to_string(kPathPartsMax) + " parts";
  std::set<std::string_view> names;
  for (const std::string_view part : parts) {
    if (part.empty()) return "has an empty part between its slashes";
    if (part == "." || part == "..") return "must not contain . or ..";
    if (is_parameter(part)) {
      const std::string_view name = part.substr(1, part.size() - 2);
      if (!is_identifier(name)) return "has the parameter " + shown(part) + ", whose name is none: a-z, 0-9 and _";
      if (!names.insert(name).second) return "names the parameter " + shown(name) + " twice";
    } else if (!is_plain(part)) {
      return "may have letters, digits and - _ . ~ between its slashes, or a {parameter}";
    }
  }
  if (is_parameter(parts.front())) return "begins with a parameter, so it would take every path";
  for (const std::string_view own : {"v1", "health", "metrics", "assets", "openapi.json"}) {
    if (parts.front() == own) return "lies under /" + std::string(own) + ", which is weir's own";
  }
  for (const std::string_view page :
       {"streams", "sql", "tables", "flows", "runs", "lake", "dashboards", "alarms", "endpoints"}) {
    if (parts.front() == page) return "lies under /" + std::string(page) + ", which is a page of weir's own";
  }
  return {};
}

std::vector<PathPart> path_parts(std::string_view path) {
  std::vector<PathPart> out;
  if (path.empty()) return out;
  for (const std::string_view part : split(path.substr(1), '/')) {
    if (is_parameter(part)) {
      out.push_back({true, std::string(part.substr(1, part.size() - 2))});
    } else {
      out.push_back({false, std::string(part)});
    }
  }
  return out;
}

std::optional<std::vector<std::string_view>> match_path(const std::vector<PathPart>& pattern, std::string_view path) {
  std::vector<std::string_view> values;
  for (const PathPart& part : pattern) {
    if (!path.starts_with('/')) return std::nullopt;
    path.remove_prefix(1);
    const std::string_view found = path.substr(0, path.find('/'));
    path.remove_prefix(found.size());
    if (found.empty()) return std::nullopt;
    if (part.is_parameter) {
      values.push_back(found);
    } else if (found != part.text) {
      return std::nullopt;
    }
  }
  if (!path.empty()) return std::nullopt;
  return values;
}

std::vector<std::string> path_parameters(std::string_view path) {
  std::vector<std::string> out;
  for (PathPart& part : path_parts(path)) {
    if (part.is_parameter) out.push_back(std::move(part.text));
  }
  return out;
}

}  // namespace weir::endpoint
