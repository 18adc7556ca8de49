#include "core/io/simulated_files.h"

#include <algorithm>
#include <functional>

#include "core/base/check.h"
#include "core/io/simulated_clock.h"

namespace weir {

namespace {

constexpr size_t kTraceLines = 10'000;

Error power_is_off(const std::string& path) {
  return Error(Code::io, "the power is off: " + path);
}

}  // namespace

// A file or a folder. `current` is what reads see, `durable` what the disk holds.
struct SimulatedFiles::Node {
  explicit Node(bool is_directory_in) : is_directory(is_directory_in) {}

  struct Range {
    uint64_t start = 0;
    uint64_t end = 0;
  };

  const bool is_directory;
  std::string current;
  std::string durable;
  std::vector<SectorWrite> pending;  // since the last sync, in order
  std::vector<Range> unreadable;
  std::map<std::string, NodePtr> names;
  std::map<std::string, NodePtr> durable_names;
};

// One change of a folder that is not on disk yet. An empty folder pointer means: this side does not exist.
struct SimulatedFiles::NameChange {
  NodePtr from_folder;  // rename and remove: the name that goes
  std::string from;
  NodePtr to_folder;  // create and rename: the name that comes
  std::string to;
  NodePtr node;
  bool is_durable = false;

  bool touches(const Node* folder, const std::string& name) const {
    return (from_folder.get() == folder && from == name) || (to_folder.get() == folder && to == name);
  }
  bool touches_same_name_as(const NameChange& other) const {
    return (other.from_folder && touches(other.from_folder.get(), other.from)) ||
           (other.to_folder && touches(other.to_folder.get(), other.to));
  }
  // The folder whose sync makes this durable.
  const Node* decided_by() const { return to_folder ? to_folder.get() : from_folder.get(); }
};

// A name in a folder that exists; the node may not.
struct SimulatedFiles::Entry {
  NodePtr folder;
  std::string name;
  NodePtr node;
};

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedFiles& files, SimulatedFiles::NodePtr node, std::string path, bool may_write)
      : files_(files),
        node_(std::move(node)),
        path_(std::move(path)),
        may_write_(may_write),
        generation_(files.generation_) {}

  Result<size_t> read_at(uint64_t offset, char* into, size_t size) const override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check());
    for (const auto& range : node_->unreadable) {
      if (offset < range.end && offset + size > range.start) {
        return Error(Code::io, "cannot read " + path_ + ": unreadable sector at " + std::to_string(range.start));
      }
    }
    const std::string& bytes = node_->current;
    if (offset >= bytes.size()) return size_t{0};
    const size_t count = std::min<uint64_t>(size, bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), count, into);
    return count;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check_writable());
    bool last = false;
    TRY(files_.begin_change(last));
    files_.record("write " + path_ + " at " + std::to_string(offset) + " bytes " + std::to_string(bytes.size()));
    const uint64_t fitting = bytes_that_fit(offset, bytes.size());
    if (fitting > 0) {
      SectorWrite write{SectorWrite::Kind::bytes, offset, std::string(bytes.substr(0, fitting))};
      apply_write(node_->current, write);
      node_->pending.push_back(std::move(write));
    }
    if (fitting < bytes.size()) {
      return Error(Code::no_space, "cannot write " + path_ + ": No space left on device", "free space on this disk");
    }
    return files_.finish_change(last);
  }

  Status sync() override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check());
    bool last = false;
    TRY(files_.begin_change(last));
    files_.record("sync " + path_);
    if (last) return files_.finish_change(last);
    const auto failing = files_.failing_syncs_.find(++files_.syncs_);
    if (failing != files_.failing_syncs_.end()) return fail(failing->second);
    if (files_.lies_about(path_)) return {};
    for (const SectorWrite& write : node_->pending) apply_write(node_->durable, write);
    node_->pending.clear();
    return {};
  }

  Status truncate(uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check_writable());
    bool last = false;
    TRY(files_.begin_change(last));
    files_.record("truncate " + path_ + " to " + std::to_string(size));
    SectorWrite write{SectorWrite::Kind::truncate, size, {}};
    apply_write(node_->current, write);
    node_->pending.push_back(std::move(write));
    return files_.finish_change(last);
  }

  Result<uint64_t> size() const override {
    const std::lock_guard lock(files_.mutex_);
    TRY(check());
    return uint64_t{node_->current.size()};
  }

 private:
  Status check() const {
    if (generation_ != files_.generation_) {
      return Error(Code::io, "cannot use " + path_ + ": it was opened before the power cut");
    }
    return files_.check_power();
  }

  Status check_writable() const {
    TRY(check());
    if (!may_write_) return Error(Code::io, "cannot write " + path_ + ": it was opened for reading");
    return {};
  }

  uint64_t bytes_that_fit(uint64_t offset, uint64_t size) const {
    if (files_.capacity_ == SimulatedFiles::kUnlimited) return size;
    const uint64_t used = files_.used_locked();
    const uint64_t free = files_.capacity_ > used ? files_.capacity_ - used : 0;
    const uint64_t end = node_->current.size() + free;
    return end <= offset ? 0 : std::min(size, end - offset);
  }

  Status fail(const FailedSync& how) {
    SeededRandom random(how.seed);
    for (const SectorWrite& write : node_->pending) {
      if (how.reached == FailedSync::Reached::everything) apply_write(node_->durable, write);
      if (how.reached == FailedSync::Reached::some_sectors) {
        apply_part_of_write(node_->durable, write, {.random = random, .eighths = 4});
      }
    }
    node_->pending.clear();
    if (how.reads_return_old) node_->current = node_->durable;
    files_.record("  the sync failed");
    return Error(Code::io, "cannot sync " + path_ + ": Input/output error");
  }

  SimulatedFiles& files_;
  const SimulatedFiles::NodePtr node_;
  const std::string path_;
  const bool may_write_;
  const uint64_t generation_;
};

