// The walk of the second lock over a parsed statement: what is not listed is refused, names get their meaning,
// parameters become constants. Internal to storage/engine.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/engine/inside.h"

namespace weir::engine {

// What a walk knows beside the statement. References outlive it.
struct WalkRules {
  Trust trust = Trust::user;
  const std::vector<std::string>& own_views;  // of DuckDB
  std::string_view sql;
  const std::vector<duckdb::Value>* parameters = nullptr;     // numbered; null: they stay parameters
  const std::vector<std::string>* parameter_types = nullptr;  // of those that stay; "" where not known
  const ScriptValues* named = nullptr;                        // of a script, instead
  const Authority* authority = nullptr;                       // of a client's session
  const std::set<std::string>* relations = nullptr;           // system relations, "schema.name"
  std::string_view within = {};                               // of a view's body: "schema.name" of the view
  const std::vector<std::string>* search_path = nullptr;      // of the view whose body it is; null: the session's
  bool is_policy = false;                                     // a guard's own words: it reads past guards
  const std::vector<std::string>* calls = nullptr;  // the functions that the words may mean; null: those of the session
};

// How the words of views, policies and functions are read: as the session's own, where 7 / 2 is 3.
inline duckdb::ParserOptions user_parser_options() {
  duckdb::ParserOptions out;
  out.integer_division = true;
  return out;
}

class Walk {
 public:
  explicit Walk(const WalkRules& rules) : rules_(rules) {}

  using Child = duckdb::unique_ptr<duckdb::ParsedExpression>;
  using Table = duckdb::unique_ptr<duckdb::TableRef>;
  void node(duckdb::QueryNode& node);
  void ctes(duckdb::CommonTableExpressionMap& map);
  void expression(Child& child);
  void table(Table& ref);
  void optional(Child& child) {
    if (child) expression(child);
  }
  void list(duckdb::vector<Child>& children) {
    for (Child& child : children) expression(child);
  }
  // What is computed before there is a plan; a subquery in it has one of its own.
  void early(Child& child) {
    const bool was = std::exchange(is_early_, true);
    optional(child);
    is_early_ = was;
  }
  // Of a table that is changed: where it is; nothing of it is replaced.
  void target(duckdb::BaseTableRef& ref);
  void refuse(Code code, std::string message, duckdb::optional_idx place = {}, const char* sqlstate = nullptr);
  void refuse(const Error& error, duckdb::optional_idx place);

  Allowed found() && { return {reads_tables_, std::move(reads_), std::move(calls_)}; }
  const std::optional<Error>& refusal() const { return refusal_; }  // the first one: the walk stops at it

 private:
  struct Step {  // one level of the walk; not `open` once something was refused
    explicit Step(Walk& owner);
    ~Step() { --walk.depth_; }
    explicit operator bool() const { return !walk.refusal_.has_value(); }
    Walk& walk;
  };
  void call(duckdb::FunctionExpression& function, bool as_table);
  static void escape_pattern(duckdb::FunctionExpression& function);
  bool stored_function(Child& child);  // stored_function.cpp
  void note_call(const std::string& key);
  Child body_of(const StoredFunction& function, const duckdb::FunctionExpression& call);
  Child put_call(const duckdb::FunctionExpression& call, const StoredFunction& function, Child body);
  Child choice_of(const duckdb::FunctionExpression& call, const std::vector<FunctionCandidate>& candidates);
  void inner(Child& child);
  bool session_word(Child& child);
  void session_name(Child& child);
  bool scalar_in_from(Table& table_ref);
  bool drop_collation(Child& child);
  void base_table(Table& ref);
  void own_database(duckdb::BaseTableRef& ref) const;
  bool is_system_relation(duckdb::BaseTableRef& ref) const;
  void replace_relation(Table& table);
  bool external_table(duckdb::BaseTableRef& ref);
  void catalog_cast(Child& child);
  void pivot(duckdb::PivotRef& ref);
  void show(duckdb::ShowRef& ref);
  void modifiers(duckdb::QueryNode& node);
  void note_read(const duckdb::BaseTableRef& ref);
  bool is_cte(const duckdb::BaseTableRef& ref) const;
  void parameter(Child& child);
  Child constant(const duckdb::ParameterExpression& parameter);
  duckdb::optional_idx place_of(const duckdb::ParameterExpression& parameter) const;
  void refuse_user(std::string message, duckdb::optional_idx place);  // what only users may not
  void name_columns(duckdb::SelectNode& select) const;

  const WalkRules rules_;
  bool reads_tables_ = false;
  std::vector<TableRead> reads_;
  std::vector<std::string> calls_;    // stored functions, as key_of() says them
  std::vector<std::string> calling_;  // those that the walk is in
  size_t expanded_ = 0;               // expressions that came from them
  std::vector<std::string> ctes_;     // names that stand for a CTE where the walk is
  std::vector<std::string> wrapped_;  // those that the nodes right around this one introduced
  int depth_ = 0;
  bool is_early_ = false;  // the engine computes this before there is a plan
  std::optional<Error> refusal_;
};

// A view of Authority::view(), as a function of the plan; and what stands in its place in a statement. `is_policy`: a
// guard reads it.
inline constexpr const char* kViewFunction = "weir_view_of";
duckdb::unique_ptr<duckdb::TableRef> view_reference(const Authority::View& view, const duckdb::BaseTableRef& written,
                                                    bool is_policy);
void register_view_function(duckdb::Connection& connection);

// A relation behind Authority::guard(), as a function of the plan: the rows and columns as this user sees them, and
// behind them a wall that no expression of the statement passes (guard_function.cpp). `with_row`: kGuardedRow beside
// the columns, the rowid of a table that is changed.
inline constexpr const char* kGuardFunction = "weir_rows_of";
inline constexpr const char* kGuardedRow = "weir_row";
duckdb::unique_ptr<duckdb::TableRef> guarded_reference(const duckdb::BaseTableRef& written, bool with_row);
void register_guard_function(duckdb::Connection& connection);
// UPDATE and DELETE of a relation that has a guard: what the statement computes, it computes over the rows that are
// seen. After the walk.
void guard_update(duckdb::UpdateStatement& update);
void guard_delete(duckdb::DeleteStatement& remove);

// Of several functions of one name that which the bound types of the arguments mean (overload_function.cpp): a call
// kChoice(spec, arguments …, bodies …) binds to one of the bodies. `spec`: a line a candidate, with '+' or, without
// EXECUTE, '-' and the types of its arguments behind tabs; the first line is the function's name.
inline constexpr const char* kChoice = "weir_choice";
void register_choice_function(duckdb::Connection& connection);

}  // namespace weir::engine
