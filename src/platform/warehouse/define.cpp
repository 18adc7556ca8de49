// CREATE, ALTER, DROP of tables, views and schemas. A definition in the engine and what is kept about it in
// weir_catalog change in one transaction, so a rolled-back CREATE leaves nothing.
//
// What weir_catalog.relations keeps as attributes, in JSON:
//   of a table  {"columns":[{"name","type","shown","bytes_max","not_null","default","encoding","identity":[seed, step,
//               sequence, by default]}], "constraints":[…], "diststyle","distkey","sortstyle","sortkeys","backup"}
//   of a view   {"select","definition","column_names","search_path","columns":[{"name","type"}],"late","reads","calls"}
#include <algorithm>

#include "platform/warehouse/run.h"
#include "platform/warehouse/table_definition.h"

namespace weir::warehouse {
namespace {

using dialect::ObjectKind;

Error already(const Place& place, std::string_view what = "relation") {
  Error out(Code::conflict, std::string(what) + " \"" + place.name + "\" already exists");
  out.sqlstate = "42P07";
  return out;
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

Json columns_json(const std::vector<engine::ResultColumn>& columns) {
  Json out{Json::Array{}};
  for (const auto& one : columns) out.push(Json::Object{{"name", one.name}, {"type", one.type}});
  return out;
}

}  // namespace

Result<bool> make_schema(SessionState& session, const std::string& name, bool if_not_exists, uint32_t owner) {
  const Subject who = session.subject();
  const access::UserInfo* user = session.directory()->user(who.id);
  if (!who.is_superuser && (user == nullptr || !user->create_database)) {
    return permission_denied("database " + session.options.database);
  }
  if (name.starts_with("pg_") || name.starts_with("weir_") || name == "lake" || name == "information_schema" ||
      name == "internal" || name == "temp") {
    Error error(Code::invalid, "unacceptable schema name \"" + name + "\": it is the system's");
    error.sqlstate = "42939";
    return error;
  }
  TRY_ASSIGN(const bool is_there, schema_exists(session, name));
  if (is_there && if_not_exists) return true;
  if (is_there) {
    Error error(Code::conflict, "schema \"" + name + "\" already exists");
    error.sqlstate = "42P06";
    return error;
  }
  TRY(session.define("CREATE SCHEMA " + quoted_name(name)));
  TRY(session.own("INSERT INTO weir_catalog.schemas VALUES ($1, $2, '{}')", {name, static_cast<int64_t>(owner)}));
  session.catalog_was_changed();
  return false;
}

namespace {

class Definer {
 public:
  Definer(SessionState& session, const Words& words) : session_(session), words_(words) {}

  Result<Answer> create_table(const dialect::CreateTable& order) {
    if (order.is_temporary) {
      TRY(session_.needs_session("a temporary table"));
    }
    uint64_t rows = 0;
    bool is_there = false;
    TRY(session_.in_transaction([&]() -> Status {
      Place place{.schema = "temp", .name = order.name.name, .kind = "table"};
      if (!order.is_temporary) {
        TRY_ASSIGN(place, place_for(session_, order.name));
      }
      TRY_ASSIGN(is_there, exists(place));
      if (is_there && order.if_not_exists) return {};
      if (is_there) return already(place);
      TRY_ASSIGN(TableDefinition definition, definition_of(order));
      if (!order.query.empty()) {
        TRY_ASSIGN(rows, create_as(place, order.query, order.column_names, order.with_data));
      } else {
        TRY(make_table(session_, place, definition));
      }
      if (order.is_temporary) return {};
      return keep(place, "table", definition.to_json());
    }));
    if (is_there) session_.notice("NOTICE", "42P07", "relation \"" + order.name.name + "\" already exists, skipping");
    if (order.query.empty()) return Answer{.stream = nullptr, .tag = "CREATE TABLE"};
    return Answer{.stream = nullptr, .tag = "SELECT", .has_count = true, .changed = rows};
  }

