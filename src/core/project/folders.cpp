#include "core/project/folders.h"

#include <algorithm>
#include <set>

#include "core/base/sizes.h"
#include "core/base/text.h"

namespace weir::project {
namespace {

constexpr size_t kFilesMax = 10'000;
constexpr uint64_t kFileBytesMax = kMiB;
constexpr uint64_t kAllBytesMax = 64 * kMiB;

// Folders of rooms that this version does not have, and what they will hold.
struct Unbuilt {
  const char* folder;
  const char* what;
};
constexpr Unbuilt kUnbuilt[] = {
    {"sources", "crawled sources"}, {"models", "models"},        {"apis", "prediction APIs"},
    {"detectors", "detectors"},     {"quality", "data quality"},
};

std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('/'));
}

std::string ending_of(const Kind& kind) {
  return "." + kind.extension;
}

// What is read of a declaration that is a folder.
bool is_part(std::string_view path) {
  static constexpr std::string_view kEndings[] = {".yaml", ".json", ".sql", ".html", ".svg", ".png"};
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

class Collector {
 public:
  Collector(Files& files, const std::string& folder, const Registry& registry)
      : files_(files), folder_(folder), registry_(registry) {}

  Result<Sources> collect() {
    TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(folder_));
    for (const DirectoryEntry& entry : entries) {
      if (entry.name.starts_with(".")) continue;
      if (!entry.is_directory) {
        TRY(take(entry.name, entry.name == "weir.yaml"));
      } else if (has_folders(entry.name)) {
        TRY(collect_folders(entry.name));
      } else if (const auto endings = endings_in(entry.name); !endings.empty()) {
        TRY(collect_folder(entry.name, endings));
      } else {
        TRY(take(entry.name + "/", false));
      }
    }
    return std::move(sources_);
  }

 private:
  // What the names of the files end with that are read in a folder; empty: none is.
  std::vector<std::string> endings_in(std::string_view folder) const {
    if (folder == "environments") return {".yaml"};
    std::vector<std::string> out;
    for (const Kind& kind : registry_.kinds()) {
      if (kind.folder == folder) out.push_back(ending_of(kind));
    }
    return out;
  }

  bool has_folders(std::string_view folder) const {
    return std::any_of(registry_.kinds().begin(), registry_.kinds().end(),
                       [&](const Kind& kind) { return kind.folder == folder && kind.is_folder(); });
  }

  // "reviews": each folder in it, with what lies one folder deeper.
  Status collect_folders(const std::string& name) {
    TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(join_path(folder_, name)));
    for (const DirectoryEntry& entry : entries) {
      if (entry.name.starts_with(".")) continue;
      if (entry.is_directory) {
        TRY(collect_parts(name + "/" + entry.name, true));
      } else {
        TRY(take(name + "/" + entry.name, false));
      }
    }
    return {};
  }

  Status collect_parts(const std::string& folder, bool goes_deeper) {
    TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(join_path(folder_, folder)));
    for (const DirectoryEntry& entry : entries) {
      if (entry.name.starts_with(".")) continue;
      const std::string path = folder + "/" + entry.name;
      if (entry.is_directory && goes_deeper) {
        TRY(collect_parts(path, false));
      } else {
        TRY(take(path + (entry.is_directory ? "/" : ""), !entry.is_directory && is_part(path)));
      }
    }
    return {};
  }

  Status collect_folder(const std::string& name, const std::vector<std::string>& endings) {
    TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(join_path(folder_, name)));
    for (const DirectoryEntry& entry : entries) {
      if (entry.name.starts_with(".")) continue;
      const bool is_read = !entry.is_directory && std::any_of(endings.begin(), endings.end(), [&](const auto& ending) {
        return entry.name.ends_with(ending);
      });
      TRY(take(name + "/" + entry.name + (entry.is_directory ? "/" : ""), is_read));
    }
    return {};
  }

  Status take(const std::string& path, bool is_read) {
    if (sources_.files.size() + sources_.unread.size() >= kFilesMax) {
      return Error(Code::too_large,
                   "the folder " + folder_ + " has more than " + std::to_string(kFilesMax) + " files of declarations");
    }
    if (!is_read) {
      sources_.unread.push_back(path);
      return {};
    }
    TRY_ASSIGN(std::string text, read_file(files_, join_path(folder_, path), kFileBytesMax));
    bytes_ += text.size();
    if (bytes_ > kAllBytesMax) {
      return Error(Code::too_large,
                   "the declarations in " + folder_ + " have more than " + format_size(kAllBytesMax) + " together");
    }
    sources_.files.emplace(path, std::move(text));
    return {};
  }

  Files& files_;
  const std::string& folder_;
  const Registry& registry_;
  Sources sources_;
  uint64_t bytes_ = 0;
};

const Unbuilt* unbuilt_folder(std::string_view name) {
  for (const Unbuilt& one : kUnbuilt) {
    if (name == one.folder) return &one;
  }
  return nullptr;
}

bool is_kind_folder(const Registry& registry, std::string_view name) {
  return std::any_of(registry.kinds().begin(), registry.kinds().end(),
                     [&](const Kind& kind) { return kind.folder == name; });
}

std::vector<std::string> known_folders(const Registry& registry) {
  std::vector<std::string> known = {"environments"};
  for (const Kind& kind : registry.kinds()) known.push_back(kind.folder);
  for (const Unbuilt& one : kUnbuilt) known.push_back(one.folder);
  return known;
}

