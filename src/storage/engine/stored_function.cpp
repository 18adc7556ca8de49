// Functions that people made (CREATE FUNCTION … LANGUAGE sql): a call becomes the function's expression, in which the
// arguments, as expressions, stand for its parameters. Every word of it passes the locks like the statement's own.
#include <algorithm>

#include "storage/engine/bounds.h"
#include "storage/engine/functions.h"
#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

using duckdb::ExpressionClass;
using duckdb::ParsedExpression;
using Child = duckdb::unique_ptr<ParsedExpression>;

constexpr size_t kExpandedMax = 100'000;  // expressions that the calls of one statement become
constexpr size_t kCallDepthMax = 32;

template <class Visit>
void each(const ParsedExpression& expression, const Visit& visit) {
  visit(expression);
  duckdb::ParsedExpressionIterator::EnumerateChildren(expression,
                                                      [&](const ParsedExpression& child) { each(child, visit); });
}

size_t count_of(const ParsedExpression& expression) {
  size_t count = 0;
  each(expression, [&](const ParsedExpression&) { ++count; });
  return count;
}

// Asked twice, it says two things.
bool changes_with_each_call(const ParsedExpression& expression) {
  static constexpr const char* kSuch[] = {"random", "gen_random_uuid", "uuid", "uuidv4", "uuidv7", "nextval"};
  bool found = false;
  each(expression, [&](const ParsedExpression& one) {
    if (one.GetExpressionClass() != ExpressionClass::FUNCTION) return;
    const std::string& name = one.Cast<duckdb::FunctionExpression>().function_name;
    found = found || std::any_of(std::begin(kSuch), std::end(kSuch),
                                 [&](const char* such) { return duckdb::StringUtil::CIEquals(name, such); });
  });
  return found;
}

// A constant is cast here, so that the limits on what a call may make see what it is.
Child as_type(Child value, const duckdb::LogicalType& type) {
  if (value->GetExpressionClass() == ExpressionClass::CONSTANT) {
    duckdb::Value constant = value->Cast<duckdb::ConstantExpression>().value;
    if (constant.DefaultTryCastAs(type)) return duckdb::make_uniq<duckdb::ConstantExpression>(std::move(constant));
  }
  return duckdb::make_uniq<duckdb::CastExpression>(type, std::move(value));
}

void put_in(Child& child, const std::vector<Child>& arguments) {
  if (child->GetExpressionClass() == ExpressionClass::PARAMETER) {
    const size_t number = std::stoul(child->Cast<duckdb::ParameterExpression>().identifier);
    child = arguments[number - 1]->Copy();
    return;
  }
  duckdb::ParsedExpressionIterator::EnumerateChildren(*child, [&](Child& inner) { put_in(inner, arguments); });
}

}  // namespace

bool Walk::stored_function(Child& child) {
  auto& call = child->Cast<duckdb::FunctionExpression>();
  const std::string schema = duckdb::StringUtil::Lower(call.schema);
  const std::string name = duckdb::StringUtil::Lower(call.function_name);
  if (rules_.authority == nullptr || call.is_operator || schema == kPgCatalog || name.find(':') != std::string::npos) {
    return false;
  }
  if (schema.empty() && function_is_allowed(name)) return false;  // the system's come first
  auto known = rules_.authority->functions(schema, name, call.children.size(), rules_.search_path);
  if (!known) {
    refuse(known.error(), call.query_location);
    return true;
  }
  // What a view, policy or function calls was found when it was made: one that came later is not meant.
  if (rules_.calls != nullptr) {
    std::erase_if(*known, [&](const FunctionCandidate& one) {
      return std::find(rules_.calls->begin(), rules_.calls->end(), one.function->key) == rules_.calls->end();
    });
  }
  if (known->empty()) return false;
  if (call.distinct || call.filter || (call.order_bys && !call.order_bys->orders.empty())) {
    refuse(Code::invalid, name + "() is no aggregate: it takes neither DISTINCT, FILTER nor ORDER BY",
           call.query_location);
    return true;
  }
  for (const FunctionCandidate& one : *known) {
    const std::string& key = one.function->key;
    if (calling_.size() >= kCallDepthMax || std::find(calling_.begin(), calling_.end(), key) != calling_.end()) {
      refuse(Code::invalid, "function " + key + " calls itself, which a function in SQL may not", call.query_location,
             "54001");
      return true;
    }
    note_call(key);
  }
  list(call.children);
  if (refusal_) return true;
  try {
    Child made = choice_of(call, *known);
    if (!made || refusal_) return true;
    made->alias = child->alias.empty() ? known->front().function->name : child->alias;
    made->query_location = call.query_location;
    child = std::move(made);
  } catch (const std::exception& thrown) {
    refuse(Code::internal, "function " + name + "() cannot be read: " + to_error(thrown, "").message, {});
  }
  return true;
}

