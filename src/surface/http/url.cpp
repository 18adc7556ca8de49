#include "surface/http/url.h"

#include "core/base/text.h"

namespace weir::http {

namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_port(std::string_view text) {
  if (text.size() > 5) return false;
  for (const char character : text) {
    if (!is_digit(character)) return false;
  }
  return true;
}

bool is_host_character(char character) {
  return is_digit(character) || (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         character == '-' || character == '.' || character == '_';
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    char character = text[at];
    if (character == '%') {
      if (at + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      character = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (character == '+' && plus_is_space) {
      character = ' ';
    }
    if (character == '\0') return std::nullopt;
    out += character;
  }
  if (!valid_utf8(out)) return std::nullopt;
  return out;
}

std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query, size_t pairs_max) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty() && pairs.size() < pairs_max) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    pairs.emplace_back(percent_decode(name, true).value_or(std::string(name)),
                       percent_decode(value, true).value_or(std::string(value)));
  }
  return pairs;
}

std::string_view cookie_value(std::string_view cookie_header, std::string_view name) {
  while (!cookie_header.empty()) {
    const size_t end = cookie_header.find(';');
    const std::string_view part = trim(cookie_header.substr(0, end));
    cookie_header = end == std::string_view::npos ? std::string_view{} : cookie_header.substr(end + 1);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') {
      return part.substr(name.size() + 1);
    }
  }
  return {};
}

bool names_token(std::string_view header_value, std::string_view token) {
  while (!header_value.empty()) {
    const size_t end = header_value.find(',');
    const std::string_view item = header_value.substr(0, end);
    header_value = end == std::string_view::npos ? std::string_view{} : header_value.substr(end + 1);
    const size_t semicolon = item.find(';');
    if (!equal_ignoring_case(trim(item.substr(0, semicolon)), token)) continue;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view weight = trim(item.substr(semicolon + 1));
    return !(weight == "q=0" || weight == "q=0.0" || weight == "q=0.00" || weight == "q=0.000");
  }
  return false;
}

std::string_view host_name(std::string_view host_header) {
  if (host_header.starts_with('[')) {
    const size_t end = host_header.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view rest = host_header.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return {};
    return host_header.substr(0, end + 1);
  }
  const size_t colon = host_header.find(':');
  const std::string_view name = host_header.substr(0, colon);
  if (colon != std::string_view::npos && !is_port(host_header.substr(colon + 1))) return {};
  for (const char character : name) {
    if (!is_host_character(character)) return {};
  }
  return name;
}

}  // namespace weir::http
