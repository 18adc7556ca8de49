// What a client sends in COPY, as rows.
#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/text.h"
#include "surface/pgwire/copy_form.h"
#include "surface/pgwire/message.h"
#include "surface/pgwire/parameter.h"

namespace weir::pgwire {

namespace {

using dialect::CopyForm;
using engine::GivenRows;

constexpr size_t kLineShown = 100;  // bytes, as PostgreSQL shows

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string shortened(std::string_view text) {
  return text.size() <= kLineShown ? std::string(text) : std::string(text.substr(0, kLineShown)) + "...";
}

// Of a big-endian number of 2, 4 or 8 bytes.
int64_t whole_of(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  if (bytes.size() == 2) return static_cast<int16_t>(value);
  if (bytes.size() == 4) return static_cast<int32_t>(value);
  return static_cast<int64_t>(value);
}

int octal(char c) {
  return c >= '0' && c <= '7' ? c - '0' : -1;
}

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What \x stands for in the text form; `at` is behind the backslash, and then behind all of it.
char unescaped(std::string_view line, size_t& at) {
  const char c = line[at++];
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      break;
  }
  if (octal(c) >= 0) {
    int value = octal(c);
    for (int more = 0; more < 2 && at < line.size() && octal(line[at]) >= 0; ++more)
      value = value * 8 + octal(line[at++]);
    return static_cast<char>(value & 0xFF);
  }
  if (c == 'x' && at < line.size() && hexadecimal(line[at]) >= 0) {
    int value = hexadecimal(line[at++]);
    if (at < line.size() && hexadecimal(line[at]) >= 0) value = value * 16 + hexadecimal(line[at++]);
    return static_cast<char>(value);
  }
  return c;
}

}  // namespace

CopyReader::CopyReader(warehouse::CopyStream stream) : stream_(std::move(stream)) {
  const dialect::CopyOptions& options = stream_.options;
  for (const engine::ResultColumn& one : stream_.columns) {
    const WireType type = type_of(one.type);
    Column column{.type = type.number};
    column.is_whole = type.number == oid::kInt2 || type.number == oid::kInt4 || type.number == oid::kInt8;
    column.is_bytes = type.number == oid::kBytea;
    // Nothing but its bytes is looked at; dates, numbers and the like are the engine's to read.
    column.is_text = !column.is_whole && !column.is_bytes && type.number != oid::kBool && !type.is_array();
    column.forces_null = contains(options.force_null, one.name);
    column.forces_not_null = contains(options.force_not_null, one.name);
    columns_.push_back(column);
    rows_.columns.push_back({.kind = column.is_whole   ? GivenRows::Kind::whole
                                     : column.is_bytes ? GivenRows::Kind::bytes
                                                       : GivenRows::Kind::text});
  }
}

void CopyReader::clear() {
  for (GivenRows::Column& column : rows_.columns) {
    column.bytes.clear();
    column.ends.clear();
    column.wholes.clear();
    column.nulls.clear();
  }
  rows_.rows = 0;
  lines_.clear();
  block_bytes_ = 0;
}

Error CopyReader::wrong(const char* sqlstate, std::string message, std::string_view line) {
  place_.line = line_;
  if (!place_.value) place_.value = shortened(line);
  return with_state(Error(Code::invalid, std::move(message)), sqlstate);
}

Result<size_t> CopyReader::read(std::string_view bytes) {
  if (has_ended_) return bytes.size();
  const size_t before = pending_.size();
  const bool is_joined = before > 0;
  if (is_joined) pending_ += bytes;
  const std::string_view all = is_joined ? std::string_view(pending_) : bytes;
  size_t at = 0;
  while (!is_full() && !has_ended_) {
    if (stream_.options.form == CopyForm::binary) {
      TRY_ASSIGN(const size_t taken, take_binary(all.substr(at)));
      if (taken == 0) break;
      at += taken;
      continue;
    }
    size_t size = 0, end = 0;
    if (!find_row(all.substr(at), size, end)) break;
    TRY(take_row(all.substr(at, size - end)));
    at += size;
  }
  if (has_ended_) {
    pending_.clear();
    return bytes.size();
  }
  const std::string_view left = all.substr(at);
  if (is_full()) {
    // What was not taken comes again, but for what had been kept.
    const size_t taken = at > before ? at - before : 0;
    if (is_joined) pending_ = at < before ? std::string(std::string_view(pending_).substr(at, before - at)) : "";
    return taken;
  }
  if (left.size() > kCopyRowBytesMax) {
    ++line_;
    return wrong("54000", "a row has more than " + std::to_string(kCopyRowBytesMax) + " bytes", left);
  }
  if (is_joined) {
    pending_.erase(0, at);
  } else {
    pending_ = left;
  }
  return bytes.size();
}

