#include "storage/engine/watched_calls.h"

#include <algorithm>
#include <utility>

#include "core/base/sizes.h"
#include "storage/engine/call_child.h"
#include "storage/engine/call_cost.h"
#include "storage/engine/call_sizes.h"
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::BoundFunctionExpression;
using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::Vector;

// Memory of a result, counted against the engine's limit for as long as the result lives.
class Reserved final : public duckdb::VectorBuffer, public duckdb::VectorAuxiliaryData {
 public:
  explicit Reserved(duckdb::ClientContext& context)
      : VectorAuxiliaryData(duckdb::VectorAuxiliaryDataType::ARROW_AUXILIARY), database_(context.db) {}
  ~Reserved() override {
    if (bytes_ > 0) duckdb::BufferManager::GetBufferManager(*database_).FreeReservedMemory(bytes_);
  }
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;
  // Throws OutOfMemoryException.
  void add(double bytes) {
    const auto more = static_cast<duckdb::idx_t>(std::max(bytes, 0.0));
    if (more == 0) return;
    duckdb::BufferManager::GetBufferManager(*database_).ReserveMemory(more);
    bytes_ += more;
  }

 private:
  const duckdb::shared_ptr<duckdb::DatabaseInstance> database_;
  duckdb::idx_t bytes_ = 0;
};

void keep_with(Vector& result, duckdb::unique_ptr<Reserved> reserved) {
  switch (result.GetType().InternalType()) {
    case duckdb::PhysicalType::VARCHAR:
      duckdb::StringVector::AddBuffer(result, duckdb::buffer_ptr<duckdb::VectorBuffer>(std::move(reserved)));
      return;
    case duckdb::PhysicalType::LIST:
      if (result.GetAuxiliary()) result.GetAuxiliary()->SetAuxiliaryData(std::move(reserved));
      return;
    default:  // of a fixed size, or a struct of them: what was built meanwhile is gone
      return;
  }
}

[[noreturn]] void fail(duckdb::ClientContext& context, Error error) {
  if (const auto state = ConnectionState::of(context)) state->remember(error);
  throw duckdb::InvalidInputException("%s", error.message);
}

std::string count_text(double number) {
  return std::to_string(static_cast<int64_t>(std::min(number, 9e18)));
}

void check_stop(duckdb::ClientContext& context) {
  if (context.interrupted.load()) throw duckdb::InterruptException();
}

class WatchedCall {
 public:
  WatchedCall(duckdb::scalar_function_t engines, std::shared_ptr<const CallMeter> meter)
      : engines_(std::move(engines)), meter_(std::move(meter)) {}

  void operator()(DataChunk& arguments, ExpressionState& state, Vector& result) const {
    check_stop(state.GetContext());  // in a lambda each call may be one of millions
    const CallCost total = meter_->total(arguments);
    // Of constants the total is that of one row, but the engine's function may work on each of them.
    const double times = arguments.AllConstant() ? static_cast<double>(arguments.size()) : 1;
    if (total.steps * times <= kPieceSteps && total.bytes * times <= kPieceBytes) {
      return engines_(arguments, state, result);
    }
    large(arguments, state, result);
  }

 private:
  void large(DataChunk& arguments, ExpressionState& state, Vector& result) const;
  void once(DataChunk& arguments, ExpressionState& state, Vector& result) const;
  void refuse_beyond_use(const CallCost& cost, ExpressionState& state) const;
  void pieces(DataChunk& arguments, const std::vector<CallCost>& costs, ExpressionState& state, Vector& result,
              Reserved& reserved) const;
  void piece(DataChunk& arguments, size_t begin, size_t end, ExpressionState& state, Vector& result,
             Reserved& reserved) const;
  void in_child(DataChunk& arguments, const std::vector<duckdb::idx_t>& rows, ExpressionState& state, Vector& result,
                Reserved& reserved) const;

  const duckdb::scalar_function_t engines_;
  const std::shared_ptr<const CallMeter> meter_;
};

bool is_for_a_child(const CallCost& cost) {
  return cost.steps > kInsideSteps || cost.bytes > kInsideBytes;
}

const std::string& name_of(const ExpressionState& state) {
  return state.expr.Cast<BoundFunctionExpression>().function.name;
}

void WatchedCall::refuse_beyond_use(const CallCost& cost, ExpressionState& state) const {
  if (!meter_->is_exact()) return;  // a child will tell
  std::string what;
  if (cost.bytes > kValueBytesMax) {
    what =
        "builds or needs a value of " + count_text(cost.bytes) + " bytes, allowed up to " + count_text(kValueBytesMax);
  } else if (cost.steps > kValueStepsMax) {
    what = "takes about " + count_text(cost.steps / 1e9) + " s for one row, allowed up to " +
           count_text(kValueStepsMax / 1e9);
  } else {
    return;
  }
  Error error(Code::too_large, name_of(state) + "() " + what);
  error.sqlstate = "54000";
  fail(state.GetContext(), std::move(error));
}

