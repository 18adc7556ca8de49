// Folders of files that other systems wrote: which of them may be read, what lies in them, what their paths say.
//
// Only regular files below the project's folder (its state in .weir excepted) or below a folder that weir.yaml allows
// (lake.foreign) are read. No symbolic link leads out: a path is resolved first, a file that is opened must still be
// where it was found, and links inside of a folder are passed over. Pure of state; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::lake {

struct ForeignRules {
  std::string project_folder;
  std::vector<std::string> allowed;  // as declared; relative ones are the project's
};

// The real path of a folder or file that may be read; `denied` names the setting, without saying what is there.
Result<std::string> resolve_foreign(const ForeignRules& rules, std::string_view path);

// What a real path is called: relative to the project's folder if it lies in it.
std::string foreign_name(const ForeignRules& rules, const std::string& real);

struct ForeignFile {
  std::string path;  // real, absolute
  std::string name;  // relative to the folder that was listed
  uint64_t bytes = 0;
  std::optional<int64_t> hour;  // begin of the hour in its path, micros since 1970: …/2026/11/21/08/…
};

inline constexpr size_t kForeignFilesMax = 200'000;
inline constexpr int kForeignDepthMax = 32;

// All files below, sorted by name. Names that begin with '.' or '_' are other systems' own, and not listed.
Result<std::vector<ForeignFile>> list_foreign(const std::string& folder);
// Firehose's layout; the last four folders that look like it count.
std::optional<int64_t> hour_of_path(std::string_view name);

// Opens it for reading if it is a regular file and lies at this path still.
Result<std::unique_ptr<File>> open_foreign(const std::string& path);
// "/proc/self/fd/7" of a file of open_foreign(): for libraries that open files by a path.
Result<std::string> descriptor_path(const File& file);
// Of the content, whatever the name: 64 hexadecimal digits.
Result<std::string> fingerprint_foreign(const std::string& path);

}  // namespace weir::lake
