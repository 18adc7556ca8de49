// Views of sessions: a function that binds to the view's SELECT and marks its root in the plan, so that the plan lock
// knows whose rights count below it. DuckDB's own views leave no trace in a plan.
#include "storage/engine/statement_walk.h"

namespace weir::engine {
namespace {

constexpr int kViewDepthMax = 32;

class Depth {
 public:
  explicit Depth(ConnectionState& state) : state_(state) { ++state_.view_depth; }
  ~Depth() { --state_.view_depth; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  ConnectionState& state_;
};

[[noreturn]] void fail(ConnectionState& state, Error error) {
  state.remember(error);
  throw duckdb::BinderException("%s", error.message);
}

duckdb::unique_ptr<duckdb::SelectStatement> parsed(ConnectionState& state, const Database& database,
                                                   const Authority::View& view, bool is_policy) {
  duckdb::Parser parser(user_parser_options());
  parser.ParseQuery(view.select);
  if (parser.statements.size() != 1 || parser.statements[0]->type != duckdb::StatementType::SELECT_STATEMENT) {
    throw duckdb::BinderException("the view \"%s\" is no single SELECT", view.name);
  }
  auto select = duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(std::move(parser.statements[0]));
  const std::string within = view.schema + "." + view.name;
  Walk walk({.own_views = database.own_views,
             .sql = view.select,
             .authority = state.authority.get(),
             .relations = &database.relations->names,
             .within = within,
             .search_path = &view.search_path,
             .is_policy = is_policy,
             .calls = view.calls ? &*view.calls : nullptr});
  walk.node(*select->node);
  if (walk.refusal()) {
    Error why = *walk.refusal();
    why.position.reset();  // it is one in the view, not in the statement
    why.message = "view " + view.schema + "." + view.name + ": " + why.message;
    fail(state, std::move(why));
  }
  return select;
}

duckdb::unique_ptr<duckdb::LogicalOperator> bind_view(duckdb::ClientContext& context,
                                                      duckdb::TableFunctionBindInput& input, duckdb::idx_t bind_index,
                                                      duckdb::vector<std::string>& names) {
  const auto state = ConnectionState::of(context);
  const std::string schema = input.inputs.at(0).ToString(), name = input.inputs.at(1).ToString();
  if (!state || !state->authority || state->database == nullptr) {
    throw duckdb::PermissionException("%s() is for sessions of clients", kViewFunction);
  }
  const Authority::View* view = state->authority->view(schema, name);
  if (view == nullptr) throw duckdb::CatalogException("view \"%s.%s\" does not exist", schema, name);
  const Depth depth(*state);
  if (state->view_depth > kViewDepthMax) {
    fail(*state, Error(Code::invalid, "views are nested more than " + std::to_string(kViewDepthMax) +
                                          " deep, or in a circle: " + schema + "." + name));
  }
  auto select = parsed(*state, *state->database, *view, input.inputs.at(2).GetValue<bool>());
  auto binder = duckdb::Binder::CreateBinder(context, input.binder.get(), duckdb::BinderType::VIEW_BINDER);
  duckdb::vector<duckdb::CatalogSearchEntry> path;
  for (const std::string& one : view->search_path) path.emplace_back(state->database->catalog, one);
  binder->EntryRetriever().SetSearchPath(std::move(path));
  duckdb::BoundStatement bound = binder->Bind(static_cast<duckdb::SQLStatement&>(*select));

  names = bound.names;
  for (size_t i = 0; i < std::min(names.size(), view->column_names.size()); ++i) names[i] = view->column_names[i];
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> columns;
  const auto bindings = bound.plan->GetColumnBindings();
  for (size_t i = 0; i < bindings.size(); ++i) {
    columns.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(names[i], bound.types[i], bindings[i]));
  }
  const auto& aliases = input.ref.column_name_alias;  // FROM v AS x (a, b)
  for (size_t i = 0; i < std::min(names.size(), aliases.size()); ++i) names[i] = aliases[i];
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(bind_index, std::move(columns));
  projection->children.push_back(std::move(bound.plan));
  state->view_bodies[bind_index] = {.schema = view->schema, .name = view->name};
  return projection;
}

duckdb::unique_ptr<duckdb::ParsedExpression> text(const std::string& value) {
  return duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(value));
}

}  // namespace

duckdb::unique_ptr<duckdb::TableRef> view_reference(const Authority::View& view, const duckdb::BaseTableRef& written,
                                                    bool is_policy) {
  duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
  arguments.push_back(text(view.schema));
  arguments.push_back(text(view.name));
  arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value::BOOLEAN(is_policy)));
  auto out = duckdb::make_uniq<duckdb::TableFunctionRef>();
  out->function = duckdb::make_uniq<duckdb::FunctionExpression>(kViewFunction, std::move(arguments));
  out->alias = written.alias.empty() ? written.table_name : written.alias;
  out->column_name_alias = written.column_name_alias;
  out->query_location = written.query_location;
  if (written.sample) out->sample = written.sample->Copy();
  return out;
}

void register_view_function(duckdb::Connection& connection) {
  connection.BeginTransaction();
  duckdb::TableFunction function(
      kViewFunction, {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::VARCHAR, duckdb::LogicalType::BOOLEAN},
      nullptr, nullptr);
  function.bind_operator = bind_view;
  duckdb::CreateTableFunctionInfo info(function);
  duckdb::Catalog::GetSystemCatalog(*connection.context).CreateTableFunction(*connection.context, info);
  connection.Commit();
}

}  // namespace weir::engine
