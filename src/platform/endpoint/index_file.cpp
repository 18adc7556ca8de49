#include "platform/endpoint/index_file.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace weir::endpoint {
namespace {

// The first page: this name, the version, then the fields in the order of header().
constexpr std::string_view kMagic = "weirEndp";
constexpr size_t kIdAt = 16;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8 * 13;
constexpr size_t kPlaceBytes = 48;    // a chunk in the directory
constexpr size_t kRowHeadBytes = 12;  // value, end of its text
constexpr size_t kFilterBlock = 64;   // bytes: one cache line answers a question
constexpr int kFilterBits = 6;        // set for each key
constexpr uint64_t kFilterBitsAKey = 10;
constexpr uint64_t kBucketKeys = 8;
constexpr uint64_t kResidentMax = 4u << 20;

uint64_t filter_blocks_for(uint64_t keys) {
  return std::max<uint64_t>(1, (keys * kFilterBitsAKey + kFilterBlock * 8 - 1) / (kFilterBlock * 8));
}

// A number below `count`, evenly from 64 bits.
uint64_t scaled(uint64_t bits, uint64_t count) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(bits) * count) >> 64);
}

uint64_t bucket_of(uint64_t high, uint32_t bits) {
  return bits == 0 ? 0 : high >> (64 - bits);
}

// The bits of a key in its block; the block is chosen by `high`, these by `low`.
template <class Use>
bool each_filter_bit(uint64_t low, Use use) {
  for (int i = 0; i < kFilterBits; ++i) {
    const auto bit = static_cast<size_t>((low >> (9 * i)) & 511);
    if (!use(bit / 8, static_cast<unsigned char>(1u << (bit % 8)))) return false;
  }
  return true;
}

ChunkPlace place_at(std::string_view bytes, size_t at) {
  ChunkPlace out;
  out.key = {u64_at(bytes, at), u64_at(bytes, at + 8)};
  out.first = static_cast<int64_t>(u64_at(bytes, at + 16));
  out.last = static_cast<int64_t>(u64_at(bytes, at + 24));
  out.at = u64_at(bytes, at + 32);
  out.bytes = u32_at(bytes, at + 40);
  out.rows = u32_at(bytes, at + 44);
  return out;
}

}  // namespace

bool IndexMemory::take(uint64_t bytes) {
  if (used_.fetch_add(bytes) + bytes <= bytes_max_) return true;
  used_.fetch_sub(bytes);
  return false;
}

// --- writing --------------------------------------------------------------------------------------------------------

Status IndexWriter::add(const Fingerprint& key, int64_t value, std::string_view row) {
  if (row.size() > kRowBytesMax) {
    return Error(Code::too_large, "a row is answered with " + std::to_string(row.size()) + " bytes, allowed are " +
                                      std::to_string(kRowBytesMax));
  }
  const bool is_new = summary_.rows == 0 || open_.key != key;
  if (is_new || open_.rows == kChunkRowsMax || texts_.size() + row.size() > kChunkBytesMax) {
    TRY(end_chunk());
    open_.key = key;
    open_.first = value;
  }
  if (is_new) ++summary_.keys;
  open_.last = value;
  ++open_.rows;
  ++summary_.rows;
  texts_.append(row);
  put_u64(heads_, static_cast<uint64_t>(value));
  put_u32(heads_, static_cast<uint32_t>(texts_.size()));
  return {};
}

Status IndexWriter::end_chunk() {
  if (open_.rows == 0) return {};
  open_.at = pages_.position();
  open_.bytes = static_cast<uint32_t>(heads_.size() + texts_.size());
  std::string digested;
  put_u64(digested, summary_.digest);
  put_u64(digested, open_.key.high);
  put_u64(digested, open_.key.low);
  digested += heads_;
  digested += texts_;
  summary_.digest = checksum64(digested);
  TRY(pages_.append(heads_));
  TRY(pages_.append(texts_));
  chunks_.push_back(open_);
  open_.rows = 0;
  heads_.clear();
  texts_.clear();
  return {};
}

