// The half of yaml.h that needs no parser: questions to nodes, expansion, overlay, plain JSON.
#include <charconv>

#include "core/base/text.h"
#include "core/base/yaml.h"

namespace weir {
namespace {

constexpr size_t kExpandedBytesMax = 64u << 10;

Result<std::string> expanded(const Yaml& node, const YamlExpander& expander, bool& changed, bool& secret) {
  std::string out;
  std::string_view rest = node.text;
  for (;;) {
    size_t dollar = rest.find("${");
    if (dollar == std::string_view::npos) return out + std::string(rest);
    changed = true;
    if (dollar > 0 && rest[dollar - 1] == '$') {
      out += rest.substr(0, dollar - 1);
      out += "${";
      rest.remove_prefix(dollar + 2);
      continue;
    }
    size_t end = rest.find('}', dollar);
    if (end == std::string_view::npos) {
      return Error(Code::invalid, "'${' has no closing '}' in " + shown(node.written), "write $${ for a plain ${");
    }
    out += rest.substr(0, dollar);
    TRY_ASSIGN(YamlExpansion part, expander(rest.substr(dollar + 2, end - dollar - 2)));
    out += part.value;
    secret = secret || part.secret;
    if (out.size() > kExpandedBytesMax) {
      return Error(Code::too_large,
                   shown(node.written) + " expands to more than " + std::to_string(kExpandedBytesMax) + " bytes");
    }
    rest.remove_prefix(end + 1);
  }
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// JSON's own grammar of numbers, so that 007, 1_000, 0x10 and 1.2.3 stay text.
bool is_json_number(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  size_t whole_end = text.find_first_of(".eE");
  std::string_view whole = text.substr(0, whole_end);
  if (!all_digits(whole) || (whole.size() > 1 && whole[0] == '0')) return false;
  if (whole_end == std::string_view::npos) return true;
  text.remove_prefix(whole_end);
  if (text[0] == '.') {
    size_t exponent = text.find_first_of("eE");
    if (!all_digits(text.substr(1, exponent == std::string_view::npos ? exponent : exponent - 1))) return false;
    if (exponent == std::string_view::npos) return true;
    text.remove_prefix(exponent);
  }
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return all_digits(text);
}

Json plain_scalar(const Yaml& value) {
  if (value.secret || value.quoted) return value.secret ? value.written : value.text;
  const std::string& text = value.text;
  if (text == "true" || text == "false") return text == "true";
  if (!is_json_number(text)) return text;
  auto parsed = Json::parse(text);  // refuses integers beyond 64 bits, which stay text
  return parsed ? std::move(*parsed) : Json(text);
}

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string Yaml::described() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return shown(secret ? written : text);
    case Kind::sequence:
      return "a list";
    case Kind::mapping:
      return "a mapping";
  }
  return "nothing";
}

void expand_yaml(Yaml& root, const YamlExpander& expander, std::vector<Error>& errors) {
  if (root.is_scalar() && root.text.find("${") != std::string::npos) {
    bool changed = false, secret = false;
    auto text = expanded(root, expander, changed, secret);
    if (text) {
      root.text = std::move(*text);
      root.expanded = changed;
      root.secret = secret;
    } else {
      Error error = std::move(text).error();
      if (!error.position) error.at(root.at);
      errors.push_back(std::move(error));
    }
  }
  for (Yaml& item : root.items) expand_yaml(item, expander, errors);
  for (YamlEntry& entry : root.entries) expand_yaml(entry.value, expander, errors);
}

Yaml overlay_yaml(Yaml base, const Yaml& over) {
  if (over.is_null()) return base;
  if (!base.is_mapping() || !over.is_mapping()) return over;
  for (const YamlEntry& entry : over.entries) {
    bool merged = false;
    for (YamlEntry& mine : base.entries) {
      if (mine.key != entry.key) continue;
      // A null written on purpose replaces, so that the reader complains about it at its own place.
      mine.value = entry.value.is_null() ? entry.value : overlay_yaml(std::move(mine.value), entry.value);
      mine.key_at = entry.key_at;
      merged = true;
      break;
    }
    if (!merged) base.entries.push_back(entry);
  }
  return base;
}

Json plain_json(const Yaml& value) {
  switch (value.kind) {
    case Yaml::Kind::null:
      return Json();
    case Yaml::Kind::scalar:
      return plain_scalar(value);
    case Yaml::Kind::sequence: {
      Json::Array out;
      for (const Yaml& item : value.items) out.push_back(plain_json(item));
      return out;
    }
    case Yaml::Kind::mapping: {
      Json::Object out;
      for (const YamlEntry& entry : value.entries) out.emplace_back(entry.key, plain_json(entry.value));
      return out;
    }
  }
  return Json();
}

}  // namespace weir
