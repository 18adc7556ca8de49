// real_files(): the machine's own disk through POSIX calls.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/io/crash_point.h"
#include "core/io/files.h"

namespace weir {

namespace {

Error system_error(const char* action, const std::string& path, int error) {
  Code code = Code::io;
  std::string hint;
  if (error == ENOENT || error == ENOTDIR) code = Code::not_found;
  if (error == EEXIST) code = Code::conflict;
  if (error == ENOSPC || error == EDQUOT) {
    code = Code::no_space;
    hint = error == EDQUOT ? "the quota of this user is used up" : "free space on this disk";
  }
  if (error == EMFILE || error == ENFILE) hint = "raise the limit of open files (ulimit -n)";
  // generic_category() is safe between threads where strerror() is not.
  return Error(code, "cannot " + std::string(action) + " " + path + ": " + std::generic_category().message(error),
               std::move(hint));
}

// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

void pass_point(const std::string& path, const char* operation) {
  if (!crash_points_on.load(std::memory_order_relaxed)) return;
  crash_point_hit(std::string(crash_label(path)) + "/" + operation);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int number() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n =
          uninterrupted([&] { return ::pread(fd(), into + done, size - done, static_cast<off_t>(offset + done)); });
      if (n < 0) return system_error("read", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n =
          uninterrupted([&] { return ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (n < 0) return system_error("write", path_, errno);
      if (n == 0) return system_error("write", path_, EIO);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Status sync() override {
    pass_point(path_, "before_sync");
    if (uninterrupted([&] { return ::fdatasync(fd()); }) != 0) return system_error("sync", path_, errno);
    pass_point(path_, "sync");
    return {};
  }

  Status truncate(uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd(), static_cast<off_t>(size)); }) != 0) {
      return system_error("truncate", path_, errno);
    }
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat info {};
    if (::fstat(fd(), &info) != 0) return system_error("stat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  int64_t modified_micros() const override {
    struct stat info {};
    if (::fstat(fd(), &info) != 0) return 0;
    return info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1'000;
  }

 private:
  int fd() const { return descriptor_.number(); }

  Descriptor descriptor_;
  std::string path_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::read_write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

// A path that cannot reach the system whole: it would be cut at the NUL byte and name another file.
Status check_path(const std::string& path) {
  if (path.empty()) return Error(Code::invalid, "a path is empty");
  if (path.find('\0') != std::string::npos) return Error(Code::invalid, "a path holds a NUL byte: " + path);
  return {};
}

class PosixFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    TRY(check_path(path));
    // O_NONBLOCK: opening a named pipe must not wait for its other end; it means nothing for the regular files we keep.
    const int fd =
        uninterrupted([&] { return ::open(path.c_str(), flags_of(mode) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600); });
    if (fd < 0) return system_error("open", path, errno);
    Descriptor descriptor(fd);
    struct stat info {};
    if (::fstat(fd, &info) != 0) return system_error("stat", path, errno);
    if (!S_ISREG(info.st_mode)) return Error(Code::io, "cannot open " + path + ": it is not a regular file");
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path));
  }

  Status rename(const std::string& from, const std::string& to) override {
    TRY(check_path(from));
    TRY(check_path(to));
    pass_point(to, "before_rename");
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from + " to " + to, errno);
    pass_point(to, "rename");
    return {};
  }

  Status remove(const std::string& path) override {
    TRY(check_path(path));
    if (::unlink(path.c_str()) == 0) return {};
    if (errno != EISDIR && errno != EPERM) return system_error("remove", path, errno);
    const int unlink_error = errno;
    if (::rmdir(path.c_str()) == 0) return {};
    return system_error("remove", path, errno == ENOTDIR ? unlink_error : errno);
  }

  Status make_directories(const std::string& path) override {
    TRY(check_path(path));
    if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_path(path));
    if (errno == EEXIST) return require_directory(path);
    if (errno != ENOENT) return system_error("make folder", path, errno);
    const std::string parent = parent_path(path);
    if (parent == path || parent == ".") return system_error("make folder", path, ENOENT);
    TRY(make_directories(parent));
    if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent);
    if (errno == EEXIST) return require_directory(path);  // another thread was quicker
    return system_error("make folder", path, errno);
  }

  Status sync_directory(const std::string& path) override {
    TRY(check_path(path));
    pass_point(path + "/", "before_sync_directory");
    const Descriptor folder(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (folder.number() < 0) return system_error("open folder", path, errno);
    if (uninterrupted([&] { return ::fsync(folder.number()); }) != 0) {
      return system_error("sync folder", path, errno);
    }
    pass_point(path + "/", "sync_directory");
    return {};
  }

  Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
    TRY(check_path(path));
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
    if (!folder) return system_error("list", path, errno);
    std::vector<DirectoryEntry> entries;
    while (true) {
      errno = 0;
      // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own; glibc shares nothing between two.
      const dirent* const entry = ::readdir(folder.get());
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat info {};
      if (::fstatat(::dirfd(folder.get()), name.c_str(), &info, 0) != 0) {
        if (errno == ENOENT) continue;  // removed meanwhile, or a link to nowhere
        return system_error("stat", join_path(path, name), errno);
      }
      const bool is_directory = S_ISDIR(info.st_mode);
      entries.push_back({std::move(name), is_directory, is_directory ? 0 : static_cast<uint64_t>(info.st_size),
                         info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1'000});
    }
    if (errno != 0) return system_error("list", path, errno);
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
  }

  Result<bool> exists(const std::string& path) override {
    TRY(check_path(path));
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_error("stat", path, errno);
  }

  Result<uint64_t> free_bytes(const std::string& path) override {
    TRY(check_path(path));
    struct statvfs info {};
    if (uninterrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0) {
      return system_error("ask for the free space of", path, errno);
    }
    return static_cast<uint64_t>(info.f_bavail) * static_cast<uint64_t>(info.f_frsize);
  }

 private:
  static Status require_directory(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return system_error("stat", path, errno);
    if (S_ISDIR(info.st_mode)) return {};
    return Error(Code::conflict, "cannot make folder " + path + ": there is a file of that name");
  }
};

}  // namespace

Files& real_files() {
  static PosixFiles* const files = new PosixFiles;  // never destroyed: threads may outlive static destructors
  return *files;
}

}  // namespace weir
