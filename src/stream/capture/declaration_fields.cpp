#include "stream/capture/declaration_fields.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/text.h"
#include "stream/capture/declaration.h"

namespace weir::capture {
namespace {

constexpr size_t kPatternBytesMax = 1'000;
constexpr int64_t kPatternMemoryMax = 1 << 20;  // as when events are judged
constexpr size_t kValuesMax = 1'000;
constexpr int64_t kLengthMax = 1 << 20;          // no record is longer
constexpr int64_t kExactMax = int64_t{1} << 53;  // beyond, bounds as doubles would move
constexpr const char* kNameRule = "a name is a-z, 0-9 and _, begins with a letter and has at most 63 characters";

using Types = std::vector<FieldType>;

// A rule of a field and the types that have it.
struct Rule {
  const char* key;
  Types types;
  const char* hint;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = {
      {"values", {FieldType::string}, "for numbers there are min and max"},
      {"min", {FieldType::integer, FieldType::number, FieldType::decimal}, "for lengths there is min_length"},
      {"max", {FieldType::integer, FieldType::number, FieldType::decimal}, "for lengths there is max_length"},
      {"min_length", {FieldType::string, FieldType::array}, "for numbers there is min"},
      {"max_length", {FieldType::string, FieldType::array}, "for numbers there is max"},
      {"pattern", {FieldType::string}, "declare it as a string, or remove the pattern"},
      {"precision", {FieldType::decimal}, "remove it"},
      {"scale", {FieldType::decimal}, "remove it"},
      {"fields", {FieldType::object}, "write type: object, or remove the fields"},
      {"items", {FieldType::array}, "write type: array, or remove the items"},
  };
  return kRules;
}

// What other systems call our types.
std::string meant_type(const std::string& word) {
  static const std::map<std::string, std::string> kOthers = {
      {"int", "integer"},       {"int32", "integer"},      {"int64", "integer"},   {"bigint", "integer"},
      {"long", "integer"},      {"smallint", "integer"},   {"bool", "boolean"},    {"float", "number"},
      {"double", "number"},     {"real", "number"},        {"numeric", "decimal"}, {"money", "decimal"},
      {"text", "string"},       {"varchar", "string"},     {"str", "string"},      {"char", "string"},
      {"enum", "string"},       {"datetime", "timestamp"}, {"time", "timestamp"},  {"timestamptz", "timestamp"},
      {"instant", "timestamp"}, {"map", "object"},         {"struct", "object"},   {"record", "object"},
      {"dict", "object"},       {"list", "array"},         {"any", "json"},        {"variant", "json"},
      {"super", "json"},        {"jsonb", "json"},         {"guid", "uuid"}};
  auto found = kOthers.find(to_lower(word));
  if (found != kOthers.end()) return "did you mean '" + found->second + "'?";
  return did_you_mean(to_lower(word), type_words());
}

bool is_among(FieldType type, const Types& types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::string words_of(const Types& types) {
  std::vector<std::string> words;
  for (FieldType type : types) words.push_back(type_words()[static_cast<size_t>(type)]);
  return join(words, ", ");
}

const std::string& word_of(FieldType type) {
  return type_words()[static_cast<size_t>(type)];
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

re2::RE2::Options pattern_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryMax);
  return options;
}

class FieldReader {
 public:
  explicit FieldReader(YamlSection& in) : in_(in) {}

  void mapping(const Yaml& node, const std::string& path, int depth, std::vector<Field>& into) {
    for (const YamlEntry& entry : node.entries) {
      const std::string here = path.empty() ? entry.key : path + "." + entry.key;
      check_name(in_, entry.key, entry.key_at, "field");
      Field field;
      field.name = entry.key;
      if (one(entry.value, here, depth, field)) into.push_back(std::move(field));
      if (full_) return;
    }
  }

