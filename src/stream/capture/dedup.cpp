#include "stream/capture/dedup.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <set>

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/io/crash_point.h"
#include "stream/capture/dedup_run.h"

namespace weir::capture {
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kKeyFile = "key";
constexpr const char* kKeyCopy = "key.copy";
constexpr uint64_t kPassedBy = 100'000;  // journal records without a key: so many are read again at a restart
constexpr size_t kCacheBytes = 4u << 20;
constexpr size_t kMergeFanIn = 4;  // so many runs of one size class become one
constexpr double kLoadMax = 0.7;

// Size class of a run: powers of the fan-in, so that a key is rewritten about log4(keys / table) times in its life.
int size_class(uint64_t count) {
  return static_cast<int>(std::bit_width(count)) / 2;
}

// How many words a block each run's filter may have so that all of them fit; 0: not in memory. A word is taken where it
// costs the fewest needless reads for the memory it gives.
std::vector<int> plan_filters(const std::vector<std::shared_ptr<const DedupRun>>& runs, size_t budget) {
  struct Step {
    int words;  // that are left
    uint64_t saved;
    double cost;
  };
  const auto step = [&](size_t i, int words) {
    const int left = words > kFilterWordsMin ? words - 1 : 0;
    return Step{left, runs[i]->filter_bytes(words) - runs[i]->filter_bytes(left),
                (left == 0 ? 1 : let_through(left)) - let_through(words)};
  };
  std::vector<int> words(runs.size(), kFilterWords);
  uint64_t total = 0;
  for (const auto& run : runs) total += run->filter_bytes(kFilterWords);
  while (total > budget) {
    size_t chosen = 0;
    double best = -1;
    for (size_t i = 0; i < runs.size(); ++i) {
      if (words[i] == 0) continue;
      const Step next = step(i, words[i]);
      const double worth = static_cast<double>(next.saved) / next.cost;
      if (worth <= best) continue;
      best = worth;
      chosen = i;
    }
    const Step next = step(chosen, words[chosen]);
    words[chosen] = next.words;
    total -= next.saved;
  }
  return words;
}

std::string manifest_checksum(const Json& manifest) {
  return std::to_string(checksum64(manifest.dump()));
}

// Zeroed memory that is taken as it is touched: an idle index costs nothing. In large pages where the system gives
// them, because keys fall anywhere in a table, so that among small ones nearly every key of a fresh table is a page
// fault.
class TablePages {
 public:
  explicit TablePages(size_t bytes) : mapped_bytes_(bytes + kLargePage) {
    mapped_ = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapped_ != MAP_FAILED, "no memory for the deduplication table");
    begin_ = mapped_;
    size_t room = mapped_bytes_;
    begin_ = std::align(kLargePage, bytes, begin_, room);
    (void)::madvise(begin_, bytes, MADV_HUGEPAGE);  // without them it is only slower
  }
  ~TablePages() { ::munmap(mapped_, mapped_bytes_); }
  TablePages(const TablePages&) = delete;
  TablePages& operator=(const TablePages&) = delete;
  void* begin() const { return begin_; }

 private:
  static constexpr size_t kLargePage = 2u << 20;
  const size_t mapped_bytes_;
  void* mapped_ = nullptr;
  void* begin_ = nullptr;
};

}  // namespace

// Open addressing with linear probing.
class DedupIndex::Table {
 public:
  explicit Table(size_t slots)
      : slots_(slots), pages_(slots * sizeof(DedupEntry)), entries_(static_cast<DedupEntry*>(pages_.begin())) {}

  size_t capacity() const { return static_cast<size_t>(static_cast<double>(slots_) * kLoadMax); }
  size_t used() const { return used_; }  // erased ones too
  uint64_t first_sequence() const { return first_sequence_; }
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
    if (first_sequence_ == 0) first_sequence_ = entry.sequence;
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
  const TablePages pages_;
  DedupEntry* const entries_;  // in them; all zero is an empty one
  size_t used_ = 0;
  uint64_t first_sequence_ = 0, last_sequence_ = 0;
};

