#include "stream/capture/dedup_run.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <queue>

#include "core/base/check.h"

namespace weir::capture {
namespace {

constexpr uint64_t kMagic = 0x314E555244444557;  // "WEDDRUN1"
// 1 had a checksum for each page of the filter instead of each piece, 2 no entries that are forgotten.
constexpr uint32_t kVersion = 3;
constexpr size_t kWriteBytes = 1 << 20;
constexpr size_t kHeaderBytes = kRunPageBytes;
constexpr uint64_t kEntriesBetweenPauses = 32'768;

struct Header {
  uint64_t magic = kMagic;
  uint32_t version = kVersion;
  uint32_t newest_arrival_s = 0;
  uint64_t count = 0, pages = 0;
  uint64_t fences_offset = 0, filter_offset = 0, filter_blocks = 0;
  uint64_t fences_checksum = 0;  // of the fences and the filter pieces' checksums behind them
  uint64_t number = 0;
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

// In the order of the keys, so that a run's filter is written as its keys come.
uint64_t filter_block_of(const Fingerprint& key, uint64_t blocks) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(key.high) * blocks) >> 64);
}

// Six bits of the block's 512, nine bits of hash each.
constexpr int kProbes = 6;
uint64_t probe_bits(const Fingerprint& key) {
  return key.low;
}

// Bit i of byte j is bit 8j + i of the block; on this (little-endian) machine that is its place in the words too.
bool words_may_hold(const uint64_t* block, int words, const Fingerprint& key) {
  uint64_t bits = probe_bits(key);
  uint64_t all = 1;
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    all &= block[(((bits >> 6) & 7) * static_cast<uint64_t>(words)) >> 3] >> (bits & 63);
  }
  return (all & 1) != 0;
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
    : pieces_(std::max<size_t>(kStripes, bytes / sizeof(Piece))),
      hits_(metrics.counter("weir_dedup_filter_cache_hits_total", "Pieces of filters found in the bounded cache.")),
      misses_(metrics.counter("weir_dedup_filter_cache_misses_total", "Pieces of filters read from a run's file.")) {}

Status FilterCache::read_block(const File& file, const Place& place, char into[kFilterBlockBytes]) {
  const uint64_t number = place.offset / kFilterPieceBytes;
  const size_t slot =
      static_cast<size_t>((place.run * 0x9E3779B97F4A7C15ull ^ number * 0xC2B2AE3D27D4EB4Full) >> 17) % pieces_.size();
  std::lock_guard lock(stripes_[slot % kStripes]);
  auto& piece = pieces_[slot];
  if (!piece) piece = std::make_unique<Piece>();
  if (piece->run != place.run || piece->number != number) {
    piece->run = 0;
    TRY_ASSIGN(size_t got, file.read_at(number * kFilterPieceBytes, piece->bytes.data(), kFilterPieceBytes));
    if (got != kFilterPieceBytes || checksum64({piece->bytes.data(), kFilterPieceBytes}) != place.checksum) {
      return Error(Code::corrupt, "a piece of a filter does not match its checksum");
    }
    piece->run = place.run;
    piece->number = number;
    misses_.add();
  } else {
    hits_.add();
  }
  std::memcpy(into, piece->bytes.data() + place.offset % kFilterPieceBytes, kFilterBlockBytes);
  return {};
}

namespace {

Result<Header> read_header(const File& file, const std::string& name) {
  Header header;
  TRY_ASSIGN(size_t got, file.read_at(0, reinterpret_cast<char*>(&header), sizeof header));
  if (got != sizeof header || header.magic != kMagic) return damaged(name, "it has no header");
  if (header.version > kVersion) {
    return Error(Code::unsupported,
                 "deduplication run " + name + " has version " + std::to_string(header.version) +
                     ", this program reads up to " + std::to_string(kVersion),
                 "use the newer program that wrote it");
  }
  if (checksum64(bytes_of(header).substr(0, offsetof(Header, checksum))) != header.checksum) {
    return damaged(name, "its header does not match its checksum");
  }
  return header;
}

std::string_view bytes_of_words(const std::vector<uint64_t>& words) {
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t)};
}

}  // namespace