SimulatedFiles::SimulatedFiles() : root_(std::make_shared<Node>(true)) {}
SimulatedFiles::~SimulatedFiles() = default;

// --- names -------------------------------------------------------------------------------------------------------

Result<std::vector<std::string>> SimulatedFiles::parts_of(const std::string& path) const {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    std::string part = path.substr(start, end - start);
    if (part == "..") return Error(Code::invalid, "the simulated disk has no \"..\": " + path);
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
    start = end + 1;
  }
  return parts;
}

Result<SimulatedFiles::NodePtr> SimulatedFiles::find(const std::string& path) const {
  TRY_ASSIGN(const auto parts, parts_of(path));
  NodePtr node = root_;
  for (const std::string& part : parts) {
    const auto found = node->names.find(part);
    if (found == node->names.end())
      return Error(Code::not_found, "cannot find " + path + ": No such file or directory");
    node = found->second;
  }
  return node;
}

Result<SimulatedFiles::Entry> SimulatedFiles::find_entry(const std::string& path) const {
  TRY_ASSIGN(const auto parts, parts_of(path));
  if (parts.empty()) return Error(Code::io, "cannot use the disk's root as a file: \"" + path + "\"");
  Entry entry;
  entry.folder = root_;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto found = entry.folder->names.find(parts[i]);
    if (found == entry.folder->names.end() || !found->second->is_directory) {
      return Error(Code::not_found, "cannot find " + path + ": No such file or directory");
    }
    entry.folder = found->second;
  }
  entry.name = parts.back();
  const auto found = entry.folder->names.find(entry.name);
  if (found != entry.folder->names.end()) entry.node = found->second;
  return entry;
}

