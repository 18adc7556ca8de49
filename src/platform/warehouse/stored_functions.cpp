// CREATE FUNCTION … LANGUAGE sql, DROP FUNCTION, and who may call one. A function lies in weir_catalog and changes in
// the statement's transaction; storage/engine's stored_function.cpp puts its expression in the place of a call.
//
// What weir_catalog.functions keeps as attributes, in JSON: {"types":["INTEGER"], "shown":["integer"], "returns",
// "returns_shown", "volatility", "body" (as it was written), "expression" (in the engine's words), "calls":[…]}.
//
// Sources: Redshift, "CREATE FUNCTION" (r_CREATE_FUNCTION), "Scalar SQL UDFs" (udf-creating-a-scalar-sql-udf).
#include <algorithm>

#include "platform/warehouse/session_state.h"
#include "storage/engine/functions.h"

namespace weir::warehouse {
namespace {

constexpr size_t kFunctionsMax = 10'000;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

std::vector<std::string> engine_types(const std::vector<dialect::Type>& types) {
  std::vector<std::string> out;
  for (const dialect::Type& one : types) out.push_back(one.engine);
  return out;
}

std::string shown_types(const std::vector<dialect::Type>& types) {
  std::string out;
  for (const dialect::Type& one : types) out += (out.empty() ? "" : ", ") + one.shown;
  return out;
}

bool calls(const Json& attributes, const std::string& key) {
  const Json::Array& all = attributes["calls"].array();
  return std::any_of(all.begin(), all.end(), [&](const Json& one) { return one.as_string() == key; });
}

class FunctionChanger {
 public:
  explicit FunctionChanger(SessionState& session) : session_(session), who_(session.subject()) {}

  Status operator()(const dialect::CreateFunction& order) {
    if (order.name.name != to_plain(order.name.name)) {
      return error_of(Code::invalid, "42602", "a function's name is of a-z, 0-9 and _: \"" + order.name.name + "\"");
    }
    if (engine::function_is_allowed(order.name.name) || engine::table_function_is_allowed(order.name.name)) {
      return error_of(Code::conflict, "42723", "function " + order.name.name + "() is one of the system's",
                      "names that begin with f_ are free");
    }
    TRY_ASSIGN(const Place place, place_for(session_, order.name));
    TRY_ASSIGN(const auto rights, session_.rights());
    const FunctionEntry* known = rights->function(place.schema, place.name, engine_types(order.types));
    if (known != nullptr) {
      TRY(check_replaced(order, *known));
    }
    if (rights->functions().size() >= kFunctionsMax) {
      return error_of(Code::busy, "53400",
                      "there are " + std::to_string(kFunctionsMax) + " functions, the most there may be");
    }
    const std::string signature = signature_of(engine_types(order.types));
    TRY_ASSIGN(Json attributes, examined(order, place));
    if (known != nullptr) {
      if (known->attributes["signature"].is_string()) attributes.set("signature", signature);
      TRY(session_.own(
          "UPDATE weir_catalog.functions SET attributes = $4 WHERE schema_name = $1 AND function_name = $2 "
          "AND CAST(CAST(attributes AS JSON)->'types' AS VARCHAR) = $3",
          {place.schema, place.name, texts(known->function.types).dump(), attributes.dump()}));
    } else {
      attributes.set("signature", signature);
      TRY(session_.own(
          "INSERT INTO weir_catalog.functions VALUES ($1, $2, $3, $4, $5)",
          {place.schema, place.name, static_cast<int64_t>(order.types.size()), int64_t{who_.id}, attributes.dump()}));
      // As PostgreSQL and Redshift do: everybody may call it until that is revoked.
      TRY(session_.own("INSERT INTO weir_catalog.grants VALUES ('function', $1, $2, '', 'execute', 0, $3, false)",
                       {place.schema, place.name + "(" + signature + ")", int64_t{who_.id}}));
    }
    session_.catalog_was_changed();
    return {};
  }

