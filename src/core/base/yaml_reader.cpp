#include "core/base/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

#include "core/base/sizes.h"
#include "core/base/text.h"

namespace weir {

struct YamlSection::State {
  const Yaml* node = nullptr;
  std::string what;
  std::vector<std::string> asked;

  void ask(std::string_view key) {
    if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
  }
};

struct YamlSection::Shared {
  std::map<const Yaml*, State> sections;  // one for each mapping, however often it is opened
  std::vector<Error> errors;
  bool root_broken = false;

  void add(const Position& at, std::string message, std::string hint) {
    errors.emplace_back(Code::invalid, std::move(message), std::move(hint)).at(at);
  }
};

namespace {

std::string with_key(std::string_view key, std::string_view rest) {
  return std::string(key) + ": " + std::string(rest);
}

std::string decimal(double value) {
  char buffer[40];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

// In quotes it is text, unless the quotes were only there to hold a ${…}.
bool is_quoted_text(const Yaml& node) {
  return node.quoted && !node.expanded;
}

// The parser's own words repeat the value, which a secret must not.
std::string reason(const Yaml& found, const Error& error, std::string_view type) {
  if (!found.secret) return error.message;
  return "the value of " + shown(found.written) + " is no " + std::string(type);
}

}  // namespace

YamlSection::YamlSection(const Yaml& node, std::string_view what, std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)), node_(&node), state_(&shared_->sections[&node]) {
  state_->node = &node;
  state_->what = what;
}

const Yaml* YamlSection::wanted(std::string_view key, Need need, std::string_view expected) {
  state_->ask(key);
  const Yaml* found = node_->find(key);
  if (found == nullptr) {
    if (need == Need::required) {
      shared_->add(node_->at, state_->what + " needs '" + std::string(key) + "': " + std::string(expected), {});
    }
    return nullptr;
  }
  if (found->is_null()) {
    shared_->add(found->at, with_key(key, "has no value, expected ") + std::string(expected),
                 "write one, or remove the line");
    return nullptr;
  }
  return found;
}

const Yaml* YamlSection::scalar(std::string_view key, Need need, std::string_view expected) {
  const Yaml* found = wanted(key, need, expected);
  if (found == nullptr || found->is_scalar()) return found;
  unexpected(*found, key, expected);
  return nullptr;
}

void YamlSection::unexpected(const Yaml& found, std::string_view key, std::string_view expected, std::string hint) {
  std::string what = found.described();
  if (found.is_scalar() && is_quoted_text(found)) what = "the quoted text " + what;
  shared_->add(found.at, with_key(key, "expected ") + std::string(expected) + ", found " + what, std::move(hint));
}

bool YamlSection::outside(const Yaml& found, std::string_view key, const std::string& min, const std::string& max) {
  std::string allowed = max.empty() ? "at least " + min : min.empty() ? "at most " + max : min + " to " + max;
  shared_->add(found.at, std::string(key) + " is " + found.described() + ", allowed: " + allowed, {});
  return false;
}

bool YamlSection::text(std::string_view key, std::string& into, Need need) {
  const Yaml* found = scalar(key, need, "text");
  if (found == nullptr) return false;
  if (found->secret) {
    shared_->add(found->at,
                 with_key(key, shown(found->written)) + " is a secret, and this field is shown in plans and logs",
                 "write the value itself");
    return false;
  }
  into = found->text;
  return true;
}

bool YamlSection::identifier(std::string_view key, std::string& into, Need need) {
  std::string value;
  if (!text(key, value, need)) return false;
  if (!is_identifier(value)) {
    unexpected(*node_->find(key), key, "a name of a-z, 0-9 and _, beginning with a letter, at most 63 long");
    return false;
  }
  into = std::move(value);
  return true;
}

bool YamlSection::secret_text(std::string_view key, SecretText& into, Need need) {
  const Yaml* found = scalar(key, need, "text");
  if (found == nullptr) return false;
  into = {found->text, found->written, found->secret};
  return true;
}

bool YamlSection::flag(std::string_view key, bool& into, Need need) {
  const Yaml* found = scalar(key, need, "true or false");
  if (found == nullptr) return false;
  bool is_word = found->text == "true" || found->text == "false";
  if (is_word && !is_quoted_text(*found)) {
    into = found->text == "true";
    return true;
  }
  std::string word = to_lower(found->text), hint;
  if (is_word) {
    hint = "remove the quotes";
  } else if (word == "yes" || word == "on" || word == "true" || word == "y") {
    hint = "write true; yes and on are plain text here";
  } else if (word == "no" || word == "off" || word == "false" || word == "n") {
    hint = "write false; no and off are plain text here";
  }
  unexpected(*found, key, "true or false", std::move(hint));
  return false;
}

std::optional<YamlSection::Whole> YamlSection::whole(std::string_view key, Need need) {
  constexpr std::string_view kExpected = "a whole number";
  Whole out;
  out.found = scalar(key, need, kExpected);
  if (out.found == nullptr) return std::nullopt;
  std::string_view digits = out.found->text;
  out.negative = !digits.empty() && digits[0] == '-';
  if (out.negative) digits.remove_prefix(1);
  bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number || is_quoted_text(*out.found)) {
    unexpected(*out.found, key, kExpected, is_number ? "remove the quotes" : "");
    return std::nullopt;
  }
  if (digits.size() > 1 && digits[0] == '0') {
    unexpected(*out.found, key, kExpected, "remove the leading zeros; octal numbers are not understood");
    return std::nullopt;
  }
  auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out.magnitude);
  if (read.ec != std::errc()) {
    unexpected(*out.found, key, "a whole number of at most 64 bits");
    return std::nullopt;
  }
  return out;
}

