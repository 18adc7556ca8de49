#include "core/base/xml.h"

#include <charconv>

#include "core/base/text.h"

namespace weir {
namespace {

constexpr std::pair<std::string_view, char> kEntities[] = {
    {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

Error not_read(std::string_view name) {
  return Error(Code::invalid, "the XML has a " + std::string(name) + " that cannot be read");
}

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 63));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 63));
    out += static_cast<char>(0x80 | (point & 63));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 63));
    out += static_cast<char>(0x80 | ((point >> 6) & 63));
    out += static_cast<char>(0x80 | (point & 63));
  }
}

// The entity at the beginning of `text`; moves behind it.
bool take_entity(std::string& out, std::string_view& text) {
  for (const auto& [entity, character] : kEntities) {
    if (text.substr(0, entity.size()) != entity) continue;
    out += character;
    text.remove_prefix(entity.size());
    return true;
  }
  const size_t end = text.find(';');
  if (text.substr(0, 2) != "&#" || end == std::string_view::npos || end < 3 || end > 10) return false;
  const bool is_hex = text[2] == 'x';
  const std::string_view digits = text.substr(is_hex ? 3 : 2, end - (is_hex ? 3 : 2));
  uint32_t point = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), point, is_hex ? 16 : 10);
  const bool is_surrogate = point >= 0xD800 && point < 0xE000;
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || point == 0 || point > 0x10FFFF ||
      is_surrogate) {
    return false;
  }
  append_utf8(out, point);
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

void append_element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (byte < 0x20) {
      out.append("&#").append(std::to_string(byte)).append(";");
    } else {
      out += c;
    }
  }
  out.append("</").append(name).append(">");
}

Result<std::vector<std::string_view>> element_bodies(std::string_view xml, std::string_view name, size_t most) {
  const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  std::vector<std::string_view> out;
  for (size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
    at += open.size();
    const size_t end = xml.find(close, at);
    if (end == std::string_view::npos) return not_read(name);
    if (out.size() == most)
      return Error(Code::invalid, "the XML has more than " + std::to_string(most) + " of " + std::string(name));
    out.push_back(xml.substr(at, end - at));
    at = end + close.size();
  }
  return out;
}

Result<std::vector<std::string>> element_texts(std::string_view xml, std::string_view name, size_t most) {
  TRY_ASSIGN(const std::vector<std::string_view> bodies, element_bodies(xml, name, most));
  std::vector<std::string> out;
  for (std::string_view rest : bodies) {
    std::string text;
    while (!rest.empty()) {
      if (rest.front() == '<') return not_read(name);
      if (rest.front() == '&') {
        if (!take_entity(text, rest)) return not_read(name);
        continue;
      }
      text += rest.front();
      rest.remove_prefix(1);
    }
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace weir
