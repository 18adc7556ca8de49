#include "app/folder_check.h"

#include "core/base/text.h"
#include "core/io/files.h"

namespace weir::app {
namespace {

Error no_environment(const AppOptions& options) {
  std::vector<std::string> known;
  if (auto entries = real_files().list(join_path(options.folder, "environments")); entries) {
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(".yaml")) known.push_back(entry.name.substr(0, entry.name.size() - 5));
    }
  }
  return Error(Code::not_found, "there is no environment " + shown(options.environment),
               known.empty() ? "create environments/" + options.environment + ".yaml"
                             : did_you_mean(options.environment, known));
}

}  // namespace

Status check_folder(const AppOptions& options) {
  const auto there = [&](const char* name) -> Result<bool> {
    return real_files().exists(name[0] == '\0' ? options.folder : join_path(options.folder, name));
  };
  TRY_ASSIGN(const bool folder, there(""));
  if (!folder) return Error(Code::not_found, "there is no folder " + shown(options.folder), "--dir FOLDER");
  if (!options.environment.empty()) {
    const std::string file = "environments/" + options.environment + ".yaml";
    TRY_ASSIGN(const bool declared, there(file.c_str()));
    if (!declared) return no_environment(options);
  }
  if (options.serves || options.rehearses) return {};
  for (const char* name : {"weir.yaml", "streams", "tables", "reviews", ".weir"}) {
    TRY_ASSIGN(const bool found, there(name));
    if (found) return {};
  }
  return Error(Code::not_found,
               "the folder " + shown(options.folder) + " declares nothing: it has neither weir.yaml nor streams",
               "--dir FOLDER, or `weir init` for a first project there");
}

}  // namespace weir::app
