#include "storage/engine/columns.h"

#include <array>
#include <bit>
#include <utility>

#include "core/base/check.h"

namespace weir::engine {
namespace {

constexpr std::array<std::pair<ColumnType, const char*>, 10> kTypeNames = {{{ColumnType::boolean, "boolean"},
                                                                            {ColumnType::int32, "int32"},
                                                                            {ColumnType::int64, "int64"},
                                                                            {ColumnType::float64, "float64"},
                                                                            {ColumnType::decimal, "decimal"},
                                                                            {ColumnType::text, "text"},
                                                                            {ColumnType::uuid, "uuid"},
                                                                            {ColumnType::timestamp, "timestamp"},
                                                                            {ColumnType::date, "date"},
                                                                            {ColumnType::json, "json"}}};

bool holds_text(ColumnType type) {
  return type == ColumnType::text || type == ColumnType::json;
}

}  // namespace

const char* column_type_name(ColumnType type) {
  if (type == ColumnType::engine) return "engine";
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return name;
  }
  CHECK(false, "every ColumnType has a name");
  return "";
}

Result<ColumnType> parse_column_type(std::string_view name) {
  std::string known_names;
  for (const auto& [type, known] : kTypeNames) {
    if (name == known) return type;
    known_names += (known_names.empty() ? "" : ", ") + std::string(known);
  }
  return Error(Code::invalid, "unknown column type \"" + std::string(name) + "\"", "known are " + known_names);
}

std::string sql_type(const Column& column) {
  switch (column.type) {
    case ColumnType::boolean:
      return "BOOLEAN";
    case ColumnType::int32:
      return "INTEGER";
    case ColumnType::int64:
      return "BIGINT";
    case ColumnType::float64:
      return "DOUBLE";
    case ColumnType::decimal:
      return "DECIMAL(" + std::to_string(column.precision) + "," + std::to_string(column.scale) + ")";
    case ColumnType::text:
      return "VARCHAR";
    case ColumnType::uuid:
      return "UUID";
    case ColumnType::timestamp:
      return "TIMESTAMP";
    case ColumnType::date:
      return "DATE";
    case ColumnType::json:
      return "JSON";
    case ColumnType::engine:
      return column.engine_type;
  }
  CHECK(false, "every ColumnType has a type of the engine");
  return "";
}

bool has_bounds(ColumnType type) {
  return type == ColumnType::int32 || type == ColumnType::int64 || type == ColumnType::timestamp ||
         type == ColumnType::date;
}

std::optional<size_t> find_column(const std::vector<Column>& there, const Column& wanted) {
  const auto named = [&](const std::string& name) -> std::optional<size_t> {
    for (size_t i = 0; i < there.size(); ++i) {
      if (there[i].name == name) return i;
    }
    return std::nullopt;
  };
  if (auto found = named(wanted.name)) return found;
  for (const std::string& former : wanted.former) {
    if (auto found = named(former)) return found;
  }
  return std::nullopt;
}

void ColumnValues::mark_valid(bool valid) {
  if (valid && valid_.empty()) return;
  // The first null: everything before it was valid. `size_` was raised by the caller already.
  if (valid_.empty()) valid_.assign(size_ - 1, 1);
  valid_.push_back(valid ? 1 : 0);
}

void ColumnValues::add_fixed(int64_t value) {
  CHECK(!holds_text(type_) && type_ != ColumnType::uuid, "the value's kind is the column's kind");
  fixed_.push_back(value);
  ++size_;
  mark_valid(true);
}

void ColumnValues::add_null() {
  if (holds_text(type_)) {
    ends_.push_back(static_cast<uint32_t>(text_.size()));
  } else {
    fixed_.insert(fixed_.end(), type_ == ColumnType::uuid ? 2 : 1, 0);
  }
  ++size_;
  mark_valid(false);
}

void ColumnValues::add_double(double value) {
  CHECK(type_ == ColumnType::float64, "the value's kind is the column's kind");
  add_fixed(std::bit_cast<int64_t>(value));
}

void ColumnValues::add_text(std::string_view value) {
  CHECK(holds_text(type_), "the value's kind is the column's kind");
  CHECK(text_.size() + value.size() <= UINT32_MAX, "a block of rows holds less than 4 GiB of text a column");
  text_.append(value);
  ends_.push_back(static_cast<uint32_t>(text_.size()));
  ++size_;
  mark_valid(true);
}

void ColumnValues::add_uuid(uint64_t high, uint64_t low) {
  CHECK(type_ == ColumnType::uuid, "the value's kind is the column's kind");
  fixed_.push_back(static_cast<int64_t>(high));
  fixed_.push_back(static_cast<int64_t>(low));
  ++size_;
  mark_valid(true);
}

double ColumnValues::double_at(size_t row) const {
  return std::bit_cast<double>(fixed_[row]);
}

std::string_view ColumnValues::text_at(size_t row) const {
  const uint32_t begin = row == 0 ? 0 : ends_[row - 1];
  return std::string_view(text_).substr(begin, ends_[row] - begin);
}

RowBlock::RowBlock(std::vector<Column> columns) : columns_(std::move(columns)) {
  values_.reserve(columns_.size());
  for (const Column& column : columns_) values_.emplace_back(column.type);
}

size_t RowBlock::bytes() const {
  size_t total = 0;
  for (const ColumnValues& values : values_) total += values.bytes();
  return total;
}

}  // namespace weir::engine