DedupIndex::DedupIndex(Files& files, Clock& clock, Metrics& metrics, DedupOptions options)
    : files_(files),
      clock_(clock),
      options_(std::move(options)),
      runs_(std::make_shared<DedupRuns>()),
      filters_(std::make_unique<FilterCache>(kCacheBytes, metrics)),
      keys_(metrics.gauge("weir_dedup_sealed_keys", "Keys in sealed runs of the deduplication index.")),
      run_count_(metrics.gauge("weir_dedup_runs", "Sealed runs of the deduplication index.")),
      filter_bytes_(
          metrics.gauge("weir_dedup_filter_bytes", "Memory of the filters of sealed runs, as they are folded.")),
      seals_(metrics.counter("weir_dedup_seals_total", "Tables sealed into runs.")),
      merges_(metrics.counter("weir_dedup_merges_total", "Merges of runs.")) {
  if (options_.table_slots == 0) {
    // Two tables take up to two fifths of the memory, the filters most of the rest.
    options_.table_slots = std::bit_floor(std::max<size_t>(1024, options_.memory_bytes / 5 / sizeof(DedupEntry)));
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
  // The names that an earlier program left may be in the system's memory only. A manifest that is believed lets the
  // journal go; the next power cut must not bring an older one back.
  TRY(files.sync_directory(out->options_.folder));
  TRY(out->load_manifest());
  TRY(out->load_key(random));
  return out;
}

// The key stands in two files: one flipped bit must not cost the memory of all sealed keys.
Status DedupIndex::load_key(Random& random) {
  bool any = false;
  for (const char* name : {kKeyFile, kKeyCopy}) {
    TRY_ASSIGN(bool there, files_.exists(path_of(name)));
    any |= there;
    if (!there) continue;
    auto text = read_file(files_, path_of(name), 256);
    auto bytes = text ? hex_decode(*text) : Result<std::string>(text.error());
    constexpr size_t kKeyBytes = sizeof(HashKey) + sizeof(uint64_t);
    if (!bytes || bytes->size() != kKeyBytes) continue;
    uint64_t sum = 0;
    std::memcpy(&sum, bytes->data() + sizeof hash_key_, sizeof sum);
    if (sum != checksum64(std::string_view(*bytes).substr(0, sizeof hash_key_))) continue;
    std::memcpy(&hash_key_, bytes->data(), sizeof hash_key_);
    return name == kKeyFile ? write_key(kKeyCopy) : write_key(kKeyFile);
  }
  if (any || !runs_->runs.empty()) {
    return Error(Code::corrupt,
                 path_of(kKeyFile) + " and its copy cannot be read, and without it the sealed keys mean nothing",
                 "restore .weir from a backup");
  }
  hash_key_ = {random.next(), random.next()};
  TRY(write_key(kKeyFile));
  return write_key(kKeyCopy);
}

// Unless it is there with this content already.
Status DedupIndex::write_key(const std::string& name) {
  std::string bytes(reinterpret_cast<const char*>(&hash_key_), sizeof hash_key_);
  const uint64_t sum = checksum64(bytes);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  const std::string text = hex_encode(bytes);
  TRY_ASSIGN(bool there, files_.exists(path_of(name)));
  if (there) {
    auto known = read_file(files_, path_of(name), 256);
    if (known && *known == text) return {};
  }
  return replace_file(files_, path_of(name), text);
}

Status DedupIndex::load_manifest() {
  auto runs = std::make_shared<DedupRuns>();
  TRY_ASSIGN(bool there, files_.exists(path_of(kManifest)));
  bool good = !there;
  if (there) {
    TRY_ASSIGN(std::string text, read_file(files_, path_of(kManifest)));
    auto document = Json::parse(text);
    const Json& manifest = document ? (*document)["manifest"] : Json();
    if (manifest["format"].as_int() > 1) {
      return Error(Code::unsupported, path_of(kManifest) + " has a newer format",
                   "use the newer program that wrote it");
    }
    good = document && (*document)["checksum"].as_string() == manifest_checksum(manifest);
    if (good) {
      sealed_through_.store(static_cast<uint64_t>(manifest["sealed_through"].as_int(1)));
      next_run_ = static_cast<uint64_t>(manifest["next_run"].as_int(1));
    }
    for (const Json& entry : good ? manifest["runs"].array() : Json::Array{}) {
      RunSummary summary;
      summary.file = entry["file"].as_string();
      summary.number = static_cast<uint64_t>(entry["number"].as_int());
      summary.count = static_cast<uint64_t>(entry["count"].as_int());
      TRY_ASSIGN(auto run, DedupRun::open(files_, options_.folder, summary));
      runs->runs.push_back(std::move(run));
    }
  }
  if (!good) {
    TRY(find_lost_runs(*runs));
  }
  TRY_ASSIGN(auto entries, files_.list(options_.folder));
  for (const auto& entry : entries) {
    // What a crash left between writing a run and listing it, or between unlisting and removing.
    const bool listed = std::any_of(runs->runs.begin(), runs->runs.end(),
                                    [&](const auto& run) { return run->summary().file == entry.name; });
    if (entry.name.starts_with("run-") && !listed) {
      TRY(files_.remove(path_of(entry.name)));
    }
  }
  runs_ = std::move(runs);
  return {};
}

// The manifest is damaged: every whole run in the folder is taken. Those that it would not have listed hold nothing
// that was not accepted.
Status DedupIndex::find_lost_runs(DedupRuns& runs) {
  TRY_ASSIGN(auto entries, files_.list(options_.folder));
  uint64_t last = 0;
  for (const auto& entry : entries) {
    if (!entry.name.starts_with("run-") || entry.name.ends_with(".staging")) continue;
    TRY_ASSIGN(RunSummary summary, read_summary(files_, options_.folder, entry.name));
    last = std::max(last, summary.last_sequence);
    next_run_ = std::max(next_run_, summary.number + 1);
    TRY_ASSIGN(auto run, DedupRun::open(files_, options_.folder, summary));
    runs.runs.push_back(std::move(run));
  }
  std::stable_sort(runs.runs.begin(), runs.runs.end(), [](const auto& a, const auto& b) {
    return a->summary().last_sequence > b->summary().last_sequence;
  });
  sealed_through_.store(last + 1);
  return write_manifest(runs, last + 1);
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

void DedupIndex::prefetch(const DedupRuns& runs, const Fingerprint& key) const noexcept {
  for (const auto& run : runs.runs) run->prefetch(key);
}

std::optional<uint64_t> DedupIndex::first_in_memory() const {
  for (const Table* table : {frozen_.get(), active_.get()}) {  // the frozen one is older
    if (table != nullptr && table->first_sequence() != 0) return table->first_sequence();
  }
  return std::nullopt;
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
  const Caller caller{locked, durable_end};
  const int64_t now_s = clock_.wall().micros / 1'000'000;
  const auto not_before_s = static_cast<uint32_t>(std::max<int64_t>(0, now_s - window.micros / 1'000'000));
  TRY(seal_due(caller));
  TRY(pass_by(caller));
  TRY(merge_due(not_before_s, caller));
  return filters_status();
}

Status DedupIndex::seal_all(const std::function<void(const std::function<void()>&)>& locked,
                            const std::function<uint64_t()>& durable_end) {
  const Caller caller{locked, durable_end};
  TRY(seal_due(caller));  // a table that was frozen before
  return seal_due(caller, true);
}

Result<uint64_t> DedupIndex::forget(const std::vector<uint64_t>& sequences) {
  uint64_t found = 0;
  const auto current = runs();
  for (const auto& run : current->runs) {
    TRY_ASSIGN(const uint64_t here, forget_in(run, sequences));
    found += here;
  }
  fit_filters();
  return found;
}

Result<uint64_t> DedupIndex::forget_in(const std::shared_ptr<const DedupRun>& run,
                                       const std::vector<uint64_t>& sequences) {
  const auto first = std::lower_bound(sequences.begin(), sequences.end(), run->summary().first_sequence);
  if (first == sequences.end() || *first > run->summary().last_sequence) return uint64_t{0};
  const auto is_wanted = [&](const DedupEntry& entry) {
    return std::binary_search(first, sequences.end(), entry.place());
  };
  uint64_t found = 0, fresh = 0;
  std::vector<DedupEntry> entries;
  for (uint64_t page = 0; page < run->pages(); ++page) {
    TRY(run->read_page(page, entries));
    for (const DedupEntry& entry : entries) {
      if (!is_wanted(entry)) continue;
      ++found;
      if (!entry.is_forgotten()) ++fresh;
    }
  }
  if (fresh == 0) return found;
  TRY_ASSIGN(auto writer, RunWriter::create(files_, options_.folder, next_run_++, run->summary().count));
  for (uint64_t page = 0; page < run->pages(); ++page) {
    TRY(run->read_page(page, entries));
    for (DedupEntry& entry : entries) {
      if (is_wanted(entry)) entry.forget();
      TRY(writer->add(entry));
    }
  }
  TRY_ASSIGN(const RunSummary summary, writer->finish());
  TRY_ASSIGN(auto made, DedupRun::open(files_, options_.folder, summary));
  crash_point("dedup.forgotten");
  TRY(replace_runs({run}, std::move(made), sealed_through_.load()));
  return found;
}

Status DedupIndex::seal_due(const Caller& caller, bool all) {
  bool due = false, ready = false;
  auto is_due = [&] {
    const bool old =
        active_->used() > 0 && (all || clock_.steady_micros() - active_since_ >= options_.seal_after.micros);
    return frozen_ == nullptr && (old || active_->used() >= active_->capacity() / 2);
  };
  caller.locked([&] { due = frozen_ != nullptr || is_due(); });
  if (!due) return {};
  auto fresh = std::make_unique<Table>(options_.table_slots);
  caller.locked([&] {
    if (is_due()) {
      frozen_ = std::exchange(active_, std::move(fresh));
      active_since_ = clock_.steady_micros();
      wants_seal_.store(false, std::memory_order_relaxed);
    }
    // Only what is on disk in the journal may be sealed: until then a failed sync can still take entries back.
    ready = frozen_ != nullptr && caller.durable_end() > frozen_->last_sequence();
  });
  if (!ready) return {};
  TRY(seal_frozen());
  std::unique_ptr<Table> done;  // its memory is given back outside of the lock
  caller.locked([&] { done = std::move(frozen_); });
  return {};
}

// The frozen table no longer changes: its entries are durable, so nothing is erased, and nothing is inserted into it.
Status DedupIndex::seal_frozen() {
  const std::vector<DedupEntry> entries = frozen_->sorted();
  std::shared_ptr<const DedupRun> made;
  if (!entries.empty()) {
    TRY_ASSIGN(auto writer, RunWriter::create(files_, options_.folder, next_run_++, entries.size()));
    for (const DedupEntry& entry : entries) {
      TRY(writer->add(entry));
    }
    TRY_ASSIGN(RunSummary summary, writer->finish());
    TRY_ASSIGN(auto run, DedupRun::open(files_, options_.folder, summary));
    made = std::move(run);
  }
  seals_.add();
  TRY(replace_runs({}, std::move(made), frozen_->last_sequence() + 1));
  fit_filters();
  return {};
}

// Records without a key leave nothing to seal; a restart need not read them all again.
Status DedupIndex::pass_by(const Caller& caller) {
  uint64_t through = 0;
  caller.locked([&] {
    if (!first_in_memory()) through = caller.durable_end();
  });
  if (through < sealed_through_.load() + kPassedBy) return {};
  return replace_runs({}, nullptr, through);
}

Status DedupIndex::replace_runs(const std::vector<std::shared_ptr<const DedupRun>>& gone,
                                std::shared_ptr<const DedupRun> run, uint64_t sealed_through) {
  const auto current = runs();
  auto made = std::make_shared<DedupRuns>();
  made->version = current->version + 1;
  for (const auto& known : current->runs) {
    const bool goes = std::any_of(gone.begin(), gone.end(), [&](const auto& old) {
      return old->summary().number == known->summary().number;  // its filter may have been folded meanwhile
    });
    if (!goes) made->runs.push_back(known);
  }
  if (run != nullptr) made->runs.push_back(std::move(run));
  std::stable_sort(made->runs.begin(), made->runs.end(), [](const auto& a, const auto& b) {
    return a->summary().last_sequence > b->summary().last_sequence;
  });
  TRY(write_manifest(*made, sealed_through));
  uint64_t keys = 0;
  for (const auto& known : made->runs) keys += known->summary().count;
  keys_.set(static_cast<double>(keys));
  run_count_.set(static_cast<double>(made->runs.size()));
  {
    std::lock_guard lock(runs_mutex_);
    runs_ = std::move(made);
  }
  sealed_through_.store(sealed_through);
  for (const auto& known : gone) {
    TRY(files_.remove(path_of(known->summary().file)));  // readers that still hold it keep their open file
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
  Json document{Json::Object{}};
  document.set("checksum", manifest_checksum(manifest));
  document.set("manifest", std::move(manifest));
  return replace_file(files_, path_of(kManifest), document.dump(1));
}

Status DedupIndex::merge_due(uint32_t not_before_s, const Caller& caller) {
  while (true) {
    TRY_ASSIGN(bool merged, merge_once(not_before_s, caller));
    fit_filters();  // now that nobody here holds the runs that are gone
    if (!merged) return {};
  }
}

Result<bool> DedupIndex::merge_once(uint32_t not_before_s, const Caller& caller) {
  std::vector<std::vector<std::shared_ptr<const DedupRun>>> classes(40);
  std::vector<std::shared_ptr<const DedupRun>> chosen;
  for (const auto& run : runs()->runs) {
    if (run->summary().newest_arrival_s < not_before_s) {
      chosen.push_back(run);
    } else {
      classes[static_cast<size_t>(size_class(run->summary().count))].push_back(run);
    }
  }
  std::shared_ptr<const DedupRun> made;
  if (chosen.empty()) {
    auto due = std::find_if(classes.begin(), classes.end(),
                            [](const auto& runs_of_class) { return runs_of_class.size() >= kMergeFanIn; });
    if (due == classes.end()) return false;
    chosen = *due;
    // Tables go on being sealed while a long merge runs: submitters wait for room, not for us.
    TRY_ASSIGN(auto merged, merge_runs(files_, options_.folder, next_run_++, chosen, not_before_s,
                                       [&] { return seal_due(caller); }));
    merges_.add();
    if (merged) {
      TRY_ASSIGN(made, DedupRun::open(files_, options_.folder, *merged));
    }
  }
  TRY(replace_runs(chosen, std::move(made), sealed_through_.load()));
  return true;
}

// A filter in memory costs a lookup next to nothing; what gets through a folded one, or needs one that is not there,
// costs a system call. A filter that cannot be read rules nothing out.
void DedupIndex::fit_filters() {
  const auto current = runs();
  size_t other = 2 * options_.table_slots * sizeof(DedupEntry) + kCacheBytes;
  for (const auto& run : current->runs) other += run->index_bytes();
  const size_t budget = options_.memory_bytes > other ? options_.memory_bytes - other : 0;
  const auto tight = plan_filters(current->runs, budget);
  const auto roomy = plan_filters(current->runs, budget / 4 * 3);  // grown only with room to spare, not back and forth
  // What shrinks makes room for what is read in. One at a time, so that not two large ones are there twice.
  for (const bool shrinking : {true, false}) {
    for (size_t i = 0; i < current->runs.size(); ++i) {
      const auto& known = current->runs[i];
      const int now = known->filter_words();
      const int wanted = now == 0 || now > tight[i] ? tight[i] : std::max(now, roomy[i]);
      if (wanted == now || (wanted < now) != shrinking || unreadable_filters_.contains(known->summary().number))
        continue;
      auto run = wanted == 0 ? known->without_filter() : known->with_filter(wanted);
      if (run) {
        show_instead(known, *run);
      } else {
        unreadable_filters_.emplace(known->summary().number, run.error());
        show_instead(known, known->without_filter());
      }
    }
  }
}

// The first run's of which the filter could not be read.
Status DedupIndex::filters_status() {
  std::map<uint64_t, Error> still;
  uint64_t bytes = 0;
  for (const auto& run : runs()->runs) {
    bytes += run->filter_bytes(run->filter_words());
    const auto known = unreadable_filters_.find(run->summary().number);
    if (known != unreadable_filters_.end()) still.insert(*known);
  }
  unreadable_filters_ = std::move(still);
  filter_bytes_.set(static_cast<double>(bytes));
  return unreadable_filters_.empty() ? Status() : Status(unreadable_filters_.begin()->second);
}

// The runs stay the same: what was found in them still holds, so the version does too.
void DedupIndex::show_instead(const std::shared_ptr<const DedupRun>& known,
                              const std::shared_ptr<const DedupRun>& run) {
  std::lock_guard lock(runs_mutex_);
  auto made = std::make_shared<DedupRuns>(*runs_);
  std::replace(made->runs.begin(), made->runs.end(), known, run);
  runs_ = std::move(made);
}

}  // namespace weir::capture
