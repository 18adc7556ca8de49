// What can be declared, for editors and for people: JSON Schema (2020-12) of each file, and the reference of settings
// as Markdown. Pure functions of a registry.
#pragma once

#include <string>

#include "core/base/json.h"
#include "core/project/project.h"

namespace weir::project {

Json settings_schema(const SettingTable& table);  // of weir.yaml and environments/*.yaml
// {"weir.yaml": schema, "environments/*.yaml": schema, "streams/*.yaml": schema, …}: what `weir schema` prints. Of an
// SQL file ("tables/*.sql") it is the front matter that is described.
Json all_schemas(const Registry& registry);
std::string settings_markdown(const SettingTable& table);
// One kind's file: every key with type, default, what is allowed and what it means, from its JSON Schema.
std::string kind_markdown(const Kind& kind);
// docs/reference/config.md: the settings, then each kind.
std::string config_markdown(const Registry& registry);

}  // namespace weir::project
