#include "stream/lake/foreign_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::lake {
namespace {

constexpr size_t kPieceBytes = 1u << 20;

Result<std::string> real_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return Error(Code::not_found, "there is no " + shown(path));
    return Error(Code::io, shown(path) + " cannot be read: " + std::generic_category().message(errno));
  }
  return std::string(resolved);
}

bool lies_in(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path == folder || (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

bool names_state(std::string_view below) {
  for (const std::string_view part : split(below, '/')) {
    if (part == ".weir") return true;
  }
  return false;
}

// A file of which only reading is known.
class ReadOnly final : public File {
 public:
  explicit ReadOnly(int descriptor) : descriptor_(descriptor) {}
  ~ReadOnly() override { ::close(descriptor_); }
  int descriptor() const { return descriptor_; }
  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(descriptor_, into + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Error(Code::io, "a file cannot be read: " + std::generic_category().message(errno));
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }
  Result<uint64_t> size() const override {
    struct stat found {};
    if (::fstat(descriptor_, &found) != 0) return Error(Code::io, "a file has no size");
    return static_cast<uint64_t>(found.st_size);
  }
  Status write_at(uint64_t, std::string_view) override { return read_only(); }
  Status sync() override { return read_only(); }
  Status truncate(uint64_t) override { return read_only(); }

 private:
  static Error read_only() { return Error(Code::denied, "foreign files are only read"); }
  const int descriptor_;
};

std::optional<int> digits(std::string_view text, size_t count, int least, int most) {
  if (text.size() != count) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value < least || value > most ? std::nullopt : std::optional<int>(value);
}

}  // namespace

Result<std::string> resolve_foreign(const ForeignRules& rules, std::string_view path) {
  const Error denied(Code::denied, shown(path) + " is in no folder that weir may read",
                     "put it below the project's folder, or allow its folder in weir.yaml: lake: {foreign: [FOLDER]}");
  if (path.empty() || path.find('\0') != std::string_view::npos) return denied;
  TRY_ASSIGN(const std::string project, real_path(rules.project_folder));
  const std::string asked = path.front() == '/' ? std::string(path) : join_path(project, path);
  auto found = real_path(asked);
  // Whether something is there is nobody's business who may not read it: as far as it goes the text decides.
  if (!found) {
    std::error_code ignored;
    const std::string lexical = std::filesystem::path(asked).lexically_normal().string();
    if (lies_in(lexical, project)) return found.error();
    for (const std::string& allowed : rules.allowed) {
      if (lies_in(lexical, allowed)) return found.error();
    }
    return denied;
  }
  if (lies_in(*found, project)) {
    if (!names_state(std::string_view(*found).substr(project.size()))) return *found;
    return Error(Code::denied, shown(path) + " is weir's own state", "what is in there is in the lake already");
  }
  for (const std::string& allowed : rules.allowed) {
    auto root = real_path(allowed.starts_with('/') ? allowed : join_path(project, allowed));
    if (root && lies_in(*found, *root)) return *found;
  }
  return denied;
}

std::string foreign_name(const ForeignRules& rules, const std::string& real) {
  const auto project = real_path(rules.project_folder);
  if (!project || !lies_in(real, *project) || real.size() == project->size()) return real;
  return real.substr(project->size() + 1);
}

std::optional<int64_t> hour_of_path(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '/');
  for (size_t at = parts.size(); at-- > 4;) {
    const auto year = digits(parts[at - 4], 4, 1970, 9999), month = digits(parts[at - 3], 2, 1, 12);
    const auto day = digits(parts[at - 2], 2, 1, 31), hour = digits(parts[at - 1], 2, 0, 23);
    if (!year || !month || !day || !hour) continue;
    const std::string text =
        std::string(parts[at - 4]) + "-" + std::string(parts[at - 3]) + "-" + std::string(parts[at - 2]);
    const auto date = parse_date(text);
    if (!date) continue;
    return (int64_t{*date} * 24 + *hour) * 3'600'000'000;
  }
  return std::nullopt;
}

Result<std::vector<ForeignFile>> list_foreign(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<ForeignFile> out;
  std::error_code error;
  if (fs::is_regular_file(fs::symlink_status(folder, error))) {
    ForeignFile one;
    one.path = folder;
    one.name = folder.substr(folder.rfind('/') + 1);
    one.bytes = fs::file_size(folder, error);
    one.hour = hour_of_path(folder);
    out.push_back(std::move(one));
    return out;
  }
  fs::recursive_directory_iterator at(folder, fs::directory_options::none, error), end;
  if (error) return Error(Code::io, "the folder " + shown(folder) + " cannot be listed: " + error.message());
  for (; at != end; at.increment(error)) {
    if (error) return Error(Code::io, "the folder " + shown(folder) + " cannot be listed: " + error.message());
    const std::string file = at->path().filename().string();
    const fs::file_status status = at->symlink_status(error);
    const bool is_own = file.starts_with('.') || file.starts_with('_');
    if (fs::is_directory(status)) {
      if (at.depth() >= kForeignDepthMax) {
        return Error(Code::too_large, "the folders are nested deeper than " + std::to_string(kForeignDepthMax));
      }
      if (is_own) at.disable_recursion_pending();
      continue;
    }
    if (!fs::is_regular_file(status) || is_own) continue;
    if (out.size() == kForeignFilesMax) {
      return Error(Code::too_large, "there are more than " + std::to_string(kForeignFilesMax) + " files",
                   "take a folder below at a time");
    }
    ForeignFile one;
    one.path = at->path().string();
    one.name = one.path.substr(folder.size() + (folder == "/" ? 0 : 1));
    one.bytes = at->file_size(error);
    one.hour = hour_of_path(one.path);
    out.push_back(std::move(one));
  }
  std::sort(out.begin(), out.end(), [](const ForeignFile& a, const ForeignFile& b) { return a.name < b.name; });
  return out;
}

Result<std::unique_ptr<File>> open_foreign(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Error(Code::io, "the file cannot be opened: " + std::generic_category().message(errno));
  auto file = std::make_unique<ReadOnly>(descriptor);
  struct stat found {};
  if (::fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode)) {
    return Error(Code::denied, "it is no regular file");
  }
  char where[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t size = ::readlink(link.c_str(), where, sizeof where);
  if (size < 0 || std::string_view(where, static_cast<size_t>(size)) != path) {
    return Error(Code::denied, "a folder of its path was replaced by a link");
  }
  return std::unique_ptr<File>(std::move(file));
}

Result<std::string> descriptor_path(const File& file) {
  const auto* opened = dynamic_cast<const ReadOnly*>(&file);
  if (opened == nullptr) return Error(Code::internal, "the file was not opened as a foreign one");
  return "/proc/self/fd/" + std::to_string(opened->descriptor());
}

Result<std::string> fingerprint_foreign(const std::string& path) {
  TRY_ASSIGN(const auto file, open_foreign(path));
  std::string piece(kPieceBytes, '\0'), sums;
  uint64_t at = 0;
  while (true) {
    TRY_ASSIGN(const size_t got, file->read_at(at, piece.data(), piece.size()));
    if (got == 0) break;
    at += got;
    sums += sha256(std::string_view(piece).substr(0, got));
    if (sums.size() > kPieceBytes) sums = sha256(sums);
  }
  return sha256_hex(sums + std::to_string(at));
}

}  // namespace weir::lake