 private:
  // A field as written: a type's word, or a mapping.
  bool one(const Yaml& node, const std::string& path, int depth, Field& into) {
    if (full_) return false;
    if (++count_ > kFieldsMax) {
      full_ = true;
      in_.refuse_at(node.at, "more than " + std::to_string(kFieldsMax) + " fields, nested ones included",
                    "declare the rest as one field of type json");
      return false;
    }
    if (depth > kFieldDepthMax) {
      in_.refuse_at(node.at, "field " + shown(path) + " lies deeper than " + std::to_string(kFieldDepthMax) + " levels",
                    "declare it as json");
      return false;
    }
    const std::string what = "field " + shown(path);
    if (node.is_mapping()) return rules_of(node, what, path, depth, into);
    if (node.is_scalar()) {
      if (!type(node, what, into.type)) return false;
      if (into.type == FieldType::object || into.type == FieldType::array) {
        const char* needed = into.type == FieldType::object ? "fields" : "items";
        in_.refuse_at(node.at, what + " is of type " + word_of(into.type) + " and needs '" + needed + "'",
                      into.type == FieldType::object ? "write {type: object, fields: {…}}, or json for any"
                                                     : "write {type: array, items: string}, or json for any");
        return false;
      }
      return true;
    }
    in_.refuse_at(node.at, what + " needs a type, found " + node.described() + "; expected one of " + type_list(),
                  "for example: " + into.name + (into.name.empty() ? "string" : ": string"));
    return false;
  }

  bool type(const Yaml& node, const std::string& what, FieldType& into) {
    const auto& words = type_words();
    auto found = std::find(words.begin(), words.end(), node.is_scalar() ? node.text : "");
    if (found == words.end()) {
      const bool shows = node.is_scalar() && !node.secret;
      in_.refuse_at(node.at, what + " has the type " + node.described() + ", expected one of " + type_list(),
                    shows ? meant_type(node.text) : "");
      return false;
    }
    into = static_cast<FieldType>(found - words.begin());
    return true;
  }

  bool rules_of(const Yaml& node, const std::string& what, const std::string& path, int depth, Field& into) {
    auto opened = in_.open(node, what);
    if (!opened) return false;
    YamlSection& in = *opened;
    const Yaml* word = in.value("type");
    bool typed = word != nullptr && type(*word, what, into.type);
    if (word == nullptr) {
      const char* guess = in.has("fields") ? "object" : in.has("items") ? "array" : "string";
      in.refuse_at(node.at, what + " needs 'type': one of " + type_list(), std::string("for example type: ") + guess);
    }
    common(in, depth, into);
    for (const Rule& rule : rules()) {
      const bool given = in.value(rule.key) != nullptr;
      if (!typed || !given || is_among(into.type, rule.types)) continue;
      in.refuse(rule.key, "belongs to " + words_of(rule.types) + "; " + what + " is of type " + word_of(into.type),
                rule.hint);
    }
    const Yaml* otherwise = in.value("default");
    if (!typed) return false;
    text_rules(in, into);
    number_rules(in, into);
    if (into.type == FieldType::object) members(in, what, path, depth, into);
    if (into.type == FieldType::array) items(in, what, path, depth, into);
    if (otherwise != nullptr && !into.name.empty()) read_default(in, *otherwise, into);
    return true;
  }

  // What every type has.
  void common(YamlSection& in, int depth, Field& into) {
    read_description(in, into.description);
    in.flag("nullable", into.nullable);
    in.flag("required", into.required);
    in.flag("subject", into.subject);
    in.text("was", into.was);
    if (into.name.empty()) {
      for (const char* key : {"required", "default", "was", "subject"}) {
        if (in.has(key)) in.refuse(key, "has no meaning for the items of an array", "remove it");
      }
      return;
    }
    const bool top = depth == 1;
    if (!into.was.empty() && !top) {
      in.refuse("was", "only top-level fields can be renamed", "add the new one and keep the old one for a while");
    } else if (!into.was.empty() && into.was == into.name) {
      in.refuse("was", "is the field's own name", "write its former name, or remove the line");
    } else if (!into.was.empty()) {
      check_name(in, into.was, in.value("was")->at, "former name");
    }
    if (into.subject && (!top || !is_among(into.type, {FieldType::string, FieldType::uuid, FieldType::integer}))) {
      in.refuse("subject", "names a person by a top-level string, uuid or integer", "move it to such a field");
    }
  }

