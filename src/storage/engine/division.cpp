#include "storage/engine/division.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::BoundFunctionExpression;
using duckdb::Expression;

[[noreturn]] void by_zero() {
  throw duckdb::InvalidInputException("division by zero");
}

template <class T>
void refuse_overflow(T left, T right) {
  if constexpr (std::is_signed_v<T> || std::is_same_v<T, duckdb::hugeint_t>) {
    if (left == duckdb::NumericLimits<T>::Minimum() && right == T(-1)) {
      throw duckdb::OutOfRangeException("the result of a division is out of range");
    }
  }
}

struct Divide {
  template <class T>
  static T of(T left, T right) {
    if constexpr (!std::is_floating_point_v<T>) refuse_overflow(left, right);
    return static_cast<T>(left / right);
  }
};
struct Modulo {
  template <class T>
  static T of(T left, T right) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(left, right);
    } else if constexpr (std::is_signed_v<T> || std::is_same_v<T, duckdb::hugeint_t>) {
      return right == T(-1) ? T(0) : static_cast<T>(left % right);
    } else {
      return static_cast<T>(left % right);
    }
  }
};

template <class T, class Operation>
void run(duckdb::DataChunk& given, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::BinaryExecutor::Execute<T, T, T>(given.data[0], given.data[1], result, given.size(), [](T left, T right) {
    if (right == T(0)) by_zero();
    return Operation::template of<T>(left, right);
  });
}

// An interval by a number: DuckDB's own, once no divisor is zero.
duckdb::scalar_function_t checked_interval(duckdb::scalar_function_t divide) {
  return [divide](duckdb::DataChunk& given, duckdb::ExpressionState& state, duckdb::Vector& result) {
    duckdb::UnifiedVectorFormat divisors;
    given.data[1].ToUnifiedFormat(given.size(), divisors);
    const auto* values = duckdb::UnifiedVectorFormat::GetData<double>(divisors);
    for (duckdb::idx_t row = 0; row < given.size(); ++row) {
      const duckdb::idx_t at = divisors.sel->get_index(row);
      if (divisors.validity.RowIsValid(at) && values[at] == 0) by_zero();
    }
    divide(given, state, result);
  };
}

template <class Operation>
duckdb::scalar_function_t checked(duckdb::PhysicalType type) {
  using duckdb::PhysicalType;
  switch (type) {
    case PhysicalType::INT8:
      return run<int8_t, Operation>;
    case PhysicalType::INT16:
      return run<int16_t, Operation>;
    case PhysicalType::INT32:
      return run<int32_t, Operation>;
    case PhysicalType::INT64:
      return run<int64_t, Operation>;
    case PhysicalType::INT128:
      return run<duckdb::hugeint_t, Operation>;
    case PhysicalType::UINT8:
      return run<uint8_t, Operation>;
    case PhysicalType::UINT16:
      return run<uint16_t, Operation>;
    case PhysicalType::UINT32:
      return run<uint32_t, Operation>;
    case PhysicalType::UINT64:
      return run<uint64_t, Operation>;
    case PhysicalType::UINT128:
      return run<duckdb::uhugeint_t, Operation>;
    case PhysicalType::FLOAT:
      return run<float, Operation>;
    case PhysicalType::DOUBLE:
      return run<double, Operation>;
    default:
      return nullptr;
  }
}

bool is_constant_but_zero(const Expression& divisor) {
  if (divisor.GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST) {
    return is_constant_but_zero(*divisor.Cast<duckdb::BoundCastExpression>().child);
  }
  if (divisor.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) return false;
  duckdb::Value value = divisor.Cast<duckdb::BoundConstantExpression>().value;
  return value.IsNull() || (value.type().IsNumeric() && value.DefaultTryCastAs(duckdb::LogicalType::DOUBLE) &&
                            std::fabs(value.GetValue<double>()) >= 1);
}

void check_call(BoundFunctionExpression& call) {
  const std::string& name = call.function.name;
  const bool divides = name == "/" || name == "//" || name == "divide";
  const bool is_modulo = name == "%" || name == "mod";
  if ((!divides && !is_modulo) || call.children.size() != 2 || is_constant_but_zero(*call.children[1])) return;
  const auto type = call.function.arguments[0].InternalType();
  duckdb::scalar_function_t run;
  if (type == duckdb::PhysicalType::INTERVAL) {
    run = checked_interval(call.function.function);
  } else {
    run = divides ? checked<Divide>(type) : checked<Modulo>(type);
  }
  if (!run) return;
  call.function.function = std::move(run);
  // Under its own name the optimizer would know it, and that x // 0 is NULL.
  call.function.name = divides ? "weir_divide" : "weir_modulo";
  duckdb::BaseScalarFunction::SetReturnsError(call.function);
}

void check(Expression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION) {
    auto& call = expression.Cast<BoundFunctionExpression>();
    check_call(call);
    if (auto* lambda = dynamic_cast<duckdb::ListLambdaBindData*>(call.bind_info.get()); lambda && lambda->lambda_expr) {
      check(*lambda->lambda_expr);
    }
  }
  duckdb::ExpressionIterator::EnumerateChildren(expression, [](Expression& child) { check(child); });
}

void check_plan(duckdb::LogicalOperator& plan) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      plan, [](duckdb::unique_ptr<Expression>* expression) { check(**expression); });
  for (const auto& child : plan.children) check_plan(*child);
}

void before_optimizing(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  const auto state = ConnectionState::of(input.context);
  if (state && state->trust == Trust::user) check_plan(*plan);
}

}  // namespace

duckdb::OptimizerExtension checked_division() {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = before_optimizing;
  return extension;
}

}  // namespace weir::engine
