// Scalar functions written for one row: by_row() makes DuckDB's of them. Internal to storage/engine.
//
// A NULL among the arguments gives NULL without a call, unless Nulls::given. What a function cannot do is an Error,
// which ends the statement with its code.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/duck.h"

namespace weir::engine {

// Throws what to_error() makes the same Error of.
[[noreturn]] void throw_error(const Error& error);

// The arguments of one row.
class Row {
 public:
  Row(const std::vector<duckdb::UnifiedVectorFormat>& columns, duckdb::idx_t row) : columns_(columns), row_(row) {}

  size_t count() const { return columns_.size(); }
  bool is_null(size_t i) const { return !columns_[i].validity.RowIsValid(columns_[i].sel->get_index(row_)); }
  template <class T>
  T get(size_t i) const {
    return duckdb::UnifiedVectorFormat::GetData<T>(columns_[i])[columns_[i].sel->get_index(row_)];
  }
  std::string_view text(size_t i) const {
    const auto& value =
        duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(columns_[i])[columns_[i].sel->get_index(row_)];
    return {value.GetData(), value.GetSize()};
  }

 private:
  const std::vector<duckdb::UnifiedVectorFormat>& columns_;
  const duckdb::idx_t row_;
};

enum class Nulls { none, given };

namespace by_row_detail {

template <class T>
struct Stored {
  using Type = T;
};
template <>
struct Stored<std::string> {
  using Type = duckdb::string_t;
};

// `compute` gives a Result<std::optional<T>>.
template <class T, class Compute>
void run(duckdb::DataChunk& arguments, duckdb::Vector& result, Nulls nulls, const Compute& compute) {
  std::vector<duckdb::UnifiedVectorFormat> columns(arguments.ColumnCount());
  for (size_t i = 0; i < columns.size(); ++i) arguments.data[i].ToUnifiedFormat(arguments.size(), columns[i]);
  const bool is_constant = arguments.ColumnCount() > 0 && arguments.AllConstant();
  result.SetVectorType(is_constant ? duckdb::VectorType::CONSTANT_VECTOR : duckdb::VectorType::FLAT_VECTOR);
  using Type = typename Stored<T>::Type;
  auto* values =
      is_constant ? duckdb::ConstantVector::GetData<Type>(result) : duckdb::FlatVector::GetData<Type>(result);
  auto& validity = is_constant ? duckdb::ConstantVector::Validity(result) : duckdb::FlatVector::Validity(result);
  const duckdb::idx_t rows = is_constant ? 1 : arguments.size();
  for (duckdb::idx_t at = 0; at < rows; ++at) {
    const Row row(columns, at);
    bool has_null = false;
    for (size_t i = 0; nulls == Nulls::none && i < columns.size(); ++i) has_null |= row.is_null(i);
    if (has_null) {
      validity.SetInvalid(at);
      continue;
    }
    Result<std::optional<T>> value = compute(row);
    if (!value) throw_error(value.error());
    if (!*value) {
      validity.SetInvalid(at);
    } else if constexpr (std::is_same_v<T, std::string>) {
      values[at] = duckdb::StringVector::AddStringOrBlob(result, **value);
    } else {
      values[at] = **value;
    }
  }
}

}  // namespace by_row_detail

// `function`: what gives a T, an std::optional<T> or a Result of either for a Row.
template <class T, class Function>
duckdb::ScalarFunction by_row(std::string name, duckdb::vector<duckdb::LogicalType> arguments,
                              duckdb::LogicalType returned, Function function, Nulls nulls = Nulls::none) {
  duckdb::ScalarFunction out(
      std::move(name), std::move(arguments), std::move(returned),
      [function, nulls](duckdb::DataChunk& given, duckdb::ExpressionState&, duckdb::Vector& result) {
        by_row_detail::run<T>(given, result, nulls, [&](const Row& row) -> Result<std::optional<T>> {
          auto value = function(row);
          if constexpr (std::is_convertible_v<decltype(value), std::optional<T>>) {
            return std::optional<T>(std::move(value));
          } else {
            if (!value) return value.error();
            return std::optional<T>(std::move(*value));
          }
        });
      });
  if (nulls == Nulls::given) out.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  duckdb::BaseScalarFunction::SetReturnsError(out);
  return out;
}

// The pattern of the row before is kept: mostly it is one text for all rows.
template <class Pattern>
class LastPattern {
 public:
  Result<const Pattern*> of(std::string_view text) {
    if (!pattern_ || text != text_) {
      TRY_ASSIGN(pattern_, Pattern::parse(text));
      text_ = text;
    }
    return &*pattern_;
  }

 private:
  std::string text_;
  std::optional<Pattern> pattern_;
};

}  // namespace weir::engine