Result<RunSummary> read_summary(Files& files, const std::string& folder, const std::string& file) {
  TRY_ASSIGN(auto opened, files.open(join_path(folder, file), OpenMode::read));
  TRY_ASSIGN(Header header, read_header(*opened, file));
  RunSummary out;
  out.file = file;
  out.number = header.number;
  out.count = header.count;
  out.first_sequence = header.first_sequence;
  out.last_sequence = header.last_sequence;
  out.newest_arrival_s = header.newest_arrival_s;
  return out;
}

namespace {

// Zeros. Lookups jump about in a large filter, and most of what each costs is finding the page: ask for huge ones.
uint64_t* allocate_words(size_t count) {
  constexpr size_t kHugePage = 2u << 20;
  const size_t bytes = count * sizeof(uint64_t);
  if (bytes < kHugePage) return static_cast<uint64_t*>(std::calloc(count, sizeof(uint64_t)));
  const size_t rounded = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = std::aligned_alloc(kHugePage, rounded);
  CHECK(memory != nullptr, "no memory for a filter");
  static_cast<void>(madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE));  // without it: slower
  std::memset(memory, 0, bytes);
  return static_cast<uint64_t*>(memory);
}

}  // namespace

RunFilter::RunFilter(uint64_t blocks, int words)
    : words_(words), blocks_(blocks), bits_(allocate_words(blocks * static_cast<uint64_t>(words)), &std::free) {}

// In pieces, so that a large filter is not in memory twice.
Result<std::shared_ptr<const RunFilter>> RunFilter::read(const File& file, uint64_t offset,
                                                         const std::vector<uint64_t>& sums, int words) {
  CHECK(words >= kFilterWordsMin && words <= kFilterWords, "a filter cannot be folded like that");
  constexpr size_t kPiecesAtOnce = 512, kPieceBlocks = kFilterPieceBytes / kFilterBlockBytes;
  std::shared_ptr<RunFilter> out(new RunFilter(sums.size() * kPieceBlocks, words));
  std::vector<uint64_t> read(kPiecesAtOnce * kFilterPieceBytes / sizeof(uint64_t));
  uint64_t* to = out->bits_.get();
  for (size_t first = 0; first < sums.size(); first += kPiecesAtOnce) {
    const size_t pieces = std::min(kPiecesAtOnce, sums.size() - first);
    char* bytes = reinterpret_cast<char*>(read.data());
    TRY_ASSIGN(size_t got, file.read_at(offset + first * kFilterPieceBytes, bytes, pieces * kFilterPieceBytes));
    for (size_t i = 0; i < pieces; ++i) {
      if (got != pieces * kFilterPieceBytes ||
          checksum64({bytes + i * kFilterPieceBytes, kFilterPieceBytes}) != sums[first + i]) {
        return Error(Code::corrupt, "its filter does not match its checksums");
      }
    }
    const uint64_t* from = read.data();
    for (size_t block = 0; block < pieces * kPieceBlocks; ++block, to += words, from += kFilterWords) {
      for (int i = 0; i < kFilterWords; ++i) to[(i * words) >> 3] |= from[i];
    }
  }
  return std::shared_ptr<const RunFilter>(std::move(out));
}

const uint64_t* RunFilter::block_of(const Fingerprint& key) const {
  return &bits_[filter_block_of(key, blocks_) * static_cast<uint64_t>(words_)];
}

bool RunFilter::may_hold(const Fingerprint& key) const {
  return words_may_hold(block_of(key), words_, key);
}

void RunFilter::prefetch(const Fingerprint& key) const noexcept {
  __builtin_prefetch(block_of(key));
}

