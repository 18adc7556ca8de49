#include "stream/lake/foreign_records.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>
#include <vector>

#include "core/base/text.h"
#include "core/io/compression.h"
#include "stream/lake/foreign_files.h"
#include "stream/lake/parquet_records.h"

namespace weir::lake {
namespace {

constexpr size_t kReadBytes = 256u << 10;
constexpr size_t kColumnsMax = 10'000;
constexpr size_t kShownBytes = 200;
constexpr char kEndOfFile = '!';
// Limits of time and memory are the process's.
constexpr DecompressLimits kGzipLimits{.decoded_bytes_max = 1ull << 40, .ratio_max = 1'100};

constexpr std::pair<CellKind, const char*> kCellNames[] = {{CellKind::text, "text"},
                                                           {CellKind::number, "number"},
                                                           {CellKind::boolean, "boolean"},
                                                           {CellKind::json, "json"},
                                                           {CellKind::guess, "guess"}};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// What cannot be handed on as it stands, as a JSON text that says why: capture keeps it as no object.
std::string told(const std::string& why, std::string_view text) {
  std::string out;
  Json::append_quoted(out, why + ": " + std::string(text.substr(0, kShownBytes)));
  return out;
}

constexpr std::array<bool, 256> all_but(std::string_view others) {
  std::array<bool, 256> out{};
  out.fill(true);
  for (const char c : others) out[static_cast<unsigned char>(c)] = false;
  return out;
}
// A value's brackets, quotes and white space are looked at one by one, in a string its end, escapes and line breaks.
constexpr std::array<bool, 256> kPlainInString = all_but("\"\\\n\r");
constexpr std::array<bool, 256> kPlainInValue = all_but("\"{}[] \t\r\n");
constexpr std::array<bool, 256> kPlainInObject = all_but("\"{}[]\r\n");

// --- JSON ------------------------------------------------------------------------------------------------------------

class JsonSplitter final : public RecordSplitter {
 public:
  JsonSplitter(size_t record_bytes_max, TakeRecord take) : bytes_max_(record_bytes_max), take_(std::move(take)) {}

  Status feed(std::string_view piece) override {
    while (!piece.empty()) {
      const size_t whole = state_ == State::between && piece.front() == '{' ? object_in_line(piece) : 0;
      if (whole > 0 && whole <= bytes_max_) {
        at_start_ = false;
        TRY(take_(line_, piece.substr(0, whole)));
        piece.remove_prefix(whole);
        continue;
      }
      const size_t plain = state_ == State::value && !escaped_ ? plain_run(piece) : 0;
      if (plain > 0) {
        append(piece.substr(0, plain));
        piece.remove_prefix(plain);
        continue;
      }
      const char c = piece.front();
      TRY(take(c));
      if (c == '\n') ++line_;
      piece.remove_prefix(1);
    }
    return {};
  }

  Status finish() override {
    if (state_ == State::between) return {};
    return emit();
  }

 private:
  enum class State {
    between,
    value,   // an object or array, down to its last bracket
    scalar,  // anything else, up to its end
    broken,  // up to the end of the line
  };

  // The length of the object that the piece begins with, if it ends in it and in its line: nearly every one does, and
  // is handed on where it lies. 0: the other way sees to it.
  static size_t object_in_line(std::string_view piece) {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    size_t depth = 0;
    while (true) {
      while (at < end && kPlainInObject[static_cast<unsigned char>(*at)]) ++at;
      if (at == end) return 0;
      const char c = *at++;
      if (c == '"') {
        while (at < end && *at != '"') {
          while (at < end && kPlainInString[static_cast<unsigned char>(*at)]) ++at;
          if (at < end && *at == '\\') {
            at += end - at < 2 || at[1] == '\n' || at[1] == '\r' ? end - at : 2;
          } else if (at < end && *at != '"') {
            return 0;
          }
        }
        if (at == end) return 0;
        ++at;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (--depth == 0) return static_cast<size_t>(at - piece.data());
      } else {
        return 0;
      }
    }
  }

  Status take(char c) {
    switch (state_) {
      case State::between:
        return begin(c);
      case State::value:
        return inside(c);
      case State::scalar:
        if (in_array_ ? (c == ',' || c == ']') : c == '\n') {
          TRY(emit());
          return in_array_ ? begin(c) : Status();
        }
        append(c);
        return {};
      case State::broken:
        if (c == '\n') return emit();
        append(c);
        return {};
    }
    return {};
  }

  Status begin(char c) {
    if (is_space(c)) return {};
    if (at_start_ && skip_mark(c)) return {};
    if (at_start_ && c == '[') {
      at_start_ = false;
      in_array_ = true;
      return {};
    }
    at_start_ = false;
    if (in_array_ && c == ',') return {};
    if (in_array_ && c == ']') {
      in_array_ = false;
      return {};
    }
    begin_line_ = line_;
    state_ = c == '{' || c == '[' ? State::value : State::scalar;
    depth_ = 0;
    in_string_ = escaped_ = new_line_ = false;
    last_ = '\0';
    return state_ == State::value ? inside(c) : (append(c), Status());
  }

  // The byte order mark of UTF-8.
  bool skip_mark(char c) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (mark_ < kMark.size() && c == kMark[mark_]) {
      ++mark_;
      return true;
    }
    return false;
  }

  Status inside(char c) {
    if (in_string_) {
      if (c == '\n') {  // no string of JSON holds one
        if (!in_array_) return emit();
        in_string_ = false;
      }
      append(c);
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
        last_ = '"';
      }
      return {};
    }
    if (c == '\n') new_line_ = true;
    // A line that begins with an object where none may stand: the record before it was broken off.
    const bool may_nest = last_ == ':' || last_ == ',' || last_ == '[' || last_ == '\0';
    if (c == '{' && new_line_ && !in_array_ && depth_ > 0 && !may_nest) {
      TRY(emit());
      return begin(c);
    }
    append(c);
    if (is_space(c)) return {};
    new_line_ = false;
    last_ = c;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && --depth_ == 0) return emit();
    return {};
  }

