#include "surface/pgwire/copy_form.h"

#include <algorithm>
#include <utility>

#include "surface/pgwire/message.h"

namespace weir::pgwire {

using dialect::CopyForm;

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string copy_context(const std::string& table, const warehouse::LoadPlace& place) {
  std::string out = "COPY " + table;
  if (place.line > 0) out += ", line " + std::to_string(place.line);
  if (!place.column.empty()) out += ", column " + place.column;
  if (place.line > 0 && place.value) {
    out += ": \"" + *place.value + "\"";
  } else if (!place.column.empty()) {
    out += ": null input";
  }
  return out;
}

CopyWriter::CopyWriter(const warehouse::CopyStream& stream) : options_(stream.options) {
  for (const engine::ResultColumn& one : stream.columns) {
    columns_.push_back({one.name, type_of(one.type), options_.quotes_all || contains(options_.force_quote, one.name)});
  }
}

void CopyWriter::append_csv(std::string& out, std::string_view value, bool is_forced) const {
  bool quotes = is_forced || value == options_.null_text || (columns_.size() == 1 && value == kCopyEndMark);
  for (size_t i = 0; i < value.size() && !quotes; ++i) {
    const char c = value[i];
    quotes = c == options_.delimiter || c == options_.quote || c == '\n' || c == '\r';
  }
  if (!quotes) {
    out += value;
    return;
  }
  out += options_.quote;
  for (const char c : value) {
    if (c == options_.quote || c == options_.escape) out += options_.escape;
    out += c;
  }
  out += options_.quote;
}

void CopyWriter::append_field(std::string& out, std::string_view value, size_t column) const {
  if (options_.form == CopyForm::csv) return append_csv(out, value, columns_[column].is_forced);
  for (const char c : value) {
    switch (c) {
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\v':
        out += "\\v";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        if (c == options_.delimiter) out += '\\';
        out += c;
    }
  }
}

// It stands in the same message as the first row, as PostgreSQL has it.
void CopyWriter::append_header(std::string& out) {
  if (std::exchange(has_begun_, true)) return;
  out += kCopySignature;
  append_int32(out, 0);  // flags
  append_int32(out, 0);  // bytes of an extension
}

void CopyWriter::append_names(std::string& out) {
  if (has_begun_ || !options_.has_header) return;
  has_begun_ = true;
  const MessageScope scope(out, 'd');
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += options_.delimiter;
    if (options_.form == CopyForm::csv) {
      append_csv(out, columns_[i].name, false);
    } else {
      append_field(out, columns_[i].name, i);
    }
  }
  out += '\n';
}

Status CopyWriter::append_row(std::string& out, const engine::ResultBlock& block, size_t row, const flow::Zone& zone) {
  append_names(out);
  const size_t begin = out.size();
  Status made;
  {
    const MessageScope scope(out, 'd');
    const bool is_binary = options_.form == CopyForm::binary;
    if (is_binary) append_header(out);
    if (is_binary) append_int16(out, static_cast<int16_t>(columns_.size()));
    for (size_t i = 0; i < columns_.size() && made; ++i) {
      const engine::ResultVector& values = *block.columns[i];
      if (is_binary) {
        made = append_binary_value(out, values, row, columns_[i].type);
        continue;
      }
      if (i > 0) out += options_.delimiter;
      if (values.is_null(row)) {
        out += options_.null_text;
        continue;
      }
      value_.clear();
      append_text_value(value_, values, row, columns_[i].type, zone);
      append_field(out, std::string_view(value_).substr(4), i);  // behind its length
    }
    if (!is_binary) out += '\n';
  }
  if (!made) out.resize(begin);
  return made;
}

void CopyWriter::append_end(std::string& out) {
  append_names(out);
  if (options_.form != CopyForm::binary) return;
  const MessageScope scope(out, 'd');
  append_header(out);
  append_int16(out, -1);
}

void append_copy_response(std::string& out, const warehouse::CopyStream& stream) {
  const MessageScope scope(out, stream.is_in ? 'G' : 'H');
  const bool is_binary = stream.options.form == CopyForm::binary;
  out += static_cast<char>(is_binary ? 1 : 0);
  append_int16(out, static_cast<int16_t>(stream.columns.size()));
  for (size_t i = 0; i < stream.columns.size(); ++i) append_int16(out, is_binary ? 1 : 0);
}

}  // namespace weir::pgwire
