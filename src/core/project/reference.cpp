// docs/reference/config.md from what the program itself knows: the settings' table and the kinds' JSON Schemas.
#include "core/base/text.h"
#include "core/project/schema.h"

namespace weir::project {
namespace {

// Inside a table a bar would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(std::string_view text) {
  return "`" + cell(text) + "`";
}

class KindReference {
 public:
  explicit KindReference(const Json& schema) : schema_(schema) {}

  std::string all() const {
    std::string out = table(schema_);
    // What several keys refer to, where it has keys of its own.
    for (const auto& [name, definition] : schema_["$defs"].object()) {
      if (!has_keys(definition)) continue;
      out += "\n### " + title_of(name, definition) + "\n\n" + definition["description"].as_string() +
             (definition["description"].is_string() ? "\n\n" : "") + table(definition);
    }
    return out;
  }

 private:
  static bool has_keys(const Json& node) { return node["properties"].is_object(); }
  static std::string title_of(const std::string& name, const Json& definition) {
    return definition["title"].is_string() ? definition["title"].as_string() : name;
  }

  std::string table(const Json& node) const {
    std::string out = "| key | type | default | allowed | what it means |\n|---|---|---|---|---|\n";
    rows(node, "", out);
    return out;
  }

  void rows(const Json& node, const std::string& prefix, std::string& out) const {
    for (const auto& [key, property] : node["properties"].object()) {
      bool is_required = false;
      for (const Json& name : node["required"].array()) is_required = is_required || name.as_string() == key;
      const Json* otherwise = property.find("default");
      out += "| " + code(prefix + key) + " | " + type_of(property) + " | " +
             (is_required            ? "required"
              : otherwise == nullptr ? ""
                                     : code(plain(*otherwise))) +
             " | " + cell(allowed(property)) + " | " + cell(property["description"].as_string()) + " |\n";
      if (has_keys(property)) rows(property, prefix + key + ".", out);
    }
  }

  // The definition that a node refers to, with its name; else the node.
  std::pair<std::string, const Json*> resolved(const Json& node) const {
    const std::string& reference = node["$ref"].as_string();
    const size_t slash = reference.rfind('/');
    if (slash == std::string::npos) return {"", &node};
    const std::string name = reference.substr(slash + 1);
    return {name, &schema_["$defs"][name]};
  }

  std::string type_of(const Json& node) const {
    const auto [name, definition] = resolved(node);
    if (!name.empty()) return title_of(name, *definition);
    if (node["enum"].is_array()) return "one of";
    const std::string& type = node["type"].as_string();
    if (type == "array") return "list of " + type_of(node["items"]);
    if (type == "object" && !has_keys(node)) {
      const Json& values = node["additionalProperties"];
      return values.is_object() ? "mapping of names to " + type_of(values) : "mapping";
    }
    if (node["type"].is_array()) {
      std::string out;
      for (const Json& one : node["type"].array()) out += (out.empty() ? "" : " or ") + one.as_string();
      return out;
    }
    return type.empty() ? "any" : type == "object" ? "mapping" : type;
  }

  static std::string plain(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

  static std::string range(const Json& node, const char* least, const char* most, const std::string& unit) {
    const Json *from = node.find(least), *to = node.find(most);
    if (from == nullptr && to == nullptr) return "";
    if (to == nullptr) return "at least " + from->dump() + unit;
    if (from == nullptr) return "at most " + to->dump() + unit;
    return from->dump() + " to " + to->dump() + unit;
  }

  std::string allowed(const Json& referring) const {
    const Json& node = *resolved(referring).second;
    std::vector<std::string> parts;
    std::string words;
    for (const Json& one : node["enum"].array()) words += (words.empty() ? "" : ", ") + plain(one);
    for (std::string part :
         {words, range(node, "minimum", "maximum", ""), range(node, "minLength", "maxLength", " characters"),
          range(node, "minItems", "maxItems", " items"), range(node, "minProperties", "maxProperties", " names")}) {
      if (!part.empty()) parts.push_back(std::move(part));
    }
    if (node["pattern"].is_string()) parts.push_back("`" + node["pattern"].as_string() + "`");
    return join(parts, "; ");
  }

  const Json& schema_;
};

}  // namespace

std::string kind_markdown(const Kind& kind) {
  const Json schema = kind.schema();
  const std::string front_matter =
      kind.is_sql() ? " The keys stand in the file's front matter: YAML between a first line `---` and the next." : "";
  return "\n# " + kind.pattern() + "\n\n" + kind.prose + front_matter + "\n\n" + KindReference(schema).all();
}

std::string config_markdown(const Registry& registry) {
  std::string out = settings_markdown(registry.settings());
  for (const Kind& kind : registry.kinds()) out += kind_markdown(kind);
  return out;
}

}  // namespace weir::project