// A block of 40 keys has 240 bits set, or fewer where they meet, spread over 8 words of which some share one.
double let_through(int words) {
  double set = 0;
  for (int word = 0; word < words; ++word) {
    int from = 0;
    for (int i = 0; i < kFilterWords; ++i) from += ((i * words) >> 3) == word ? 1 : 0;
    const double share = from / static_cast<double>(kFilterWords);
    set += share * (1 - std::exp(-kProbes * static_cast<double>(kFilterBlockKeys) * share / 64));
  }
  return std::pow(set, kProbes);
}

namespace {

// Of a filter whose pages have a checksum each: those of its pieces. A damaged page's are made not to match.
Result<std::vector<uint64_t>> piece_sums(const File& file, uint64_t offset, const std::vector<uint64_t>& page_sums) {
  std::vector<uint64_t> out;
  char page[kRunPageBytes];
  for (size_t i = 0; i < page_sums.size(); ++i) {
    TRY_ASSIGN(size_t got, file.read_at(offset + i * kRunPageBytes, page, sizeof page));
    const bool is_whole = got == sizeof page && checksum64({page, sizeof page}) == page_sums[i];
    for (size_t at = 0; at < kRunPageBytes; at += kFilterPieceBytes) {
      const uint64_t sum = checksum64({page + at, kFilterPieceBytes});
      out.push_back(is_whole ? sum : ~sum);
    }
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const DedupRun>> DedupRun::open(Files& files, const std::string& folder,
                                                       const RunSummary& summary) {
  auto out = std::make_shared<Body>();
  TRY_ASSIGN(out->file, files.open(join_path(folder, summary.file), OpenMode::read));
  TRY_ASSIGN(Header header, read_header(*out->file, summary.file));
  if (header.count != summary.count || header.number != summary.number) {
    return damaged(summary.file, "it is not the run that the manifest lists");
  }
  TRY_ASSIGN(uint64_t size, out->file->size());
  const uint64_t filter_bytes = header.filter_blocks * kFilterBlockBytes;
  const uint64_t words = header.pages + filter_bytes / (header.version == 1 ? kRunPageBytes : kFilterPieceBytes);
  if (size != header.filter_offset + filter_bytes || filter_bytes % kRunPageBytes != 0 || filter_bytes == 0 ||
      header.fences_offset + words * sizeof(uint64_t) > size) {
    return damaged(summary.file, "its size is wrong");
  }
  out->summary = summary;
  out->summary.bytes = size;
  out->summary.newest_arrival_s = header.newest_arrival_s;
  out->summary.first_sequence = header.first_sequence;
  out->summary.last_sequence = header.last_sequence;
  out->pages = header.pages;
  out->filter_offset = header.filter_offset;
  out->filter_blocks = header.filter_blocks;
  std::vector<uint64_t> read(words);
  const size_t bytes = words * sizeof(uint64_t);
  TRY_ASSIGN(size_t got, out->file->read_at(header.fences_offset, reinterpret_cast<char*>(read.data()), bytes));
  if (got != bytes || checksum64(bytes_of_words(read)) != header.fences_checksum) {
    return damaged(summary.file, "its page index does not match its checksum");
  }
  const auto middle = read.begin() + static_cast<std::ptrdiff_t>(header.pages);
  out->filter_sums.assign(middle, read.end());
  read.resize(header.pages);
  out->fences = std::move(read);
  if (header.version == 1) {
    TRY_ASSIGN(out->filter_sums, piece_sums(*out->file, header.filter_offset, out->filter_sums));
  }
  return std::shared_ptr<const DedupRun>(new DedupRun(std::move(out), nullptr));
}

Result<std::shared_ptr<const DedupRun>> DedupRun::with_filter(int words) const {
  auto filter = RunFilter::read(*body_->file, body_->filter_offset, body_->filter_sums, words);
  if (!filter) {
    return filter.error().code == Code::corrupt ? damaged(summary().file, filter.error().message) : filter.error();
  }
  return std::shared_ptr<const DedupRun>(new DedupRun(body_, std::move(*filter)));
}

std::shared_ptr<const DedupRun> DedupRun::without_filter() const {
  return std::shared_ptr<const DedupRun>(new DedupRun(body_, nullptr));
}

bool DedupRun::may_hold(const Fingerprint& key, FilterCache& cache) const {
  if (filter_ && !filter_->may_hold(key)) return false;
  if (filter_ && filter_->words() == kFilterWords) return true;
  // The whole filter's block is far more likely to be in the system's memory than the page of entries, and only one in
  // 300 asks for that page then.
  uint64_t words[kFilterWords];
  const uint64_t at = filter_block_of(key, body_->filter_blocks) * kFilterBlockBytes;
  const FilterCache::Place place{summary().number, body_->filter_offset + at,
                                 body_->filter_sums[at / kFilterPieceBytes]};
  // A filter that cannot be read rules nothing out: slower, never wrong. with_filter() reports it.
  if (!cache.read_block(*body_->file, place, reinterpret_cast<char*>(words))) return true;
  return words_may_hold(words, kFilterWords, key);
}

Status DedupRun::read_page(uint64_t index, std::vector<DedupEntry>& into) const {
  alignas(64) char page[kRunPageBytes];
  TRY_ASSIGN(size_t got, body_->file->read_at(kHeaderBytes + index * kRunPageBytes, page, sizeof page));
  PageFoot foot;
  std::memcpy(&foot, page + kRunPageBytes - sizeof foot, sizeof foot);
  if (got != sizeof page || foot.count == 0 || foot.count > kRunPageEntries ||
      checksum64({page, foot.count * sizeof(DedupEntry)}) != foot.checksum) {
    return damaged(summary().file, "page " + std::to_string(index) + " does not match its checksum");
  }
  into.resize(foot.count);
  std::memcpy(static_cast<void*>(into.data()), page, foot.count * sizeof(DedupEntry));
  return {};
}

Result<std::optional<DedupEntry>> DedupRun::find(const Fingerprint& key, FilterCache& cache) const {
  if (!may_hold(key, cache)) return std::optional<DedupEntry>();
  // Keys with one high half may begin on the page before the fence that equals it.
  const auto& fences = body_->fences;
  auto page = static_cast<uint64_t>(std::lower_bound(fences.begin(), fences.end(), key.high) - fences.begin());
  if (page > 0) --page;
  std::vector<DedupEntry> entries;
  for (; page < body_->pages && fences[page] <= key.high; ++page) {
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
    : files_(files), folder_(std::move(folder)), keys_max_(std::max<uint64_t>(1, keys_max)) {
  summary_.number = number;
  summary_.file = run_name(number);
  // Where things lie follows from how many keys there may be; with fewer a hole stays.
  const uint64_t pages_max = (keys_max_ + kRunPageEntries - 1) / kRunPageEntries;
  const uint64_t keys_a_page = kRunPageBytes / kFilterBlockBytes * kFilterBlockKeys;
  const uint64_t filter_pages = (keys_max_ + keys_a_page - 1) / keys_a_page;
  filter_blocks_ = filter_pages * (kRunPageBytes / kFilterBlockBytes);
  fences_offset_ = kHeaderBytes + pages_max * kRunPageBytes;
  const uint64_t pieces = filter_pages * (kRunPageBytes / kFilterPieceBytes);
  const uint64_t fences_end = fences_offset_ + (pages_max + pieces) * sizeof(uint64_t);
  filter_offset_ = (fences_end + kRunPageBytes - 1) / kRunPageBytes * kRunPageBytes;
  entries_.offset = kHeaderBytes;
  filter_.offset = filter_offset_;
  page_.reserve(kRunPageBytes);
  filter_page_.assign(kRunPageBytes, '\0');
}

Status RunWriter::add(const DedupEntry& entry) {
  CHECK(summary_.count < keys_max_, "a run was given more keys than announced");
  if (page_count_entries_ == 0) fences_.push_back(entry.key.high);
  page_ += bytes_of(entry);
  ++page_count_entries_;
  ++summary_.count;
  summary_.newest_arrival_s = std::max(summary_.newest_arrival_s, entry.arrival_s);
  summary_.last_sequence = std::max(summary_.last_sequence, entry.place());
  if (summary_.first_sequence == 0 || entry.place() < summary_.first_sequence) summary_.first_sequence = entry.place();
  const uint64_t at = filter_block_of(entry.key, filter_blocks_) * kFilterBlockBytes;
  TRY(move_filter_to(at / kRunPageBytes));
  char* block = filter_page_.data() + at % kRunPageBytes;
  uint64_t bits = probe_bits(entry.key);
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    const auto bit = static_cast<size_t>(bits & 511);
    block[bit / 8] = static_cast<char>(static_cast<unsigned char>(block[bit / 8]) | (1u << (bit % 8)));
  }
  return page_count_entries_ == kRunPageEntries ? flush_page() : Status();
}

Status RunWriter::move_filter_to(uint64_t page) {
  while (filter_page_number_ < page) {
    for (size_t at = 0; at < kRunPageBytes; at += kFilterPieceBytes) {
      filter_sums_.push_back(checksum64({filter_page_.data() + at, kFilterPieceBytes}));
    }
    TRY(append(filter_, filter_page_));
    filter_page_.assign(kRunPageBytes, '\0');
    ++filter_page_number_;
  }
  return {};
}

Status RunWriter::flush_page() {
  if (page_count_entries_ == 0) return {};
  PageFoot foot;
  foot.checksum = checksum64(page_);
  foot.count = static_cast<uint32_t>(page_count_entries_);
  page_.resize(kRunPageBytes - sizeof foot);
  page_ += bytes_of(foot);
  TRY(append(entries_, page_));
  page_.clear();
  page_count_entries_ = 0;
  return {};
}

Status RunWriter::append(Section& section, std::string_view bytes) {
  section.pending += bytes;
  return section.pending.size() < kWriteBytes ? Status() : flush(section);
}

Status RunWriter::flush(Section& section) {
  if (section.pending.empty()) return {};
  TRY(file_->write_at(section.offset, section.pending));
  section.offset += section.pending.size();
  section.pending.clear();
  return {};
}

Result<RunSummary> RunWriter::finish() {
  TRY(flush_page());
  TRY(flush(entries_));
  TRY(move_filter_to(filter_blocks_ * kFilterBlockBytes / kRunPageBytes));
  TRY(flush(filter_));
  Header header;
  header.number = summary_.number;
  header.count = summary_.count;
  header.pages = fences_.size();
  header.newest_arrival_s = summary_.newest_arrival_s;
  header.first_sequence = summary_.first_sequence;
  header.last_sequence = summary_.last_sequence;
  header.fences_offset = fences_offset_;
  header.filter_offset = filter_offset_;
  header.filter_blocks = filter_blocks_;
  fences_.insert(fences_.end(), filter_sums_.begin(), filter_sums_.end());
  header.fences_checksum = checksum64(bytes_of_words(fences_));
  TRY(file_->write_at(fences_offset_, bytes_of_words(fences_)));
  header.checksum = checksum64(bytes_of(header).substr(0, offsetof(Header, checksum)));
  TRY(file_->write_at(0, bytes_of(header)));
  TRY(file_->sync());
  TRY(files_.rename(join_path(folder_, summary_.file + ".staging"), join_path(folder_, summary_.file)));
  TRY(files_.sync_directory(folder_));
  summary_.bytes = filter_.offset;
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
                                             uint32_t not_before_s, const std::function<Status()>& pause) {
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
  uint64_t seen = 0;
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
      if (entry.place() > best->place()) best = entry;
    } else {
      TRY(write_best());
      best = entry;
    }
    TRY_ASSIGN(bool more, cursors[index].advance());
    if (more) order.push(index);
    if (++seen % kEntriesBetweenPauses == 0) {
      TRY(pause());
    }
  }
  TRY(write_best());
  if (!any) return std::optional<RunSummary>();
  TRY_ASSIGN(RunSummary summary, writer->finish());
  return std::optional<RunSummary>(std::move(summary));
}

}  // namespace weir::capture
