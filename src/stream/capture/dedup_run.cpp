#include "stream/capture/dedup_run.h"

#include <algorithm>
#include <cstring>
#include <queue>

#include "core/base/check.h"

namespace weir::capture {
namespace {

constexpr uint64_t kMagic = 0x314E555244444557;  // "WEDDRUN1"
constexpr uint32_t kVersion = 1;
constexpr size_t kWriteBytes = 1 << 20;
constexpr size_t kHeaderBytes = kRunPageBytes;

struct Header {
  uint64_t magic = kMagic;
  uint32_t version = kVersion;
  uint32_t newest_arrival_s = 0;
  uint64_t count = 0, pages = 0;
  uint64_t fences_offset = 0, filter_offset = 0, filter_blocks = 0;
  uint64_t fences_checksum = 0, filter_checksum = 0;
  uint64_t first_sequence = 0, last_sequence = 0;
  uint64_t checksum = 0;  // of everything before
};

struct PageFoot {
  uint64_t checksum = 0;  // of the entries' bytes
  uint32_t count = 0;
  uint32_t unused[5] = {};
};
static_assert(sizeof(PageFoot) + kRunPageEntries * sizeof(DedupEntry) == kRunPageBytes);

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

uint64_t filter_block_of(const Fingerprint& key, uint64_t blocks) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(key.low) * blocks) >> 64);
}

// Six bits of the block's 512, nine bits of hash each.
constexpr int kProbes = 6;
uint64_t probe_bits(const Fingerprint& key) {
  return key.high ^ (key.low << 17);
}

bool block_may_hold(const char* block, const Fingerprint& key) {
  uint64_t bits = probe_bits(key);
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    const auto bit = static_cast<size_t>(bits & 511);
    if ((static_cast<unsigned char>(block[bit / 8]) & (1u << (bit % 8))) == 0) return false;
  }
  return true;
}

Error damaged(const std::string& file, const std::string& what) {
  return Error(Code::corrupt, "deduplication run " + file + ": " + what, "restore .weir from a backup");
}

std::string run_name(uint64_t number) {
  char out[40];
  std::snprintf(out, sizeof out, "run-%012llu", static_cast<unsigned long long>(number));
  return out;
}

}  // namespace

FilterCache::FilterCache(size_t bytes, Metrics& metrics)
    : pages_(std::max<size_t>(kStripes, bytes / sizeof(Page))),
      hits_(metrics.counter("weir_dedup_filter_cache_hits_total", "Filter pages found in the bounded cache.")),
      misses_(metrics.counter("weir_dedup_filter_cache_misses_total", "Filter pages read from a run's file.")) {}

Status FilterCache::read_block(const File& file, uint64_t run_number, uint64_t offset, char into[kFilterBlockBytes]) {
  const uint64_t number = offset / kRunPageBytes;
  const size_t slot =
      static_cast<size_t>((run_number * 0x9E3779B97F4A7C15ull ^ number * 0xC2B2AE3D27D4EB4Full) >> 17) % pages_.size();
  std::lock_guard lock(stripes_[slot % kStripes]);
  auto& page = pages_[slot];
  if (!page) page = std::make_unique<Page>();
  if (page->run != run_number || page->number != number) {
    page->run = 0;
    TRY_ASSIGN(size_t got, file.read_at(number * kRunPageBytes, page->bytes.data(), kRunPageBytes));
    if (got < kRunPageBytes) std::memset(page->bytes.data() + got, 0, kRunPageBytes - got);
    page->run = run_number;
    page->number = number;
    misses_.add();
  } else {
    hits_.add();
  }
  std::memcpy(into, page->bytes.data() + offset % kRunPageBytes, kFilterBlockBytes);
  return {};
}

Result<std::shared_ptr<DedupRun>> DedupRun::open(Files& files, const std::string& folder, const RunSummary& summary) {
  std::shared_ptr<DedupRun> out(new DedupRun());
  TRY_ASSIGN(out->file_, files.open(join_path(folder, summary.file), OpenMode::read));
  Header header;
  TRY_ASSIGN(size_t got, out->file_->read_at(0, reinterpret_cast<char*>(&header), sizeof header));
  if (got != sizeof header || header.magic != kMagic) return damaged(summary.file, "it has no header");
  if (header.version > kVersion) {
    return Error(Code::unsupported,
                 "deduplication run " + summary.file + " has version " + std::to_string(header.version) +
                     ", this program reads up to " + std::to_string(kVersion),
                 "use the newer program that wrote it");
  }
  if (checksum64(bytes_of(header).substr(0, offsetof(Header, checksum))) != header.checksum ||
      header.count != summary.count) {
    return damaged(summary.file, "its header does not match its checksum or the manifest");
  }
  TRY_ASSIGN(uint64_t size, out->file_->size());
  if (size != header.filter_offset + header.filter_blocks * kFilterBlockBytes)
    return damaged(summary.file, "its size is wrong");
  out->summary_ = summary;
  out->summary_.bytes = size;
  out->summary_.newest_arrival_s = header.newest_arrival_s;
  out->summary_.first_sequence = header.first_sequence;
  out->summary_.last_sequence = header.last_sequence;
  out->page_count_ = header.pages;
  out->filter_offset_ = header.filter_offset;
  out->filter_blocks_ = header.filter_blocks;
  out->fences_.resize(header.pages);
  const size_t fence_bytes = header.pages * sizeof(uint64_t);
  TRY_ASSIGN(got, out->file_->read_at(header.fences_offset, reinterpret_cast<char*>(out->fences_.data()), fence_bytes));
  if (got != fence_bytes ||
      checksum64({reinterpret_cast<const char*>(out->fences_.data()), fence_bytes}) != header.fences_checksum) {
    return damaged(summary.file, "its page index does not match its checksum");
  }
  return out;
}

