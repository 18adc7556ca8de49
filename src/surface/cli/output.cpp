#include "surface/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "surface/errors/errors.h"

namespace weir::cli {
namespace {

constexpr size_t kCellWidthMax = 60;

std::string cut(const std::string& text, size_t width_max) {
  if (display_width(text) <= width_max) return text;
  std::string out;
  size_t width = 0;
  for (size_t i = 0; i < text.size() && width + 1 < width_max;) {
    size_t length = 1;
    while (i + length < text.size() && (static_cast<unsigned char>(text[i + length]) & 0xC0) == 0x80) ++length;
    out.append(text, i, length);
    i += length;
    ++width;
  }
  return out + "…";
}

}  // namespace

namespace {
void print(const char* what, const Error& error) {
  Error shown = error;
  shown.hint.clear();
  std::fprintf(stderr, "%s: %s\n", what, shown.text().c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  try: %s\n", error.hint.c_str());
}
}  // namespace

int report(const Error& error) {
  print("error", error);
  return errors::exit_code(error.code);
}

void warn(const Error& warning) {
  print("warning", warning);
}

size_t display_width(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string render(const TextTable& table, bool colour, bool whole) {
  std::vector<std::vector<std::string>> lines;
  lines.push_back(table.header);
  for (const auto& row : table.rows) {
    std::vector<std::string> line;
    for (const auto& cell : row) {
      std::string flat = cell;
      std::replace(flat.begin(), flat.end(), '\n', ' ');
      line.push_back(whole ? flat : cut(flat, kCellWidthMax));
    }
    lines.push_back(std::move(line));
  }
  std::vector<size_t> widths(table.header.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string out;
  for (size_t r = 0; r < lines.size(); ++r) {
    if (r == 0 && colour) out += "\033[1m";
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string& cell = i < lines[r].size() ? lines[r][i] : std::string();
      const std::string space(widths[i] - display_width(cell), ' ');
      const bool right = i < table.right.size() && table.right[i];
      const bool last = i + 1 == widths.size();
      out += right ? space + cell : cell + (last ? std::string() : space);
      if (!last) out += "  ";
    }
    if (r == 0 && colour) out += "\033[0m";
    out += '\n';
  }
  return out;
}

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number), out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const std::string& text) {
  if (!terminal_) return;
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace weir::cli
