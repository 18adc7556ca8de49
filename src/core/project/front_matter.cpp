#include "core/project/front_matter.h"

#include <algorithm>

#include "core/base/text.h"

namespace weir::project {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Takes the text line by line and knows where it is.
struct Lines {
  std::string_view text;
  size_t next = 0;
  int number = 0;  // of the line that was taken last

  bool take(std::string_view& line) {
    if (next >= text.size()) return false;
    const size_t end = std::min(text.find('\n', next), text.size());
    line = text.substr(next, end - next);
    next = std::min(end + 1, text.size());
    ++number;
    return true;
  }
};

bool is_mark(std::string_view line) {
  return line.starts_with("---") && trim(line.substr(3)).empty();
}

Error refused(const std::string& file, int line, int column, std::string message, std::string hint) {
  return std::move(Error(Code::invalid, std::move(message), std::move(hint)).at({file, line, column}));
}

// The SQL becomes part of JSON and of messages: only text does.
Status check_bytes(std::string_view text, const std::string& file) {
  int line = 1, column = 1;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_sequence(text, at);
    const auto c = static_cast<unsigned char>(text[at]);
    const bool is_control = (c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f') || c == 0x7F;
    if (length == 0 || is_control) {
      const std::string what = length == 0 ? "a byte that is not UTF-8" : "a control character";
      return refused(file, line, column, what + ": " + shown(text.substr(at, 1)), "save the file as UTF-8 text");
    }
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
    at += length;
  }
  return {};
}

// Front matter below comments or empty lines would be taken for SQL, and its mark for a comment.
Status check_above(std::string_view text, const std::string& file) {
  Lines lines{text};
  std::string_view line;
  while (lines.take(line)) {
    const std::string_view words = trim(line);
    if (is_mark(line)) {
      return refused(file, lines.number, 1, "front matter begins in the first line of the file",
                     "move it to the top, or remove this line if it is none");
    }
    if (!words.empty() && !words.starts_with("--")) return {};
  }
  return {};
}

}  // namespace

Result<SqlFile> split_sql_file(std::string_view text, const std::string& file) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  TRY(check_bytes(text, file));
  SqlFile parts;
  parts.sql = text;
  Lines lines{text};
  std::string_view line;
  if (lines.take(line) && is_mark(line)) {
    const size_t begin = lines.next;
    size_t end = begin;
    bool is_closed = false;
    while (!is_closed && lines.take(line)) {
      is_closed = is_mark(line);
      if (!is_closed) end = lines.next;
    }
    if (!is_closed) {
      return refused(file, 1, 1, "the front matter that begins here does not end",
                     "write --- alone in a line between it and the SQL");
    }
    parts = {text.substr(begin, end - begin), 2, text.substr(lines.next), lines.number + 1};
  } else {
    TRY(check_above(text, file));
  }
  if (trim(parts.sql).empty()) {
    return refused(file, parts.sql_line, 1,
                   parts.sql_line == 1 ? "the file is empty" : "there is no SQL behind the front matter",
                   "write a SELECT here");
  }
  return parts;
}

Result<Yaml> parse_front_matter(const SqlFile& parts, const std::string& file) {
  return parse_yaml(parts.front, {file, parts.front_line});
}

}  // namespace weir::project