Result<std::unique_ptr<File>> SimulatedFiles::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(Entry entry, find_entry(path));
  const bool may_create = mode == OpenMode::create || mode == OpenMode::create_new;
  if (entry.node && mode == OpenMode::create_new) {
    return Error(Code::conflict, "cannot open " + path + ": File exists");
  }
  if (entry.node && entry.node->is_directory) {
    return Error(Code::io, "cannot open " + path + ": it is not a regular file");
  }
  if (!entry.node && !may_create) return Error(Code::not_found, "cannot open " + path + ": No such file or directory");
  if (!entry.node) {
    TRY_ASSIGN(entry.node, create_file(entry, path));
  }
  return std::unique_ptr<File>(
      std::make_unique<SimulatedFile>(*this, std::move(entry.node), path, mode != OpenMode::read));
}

Result<SimulatedFiles::NodePtr> SimulatedFiles::create_file(const Entry& entry, const std::string& path) {
  bool last = false;
  TRY(begin_change(last));
  record("create " + path);
  if (capacity_ != kUnlimited && used_locked() >= capacity_) {
    return Error(Code::no_space, "cannot open " + path + ": No space left on device", "free space on this disk");
  }
  NodePtr node = std::make_shared<Node>(false);
  change_name({.from_folder = {}, .from = {}, .to_folder = entry.folder, .to = entry.name, .node = node});
  TRY(finish_change(last));
  return node;
}

Status SimulatedFiles::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const Entry source, find_entry(from));
  TRY_ASSIGN(const Entry target, find_entry(to));
  const std::string what = "cannot rename " + from + " to " + to + ": ";
  if (!source.node) return Error(Code::not_found, what + "No such file or directory");
  if (source.node == target.node) return {};
  TRY_ASSIGN(const auto from_parts, parts_of(from));
  TRY_ASSIGN(const auto to_parts, parts_of(to));
  if (from_parts.size() < to_parts.size() && std::equal(from_parts.begin(), from_parts.end(), to_parts.begin())) {
    return Error(Code::io, what + "a folder cannot move into itself");
  }
  if (target.node) {
    if (target.node->is_directory != source.node->is_directory) return Error(Code::io, what + "Not a directory");
    if (!target.node->names.empty()) return Error(Code::io, what + "Directory not empty");
  }
  bool last = false;
  TRY(begin_change(last));
  record("rename " + from + " to " + to);
  change_name({.from_folder = source.folder,
               .from = source.name,
               .to_folder = target.folder,
               .to = target.name,
               .node = source.node});
  return finish_change(last);
}

Status SimulatedFiles::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const Entry entry, find_entry(path));
  if (!entry.node) return Error(Code::not_found, "cannot remove " + path + ": No such file or directory");
  if (!entry.node->names.empty()) return Error(Code::io, "cannot remove " + path + ": Directory not empty");
  bool last = false;
  TRY(begin_change(last));
  record("remove " + path);
  change_name({.from_folder = entry.folder, .from = entry.name, .to_folder = {}, .to = {}, .node = entry.node});
  return finish_change(last);
}

Status SimulatedFiles::make_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const auto parts, parts_of(path));
  Entry entry;
  entry.node = root_;
  for (const std::string& part : parts) {
    entry.folder = entry.node;
    entry.name = part;
    const auto found = entry.folder->names.find(part);
    if (found != entry.folder->names.end()) {
      entry.node = found->second;
      if (!entry.node->is_directory) {
        return Error(Code::conflict, "cannot make folder " + path + ": there is a file of that name");
      }
      continue;
    }
    bool last = false;
    TRY(begin_change(last));
    record("make folder " + part + " of " + path);
    entry.node = std::make_shared<Node>(true);
    change_name({.from_folder = {}, .from = {}, .to_folder = entry.folder, .to = part, .node = entry.node});
    TRY(finish_change(last));
    if (!lies_about(path)) sync_names_of(entry.folder.get());
  }
  return {};
}

Status SimulatedFiles::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const NodePtr folder, find(path));
  if (!folder->is_directory) return Error(Code::not_found, "cannot open folder " + path + ": Not a directory");
  bool last = false;
  TRY(begin_change(last));
  record("sync folder " + path);
  if (last) return finish_change(last);
  if (failing_directory_syncs_.count(++directory_syncs_) != 0) {
    record("  the sync failed");
    return Error(Code::io, "cannot sync folder " + path + ": Input/output error");
  }
  if (lies_about(path)) return {};
  sync_names_of(folder.get());
  return {};
}

