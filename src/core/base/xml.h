// The little XML that S3 and its kin need: elements written one after another, and the texts of flat ones. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir {

void append_element(std::string& out, std::string_view name, std::string_view text);  // escaped

// The texts of every <name>…</name>, in order, with their entities resolved. `invalid` where one is not closed, has
// elements inside, or there are more than `most`.
Result<std::vector<std::string>> element_texts(std::string_view xml, std::string_view name, size_t most);

// What lies between <name> and </name>, in order and as it is written; elements of one name do not nest. `invalid` as
// above.
Result<std::vector<std::string_view>> element_bodies(std::string_view xml, std::string_view name, size_t most);

inline constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

}  // namespace weir
