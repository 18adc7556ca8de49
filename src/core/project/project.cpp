#include "core/project/project.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/project/folders.h"
#include "core/project/front_matter.h"
#include "core/project/spine.h"
#include "core/project/starters.h"

namespace weir::project {
namespace {

constexpr size_t kTagsMax = 32;
constexpr size_t kTagBytesMax = 256;
constexpr size_t kExpandedBytesMax = 64u << 10;

}  // namespace

// --- what every declaration may carry -------------------------------------------------------------------------------

void read_common(YamlSection& section, Common& into) {
  section.flag("enabled", into.enabled);
  if (!section.text_map("tags", into.tags)) return;
  if (into.tags.size() > kTagsMax) {
    section.refuse("tags",
                   "tags: " + std::to_string(into.tags.size()) + " of them, allowed are " + std::to_string(kTagsMax));
  }
  for (const auto& [key, value] : into.tags) {
    if (!is_identifier(key))
      section.refuse("tags", "tags: " + shown(key) + " is no tag's name", "lower-case letters, digits and _");
    if (value.size() > kTagBytesMax) {
      section.refuse("tags", "tags: the value of " + key + " has " + std::to_string(value.size()) +
                                 " bytes, allowed are " + std::to_string(kTagBytesMax));
    }
  }
}

Json common_schema() {
  return Json::Object{
      {"enabled",
       Json::Object{{"type", "boolean"}, {"default", true}, {"description", "false: declared, but not active"}}},
      {"tags",
       Json::Object{{"type", "object"},
                    {"maxProperties", static_cast<int64_t>(kTagsMax)},
                    {"additionalProperties", Json::Object{{"type", Json::Array{"string", "number", "boolean"}}}},
                    {"description", "Cost and ownership: usage is summed by tag"}}}};
}

// --- claims ---------------------------------------------------------------------------------------------------------

bool paths_meet(std::string_view pattern, std::string_view other) {
  const auto parts = split(pattern, '/'), others = split(other, '/');
  const auto meet = [](std::string_view a, std::string_view b) {
    return a == b || a.starts_with('{') || b.starts_with('{');
  };
  return std::equal(parts.begin(), parts.end(), others.begin(), others.end(), meet);
}

// --- registry -------------------------------------------------------------------------------------------------------

Registry::Registry() {
  add_settings(spine_settings());
}

void Registry::add_kind(Kind kind) {
  CHECK(is_identifier(kind.name) && is_identifier(kind.folder), "names of a kind and its folder are identifiers");
  CHECK(kind.extension == "yaml" || kind.is_sql(), "a kind's files are YAML or SQL");
  CHECK(kind.parse && kind.compare && kind.schema && !kind.prose.empty(),
        "a kind can parse, compare and describe itself");
  for (const Kind& other : kinds_) {
    const bool same_files = other.folder == kind.folder && other.extension == kind.extension;
    CHECK(other.name != kind.name && !same_files, "a kind is registered once");
  }
  kinds_.push_back(std::move(kind));
}

void Registry::add_settings(const SettingTable& table) {
  check_table(table);
  for (const Setting& setting : table) {
    for (const Setting& other : settings_) CHECK(other.name != setting.name, "a setting is declared once");
    settings_.push_back(setting);
  }
}

const Kind* Registry::find_kind(std::string_view name) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& kind) { return kind.name == name; });
  return found == kinds_.end() ? nullptr : &*found;
}

// --- parsing --------------------------------------------------------------------------------------------------------

namespace {

class Parser {
 public:
  Parser(const Sources& sources, const Registry& registry, const ReadOptions& options)
      : sources_(sources), registry_(registry), options_(options) {
    project_.environment = options.environment;
  }

  Project parse() {
    const Yaml settings = settings_file();
    SettingSources from{&settings, options_.process_environment, options_.flags};
    project_.settings = read_settings(registry_.settings(), from, project_.errors, project_.warnings);
    project_.name = project_.settings.text("name");
    if (project_.name.empty()) project_.name = options_.default_name.empty() ? "weir" : options_.default_name;
    for (const Kind& kind : registry_.kinds()) parse_kind(kind);
    for (const auto& [kind, name] : project_.broken) starters_.try_emplace({kind, name});
    for (Error& error : check_starters(starters_)) project_.errors.push_back(std::move(error));
    warn_about_others(sources_, registry_, project_.warnings);
    return std::move(project_);
  }

 private:
  using Parts = std::map<std::string, std::string_view, std::less<>>;  // as DeclarationSource::parts

  // The file as a value with `${…}` replaced; errors are kept, and then nothing is returned.
  std::optional<Yaml> parse_file(const std::string& path, const std::string& text) {
    return expanded(parse_yaml(text, {path, 1}));
  }