Result<IndexSummary> IndexWriter::finish() {
  TRY(end_chunk());
  summary_.stamp = stamp_;
  summary_.chunks = chunks_.size();
  std::stable_sort(chunks_.begin(), chunks_.end(),
                   [](const ChunkPlace& a, const ChunkPlace& b) { return a.key < b.key; });
  uint32_t bucket_bits = 0;
  while (bucket_bits < 32 && (uint64_t{kBucketKeys} << bucket_bits) < chunks_.size()) ++bucket_bits;
  std::vector<uint32_t> buckets((size_t{1} << bucket_bits) + 1, 0);
  const uint64_t filter_blocks = filter_blocks_for(summary_.keys);
  std::string filter(filter_blocks * kFilterBlock, '\0');
  const uint64_t directory_at = pages_.position();
  std::string bytes;
  for (const ChunkPlace& chunk : chunks_) {
    bytes.clear();
    put_u64(bytes, chunk.key.high);
    put_u64(bytes, chunk.key.low);
    put_u64(bytes, static_cast<uint64_t>(chunk.first));
    put_u64(bytes, static_cast<uint64_t>(chunk.last));
    put_u64(bytes, chunk.at);
    put_u32(bytes, chunk.bytes);
    put_u32(bytes, chunk.rows);
    TRY(pages_.append(bytes));
    ++buckets[bucket_of(chunk.key.high, bucket_bits) + 1];
    const size_t block = scaled(chunk.key.high, filter_blocks) * kFilterBlock;
    each_filter_bit(chunk.key.low, [&](size_t byte, unsigned char bit) {
      filter[block + byte] = static_cast<char>(static_cast<unsigned char>(filter[block + byte]) | bit);
      return true;
    });
  }
  const uint64_t buckets_at = pages_.position();
  bytes.clear();
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (i > 0) buckets[i] += buckets[i - 1];
    put_u32(bytes, buckets[i]);
  }
  TRY(pages_.append(bytes));
  const uint64_t filter_at = pages_.position();
  TRY(pages_.append(filter));
  std::string header(kMagic);
  put_u32(header, kIndexVersion);
  put_u32(header, bucket_bits);
  for (const uint64_t field :
       {id_, stamp_.content, stamp_.partition, stamp_.key, summary_.rows, summary_.keys, summary_.chunks,
        summary_.digest, directory_at, buckets_at, filter_at, filter_blocks, pages_.position()}) {
    put_u64(header, field);
  }
  CHECK(header.size() == kHeaderBytes, "the header has its size");
  TRY(pages_.finish(header));
  return summary_;
}

// --- reading --------------------------------------------------------------------------------------------------------

Error IndexFile::damaged(const std::string& what) const {
  is_damaged_.store(true, std::memory_order_relaxed);
  return Error(Code::corrupt, path_ + ": " + what);
}

Result<std::string_view> IndexFile::read(uint64_t at, uint64_t count, std::string& storage) const {
  auto bytes = pages_->read(at, count, storage);
  if (!bytes) is_damaged_.store(true, std::memory_order_relaxed);
  return bytes;
}