  void text_rules(YamlSection& in, Field& into) {
    if (into.type == FieldType::string || into.type == FieldType::array) {
      in.integer("min_length", into.length_min, {0, kLengthMax});
      in.integer("max_length", into.length_max, {0, kLengthMax});
      if (into.length_min && into.length_max && *into.length_min > *into.length_max) {
        in.refuse("max_length",
                  std::to_string(*into.length_max) + " is below min_length " + std::to_string(*into.length_min));
      }
    }
    if (into.type != FieldType::string) return;
    if (in.text("pattern", into.pattern)) pattern(in, into);
    if (in.texts("values", into.values)) values(in, into);
  }

  void pattern(YamlSection& in, Field& into) {
    std::string wrong;
    if (into.pattern.empty()) {
      wrong = "is empty, expected a regular expression of RE2";
    } else if (into.pattern.size() > kPatternBytesMax) {
      wrong = "has " + std::to_string(into.pattern.size()) + " bytes, allowed are " + std::to_string(kPatternBytesMax);
    } else if (re2::RE2 compiled(into.pattern, pattern_options()); !compiled.ok()) {
      wrong = shown(into.pattern) + " does not compile: " + compiled.error();
    }
    if (wrong.empty()) return;
    in.refuse("pattern", wrong, "the syntax is RE2's: no look-around, no back-references");
    into.pattern.clear();  // its values and default are not blamed for it
  }

  void values(YamlSection& in, Field& into) {
    const Yaml& list = *in.value("values");
    if (into.values.empty())
      in.refuse("values", "is empty: no event would fit", "write the allowed texts, or remove it");
    if (into.values.size() > kValuesMax) {
      in.refuse("values", std::to_string(into.values.size()) + " texts, allowed are " + std::to_string(kValuesMax));
      return;
    }
    Field alone = into;
    alone.values.clear();
    std::set<std::string_view> seen;
    for (size_t i = 0; i < into.values.size(); ++i) {
      std::string wrong = text_misfit(alone, into.values[i]);
      if (!seen.insert(into.values[i]).second) wrong = shown(into.values[i]) + " is listed twice";
      if (!wrong.empty()) in.refuse_at(list.items[i].at, "values: " + wrong);
    }
  }

  void number_rules(YamlSection& in, Field& into) {
    if (into.type == FieldType::decimal) {
      in.integer("precision", into.precision, {1, 18});
      const int scale_otherwise = std::min(into.scale, into.precision);
      into.scale = scale_otherwise;
      if (in.integer("scale", into.scale, {0, 18}) && into.scale > into.precision) {
        in.refuse("scale", std::to_string(into.scale) + " is above the precision " + std::to_string(into.precision),
                  "the scale counts those of the digits that stand behind the point");
        into.scale = scale_otherwise;
      }
    }
    if (into.type == FieldType::integer) {
      int64_t bound = 0;
      if (in.integer("min", bound, {-kExactMax, kExactMax})) into.minimum = static_cast<double>(bound);
      if (in.integer("max", bound, {-kExactMax, kExactMax})) into.maximum = static_cast<double>(bound);
    } else if (into.type == FieldType::number || into.type == FieldType::decimal) {
      Between<double> range;
      if (into.type == FieldType::decimal) {
        range.max = std::pow(10.0, into.precision - into.scale);
        range.min = -range.max;
      }
      in.number("min", into.minimum, range);
      in.number("max", into.maximum, range);
    }
    if (into.minimum && into.maximum && *into.minimum > *into.maximum) {
      in.refuse("max", shown(in.value("max")->text) + " is below min " + shown(in.value("min")->text));
    }
  }

