#include "core/project/settings.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "core/project/setting_values.h"

namespace weir::project {

const char* setting_type_name(SettingType type) {
  switch (type) {
    case SettingType::text:
      return "text";
    case SettingType::secret:
      return "secret text";
    case SettingType::secret_name:
      return "`${secret:NAME}`";
    case SettingType::flag:
      return "true or false";
    case SettingType::integer:
      return "integer";
    case SettingType::number:
      return "number";
    case SettingType::duration:
      return "duration";
    case SettingType::size:
      return "size";
    case SettingType::choice:
      return "one of";
    case SettingType::texts:
      return "list of texts";
  }
  return "";
}

const char* origin_name(Origin origin) {
  switch (origin) {
    case Origin::built_in:
      return "default";
    case Origin::file:
      return "file";
    case Origin::environment:
      return "environment";
    case Origin::flag:
      return "flag";
  }
  return "";
}

std::string environment_name(std::string_view setting) {
  std::string name = "WEIR_";
  for (const char c : setting) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

void check_table(const SettingTable& table) {
  for (const Setting& setting : table) {
    for (std::string_view part : split(setting.name, '.'))
      CHECK(is_identifier(part) || part == "*", "a setting's name is dotted identifiers");
    CHECK(!setting.prose.empty() && !setting.example.empty(), "a setting has prose and an example");
    CHECK((setting.type == SettingType::choice) == !setting.choices.empty(), "a choice has choices, nothing else has");
    auto value = built_in_value(setting);
    CHECK(value, "a setting's default fits its own type and bounds");
    CHECK(!setting.check || setting.check(*value), "a setting's default passes its own check");
  }
}

// --- asking ---------------------------------------------------------------------------------------------------------

const Effective& Settings::find(std::string_view name, SettingType type) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Effective& one) { return one.name == name; });
  CHECK(found != all_.end(), "a setting is asked for by a name that some table declares");
  const bool as_text =
      type == SettingType::text && (found->type == SettingType::choice || found->type == SettingType::secret ||
                                    found->type == SettingType::secret_name);
  CHECK(found->type == type || as_text, "a setting is asked for by its own type");
  return *found;
}

const std::string& Settings::text(std::string_view name) const {
  return std::get<std::string>(find(name, SettingType::text).value);
}
bool Settings::flag(std::string_view name) const {
  return std::get<bool>(find(name, SettingType::flag).value);
}
int64_t Settings::integer(std::string_view name) const {
  return std::get<int64_t>(find(name, SettingType::integer).value);
}
double Settings::number(std::string_view name) const {
  return std::get<double>(find(name, SettingType::number).value);
}
Duration Settings::duration(std::string_view name) const {
  return {std::get<int64_t>(find(name, SettingType::duration).value)};
}
uint64_t Settings::size(std::string_view name) const {
  return static_cast<uint64_t>(std::get<int64_t>(find(name, SettingType::size).value));
}
const std::vector<std::string>& Settings::texts(std::string_view name) const {
  return std::get<std::vector<std::string>>(find(name, SettingType::texts).value);
}

std::vector<std::string> Settings::names(std::string_view section) const {
  std::vector<std::string> out;
  for (const auto& [of, name] : names_) {
    if (of == section) out.push_back(name);
  }
  return out;
}

// A name may hold dots itself, so what stands for `*` is what is left between the ends.
bool covers(std::string_view setting, std::string_view name) {
  const size_t star = setting.find('*');
  if (star == std::string_view::npos) return setting == name;
  const std::string_view begin = setting.substr(0, star), end = setting.substr(star + 1);
  return name.size() > begin.size() + end.size() && name.starts_with(begin) && name.ends_with(end);
}

Json Settings::declared() const {
  return declared_;
}

Json Settings::to_json() const {
  Json list(Json::Array{});
  for (const Effective& one : all_) {
    list.push(Json::Object{{"name", one.name},
                           {"value", one.written},
                           {"origin", origin_name(one.origin)},
                           {"where", one.where},
                           {"needs_restart", one.needs_restart}});
  }
  return list;
}

