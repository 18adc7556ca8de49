#include "stream/lake/foreign_records.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "core/base/text.h"
#include "core/io/compression.h"
#include "stream/lake/foreign_files.h"
#include "stream/lake/parquet_records.h"
#include "stream/lake/record_text.h"

namespace weir::lake {
namespace {

constexpr size_t kReadBytes = 256u << 10;
constexpr char kEndOfFile = '!';
// Limits of time and memory are the process's.
constexpr DecompressLimits kGzipLimits{.decoded_bytes_max = 1ull << 40, .ratio_max = 1'100};

constexpr std::pair<CellKind, const char*> kCellNames[] = {{CellKind::text, "text"},
                                                           {CellKind::number, "number"},
                                                           {CellKind::boolean, "boolean"},
                                                           {CellKind::json, "json"},
                                                           {CellKind::guess, "guess"}};

class FileText {
 public:
  explicit FileText(std::unique_ptr<File> file) : file_(std::move(file)), piece_(kReadBytes, '\0') {}

  Status start() {
    TRY_ASSIGN(std::string_view first, next_raw());
    if (first.starts_with("\x1f\x8b")) {
      held_ = first;
      TRY_ASSIGN(unpacked_, GunzipReader::open(
                                [this]() -> Result<std::string_view> {
                                  if (!held_.empty()) return std::exchange(held_, {});
                                  return next_raw();
                                },
                                kGzipLimits));
      text_.resize(kReadBytes);
      return {};
    }
    if (first.starts_with("PAR1")) return foreign("Parquet", "say --format parquet, or leave it out");
    if (first.starts_with("\x28\xb5\x2f\xfd")) return foreign("zstd", "unpack it first");
    if (first.starts_with("PK\x03\x04") || first.starts_with("BZh")) return foreign("an archive", "unpack it first");
    held_ = first;
    return {};
  }

  // Empty at the end.
  Result<std::string_view> next() {
    if (!unpacked_) {
      if (!held_.empty()) return std::exchange(held_, {});
      return next_raw();
    }
    TRY_ASSIGN(const size_t got, unpacked_->read(text_.data(), text_.size()));
    return std::string_view(text_).substr(0, got);
  }

 private:
  static Error foreign(const std::string& what, const std::string& hint) {
    return Error(Code::unsupported, "the file is " + what + ", expected JSON or CSV, plain or in gzip, or Parquet",
                 hint);
  }
  Result<std::string_view> next_raw() {
    TRY_ASSIGN(const size_t got, file_->read_at(at_, piece_.data(), piece_.size()));
    at_ += got;
    return std::string_view(piece_).substr(0, got);
  }

  std::unique_ptr<File> file_;
  uint64_t at_ = 0;
  std::string piece_, text_;
  std::string_view held_;
  std::unique_ptr<GunzipReader> unpacked_;
};

// By the name if it says so, else by the first character.
Result<bool> is_csv(const RecordsRequest& request, std::string_view text) {
  if (request.format == "csv") return true;
  if (request.format == "json") return false;
  if (request.format != "auto") {
    return Error(Code::invalid, "format is " + shown(request.format) + ", expected auto, json, csv or parquet");
  }
  std::string_view name = request.path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return true;
  for (const char* json : {".json", ".ndjson", ".jsonl"}) {
    if (name.ends_with(json)) return false;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  if (text.empty() || text.front() == '{' || text.front() == '[') return false;
  return Error(Code::unsupported, "the file looks neither like JSON nor is its name that of a CSV",
               "say --format json or --format csv");
}

}  // namespace

Result<uint64_t> read_records(const RecordsRequest& request, const TakeRecord& take) {
  TRY_ASSIGN(const bool parquet, is_parquet(request.path, request.format));
  if (parquet) return read_parquet_records(request, take);
  TRY_ASSIGN(auto file, open_foreign(request.path));
  FileText text(std::move(file));
  TRY(text.start());
  uint64_t records = 0;
  const TakeRecord counted = [&](uint64_t line, std::string_view record) -> Status {
    return records++ < request.skip ? Status() : take(line, record);
  };
  std::unique_ptr<RecordSplitter> splitter;
  while (true) {
    TRY_ASSIGN(const std::string_view piece, text.next());
    if (piece.empty()) break;
    if (!splitter) {
      TRY_ASSIGN(const bool csv, is_csv(request, piece));
      splitter = csv ? RecordSplitter::csv(request, counted) : RecordSplitter::json(request.record_bytes_max, counted);
    }
    TRY(splitter->feed(piece));
  }
  if (splitter) {
    TRY(splitter->finish());
  }
  return records;
}

Json RecordsRequest::to_json() const {
  Json kinds{Json::Object{}};
  for (const auto& [name, kind] : cells) {
    for (const auto& [known, word] : kCellNames) {
      if (known == kind) kinds.set(name, word);
    }
  }
  Json out{Json::Object{}};
  out.set("path", path);
  out.set("format", format);
  out.set("skip", skip);
  out.set("record_bytes_max", record_bytes_max);
  out.set("cells", std::move(kinds));
  return out;
}

Result<RecordsRequest> RecordsRequest::from_json(const Json& json) {
  RecordsRequest out;
  out.path = json["path"].as_string();
  out.format = json["format"].as_string();
  out.skip = json["skip"].as_uint().value_or(0);
  out.record_bytes_max = json["record_bytes_max"].as_uint().value_or(out.record_bytes_max);
  for (const auto& [name, word] : json["cells"].object()) {
    for (const auto& [kind, known] : kCellNames) {
      if (word.as_string() == known) out.cells[name] = kind;
    }
  }
  if (out.path.empty()) return Error(Code::invalid, "no file is named");
  return out;
}

Result<Json> write_record_lines(const Json& request, const std::function<Status(std::string_view)>& take) {
  uint64_t records = 0;
  std::string text;
  for (const Json& one : request["files"].array()) {
    TRY_ASSIGN(const RecordsRequest wanted, RecordsRequest::from_json(one));
    Status taken;
    const auto read = read_records(wanted, [&](uint64_t line, std::string_view record) -> Status {
      char digits[24];
      text.assign(digits, std::to_chars(digits, digits + sizeof digits, line).ptr);
      text += '\t';
      text += record;
      taken = take(text);
      return taken;
    });
    TRY(taken);
    records += read.value_or(0);
    text = kEndOfFile;
    if (!read) text += read.error().text();
    std::replace(text.begin(), text.end(), '\n', ' ');
    TRY(take(text));
  }
  return Json(Json::Object{{"records", records}});
}

Result<RecordLine> read_record_line(std::string_view text) {
  RecordLine out;
  if (text.starts_with(kEndOfFile)) {
    out.is_end = true;
    out.why = text.substr(1);
    return out;
  }
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out.line);
  const auto used = static_cast<size_t>(parsed.ptr - text.data());
  if (parsed.ec != std::errc() || used >= text.size() || text[used] != '\t') {
    return Error(Code::corrupt, "the worker's line is no record");
  }
  out.record = text.substr(used + 1);
  return out;
}

}  // namespace weir::lake