  // SELECT … INTO name …
  Result<Answer> select_into(const dialect::Query& query) {
    if (query.into_temporary) {
      TRY(session_.needs_session("a temporary table"));
    }
    // The same words without INTO and its name.
    std::string select = words_.sql;
    const size_t begin = words_.tokens[query.into_words.first].begin;
    const size_t end = words_.tokens[query.into_words.last - 1].end;
    std::fill(select.begin() + static_cast<std::ptrdiff_t>(begin), select.begin() + static_cast<std::ptrdiff_t>(end),
              ' ');
    TRY_ASSIGN(const Words plain, Words::of(select));
    uint64_t rows = 0;
    TRY(session_.in_transaction([&]() -> Status {
      Place place{.schema = "temp", .name = query.into->name, .kind = "table"};
      if (!query.into_temporary) {
        TRY_ASSIGN(place, place_for(session_, *query.into));
      }
      TRY_ASSIGN(const bool is_there, exists(place));
      if (is_there) return already(place);
      TRY_ASSIGN(rows, Definer(session_, plain).create_as(place, plain.range, {}, true));
      return query.into_temporary ? Status() : keep(place, "table", TableDefinition().to_json());
    }));
    return Answer{.stream = nullptr, .tag = "SELECT", .has_count = true, .changed = rows};
  }

  Result<Answer> create_view(const dialect::CreateView& order) {
    TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words_.sql, words_.tokens, order.query));
    std::vector<engine::ResultColumn> columns;
    Json reads{Json::Array{}}, calls{Json::Array{}};
    if (!order.is_late_binding) {
      TRY_ASSIGN(const engine::Description described, session_.describe_query(words_, order.query, {}));
      if (!described.parameters.empty()) return Error(Code::invalid, "a view has no parameters");
      columns = described.columns;
      if (order.column_names.size() > columns.size()) {
        return Error(Code::invalid, "CREATE VIEW specifies more column names than columns");
      }
      for (size_t i = 0; i < order.column_names.size(); ++i) columns[i].name = order.column_names[i];
      TRY_ASSIGN(reads, places_of(described.reads));
      calls = texts(described.calls);
    }
    if (order.is_materialized) {
      TRY(check_not_secured(reads));
      TRY_ASSIGN(const auto rights, session_.rights());
      if (order.auto_refresh) {
        TRY(check_is_told(*rights, reads));
      }
    }
    TRY_ASSIGN(const std::string select, dialect::without_database(text.sql, session_.options.database));
    const size_t first = words_.tokens[order.query.first].begin, last = words_.tokens[order.query.last - 1].end;
    Json attributes(Json::Object{{"select", select},
                                 {"definition", words_.sql.substr(first, last - first)},
                                 {"column_names", texts(order.column_names)},
                                 {"search_path", texts(session_.search_path())},
                                 {"columns", columns_json(columns)},
                                 {"late", order.is_late_binding},
                                 {"reads", std::move(reads)},
                                 {"calls", std::move(calls)}});
    MaterializedViews* const views = order.is_materialized ? session_.core.parts.views : nullptr;
    const bool is_alone = session_.transaction == TransactionState::none;
    Relation made;
    made.attributes = attributes;
    MaterializedViews::Versions versions;
    if (order.is_materialized) attributes.set("auto_refresh", order.auto_refresh);
    if (views != nullptr) {
      TRY_ASSIGN(const auto rights, session_.rights());
      versions = views->versions(*rights, made);
    }
    TRY(session_.in_transaction([&]() -> Status {
      TRY_ASSIGN(const Place place, place_for(session_, order.name));
      made.schema = place.schema;
      made.name = place.name;
      TRY_ASSIGN(const auto rights, session_.rights());
      const Relation* known = rights->find(place.schema, place.name);
      const bool is_replaced = known != nullptr && known->kind == "view" && order.or_replace;
      if (is_replaced) {
        TRY(check_owner(session_, place));
        TRY(
            session_.own("UPDATE weir_catalog.relations SET attributes = $3 WHERE schema_name = $1 AND relation_name = "
                         "$2",
                         {place.schema, place.name, attributes.dump()}));
        session_.catalog_was_changed();
        return {};
      }
      TRY_ASSIGN(const bool is_there, exists(place));
      if (is_there) return already(place);
      if (!order.is_materialized) return keep(place, "view", attributes);
      TRY(create_as(place, order.query, order.column_names, true));
      return keep(place, "materialized view", attributes);
    }));
    if (views != nullptr && is_alone) views->filled(made, std::move(versions));
    return Answer{.stream = nullptr, .tag = order.is_materialized ? "CREATE MATERIALIZED VIEW" : "CREATE VIEW"};
  }