// --- reading --------------------------------------------------------------------------------------------------------

namespace {

// The names as a tree: sections, then leaves.
struct Branch {
  std::map<std::string, Branch> below;
  const Setting* leaf = nullptr;
};

Branch tree_of(const SettingTable& table) {
  Branch root;
  for (const Setting& setting : table) {
    Branch* at = &root;
    for (std::string_view part : split(setting.name, '.')) {
      CHECK(at->leaf == nullptr, "a setting's name is no section of another");
      at = &at->below[std::string(part)];
    }
    CHECK(at->leaf == nullptr && at->below.empty(), "a setting's name is declared once");
    at->leaf = &setting;
  }
  return root;
}

// `engine: duckdb` is short for `engine: {url: duckdb}`, wherever a section has a url.
Yaml with_short_forms_opened(Yaml node, const Branch& branch) {
  if (node.is_scalar() && branch.leaf == nullptr && branch.below.contains("url")) {
    Yaml opened;
    opened.kind = Yaml::Kind::mapping;
    opened.at = node.at;
    const Position at = node.at;
    opened.entries.push_back({"url", at, std::move(node)});
    return opened;
  }
  for (YamlEntry& entry : node.entries) {
    auto found = branch.below.find(entry.key);
    if (found == branch.below.end()) found = branch.below.find("*");
    if (found != branch.below.end()) entry.value = with_short_forms_opened(std::move(entry.value), found->second);
  }
  return node;
}

std::string place(const Position& at) {
  return at.line == 0 ? at.file : at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace

class SettingsReader {
 public:
  SettingsReader(const SettingTable& table, std::vector<Error>& errors, std::vector<Error>& warnings)
      : errors_(errors), warnings_(warnings), tree_(tree_of(table)) {
    for (const Setting& setting : table) {
      if (!setting.is_of_many()) add(setting, setting.name);
    }
  }

  void read_file(const Yaml& file) {
    const Yaml opened = with_short_forms_opened(file, tree_);
    YamlReader reader(opened, "weir.yaml");
    read_section(reader, tree_, "");
    for (Error& error : reader.finish()) errors_.push_back(std::move(error));
  }

  void read_environment(const std::map<std::string, std::string>& environment) {
    std::vector<std::string> names;
    for (const Effective& one : settings_.all_) names.push_back(environment_name(one.name));
    for (const auto& [name, text] : environment) {
      if (!name.starts_with("WEIR_") || is_other(name)) continue;
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) {
        const auto near = nearest(name, names);
        warnings_.push_back(Error(Code::invalid, "the environment variable " + shown(name) + " is no setting",
                                  near ? did_you_mean(name, names) : "`weir schema --markdown` lists them"));
        continue;
      }
      read_text(static_cast<size_t>(found - names.begin()), text, name, Origin::environment);
    }
  }

  void read_flag(const std::string& name, const std::string& text) {
    std::vector<std::string> names;
    for (const Effective& one : settings_.all_) names.push_back(one.name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      errors_.push_back(Error(Code::invalid, "there is no setting " + shown(name), did_you_mean(name, names)));
      return;
    }
    read_text(static_cast<size_t>(found - names.begin()), text, "flag " + name, Origin::flag);
  }

  Settings finish() {
    for (size_t i = 0; i < settings_.all_.size(); ++i) {
      const Setting& setting = *settings_of_[i];
      if (!setting.check || settings_.all_[i].origin == Origin::built_in) continue;
      auto judged = setting.check(settings_.all_[i].value);
      if (judged) continue;
      Error error = judged.error();
      error.message = settings_.all_[i].name + ": " + error.message;
      errors_.push_back(std::move(error.at(positions_[i])));
    }
    return std::move(settings_);
  }

 private:
  // Names that begin like a setting's and are none: read by the program itself.
  static bool is_other(const std::string& name) {
    static constexpr std::string_view kOthers[] = {"WEIR_KEY", "WEIR_TOKEN",    "WEIR_SERVER",   "WEIR_ENV",
                                                   "WEIR_DIR", "WEIR_CRASH_AT", "WEIR_CRASH_LOG"};
    return std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers) ||
           name.starts_with("WEIR_TEST_");
  }