void WatchedCall::large(DataChunk& arguments, ExpressionState& state, Vector& result) const {
  duckdb::ClientContext& context = state.GetContext();
  check_stop(context);
  const std::vector<CallCost> costs = meter_->rows(arguments);  // one, if all arguments are constants
  std::vector<duckdb::idx_t> too_large;
  for (size_t row = 0; row < costs.size(); ++row) {
    refuse_beyond_use(costs[row], state);
    if (is_for_a_child(costs[row])) too_large.push_back(row);
  }
  auto reserved = duckdb::make_uniq<Reserved>(context);
  if (arguments.AllConstant() && too_large.empty()) {
    once(arguments, state, result);
    reserved->add(bytes_of(result, 1));
    return keep_with(result, std::move(reserved));
  }
  if (costs.size() > 1 || !too_large.empty()) {
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    pieces(arguments, costs, state, result, *reserved);
    if (!too_large.empty()) in_child(arguments, too_large, state, result, *reserved);
    if (arguments.AllConstant()) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  } else {
    engines_(arguments, state, result);
    reserved->add(bytes_of(result, arguments.size()));
  }
  keep_with(result, std::move(reserved));
}

// All arguments are constants: so is the result, and it is made once.
void WatchedCall::once(DataChunk& arguments, ExpressionState& state, Vector& result) const {
  DataChunk one;
  one.InitializeEmpty(arguments.GetTypes());
  one.Reference(arguments);
  one.SetCardinality(1);
  engines_(one, state, result);
  result.Flatten(1);
  result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

// All rows but those for a child, in their places.
void WatchedCall::pieces(DataChunk& arguments, const std::vector<CallCost>& costs, ExpressionState& state,
                         Vector& result, Reserved& reserved) const {
  size_t begin = 0;
  CallCost sum;
  const auto run = [&](size_t end) {
    if (end > begin) piece(arguments, begin, end, state, result, reserved);
    begin = end;
    sum = {};
  };
  for (size_t row = 0; row < costs.size(); ++row) {
    if (is_for_a_child(costs[row])) {
      run(row);
      begin = row + 1;
      continue;
    }
    if (sum.steps + costs[row].steps > kPieceSteps || sum.bytes + costs[row].bytes > kPieceBytes) run(row);
    sum.steps += costs[row].steps;
    sum.bytes += costs[row].bytes;
  }
  run(costs.size());
}

void WatchedCall::piece(DataChunk& arguments, size_t begin, size_t end, ExpressionState& state, Vector& result,
                        Reserved& reserved) const {
  check_stop(state.GetContext());
  const size_t count = end - begin;
  duckdb::SelectionVector rows(count);
  for (size_t i = 0; i < count; ++i) rows.set_index(i, begin + i);
  DataChunk some;
  some.InitializeEmpty(arguments.GetTypes());
  some.Slice(arguments, rows, count);
  Vector built(result.GetType(), count);
  engines_(some, state, built);
  reserved.add(bytes_of(built, count));
  duckdb::VectorOperations::Copy(built, result, count, 0, begin);
}

void WatchedCall::in_child(DataChunk& arguments, const std::vector<duckdb::idx_t>& rows, ExpressionState& state,
                           Vector& result, Reserved& reserved) const {
  duckdb::ClientContext& context = state.GetContext();
  duckdb::SelectionVector chosen(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) chosen.set_index(i, rows[i]);
  DataChunk some;
  some.InitializeEmpty(arguments.GetTypes());
  some.Slice(arguments, chosen, rows.size());
  DataChunk answer;
  Status ran = call_in_child(context, state.expr.Cast<BoundFunctionExpression>(), some, answer,
                             [&reserved](double bytes) { reserved.add(bytes); });
  if (!ran) {
    check_stop(context);
    fail(context, ran.error());
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    duckdb::VectorOperations::Copy(answer.data[0], result, i + 1, i, rows[i]);
  }
}

// --- the plan --------------------------------------------------------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression, which the parser bounds
void watch(Expression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION) {
    auto& call = expression.Cast<BoundFunctionExpression>();
    const bool is_watched = call.function.function.target<WatchedCall>() != nullptr;
    // What chance itself makes is small; what is made of it is watched.
    const bool is_chance = call.function.stability == duckdb::FunctionStability::VOLATILE;
    if (call.function.function && !is_watched && !is_chance) {
      if (auto meter = CallMeter::of(call)) {
        call.function.function = WatchedCall(std::move(call.function.function), std::move(meter));
      }
    }
    if (auto* lambda = dynamic_cast<duckdb::ListLambdaBindData*>(call.bind_info.get()); lambda && lambda->lambda_expr) {
      watch(*lambda->lambda_expr);
    }
  }
  duckdb::ExpressionIterator::EnumerateChildren(expression, [](Expression& child) { watch(child); });
}

void watch_checks(const duckdb::vector<duckdb::unique_ptr<duckdb::BoundConstraint>>& constraints) {
  for (const auto& constraint : constraints) {
    if (constraint->type != duckdb::ConstraintType::CHECK) continue;
    watch(*constraint->Cast<duckdb::BoundCheckConstraint>().expression);
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the plan
void watch_plan(duckdb::LogicalOperator& plan) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      plan, [](duckdb::unique_ptr<Expression>* expression) { watch(**expression); });
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_INSERT) {
    watch_checks(plan.Cast<duckdb::LogicalInsert>().bound_constraints);
  } else if (plan.type == duckdb::LogicalOperatorType::LOGICAL_UPDATE) {
    watch_checks(plan.Cast<duckdb::LogicalUpdate>().bound_constraints);
  }
  for (const auto& child : plan.children) watch_plan(*child);
}

void watch_statement(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  const auto state = ConnectionState::of(input.context);
  if (state && (state->trust == Trust::user || state->is_declared)) watch_plan(*plan);
}

}  // namespace

duckdb::OptimizerExtension watched_calls() {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = watch_statement;  // constants are folded by what is watched
  extension.optimize_function = watch_statement;      // the optimizer makes calls of its own
  return extension;
}

}  // namespace weir::engine