  Result<Answer> create_schema(const dialect::CreateSchema& order) {
    bool is_there = false;
    TRY(session_.in_transaction([&]() -> Status {
      TRY_ASSIGN(const uint32_t owner, user_number(order.owner));
      TRY_ASSIGN(is_there, make_schema(session_, order.name, order.if_not_exists, owner));
      return {};
    }));
    if (is_there) session_.notice("NOTICE", "42P06", "schema \"" + order.name + "\" already exists, skipping");
    return Answer{.stream = nullptr, .tag = "CREATE SCHEMA"};
  }

  Result<Answer> drop(const dialect::Drop& order) {
    TRY(session_.in_transaction([&]() -> Status {
      for (const dialect::Name& name : order.names) {
        if (order.kind == ObjectKind::schema) {
          TRY(drop_schema(name.name, order));
        } else {
          TRY(drop_relation(name, order));
        }
      }
      return {};
    }));
    return Answer{.stream = nullptr, .tag = dialect::tag_of(order)};
  }

  Result<Answer> truncate(const dialect::Truncate& order) {
    TRY(session_.in_transaction([&]() -> Status {
      TRY_ASSIGN(const Place place, relation(session_, order.name));
      TRY_ASSIGN(const auto rights, session_.rights());
      const Subject who = session_.subject();
      if (place.schema != "temp" && !rights->owns(who, place.schema, place.name) &&
          !rights->may(who, "truncate", place.schema, place.name)) {
        return permission_denied("relation " + place.name);
      }
      TRY(check_is_table(place));
      session_.rows_change(place.schema, place.name);
      TRY(session_.own("DELETE FROM " + place.quoted()));
      return {};
    }));
    return Answer{.stream = nullptr, .tag = "TRUNCATE TABLE"};
  }

  Result<Answer> comment(const dialect::Comment& order) {
    TRY(session_.in_transaction([&]() -> Status {
      TRY_ASSIGN(const Place place, relation(session_, order.name));
      TRY(check_owner(session_, place));
      if (place.kind != "table") {
        Error error(Code::unsupported, "COMMENT ON a " + place.kind + " is not supported");
        error.sqlstate = "0A000";
        return error;
      }
      const std::string target = order.column.empty() ? "TABLE " + place.quoted()
                                                      : "COLUMN " + place.quoted() + "." + quoted_name(order.column);
      std::string text = "NULL";
      if (order.text) {
        text = "'";
        for (const char c : *order.text) text += c == '\'' ? "''" : std::string(1, c);
        text += "'";
      }
      TRY(session_.own("COMMENT ON " + target + " IS " + text));
      return {};
    }));
    return Answer{.stream = nullptr, .tag = "COMMENT"};
  }

