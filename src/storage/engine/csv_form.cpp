#include "storage/engine/csv_form.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <utility>

#include "core/base/text.h"

namespace weir::engine {
namespace {

constexpr size_t kSampleBytes = 1 << 20;
constexpr std::string_view kSeparators = ",;\t|";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string name_of(char separator) {
  switch (separator) {
    case ',':
      return "a comma";
    case ';':
      return "a semicolon";
    case '\t':
      return "a tab";
    default:
      return "a bar (|)";
  }
}

enum class Fault { none, columns, quote, line_end };

// Follows the records of a file, byte by byte in any number of pieces, until one does not fit.
class Scanner {
 public:
  explicit Scanner(const CsvDialect& dialect) : dialect_(dialect) {}

  void feed(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size() && fault_ == Fault::none; ++i) byte(bytes[i]);
  }
  // No bytes follow. A record may end here without a line's end.
  void finish() {
    if (fault_ != Fault::none) return;
    if (state_ == State::quoted || state_ == State::escaped) return set_fault(Fault::quote, quote_line_, quote_column_);
    if (after_return_) end_line(LineEnd::cr);
    if (state_ != State::line_begin) end_record();
  }

  Fault fault() const { return fault_; }
  size_t columns() const { return expected_; }  // of the first record; 0: there was none
  size_t records() const { return records_; }   // that fit

  Error error(const std::string& path) const {
    Error out(Code::invalid, "");
    switch (fault_) {
      case Fault::none:
        break;
      case Fault::columns:
        out.message = "line " + std::to_string(fault_line_) + " has " + counted(found_) + ", expected " +
                      std::to_string(expected_) + " as in line " + std::to_string(first_line_) + ", separated by " +
                      name_of(dialect_.separator);
        out.hint = columns_hint();
        break;
      case Fault::quote:
        out.message =
            "line " + std::to_string(fault_line_) +
            " has a value that begins with a quote and does not end with one, expected a closing quote before "
            "the next separator or the line's end";
        out.hint = "a quote inside quotes is written twice: \"5\"\" pipe\"";
        break;
      case Fault::line_end:
        out.message = "line " + std::to_string(fault_line_) +
                      " ends otherwise than line 1, expected one kind of line "
                      "end in a file";
        out.hint = "dos2unix " + path;
        break;
    }
    out.at({.file = path, .line = static_cast<int>(std::min<int64_t>(fault_line_, INT_MAX)), .column = fault_column_});
    return out;
  }

 private:
  enum class State { line_begin, value_begin, plain, quoted, escaped, after_quote };
  enum class LineEnd { unknown, lf, crlf, cr };

  static std::string counted(size_t columns) {
    return std::to_string(columns) + (columns == 1 ? " column" : " columns");
  }

  std::string columns_hint() const {
    const std::string quotes = "a value that holds " + name_of(dialect_.separator) + " is put in double quotes";
    if (found_ < expected_) return "an empty value needs its separator too";
    return expected_ > 1 ? quotes : quotes + "; the first line names the columns, nothing may stand above it";
  }

  void byte(char c) {
    if (after_return_) {
      after_return_ = false;
      end_line(c == '\n' ? LineEnd::crlf : LineEnd::cr);
      if (c == '\n' || fault_ != Fault::none) return;
    }
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++column_;  // characters, not bytes
    const bool ends = c == '\n' || c == '\r';
    switch (state_) {
      case State::line_begin:
        if (ends) return line_end(c);
        record_line_ = line_;
        [[fallthrough]];
      case State::value_begin:
        if (c == dialect_.quote) {
          quote_line_ = line_;
          quote_column_ = column_;
          state_ = State::quoted;
          return;
        }
        state_ = State::plain;
        [[fallthrough]];
      case State::plain:
        if (c == dialect_.separator) return end_value();
        if (ends) return line_end(c);
        return;
      case State::quoted:
        if (c == dialect_.escape && dialect_.escape != dialect_.quote) {
          state_ = State::escaped;
        } else if (c == dialect_.quote) {
          state_ = State::after_quote;
        } else if (c == '\n') {
          next_line();
        }
        return;
      case State::escaped:
        state_ = State::quoted;
        if (c == '\n') next_line();
        return;
      case State::after_quote:
        if (c == dialect_.quote && dialect_.escape == dialect_.quote) {
          state_ = State::quoted;
        } else if (c == dialect_.separator) {
          end_value();
        } else if (ends) {
          line_end(c);
        } else {
          set_fault(Fault::quote, quote_line_, quote_column_);
        }
        return;
    }
  }