Status CopyReader::end() {
  if (has_ended_) return {};
  if (stream_.options.form == CopyForm::binary) {
    if (!has_begun_) return wrong("22P04", "COPY file signature not recognized", "");
    if (pending_.empty()) return {};  // without a trailer
    ++line_;
    return wrong("22P04", "unexpected EOF in COPY data", "");
  }
  if (pending_.empty()) return {};
  std::string line = std::exchange(pending_, {});
  if (is_quoted_) {
    ++line_;
    return wrong("22P04", "unterminated CSV quoted field", line);
  }
  if (line.ends_with('\r')) line.pop_back();
  return take_row(line);
}

bool CopyReader::find_row(std::string_view bytes, size_t& size, size_t& end) {
  const bool is_csv = stream_.options.form == CopyForm::csv;
  const char quote = stream_.options.quote;
  // An escape that is the quote itself needs no care: two of them leave and enter the quotes.
  const char escape = stream_.options.escape == quote ? '\0' : stream_.options.escape;
  size_t at = scanned_;
  for (; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (!is_csv) {
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\') {
        is_escaped_ = true;
      } else if (c == '\n') {
        break;
      }
      continue;
    }
    if (is_quoted_ && escape != '\0' && c == escape) is_escaped_ = !is_escaped_;
    if (c == quote && !is_escaped_) is_quoted_ = !is_quoted_;
    if (c != escape) is_escaped_ = false;
    if (c != '\n') continue;
    if (!is_quoted_) break;
    ++line_;  // inside of a value
  }
  if (at == bytes.size()) {
    scanned_ = at;
    return false;
  }
  scanned_ = 0;
  is_quoted_ = is_escaped_ = false;
  size = at + 1;
  end = at > 0 && bytes[at - 1] == '\r' ? 2 : 1;
  return true;
}

Status CopyReader::take_row(std::string_view line) {
  ++line_;
  if (!std::exchange(has_begun_, true) && stream_.options.has_header) return check_header(line);
  if (line == kCopyEndMark) {
    has_ended_ = true;
    return {};
  }
  return take_fields(line);
}

Status CopyReader::check_header(std::string_view line) {
  if (!stream_.options.checks_header) return {};
  size_t at = 0;
  bool is_last = false;
  for (size_t i = 0; i < stream_.columns.size() || !is_last; ++i) {
    bool is_null = false;
    std::string name;
    if (is_last || i >= stream_.columns.size()) {
      return wrong("22P04", "wrong number of fields in header line: expected " + std::to_string(stream_.columns.size()),
                   line);
    }
    if (stream_.options.form == CopyForm::csv) {
      TRY(next_csv_field(line, at, name, is_null, is_last));
    } else {
      TRY(next_field(line, at, name, is_null, is_last));
    }
    if (name == stream_.columns[i].name) continue;
    return wrong("22P04",
                 "column name mismatch in header line field " + std::to_string(i + 1) + ": got " + shown(name) +
                     ", expected \"" + stream_.columns[i].name + "\"",
                 line);
  }
  return {};
}

// The field at `at`, without its escapes.
Status CopyReader::next_field(std::string_view line, size_t& at, std::string& value, bool& is_null, bool& is_last) {
  value.clear();
  const size_t begin = at;
  is_last = true;
  while (at < line.size()) {
    const char c = line[at++];
    if (c == stream_.options.delimiter) {
      is_last = false;
      break;
    }
    if (c == '\r') return wrong("22P04", "literal carriage return found in data: use \"\\r\"", line);
    if (c != '\\' || at >= line.size()) {
      value += c;
    } else {
      value += unescaped(line, at);
    }
  }
  const std::string_view raw = line.substr(begin, at - begin - (is_last ? 0 : 1));
  is_null = raw == stream_.options.null_text;
  return {};
}