 private:
  // As on Redshift: its rows would be one user's view of them, for everybody.
  Status check_not_secured(const Json& reads) {
    TRY_ASSIGN(const auto rights, session_.rights());
    for (const Json& one : reads.array()) {
      const std::string& place = one.as_string();
      const size_t dot = place.find('.');
      if (const Relation* view = rights->find(place.substr(0, dot), place.substr(dot + 1)); view && view->view) {
        if (view->attributes["late"].as_bool(false)) {
          Error late(Code::unsupported, "a materialized view cannot read the late binding view " + place,
                     "what that one reads is known only when it is read");
          late.sqlstate = "0A000";
          return late;
        }
        TRY(check_not_secured(view->attributes["reads"]));
      }
      if (!rights->is_secured(place.substr(0, dot), place.substr(dot + 1))) continue;
      Error error(Code::unsupported, "a materialized view cannot read " + place + ", which has policies",
                  "make a view: its reader's policies hold there");
      error.sqlstate = "0A000";
      return error;
    }
    return {};
  }

  Result<bool> exists(const Place& place) {
    TRY_ASSIGN(const auto rights, session_.rights());
    if (rights->find(place.schema, place.name) != nullptr) return true;
    TRY_ASSIGN(
        const Rows rows,
        session_.own("SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower($1) AND CASE WHEN $2 = 'temp' "
                     "THEN temporary ELSE database_name = current_database() AND schema_name = $2 END",
                     {place.name, place.schema}));
    return !rows.empty();
  }

  Result<uint32_t> user_number(const std::string& name) {
    if (name.empty()) return session_.subject().id;
    const access::UserInfo* user = session_.directory()->user(name);
    if (user != nullptr) return user->id;
    Error error(Code::not_found, "user \"" + name + "\" does not exist");
    error.sqlstate = "42704";
    return error;
  }

  Result<TableDefinition> definition_of(const dialect::CreateTable& order) {
    TableDefinition out = TableDefinition::of(order);
    if (!order.like) return out;
    TRY_ASSIGN(const Place source, relation(session_, *order.like));
    TRY_ASSIGN(const auto rights, session_.rights());
    if (!rights->may(session_.subject(), "select", source.schema, source.name)) {
      return permission_denied("relation " + source.name);
    }
    TRY_ASSIGN(TableDefinition like, TableDefinition::of_existing(session_, source));
    for (auto& column : like.columns) {
      column.identity.reset();
      if (!order.like_defaults) column.default_value.clear();
    }
    out.columns.insert(out.columns.begin(), like.columns.begin(), like.columns.end());
    if (out.diststyle.empty()) {
      out.diststyle = like.diststyle;
      out.distkey = like.distkey;
    }
    if (out.sortkeys.empty()) {
      out.sortstyle = like.sortstyle;
      out.sortkeys = like.sortkeys;
    }
    return out;
  }

