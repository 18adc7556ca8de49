#include "world.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace weir::sim {

namespace {

constexpr std::pair<const char*, Mutant> kMutants[] = {
    {"none", Mutant::none},
    {"syncs_do_nothing", Mutant::syncs_do_nothing},
    {"write_after_sync", Mutant::write_after_sync},
    {"commit_before_sync", Mutant::commit_before_sync},
    {"reply_before_sync", Mutant::reply_before_sync},
    {"release_before_commit", Mutant::release_before_commit},
    {"forget_unsealed", Mutant::forget_unsealed},
    {"forget_marks", Mutant::forget_marks},
};

}  // namespace

std::optional<Mutant> mutant_named(const std::string& name) {
  for (const auto& [known, mutant] : kMutants) {
    if (name == known) return mutant;
  }
  return std::nullopt;
}

std::vector<std::string> mutant_names() {
  std::vector<std::string> out;
  for (const auto& [known, mutant] : kMutants) out.emplace_back(known);
  return out;
}

World::World(uint64_t seed_in, Mutant mutant_in) : seed(seed_in), mutant(mutant_in), random(seed_in) {
  disk.set_trace(true);
  disk.set_tear_sectors(chance(1, 2));
  if (mutant == Mutant::syncs_do_nothing) disk.set_lying_syncs("");
}

std::string World::bytes(size_t size) {
  std::string text(size, '\0');
  for (char& letter : text) letter = static_cast<char>('a' + below(26));
  return text;
}

void World::fail_a_sync() {
  FailedSync how;
  const uint64_t reached = below(3);
  how.reached = reached == 0   ? FailedSync::Reached::nothing
                : reached == 1 ? FailedSync::Reached::some_sectors
                               : FailedSync::Reached::everything;
  how.reads_return_old = chance(1, 3);
  how.seed = random.next();
  disk.fail_sync(1 + below(6), how);
  if (chance(1, 4)) disk.fail_sync_directory(1 + below(2));
  ++syncs_failed;
}

void World::fill_disk(uint64_t free_bytes) {
  disk.set_capacity(disk.used_bytes() + free_bytes);
}
void World::empty_disk() {
  disk.set_capacity(SimulatedFiles::kUnlimited);
}

void World::flip_a_bit(const std::string& below_path) {
  const auto flipped = disk.flip_random_bit(random, below_path);
  if (!flipped) return;
  ++bits_flipped;
  flipped_paths.insert("/" + flipped->path);
}

// --- a process ---------------------------------------------------------------------------------------------------

class Process::MortalFiles final : public Files {
 public:
  explicit MortalFiles(World& world) : world_(world) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override {
    TRY(change());
    return world_.disk.rename(from, to);
  }
  Status remove(const std::string& path) override {
    TRY(change());
    return world_.disk.remove(path);
  }
  Status make_directories(const std::string& path) override {
    TRY(change());
    return world_.disk.make_directories(path);
  }
  Status sync_directory(const std::string& path) override {
    TRY(change());
    if (is_late(path)) {
      late_.push_back([this, path] { return world_.disk.sync_directory(path); });
      return {};
    }
    return world_.disk.sync_directory(path);
  }
  // Mutant::commit_before_sync
  bool is_late(const std::string& path) const {
    return world_.mutant == Mutant::commit_before_sync && path.find("/store") != std::string::npos;
  }
  void sync_late(const std::shared_ptr<File>& file) {
    late_.push_back([file] { return file->sync(); });
  }
  Status catch_up() {
    for (const auto& sync : std::exchange(late_, {})) {
      TRY(sync());
    }
    return {};
  }
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
    TRY(alive());
    return world_.disk.list(path);
  }
  Result<bool> exists(const std::string& path) override {
    TRY(alive());
    return world_.disk.exists(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    TRY(alive());
    return world_.disk.free_bytes(path);
  }

  void kill_after(uint64_t operations) { left_ = operations; }
  bool is_dead() const { return is_dead_; }
  Status alive() const {
    if (is_dead_) return Error(Code::io, "the process was killed");
    return {};
  }
  Status change() {
    TRY(alive());
    if (left_ && --*left_ == 0) is_dead_ = true;
    return alive();
  }

 private:
  friend class MortalFile;
  World& world_;
  std::optional<uint64_t> left_;
  bool is_dead_ = false;
  std::vector<std::function<Status()>> late_;
};

namespace {

struct HeldWrite {
  uint64_t offset = 0;
  std::string bytes;
};

}  // namespace

class MortalFile final : public File {
 public:
  MortalFile(Process::MortalFiles& files, std::string path, std::unique_ptr<File> file)
      : files_(files), path_(std::move(path)), file_(std::move(file)) {}
  ~MortalFile() override { static_cast<void>(let_go().has_value()); }

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    TRY(files_.alive());
    if (held_ && offset < held_->offset + held_->bytes.size() && held_->offset < offset + size) {
      TRY(let_go());
    }
    return file_->read_at(offset, into, size);
  }
  Status write_at(uint64_t offset, std::string_view bytes) override {
    TRY(files_.change());
    if (files_.world_.mutant != Mutant::write_after_sync) return file_->write_at(offset, bytes);
    TRY(let_go());
    held_ = HeldWrite{offset, std::string(bytes)};
    return {};
  }
  Status sync() override {
    TRY(files_.change());
    if (files_.is_late(path_)) {
      files_.sync_late(file_);
      return {};
    }
    TRY(file_->sync());
    if (path_.ends_with("control.db-wal")) {
      TRY(files_.catch_up());
    }
    return let_go();
  }
  Status truncate(uint64_t size) override {
    TRY(files_.change());
    TRY(let_go());
    return file_->truncate(size);
  }
  Result<uint64_t> size() const override {
    TRY(files_.alive());
    TRY_ASSIGN(const uint64_t size, file_->size());
    return held_ ? std::max<uint64_t>(size, held_->offset + held_->bytes.size()) : size;
  }

 private:
  Status let_go() const {
    if (!held_) return {};
    const HeldWrite held = *std::exchange(held_, std::nullopt);
    return file_->write_at(held.offset, held.bytes);
  }

  Process::MortalFiles& files_;
  const std::string path_;
  const std::shared_ptr<File> file_;
  mutable std::optional<HeldWrite> held_;  // Mutant::write_after_sync
};

Result<std::unique_ptr<File>> Process::MortalFiles::open(const std::string& path, OpenMode mode) {
  TRY(alive());
  TRY_ASSIGN(auto file, world_.disk.open(path, mode));
  return std::unique_ptr<File>(std::make_unique<MortalFile>(*this, path, std::move(file)));
}

Process::Process(World& world) : files_(std::make_unique<MortalFiles>(world)) {}
Process::~Process() = default;
Files& Process::files() {
  return *files_;
}
void Process::kill_after(uint64_t operations) {
  files_->kill_after(operations);
}
bool Process::is_dead() const {
  return files_->is_dead();
}

}  // namespace weir::sim
