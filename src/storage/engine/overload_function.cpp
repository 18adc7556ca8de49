// Functions that people made under one name with arguments of other types: each of their expressions is in the
// statement, bound, and this call is replaced by the one that the types of the arguments mean. Nothing of the others is
// left in the plan.
//
// Source of the rule: PostgreSQL 15, typeconv-func: an exact match first, else the one that needs the least conversion.
#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

struct Candidate {
  bool may_call = false;
  std::vector<duckdb::LogicalType> types;
};
struct Spec {
  std::string name;
  std::vector<Candidate> candidates;
};

Spec spec_of(const duckdb::Expression& constant) {
  const std::string text = constant.Cast<duckdb::BoundConstantExpression>().value.ToString();
  Spec out;
  for (const std::string& line : duckdb::StringUtil::Split(text, '\n')) {
    if (out.name.empty()) {
      out.name = line;
      continue;
    }
    Candidate one{.may_call = line.front() == '+', .types = {}};
    const auto parts = duckdb::StringUtil::Split(line, '\t');
    for (size_t i = 1; i < parts.size(); ++i) one.types.push_back(duckdb::TransformStringToLogicalType(parts[i]));
    out.candidates.push_back(std::move(one));
  }
  return out;
}

// Lengths and precisions tell no functions apart.
bool is_same(const duckdb::LogicalType& left, const duckdb::LogicalType& right) {
  return left.id() == right.id() && (!left.IsNested() || left == right);
}

// Nothing: the arguments are none for it.
std::optional<int64_t> cost(duckdb::ClientContext& context, const std::vector<duckdb::LogicalType>& given,
                            const std::vector<duckdb::LogicalType>& wanted) {
  int64_t sum = 0;
  for (size_t i = 0; i < given.size(); ++i) {
    if (is_same(given[i], wanted[i])) continue;
    const int64_t one = duckdb::CastFunctionSet::ImplicitCastCost(context, given[i], wanted[i]);
    if (one < 0) return std::nullopt;
    sum += one + 1;
  }
  return sum;
}

[[noreturn]] void fail(duckdb::ClientContext& context, Code code, const char* sqlstate, std::string message,
                       std::string hint) {
  Error error(code, std::move(message), std::move(hint));
  error.sqlstate = sqlstate;
  if (const auto state = ConnectionState::of(context)) state->remember(error);
  throw duckdb::BinderException("%s", error.message);
}

duckdb::unique_ptr<duckdb::Expression> choose(duckdb::FunctionBindExpressionInput& input) {
  const Spec spec = spec_of(*input.children.at(0));
  const size_t arguments = spec.candidates.at(0).types.size();
  std::vector<duckdb::LogicalType> given;
  std::string shown;
  for (size_t i = 0; i < arguments; ++i) {
    given.push_back(duckdb::LogicalType::NormalizeType(input.children.at(i + 1)->return_type));
    shown += (i > 0 ? ", " : "") + given.back().ToString();
  }
  std::optional<size_t> best;
  int64_t lowest = 0;
  bool is_unique = true;
  for (size_t i = 0; i < spec.candidates.size(); ++i) {
    const std::optional<int64_t> one = cost(input.context, given, spec.candidates[i].types);
    if (!one || (best && *one > lowest)) continue;
    is_unique = !best || *one < lowest;
    best = i;
    lowest = *one;
  }
  if (!best) {
    fail(input.context, Code::not_found, "42883", "function " + spec.name + "(" + shown + ") does not exist",
         "cast the arguments to the types of one that does");
  }
  if (!is_unique) {
    fail(input.context, Code::invalid, "42725", "function " + spec.name + "(" + shown + ") is not unique",
         "cast the arguments to the types of the one that is meant");
  }
  if (!spec.candidates[*best].may_call) {
    fail(input.context, Code::denied, "42501", "permission denied for function " + spec.name,
         "GRANT EXECUTE ON FUNCTION gives it");
  }
  return std::move(input.children.at(1 + arguments + *best));
}

void never_runs(duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) {
  throw duckdb::InvalidInputException("%s() is replaced when it is bound", kChoice);
}

}  // namespace

void register_choice_function(duckdb::Connection& connection) {
  connection.BeginTransaction();
  duckdb::ScalarFunction function(kChoice, {duckdb::LogicalType::VARCHAR}, duckdb::LogicalType::VARCHAR, never_runs);
  function.varargs = duckdb::LogicalType::ANY;
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.bind_expression = choose;
  duckdb::CreateScalarFunctionInfo info(function);
  duckdb::Catalog::GetSystemCatalog(*connection.context).CreateFunction(*connection.context, info);
  connection.Commit();
}

}  // namespace weir::engine