  void line_end(char c) {
    if (c == '\r') {
      after_return_ = true;  // whether \n follows is known with the next byte
    } else {
      end_line(LineEnd::lf);
    }
  }
  void end_line(LineEnd end) {
    if (line_end_ != LineEnd::unknown && line_end_ != end) return set_fault(Fault::line_end, line_, 1);
    line_end_ = end;
    if (state_ != State::line_begin) end_record();
    state_ = State::line_begin;
    next_line();
  }
  void end_value() {
    ++values_;
    state_ = State::value_begin;
  }
  void end_record() {
    const size_t found = std::exchange(values_, 0) + 1;
    if (expected_ == 0) {
      expected_ = found;
      first_line_ = record_line_;
    }
    found_ = found;
    if (found != expected_) return set_fault(Fault::columns, record_line_, 1);
    ++records_;
  }
  void next_line() {
    ++line_;
    column_ = 0;
  }
  void set_fault(Fault fault, int64_t line, int column) {
    fault_ = fault;
    fault_line_ = line;
    fault_column_ = column;
  }

  const CsvDialect dialect_;
  State state_ = State::line_begin;
  LineEnd line_end_ = LineEnd::unknown;
  bool after_return_ = false;
  int64_t line_ = 1, record_line_ = 1, first_line_ = 1, quote_line_ = 0, fault_line_ = 0;
  int column_ = 0, quote_column_ = 0, fault_column_ = 0;
  size_t values_ = 0, expected_ = 0, found_ = 0, records_ = 0;
  Fault fault_ = Fault::none;
};

// Bytes that are something else altogether, whatever their name says.
std::optional<Error> other_format(std::string_view sample, const std::string& path) {
  constexpr std::pair<std::string_view, const char*> kKinds[] = {
      {"PAR1", "a Parquet file (--format parquet)"},
      {std::string_view("\x1F\x8B", 2), "packed with gzip (name it .csv.gz)"},
      {"\x28\xB5\x2F\xFD", "packed with zstd (name it .csv.zst)"},
      {std::string_view("PK\x03\x04", 4), "a ZIP archive or a spreadsheet (unpack it, or export it as CSV)"},
      {"SQLite format 3", "a SQLite database (export its tables as CSV)"},
      {"%PDF-", "a PDF document"},
  };
  const auto refuse = [&](std::string found) {
    Error out(Code::invalid, "this is no CSV file: " + std::move(found));
    return out.at({.file = path, .line = 1, .column = 1});
  };
  for (const auto& [magic, kind] : kKinds) {
    if (sample.starts_with(magic)) return refuse(std::string("it is ") + kind);
  }
  const size_t zero = sample.find('\0');
  if (zero != std::string_view::npos) {
    const auto line = 1 + std::count(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(zero), '\n');
    return refuse("it holds zero bytes, expected text in UTF-8")
        .at({.file = path, .line = static_cast<int>(line), .column = 1});
  }
  const std::string_view text = trim(sample);
  const std::string_view inside = text.empty() ? text : trim(text.substr(1));
  const bool object = text.starts_with('{') && (inside.starts_with('"') || inside.starts_with('}'));
  const bool array = text.starts_with('[') && (inside.starts_with('{') || inside.starts_with('['));
  if (object || array) {
    Error out = refuse("it is JSON");
    out.hint = "--format json";
    return out;
  }
  return std::nullopt;
}

// The first line that is not UTF-8. A sample that was cut may end within a character: its last line does not count.
std::optional<Error> other_encoding(std::string_view sample, bool is_whole, const std::string& path) {
  int line = 1;
  for (size_t at = 0; at < sample.size(); ++line) {
    const size_t end = sample.find('\n', at);
    if (end == std::string_view::npos && !is_whole) break;
    if (!valid_utf8(sample.substr(at, end == std::string_view::npos ? end : end - at))) {
      Error out(Code::invalid, "line " + std::to_string(line) + " is not text in UTF-8",
                "iconv -f latin1 -t utf-8 turns a file of an older program into one that is");
      return out.at({.file = path, .line = line, .column = 1});
    }
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return std::nullopt;
}

Scanner scan(std::string_view sample, bool is_whole, const CsvDialect& dialect) {
  Scanner scanner(dialect);
  scanner.feed(sample);
  if (is_whole) scanner.finish();
  return scanner;
}

struct Choice {
  size_t columns = 0;  // of `fits`; 0: no separator makes every record fit
  CsvDialect fits;
  // In which most records fit: what is wrong with the file is told in its words. One column fits nearly anything, so it
  // is nearest only if the first record has no separator at all, and is then judged by the comma.
  CsvDialect nearest;
};

Choice choose(std::string_view sample, bool is_whole, char quote, char escape) {
  Choice out;
  out.nearest = {kSeparators[0], quote, escape};
  size_t records = 0;
  for (const char separator : kSeparators) {
    const CsvDialect dialect{separator, quote, escape};
    const Scanner scanner = scan(sample, is_whole, dialect);
    if (scanner.fault() == Fault::none && scanner.columns() > out.columns) {
      out.columns = scanner.columns();
      out.fits = dialect;
    }
    if (scanner.columns() > 1 && scanner.records() > records) {
      records = scanner.records();
      out.nearest = dialect;
    }
  }
  return out;
}

Result<std::string> read_up_to(const ReadBytes& read, size_t size) {
  std::string out(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    TRY_ASSIGN(const size_t some, read(out.data() + filled, size - filled));
    if (some == 0) break;
    filled += some;
  }
  out.resize(filled);
  return out;
}

}  // namespace

Result<CsvDialect> csv_dialect(const ReadBytes& read, const std::string& path) {
  TRY_ASSIGN(const std::string bytes, read_up_to(read, kSampleBytes));
  const bool is_whole = bytes.size() < kSampleBytes;
  std::string_view sample = bytes;
  if (sample.starts_with(kByteOrderMark)) sample.remove_prefix(kByteOrderMark.size());
  if (auto other = other_format(sample, path)) return *other;
  if (auto other = other_encoding(sample, is_whole, path)) return *other;
  if (trim(sample).empty()) {
    Error out(Code::invalid, "the file is empty, expected a first line that names the columns");
    return out.at({.file = path, .line = 1, .column = 1});
  }
  if (sample.starts_with('\n') || sample.starts_with('\r')) {
    Error out(Code::invalid, "line 1 is empty, expected the names of the columns", "remove the empty lines at the top");
    return out.at({.file = path, .line = 1, .column = 1});
  }
  const Choice usual = choose(sample, is_whole, '"', '"');
  const Scanner told = scan(sample, is_whole, usual.nearest);
  if (usual.columns > 1 || told.fault() == Fault::none) return usual.fits;
  // Other programs write a quote inside quotes with a backslash, or quote with apostrophes.
  if (told.fault() == Fault::quote) {
    const Choice backslash = choose(sample, is_whole, '"', '\\');
    if (backslash.columns > 1) return backslash.fits;
  }
  if (told.fault() == Fault::columns) {
    const Choice apostrophe = choose(sample, is_whole, '\'', '\'');
    if (apostrophe.columns > 1) return apostrophe.fits;
  }
  return told.error(path);
}

Result<std::optional<Error>> csv_fault(const ReadBytes& read, const CsvDialect& dialect, const std::string& path) {
  Scanner scanner(dialect);
  for (bool first = true;; first = false) {
    TRY_ASSIGN(const std::string piece, read_up_to(read, kSampleBytes));
    std::string_view bytes = piece;
    if (first && bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
    scanner.feed(bytes);
    if (piece.size() < kSampleBytes) break;
  }
  scanner.finish();
  if (scanner.fault() == Fault::none) return std::optional<Error>();
  return std::optional<Error>(scanner.error(path));
}

}  // namespace weir::engine