Status CopyReader::next_csv_field(std::string_view line, size_t& at, std::string& value, bool& is_quoted,
                                  bool& is_last) {
  const auto& options = stream_.options;
  value.clear();
  is_quoted = false;
  is_last = true;
  bool is_inside = false;
  while (at < line.size()) {
    const char c = line[at++];
    if (is_inside) {
      const char next = at < line.size() ? line[at] : '\0';
      if (c == options.escape && at < line.size() && (next == options.escape || next == options.quote)) {
        value += next;
        ++at;
      } else if (c == options.quote) {
        is_inside = false;
      } else {
        value += c;
      }
    } else if (c == options.delimiter) {
      is_last = false;
      break;
    } else if (c == options.quote) {
      is_quoted = is_inside = true;
    } else if (c == '\r') {
      return wrong("22P04", "unquoted carriage return found in data: use quoted CSV field", line);
    } else {
      value += c;
    }
  }
  if (is_inside) return wrong("22P04", "unterminated CSV quoted field", line);
  return {};
}

Status CopyReader::take_field(size_t column, std::string_view line, size_t& at, bool& is_last) {
  bool is_null = false;
  if (stream_.options.form != CopyForm::csv) {
    TRY(next_field(line, at, value_, is_null, is_last));
  } else {
    bool is_quoted = false;
    TRY(next_csv_field(line, at, value_, is_quoted, is_last));
    const Column& into = columns_[column];
    is_null = value_ == stream_.options.null_text && (is_quoted ? into.forces_null : !into.forces_not_null);
  }
  return add(column, value_, is_null, false);
}

Status CopyReader::take_fields(std::string_view line) {
  size_t at = 0;
  bool is_last = columns_.empty();
  if (columns_.empty() && !line.empty()) return wrong("22P04", "extra data after last expected column", line);
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (is_last) {
      undo_row(i);
      return wrong("22P04", "missing data for column \"" + stream_.columns[i].name + "\"", line);
    }
    if (Status done = take_field(i, line, at, is_last); !done) {
      undo_row(i);
      return done;
    }
  }
  if (!is_last) {
    undo_row(columns_.size());
    return wrong("22P04", "extra data after last expected column", line);
  }
  end_row();
  return {};
}

// The header, one row, or the trailer; 0: it has not come whole.
Result<size_t> CopyReader::take_binary(std::string_view bytes) {
  if (!has_begun_) {
    const std::string_view begin = bytes.substr(0, kCopySignature.size());
    if (begin != kCopySignature.substr(0, begin.size()))
      return wrong("22P04", "COPY file signature not recognized", "");
    if (bytes.size() < kCopySignature.size() + 8) return size_t{0};
    const int64_t flags = whole_of(bytes.substr(kCopySignature.size(), 4));
    const int64_t more = whole_of(bytes.substr(kCopySignature.size() + 4, 4));
    if ((flags & 0xFFFF0000) != 0) return wrong("22P04", "unrecognized critical flags in COPY file header", "");
    if (more < 0 || more > static_cast<int64_t>(kCopyRowBytesMax)) {
      return wrong("22P04", "invalid COPY file header (wrong length)", "");
    }
    const size_t size = kCopySignature.size() + 8 + static_cast<size_t>(more);
    if (bytes.size() < size) return size_t{0};
    has_begun_ = true;
    return size;
  }
  if (bytes.size() < 2) return size_t{0};
  const int64_t count = whole_of(bytes.substr(0, 2));
  if (count == -1) {
    has_ended_ = true;
    return bytes.size();
  }
  if (count != static_cast<int64_t>(columns_.size())) {
    ++line_;
    return wrong("22P04",
                 "row field count is " + std::to_string(count) + ", expected " + std::to_string(columns_.size()), "");
  }
  // Whether all of it is there, before anything is kept.
  size_t size = 2;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (bytes.size() < size + 4) return size_t{0};
    const int64_t length = whole_of(bytes.substr(size, 4));
    if (length < -1 || length > static_cast<int64_t>(kCopyRowBytesMax)) {
      ++line_;
      place_.column = stream_.columns[i].name;
      return wrong("22P04", "invalid field size", "");
    }
    size += 4 + static_cast<size_t>(std::max<int64_t>(length, 0));
    if (bytes.size() < size) return size_t{0};
  }
  ++line_;
  size_t at = 2;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const int64_t length = whole_of(bytes.substr(at, 4));
    at += 4;
    const std::string_view value = bytes.substr(at, static_cast<size_t>(std::max<int64_t>(length, 0)));
    at += value.size();
    if (const Status done = add(i, value, length < 0, true); !done) {
      undo_row(i);
      return done.error();
    }
  }
  end_row();
  return size;
}