  // How many of the next characters of a value change nothing but its text: most of them, so they are taken at once.
  size_t plain_run(std::string_view piece) {
    const auto& plain = in_string_ ? kPlainInString : kPlainInValue;
    size_t size = 0;
    while (size < piece.size() && plain[static_cast<unsigned char>(piece[size])]) ++size;
    if (size > 0 && !in_string_) {
      new_line_ = false;
      last_ = piece[size - 1];
    }
    return size;
  }

  void append(char c) {
    ++size_;
    if (record_.size() < bytes_max_ + kShownBytes) record_ += c == '\n' || c == '\r' ? ' ' : c;
  }
  void append(std::string_view plain) {
    size_ += plain.size();
    if (record_.size() < bytes_max_ + kShownBytes) {
      record_ += plain.substr(0, bytes_max_ + kShownBytes - record_.size());
    }
  }

  Status emit() {
    state_ = State::between;
    const size_t size = size_;
    size_ = 0;
    std::string_view text = record_;
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    Status taken;
    if (size > bytes_max_) {
      taken = take_(
          begin_line_,
          told("a record of " + std::to_string(size) + " bytes, allowed are " + std::to_string(bytes_max_), text));
    } else if (!text.empty()) {
      taken = take_(begin_line_, text);
    }
    record_.clear();
    return taken;
  }

  const size_t bytes_max_;
  const TakeRecord take_;
  State state_ = State::between;
  std::string record_;
  size_t size_ = 0, depth_ = 0, mark_ = 0;
  uint64_t line_ = 1, begin_line_ = 1;
  bool at_start_ = true, in_array_ = false;
  bool in_string_ = false, escaped_ = false, new_line_ = false;
  char last_ = '\0';  // outside of strings, no space
};

// --- CSV -------------------------------------------------------------------------------------------------------------