Status DedupRun::load_filter() {
  auto bytes = std::make_unique<char[]>(filter_bytes());
  TRY_ASSIGN(size_t got, file_->read_at(filter_offset_, bytes.get(), filter_bytes()));
  Header header;
  TRY_ASSIGN(size_t head, file_->read_at(0, reinterpret_cast<char*>(&header), sizeof header));
  if (head != sizeof header || got != filter_bytes() ||
      checksum64({bytes.get(), filter_bytes()}) != header.filter_checksum) {
    return damaged(summary_.file, "its filter does not match its checksum");
  }
  filter_owned_ = std::move(bytes);
  filter_.store(filter_owned_.get(), std::memory_order_release);
  return {};
}

Result<bool> DedupRun::may_hold(const Fingerprint& key, FilterCache& cache) const {
  const uint64_t block = filter_block_of(key, filter_blocks_);
  if (const char* filter = filter_.load(std::memory_order_acquire))
    return block_may_hold(filter + block * kFilterBlockBytes, key);
  char bytes[kFilterBlockBytes];
  TRY(cache.read_block(*file_, summary_.number, filter_offset_ + block * kFilterBlockBytes, bytes));
  return block_may_hold(bytes, key);
}

Status DedupRun::read_page(uint64_t index, std::vector<DedupEntry>& into) const {
  alignas(64) char page[kRunPageBytes];
  TRY_ASSIGN(size_t got, file_->read_at(kHeaderBytes + index * kRunPageBytes, page, sizeof page));
  PageFoot foot;
  std::memcpy(&foot, page + kRunPageBytes - sizeof foot, sizeof foot);
  if (got != sizeof page || foot.count == 0 || foot.count > kRunPageEntries ||
      checksum64({page, foot.count * sizeof(DedupEntry)}) != foot.checksum) {
    return damaged(summary_.file, "page " + std::to_string(index) + " does not match its checksum");
  }
  into.resize(foot.count);
  std::memcpy(static_cast<void*>(into.data()), page, foot.count * sizeof(DedupEntry));
  return {};
}

Result<std::optional<DedupEntry>> DedupRun::find(const Fingerprint& key, FilterCache& cache) const {
  TRY_ASSIGN(bool possible, may_hold(key, cache));
  if (!possible) return std::optional<DedupEntry>();
  // Keys with one high half may begin on the page before the fence that equals it.
  auto page = static_cast<uint64_t>(std::lower_bound(fences_.begin(), fences_.end(), key.high) - fences_.begin());
  if (page > 0) --page;
  std::vector<DedupEntry> entries;
  for (; page < page_count_ && fences_[page] <= key.high; ++page) {
    TRY(read_page(page, entries));
    auto found =
        std::lower_bound(entries.begin(), entries.end(), key,
                         [](const DedupEntry& entry, const Fingerprint& wanted) { return entry.key < wanted; });
    if (found != entries.end() && found->key == key) return std::optional<DedupEntry>(*found);
    if (found != entries.end()) break;
  }
  return std::optional<DedupEntry>();
}

Result<std::unique_ptr<RunWriter>> RunWriter::create(Files& files, const std::string& folder, uint64_t number,
                                                     uint64_t keys_max) {
  std::unique_ptr<RunWriter> out(new RunWriter(files, folder, number, keys_max));
  TRY_ASSIGN(out->file_, files.open(join_path(folder, out->summary_.file + ".staging"), OpenMode::create));
  TRY(out->file_->truncate(0));
  return out;
}

RunWriter::RunWriter(Files& files, std::string folder, uint64_t number, uint64_t keys_max)
    : files_(files),
      folder_(std::move(folder)),
      offset_(kHeaderBytes),
      filter_((std::max<uint64_t>(1, keys_max) + kFilterBlockKeys - 1) / kFilterBlockKeys * kFilterBlockBytes, '\0') {
  summary_.number = number;
  summary_.file = run_name(number);
  page_.reserve(kRunPageBytes);
  pending_.reserve(kWriteBytes + kRunPageBytes);
}