Result<std::vector<DirectoryEntry>> SimulatedFiles::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY_ASSIGN(const NodePtr folder, find(path));
  if (!folder->is_directory) return Error(Code::not_found, "cannot list " + path + ": Not a directory");
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : folder->names) {
    entries.push_back({name, node->is_directory, node->current.size(), 0});
  }
  return entries;
}

Result<bool> SimulatedFiles::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  const auto found = find(path);
  if (!found && found.error().code != Code::not_found) return found.error();
  return found.has_value();
}

Result<uint64_t> SimulatedFiles::free_bytes(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRY(check_power());
  TRY(find(path));
  if (capacity_ == kUnlimited) return uint64_t{1} << 50;
  const uint64_t used = used_locked();
  return capacity_ > used ? capacity_ - used : 0;
}

void SimulatedFiles::change_name(NameChange change) {
  if (change.from_folder) change.from_folder->names.erase(change.from);
  if (change.to_folder) change.to_folder->names[change.to] = change.node;
  changes_.push_back(std::move(change));
}

// Earlier changes of the same names come first, so that no order ever shows half a rename.
void SimulatedFiles::make_durable(size_t index) {
  if (changes_[index].is_durable) return;
  for (size_t earlier = 0; earlier < index; ++earlier) {
    if (!changes_[earlier].is_durable && changes_[earlier].touches_same_name_as(changes_[index])) make_durable(earlier);
  }
  NameChange& change = changes_[index];
  if (change.from_folder) change.from_folder->durable_names.erase(change.from);
  if (change.to_folder) change.to_folder->durable_names[change.to] = change.node;
  change.is_durable = true;
}

void SimulatedFiles::forget_durable_changes() {
  std::erase_if(changes_, [](const NameChange& change) { return change.is_durable; });
}

void SimulatedFiles::sync_names_of(const Node* folder) {
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i].decided_by() == folder) make_durable(i);
  }
  forget_durable_changes();
}

// --- power and faults --------------------------------------------------------------------------------------------

Status SimulatedFiles::check_power() const {
  if (power_off_) return power_is_off("nothing answers until the next start");
  return {};
}

Status SimulatedFiles::begin_change(bool& last) {
  ++operations_;
  if (!operations_left_) return {};
  CHECK(*operations_left_ > 0, "a disk without power refuses earlier");
  if (--*operations_left_ > 0) return {};
  last = true;
  power_off_ = true;
  return {};
}

Status SimulatedFiles::finish_change(bool last) const {
  if (last) return power_is_off("it went during this operation");
  return {};
}

void SimulatedFiles::power_cut(Random& random) {
  const std::lock_guard lock(mutex_);
  record("power cut");
  const uint64_t name_eighths = random_below(random, 9);
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (random_chance(random, name_eighths, 8)) make_durable(i);
  }
  changes_.clear();
  const std::function<void(Node&)> restart = [&](Node& node) {
    // A different share for each file, so that all-or-nothing outcomes happen often enough.
    const uint64_t eighths = random_below(random, 9);
    for (const SectorWrite& write : node.pending) {
      apply_part_of_write(node.durable, write, {.random = random, .eighths = eighths, .tear = tear_sectors_});
    }
    node.pending.clear();
    node.current = node.durable;
    node.names = node.durable_names;
    for (const auto& [name, below] : node.names) restart(*below);
  };
  restart(*root_);
  ++generation_;
  power_off_ = false;
  operations_left_.reset();
}

void SimulatedFiles::power_off_after(uint64_t operations) {
  const std::lock_guard lock(mutex_);
  CHECK(operations > 0, "the first operation that can be the last is the next one");
  operations_left_ = operations;
}

bool SimulatedFiles::is_power_off() const {
  const std::lock_guard lock(mutex_);
  return power_off_;
}

uint64_t SimulatedFiles::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