  // The rows it began with.
  Result<uint64_t> create_as(const Place& place, dialect::TokenRange query, const std::vector<std::string>& names,
                             bool with_data) {
    TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words_.sql, words_.tokens, query));
    std::string sql =
        place.schema == "temp" ? "CREATE TEMP TABLE " + quoted_name(place.name) : "CREATE TABLE " + place.quoted();
    if (!names.empty()) {
      sql += " (";
      for (size_t i = 0; i < names.size(); ++i) sql += (i > 0 ? ", " : "") + quoted_name(names[i]);
      sql += ")";
    }
    const std::string head = sql + " AS ";
    // A row limit of nothing keeps the types.
    sql = with_data ? head + text.sql : head + "SELECT * FROM (" + text.sql + ") LIMIT 0";
    auto stream = session_.engine().execute({.sql = sql, .scope = engine::Scope::define});
    if (!stream) {
      Error error = std::move(stream).error();
      error.position.reset();
      return error;
    }
    uint64_t count = 0;
    for (;;) {
      TRY_ASSIGN(const Rows rows, (*stream)->next());
      if (rows.empty()) return count;
      if (const auto* number = std::get_if<int64_t>(&rows.front().front())) count = static_cast<uint64_t>(*number);
    }
  }

  Status keep(const Place& place, const std::string& kind, const Json& attributes) {
    const Subject who = session_.subject();
    TRY(session_.own("INSERT INTO weir_catalog.relations VALUES ($1, $2, $3, $4, $5)",
                     {place.schema, place.name, kind, static_cast<int64_t>(who.id), attributes.dump()}));
    TRY_ASSIGN(const auto rights, session_.rights());
    for (const GrantedRight& one : rights->defaults_for(who.id, place.schema)) {
      TRY(session_.own("INSERT INTO weir_catalog.grants VALUES ('relation', $1, $2, '', $3, $4, $5, $6)",
                       {place.schema, place.name, one.privilege, static_cast<int64_t>(one.grantee),
                        static_cast<int64_t>(who.id), one.with_option}));
    }
    session_.catalog_was_changed();
    return {};
  }

  Result<Json> places_of(const std::vector<engine::TableRead>& reads) {
    Json out{Json::Array{}};
    for (const engine::TableRead& one : reads) {
      const size_t dot = one.name.find('.');
      dialect::Name name{.schema = dot == std::string::npos ? "" : one.name.substr(0, dot),
                         .name = dot == std::string::npos ? one.name : one.name.substr(dot + 1)};
      TRY_ASSIGN(const std::optional<Place> place, find_relation(session_, name));
      if (place) out.push(place->schema + "." + place->name);
    }
    return out;
  }

  Status check_is_table(const Place& place) {
    if (place.kind == "table" || place.kind == "materialized view") return {};
    Error error(Code::invalid, "\"" + place.name + "\" is a " + place.kind,
                place.schema == "lake" ? "streams and tables of the lake are declared in the project's folder" : "");
    error.sqlstate = "42809";
    return error;
  }

  Status drop_relation(const dialect::Name& name, const dialect::Drop& order) {
    TRY_ASSIGN(const std::optional<Place> found, find_relation(session_, name));
    if (!found) {
      if (!order.if_exists) {
        TRY(relation(session_, name));
      }
      session_.notice("NOTICE", "00000", "relation \"" + name.name + "\" does not exist, skipping");
      return {};
    }
    const std::string wanted = order.kind == ObjectKind::table  ? "table"
                               : order.kind == ObjectKind::view ? "view"
                                                                : "materialized view";
    const bool is_wanted = found->kind == wanted || (wanted == "table" && found->kind == "external table");
    if (!is_wanted) {
      Error error(Code::invalid, "\"" + name.name + "\" is not a " + wanted + ": it is a " + found->kind,
                  found->schema == "lake" ? "streams and tables of the lake are declared in the project's folder" : "");
      error.sqlstate = "42809";
      return error;
    }
    return drop_place(*found, order.cascade);
  }

  Status drop_place(const Place& place, bool cascade) {
    TRY(check_owner(session_, place));
    TRY_ASSIGN(const auto rights, session_.rights());
    for (const Place& view : views_over(*rights, place)) {
      if (!cascade) {
        Error error(Code::conflict,
                    "cannot drop " + place.kind + " " + place.name + " because other objects depend on it",
                    place.kind + " " + place.name + " is read by " + view.kind + " " + view.schema + "." + view.name +
                        "; DROP … CASCADE drops it too");
        error.sqlstate = "2BP01";
        return error;
      }
      session_.notice("NOTICE", "00000", "drop cascades to " + view.kind + " " + view.schema + "." + view.name);
      TRY(drop_place(view, true));
    }
    const Relation* known = rights->find(place.schema, place.name);
    if (place.kind == "external table") {
      TRY(forget_policies(session_, place));
      return drop_external_table(session_, place);
    }
    if (place.kind != "view") {
      TRY(session_.own("DROP TABLE " + place.quoted()));
    }
    if (known != nullptr) {
      TRY(drop_sequences(session_, known->attributes));
    }
    return forget(place);
  }

  Status forget(const Place& place) {
    if (place.schema == "temp") return {};
    TRY(session_.own("DELETE FROM weir_catalog.relations WHERE schema_name = $1 AND relation_name = $2",
                     {place.schema, place.name}));
    TRY(session_.own(
        "DELETE FROM weir_catalog.grants WHERE kind = 'relation' AND schema_name = $1 AND object_name = $2",
        {place.schema, place.name}));
    TRY(forget_policies(session_, place));
    session_.catalog_was_changed();
    return {};
  }

  Status drop_schema(const std::string& name, const dialect::Drop& order) {
    TRY_ASSIGN(const auto rights, session_.rights());
    const std::optional<uint32_t> owner = rights->schema_owner(name);
    TRY_ASSIGN(const bool is_there, schema_exists(session_, name));
    if (!is_there) {
      if (order.if_exists) {
        session_.notice("NOTICE", "00000", "schema \"" + name + "\" does not exist, skipping");
        return {};
      }
      Error error(Code::not_found, "schema \"" + name + "\" does not exist");
      error.sqlstate = "3F000";
      return error;
    }
    const Subject who = session_.subject();
    if (!owner) return Error(Code::denied, "schema \"" + name + "\" cannot be dropped: it is the system's");
    if (!who.is_superuser && !who.is(*owner)) {
      Error error(Code::denied, "must be owner of schema " + name);
      error.sqlstate = "42501";
      return error;
    }
    TRY_ASSIGN(const Rows tables, session_.own("SELECT table_name FROM duckdb_tables() WHERE database_name = "
                                               "current_database() AND schema_name = $1",
                                               {name}));
    std::vector<Place> members;
    for (const auto& row : tables) {
      const std::string table = std::get<std::string>(row[0]);
      const Relation* known = rights->find(name, table);
      members.push_back({.schema = name, .name = table, .kind = known != nullptr ? known->kind : "table"});
    }
    for (const auto& [key, relation] : rights->relations()) {
      if (relation.schema == name && relation.kind == "view") members.push_back({name, relation.name, "view"});
    }
    if (rights->external_schema(name) != nullptr) {
      TRY(drop_external(*rights, name, order));
    } else if (order.drops_database) {
      session_.notice("NOTICE", "00000", "schema \"" + name + "\" has no external database");
    }
    std::vector<std::string> functions;
    for (const auto& [key, all] : rights->functions()) {
      if (all.front().function.schema == name) functions.push_back(all.front().function.name);
    }
    if (members.empty() && !functions.empty() && !order.cascade) {
      Error error(Code::conflict, "cannot drop schema " + name + " because other objects depend on it",
                  "it holds the function " + functions.front() + "; DROP … CASCADE drops all");
      error.sqlstate = "2BP01";
      return error;
    }
    if (!members.empty() && !order.cascade) {
      Error error(Code::conflict, "cannot drop schema " + name + " because other objects depend on it",
                  "it holds " + members.front().kind + " " + members.front().name + "; DROP … CASCADE drops all");
      error.sqlstate = "2BP01";
      return error;
    }
    for (const Place& member : members) {
      TRY_ASSIGN(const auto now, session_.rights());
      if (member.kind == "view" && now->find(name, member.name) == nullptr) continue;  // it went with a table
      TRY(drop_place(member, true));
    }
    TRY(session_.own("DELETE FROM weir_catalog.functions WHERE schema_name = $1", {name}));
    TRY(session_.own("DELETE FROM weir_catalog.grants WHERE kind = 'function' AND schema_name = $1", {name}));
    TRY(session_.own("DROP SCHEMA " + quoted_name(name)));
    TRY(session_.own("DELETE FROM weir_catalog.schemas WHERE schema_name = $1", {name}));
    TRY(session_.own("DELETE FROM weir_catalog.grants WHERE kind = 'schema' AND schema_name = $1", {name}));
    session_.catalog_was_changed();
    return {};
  }

  // The tables belong to the database: without DROP EXTERNAL DATABASE they stay, and only what reads them by this
  // schema's name is in the way.
  Status drop_external(const Rights& rights, const std::string& schema, const dialect::Drop& order) {
    const std::string database = rights.external_schema(schema)->database;
    const bool drops_tables = order.drops_database && database != kLakeDatabase;
    if (order.drops_database && !drops_tables) {
      Error error(Code::denied, "the database lake cannot be dropped: the project's folder declares its tables");
      error.sqlstate = "42501";
      return error;
    }
    for (const auto& [key, relation] : rights.relations()) {
      if (relation.schema != schema || relation.kind != "external table") continue;
      const Place place{.schema = schema, .name = relation.name, .kind = relation.kind};
      if (!drops_tables && rights.has_policies(key)) {
        Error error(Code::conflict,
                    "cannot drop schema " + schema + ": the policies of " + place.name +
                        " are under this name, and hold under every one",
                    "DETACH them, and ALTER TABLE … ROW LEVEL SECURITY OFF; or DROP EXTERNAL DATABASE too");
        error.sqlstate = "2BP01";
        return error;
      }
      const std::vector<Place> readers = views_over(rights, place);
      if (!order.cascade && (drops_tables || !readers.empty())) {
        Error error(Code::conflict, "cannot drop schema " + schema + " because other objects depend on it",
                    (readers.empty() ? "its database holds " + place.kind + " " + place.name
                                     : "view " + readers.front().name + " reads " + place.name) +
                        "; DROP … CASCADE drops all");
        error.sqlstate = "2BP01";
        return error;
      }
      for (const Place& view : readers) {
        TRY_ASSIGN(const auto now, session_.rights());
        if (now->find(view.schema, view.name) == nullptr) continue;
        TRY(drop_place(view, true));
      }
      if (drops_tables) {
        TRY(forget_policies(session_, place));
        TRY(drop_external_table(session_, place));
      }
    }
    if (drops_tables) {
      TRY(session_.own("DELETE FROM weir_catalog.external_databases WHERE database_name = $1", {database}));
    }
    TRY(session_.own("DELETE FROM weir_catalog.external_schemas WHERE schema_name = $1", {schema}));
    return {};
  }

  SessionState& session_;
  const Words& words_;
};

}  // namespace

