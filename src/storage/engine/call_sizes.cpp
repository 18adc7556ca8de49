#include "storage/engine/call_sizes.h"

namespace weir::engine {
namespace {

using duckdb::PhysicalType;
using duckdb::Vector;

size_t longest_text(const duckdb::UnifiedVectorFormat& rows, size_t count) {
  const auto* written = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(rows);
  size_t longest = 0;
  if (!rows.sel->IsSet() && rows.validity.AllValid()) {
    for (size_t row = 0; row < count; ++row) longest = std::max<size_t>(longest, written[row].GetSize());
    return longest;
  }
  for (size_t row = 0; row < count; ++row) {
    const size_t at = rows.sel->get_index(row);
    if (rows.validity.RowIsValid(at)) longest = std::max<size_t>(longest, written[at].GetSize());
  }
  return longest;
}

// Texts as they lie in a vector.
double text_bytes(Vector& texts, size_t count) {
  duckdb::UnifiedVectorFormat rows;
  texts.ToUnifiedFormat(count, rows);
  const auto* written = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(rows);
  size_t sum = 0;
  if (!rows.sel->IsSet() && rows.validity.AllValid()) {
    for (size_t row = 0; row < count; ++row) sum += written[row].GetSize();
    return static_cast<double>(sum);
  }
  for (size_t row = 0; row < count; ++row) {
    const size_t at = rows.sel->get_index(row);
    if (rows.validity.RowIsValid(at)) sum += written[at].GetSize();
  }
  return static_cast<double>(sum);
}

}  // namespace

bool is_large(const duckdb::LogicalType& type) {
  switch (type.InternalType()) {
    case PhysicalType::VARCHAR:
    case PhysicalType::LIST:
    case PhysicalType::ARRAY:
      return true;
    case PhysicalType::STRUCT:
      for (const auto& child : duckdb::StructType::GetChildTypes(type)) {
        if (is_large(child.second)) return true;
      }
      return false;
    default:
      return false;
  }
}

// --- the size of values, by row --------------------------------------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion): as deep as the type
Sizes::Sizes(Vector& values, size_t count) : type_(values.GetType().InternalType()) {
  values.ToUnifiedFormat(count, rows_);
  if (type_ == PhysicalType::STRUCT) {
    if (values.GetVectorType() == duckdb::VectorType::DICTIONARY_VECTOR) values.Flatten(count);
    values.ToUnifiedFormat(count, rows_);
    for (auto& field : duckdb::StructVector::GetEntries(values)) fields_.emplace_back(*field, count);
    return;
  }
  if (type_ != PhysicalType::LIST && type_ != PhysicalType::ARRAY) return;
  const bool is_array = type_ == PhysicalType::ARRAY;
  if (is_array) array_items_ = duckdb::ArrayType::GetSize(values.GetType());
  Vector& items = is_array ? duckdb::ArrayVector::GetEntry(values) : duckdb::ListVector::GetEntry(values);
  if (!is_large(items.GetType())) {
    each_ = std::max(kItemBytes, static_cast<double>(duckdb::GetTypeIdSize(items.GetType().InternalType())));
    return;
  }
  const size_t number = is_array ? duckdb::ArrayVector::GetTotalSize(values) : duckdb::ListVector::GetListSize(values);
  const Sizes inner(items, number);
  up_to_.reserve(number + 1);
  up_to_.push_back(0);
  for (size_t i = 0; i < number; ++i) up_to_.push_back(up_to_.back() + kItemBytes + inner.at(i));
}

double Sizes::items_at(size_t row) const {
  const size_t at = rows_.sel->get_index(row);
  if (!rows_.validity.RowIsValid(at)) return 0;
  if (type_ == PhysicalType::ARRAY) return static_cast<double>(array_items_);
  if (type_ != PhysicalType::LIST) return 1;
  return static_cast<double>(duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(rows_)[at].length);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the type
double Sizes::size_at(size_t row) const {
  const size_t at = rows_.sel->get_index(row);
  if (!rows_.validity.RowIsValid(at)) return 0;
  if (type_ == PhysicalType::VARCHAR) {
    return static_cast<double>(duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(rows_)[at].GetSize());
  }
  if (type_ == PhysicalType::STRUCT) {
    double sum = 0;
    for (const Sizes& field : fields_) sum += field.at(row);
    return sum;
  }
  if (type_ == PhysicalType::LIST) {
    const auto& list = duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(rows_)[at];
    return up_to_.empty() ? each_ * static_cast<double>(list.length)
                          : up_to_[list.offset + list.length] - up_to_[list.offset];
  }
  if (type_ == PhysicalType::ARRAY) {
    return up_to_.empty() ? each_ * static_cast<double>(array_items_)
                          : up_to_[(at + 1) * array_items_] - up_to_[at * array_items_];
  }
  return each_;
}

double Sizes::at(size_t row) const {
  return is_largest_ ? largest_bytes_ : size_at(row);
}

double Sizes::items(size_t row) const {
  return is_largest_ ? largest_items_ : items_at(row);
}

Sizes Sizes::largest(Vector& values, size_t count) {
  if (values.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR) count = std::min<size_t>(count, 1);
  Sizes out(values, count);
  if (out.type_ == PhysicalType::VARCHAR) {
    out.largest_bytes_ = static_cast<double>(longest_text(out.rows_, count));
    out.largest_items_ = 1;
  } else {
    for (size_t row = 0; row < count; ++row) {
      out.largest_bytes_ = std::max(out.largest_bytes_, out.size_at(row));
      out.largest_items_ = std::max(out.largest_items_, out.items_at(row));
    }
  }
  out.is_largest_ = true;
  return out;
}

double bytes_of(Vector& values, size_t count) {
  if (values.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR) count = std::min<size_t>(count, 1);
  if (values.GetType().InternalType() == PhysicalType::VARCHAR) return text_bytes(values, count);
  const Sizes sizes(values, count);
  double sum = 0;
  for (size_t row = 0; row < count; ++row) sum += sizes.at(row);
  return sum;
}

}  // namespace weir::engine