Error warning(Code code, const std::string& path, std::string message, std::string hint) {
  Error out(code, std::move(message), std::move(hint));
  out.at({path, 0, 0});
  return out;
}

// A file in a kind's folder whose ending makes it look like a declaration.
void warn_about_ending(const Kind& kind, const std::string& path, std::vector<Error>& warnings) {
  for (const char* ending : {".json", ".sql", ".yaml", ".yml", ".yaml~", ".sql~"}) {
    if (ending == ending_of(kind) || !path.ends_with(ending)) continue;
    const bool is_backup = path.ends_with('~');
    warnings.push_back(warning(Code::invalid, path,
                               "is not read: a " + kind.name + " is declared in a " + ending_of(kind) + " file",
                               kind.is_sql() && !is_backup ? "its keys are the front matter of the .sql file" : ""));
    return;
  }
}

// A file of the top folder or of a kind's folder that is not read.
void warn_about_file(const Registry& registry, const std::string& path, std::vector<Error>& warnings) {
  const std::string_view folder = path.find('/') == std::string::npos ? std::string_view() : first_part(path);
  const auto kind = std::find_if(registry.kinds().begin(), registry.kinds().end(),
                                 [&](const Kind& one) { return one.folder == folder; });
  if (kind != registry.kinds().end() && !kind->is_applied) return;
  if (kind != registry.kinds().end() && kind->is_folder()) {
    const bool is_beside = std::count(path.begin(), path.end(), '/') == 1;
    warnings.push_back(warning(Code::invalid, path, "is not read",
                               is_beside ? "a " + kind->name + " is a folder: " + kind->pattern()
                                         : "only .yaml, .json, .sql, .html, .svg and .png, and one folder deep"));
    return;
  }
  const bool is_sql = kind != registry.kinds().end() &&
                      std::all_of(registry.kinds().begin(), registry.kinds().end(),
                                  [&](const Kind& one) { return one.folder != folder || one.is_sql(); });
  if (path.ends_with(".yml") && !is_sql) {
    warnings.push_back(
        warning(Code::invalid, path, "is not read", "name it " + path.substr(0, path.size() - 4) + ".yaml"));
    return;
  }
  if (folder.empty()) {
    if (!path.ends_with(".yaml") || path == "loadgen.yaml") return;  // the user's own, and the load generator's
    warnings.push_back(warning(Code::invalid, path, "is not read", did_you_mean(path, {"weir.yaml"})));
    return;
  }
  if (path.ends_with("/")) {
    warnings.push_back(warning(Code::invalid, path,
                               "is not read: declarations lie directly in " + std::string(folder) + "/",
                               "move its files up"));
    return;
  }
  if (kind != registry.kinds().end()) warn_about_ending(*kind, path, warnings);
}

}  // namespace

std::string Kind::pattern() const {
  return folder + (is_folder() ? "/*/" + main : "/*." + extension);
}

bool is_declaration_of(const Kind& kind, std::string_view path) {
  const size_t start = kind.folder.size() + 1;
  if (kind.is_folder()) {
    const auto parts = split(path, '/');
    const bool is_below = parts.size() == 3 || parts.size() == 4;
    return is_below && parts[0] == kind.folder && !parts[1].empty() && !parts[1].starts_with('.') && is_part(path);
  }
  const std::string ending = ending_of(kind);
  return path.starts_with(kind.folder + "/") && path.ends_with(ending) && path.size() > start + ending.size() &&
         path.find('/', start) == std::string_view::npos && path[start] != '.';
}

std::string declaration_name(const Kind& kind, std::string_view path) {
  const size_t start = kind.folder.size() + 1;
  if (kind.is_folder()) return std::string(path.substr(start, path.find('/', start) - start));
  return std::string(path.substr(start, path.size() - start - ending_of(kind).size()));
}

Result<Sources> read_sources(Files& files, const std::string& folder, const Registry& registry) {
  return Collector(files, folder, registry).collect();
}

void warn_about_others(const Sources& sources, const Registry& registry, std::vector<Error>& warnings) {
  std::vector<std::string> paths = sources.unread;
  for (const auto& [path, text] : sources.files) {
    bool is_read = path == "weir.yaml" || (path.starts_with("environments/") && path.ends_with(".yaml"));
    for (const Kind& kind : registry.kinds()) is_read = is_read || is_declaration_of(kind, path);
    if (!is_read) paths.push_back(path);
  }
  const std::vector<std::string> folders = known_folders(registry);
  std::set<std::string, std::less<>> warned;
  for (const std::string& path : paths) {
    const std::string folder(first_part(path));
    if (path.find('/') == std::string::npos) {
      warn_about_file(registry, path, warnings);
    } else if (const Unbuilt* room = is_kind_folder(registry, folder) ? nullptr : unbuilt_folder(folder);
               room != nullptr) {
      if (!warned.insert(folder).second) continue;
      warnings.push_back(warning(Code::unsupported, folder + "/",
                                 std::string(room->what) + " are not built into this version",
                                 "the folder is left alone"));
    } else if (std::find(folders.begin(), folders.end(), folder) != folders.end()) {
      warn_about_file(registry, path, warnings);
    } else if (auto meant = nearest(folder, folders); meant && warned.insert(folder).second) {
      warnings.push_back(warning(Code::invalid, folder + "/", "is not read", "did you mean " + *meant + "/?"));
    }
  }
}

}  // namespace weir::project
