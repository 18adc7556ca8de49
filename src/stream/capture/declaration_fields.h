// The `fields:` of a stream's declaration, and the `columns:` of a table over foreign files (stream/lake): types,
// rules, nesting, defaults. Mistakes go to the given section's reader, with their places. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/yaml_reader.h"
#include "stream/capture/stream.h"

namespace weir::capture {

inline constexpr size_t kDescriptionBytesMax = 4'096;

// In the order of FieldType.
const std::vector<std::string>& type_words();
// A comma list of them for messages.
std::string type_list();

// Reads the mapping under `key` of `in`.
void read_fields(YamlSection& in, std::vector<Field>& into, std::string_view key = "fields");
void read_description(YamlSection& in, std::string& into);
// Says that the name is none, with a suggestion. True if it is one.
bool check_name(YamlSection& in, const std::string& name, const Position& at, std::string_view what);

// The value of `default:` as an event would carry it. The error is at the node that does not fit, or has no place.
Result<Json> default_value(const Field& field, const Yaml& node);

// What is wrong with a text under the field's own values, lengths and pattern; empty: it fits.
std::string text_misfit(const Field& field, std::string_view text);

}  // namespace weir::capture
