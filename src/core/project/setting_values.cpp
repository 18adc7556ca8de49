#include "core/project/setting_values.h"

#include <charconv>

#include "core/base/sizes.h"
#include "core/base/text.h"

namespace weir::project {
namespace {

// Bounds are ours and were checked by check_table(), so a default of the type stands for an unreadable one.
Between<int64_t> integer_bounds(const Setting& setting) {
  Between<int64_t> between;
  std::from_chars(setting.min.data(), setting.min.data() + setting.min.size(), between.min);
  std::from_chars(setting.max.data(), setting.max.data() + setting.max.size(), between.max);
  return between;
}
Between<double> number_bounds(const Setting& setting) {
  Between<double> between;
  std::from_chars(setting.min.data(), setting.min.data() + setting.min.size(), between.min);
  std::from_chars(setting.max.data(), setting.max.data() + setting.max.size(), between.max);
  return between;
}
Between<Duration> duration_bounds(const Setting& setting) {
  Between<Duration> between;
  if (auto min = parse_duration(setting.min)) between.min = *min;
  if (auto max = parse_duration(setting.max)) between.max = *max;
  return between;
}
Between<uint64_t> size_bounds(const Setting& setting) {
  Between<uint64_t> between{0, static_cast<uint64_t>(INT64_MAX)};
  if (auto min = parse_size(setting.min)) between.min = *min;
  if (auto max = parse_size(setting.max)) between.max = *max;
  return between;
}

// Reads into a variable of the reader's own type and moves it over.
template <class T, class Read>
bool take(SettingValue& value, Read read) {
  T got{};
  if (!read(got)) return false;
  value = std::move(got);
  return true;
}

bool read_size(YamlSection& section, const std::string& key, const Setting& setting, SettingValue& value) {
  uint64_t bytes = 0;
  if (!section.size(key, bytes, size_bounds(setting))) return false;
  value = static_cast<int64_t>(bytes);
  return true;
}

bool read_duration(YamlSection& section, const std::string& key, const Setting& setting, SettingValue& value) {
  Duration duration;
  if (!section.duration(key, duration, duration_bounds(setting))) return false;
  value = duration.micros;
  return true;
}

bool read_choice(YamlSection& section, const std::string& key, const Setting& setting, SettingValue& value) {
  std::vector<std::pair<std::string, size_t>> names;
  for (size_t i = 0; i < setting.choices.size(); ++i) names.emplace_back(setting.choices[i], i);
  size_t chosen = 0;
  if (!section.choice(key, chosen, names)) return false;
  value = setting.choices[chosen];
  return true;
}

bool read_secret(YamlSection& section, const std::string& key, SettingValue& value) {
  SecretText secret;
  if (!section.secret_text(key, secret)) return false;
  value = std::move(secret.value);
  return true;
}

// Expansion has put the secret itself in the place of what was written, which is all that is kept.
bool read_secret_name(YamlSection& section, const std::string& key, SettingValue& value) {
  constexpr std::string_view kOpening = "${secret:";
  SecretText secret;
  if (!section.secret_text(key, secret)) return false;
  if (secret.written.empty() && secret.value.empty()) {  // the default
    value = std::string();
    return true;
  }
  std::string_view name = secret.written;
  const bool is_opened = secret.secret && name.starts_with(kOpening) && name.ends_with('}');
  if (is_opened) name = name.substr(kOpening.size(), name.size() - kOpening.size() - 1);
  if (!is_opened || name.find_first_of("${}") != std::string_view::npos) {
    section.refuse(key, key + " is a secret, and does not stand in a file as it is",
                   "write ${secret:NAME} alone, and `weir secret set NAME`");
    return false;
  }
  value = std::string(name);
  return true;
}

Yaml yaml_of(const Json& value) {
  Yaml node;
  if (value.is_array()) {
    node.kind = Yaml::Kind::sequence;
    for (const Json& item : value.array()) node.items.push_back(yaml_of(item));
    return node;
  }
  node.kind = Yaml::Kind::scalar;
  node.text = value.is_string() ? value.as_string() : value.dump();
  node.written = node.text;
  return node;
}

Result<SettingValue> value_of_node(const Setting& setting, Yaml node, const Position& at, Json& written) {
  Yaml root;
  root.kind = Yaml::Kind::mapping;
  root.at = node.at = at;
  for (Yaml& item : node.items) item.at = at;
  const std::string key = setting.name;
  root.entries.push_back({key, at, std::move(node)});
  YamlReader reader(root, "a setting");
  SettingValue value;
  read_value(reader, key, setting, value, written);
  std::vector<Error> errors = reader.finish();
  if (!errors.empty()) return std::move(errors.front());
  return value;
}

}  // namespace

std::string last_part(std::string_view name) {
  const size_t dot = name.rfind('.');
  return std::string(dot == std::string_view::npos ? name : name.substr(dot + 1));
}

bool read_value(YamlSection& section, const std::string& key, const Setting& setting, SettingValue& value,
                Json& written) {
  const auto read = [&]() -> bool {
    switch (setting.type) {
      case SettingType::text:
        return take<std::string>(value, [&](auto& into) { return section.text(key, into); });
      case SettingType::secret:
        return read_secret(section, key, value);
      case SettingType::secret_name:
        return read_secret_name(section, key, value);
      case SettingType::flag:
        return take<bool>(value, [&](auto& into) { return section.flag(key, into); });
      case SettingType::integer:
        return take<int64_t>(value, [&](auto& into) { return section.integer(key, into, integer_bounds(setting)); });
      case SettingType::number:
        return take<double>(value, [&](auto& into) { return section.number(key, into, number_bounds(setting)); });
      case SettingType::duration:
        return read_duration(section, key, setting, value);
      case SettingType::size:
        return read_size(section, key, setting, value);
      case SettingType::choice:
        return read_choice(section, key, setting, value);
      case SettingType::texts:
        return take<std::vector<std::string>>(value, [&](auto& into) { return section.texts(key, into); });
    }
    return false;
  };
  if (!read()) return false;
  const Yaml* node = section.node().find(key);
  written = node == nullptr ? Json() : plain_json(*node);
  return true;
}

Result<SettingValue> built_in_value(const Setting& setting) {
  Json written;
  return value_of_node(setting, yaml_of(setting.otherwise), {}, written);
}

Result<SettingValue> value_of_text(const Setting& setting, std::string_view text, const std::string& where,
                                   Json& written) {
  Json given(text);
  if (setting.type == SettingType::texts) {
    given = Json(Json::Array{});
    for (std::string_view part : split(text, ',')) given.push(std::string(trim(part)));
  }
  return value_of_node(setting, yaml_of(given), {where, 0, 0}, written);
}

}  // namespace weir::project