// What stands for the call: the one function's expression, or all of them for the binder to choose from. Null after a
// refusal.
Walk::Child Walk::choice_of(const duckdb::FunctionExpression& call, const std::vector<FunctionCandidate>& candidates) {
  const StoredFunction& first = *candidates.front().function;
  if (candidates.size() == 1) {
    if (!candidates.front().may_call) {
      Error denied(Code::denied, "permission denied for function " + first.name, "GRANT EXECUTE ON FUNCTION gives it");
      denied.sqlstate = "42501";
      refuse(denied, call.query_location);
      return nullptr;
    }
    Child body = body_of(first, call);
    return body ? put_call(call, first, std::move(body)) : nullptr;
  }
  std::string spec = first.name;
  duckdb::vector<Child> children(1);
  for (const Child& argument : call.children) children.push_back(argument->Copy());
  for (const FunctionCandidate& one : candidates) {
    spec += one.may_call ? "\n+" : "\n-";
    for (const std::string& type : one.function->types) spec += "\t" + type;
    Child body = body_of(*one.function, call);
    if (body) body = put_call(call, *one.function, std::move(body));
    if (!body || refusal_) return nullptr;
    children.push_back(std::move(body));
  }
  children.front() = duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(spec));
  return duckdb::make_uniq<duckdb::FunctionExpression>(kChoice, std::move(children));
}

void Walk::note_call(const std::string& key) {
  if (std::find(calls_.begin(), calls_.end(), key) == calls_.end()) calls_.push_back(key);
}

// The function's expression, walked, with its parameters still in it; null after a refusal.
Walk::Child Walk::body_of(const StoredFunction& function, const duckdb::FunctionExpression& call) {
  auto parsed = duckdb::Parser::ParseExpressionList(function.expression, user_parser_options());
  if (parsed.size() != 1) throw duckdb::BinderException("it is no single expression");
  Walk inside({.trust = rules_.trust,
               .own_views = rules_.own_views,
               .sql = function.expression,
               .authority = rules_.authority,
               .relations = rules_.relations,
               .search_path = rules_.search_path,
               .is_policy = rules_.is_policy,
               .calls = &function.calls});
  inside.calling_ = calling_;
  inside.calling_.push_back(function.key);
  inside.expanded_ = expanded_;
  inside.expression(parsed[0]);
  if (inside.refusal_) {
    Error why = *inside.refusal_;
    why.position.reset();
    why.message = "function " + function.key + ": " + why.message;
    refuse(why, call.query_location);
    return nullptr;
  }
  for (const std::string& other : inside.calls_) note_call(other);
  expanded_ = inside.expanded_;
  return std::move(parsed[0]);
}

// The body, with the call's arguments in the places of its parameters; null after a refusal.
Walk::Child Walk::put_call(const duckdb::FunctionExpression& call, const StoredFunction& function, Child body) {
  const duckdb::optional_idx place = call.query_location;
  std::vector<size_t> uses(function.types.size(), 0);
  bool is_known = true;
  each(*body, [&](const ParsedExpression& one) {
    if (one.GetExpressionClass() != ExpressionClass::PARAMETER) return;
    const size_t number = std::stoul(one.Cast<duckdb::ParameterExpression>().identifier);
    is_known = is_known && number >= 1 && number <= uses.size();
    if (is_known) ++uses[number - 1];
  });
  if (!is_known) {
    refuse(Code::invalid, "function " + function.key + " uses a parameter that it does not have", place);
    return nullptr;
  }
  std::vector<Child> arguments;
  expanded_ += count_of(*body);
  for (size_t i = 0; i < uses.size(); ++i) {
    expanded_ += uses[i] * count_of(*call.children[i]);
    if (uses[i] > 1 && changes_with_each_call(*call.children[i])) {
      refuse(Code::unsupported,
             "function " + function.key + " uses its argument " + std::to_string(i + 1) +
                 " more than once, and this one is another value each time; compute it in a subquery",
             place);
      return nullptr;
    }
    Child argument = call.children[i]->Copy();
    argument->alias.clear();
    arguments.push_back(as_type(std::move(argument), duckdb::TransformStringToLogicalType(function.types[i])));
  }
  if (expanded_ > kExpandedMax) {
    refuse(Code::too_large,
           "the functions that the statement calls become more than " + std::to_string(kExpandedMax) + " expressions",
           place);
    return nullptr;
  }
  put_in(body, arguments);
  // Not before: inside of a function a count may be a parameter.
  each(*body, [&](const ParsedExpression& one) {
    if (!calling_.empty() || one.GetExpressionClass() != ExpressionClass::FUNCTION) return;
    if (const auto reason = oversized_call(one.Cast<duckdb::FunctionExpression>())) {
      refuse(Code::too_large, *reason, place);
    }
  });
  return duckdb::make_uniq<duckdb::CastExpression>(duckdb::TransformStringToLogicalType(function.returns),
                                                   std::move(body));
}

}  // namespace weir::engine