  void members(YamlSection& in, const std::string& what, const std::string& path, int depth, Field& into) {
    const Yaml* fields = in.value("fields");
    if (fields != nullptr && fields->is_mapping() && !fields->entries.empty()) {
      mapping(*fields, path, depth + 1, into.fields);
      return;
    }
    const std::string found = fields == nullptr ? "nothing" : fields->is_mapping() ? "none" : fields->described();
    in.refuse("fields", what + " is an object and needs its fields, found " + found,
              "write a mapping of names to types; type: json takes any value");
  }

  void items(YamlSection& in, const std::string& what, const std::string& path, int depth, Field& into) {
    const Yaml* items = in.value("items");
    if (items == nullptr) {
      in.refuse("items", what + " is an array and needs the type of its items", "for example items: string");
      return;
    }
    Field item;
    if (one(*items, path + "[]", depth + 1, item)) into.items.push_back(std::move(item));
  }

  void read_default(YamlSection& in, const Yaml& node, Field& into) {
    auto value = default_value(into, node);
    if (value) {
      into.otherwise = std::move(*value);
      return;
    }
    const Error& error = value.error();
    in.refuse_at(error.position ? *error.position : node.at, "default: " + error.message, error.hint);
  }

  YamlSection& in_;
  size_t count_ = 0;
  bool full_ = false;
};

}  // namespace

const std::vector<std::string>& type_words() {
  static const std::vector<std::string> kWords = {"boolean",   "integer", "number", "decimal", "string", "uuid",
                                                  "timestamp", "date",    "json",   "object",  "array"};
  return kWords;
}

std::string type_list() {
  return join(type_words(), ", ");
}

bool check_name(YamlSection& in, const std::string& name, const Position& at, std::string_view what) {
  if (is_identifier(name)) return true;
  std::string message = std::string(what) + " " + shown(name);
  if (!name.empty() && name[0] == '_') {
    in.refuse_at(at, message + ": names that begin with _ are weir's own columns", "leave the _ out");
    return false;
  }
  const std::string lower = to_lower(name);
  in.refuse_at(at, message + " is no name: " + kNameRule, is_identifier(lower) ? "did you mean '" + lower + "'?" : "");
  return false;
}

void read_description(YamlSection& in, std::string& into) {
  if (in.text("description", into) && into.size() > kDescriptionBytesMax) {
    in.refuse("description",
              "has " + std::to_string(into.size()) + " bytes, allowed are " + std::to_string(kDescriptionBytesMax));
  }
}

std::string text_misfit(const Field& field, std::string_view text) {
  const auto length = static_cast<int64_t>(characters(text));
  if (!field.values.empty() && std::find(field.values.begin(), field.values.end(), text) == field.values.end()) {
    return shown(text) + " is not in values; " + did_you_mean(text, field.values);
  }
  if (field.length_min && length < *field.length_min) {
    return shown(text) + " has " + std::to_string(length) + " characters, min_length is " +
           std::to_string(*field.length_min);
  }
  if (field.length_max && length > *field.length_max) {
    return shown(text) + " has " + std::to_string(length) + " characters, max_length is " +
           std::to_string(*field.length_max);
  }
  if (field.pattern.empty()) return {};
  const re2::RE2 compiled(field.pattern, pattern_options());
  const bool fits = re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled);
  return fits ? std::string() : shown(text) + " does not match the pattern " + shown(field.pattern);
}

void read_fields(YamlSection& in, std::vector<Field>& into, std::string_view key) {
  const Yaml* fields = in.value(key);
  if (fields == nullptr || !fields->is_mapping()) {
    const bool list = fields != nullptr && fields->is_sequence();
    in.refuse(
        key, "expected a mapping of names to types, found " + (fields ? fields->described() : "nothing"),
        list ? "write 'user_id: string' without the '- '" : "for example " + std::string(key) + ": {user_id: string}");
    return;
  }
  FieldReader(in).mapping(*fields, "", 1, into);
}

}  // namespace weir::capture
