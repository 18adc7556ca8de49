// A query's result as criteria see it: named columns, and rows of cells whose meaning is known.
//
// Null stays null and an empty text stays an empty text: neither becomes the other, nor a word. Numbers that a server
// sends as texts (NUMERIC, large integers) are numbers here, with the text kept beside them for whoever shows them.
// Values; pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/engine.h"

namespace weir::review {

enum class ColumnKind { number, text, truth };

struct FrameColumn {
  std::string name;
  std::string type;  // as the server called it
  // What all of its values that are not null are; a column of texts that all read as numbers is one of numbers, as it
  // is for the tools that the seed's criteria were written for. Without any value: by its type.
  ColumnKind kind = ColumnKind::text;
};

struct Frame {
  std::vector<FrameColumn> columns;
  std::vector<std::vector<engine::Cell>> rows;
  bool is_cut = false;  // the server had more rows

  static Frame of(const std::vector<engine::ResultColumn>& columns, std::vector<std::vector<engine::Cell>> rows);
  // Exactly, else without regard to case; `not_found` names the nearest.
  Result<size_t> column(std::string_view name) const;
  // These of its rows.
  Frame only(const std::vector<size_t>& numbers) const;
};

// A text that is wholly a decimal number, as "12", "-0.5", "1e3"; nothing otherwise.
std::optional<double> number_of(std::string_view text);
std::string cell_text(const engine::Cell& cell);  // as a person reads it; null: ""

}  // namespace weir::review