bool YamlSection::number(std::string_view key, double& into, Between<double> allowed, Need need) {
  const Yaml* found = scalar(key, need, "a number");
  if (found == nullptr) return false;
  const std::string& text = found->text;
  double value = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  bool is_number = read.ec == std::errc() && read.ptr == text.data() + text.size() && std::isfinite(value);
  if (!is_number || is_quoted_text(*found)) {
    unexpected(*found, key, "a number", is_number ? "remove the quotes" : "");
    return false;
  }
  if (value < allowed.min || value > allowed.max) {
    Between<double> any;
    return outside(*found, key, allowed.min > any.min ? decimal(allowed.min) : "",
                   allowed.max < any.max ? decimal(allowed.max) : "");
  }
  into = value;
  return true;
}

bool YamlSection::duration(std::string_view key, Duration& into, Between<Duration> allowed, Need need) {
  const Yaml* found = scalar(key, need, "a duration such as 30s");
  if (found == nullptr) return false;
  auto value = parse_duration(found->text);
  if (!value) {
    shared_->add(found->at, with_key(key, reason(*found, value.error(), "duration")), value.error().hint);
    return false;
  }
  if (*value < allowed.min || *value > allowed.max) {
    bool open_ended = allowed.max == Between<Duration>().max;
    return outside(*found, key, format_duration(allowed.min), open_ended ? "" : format_duration(allowed.max));
  }
  into = *value;
  return true;
}

bool YamlSection::size(std::string_view key, uint64_t& into, Between<uint64_t> allowed, Need need) {
  const Yaml* found = scalar(key, need, "a size such as 64MiB");
  if (found == nullptr) return false;
  auto value = parse_size(found->text);
  if (!value) {
    shared_->add(found->at, with_key(key, reason(*found, value.error(), "size")), value.error().hint);
    return false;
  }
  if (*value < allowed.min || *value > allowed.max) {
    return outside(*found, key, format_size(allowed.min), allowed.max == UINT64_MAX ? "" : format_size(allowed.max));
  }
  into = *value;
  return true;
}

std::optional<size_t> YamlSection::choice_index(std::string_view key, const std::vector<std::string>& names,
                                                Need need) {
  std::string expected = "one of " + join(names, ", ");
  const Yaml* found = scalar(key, need, expected);
  if (found == nullptr) return std::nullopt;
  auto index = std::find(names.begin(), names.end(), found->text);
  if (index != names.end()) return static_cast<size_t>(index - names.begin());
  auto near = found->secret ? std::nullopt : nearest(found->text, names);
  unexpected(*found, key, expected, near ? "did you mean " + shown(*near) + "?" : "");
  return std::nullopt;
}

bool YamlSection::texts(std::string_view key, std::vector<std::string>& into, Need need) {
  constexpr std::string_view kExpected = "a list of texts";
  const Yaml* found = wanted(key, need, kExpected);
  if (found == nullptr) return false;
  if (!found->is_sequence()) {
    unexpected(*found, key, kExpected, found->is_scalar() ? "write [" + found->written + "]" : "");
    return false;
  }
  std::vector<std::string> values;
  bool good = true;
  for (const Yaml& item : found->items) {
    if (item.is_scalar() && !item.secret) {
      values.push_back(item.text);
    } else {
      good = false;
      unexpected(item, key, "each item to be text that is not secret");
    }
  }
  if (good) into = std::move(values);
  return good;
}

bool YamlSection::text_map(std::string_view key, std::map<std::string, std::string>& into, Need need) {
  constexpr std::string_view kExpected = "a mapping of names to texts";
  const Yaml* found = wanted(key, need, kExpected);
  if (found == nullptr) return false;
  if (!found->is_mapping()) {
    unexpected(*found, key, kExpected);
    return false;
  }
  std::map<std::string, std::string> values;
  bool good = true;
  for (const YamlEntry& entry : found->entries) {
    if (entry.value.is_scalar() && !entry.value.secret) {
      values[entry.key] = entry.value.text;
    } else {
      good = false;
      unexpected(entry.value, std::string(key) + "." + entry.key, "text that is not secret");
    }
  }
  if (good) into = std::move(values);
  return good;
}

