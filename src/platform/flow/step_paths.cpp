// Where files of steps may lie.
#include <algorithm>
#include <filesystem>

#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/flow/step_work.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

// What the project's own files are in; steps make none of those.
constexpr const char* kDeclarations[] = {"streams",   "live",       "tables", "flows",       "sources",
                                         "endpoints", "models",     "apis",   "detectors",   "quality",
                                         "reviews",   "dashboards", "alerts", "environments"};

std::string filled_in(std::string path, const StepRun& run) {
  const std::pair<std::string_view, std::string> values[] = {{"{start}", format_date(run.from)},
                                                             {"{end}", format_date(run.to)},
                                                             {"{day}", format_date(run.to - 1)},
                                                             {"{run}", run.run}};
  for (const auto& [mark, value] : values) {
    for (size_t at = path.find(mark); at != std::string::npos; at = path.find(mark, at + value.size()))
      path.replace(at, mark.size(), value);
  }
  return path;
}

// `path` below `folder`, without it; nothing if it is not there. Both are real.
std::optional<std::string> below(const fs::path& path, const fs::path& folder) {
  const std::string text = path.string(), root = folder.string();
  if (root.empty() || !text.starts_with(root + "/")) return std::nullopt;
  return text.substr(root.size() + 1);
}

}  // namespace

Result<std::string> step_path(const StepSettings& settings, const std::string& written, const StepRun& run,
                              bool is_read) {
  const fs::path wanted = fs::path(settings.folder) / filled_in(written, run);
  std::error_code failed;
  const fs::path folder = fs::canonical(settings.folder, failed);
  if (failed) return Error(Code::io, "the project's folder cannot be read: " + failed.message());
  // A link that a file is written to is replaced by the file; those above it count.
  const fs::path real = is_read ? fs::weakly_canonical(wanted, failed)
                                : fs::weakly_canonical(wanted.parent_path(), failed) / wanted.filename();
  if (failed) return Error(Code::io, shown(written) + " cannot be looked up: " + failed.message());
  if (is_read && !settings.store_root.empty()) {
    const fs::path store = fs::weakly_canonical(settings.store_root, failed);
    if (!failed && below(real, store)) return real.string();
  }
  const auto inside = below(real, folder);
  if (!inside) {
    return Error(Code::denied, shown(written) + " lies outside of the project's folder",
                 is_read ? "copy the file into it; links that lead out count as outside" : "");
  }
  if (inside->starts_with(".") || inside->find("/.") != std::string::npos) {
    return Error(Code::denied, shown(written) + " is in a hidden folder, which steps leave alone");
  }
  const std::string first = inside->substr(0, inside->find('/'));
  const bool is_declaration = *inside == "weir.yaml" || std::any_of(std::begin(kDeclarations), std::end(kDeclarations),
                                                                    [&](const char* name) { return first == name; });
  if (is_declaration && !is_read) {
    return Error(Code::denied, shown(written) + " would lie among the project's declarations",
                 "write it to another folder, for example staging/");
  }
  return real.string();
}

}  // namespace weir::flow
