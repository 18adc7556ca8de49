#include "world.h"

#include <utility>

namespace weir::sim {

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
  if (disk.flip_random_bit(random, below_path)) ++bits_flipped;
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
    return world_.disk.sync_directory(path);
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
};

namespace {

struct HeldWrite {
  uint64_t offset = 0;
  std::string bytes;
};

}  // namespace

class MortalFile final : public File {
 public:
  MortalFile(World& world, std::unique_ptr<File> file, std::function<Status()> alive, std::function<Status()> change)
      : world_(world), file_(std::move(file)), alive_(std::move(alive)), change_(std::move(change)) {}

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    TRY(alive_());
    return file_->read_at(offset, into, size);
  }
  Status write_at(uint64_t offset, std::string_view bytes) override {
    TRY(change_());
    if (world_.mutant != Mutant::write_after_sync) return file_->write_at(offset, bytes);
    TRY(let_go());
    held_ = HeldWrite{offset, std::string(bytes)};
    return {};
  }
  Status sync() override {
    TRY(change_());
    TRY(file_->sync());
    return let_go();
  }
  Status truncate(uint64_t size) override {
    TRY(change_());
    TRY(let_go());
    return file_->truncate(size);
  }
  Result<uint64_t> size() const override {
    TRY(alive_());
    return file_->size();
  }

 private:
  Status let_go() {
    if (!held_) return {};
    const HeldWrite held = *std::exchange(held_, std::nullopt);
    return file_->write_at(held.offset, held.bytes);
  }

  World& world_;
  std::unique_ptr<File> file_;
  const std::function<Status()> alive_, change_;
  std::optional<HeldWrite> held_;  // Mutant::write_after_sync
};

Result<std::unique_ptr<File>> Process::MortalFiles::open(const std::string& path, OpenMode mode) {
  TRY(alive());
  TRY_ASSIGN(auto file, world_.disk.open(path, mode));
  return std::unique_ptr<File>(std::make_unique<MortalFile>(
      world_, std::move(file), [this] { return alive(); }, [this] { return change(); }));
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
