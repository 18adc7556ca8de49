// What declarations have in common: names, descriptions, lists without repetition, SQL inside of YAML. For those of
// tables and flows, and of the rooms above. Mistakes go to the given section's reader, with their places. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/yaml_reader.h"

namespace weir::flow {

inline constexpr size_t kDescriptionBytesMax = 4'096;

// True if it is [a-z][a-z0-9_]{0,62}; otherwise says that it is none, with a suggestion. `what`: "column".
bool check_name(YamlSection& in, const std::string& name, const Position& at, std::string_view what);
// The file's name; a key `name` is refused.
void check_file_name(YamlReader& in, const std::string& name, std::string_view kind);
void read_description(YamlSection& in, std::string& into);
// A text, or a list of them: `affects: day` and `affects: [day, week]`. False after a mistake or if it is absent.
bool read_text_or_texts(YamlSection& in, std::string_view key, std::vector<std::string>& into);
// A list of 1 to `count_max` names, none twice. False after a mistake or if it is absent.
bool read_names(YamlSection& in, std::string_view key, std::string_view what, size_t count_max,
                std::vector<std::string>& into, Need need = Need::optional);
// Says that there are more than are allowed. True if there are not.
bool check_count(YamlSection& in, std::string_view key, size_t count, size_t count_max);
// The same of a list's or a mapping's entries, before they are read: what is read half has mistakes of its own.
bool check_entries(YamlSection& in, std::string_view key, size_t count_max);
// SQL of a block (`sql: |`), whose judge (sql_text.h) counts lines within it.
using SqlJudge = Result<std::string> (*)(std::string_view sql);
void read_sql(YamlSection& in, std::string_view key, SqlJudge judge, std::string& into);

}  // namespace weir::flow
