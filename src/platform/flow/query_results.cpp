#include "platform/flow/query_results.h"

#include <cmath>

#include "core/base/json.h"
#include "platform/warehouse/result_text.h"

namespace weir::flow {
namespace {

using engine::Cell;

void append_cell(std::string& out, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    out += R"({"stringValue":)";
    Json::append_quoted(out, *text);
  } else if (const auto* whole = std::get_if<int64_t>(&cell)) {
    out += R"({"longValue":)" + std::to_string(*whole);
  } else if (const auto* truth = std::get_if<bool>(&cell)) {
    out += std::string(R"({"booleanValue":)") + (*truth ? "true" : "false");
  } else if (const auto* number = std::get_if<double>(&cell); number != nullptr && std::isfinite(*number)) {
    out += R"({"doubleValue":)" + Json(*number).dump();
  } else if (number != nullptr) {  // JSON has no number for it
    out += std::string(R"({"stringValue":")") +
           (std::isnan(*number) ? "NaN"
            : *number > 0       ? "Infinity"
                                : "-Infinity") +
           "\"";
  } else {
    out += R"({"isNull":true)";
  }
  out += '}';
}

Result<Cell> cell_of(const Json& json) {
  if (const Json* text = json.find("stringValue"); text != nullptr && text->is_string()) return Cell(text->as_string());
  if (const Json* whole = json.find("longValue"); whole != nullptr && whole->is_integer()) return Cell(whole->as_int());
  if (const Json* number = json.find("doubleValue"); number != nullptr && number->is_number()) {
    return Cell(number->as_double());
  }
  if (const Json* truth = json.find("booleanValue"); truth != nullptr && truth->is_bool())
    return Cell(truth->as_bool());
  if (json["isNull"].as_bool()) return Cell(nullptr);
  return Error(Code::corrupt, "a result has a value that is none: " + json.dump());
}

std::string between_bars(const std::string& text) {
  if (text.empty()) return "empty";
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '"' || c == '`') continue;
    const bool is_space = c == '\n' || c == '\r' || c == '\t';
    out += is_space ? ' ' : c == '|' ? '-' : c;
  }
  return out;
}

std::string text_of(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&cell)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&cell)) {
    return std::isfinite(*number) ? Json(*number).dump()
           : std::isnan(*number)  ? "NaN"
           : *number > 0          ? "Infinity"
                                  : "-Infinity";
  }
  return {};
}

}  // namespace

std::string result_json(const warehouse::SqlAnswer& answer) {
  std::string out = R"({"ColumnMetadata":[)";
  for (size_t i = 0; i < answer.columns.size(); ++i) {
    const auto& column = answer.columns[i];
    out += i == 0 ? "\n" : ",\n";
    out += Json(Json::Object{{"name", column.name}, {"label", column.name}, {"typeName", column.type}}).dump();
  }
  out += "],\n\"Records\":[";
  for (size_t i = 0; i < answer.rows.size(); ++i) {
    out += i == 0 ? "\n[" : ",\n[";
    for (size_t j = 0; j < answer.rows[i].size(); ++j) {
      if (j != 0) out += ',';
      append_cell(out, answer.rows[i][j]);
    }
    out += ']';
  }
  out += "],\n\"TotalNumRows\":" + std::to_string(answer.rows.size());
  out += std::string(",\"Truncated\":") + (answer.is_cut ? "true" : "false") + "}\n";
  return out;
}

Result<warehouse::SqlAnswer> result_from_json(std::string_view text) {
  TRY_ASSIGN(const Json json, Json::parse(text, kResultBytesMax));
  warehouse::SqlAnswer out;
  out.is_cut = json["Truncated"].as_bool();
  for (const Json& column : json["ColumnMetadata"].array()) {
    out.columns.push_back({column["name"].as_string(), column["typeName"].as_string()});
  }
  for (const Json& record : json["Records"].array()) {
    std::vector<Cell> row;
    for (const Json& value : record.array()) {
      TRY_ASSIGN(Cell cell, cell_of(value));
      row.push_back(std::move(cell));
    }
    if (row.size() != out.columns.size()) return Error(Code::corrupt, "a result has a row of another width");
    out.rows.push_back(std::move(row));
  }
  return out;
}

std::string result_csv(const warehouse::SqlAnswer& answer) {
  std::string out;
  warehouse::append_csv_header(out, answer.columns);
  for (const auto& row : answer.rows) warehouse::append_csv_row(out, row);
  return out;
}

std::string result_bars(const warehouse::SqlAnswer& answer) {
  std::string out;
  for (size_t i = 0; i < answer.columns.size(); ++i) out += (i == 0 ? "" : "|") + between_bars(answer.columns[i].name);
  out += '\n';
  for (const auto& row : answer.rows) {
    for (size_t i = 0; i < row.size(); ++i) out += (i == 0 ? "" : "|") + between_bars(text_of(row[i]));
    out += '\n';
  }
  return out;
}

}  // namespace weir::flow