  std::optional<Yaml> expanded(Result<Yaml> parsed) {
    if (!parsed) {
      project_.errors.push_back(std::move(parsed).error());
      return std::nullopt;
    }
    const size_t errors_before = project_.errors.size();
    expand_yaml(
        *parsed, [this](std::string_view reference) { return expand(reference); }, project_.errors);
    if (project_.errors.size() != errors_before) return std::nullopt;
    return std::move(*parsed);
  }

  Yaml settings_file() {
    Yaml settings;
    settings.at.file = "weir.yaml";
    if (const auto found = sources_.files.find("weir.yaml"); found != sources_.files.end()) {
      if (auto parsed = parse_file(found->first, found->second)) settings = std::move(*parsed);
    }
    if (options_.environment.empty()) return settings;
    const auto found = sources_.files.find("environments/" + options_.environment + ".yaml");
    if (found == sources_.files.end()) {
      project_.errors.push_back(unknown_environment());
      return settings;
    }
    auto over = parse_file(found->first, found->second);
    if (!over || over->is_null()) return settings;
    if (settings.is_null()) return std::move(*over);
    return overlay_yaml(std::move(settings), *over);
  }

  Error unknown_environment() const {
    std::vector<std::string> known;
    for (const auto& [path, text] : sources_.files) {
      if (path.starts_with("environments/") && path.ends_with(".yaml"))
        known.push_back(path.substr(13, path.size() - 18));
    }
    const std::string hint = known.empty() ? "create environments/" + options_.environment + ".yaml"
                                           : did_you_mean(options_.environment, known);
    return Error(Code::not_found, "there is no environment " + shown(options_.environment), hint);
  }

  void parse_kind(const Kind& kind) {
    std::map<std::string, std::string> files_by_name;
    std::vector<Declaration> found;
    const std::string prefix = kind.folder + "/";
    std::map<std::string, Parts> folders;
    for (auto at = sources_.files.lower_bound(prefix); at != sources_.files.end() && at->first.starts_with(prefix);
         ++at) {
      if (!is_declaration_of(kind, at->first)) continue;
      if (kind.is_folder()) {
        const std::string name = declaration_name(kind, at->first);
        folders[name].emplace(at->first.substr(prefix.size() + name.size() + 1), at->second);
      } else {
        parse_declaration(kind, at->first, at->second, files_by_name, found);
      }
    }
    for (const auto& [name, parts] : folders) parse_folder(kind, name, parts, files_by_name, found);
    std::sort(found.begin(), found.end(), [](const Declaration& a, const Declaration& b) { return a.name < b.name; });
    for (Declaration& one : found) project_.declarations.push_back(std::move(one));
  }

  // The same of an SQL file's front matter; `parts` becomes what the file consists of.
  std::optional<Yaml> parse_sql_file(const std::string& path, const std::string& text, SqlFile& parts) {
    auto split = split_sql_file(text, path);
    if (!split) {
      project_.errors.push_back(std::move(split).error());
      return std::nullopt;
    }
    parts = *split;
    return expanded(parse_front_matter(parts, path));
  }

  void parse_declaration(const Kind& kind, const std::string& path, const std::string& text,
                         std::map<std::string, std::string>& files_by_name, std::vector<Declaration>& found) {
    const std::string stem = declaration_name(kind, path);
    SqlFile parts;
    auto root = kind.is_sql() ? parse_sql_file(path, text, parts) : parse_file(path, text);
    if (!root) {
      project_.broken.emplace_back(kind.name, stem);
      return;
    }
    DeclarationSource source{*root, text, path, stem, project_.settings};
    if (kind.is_sql()) {
      source.sql = parts.sql;
      source.sql_line = parts.sql_line;
    }
    take(kind, source, files_by_name, found);
  }

  // A declaration that is a folder.
  void parse_folder(const Kind& kind, const std::string& name, const Parts& parts,
                    std::map<std::string, std::string>& files_by_name, std::vector<Declaration>& found) {
    const std::string path = kind.folder + "/" + name + "/" + kind.main;
    Yaml root;
    root.at.file = path;
    const auto main = parts.find(kind.main);
    if (main != parts.end()) {
      auto read = parse_file(path, std::string(main->second));
      if (!read) {
        project_.broken.emplace_back(kind.name, name);
        return;
      }
      root = std::move(*read);
    }
    DeclarationSource source{root, main == parts.end() ? std::string_view() : main->second, path, name,
                             project_.settings};
    source.parts = parts;
    take(kind, source, files_by_name, found);
  }

