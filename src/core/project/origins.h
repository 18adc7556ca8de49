// The key `cors` of declarations: pages of which origins may read an answer. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/yaml_reader.h"

namespace weir::project {

// scheme://host[:port], as browsers send it.
bool is_origin(std::string_view text);
// A list of origins, or of "*" alone.
void read_origins(YamlSection& in, std::string_view key, size_t count_max, std::vector<std::string>& into);

}  // namespace weir::project
