#include "platform/warehouse/copy_rejects.h"

#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

constexpr size_t kRawBytes = 1'024;

std::string text_in(const engine::Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text != nullptr ? *text : std::string();
}

int64_t number_in(const engine::Cell& cell) {
  const auto* number = std::get_if<int64_t>(&cell);
  return number != nullptr ? *number : 0;
}

}  // namespace

// 0 for the record, i for a column; NULL: all of it fits.
std::string RecordChecks::first_wrong() const {
  std::string out = "CASE WHEN weir_record IS NULL THEN 0";
  for (size_t i = 0; i < columns.size(); ++i) {
    const LoadedColumn& one = columns[i];
    std::string wrong = "(" + one.raw + " IS NOT NULL AND (" + one.value + ") IS NULL)";
    // What is made NULL on purpose is none that cannot be stored.
    if (one.bytes_max) wrong = "strlen(" + one.value + ") > " + std::to_string(*one.bytes_max);
    if (!one.bytes_max && one.shown.starts_with("character")) wrong = "false";
    if (one.is_not_null) wrong = "(" + wrong + " OR (" + one.value + ") IS NULL)";
    out += " WHEN " + wrong + " THEN " + std::to_string(i + 1);
  }
  return out + " END";
}

std::string RecordChecks::select_rejects(size_t limit) const {
  std::string raw = "CASE weir_wrong";
  for (size_t i = 0; i < columns.size(); ++i) {
    raw += " WHEN " + std::to_string(i + 1) + " THEN CAST(" + columns[i].raw + " AS VARCHAR)";
  }
  return "SELECT weir_file, weir_row, weir_wrong, " + raw + " END, left(CAST(weir_record AS VARCHAR), " +
         std::to_string(kRawBytes) + ") FROM (SELECT *, CAST(" + first_wrong() + " AS BIGINT) AS weir_wrong FROM " +
         records + ") WHERE weir_wrong IS NOT NULL ORDER BY 1, 2 LIMIT " + std::to_string(limit);
}

std::string RecordChecks::select_good() const {
  std::string values;
  for (const LoadedColumn& one : columns) values += (values.empty() ? "" : ", ") + one.value;
  return "SELECT " + values + " FROM " + records + " WHERE (" + first_wrong() + ") IS NULL";
}

Reject reject_of(const RecordChecks& checks, const std::vector<engine::Cell>& row) {
  Reject out{.file = text_in(row[0]), .row = number_in(row[1]), .column = {}, .raw = text_in(row[4]), .reason = {}};
  const int64_t number = number_in(row[2]);
  if (number < 1 || static_cast<size_t>(number) > checks.columns.size()) {
    out.reason = "the record is no valid JSON object";
    return out;
  }
  const LoadedColumn& column = checks.columns[static_cast<size_t>(number) - 1];
  out.column = column.name;
  if (std::holds_alternative<std::nullptr_t>(row[3])) {
    out.reason = "the record has no value of " + column.name + ", which is NOT NULL";
  } else if (column.bytes_max) {
    out.reason = "the value has more bytes than " + column.shown + " holds";
  } else {
    out.reason = "'" + text_in(row[3]).substr(0, 100) + "' is no " + column.shown;
  }
  return out;
}

}  // namespace weir::warehouse
