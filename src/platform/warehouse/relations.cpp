// Which relation a name means.
#include <algorithm>

#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

Error no_relation(const dialect::Name& name) {
  const std::string shown = name.schema.empty() ? name.name : name.schema + "." + name.name;
  Error out(Code::not_found, "relation \"" + shown + "\" does not exist",
            "information_schema.tables lists what there is");
  out.sqlstate = "42P01";
  return out;
}

Status check_database(SessionState& session, const dialect::Name& name) {
  if (name.database.empty() || name.database == session.options.database) return {};
  Error out(Code::unsupported,
            "there is one database here, \"" + session.options.database + "\", not \"" + name.database + "\"");
  out.sqlstate = "0A000";
  return out;
}

std::vector<std::string> places_of(const std::string& schema) {
  if (schema == "public") return {"public", "main", "lake"};
  if (schema == "pg_temp") return {"temp"};
  return {schema};
}

std::string text_in(const engine::Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text != nullptr ? *text : std::string();
}

bool is_reserved(const std::string& schema) {
  return schema == "weir_catalog" || schema == "pg_catalog" || schema == "information_schema" || schema == "internal";
}

}  // namespace

std::string Place::quoted() const {
  if (schema == "temp") return "temp.main." + quoted_name(name);
  if (schema == "lake") return "lake.main." + quoted_name(name);
  return quoted_name(schema) + "." + quoted_name(name);
}

Result<std::optional<Place>> find_relation(SessionState& session, const dialect::Name& name) {
  TRY(check_database(session, name));
  if (is_reserved(name.schema)) return std::optional<Place>();
  TRY_ASSIGN(const auto rights, session.rights());
  // Where tables of this name lie: in the engine, among the temporary ones, in the lake.
  TRY_ASSIGN(const Rows rows,
             session.own("SELECT CASE WHEN database_name = 'lake' THEN 'lake' WHEN temporary THEN 'temp' ELSE "
                         "schema_name END, table_name FROM duckdb_tables() WHERE lower(table_name) = lower($1) AND "
                         "database_name IN ('lake', 'temp', current_database())",
                         {Json(name.name)}));
  const auto at = [&](const std::string& place) -> std::optional<Place> {
    if (const Relation* known = rights->find(place, name.name)) {
      return Place{.schema = place, .name = name.name, .kind = known->kind};
    }
    for (const auto& row : rows) {
      if (text_in(row[0]) != place) continue;
      return Place{.schema = place, .name = text_in(row[1]), .kind = place == "lake" ? "stream" : "table"};
    }
    return std::nullopt;
  };
  std::vector<std::string> schemas;
  if (name.schema.empty()) {
    schemas = session.search_path();
    schemas.insert(schemas.begin(), "pg_temp");
  } else {
    schemas = {name.schema};
  }
  for (const std::string& schema : schemas) {
    for (const std::string& place : places_of(schema)) {
      if (auto found = at(place)) return found;
    }
  }
  return std::optional<Place>();
}

Result<Place> relation(SessionState& session, const dialect::Name& name) {
  TRY_ASSIGN(std::optional<Place> found, find_relation(session, name));
  if (!found) return no_relation(name);
  return *found;
}

Result<bool> schema_exists(SessionState& session, const std::string& schema) {
  if (is_reserved(schema)) return false;
  TRY_ASSIGN(const Rows rows, session.own("SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database() AND "
                                          "schema_name = $1",
                                          {Json(schema)}));
  return !rows.empty();
}

Result<Place> place_for(SessionState& session, const dialect::Name& name) {
  TRY(check_database(session, name));
  Place out{.schema = name.schema, .name = name.name, .kind = "table"};
  if (out.name.starts_with("pg_") || out.name.starts_with("weir_")) {
    Error error(Code::invalid, "unacceptable name \"" + out.name + "\": pg_ and weir_ are for relations of the system");
    error.sqlstate = "42939";
    return error;
  }
  if (out.schema.empty()) {
    for (const std::string& schema : session.search_path()) {
      TRY_ASSIGN(const bool exists, schema_exists(session, schema));
      if (!exists) continue;
      out.schema = schema;
      break;
    }
  }
  TRY_ASSIGN(const bool exists, schema_exists(session, out.schema));
  if (!exists) {
    Error error(Code::not_found, "schema \"" + out.schema + "\" does not exist", "CREATE SCHEMA makes one");
    error.sqlstate = "3F000";
    return error;
  }
  TRY_ASSIGN(const auto rights, session.rights());
  if (!rights->may_create_in(session.subject(), out.schema)) return permission_denied("schema " + out.schema);
  if (rights->external_schema(out.schema) != nullptr) {
    Error error(Code::unsupported, "schema \"" + out.schema + "\" is external: it has external tables only",
                "CREATE EXTERNAL TABLE makes one");
    error.sqlstate = "0A000";
    return error;
  }
  return out;
}

Status check_owner(SessionState& session, const Place& place) {
  if (place.schema == "temp") return {};
  TRY_ASSIGN(const auto rights, session.rights());
  if (rights->owns(session.subject(), place.schema, place.name)) return {};
  Error out(Code::denied, "must be owner of relation " + place.name);
  out.sqlstate = "42501";
  return out;
}

}  // namespace weir::warehouse