  Status operator()(const dialect::DropFunction& order) {
    TRY_ASSIGN(const auto rights, session_.rights());
    const FunctionEntry* known = nullptr;
    std::vector<std::string> schemas = session_.search_path();
    if (!order.name.schema.empty()) schemas.assign(1, order.name.schema);
    for (const std::string& schema : schemas) {
      known = rights->function(schema, order.name.name, engine_types(order.types));
      if (known != nullptr) break;
    }
    if (known == nullptr) {
      if (order.if_exists) {
        session_.notice("NOTICE", "00000", "function " + order.name.name + "() does not exist, skipping");
        return {};
      }
      return error_of(Code::not_found, "42883",
                      "function " + order.name.name + "(" + shown_types(order.types) + ") does not exist");
    }
    if (!who_.is_superuser && !who_.is(known->owner)) {
      return error_of(Code::denied, "42501", "must be owner of function " + order.name.name);
    }
    TRY(check_not_called(*rights, *known));
    const std::string key = known->function.key.substr(known->function.schema.size() + 1);
    TRY(
        session_.own("DELETE FROM weir_catalog.functions WHERE schema_name = $1 AND function_name = $2 AND "
                     "CAST(CAST(attributes AS JSON)->'types' AS VARCHAR) = $3",
                     {known->function.schema, known->function.name, texts(known->function.types).dump()}));
    TRY(session_.own(
        "DELETE FROM weir_catalog.grants WHERE kind = 'function' AND schema_name = $1 AND object_name = $2",
        {known->function.schema, key}));
    session_.catalog_was_changed();
    return {};
  }

 private:
  static std::string to_plain(const std::string& name) {
    std::string out = name;
    std::erase_if(out, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'); });
    return out;
  }

  Status check_replaced(const dialect::CreateFunction& order, const FunctionEntry& known) {
    if (!order.or_replace) {
      return error_of(Code::conflict, "42723", "function " + order.name.name + "() already exists with these arguments",
                      "CREATE OR REPLACE FUNCTION puts another in its place");
    }
    if (!who_.is_superuser && !who_.is(known.owner)) {
      return error_of(Code::denied, "42501", "must be owner of function " + order.name.name);
    }
    if (order.returns.engine != known.function.returns) {
      return error_of(Code::invalid, "42P13", "cannot change the type that " + order.name.name + "() returns",
                      "DROP FUNCTION first");
    }
    return {};
  }

  Result<Json> examined(const dialect::CreateFunction& order, const Place& place) {
    std::vector<std::string> types, shown;
    for (const dialect::Type& one : order.types) {
      types.push_back(one.engine);
      shown.push_back(one.shown);
    }
    // The call itself is what is tried: with parameters of the declared types, and cast to what it returns.
    auto described = session_.engine().describe(
        {.sql = "SELECT CAST((" + order.expression + ") AS " + order.returns.engine + ")"}, types);
    if (!described) {
      Error error = std::move(described).error();
      error.position.reset();  // of our own text
      error.message = "function " + place.name + ": " + error.message;
      return error;
    }
    if (described->parameters.size() > types.size()) {
      return error_of(Code::invalid, "42P02", "there is no parameter $" + std::to_string(described->parameters.size()));
    }
    // As it would be called: it is looked for among those that are there.
    const FunctionEntry* self = nullptr;
    TRY_ASSIGN(const auto rights, session_.rights());
    self = rights->function(place.schema, place.name, types);
    const std::string key =
        self != nullptr ? self->function.key : place.schema + "." + place.name + "(" + signature_of(types) + ")";
    if (std::find(described->calls.begin(), described->calls.end(), key) != described->calls.end()) {
      return error_of(Code::invalid, "42P13", "function " + key + " calls itself, which a function in SQL may not");
    }
    return Json(Json::Object{{"types", texts(types)},
                             {"shown", texts(shown)},
                             {"returns", order.returns.engine},
                             {"returns_shown", order.returns.shown},
                             {"volatility", order.volatility},
                             {"body", order.body},
                             {"expression", order.expression},
                             {"calls", texts(described->calls)}});
  }

  Status check_not_called(const Rights& rights, const FunctionEntry& known) {
    const std::string& key = known.function.key;
    const auto refuse = [&](const std::string& by) {
      return error_of(Code::conflict, "2BP01",
                      "cannot drop function " + known.function.name + " because other objects depend on it",
                      by + " calls it: drop that first");
    };
    for (const auto& [name, relation] : rights.relations()) {
      if (calls(relation.attributes, key)) return refuse(relation.kind + " " + name);
    }
    for (const auto& [name, policy] : rights.policies()) {
      if (calls(policy.attributes, key)) return refuse("policy " + policy.name);
    }
    for (const auto& [name, all] : rights.functions()) {
      for (const FunctionEntry& one : all) {
        if (calls(one.attributes, key)) return refuse("function " + name);
      }
    }
    return {};
  }

  SessionState& session_;
  const Subject who_;
};

}  // namespace

Result<Answer> change_functions(SessionState& session, const dialect::Statement& parsed) {
  TRY(session.in_transaction([&]() -> Status {
    FunctionChanger changer(session);
    if (const auto* order = std::get_if<dialect::CreateFunction>(&parsed)) return changer(*order);
    return changer(std::get<dialect::DropFunction>(parsed));
  }));
  return only_tag(parsed);
}

}  // namespace weir::warehouse
