// Paths of endpoints: `/traffic/{ad_id}`, literal parts and {parameters} between slashes. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::endpoint {

inline constexpr size_t kPathBytesMax = 200;
inline constexpr size_t kPathPartsMax = 12;

struct PathPart {
  bool is_parameter = false;
  std::string text;  // the literal, or the parameter's name
  friend bool operator==(const PathPart&, const PathPart&) = default;
};

// What is wrong with a path that somebody declared; empty: nothing.
std::string path_mistake(std::string_view path);
// Of a path without mistakes, or of a mount before one.
std::vector<PathPart> path_parts(std::string_view path);
// The parameters' values as they stand in the path (percent-encoded, never empty), in the pattern's order; nothing if
// it is another path.
std::optional<std::vector<std::string_view>> match_path(const std::vector<PathPart>& pattern, std::string_view path);
// `{ad_id}` → "ad_id" for each, in order.
std::vector<std::string> path_parameters(std::string_view path);

}  // namespace weir::endpoint
