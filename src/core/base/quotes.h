// Names and texts as SQL reads them, for statements that are made of pieces which cannot be parameters: names, options
// of COPY, files. Values of users are parameters. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace weir {

std::string quoted_name(std::string_view name);  // "a ""b"""
std::string quoted_text(std::string_view text);  // 'it''s'

}  // namespace weir