Result<Answer> define(SessionState& session, const Words& words, const dialect::Statement& parsed) {
  Definer definer(session, words);
  if (const auto* order = std::get_if<dialect::CreateTable>(&parsed)) return definer.create_table(*order);
  if (const auto* order = std::get_if<dialect::Query>(&parsed)) return definer.select_into(*order);
  if (const auto* order = std::get_if<dialect::CreateView>(&parsed)) return definer.create_view(*order);
  if (const auto* order = std::get_if<dialect::RefreshView>(&parsed)) return refresh_view(session, *order);
  if (const auto* order = std::get_if<dialect::CreateSchema>(&parsed)) return definer.create_schema(*order);
  if (const auto* order = std::get_if<dialect::Drop>(&parsed)) return definer.drop(*order);
  if (const auto* order = std::get_if<dialect::Truncate>(&parsed)) return definer.truncate(*order);
  if (const auto* order = std::get_if<dialect::Comment>(&parsed)) return definer.comment(*order);
  if (const auto* order = std::get_if<dialect::Alter>(&parsed)) return alter(session, *order);
  if (const auto* order = std::get_if<dialect::CreateExternalSchema>(&parsed)) return create_external(session, *order);
  if (const auto* order = std::get_if<dialect::CreateExternalTable>(&parsed)) {
    return create_external(session, words, *order);
  }
  if (const auto* order = std::get_if<dialect::AlterExternalTable>(&parsed)) return alter_external(session, *order);
  return Error(Code::internal, "a statement that nobody runs");
}

}  // namespace weir::warehouse
