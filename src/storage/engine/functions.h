// Which functions a user's statement may call: a reviewed list, because the engine has functions that read settings,
// plans, logs and files. What is not listed is refused. Pure functions; names are compared without regard to case.
#pragma once

#include <string_view>

namespace weir::engine {

bool function_is_allowed(std::string_view name);        // scalar, aggregate, window, operator
bool table_function_is_allowed(std::string_view name);  // FROM f(…)

}  // namespace weir::engine