void SimulatedFiles::set_tear_sectors(bool tear) {
  const std::lock_guard lock(mutex_);
  tear_sectors_ = tear;
}

void SimulatedFiles::fail_sync(uint64_t nth, FailedSync how) {
  const std::lock_guard lock(mutex_);
  failing_syncs_[syncs_ + nth] = how;
}

void SimulatedFiles::fail_sync_directory(uint64_t nth) {
  const std::lock_guard lock(mutex_);
  failing_directory_syncs_[directory_syncs_ + nth] = true;
}

void SimulatedFiles::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void SimulatedFiles::set_lying_syncs(std::optional<std::string> part) {
  const std::lock_guard lock(mutex_);
  lying_ = std::move(part);
}

Status SimulatedFiles::flip_bit(const FlippedBit& where) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const NodePtr node, find(where.path));
  if (where.offset >= node->durable.size() || where.bit < 0 || where.bit > 7) {
    return Error(Code::not_found, where.path + " holds no byte " + std::to_string(where.offset) + " on disk");
  }
  const char mask = static_cast<char>(1 << where.bit);
  record("flip bit " + std::to_string(where.bit) + " of byte " + std::to_string(where.offset) + " of " + where.path);
  node->durable[where.offset] = static_cast<char>(node->durable[where.offset] ^ mask);
  if (where.offset < node->current.size()) {
    node->current[where.offset] = static_cast<char>(node->current[where.offset] ^ mask);
  }
  return {};
}

Result<FlippedBit> SimulatedFiles::flip_random_bit(Random& random, const std::string& path_prefix) {
  std::vector<std::pair<std::string, uint64_t>> candidates;  // path and bytes on disk
  uint64_t total = 0;
  {
    const std::lock_guard lock(mutex_);
    const std::function<void(const Node&, const std::string&)> visit = [&](const Node& node, const std::string& path) {
      if (!node.is_directory && path.starts_with(path_prefix) && !node.durable.empty()) {
        candidates.emplace_back(path, node.durable.size());
        total += node.durable.size();
      }
      for (const auto& [name, below] : node.names) visit(*below, join_path(path, name));
    };
    visit(*root_, "");
  }
  uint64_t byte = random_below(random, total);
  for (const auto& [path, size] : candidates) {
    if (byte < size) {
      const FlippedBit flipped{path, byte, static_cast<int>(random_below(random, 8))};
      TRY(flip_bit(flipped));
      return flipped;
    }
    byte -= size;
  }
  return Error(Code::not_found, "no file below \"" + path_prefix + "\" holds a byte on disk");
}

Status SimulatedFiles::make_unreadable(const std::string& path, uint64_t offset, uint64_t size) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const NodePtr node, find(path));
  node->unreadable.push_back({offset, offset + size});
  return {};
}

// --- looking at it -----------------------------------------------------------------------------------------------

uint64_t SimulatedFiles::used_locked() const {
  uint64_t used = 0;
  const std::function<void(const Node&)> visit = [&](const Node& node) {
    used += node.current.size();
    for (const auto& [name, below] : node.names) visit(*below);
  };
  visit(*root_);
  return used;
}

bool SimulatedFiles::lies_about(const std::string& path) const {
  return lying_ && path.find(*lying_) != std::string::npos;
}

uint64_t SimulatedFiles::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used_locked();
}

uint64_t SimulatedFiles::unsynced_bytes(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  if (!node) return 0;
  uint64_t bytes = 0;
  for (const SectorWrite& write : (*node)->pending) bytes += write.bytes.size();
  return bytes;
}

void SimulatedFiles::set_trace(bool on) {
  const std::lock_guard lock(mutex_);
  tracing_ = on;
}

std::string SimulatedFiles::trace() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const std::string& line : trace_) text += line + "\n";
  return text;
}

void SimulatedFiles::record(const std::string& line) {
  if (!tracing_) return;
  trace_.push_back(line);
  if (trace_.size() > kTraceLines) trace_.pop_front();
}

}  // namespace weir