  void add(const Setting& setting, std::string name) {
    auto value = built_in_value(setting);
    CHECK(value, "defaults were checked with the table");
    settings_.all_.push_back({std::move(name), setting.type, std::move(*value), setting.otherwise, Origin::built_in, "",
                              setting.needs_restart});
    settings_of_.push_back(&setting);
  }

  // `above`: what the section's settings begin with, "buckets.landing.".
  void read_section(YamlSection& section, const Branch& branch, const std::string& above) {
    for (const auto& [key, below] : branch.below) {
      if (below.leaf != nullptr) {
        read_leaf(section, key, *below.leaf, above + key);
      } else if (below.below.contains("*")) {
        read_many(section, key, below.below.at("*"), above + key);
      } else if (auto inner = section.section(key, "'" + key + "'")) {
        read_section(*inner, below, above + key + ".");
      }
    }
  }

  void read_leaf(YamlSection& section, const std::string& key, const Setting& setting, const std::string& name) {
    SettingValue value;
    Json written;
    if (!read_value(section, key, setting, value, written)) return;
    settings_.declared_.set(name, written);
    const auto found = std::find_if(settings_.all_.begin(), settings_.all_.end(),
                                    [&](const Effective& one) { return one.name == name; });
    store(static_cast<size_t>(found - settings_.all_.begin()), std::move(value), std::move(written), Origin::file,
          section.node().find(key)->at);
  }

  // Sections that people name, below `key`.
  void read_many(YamlSection& section, const std::string& key, const Branch& branch, const std::string& above) {
    for (YamlSection& one : section.named_sections(key, "'" + key + "'")) {
      const std::string name = one.name();
      settings_.names_.emplace_back(above, name);
      for (const auto& [last, below] : branch.below) {
        CHECK(below.leaf != nullptr, "a section that people name has settings, and no sections");
        add(*below.leaf, above + "." + name + "." + last);
        if (!below.leaf->check_name) continue;
        if (const Status good = below.leaf->check_name(name); !good) {
          section.refuse_at(one.node().at, above + ": " + good.error().message, good.error().hint);
        }
      }
      read_section(one, branch, above + "." + name + ".");
    }
  }

  void read_text(size_t index, const std::string& text, const std::string& where, Origin origin) {
    Json written;
    auto value = value_of_text(*settings_of_[index], text, where, written);
    if (!value) {
      errors_.push_back(std::move(value).error());
    } else {
      store(index, std::move(*value), std::move(written), origin, {where, 0, 0});
    }
  }

  void store(size_t index, SettingValue value, Json written, Origin origin, const Position& at) {
    Effective& one = settings_.all_[index];
    one.value = std::move(value);
    one.written = std::move(written);
    one.origin = origin;
    one.where = place(at);
    positions_[index] = at;
  }

  std::vector<Error>& errors_;
  std::vector<Error>& warnings_;
  Branch tree_;
  Settings settings_;
  std::vector<const Setting*> settings_of_;  // of each in settings_.all_
  std::map<size_t, Position> positions_;
};

Settings read_settings(const SettingTable& table, const SettingSources& sources, std::vector<Error>& errors,
                       std::vector<Error>& warnings) {
  SettingsReader reader(table, errors, warnings);
  if (sources.file != nullptr) reader.read_file(*sources.file);
  reader.read_environment(sources.environment);
  for (const auto& [name, text] : sources.flags) reader.read_flag(name, text);
  return reader.finish();
}

}  // namespace weir::project
