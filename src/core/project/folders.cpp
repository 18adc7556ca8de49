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
    {"live", "live windows"},         {"tables", "derived tables"}, {"flows", "flows"},
    {"sources", "crawled sources"},   {"endpoints", "endpoints"},   {"models", "models"},
    {"apis", "prediction APIs"},      {"detectors", "detectors"},   {"quality", "data quality"},
    {"reviews", "warehouse reviews"}, {"dashboards", "dashboards"}, {"alerts", "alerts"},
};

std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('/'));
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
      } else if (entry.name == "environments" || is_kind_folder(entry.name)) {
        TRY(collect_folder(entry.name));
      } else {
        TRY(take(entry.name + "/", false));
      }
    }
    return std::move(sources_);
  }

 private:
  bool is_kind_folder(std::string_view name) const {
    for (const Kind& kind : registry_.kinds()) {
      if (kind.folder == name) return true;
    }
    return false;
  }

  Status collect_folder(const std::string& name) {
    TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(join_path(folder_, name)));
    for (const DirectoryEntry& entry : entries) {
      if (entry.name.starts_with(".")) continue;
      TRY(take(name + "/" + entry.name + (entry.is_directory ? "/" : ""),
               !entry.is_directory && entry.name.ends_with(".yaml")));
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

// A file of the top folder or of a kind's folder that is not read.
void warn_about_file(const Registry& registry, const std::string& path, std::vector<Error>& warnings) {
  const std::string_view folder = path.find('/') == std::string::npos ? std::string_view() : first_part(path);
  if (path.ends_with(".yml")) {
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
  for (const Kind& kind : registry.kinds()) {
    if (kind.folder == folder && (path.ends_with(".json") || path.ends_with(".sql") || path.ends_with(".yaml~"))) {
      warnings.push_back(
          warning(Code::invalid, path, "is not read: a " + kind.name + " is declared in a .yaml file", ""));
    }
  }
}

}  // namespace

bool is_declaration_of(const Kind& kind, std::string_view path) {
  const size_t start = kind.folder.size() + 1;
  return path.starts_with(kind.folder + "/") && path.ends_with(".yaml") && path.size() > start + 5 &&
         path.find('/', start) == std::string_view::npos && path[start] != '.';
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
    } else if (const Unbuilt* room = unbuilt_folder(folder); room != nullptr) {
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
