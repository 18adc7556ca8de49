#include "storage/engine/stream_list.h"

#include <numeric>

#include "storage/engine/partition_filter.h"

namespace weir::engine {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalTypeId;
using duckdb::Value;

// Integers, dates and times as one number, as the catalog's bounds have them.
std::optional<int64_t> as_number(const Value& value) {
  if (value.IsNull()) return std::nullopt;
  switch (value.type().id()) {
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
      return value.GetValue<int64_t>();
    case LogicalTypeId::DATE:
      return duckdb::DateValue::Get(value).days;
    case LogicalTypeId::TIMESTAMP:
      return duckdb::TimestampValue::Get(value).value;
    default:
      return std::nullopt;
  }
}

// Decides from partition values and bounds whether a file can hold a row that passes a filter. A wrong "no" would lose
// rows, so all that is not understood is a "yes".
class Pruning {
 public:
  Pruning(duckdb::ClientContext& context, const StreamBind& bind, const duckdb::MultiFilePushdownInfo& info)
      : context_(context), bind_(bind), info_(info) {}

  bool may_match(const Expression& filter, const TableFile& file) const {
    switch (filter.GetExpressionClass()) {
      case ExpressionClass::BOUND_CONJUNCTION: {
        const bool all = filter.GetExpressionType() == ExpressionType::CONJUNCTION_AND;
        for (const auto& child : filter.Cast<duckdb::BoundConjunctionExpression>().children) {
          if (may_match(*child, file) != all) return !all;
        }
        return all;
      }
      case ExpressionClass::BOUND_COMPARISON: {
        const auto& compare = filter.Cast<duckdb::BoundComparisonExpression>();
        const ExpressionType type = compare.GetExpressionType();
        if (const auto bounds = bounds_of(*compare.left, file))
          return compared(type, *bounds, constant(*compare.right), file, filter);
        if (const auto bounds = bounds_of(*compare.right, file)) {
          return compared(duckdb::FlipComparisonExpression(type), *bounds, constant(*compare.left), file, filter);
        }
        return by_partition(filter, file);
      }
      case ExpressionClass::BOUND_BETWEEN: {
        const auto& between = filter.Cast<duckdb::BoundBetweenExpression>();
        const auto bounds = bounds_of(*between.input, file);
        if (!bounds) return by_partition(filter, file);
        return compared(between.LowerComparisonType(), *bounds, constant(*between.lower), file, filter) &&
               compared(between.UpperComparisonType(), *bounds, constant(*between.upper), file, filter);
      }
      case ExpressionClass::BOUND_OPERATOR: {
        const auto& list = filter.Cast<duckdb::BoundOperatorExpression>();
        if (list.GetExpressionType() != ExpressionType::COMPARE_IN) return by_partition(filter, file);
        const auto bounds = bounds_of(*list.children[0], file);
        if (!bounds) return by_partition(filter, file);
        for (size_t i = 1; i < list.children.size(); ++i) {
          if (compared(ExpressionType::COMPARE_EQUAL, *bounds, constant(*list.children[i]), file, filter)) return true;
        }
        return false;
      }
      default:
        return by_partition(filter, file);
    }
  }

 private:
  using Bounds = std::pair<int64_t, int64_t>;