  void take(const Kind& kind, const DeclarationSource& source, std::map<std::string, std::string>& files_by_name,
            std::vector<Declaration>& found) {
    const std::string& path = source.file;
    Declared declared = kind.parse(source);
    if (declared.name.empty()) declared.name = source.name;
    const auto [first, is_new] = files_by_name.try_emplace(declared.name, path);
    if (!is_new) {
      declared.errors.push_back(Error(Code::conflict,
                                      kind.name + " " + declared.name + " is declared in " + first->second + " already",
                                      "give one of them another name")
                                    .at({path, 1, 1}));
    }
    claim(kind, declared);
    if (!declared.errors.empty()) {
      project_.broken.emplace_back(kind.name, declared.name);
      for (Error& error : declared.errors) project_.errors.push_back(std::move(error));
      return;
    }
    if (!kind.is_applied) return;
    starters_[{kind.name, declared.name}] = std::move(declared.started_by);
    found.push_back({kind.name, std::move(declared.name), std::move(declared.body), path});
  }

  struct Claimed {
    std::string who;  // "stream clicks"
    Claim claim;
  };

  // Says where the other one is; once, however much two declarations share.
  void claim(const Kind& kind, Declared& declared) {
    bool told = false;
    for (const Claim& wanted : declared.claims) {
      const Claimed mine{kind.name + " " + declared.name, wanted};
      const Claimed* owner = owner_of(mine);
      if (owner == nullptr || told) continue;
      told = true;
      const Position& at = owner->claim.at;
      const std::string same = owner->claim.what == wanted.what ? "" : " as " + owner->claim.what;
      declared.errors.push_back(Error(Code::conflict,
                                      wanted.what + " belongs to " + owner->who + " already" + same + " (" + at.file +
                                          ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ")",
                                      "give one of them another")
                                    .at(wanted.at));
    }
  }

  // Who has it already; nobody: it is theirs from now on.
  const Claimed* owner_of(const Claimed& mine) {
    const auto [known, is_new] = claims_.try_emplace(mine.claim.what, mine);
    if (!is_new) return &known->second;
    if (mine.claim.path.empty()) return nullptr;
    for (const Claimed& other : paths_) {
      if (other.who != mine.who && paths_meet(other.claim.path, mine.claim.path)) return &other;
    }
    paths_.push_back(mine);
    return nullptr;
  }

  Result<YamlExpansion> expand(std::string_view reference) const {
    const std::string shown_reference = shown("${" + std::string(reference) + "}");
    if (reference.starts_with("secret:")) {
      if (!options_.secret) return Error(Code::unsupported, shown_reference + ": secrets cannot be read here");
      TRY_ASSIGN(std::string value, options_.secret(reference.substr(7)));
      return YamlExpansion{std::move(value), true};
    }
    if (reference.starts_with("file:")) {
      if (!options_.file) {
        return Error(Code::denied, shown_reference + ": declarations that were sent to a server may not read its files",
                     "use ${secret:NAME} and `weir secret set NAME` there");
      }
      TRY_ASSIGN(std::string value, options_.file(reference.substr(5)));
      return YamlExpansion{std::move(value), true};
    }
    if (!options_.expands_environment) {
      return Error(Code::denied,
                   shown_reference + ": declarations that were sent to a server may not read its variables",
                   "use ${secret:NAME} and `weir secret set NAME` there");
    }
    const auto found = options_.process_environment.find(std::string(reference));
    if (found != options_.process_environment.end()) return YamlExpansion{found->second, false};
    return Error(Code::not_found, shown_reference + ": this environment variable is not set",
                 "set it, or write ${secret:NAME} or ${file:PATH}; $${ is a plain ${");
  }

  const Sources& sources_;
  const Registry& registry_;
  const ReadOptions& options_;
  std::map<std::string, Claimed> claims_;  // by what: the first that has it
  std::vector<Claimed> paths_;             // those of paths
  StarterMap starters_;
  Project project_;
};

}  // namespace

Project parse_project(const Sources& sources, const Registry& registry, const ReadOptions& options) {
  return Parser(sources, registry, options).parse();
}

Result<Project> read_project(Files& files, const std::string& folder, const Registry& registry, ReadOptions options) {
  TRY_ASSIGN(const Sources sources, read_sources(files, folder, registry));
  if (options.default_name.empty()) {
    std::string_view name = folder;
    while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
    const size_t slash = name.rfind('/');
    if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
    if (name != "." && name != "..") options.default_name = name;
  }
  if (!options.file) options.file = file_expander(files, folder);
  return parse_project(sources, registry, options);
}

std::function<Result<std::string>(std::string_view path)> file_expander(Files& files, std::string folder) {
  return [&files, folder = std::move(folder)](std::string_view path) -> Result<std::string> {
    const std::string place = path.starts_with('/') ? std::string(path) : join_path(folder, path);
    TRY_ASSIGN(std::string text, read_file(files, place, kExpandedBytesMax));
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
  };
}

Result<std::string> state_folder(const std::string& folder, std::string_view environment) {
  const std::string state = join_path(folder, ".weir");
  if (environment.empty()) return state;
  if (!is_identifier(environment)) {
    return Error(Code::invalid, shown(environment) + " is no name of an environment",
                 "lower-case letters, digits and _");
  }
  return state + "/environments/" + std::string(environment);
}

}  // namespace weir::project
