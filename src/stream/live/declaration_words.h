// The words of a declaration that stand for values of an enum: one list for reading files, for keeping them as JSON and
// for messages. For declaration*.cpp. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stream/live/declaration.h"

namespace weir::live {

const std::vector<std::pair<std::string, MeasureKind>>& kind_words();
const std::vector<std::pair<std::string, Beyond>>& beyond_words();
const char* beyond_word(Beyond beyond);

}  // namespace weir::live