bool YamlSection::text(std::string_view key, std::optional<std::string>& into) {
  std::string value;
  if (!text(key, value)) return false;
  into = std::move(value);
  return true;
}

bool YamlSection::number(std::string_view key, std::optional<double>& into, Between<double> allowed) {
  double value = 0;
  if (!number(key, value, allowed)) return false;
  into = value;
  return true;
}

bool YamlSection::duration(std::string_view key, std::optional<Duration>& into, Between<Duration> allowed) {
  Duration value;
  if (!duration(key, value, allowed)) return false;
  into = value;
  return true;
}

bool YamlSection::size(std::string_view key, std::optional<uint64_t>& into, Between<uint64_t> allowed) {
  uint64_t value = 0;
  if (!size(key, value, allowed)) return false;
  into = value;
  return true;
}

std::optional<YamlSection> YamlSection::open(const Yaml& node, std::string_view what) {
  if (node.is_mapping()) return YamlSection(node, what, shared_);
  shared_->add(node.at, std::string(what) + " must be a mapping, found " + node.described(), {});
  return std::nullopt;
}

std::optional<YamlSection> YamlSection::section(std::string_view key, std::string_view what, Need need) {
  const Yaml* found = wanted(key, need, "a mapping");
  if (found == nullptr) return std::nullopt;
  if (!found->is_mapping()) {
    unexpected(*found, key, "a mapping");
    return std::nullopt;
  }
  return YamlSection(*found, what, shared_);
}

std::vector<YamlSection> YamlSection::sections(std::string_view key, std::string_view what, Need need) {
  std::vector<YamlSection> out;
  const Yaml* found = wanted(key, need, "a list of mappings");
  if (found == nullptr) return out;
  if (!found->is_sequence()) {
    unexpected(*found, key, "a list of mappings", found->is_mapping() ? "begin each one with '- '" : "");
    return out;
  }
  for (const Yaml& item : found->items) {
    if (auto section = open(item, what)) out.push_back(std::move(*section));
  }
  return out;
}

std::vector<YamlSection> YamlSection::named_sections(std::string_view key, std::string_view what, Need need) {
  std::vector<YamlSection> out;
  const Yaml* found = wanted(key, need, "a mapping of names to mappings");
  if (found == nullptr) return out;
  if (!found->is_mapping()) {
    unexpected(*found, key, "a mapping of names to mappings");
    return out;
  }
  for (const YamlEntry& entry : found->entries) {
    if (auto section = open(entry.value, what)) {
      section->name_ = entry.key;
      out.push_back(std::move(*section));
    }
  }
  return out;
}

const Yaml* YamlSection::value(std::string_view key) {
  state_->ask(key);
  return node_->find(key);
}

void YamlSection::refuse(std::string_view key, std::string_view message, std::string hint) {
  const Yaml* found = node_->find(key);
  refuse_at(found != nullptr ? found->at : node_->at, with_key(key, message), std::move(hint));
}

void YamlSection::refuse_at(const Position& at, std::string message, std::string hint) {
  shared_->add(at, std::move(message), std::move(hint));
}

YamlReader::YamlReader(const Yaml& root, std::string_view what) : YamlSection(root, what, std::make_shared<Shared>()) {
  if (root.is_mapping() || root.is_null()) return;
  shared_->root_broken = true;
  shared_->errors.clear();
  shared_->add(root.at, std::string(what) + " must be a mapping of keys to values, found " + root.described(), {});
}

std::vector<Error> YamlReader::finish() {
  std::vector<Error> errors = std::move(shared_->errors);
  shared_->errors.clear();
  if (shared_->root_broken) {
    errors.erase(errors.begin() + 1, errors.end());  // that keys are missing follows from the first
    return errors;
  }
  for (const auto& [node, state] : shared_->sections) {
    for (const YamlEntry& entry : node->entries) {
      if (std::find(state.asked.begin(), state.asked.end(), entry.key) != state.asked.end()) continue;
      errors
          .emplace_back(Code::invalid, "unknown key " + shown(entry.key) + " in " + state.what,
                        did_you_mean(entry.key, state.asked))
          .at(entry.key_at);
    }
  }
  auto place = [](const Error& error) {
    return std::tie(error.position->file, error.position->line, error.position->column);
  };
  std::stable_sort(errors.begin(), errors.end(), [&](const Error& a, const Error& b) { return place(a) < place(b); });
  auto same = [&](const Error& a, const Error& b) { return place(a) == place(b) && a.message == b.message; };
  errors.erase(std::unique(errors.begin(), errors.end(), same), errors.end());
  if (errors.size() > kErrorsMax) {
    std::string rest = std::to_string(errors.size() - kErrorsMax + 1);
    Position last = *errors[kErrorsMax - 1].position;
    errors.erase(errors.begin() + (kErrorsMax - 1), errors.end());
    errors.emplace_back(Code::invalid, "and " + rest + " more mistakes from here on", "correct these first").at(last);
  }
  return errors;
}

}  // namespace weir
