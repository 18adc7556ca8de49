#include "platform/warehouse/result_text.h"

#include <charconv>
#include <cmath>
#include <set>

#include "core/base/json.h"

namespace weir::warehouse {
namespace {

using engine::Cell;

template <class Number>
void append_number(std::string& out, Number value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

const char* name_of_no_number(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}

void append_csv_text(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (size_t at = 0;;) {
    const size_t quote = text.find('"', at);
    out += text.substr(at, quote - at);
    if (quote == std::string_view::npos) break;
    out += "\"\"";
    at = quote + 1;
  }
  out += '"';
}

// A cell that is its own text in CSV and JSON alike: everything but text, NULL and special doubles.
bool append_scalar(std::string& out, const Cell& cell) {
  if (const bool* truth = std::get_if<bool>(&cell)) {
    out += *truth ? "true" : "false";
  } else if (const int64_t* integer = std::get_if<int64_t>(&cell)) {
    append_number(out, *integer);
  } else if (const double* number = std::get_if<double>(&cell); number && std::isfinite(*number)) {
    append_number(out, *number);
  } else {
    return false;
  }
  return true;
}

void append_csv_cell(std::string& out, const Cell& cell) {
  if (append_scalar(out, cell)) return;
  if (const double* number = std::get_if<double>(&cell)) {
    out += name_of_no_number(*number);
  } else if (const std::string* text = std::get_if<std::string>(&cell)) {
    append_csv_text(out, *text);
  }
}

void append_json_cell(std::string& out, const Cell& cell) {
  if (append_scalar(out, cell)) return;
  if (const double* number = std::get_if<double>(&cell)) {
    Json::append_quoted(out, name_of_no_number(*number));
  } else if (const std::string* text = std::get_if<std::string>(&cell)) {
    Json::append_quoted(out, *text);
  } else {
    out += "null";
  }
}

// The text of these is JSON.
bool is_nested_type(const std::string& type) {
  return type == "JSON" || type.ends_with("]") || type.starts_with("STRUCT(") || type.starts_with("MAP(");
}

}  // namespace

void append_csv_header(std::string& out, const std::vector<engine::ResultColumn>& columns) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    append_csv_text(out, columns[i].name);
  }
  out += "\r\n";
}

void append_csv_row(std::string& out, const ResultRow& row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    append_csv_cell(out, row[i]);
  }
  out += "\r\n";
}

std::vector<std::string> distinct_names(const std::vector<engine::ResultColumn>& columns) {
  std::set<std::string> taken;
  for (const auto& column : columns) taken.insert(column.name);
  std::set<std::string> given;
  std::vector<std::string> names;
  for (const auto& column : columns) {
    std::string name = column.name;
    for (int number = 1; given.contains(name); ++number) {
      std::string numbered = column.name + "_" + std::to_string(number);
      if (!taken.contains(numbered)) name = std::move(numbered);
    }
    given.insert(name);
    taken.insert(name);
    names.push_back(std::move(name));
  }
  return names;
}

NdjsonWriter::NdjsonWriter(const std::vector<engine::ResultColumn>& columns) {
  const std::vector<std::string> names = distinct_names(columns);
  for (size_t i = 0; i < columns.size(); ++i) {
    Key key{.text = i == 0 ? "{" : ",", .is_nested = is_nested_type(columns[i].type)};
    Json::append_quoted(key.text, names[i]);
    key.text += ':';
    keys_.push_back(std::move(key));
  }
}

void NdjsonWriter::append_row(std::string& out, const ResultRow& row) const {
  for (size_t i = 0; i < keys_.size(); ++i) {
    out += keys_[i].text;
    const std::string* text = keys_[i].is_nested ? std::get_if<std::string>(&row[i]) : nullptr;
    // Through the reader, because a line break inside would end the line. What our reader refuses stays text.
    const Result<Json> nested = text != nullptr ? Json::parse(*text) : Result<Json>(Json());
    if (text != nullptr && nested) {
      out += nested->dump();
    } else {
      append_json_cell(out, row[i]);
    }
  }
  out += "}\n";
}

void append_json_row(std::string& out, const ResultRow& row) {
  out += '[';
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    append_json_cell(out, row[i]);
  }
  out += ']';
}

}  // namespace weir::warehouse
