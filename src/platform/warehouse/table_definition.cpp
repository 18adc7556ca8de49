#include "platform/warehouse/table_definition.h"

#include <algorithm>

#include "core/base/quotes.h"

namespace weir::warehouse {
namespace {

const char* kind_name(dialect::Constraint::Kind kind) {
  switch (kind) {
    case dialect::Constraint::Kind::primary_key:
      return "primary key";
    case dialect::Constraint::Kind::unique:
      return "unique";
    case dialect::Constraint::Kind::foreign_key:
      return "foreign key";
  }
  return "unique";
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : std::string();
}

// Of the IDENTITY of a column; the name is unique, as a table's place is.
std::string sequence_name(const Place& place, const std::string& column) {
  return "weir_catalog." + quoted_name("identity " + place.schema + "." + place.name + "." + column);
}

// As a text for nextval().
Status make_sequence(SessionState& session, const std::string& name, const dialect::Identity& identity) {
  std::string sql = "CREATE SEQUENCE " + name + " START WITH " + std::to_string(identity.seed) + " INCREMENT BY " +
                    std::to_string(identity.step);
  const std::string limit = std::to_string(INT64_MAX);
  sql += " MINVALUE -" + limit + " MAXVALUE " + limit;
  TRY(session.own(sql));
  return {};
}

}  // namespace

TableDefinition TableDefinition::of(const dialect::CreateTable& order) {
  TableDefinition out{.columns = order.columns,
                      .constraints = order.constraints,
                      .diststyle = {},
                      .distkey = {},
                      .sortstyle = {},
                      .sortkeys = {}};
  out.diststyle = order.attributes.diststyle;
  out.distkey = order.attributes.distkey;
  out.sortstyle = order.attributes.sortstyle;
  out.sortkeys = order.attributes.sortkeys;
  out.backup = order.attributes.backup;
  for (const auto& column : order.columns) {
    if (column.is_distkey) out.distkey = column.name;
    if (column.is_sortkey) out.sortkeys.push_back(column.name);
  }
  if (!out.distkey.empty() && out.diststyle.empty()) out.diststyle = "key";
  if (!out.sortkeys.empty() && out.sortstyle.empty()) out.sortstyle = "compound";
  for (const dialect::Constraint& one : order.constraints) {
    if (one.kind != dialect::Constraint::Kind::primary_key) continue;
    for (auto& column : out.columns) {
      if (std::find(one.columns.begin(), one.columns.end(), column.name) != one.columns.end()) {
        column.is_not_null = true;
      }
    }
  }
  return out;
}

Json TableDefinition::to_json() const {
  Json all{Json::Array{}};
  for (const auto& column : columns) {
    Json one(Json::Object{{"name", column.name},
                          {"type", column.type.engine},
                          {"shown", column.type.shown},
                          {"not_null", column.is_not_null},
                          {"default", column.default_value},
                          {"encoding", column.encoding}});
    if (column.type.bytes_max) one.set("bytes_max", int64_t{*column.type.bytes_max});
    if (column.identity) {
      one.set("identity", Json(Json::Array{Json(column.identity->seed), Json(column.identity->step),
                                           Json(column.identity->by_default),
                                           Json(sequences.contains(column.name) ? sequences.at(column.name) : "")}));
    }
    all.push(std::move(one));
  }
  Json keys{Json::Array{}};
  for (const dialect::Constraint& constraint : constraints) {
    Json one(Json::Object{
        {"kind", kind_name(constraint.kind)}, {"name", constraint.name}, {"columns", texts(constraint.columns)}});
    if (constraint.references) {
      one.set("references", Json(Json::Array{Json(constraint.references->schema), Json(constraint.references->name)}));
      one.set("referenced_columns", texts(constraint.referenced_columns));
    }
    keys.push(std::move(one));
  }
  return Json::Object{{"columns", std::move(all)}, {"constraints", std::move(keys)}, {"diststyle", diststyle},
                      {"distkey", distkey},        {"sortstyle", sortstyle},         {"sortkeys", texts(sortkeys)},
                      {"backup", backup}};
}

TableDefinition TableDefinition::from_json(const Json& attributes) {
  TableDefinition out;
  const Json& columns = attributes["columns"];
  for (const Json& one : columns.is_array() ? columns.array() : Json::Array{}) {
    dialect::ColumnDefinition column;
    column.name = text_of(one["name"]);
    column.type = {.engine = text_of(one["type"]), .shown = text_of(one["shown"]), .bytes_max = {}};
    if (one["bytes_max"].is_integer()) column.type.bytes_max = static_cast<int>(one["bytes_max"].as_int());
    column.is_not_null = one["not_null"].as_bool(false);
    column.default_value = text_of(one["default"]);
    column.encoding = text_of(one["encoding"]);
    if (const Json& identity = one["identity"]; identity.is_array()) {
      out.sequences[column.name] = text_of(identity.array()[3]);
      column.identity = dialect::Identity{.seed = identity.array()[0].as_int(),
                                          .step = identity.array()[1].as_int(),
                                          .by_default = identity.array()[2].as_bool(false)};
    }
    out.columns.push_back(std::move(column));
  }
  const Json& constraints = attributes["constraints"];
  for (const Json& one : constraints.is_array() ? constraints.array() : Json::Array{}) {
    dialect::Constraint constraint;
    const std::string kind = text_of(one["kind"]);
    if (kind == "primary key") constraint.kind = dialect::Constraint::Kind::primary_key;
    if (kind == "foreign key") constraint.kind = dialect::Constraint::Kind::foreign_key;
    constraint.name = text_of(one["name"]);
    constraint.columns = texts_of(one["columns"]);
    if (const Json& to = one["references"]; to.is_array()) {
      constraint.references = dialect::Name{.schema = text_of(to.array()[0]), .name = text_of(to.array()[1])};
      constraint.referenced_columns = texts_of(one["referenced_columns"]);
    }
    out.constraints.push_back(std::move(constraint));
  }
  out.diststyle = text_of(attributes["diststyle"]);
  out.distkey = text_of(attributes["distkey"]);
  out.sortstyle = text_of(attributes["sortstyle"]);
  out.sortkeys = texts_of(attributes["sortkeys"]);
  out.backup = attributes["backup"].as_bool(true);
  return out;
}

Result<TableDefinition> TableDefinition::of_existing(SessionState& session, const Place& place) {
  TRY_ASSIGN(const auto rights, session.rights());
  const Relation* known = rights->find(place.schema, place.name);
  TableDefinition out;
  if (known != nullptr && known->kind == "table") out = from_json(known->attributes);
  if (!out.columns.empty()) return out;
  TRY_ASSIGN(
      const Rows rows,
      session.own("SELECT column_name, data_type, NOT is_nullable FROM duckdb_columns() WHERE table_name = $1 AND "
                  "CASE WHEN $2 IN ('temp', 'lake') THEN database_name = $2 ELSE database_name = "
                  "current_database() AND schema_name = $2 END ORDER BY column_index",
                  {place.name, place.schema}));
  for (const auto& row : rows) {
    dialect::ColumnDefinition column;
    column.name = std::get<std::string>(row[0]);
    column.type = {.engine = std::get<std::string>(row[1]), .shown = {}, .bytes_max = {}};
    column.is_not_null = std::get<bool>(row[2]);
    out.columns.push_back(std::move(column));
  }
  return out;
}

Status make_table(SessionState& session, const Place& place, TableDefinition& definition) {
  std::string sql =
      place.schema == "temp" ? "CREATE TEMP TABLE " + quoted_name(place.name) : "CREATE TABLE " + place.quoted();
  sql += " (";
  for (size_t i = 0; i < definition.columns.size(); ++i) {
    const dialect::ColumnDefinition& column = definition.columns[i];
    const std::string name = quoted_name(column.name);
    sql += (i > 0 ? ", " : "") + name + " " + column.type.engine;
    if (column.is_not_null) sql += " NOT NULL";
    if (column.identity && place.schema == "temp") {
      Error error(Code::unsupported, "IDENTITY in a temporary table is not supported", "number rows with row_number()");
      error.sqlstate = "0A000";
      return error;
    }
    if (column.identity) {
      std::string& sequence = definition.sequences[column.name];
      if (sequence.empty()) {
        sequence = sequence_name(place, column.name);
        TRY(make_sequence(session, sequence, *column.identity));
      }
      sql += " DEFAULT nextval(" + quoted_text(sequence) + ")";
    } else if (!column.default_value.empty()) {
      sql += " DEFAULT (" + column.default_value + ")";
    }
    // Lengths are of bytes, and a text that is longer is refused: c_Character_types.
    if (column.type.bytes_max) sql += " CHECK (strlen(" + name + ") <= " + std::to_string(*column.type.bytes_max) + ")";
  }
  return session.define(sql + ")");
}

std::vector<Place> views_over(const Rights& rights, const Place& place) {
  std::vector<Place> out;
  for (const auto& [key, relation] : rights.relations()) {
    if (relation.kind == "table" || relation.attributes["late"].as_bool(false)) continue;
    const Json& reads = relation.attributes["reads"];
    if (!reads.is_array()) continue;
    for (const Json& one : reads.array()) {
      if (one.as_string() != place.schema + "." + place.name) continue;
      out.push_back({.schema = relation.schema, .name = relation.name, .kind = relation.kind});
      break;
    }
  }
  return out;
}

Status drop_sequences(SessionState& session, const Json& attributes) {
  for (const auto& [column, sequence] : TableDefinition::from_json(attributes).sequences) {
    if (sequence.empty()) continue;
    TRY(session.own("DROP SEQUENCE " + sequence));
  }
  return {};
}

}  // namespace weir::warehouse
