#include "stream/lake/raw_tables.h"

#include <charconv>

#include "core/io/compression.h"
#include "stream/capture/raw_rows.h"
#include "stream/lake/archive.h"

namespace weir::lake {
namespace {

constexpr size_t kBlockRows = 2'048;
constexpr size_t kReadBytes = 256u << 10;
constexpr size_t kLineBytesMax = 64u << 20;  // far above what capture takes
constexpr DecompressLimits kLimits{.decoded_bytes_max = UINT64_MAX, .ratio_max = 2'000};  // our own files

// Packed bytes of a file, piece by piece.
class FilePieces {
 public:
  explicit FilePieces(std::unique_ptr<File> file) : file_(std::move(file)), piece_(kReadBytes, '\0') {}
  Result<std::string_view> next() {
    TRY_ASSIGN(const size_t got, file_->read_at(at_, piece_.data(), piece_.size()));
    at_ += got;
    return std::string_view(piece_).substr(0, got);
  }

 private:
  std::unique_ptr<File> file_;
  uint64_t at_ = 0;
  std::string piece_;
};

class ArchiveRows final : public engine::FileRows {
 public:
  ArchiveRows(std::string path, std::unique_ptr<File> file, const std::shared_ptr<const capture::Stream>& stream)
      : path_(std::move(path)), pieces_(std::move(file)), columns_(capture::raw_columns(*stream)), rows_(stream) {}

  Status start() {
    TRY_ASSIGN(unpacked_, GunzipReader::open([this] { return pieces_.next(); }, kLimits));
    return {};
  }

  Result<engine::RowBlock> next() override {
    engine::RowBlock block(columns_);
    while (block.rows() < kBlockRows) {
      TRY_ASSIGN(const bool more, next_line());
      if (!more) break;
      auto line = read_archive_line(std::string_view(buffer_).substr(begin_, end_ - begin_));
      if (!line) return damaged(line.error());
      if (line->forgotten_at) continue;
      const Status added = rows_.append({line->id, line->sequence, line->arrived_at, line->event}, block);
      if (!added) return damaged(added.error());
    }
    return block;
  }

 private:
  Error damaged(const Error& why) const {
    return Error(Code::corrupt, path_ + ", line " + std::to_string(line_) + ": " + why.message, "weir lake verify");
  }

  // The next line lies between begin_ and end_ of the buffer; false at the end.
  Result<bool> next_line() {
    begin_ = next_;
    size_t searched = begin_;
    while (true) {
      end_ = buffer_.find('\n', searched);
      if (end_ != std::string::npos) break;
      searched = buffer_.size() - begin_;
      buffer_.erase(0, begin_);
      begin_ = next_ = 0;
      if (searched > kLineBytesMax) return Error(Code::corrupt, path_ + ": a line has no end");
      buffer_.resize(searched + kReadBytes);
      auto got = unpacked_->read(buffer_.data() + searched, kReadBytes);
      if (!got) return Error(Code::corrupt, path_ + ": " + got.error().message, "weir lake verify");
      buffer_.resize(searched + *got);
      if (*got > 0) continue;
      if (buffer_.empty()) return false;
      end_ = buffer_.size();
      break;
    }
    next_ = std::min(end_ + 1, buffer_.size());
    ++line_;
    return true;
  }

  const std::string path_;
  FilePieces pieces_;
  const std::vector<engine::Column> columns_;
  capture::RawRows rows_;
  std::unique_ptr<GunzipReader> unpacked_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0, next_ = 0;
  uint64_t line_ = 0;
};

class ArchiveReader final : public engine::FileRowsReader {
 public:
  ArchiveReader(Files& files, std::string store_root, std::shared_ptr<const capture::Stream> stream)
      : files_(files), store_root_(std::move(store_root)), stream_(std::move(stream)) {}

  Result<std::unique_ptr<engine::FileRows>> open(const engine::TableFile& file) const override {
    TRY_ASSIGN(auto handle, files_.open(join_path(store_root_, file.path), OpenMode::read));
    auto out = std::make_unique<ArchiveRows>(file.path, std::move(handle), stream_);
    TRY(out->start());
    return std::unique_ptr<engine::FileRows>(std::move(out));
  }

 private:
  Files& files_;
  const std::string store_root_;
  const std::shared_ptr<const capture::Stream> stream_;
};

}  // namespace

std::string raw_table_name(std::string_view stream) {
  return "raw_" + std::string(stream);
}

std::vector<engine::Column> raw_partition_columns() {
  std::vector<engine::Column> out;
  for (const char* name : {"_year", "_month", "_day", "_hour"}) {
    engine::Column& column = out.emplace_back();
    column.name = name;
    column.type = engine::ColumnType::int32;
  }
  return out;
}

// "2026/11/21/08"
Result<engine::TableFile> raw_table_file(const control::LakeFile& file, const std::vector<engine::Column>& columns) {
  engine::TableFile out;
  out.path = file.path;
  out.rows = file.rows;
  out.bytes = file.bytes;
  const char* at = file.partition.data();
  const char* const end = at + file.partition.size();
  while (at < end) {
    int64_t value = 0;
    const auto parsed = std::from_chars(at, end, value);
    if (parsed.ec != std::errc()) break;
    out.partition.push_back(value);
    at = parsed.ptr == end ? end : parsed.ptr + 1;
  }
  if (out.partition.size() != raw_partition_columns().size()) {
    return Error(Code::corrupt,
                 "catalog: the archive file " + file.path + " lies in '" + file.partition + "', which is no hour");
  }
  out.int_bounds.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name != "_seq") continue;
    out.int_bounds[i] = {static_cast<int64_t>(file.first_sequence), static_cast<int64_t>(file.last_sequence)};
  }
  return out;
}

std::shared_ptr<const engine::FileRowsReader> raw_reader(Files& files, std::string store_root,
                                                         std::shared_ptr<const capture::Stream> stream) {
  return std::make_shared<ArchiveReader>(files, std::move(store_root), std::move(stream));
}

}  // namespace weir::lake
