// The table of settings: each one declared once, with its prose, type, default, bounds and example. It feeds the reader
// of weir.yaml, the plan, `weir schema` and docs/reference/config.md. Every room may hand in a table of its own
// (Registry::add_settings).
//
// A part of a name may be `*`: "buckets.*.endpoint" is a setting of each section that people name below `buckets`. They
// are declared in files only, and read as "buckets.landing.endpoint"; Settings::names("buckets") has the names.
//
// A setting's value comes from, strongest first: a flag, the environment (WEIR_LAKE_COMMIT_INTERVAL for
// lake.commit_interval), the file (weir.yaml under environments/<env>.yaml), its default. Settings are immutable once
// read; any thread may ask.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"

namespace weir::project {

enum class SettingType {
  text,
  secret,
  secret_name,  // written as ${secret:NAME}, and nothing else: its value is NAME, which is asked for when it is used
  flag,
  integer,
  number,
  duration,
  size,
  choice,
  texts,
};
const char* setting_type_name(SettingType type);

// Duration in microseconds and size in bytes are integers here.
using SettingValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

struct Setting {
  std::string name;  // dotted: "lake.commit_interval"
  SettingType type = SettingType::text;
  Json otherwise;        // the default as the file would have it: "10s", 8, true, ["", "/Prod"]
  std::string prose;     // what it does, in whole sentences
  std::string example;   // as the file would have it
  std::string min = {};  // of integer, number, duration, size; written as in the file
  std::string max = {};
  std::vector<std::string> choices = {};
  bool needs_restart = true;
  // Not empty: once applied it cannot be changed, for this reason.
  std::string fixed_because = {};
  // A room's own judgement of a value that has the right type and bounds.
  std::function<Status(const SettingValue& value)> check = {};
  // Of a setting with `*`: judges the name that people gave. One of the section's settings has it.
  std::function<Status(const std::string& name)> check_name = {};

  bool is_of_many() const { return name.find('*') != std::string::npos; }
};
using SettingTable = std::vector<Setting>;

enum class Origin { built_in, file, environment, flag };
const char* origin_name(Origin origin);  // "default", "file", "environment", "flag"

// A setting with the value that counts.
struct Effective {
  std::string name;
  SettingType type = SettingType::text;
  SettingValue value;
  Json written;  // as a file would have it; the only form that is shown: a secret stays ${…}
  Origin origin = Origin::built_in;
  std::string where;  // "weir.yaml:3:5", "WEIR_STORE", "flag store"; empty for a default
  bool needs_restart = true;
};

class Settings {
 public:
  // Asking for an unknown name or another type is our own mistake and aborts.
  const std::string& text(std::string_view name) const;  // also choice, secret and secret_name
  bool flag(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  Duration duration(std::string_view name) const;
  uint64_t size(std::string_view name) const;
  const std::vector<std::string>& texts(std::string_view name) const;

  // Of the sections below `section` that people named, in the file's order.
  std::vector<std::string> names(std::string_view section) const;

  const std::vector<Effective>& all() const { return all_; }  // in the table's order; then those of `*`
  // What the files themselves say, by name: the body of the project's declaration.
  Json declared() const;
  Json to_json() const;  // [{"name","value","origin","where","needs_restart"}]

 private:
  friend class SettingsReader;
  const Effective& find(std::string_view name, SettingType type) const;
  std::vector<Effective> all_;
  std::vector<std::pair<std::string, std::string>> names_;  // section and name
  Json declared_ = Json(Json::Object{});
};

struct SettingSources {
  const Yaml* file = nullptr;                              // weir.yaml with its environment's overrides
  std::map<std::string, std::string> environment;          // of the process
  std::vector<std::pair<std::string, std::string>> flags;  // name and text, later ones win
};

// Never fails as a whole: all mistakes are in `errors`, and every setting has a value.
Settings read_settings(const SettingTable& table, const SettingSources& sources, std::vector<Error>& errors,
                       std::vector<Error>& warnings);

std::string environment_name(std::string_view setting);  // "WEIR_LAKE_COMMIT_INTERVAL"
// "buckets.*.endpoint" covers "buckets.landing.endpoint".
bool covers(std::string_view setting, std::string_view name);
// CHECKs what a compiler cannot: names, bounds and defaults that parse, prose and an example for each.
void check_table(const SettingTable& table);

}  // namespace weir::project
