// What commands print for people: tables, figures, one progress line. Colours and progress only on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir::cli {

// Prints "error: …" with the hint on its own line to standard error; returns the exit code.
int report(const Error& error);
void warn(const Error& warning);  // the same with "warning: …"

// Columns aligned, numbers to the right; cells cut at 60 characters unless `whole`.
struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> right;  // by column; empty: all left
};
std::string render(const TextTable& table, bool colour, bool whole = false);

std::string with_commas(uint64_t number);
size_t display_width(std::string_view utf8);

// One line on standard error that is written over; nothing when standard error is no terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  void show(const std::string& text);
  void clear();

 private:
  bool terminal_ = false;
  bool shown_ = false;
};

}  // namespace weir::cli