Status RunWriter::add(const DedupEntry& entry) {
  if (page_count_entries_ == 0) fences_.push_back(entry.key.high);
  page_ += bytes_of(entry);
  ++page_count_entries_;
  ++summary_.count;
  summary_.newest_arrival_s = std::max(summary_.newest_arrival_s, entry.arrival_s);
  summary_.last_sequence = std::max(summary_.last_sequence, entry.sequence);
  if (summary_.first_sequence == 0 || entry.sequence < summary_.first_sequence)
    summary_.first_sequence = entry.sequence;
  char* block = filter_.data() + filter_block_of(entry.key, filter_.size() / kFilterBlockBytes) * kFilterBlockBytes;
  uint64_t bits = probe_bits(entry.key);
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    const auto bit = static_cast<size_t>(bits & 511);
    block[bit / 8] = static_cast<char>(static_cast<unsigned char>(block[bit / 8]) | (1u << (bit % 8)));
  }
  return page_count_entries_ == kRunPageEntries ? flush_page() : Status();
}

Status RunWriter::flush_page() {
  if (page_count_entries_ == 0) return {};
  PageFoot foot;
  foot.checksum = checksum64(page_);
  foot.count = static_cast<uint32_t>(page_count_entries_);
  page_.resize(kRunPageBytes - sizeof foot);
  page_ += bytes_of(foot);
  pending_ += page_;
  page_.clear();
  page_count_entries_ = 0;
  ++pages_;
  if (pending_.size() < kWriteBytes) return {};
  TRY(file_->write_at(offset_, pending_));
  offset_ += pending_.size();
  pending_.clear();
  return {};
}

Result<RunSummary> RunWriter::finish() {
  TRY(flush_page());
  TRY(file_->write_at(offset_, pending_));
  offset_ += pending_.size();
  Header header;
  header.count = summary_.count;
  header.pages = pages_;
  header.newest_arrival_s = summary_.newest_arrival_s;
  header.first_sequence = summary_.first_sequence;
  header.last_sequence = summary_.last_sequence;
  header.fences_offset = offset_;
  const std::string_view fences(reinterpret_cast<const char*>(fences_.data()), fences_.size() * sizeof(uint64_t));
  header.fences_checksum = checksum64(fences);
  TRY(file_->write_at(offset_, fences));
  // The filter begins on a page, so that the cache reads whole ones.
  header.filter_offset = (offset_ + fences.size() + kRunPageBytes - 1) / kRunPageBytes * kRunPageBytes;
  header.filter_blocks = filter_.size() / kFilterBlockBytes;
  header.filter_checksum = checksum64(filter_);
  TRY(file_->write_at(header.filter_offset, filter_));
  header.checksum = checksum64(bytes_of(header).substr(0, offsetof(Header, checksum)));
  TRY(file_->write_at(0, bytes_of(header)));
  TRY(file_->sync());
  TRY(files_.rename(join_path(folder_, summary_.file + ".staging"), join_path(folder_, summary_.file)));
  TRY(files_.sync_directory(folder_));
  summary_.bytes = header.filter_offset + filter_.size();
  return summary_;
}

namespace {

// Walks one run's entries in order.
class RunCursor {
 public:
  explicit RunCursor(std::shared_ptr<const DedupRun> run) : run_(std::move(run)) {}
  Result<bool> advance() {
    if (++at_ < entries_.size()) return true;
    if (page_ == run_->pages()) return false;
    TRY(run_->read_page(page_++, entries_));
    at_ = 0;
    return true;
  }
  const DedupEntry& entry() const { return entries_[at_]; }

 private:
  std::shared_ptr<const DedupRun> run_;
  std::vector<DedupEntry> entries_;
  size_t at_ = SIZE_MAX;  // before the first: ++ makes it 0
  uint64_t page_ = 0;
};

}  // namespace

Result<std::optional<RunSummary>> merge_runs(Files& files, const std::string& folder, uint64_t number,
                                             const std::vector<std::shared_ptr<const DedupRun>>& runs,
                                             uint32_t not_before_s) {
  std::vector<RunCursor> cursors;
  uint64_t keys_max = 0;
  for (const auto& run : runs) {
    cursors.emplace_back(run);
    keys_max += run->summary().count;
  }
  const auto later = [&](size_t a, size_t b) { return cursors[b].entry().key < cursors[a].entry().key; };
  std::priority_queue<size_t, std::vector<size_t>, decltype(later)> order(later);
  for (size_t i = 0; i < cursors.size(); ++i) {
    TRY_ASSIGN(bool more, cursors[i].advance());
    if (more) order.push(i);
  }
  TRY_ASSIGN(auto writer, RunWriter::create(files, folder, number, keys_max));
  std::optional<DedupEntry> best;
  bool any = false;
  const auto write_best = [&]() -> Status {
    if (!best || best->arrival_s < not_before_s) return {};
    any = true;
    return writer->add(*best);
  };
  while (!order.empty()) {
    const size_t index = order.top();
    order.pop();
    const DedupEntry entry = cursors[index].entry();
    if (best && best->key == entry.key) {
      if (entry.sequence > best->sequence) best = entry;
    } else {
      TRY(write_best());
      best = entry;
    }
    TRY_ASSIGN(bool more, cursors[index].advance());
    if (more) order.push(index);
  }
  TRY(write_best());
  if (!any) return std::optional<RunSummary>();
  TRY_ASSIGN(RunSummary summary, writer->finish());
  return std::optional<RunSummary>(std::move(summary));
}

}  // namespace weir::capture
