// Which declarations start which others: names that there are, and no circle. Internal to the room.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/project/project.h"

namespace weir::project {

using DeclarationId = std::pair<std::string, std::string>;  // kind, name
// All that are declared, also those whose files are wrong, with what starts them.
using StarterMap = std::map<DeclarationId, std::vector<Starter>>;

// Each mistake once, where it is written; a circle where its first declaration names the one before it.
std::vector<Error> check_starters(const StarterMap& starters);

}  // namespace weir::project
