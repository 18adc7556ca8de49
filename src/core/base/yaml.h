// A YAML file as a value, before anybody decided what its words mean.
//
// Scalars stay the text they are in the file (`no`, `1.10` and `2023-01-31` are not guessed into something else); the
// field that takes one decides its type, see yaml_reader.h. Every node knows its place. Limits: 1 MiB, depth 32, 100
// 000 nodes, 10 000 of them through aliases; one document a file; duplicate keys, tags, merge keys, keys that are not
// text, control characters and bytes that are not UTF-8 are refused with their place. Pure values; safe to share while
// nobody writes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir {

struct YamlEntry;

struct Yaml {
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  Position at;            // where it begins
  std::string text;       // a scalar's value, after expansion
  std::string written;    // a scalar as the file has it, `${…}` unexpanded: the only form that may be shown or stored
  bool quoted = false;    // written in quotes or as a block: text for certain
  bool expanded = false;  // `${…}` was replaced
  bool secret = false;    // some of `text` came from a secret source: it is never printed
  std::vector<Yaml> items;         // of a sequence
  std::vector<YamlEntry> entries;  // of a mapping, in the file's order

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }
  const Yaml* find(std::string_view key) const;  // nullptr if absent or no mapping
  // For messages, never with a secret: "'yes'", "a list", "a mapping", "nothing".
  std::string described() const;
};

struct YamlEntry {
  std::string key;
  Position key_at;
  Yaml value;
};

struct YamlSource {
  std::string file;    // as messages should name it
  int first_line = 1;  // of the text within its file: front matter does not begin at the top
};

// An empty text, or one of comments only, is a null.
Result<Yaml> parse_yaml(std::string_view text, const YamlSource& source);

// What stands for `${reference}`: the caller knows environments, files and secrets; this library opens nothing.
struct YamlExpansion {
  std::string value;
  bool secret = true;
};
using YamlExpander = std::function<Result<YamlExpansion>(std::string_view reference)>;

// Replaces every `${NAME}`, `${file:path}` … in scalars (never in keys) by what `expander` answers for the words
// between the braces; `$${` stands for `${`. Nothing is expanded twice, one value is at most 64 KiB. Errors are added,
// at their place.
void expand_yaml(Yaml& root, const YamlExpander& expander, std::vector<Error>& errors);

// `over` laid over `base`: mappings are merged key by key, anything else replaces. Places stay those of their files.
Yaml overlay_yaml(Yaml base, const Yaml& over);

// By YAML's core schema: unquoted true, false, null, integers and decimals become such, all else is text. For values
// whose type is not ours to know. A secret is given as written.
Json plain_json(const Yaml& value);

}  // namespace weir