Result<std::shared_ptr<const IndexFile>> IndexFile::open(Files& files, const std::string& path,
                                                         std::shared_ptr<IndexMemory> memory) {
  std::shared_ptr<IndexFile> out(new IndexFile());
  out->path_ = path;
  TRY_ASSIGN(out->pages_, PagedReader::open(files, path, kIdAt));
  const std::string& header = out->pages_->first_page();
  if (!header.starts_with(kMagic)) return out->damaged("it is no index of an endpoint");
  const uint32_t version = u32_at(header, 8);
  if (version != kIndexVersion) {
    return Error(Code::unsupported, path + " has version " + std::to_string(version) + ", this weir reads " +
                                        std::to_string(kIndexVersion));
  }
  out->bucket_bits_ = u32_at(header, 12);
  std::array<uint64_t, 13> fields{};
  for (size_t i = 0; i < fields.size(); ++i) fields[i] = u64_at(header, 16 + 8 * i);
  IndexSummary& summary = out->summary_;
  summary.stamp = {fields[1], fields[2], fields[3]};
  summary.rows = fields[4];
  summary.keys = fields[5];
  summary.chunks = fields[6];
  summary.digest = fields[7];
  out->directory_at_ = fields[8];
  out->buckets_at_ = fields[9];
  out->filter_at_ = fields[10];
  out->filter_blocks_ = fields[11];
  if (fields[12] > out->pages_->size() || out->bucket_bits_ > 32 || out->filter_blocks_ == 0) {
    return out->damaged("it is shorter than it says");
  }
  out->memory_ = std::move(memory);
  const uint64_t all = out->pages_->size(), filter = out->filter_blocks_ * kFilterBlock;
  if (all <= kResidentMax && out->memory_->take(all)) {
    out->taken_ = all;
    TRY(out->pages_->make_resident());
  } else if (out->memory_->take(filter)) {
    out->taken_ = filter;
    std::string storage;
    TRY_ASSIGN(const std::string_view bytes, out->pages_->read(out->filter_at_, filter, storage));
    out->filter_ = bytes;
  }
  return std::shared_ptr<const IndexFile>(std::move(out));
}

IndexFile::~IndexFile() {
  if (memory_) memory_->give(taken_);
}

Result<bool> IndexFile::may_have(const Fingerprint& key) const {
  const uint64_t block = scaled(key.high, filter_blocks_) * kFilterBlock;
  std::string storage;
  std::string_view bytes;
  if (!filter_.empty()) {
    bytes = std::string_view(filter_).substr(block, kFilterBlock);
  } else {
    TRY_ASSIGN(bytes, read(filter_at_ + block, kFilterBlock, storage));
  }
  return each_filter_bit(
      key.low, [&](size_t byte, unsigned char bit) { return (static_cast<unsigned char>(bytes[byte]) & bit) != 0; });
}

Result<std::vector<ChunkPlace>> IndexFile::chunks_of(const Fingerprint& key) const {
  std::vector<ChunkPlace> out;
  TRY_ASSIGN(const bool may, may_have(key));
  if (!may) return out;
  std::string storage;
  TRY_ASSIGN(const std::string_view ends, read(buckets_at_ + 4 * bucket_of(key.high, bucket_bits_), 8, storage));
  const uint32_t first = u32_at(ends, 0), last = u32_at(ends, 4);
  if (first > last || last > summary_.chunks) return damaged("its table of buckets does not fit its directory");
  TRY_ASSIGN(const std::string_view places,
             read(directory_at_ + kPlaceBytes * first, kPlaceBytes * uint64_t{last - first}, storage));
  for (size_t i = 0; i < last - first; ++i) {
    ChunkPlace place = place_at(places, kPlaceBytes * i);
    if (place.key == key) out.push_back(place);
  }
  return out;
}

Result<std::vector<IndexFile::Row>> IndexFile::rows(const ChunkPlace& chunk, std::string& storage) const {
  const uint64_t heads = uint64_t{chunk.rows} * kRowHeadBytes;
  if (chunk.rows > kChunkRowsMax || heads > chunk.bytes) return damaged("a chunk does not fit its directory");
  TRY_ASSIGN(const std::string_view bytes, read(chunk.at, chunk.bytes, storage));
  const std::string_view texts = bytes.substr(heads);
  std::vector<Row> out;
  out.reserve(chunk.rows);
  size_t begin = 0;
  for (size_t i = 0; i < chunk.rows; ++i) {
    const auto value = static_cast<int64_t>(u64_at(bytes, i * kRowHeadBytes));
    const size_t end = u32_at(bytes, i * kRowHeadBytes + 8);
    if (end < begin || end > texts.size()) return damaged("a row lies outside of its chunk");
    out.push_back({value, texts.substr(begin, end - begin)});
    begin = end;
  }
  return out;
}

}  // namespace weir::endpoint
