// One setting's value: from YAML, from text, from its default, and back to text. Internal to core/project.
#pragma once

#include <string>
#include <string_view>

#include "core/base/yaml_reader.h"
#include "core/project/settings.h"

namespace weir::project {

// Reads `key` of `section` as the setting's type. False if it is absent or wrong; then `section` has the error.
bool read_value(YamlSection& section, const std::string& key, const Setting& setting, SettingValue& value,
                Json& written);
// The default, through the same reader.
Result<SettingValue> built_in_value(const Setting& setting);
// A value from a flag or the environment; lists are separated by commas. Errors are placed at `where`.
Result<SettingValue> value_of_text(const Setting& setting, std::string_view text, const std::string& where,
                                   Json& written);
std::string last_part(std::string_view name);  // "commit_interval" of "lake.commit_interval"

}  // namespace weir::project
