#include "analysis/review/frame.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/json.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

using engine::Cell;

bool names_number(std::string_view type) {
  static constexpr std::string_view kNumbers[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",  "HUGEINT",
                                                  "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
                                                  "FLOAT",    "DOUBLE",    "REAL",     "DECIMAL", "NUMERIC"};
  const std::string_view bare = type.substr(0, type.find('('));
  return std::find(std::begin(kNumbers), std::end(kNumbers), bare) != std::end(kNumbers);
}

bool is_number(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return number_of(*text).has_value();
  return std::holds_alternative<int64_t>(cell) || std::holds_alternative<double>(cell);
}

ColumnKind kind_of(const std::string& type, const std::vector<std::vector<Cell>>& rows, size_t column) {
  bool has_value = false, all_numbers = true, all_truths = true;
  for (const auto& row : rows) {
    const Cell& cell = row[column];
    if (std::holds_alternative<std::nullptr_t>(cell)) continue;
    has_value = true;
    all_numbers = all_numbers && is_number(cell);
    all_truths = all_truths && std::holds_alternative<bool>(cell);
  }
  if (!has_value) {
    if (names_number(type)) return ColumnKind::number;
    return type == "BOOLEAN" ? ColumnKind::truth : ColumnKind::text;
  }
  if (all_truths) return ColumnKind::truth;
  return all_numbers ? ColumnKind::number : ColumnKind::text;
}

}  // namespace

Frame Frame::of(const std::vector<engine::ResultColumn>& columns, std::vector<std::vector<Cell>> rows) {
  Frame out;
  for (size_t i = 0; i < columns.size(); ++i) {
    out.columns.push_back({columns[i].name, columns[i].type, kind_of(columns[i].type, rows, i)});
  }
  out.rows = std::move(rows);
  return out;
}

Result<size_t> Frame::column(std::string_view name) const {
  std::vector<std::string> known;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
    known.push_back(columns[i].name);
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (to_lower(columns[i].name) == to_lower(name)) return i;
  }
  return Error(Code::not_found, "the result has no column " + shown(name), did_you_mean(name, known));
}

Frame Frame::only(const std::vector<size_t>& numbers) const {
  Frame out;
  out.columns = columns;
  out.is_cut = is_cut;
  for (const size_t number : numbers) out.rows.push_back(rows[number]);
  return out;
}

std::optional<double> number_of(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.size() > 64) return std::nullopt;
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(out)) return std::nullopt;
  return out;
}

std::string cell_text(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&cell)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&cell)) return Json(*number).dump();
  return {};
}

}  // namespace weir::review
