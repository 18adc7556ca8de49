#include "stream/capture/dedup.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <set>

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "stream/capture/dedup_run.h"

namespace weir::capture {
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kKeyFile = "key";
constexpr size_t kCacheBytes = 16u << 20;
constexpr size_t kMergeFanIn = 4;  // so many runs of one size class become one
constexpr double kLoadMax = 0.7;

// Size class of a run: powers of the fan-in, so that a key is rewritten about log4(keys / table) times in its life.
int size_class(uint64_t count) {
  return static_cast<int>(std::bit_width(count)) / 2;
}

}  // namespace

// Open addressing with linear probing. Memory is taken page by page as it is touched, so an idle index costs nothing.
class DedupIndex::Table {
 public:
  explicit Table(size_t slots)
      : slots_(slots), entries_(static_cast<DedupEntry*>(std::calloc(slots, sizeof(DedupEntry)))) {
    CHECK(entries_ != nullptr, "no memory for the deduplication table");
  }
  ~Table() { std::free(entries_); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  size_t capacity() const { return static_cast<size_t>(static_cast<double>(slots_) * kLoadMax); }
  size_t used() const { return used_; }  // erased ones too
  uint64_t last_sequence() const { return last_sequence_; }

  DedupEntry* find(const Fingerprint& key) const {
    for (size_t at = key.low & (slots_ - 1);; at = (at + 1) & (slots_ - 1)) {
      DedupEntry& entry = entries_[at];
      if (entry.key == key) return &entry;
      if (entry.key == Fingerprint{}) return nullptr;
    }
  }
  void insert(const DedupEntry& entry) {
    last_sequence_ = std::max(last_sequence_, entry.sequence);
    if (DedupEntry* there = find(entry.key)) {  // erased, or older than its window
      *there = entry;
      return;
    }
    CHECK(used_ < capacity(), "has_room() was not asked");
    size_t at = entry.key.low & (slots_ - 1);
    while (!(entries_[at].key == Fingerprint{})) at = (at + 1) & (slots_ - 1);
    entries_[at] = entry;
    ++used_;
  }
  std::vector<DedupEntry> sorted() const {
    std::vector<DedupEntry> out;
    out.reserve(used_);
    for (size_t i = 0; i < slots_; ++i) {
      if (entries_[i].sequence != 0) out.push_back(entries_[i]);
    }
    std::sort(out.begin(), out.end(), [](const DedupEntry& a, const DedupEntry& b) { return a.key < b.key; });
    return out;
  }

 private:
  const size_t slots_;
  DedupEntry* entries_;
  size_t used_ = 0;
  uint64_t last_sequence_ = 0;
};

DedupIndex::DedupIndex(Files& files, Clock& clock, Metrics& metrics, DedupOptions options)
    : files_(files),
      clock_(clock),
      options_(std::move(options)),
      runs_(std::make_shared<DedupRuns>()),
      filters_(std::make_unique<FilterCache>(kCacheBytes, metrics)),
      keys_(metrics.gauge("weir_dedup_sealed_keys", "Keys in sealed runs of the deduplication index.")),
      run_count_(metrics.gauge("weir_dedup_runs", "Sealed runs of the deduplication index.")),
      seals_(metrics.counter("weir_dedup_seals_total", "Tables sealed into runs.")),
      merges_(metrics.counter("weir_dedup_merges_total", "Merges of runs.")) {
  if (options_.table_slots == 0) {
    // Two tables take a third of the memory, the filters the rest.
    options_.table_slots = std::bit_floor(std::max<size_t>(1024, options_.memory_bytes / 6 / sizeof(DedupEntry)));
  }
  active_ = std::make_unique<Table>(options_.table_slots);
  active_since_ = clock_.steady_micros();
}

DedupIndex::~DedupIndex() = default;

std::string DedupIndex::path_of(const std::string& name) const {
  return join_path(options_.folder, name);
}

Result<std::unique_ptr<DedupIndex>> DedupIndex::open(Files& files, Clock& clock, Random& random, Metrics& metrics,
                                                     DedupOptions options) {
  std::unique_ptr<DedupIndex> out(new DedupIndex(files, clock, metrics, std::move(options)));
  TRY(files.make_directories(out->options_.folder));
  TRY(out->load_manifest());
  TRY(out->load_key(random));
  return out;
}

Status DedupIndex::load_key(Random& random) {
  const std::string path = path_of(kKeyFile);
  TRY_ASSIGN(bool there, files_.exists(path));
  if (!there) {
    if (!runs_->runs.empty()) {
      return Error(Code::corrupt, path + " is missing, and without it the sealed keys mean nothing",
                   "restore .weir from a backup");
    }
    hash_key_ = {random.next(), random.next()};
    return replace_file(files_, path, hex_encode({reinterpret_cast<const char*>(&hash_key_), sizeof hash_key_}));
  }
  TRY_ASSIGN(std::string text, read_file(files_, path, 256));
  auto bytes = hex_decode(text);
  if (!bytes || bytes->size() != sizeof hash_key_)
    return Error(Code::corrupt, path + " is not a key of 32 hexadecimal digits");
  std::memcpy(&hash_key_, bytes->data(), sizeof hash_key_);
  return {};
}

Status DedupIndex::load_manifest() {
  auto runs = std::make_shared<DedupRuns>();
  TRY_ASSIGN(bool there, files_.exists(path_of(kManifest)));
  std::set<std::string> listed;
  if (there) {
    TRY_ASSIGN(std::string text, read_file(files_, path_of(kManifest)));
    auto manifest = Json::parse(text);
    if (!manifest) return Error(Code::corrupt, path_of(kManifest) + ": " + manifest.error().message);
    if ((*manifest)["format"].as_int() > 1) {
      return Error(Code::unsupported, path_of(kManifest) + " has a newer format",
                   "use the newer program that wrote it");
    }
    sealed_through_.store(static_cast<uint64_t>((*manifest)["sealed_through"].as_int(1)));
    next_run_ = static_cast<uint64_t>((*manifest)["next_run"].as_int(1));
    for (const Json& entry : (*manifest)["runs"].array()) {
      RunSummary summary;
      summary.file = entry["file"].as_string();
      summary.number = static_cast<uint64_t>(entry["number"].as_int());
      summary.count = static_cast<uint64_t>(entry["count"].as_int());
      TRY_ASSIGN(auto run, DedupRun::open(files_, options_.folder, summary));
      runs->runs.push_back(std::move(run));
      listed.insert(summary.file);
    }
  }
  TRY_ASSIGN(auto entries, files_.list(options_.folder));
  for (const auto& entry : entries) {
    // What a crash left between writing a run and listing it, or between unlisting and removing.
    if (entry.name.starts_with("run-") && !listed.contains(entry.name)) {
      TRY(files_.remove(path_of(entry.name)));
    }
  }
  runs_ = std::move(runs);
  return {};
}

std::shared_ptr<const DedupRuns> DedupIndex::runs() const {
  std::lock_guard lock(runs_mutex_);
  return runs_;
}

Result<std::optional<DedupEntry>> DedupIndex::find_sealed(const DedupRuns& runs, const Fingerprint& key,
                                                          uint32_t not_before_s) const {
  for (const auto& run : runs.runs) {
    if (run->summary().newest_arrival_s < not_before_s) continue;
    TRY_ASSIGN(auto found, run->find(key, *filters_));
    if (found && found->arrival_s >= not_before_s) return found;
  }
  return std::optional<DedupEntry>();
}

std::optional<DedupEntry> DedupIndex::find_recent(const Fingerprint& key, uint32_t not_before_s) const {
  for (const Table* table : {active_.get(), frozen_.get()}) {
    if (table == nullptr) continue;
    const DedupEntry* entry = table->find(key);
    if (entry != nullptr && entry->sequence != 0 && entry->arrival_s >= not_before_s) return *entry;
  }
  return std::nullopt;
}

bool DedupIndex::has_room(size_t entries) const {
  return active_->used() + entries < active_->capacity();
}

void DedupIndex::insert(const DedupEntry& entry) {
  if (active_->used() == 0) active_since_ = clock_.steady_micros();
  active_->insert(entry);
  if (active_->used() >= active_->capacity() / 2) wants_seal_.store(true, std::memory_order_relaxed);
}

void DedupIndex::erase(const Fingerprint& key, uint64_t sequence) {
  for (Table* table : {active_.get(), frozen_.get()}) {
    DedupEntry* entry = table == nullptr ? nullptr : table->find(key);
    if (entry != nullptr && entry->sequence == sequence)
      entry->sequence = 0;  // the slot stays, so that probing goes on behind it
  }
}

Status DedupIndex::maintain(Duration window, const std::function<void(const std::function<void()>&)>& locked,
                            const std::function<uint64_t()>& durable_end) {
  const int64_t now_s = clock_.wall().micros / 1'000'000;
  const auto not_before_s = static_cast<uint32_t>(std::max<int64_t>(0, now_s - window.micros / 1'000'000));
  bool ready = false;
  auto fresh = std::make_unique<Table>(options_.table_slots);
  locked([&] {
    const bool old = active_->used() > 0 && clock_.steady_micros() - active_since_ >= options_.seal_after.micros;
    if (frozen_ == nullptr && (old || active_->used() >= active_->capacity() / 2)) {
      frozen_ = std::exchange(active_, std::move(fresh));
      active_since_ = clock_.steady_micros();
      wants_seal_.store(false, std::memory_order_relaxed);
    }
    // Only what is on disk in the journal may be sealed: until then a failed sync can still take entries back.
    ready = frozen_ != nullptr && durable_end() > frozen_->last_sequence();
  });
  if (ready) {
    TRY(seal_frozen());
    locked([&] { frozen_.reset(); });
  }
  TRY(merge_due(not_before_s));
  return load_filters();
}

// The frozen table no longer changes: its entries are durable, so nothing is erased, and nothing is inserted into it.
Status DedupIndex::seal_frozen() {
  const std::vector<DedupEntry> entries = frozen_->sorted();
  auto current = runs();
  std::vector<std::shared_ptr<const DedupRun>> next = current->runs;
  if (!entries.empty()) {
    TRY_ASSIGN(auto writer, RunWriter::create(files_, options_.folder, next_run_++, entries.size()));
    for (const DedupEntry& entry : entries) {
      TRY(writer->add(entry));
    }
    TRY_ASSIGN(RunSummary summary, writer->finish());
    TRY_ASSIGN(auto run, DedupRun::open(files_, options_.folder, summary));
    next.insert(next.begin(), std::move(run));
  }
  seals_.add();
  return replace_runs(std::move(next), frozen_->last_sequence() + 1);
}

Status DedupIndex::replace_runs(std::vector<std::shared_ptr<const DedupRun>> next, uint64_t sealed_through) {
  auto made = std::make_shared<DedupRuns>();
  made->version = runs()->version + 1;
  made->runs = std::move(next);
  std::stable_sort(made->runs.begin(), made->runs.end(), [](const auto& a, const auto& b) {
    return a->summary().last_sequence > b->summary().last_sequence;
  });
  TRY(write_manifest(*made, sealed_through));
  uint64_t keys = 0;
  for (const auto& run : made->runs) keys += run->summary().count;
  keys_.set(static_cast<double>(keys));
  run_count_.set(static_cast<double>(made->runs.size()));
  std::shared_ptr<const DedupRuns> before;
  {
    std::lock_guard lock(runs_mutex_);
    before = std::exchange(runs_, made);
  }
  sealed_through_.store(sealed_through);
  for (const auto& run : before->runs) {
    const bool kept =
        std::any_of(made->runs.begin(), made->runs.end(), [&](const auto& other) { return other == run; });
    if (!kept) {
      TRY(files_.remove(path_of(run->summary().file)));  // readers that still hold it keep their open file
    }
  }
  return {};
}

Status DedupIndex::write_manifest(const DedupRuns& runs, uint64_t sealed_through) {
  Json list{Json::Array{}};
  for (const auto& run : runs.runs) {
    Json entry{Json::Object{}};
    entry.set("file", run->summary().file);
    entry.set("number", run->summary().number);
    entry.set("count", run->summary().count);
    list.push(std::move(entry));
  }
  Json manifest{Json::Object{}};
  manifest.set("format", 1);
  manifest.set("sealed_through", sealed_through);
  manifest.set("next_run", next_run_);
  manifest.set("runs", std::move(list));
  return replace_file(files_, path_of(kManifest), manifest.dump(1));
}

Status DedupIndex::merge_due(uint32_t not_before_s) {
  while (true) {
    auto current = runs();
    std::vector<std::vector<std::shared_ptr<const DedupRun>>> classes(40);
    std::vector<std::shared_ptr<const DedupRun>> expired;
    for (const auto& run : current->runs) {
      if (run->summary().newest_arrival_s < not_before_s) {
        expired.push_back(run);
      } else {
        classes[static_cast<size_t>(size_class(run->summary().count))].push_back(run);
      }
    }
    std::vector<std::shared_ptr<const DedupRun>> chosen = expired;
    std::optional<RunSummary> merged;
    if (expired.empty()) {
      auto due = std::find_if(classes.begin(), classes.end(),
                              [](const auto& runs_of_class) { return runs_of_class.size() >= kMergeFanIn; });
      if (due == classes.end()) return {};
      chosen = *due;
      TRY_ASSIGN(merged, merge_runs(files_, options_.folder, next_run_++, chosen, not_before_s));
      merges_.add();
    }
    std::vector<std::shared_ptr<const DedupRun>> next;
    for (const auto& run : current->runs) {
      if (std::find(chosen.begin(), chosen.end(), run) == chosen.end()) next.push_back(run);
    }
    if (merged) {
      TRY_ASSIGN(auto run, DedupRun::open(files_, options_.folder, *merged));
      next.push_back(std::move(run));
    }
    TRY(replace_runs(std::move(next), sealed_through_.load()));
  }
}

// The newest runs' filters are kept whole while they fit: resends are mostly of recent events, and every new key asks
// all of them.
Status DedupIndex::load_filters() {
  const size_t tables = 2 * options_.table_slots * sizeof(DedupEntry);
  size_t budget = options_.memory_bytes > tables + kCacheBytes ? options_.memory_bytes - tables - kCacheBytes : 0;
  for (const auto& run : runs()->runs) {
    if (run->filter_bytes() > budget) continue;
    budget -= run->filter_bytes();
    if (!run->has_filter_in_memory()) {
      TRY(std::const_pointer_cast<DedupRun>(run)->load_filter());
    }
  }
  return {};
}

}  // namespace weir::capture
