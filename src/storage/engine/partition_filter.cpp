#include "storage/engine/partition_filter.h"

namespace weir::engine {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;

void substitute(duckdb::unique_ptr<Expression>& expression, const ConstantOf& constant_of) {
  if (expression->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF) {
    if (std::optional<duckdb::Value> value = constant_of(*expression)) {
      expression = duckdb::make_uniq<duckdb::BoundConstantExpression>(*std::move(value));
    }
    return;
  }
  duckdb::ExpressionIterator::EnumerateChildren(
      *expression, [&](duckdb::unique_ptr<Expression>& child) { substitute(child, constant_of); });
}

}  // namespace

bool may_hold(duckdb::ClientContext& context, const Expression& filter, const ConstantOf& constant_of) {
  if (filter.IsVolatile() || filter.HasParameter() || filter.HasSubquery()) return true;
  bool is_constant = true, any = false;
  duckdb::ExpressionIterator::VisitExpressionClass(filter, ExpressionClass::BOUND_COLUMN_REF,
                                                   [&](const Expression& reference) {
                                                     any = true;
                                                     if (is_constant && !constant_of(reference)) is_constant = false;
                                                   });
  if (!any || !is_constant) return true;
  duckdb::unique_ptr<Expression> copy = filter.Copy();
  substitute(copy, constant_of);
  duckdb::Value value;
  if (!copy->IsFoldable() || !duckdb::ExpressionExecutor::TryEvaluateScalar(context, *copy, value)) return true;
  return !value.IsNull() && value.DefaultCastAs(duckdb::LogicalType::BOOLEAN).GetValue<bool>();
}

}  // namespace weir::engine
