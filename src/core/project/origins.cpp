#include "core/project/origins.h"

#include <set>

#include "core/base/text.h"

namespace weir::project {

bool is_origin(std::string_view text) {
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  if (text.size() > 260) return false;
  std::string_view host = text;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    host = text.substr(1, end - 1);
    if (host.find_first_not_of("0123456789abcdef:.") != std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  } else {
    host = text.substr(0, text.find(':'));
    const bool good = !host.empty() && host.front() != '.' && host.back() != '.' &&
                      host.find("..") == std::string_view::npos &&
                      host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string_view::npos;
    if (!good) return false;
    text.remove_prefix(host.size());
  }
  if (text.empty()) return true;
  text.remove_prefix(1);
  const bool digits =
      !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
  return digits && text[0] != '0' && std::stoi(std::string(text)) <= 65'535;
}

void read_origins(YamlSection& in, std::string_view key, size_t count_max, std::vector<std::string>& into) {
  if (!in.texts(key, into)) return;
  const Yaml& list = *in.value(key);
  const std::string named(key);
  if (into.size() > count_max) {
    in.refuse(key, std::to_string(into.size()) + " origins, allowed are " + std::to_string(count_max));
    return;
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < into.size(); ++i) {
    const std::string& origin = into[i];
    if (!seen.insert(origin).second) in.refuse_at(list.items[i].at, named + ": " + shown(origin) + " is listed twice");
    if (origin == "*" || is_origin(origin)) continue;
    std::string hint = "an origin has a scheme, a host in lower case and no path";
    std::string tried = to_lower(
        origin.substr(0, origin.find('/', origin.find("//") == std::string::npos ? 0 : origin.find("//") + 2)));
    if (tried.find("://") == std::string::npos) tried = "https://" + tried;
    if (is_origin(tried)) hint = "did you mean " + shown(tried) + "?";
    in.refuse_at(list.items[i].at,
                 named + ": expected an origin such as https://shop.example, or \"*\", found " + shown(origin), hint);
  }
  if (seen.contains("*") && seen.size() > 1) in.refuse(key, "\"*\" allows every origin, the others add nothing");
}

}  // namespace weir::project
