// Which weir this is, and what it stands on.
#pragma once

#include <string>

namespace weir::app {

inline constexpr const char* kVersion = WEIR_VERSION;  // from CMake
std::string versions();                                // a line each

}  // namespace weir::app
