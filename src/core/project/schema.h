// What can be declared, for editors and for people: JSON Schema (2020-12) of each file, and the reference of settings
// as Markdown. Pure functions of a registry.
#pragma once

#include <string>

#include "core/base/json.h"
#include "core/project/project.h"

namespace weir::project {

Json settings_schema(const SettingTable& table);  // of weir.yaml and environments/*.yaml
// {"weir.yaml": schema, "environments/*.yaml": schema, "streams/*.yaml": schema, …}: what `weir schema` prints.
Json all_schemas(const Registry& registry);
// docs/reference/config.md.
std::string settings_markdown(const SettingTable& table);

}  // namespace weir::project