bool is_json_number(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const size_t first = at, whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

class CsvSplitter final : public RecordSplitter {
 public:
  CsvSplitter(const RecordsRequest& request, TakeRecord take)
      : bytes_max_(request.record_bytes_max),
        cells_(request.cells),
        other_(request.other_cells),
        take_(std::move(take)) {}

  Status feed(std::string_view piece) override {
    for (const char c : piece) {
      TRY(take(c));
      if (c == '\n') ++line_;
    }
    return {};
  }

  Status finish() override {
    if (in_quotes_) return refused("a quote is not closed");
    return row_bytes_ > 0 || !row_.empty() ? end_row() : Status();
  }

 private:
  struct Cell {
    std::string text;
    bool quoted = false;
  };

  Status take(char c) {
    if (row_bytes_ == 0 && row_.empty()) begin_line_ = line_;
    ++row_bytes_;
    if (header_.empty() && !in_quotes_) note_delimiter(c);
    if (in_quotes_) {
      if (after_quote_) {  // a quote within quotes: doubled, or the end
        after_quote_ = false;
        if (c == '"') return append(c);
        in_quotes_ = false;
      } else if (c == '"') {
        after_quote_ = true;
        return {};
      } else {
        return append(c);
      }
    }
    if (c == '"' && cell_.text.empty() && !cell_.quoted) {
      in_quotes_ = cell_.quoted = true;
      return {};
    }
    if (c == delimiter_ && !header_.empty()) return end_cell();
    if (c == '\n') return end_row();
    return append(c);
  }

  // Which of them parts the header is known at its end.
  void note_delimiter(char c) {
    for (size_t i = 0; i < kDelimiters.size(); ++i) counts_[i] += kDelimiters[i] == c ? 1 : 0;
  }

  Status append(char c) {
    if (row_bytes_ <= bytes_max_) cell_.text += c;
    return {};
  }

  Status end_cell() {
    if (!cell_.quoted && !cell_.text.empty() && cell_.text.back() == '\r') cell_.text.pop_back();
    if (row_.size() > kColumnsMax) return refused("more than " + std::to_string(kColumnsMax) + " columns");
    row_.push_back(std::move(cell_));
    cell_ = {};
    return {};
  }

  Status end_row() {
    in_quotes_ = after_quote_ = false;
    if (header_.empty()) {
      TRY(read_header());
    } else {
      TRY(end_cell());
      const bool is_blank = row_.size() == 1 && row_[0].text.empty() && !row_[0].quoted;
      if (!is_blank) {
        TRY(take_(begin_line_, row_text()));
      }
    }
    row_.clear();
    cell_ = {};
    row_bytes_ = 0;
    return {};
  }

  Status read_header() {
    size_t most = 0;
    for (size_t i = 1; i < kDelimiters.size(); ++i) most = counts_[i] > counts_[most] ? i : most;
    delimiter_ = kDelimiters[most];
    std::string_view text = cell_.text;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::set<std::string> seen;
    for (const std::string_view part : split(text, delimiter_)) {
      std::string name(part);
      while (!name.empty() && (is_space(name.back()) || name.back() == '"')) name.pop_back();
      while (!name.empty() && (is_space(name.front()) || name.front() == '"')) name.erase(0, 1);
      if (name.empty() || !valid_utf8(name)) return refused("the header names an empty column");
      if (!seen.insert(name).second) return refused("the header names " + shown(name) + " twice");
      if (header_.size() == kColumnsMax) return refused("more than " + std::to_string(kColumnsMax) + " columns");
      std::string key;
      Json::append_quoted(key, name);
      const auto kind = cells_.find(name);
      header_.push_back({std::move(key), kind == cells_.end() ? other_ : kind->second});
    }
    return {};
  }

  std::string row_text() const {
    if (row_bytes_ > bytes_max_) {
      return told("a row of " + std::to_string(row_bytes_) + " bytes, allowed are " + std::to_string(bytes_max_),
                  row_[0].text);
    }
    if (row_.size() != header_.size()) {
      std::string whole;
      for (const Cell& cell : row_) whole += (whole.empty() ? "" : std::string(1, delimiter_)) + cell.text;
      return told(
          "a row of " + std::to_string(row_.size()) + " values under a header of " + std::to_string(header_.size()),
          whole);
    }
    std::string out = "{";
    for (size_t i = 0; i < row_.size(); ++i) {
      const Cell& cell = row_[i];
      if (cell.text.empty() && !cell.quoted) continue;  // no value
      if (out.size() > 1) out += ',';
      out += header_[i].key + ":";
      append_cell(out, cell.text, header_[i].kind);
    }
    return out + "}";
  }

  static void append_cell(std::string& out, const std::string& text, CellKind kind) {
    const bool is_bare =
        ((kind == CellKind::number || kind == CellKind::guess) && is_json_number(text)) ||
        ((kind == CellKind::boolean || kind == CellKind::guess) && (text == "true" || text == "false")) ||
        (kind == CellKind::json && Json::parse(text).has_value() && text.find('\n') == std::string::npos);
    if (is_bare) {
      out += text;
    } else {
      Json::append_quoted(out, text);
    }
  }

  Error refused(const std::string& why) const {
    return Error(Code::invalid, "line " + std::to_string(begin_line_) + ": " + why + ", so it is no good CSV");
  }

  struct Column {
    std::string key;  // as JSON
    CellKind kind = CellKind::text;
  };
  static constexpr std::string_view kDelimiters = ",;\t|";
  const size_t bytes_max_;
  const std::map<std::string, CellKind> cells_;
  const CellKind other_;
  const TakeRecord take_;
  std::vector<Column> header_;
  std::vector<Cell> row_;
  Cell cell_;
  size_t counts_[4] = {};
  size_t row_bytes_ = 0;
  uint64_t line_ = 1, begin_line_ = 1;
  char delimiter_ = ',';
  bool in_quotes_ = false, after_quote_ = false;
};

// --- files -----------------------------------------------------------------------------------------------------------

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

std::unique_ptr<RecordSplitter> RecordSplitter::json(size_t record_bytes_max, TakeRecord take) {
  return std::make_unique<JsonSplitter>(record_bytes_max, std::move(take));
}

std::unique_ptr<RecordSplitter> RecordSplitter::csv(const RecordsRequest& request, TakeRecord take) {
  return std::make_unique<CsvSplitter>(request, std::move(take));
}

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
