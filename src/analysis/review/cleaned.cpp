#include <algorithm>
#include <vector>

#include "analysis/review/report.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr std::string_view kTags[] = {"a", "b", "i", "em", "strong", "p", "br", "ul", "ol", "li", "code"};

struct Tag {
  std::string name;
  bool closes = false;
  std::string link;  // of a
  size_t end = 0;    // behind its >
};

// The value of href='…' or href="…", if it leads to a web page.
std::string link_in(std::string_view tag) {
  const size_t at = to_lower(tag).find("href=");
  if (at == std::string::npos || at + 6 >= tag.size()) return {};
  const char quote = tag[at + 5];
  if (quote != '"' && quote != '\'') return {};
  const size_t end = tag.find(quote, at + 6);
  if (end == std::string_view::npos) return {};
  const std::string link(tag.substr(at + 6, end - at - 6));
  return link.starts_with("https://") || link.starts_with("http://") ? link : "";
}

// The tag that begins at `at`; an empty name: it is none that is known.
Tag tag_at(std::string_view html, size_t at) {
  Tag out;
  const size_t close = html.find('>', at);
  if (close == std::string_view::npos) return out;
  std::string_view inside = html.substr(at + 1, close - at - 1);
  out.closes = inside.starts_with('/');
  if (out.closes) inside.remove_prefix(1);
  const size_t end = inside.find_first_of(" \t\r\n/");
  const std::string name = to_lower(inside.substr(0, end));
  if (std::find(std::begin(kTags), std::end(kTags), name) == std::end(kTags)) return out;
  out.name = name;
  out.end = close + 1;
  if (name == "a" && !out.closes) out.link = link_in(inside);
  return out;
}

}  // namespace

// Tags are written anew, and every one that was opened is closed.
std::string html_cleaned(std::string_view html) {
  std::string out;
  std::vector<std::string> open;
  for (size_t at = 0; at < html.size();) {
    const Tag tag = html[at] == '<' ? tag_at(html, at) : Tag{};
    if (tag.name.empty()) {
      size_t next = html.find('<', at + 1);
      if (next == std::string_view::npos) next = html.size();
      out += html_escape(html.substr(at, next - at));
      at = next;
      continue;
    }
    at = tag.end;
    if (tag.name == "br") {
      out += "<br>";
    } else if (!tag.closes) {
      out += tag.name == "a" ? "<a rel=\"noopener\" href=\"" + html_escape(tag.link) + "\">" : "<" + tag.name + ">";
      open.push_back(tag.name);
    } else if (std::find(open.begin(), open.end(), tag.name) != open.end()) {
      std::string closed;
      while (closed != tag.name) {
        closed = open.back();
        open.pop_back();
        out += "</" + closed + ">";
      }
    }
  }
  for (; !open.empty(); open.pop_back()) out += "</" + open.back() + ">";
  return out;
}

}  // namespace weir::review