  // The layout's index of a plain column of this table.
  std::optional<size_t> column(const Expression& expression) const {
    if (expression.GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return std::nullopt;
    const auto& reference = expression.Cast<duckdb::BoundColumnRefExpression>();
    if (reference.depth != 0 || reference.binding.table_index != info_.table_index ||
        reference.binding.column_index >= info_.column_ids.size()) {
      return std::nullopt;
    }
    const duckdb::column_t id = info_.column_ids[reference.binding.column_index];
    if (duckdb::IsVirtualColumn(id) || id >= bind_.layout.names.size()) return std::nullopt;
    return id;
  }

  std::optional<Bounds> bounds_of(const Expression& expression, const TableFile& file) const {
    const std::optional<size_t> index = column(expression);
    if (!index) return std::nullopt;
    const size_t source = bind_.layout.source[*index];
    if (*index >= bind_.layout.partition_begin) return Bounds{file.partition[source], file.partition[source]};
    return source < file.int_bounds.size() ? file.int_bounds[source] : std::nullopt;
  }

  Value constant(const Expression& expression) const {
    if (expression.GetExpressionClass() == ExpressionClass::BOUND_CONSTANT) {
      return expression.Cast<duckdb::BoundConstantExpression>().value;
    }
    Value value;
    if (!expression.IsFoldable() || !duckdb::ExpressionExecutor::TryEvaluateScalar(context_, expression, value))
      return Value();
    return value;
  }

  bool compared(ExpressionType type, const Bounds& bounds, const Value& value, const TableFile& file,
                const Expression& filter) const {
    const std::optional<int64_t> number = as_number(value);
    if (!number) return by_partition(filter, file);
    switch (type) {
      case ExpressionType::COMPARE_EQUAL:
        return bounds.first <= *number && *number <= bounds.second;
      case ExpressionType::COMPARE_LESSTHAN:
        return bounds.first < *number;
      case ExpressionType::COMPARE_LESSTHANOREQUALTO:
        return bounds.first <= *number;
      case ExpressionType::COMPARE_GREATERTHAN:
        return bounds.second > *number;
      case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
        return bounds.second >= *number;
      case ExpressionType::COMPARE_NOTEQUAL:
        return bounds.first != *number || bounds.second != *number;
      default:
        return true;
    }
  }

  // Any expression over partition columns alone: evaluated with the file's values.
  bool by_partition(const Expression& filter, const TableFile& file) const {
    return may_hold(context_, filter, [&](const Expression& reference) -> std::optional<Value> {
      const std::optional<size_t> index = column(reference);
      if (!index || *index < bind_.layout.partition_begin) return std::nullopt;
      return partition_value(bind_.layout.types[*index], file.partition[bind_.layout.source[*index]]);
    });
  }

  duckdb::ClientContext& context_;
  const StreamBind& bind_;
  const duckdb::MultiFilePushdownInfo& info_;
};

}  // namespace

Value partition_value(const duckdb::LogicalType& type, int64_t value) {
  if (type.id() == LogicalTypeId::DATE) return Value::DATE(duckdb::date_t(static_cast<int32_t>(value)));
  if (type.id() == LogicalTypeId::INTEGER) return Value::INTEGER(static_cast<int32_t>(value));
  return Value::BIGINT(value);
}

StreamList::StreamList(std::shared_ptr<const StreamBind> bind, std::vector<uint32_t> files)
    : MultiFileList({}, duckdb::FileGlobOptions::ALLOW_EMPTY), bind_(std::move(bind)), files_(std::move(files)) {}

// Leaves the filters in place: the rows of a kept file, and the tail, still have to pass them.
duckdb::unique_ptr<duckdb::MultiFileList> StreamList::ComplexFilterPushdown(
    duckdb::ClientContext& context, const duckdb::MultiFileOptions&, duckdb::MultiFilePushdownInfo& info,
    duckdb::vector<duckdb::unique_ptr<Expression>>& filters) {
  if (filters.empty() || files_.empty()) return nullptr;
  const Pruning pruning(context, *bind_, info);
  std::vector<uint32_t> kept;
  for (const uint32_t index : files_) {
    bool keep = true;
    for (const auto& filter : filters) keep = keep && pruning.may_match(*filter, bind_->version->files[index]);
    if (keep) kept.push_back(index);
  }
  if (kept.size() == files_.size()) return nullptr;
  // What EXPLAIN shows.
  info.extra_info.total_files = bind_->version->files.size();
  info.extra_info.filtered_files = kept.size();
  for (const auto& filter : filters) {
    info.extra_info.file_filters += (info.extra_info.file_filters.empty() ? "" : " AND ") + filter->ToString();
  }
  return duckdb::make_uniq<StreamList>(bind_, std::move(kept));
}

duckdb::vector<duckdb::OpenFileInfo> StreamList::GetAllFiles() {
  duckdb::vector<duckdb::OpenFileInfo> all;
  for (size_t i = 0; i < GetTotalFileCount(); ++i) all.push_back(GetFile(i));
  return all;
}

// Never SINGLE_FILE: DuckDB would read that one with one thread, as it does not know its row groups.
duckdb::FileExpandResult StreamList::GetExpandResult() {
  return GetTotalFileCount() == 0 ? duckdb::FileExpandResult::NO_FILES : duckdb::FileExpandResult::MULTIPLE_FILES;
}

uint64_t StreamList::rows() const {
  return std::accumulate(files_.begin(), files_.end(), bind_->tail_rows,
                         [&](uint64_t sum, uint32_t index) { return sum + bind_->version->files[index].rows; });
}

duckdb::unique_ptr<duckdb::NodeStatistics> StreamList::GetCardinality(duckdb::ClientContext&) {
  return duckdb::make_uniq<duckdb::NodeStatistics>(rows(), rows());
}

duckdb::OpenFileInfo StreamList::GetFile(duckdb::idx_t i) {
  if (i >= GetTotalFileCount()) return duckdb::OpenFileInfo("");
  const bool is_tail = i >= files_.size();
  const size_t index = is_tail ? i - files_.size() : files_[i];
  duckdb::OpenFileInfo file(is_tail ? kTailScheme + std::to_string(index)
                                    : kLakeScheme + bind_->version->files[index].path);
  file.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
  file.extended_info->options[kFileOption] = Value::UBIGINT(index);
  return file;
}

}  // namespace weir::engine
