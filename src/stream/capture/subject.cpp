#include "stream/capture/subject.h"

#include <algorithm>
#include <charconv>

#include "core/base/ids.h"
#include "stream/capture/declaration_lineage.h"

namespace weir::capture {
namespace {

constexpr int kDepthMax = 256;

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '@' || c == '+' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_separator(char c) {
  return c == ',' || c == ';' || c == '\t' || c == '\n' || c == '\r' || c == '|';
}

std::string_view trimmed(std::string_view text, std::string_view of) {
  const size_t from = text.find_first_not_of(of);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(of) - from + 1);
}

// Every piece of `bytes` between bytes that do not belong to one, until `take` is true of one.
template <class Belongs, class Take>
bool any_piece(std::string_view bytes, const Belongs& belongs, const Take& take) {
  for (size_t at = 0; at < bytes.size();) {
    while (at < bytes.size() && !belongs(bytes[at])) ++at;
    const size_t from = at;
    while (at < bytes.size() && belongs(bytes[at])) ++at;
    if (at > from && take(bytes.substr(from, at - from))) return true;
  }
  return false;
}

}  // namespace

Result<std::string> canonical_subject(const Field& field, std::string_view text) {
  if (text.empty()) return Error(Code::invalid, "the value of " + field.name + " is empty");
  if (text.size() > kSubjectBytesMax) {
    return Error(Code::invalid, "the value of " + field.name + " has " + std::to_string(text.size()) +
                                    " bytes, at most " + std::to_string(kSubjectBytesMax) + " are allowed");
  }
  switch (field.type) {
    case FieldType::uuid: {
      Uuid uuid;
      if (!parse_uuid_fast(text, uuid)) return Error(Code::invalid, "the value of " + field.name + " is no uuid");
      return format_uuid(uuid);
    }
    case FieldType::integer: {
      int64_t number = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
        return Error(Code::invalid, "the value of " + field.name + " is no integer");
      }
      return std::to_string(number);
    }
    default:
      return std::string(text);
  }
}

Subject::Subject(const Field& field, Hash hash)
    : field_(field), key_(hash.key), wanted_(hash.wanted.begin(), hash.wanted.end()), names_(former_names(field)) {
  names_.insert(names_.begin(), field.name);
}

bool Subject::is_wanted(std::string_view canonical) const {
  return wanted_.contains(fingerprint(key_, canonical));
}

bool Subject::is_wanted_text(std::string_view text) {
  if (text.empty() || text.size() > kSubjectBytesMax) return false;
  if (field_.type == FieldType::string) return is_wanted(text);
  const auto canonical = canonical_subject(field_, text);
  return canonical && is_wanted(*canonical);
}

Subject::Found Subject::member(std::string_view event) {
  buffer_.assign(event);
  buffer_.append(JsonScanner::kPadding, '\0');
  scanner_.start(buffer_.data(), buffer_.data() + event.size(), nullptr, kDepthMax);
  scanner_.space();
  if (scanner_.next() != '{') return Found::no;
  scanner_.advance();
  Found found = Found::no;
  std::string name;
  while (true) {
    scanner_.space();
    JsonScanner::Text key;
    if (scanner_.next() != '"' || !scanner_.string(key)) return found;
    name = JsonScanner::decode(key, scratch_);
    if (!scanner_.colon()) return found;
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
      if (!scanner_.skip_value(1)) return found;
    } else {
      const char* begin = scanner_.position();
      std::string_view value;
      JsonScanner::Text text;
      if (*begin == '"') {
        if (!scanner_.string(text)) return found;
        value = JsonScanner::decode(text, scratch_);
      } else {
        if (!scanner_.skip_value(1)) return found;
        const bool is_number = *begin == '-' || (*begin >= '0' && *begin <= '9');
        if (is_number) value = {begin, static_cast<size_t>(scanner_.position() - begin)};
      }
      if (is_wanted_text(value)) return Found::yes;
      found = Found::other;
    }
    scanner_.space();
    if (scanner_.next() != ',') return found;
    scanner_.advance();
  }
}

bool Subject::names(std::string_view event) {
  return member(event) == Found::yes;
}

bool Subject::has_quoted(std::string_view bytes) {
  std::string decoded;
  for (size_t at = bytes.find('"'); at != std::string_view::npos; at = bytes.find('"', at)) {
    const size_t from = ++at;
    bool escaped = false;
    while (at < bytes.size() && bytes[at] != '"') {
      escaped |= bytes[at] == '\\';
      at += bytes[at] == '\\' ? 2 : 1;
    }
    if (at >= bytes.size()) return false;
    std::string_view text = bytes.substr(from, at - from);
    if (is_wanted_text(text)) return true;
    if (escaped) {
      const auto json = Json::parse("\"" + std::string(text) + "\"");
      if (json && is_wanted_text(json->as_string())) return true;
    }
    // The closing quote may as well open the next one, in bytes that are no JSON.
  }
  return false;
}

bool Subject::is_in(std::string_view bytes) {
  const Found found = member(bytes);
  if (found == Found::yes) return true;
  if (field_.type == FieldType::integer) {
    if (found == Found::other) return false;
    const bool is_named = std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
      return bytes.find(name) != std::string_view::npos;
    });
    if (!is_named) return false;
  }
  const auto take = [&](std::string_view piece) {
    if (is_wanted_text(piece)) return true;
    const std::string_view bare = trimmed(piece, ".-+");
    return bare.size() != piece.size() && is_wanted_text(bare);
  };
  if (any_piece(bytes, is_word_byte, take)) return true;
  const auto in_cell = [](char c) { return !is_separator(c); };
  if (any_piece(bytes, in_cell, [&](std::string_view cell) { return is_wanted_text(trimmed(cell, " \"'")); })) {
    return true;
  }
  return has_quoted(bytes);
}

}  // namespace weir::capture