Status CopyReader::add_whole(size_t column, std::string_view value, bool is_binary) {
  const uint32_t type = columns_[column].type;
  const size_t size = type == oid::kInt2 ? 2 : type == oid::kInt4 ? 4 : 8;
  int64_t number = 0;
  if (is_binary) {
    if (value.size() != size) return wrong("22P03", "incorrect binary data format", "");
    number = whole_of(value);
  } else {
    const std::string_view digits = trim(value);
    const char* const begin =
        digits.data() + (digits.starts_with('+') && digits.size() > 1 && digits[1] != '-' ? 1 : 0);
    const char* const stop = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(begin, stop, number);
    const bool is_number = end == stop && begin != stop && error != std::errc::invalid_argument;
    if (!is_number) {
      return wrong("22P02",
                   std::string("invalid input syntax for type ") + type_name(type) + ": \"" + shortened(value) + "\"",
                   value);
    }
    const int64_t most = size == 2 ? INT16_MAX : size == 4 ? INT32_MAX : INT64_MAX;
    if (error == std::errc::result_out_of_range || number > most || number < -most - 1) {
      return wrong("22003", "value \"" + shortened(value) + "\" is out of range for type " + type_name(type), value);
    }
  }
  rows_.columns[column].wholes.push_back(number);
  rows_.columns[column].nulls.push_back(false);
  return {};
}

Status CopyReader::add(size_t column, std::string_view value, bool is_null, bool is_binary) {
  const Column& known = columns_[column];
  GivenRows::Column& out = rows_.columns[column];
  const auto keep = [&](std::string_view bytes) {
    out.bytes += bytes;
    block_bytes_ += bytes.size();
  };
  if (!is_null && known.is_whole) {
    const Status done = add_whole(column, value, is_binary);
    if (!done) place_.column = stream_.columns[column].name;
    return done;
  }
  if (!is_null) {
    // Texts are taken as they are; other types' values may need to be read.
    const bool is_plain = known.is_text && (!is_binary || known.type == oid::kText || known.type == oid::kVarchar);
    if (is_plain) {
      keep(value);
    } else {
      const Result<std::string> text = engine_text(known.type, value, is_binary);
      if (!text) {
        place_.column = stream_.columns[column].name;
        Error error = wrong("22P02", text.error().message, is_binary ? "" : value);
        if (text.error().sqlstate != nullptr) error.sqlstate = text.error().sqlstate;
        return error;
      }
      keep(*text);
    }
    const size_t begin = out.ends.empty() ? 0 : out.ends.back();
    const std::string_view kept = std::string_view(out.bytes).substr(begin);
    if (!known.is_bytes && (!valid_utf8(kept) || kept.find('\0') != std::string_view::npos)) {
      out.bytes.resize(begin);
      place_.column = stream_.columns[column].name;
      place_.value = "";
      return wrong("22021", "invalid byte sequence for encoding \"UTF8\"", "");
    }
  }
  if (known.is_whole) {
    out.wholes.push_back(0);
  } else {
    out.ends.push_back(static_cast<uint32_t>(out.bytes.size()));
  }
  out.nulls.push_back(is_null);
  return {};
}

void CopyReader::end_row() {
  ++rows_.rows;
  lines_.push_back(line_);
  block_bytes_ += columns_.size() * 8;
}

// A row that is wrong leaves nothing: the first `columns` of it were kept.
void CopyReader::undo_row(size_t columns) {
  for (size_t i = 0; i < columns; ++i) {
    GivenRows::Column& column = rows_.columns[i];
    column.nulls.pop_back();
    if (columns_[i].is_whole) {
      column.wholes.pop_back();
    } else {
      column.ends.pop_back();
      column.bytes.resize(column.ends.empty() ? 0 : column.ends.back());
    }
  }
}

}  // namespace weir::pgwire
