// Which path of a project's folder is what. Internal to core/project.
#pragma once

#include <string_view>
#include <vector>

#include "core/project/project.h"

namespace weir::project {

// "streams/clicks.yaml" for the kind with the folder "streams", "tables/ads.sql" for one of SQL files; nothing deeper,
// but for a kind of folders all that is read below "reviews/warehouse/".
bool is_declaration_of(const Kind& kind, std::string_view path);
// The file's name without folder and ending, of a declaration of the kind; or the name of its folder.
std::string declaration_name(const Kind& kind, std::string_view path);
// What lies in the folder and is read by nobody although it looks as if it should be.
void warn_about_others(const Sources& sources, const Registry& registry, std::vector<Error>& warnings);

}  // namespace weir::project
