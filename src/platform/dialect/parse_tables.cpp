// CREATE, ALTER, DROP and COMMENT of tables, views and schemas.
#include <algorithm>

#include "platform/dialect/cursor.h"
#include "platform/dialect/rewrite.h"

namespace weir::dialect {
namespace {

// The words that may follow a column's type.
bool begins_column_option(const Cursor& at) {
  for (const char* word : {"not", "null", "default", "identity", "generated", "encode", "distkey", "sortkey", "unique",
                           "primary", "references", "collate", "check", "constraint", "masked"}) {
    if (at.sees(word)) return true;
  }
  return at.is_at_end() || at.sees_symbol(",") || at.sees_symbol(")");
}

Result<std::string> engine_words(Cursor& at, TokenRange range) {
  TRY_ASSIGN(const EngineText text, rewrite_query(at.sql(), at.tokens(), range));
  return text.sql;
}

// The words of an expression, up to what may follow it in a column's definition.
Result<std::string> default_value(Cursor& at) {
  const size_t first = at.place();
  while (!begins_column_option(at) || at.place() == first) {
    if (at.is_at_end()) return at.expected("a value");
    at.skip();
    if (at.is_at_end()) break;
  }
  return engine_words(at, {first, at.place()});
}

Result<Identity> identity(Cursor& at) {
  Identity out;
  TRY(at.expect_symbol("("));
  const Error wrong = at.expected("a step that is not 0");
  TRY_ASSIGN(out.seed, at.integer("the first number"));
  TRY(at.expect_symbol(","));
  TRY_ASSIGN(out.step, at.integer("a step"));
  if (out.step == 0) return wrong;
  TRY(at.expect_symbol(")"));
  return out;
}

// GENERATED … has been read.
Status generated(Cursor& at, ColumnDefinition& out) {
  const bool by_default = at.accept_all({"by", "default"});
  if (!by_default) {
    TRY(at.expect("always"));
  }
  TRY(at.expect("as"));
  if (!at.accept("identity")) return at.unsupported("A generated column that is no IDENTITY");
  out.identity = Identity();
  if (at.sees_symbol("(")) {
    TRY_ASSIGN(out.identity, identity(at));
  }
  out.identity->by_default = by_default;
  out.is_not_null = true;
  return {};
}

Result<Constraint> references(Cursor& at) {
  Constraint out{
      .kind = Constraint::Kind::foreign_key, .name = {}, .columns = {}, .references = {}, .referenced_columns = {}};
  TRY_ASSIGN(out.references, at.name("the table that is referred to"));
  if (at.sees_symbol("(")) {
    TRY_ASSIGN(out.referenced_columns, at.column_list("a column"));
  }
  while (at.sees("on") && (at.sees("delete", 1) || at.sees("update", 1))) {
    at.skip();
    at.skip();
    if (!at.accept_all({"no", "action"}) && !at.accept_all({"set", "null"}) && !at.accept_all({"set", "default"})) {
      if (!at.accept("cascade") && !at.accept("restrict")) return at.expected("NO ACTION");
    }
  }
  return out;
}

// One word or more after a column's type.
Status column_option(Cursor& at, ColumnDefinition& out, std::vector<Constraint>& constraints) {
  const auto key = [&](Constraint::Kind kind) {
    constraints.push_back(
        {.kind = kind, .name = {}, .columns = {out.name}, .references = {}, .referenced_columns = {}});
  };
  if (at.accept("constraint")) {
    TRY(at.identifier("a constraint's name"));
  } else if (at.accept_all({"not", "null"})) {
    out.is_not_null = true;
  } else if (at.accept("null")) {
  } else if (at.accept("default")) {
    TRY_ASSIGN(out.default_value, default_value(at));
  } else if (at.accept("identity")) {
    TRY_ASSIGN(out.identity, identity(at));
    out.is_not_null = true;
  } else if (at.accept("generated")) {
    return generated(at, out);
  } else if (at.accept("encode")) {
    TRY_ASSIGN(out.encoding, at.identifier("an encoding"));
  } else if (at.accept("distkey")) {
    out.is_distkey = true;
  } else if (at.accept("sortkey")) {
    out.is_sortkey = true;
  } else if (at.accept("unique")) {
    key(Constraint::Kind::unique);
  } else if (at.accept_all({"primary", "key"})) {
    key(Constraint::Kind::primary_key);
    out.is_not_null = true;
  } else if (at.accept("references")) {
    TRY_ASSIGN(Constraint foreign, references(at));
    foreign.columns = {out.name};
    constraints.push_back(std::move(foreign));
  } else if (at.accept("collate")) {
    TRY(at.identifier("a collation"));
  } else if (at.sees("check")) {
    return at.unsupported("CHECK");
  } else {
    return at.expected("NOT NULL, DEFAULT, IDENTITY, ENCODE, DISTKEY, SORTKEY, a key, or \",\"");
  }
  return {};
}

Result<ColumnDefinition> column(Cursor& at, std::vector<Constraint>& constraints) {
  ColumnDefinition out;
  out.at = at.offset();
  TRY_ASSIGN(out.name, at.identifier("a column's name"));
  const std::string serial = at.word();
  if (serial == "serial" || serial == "bigserial" || serial == "smallserial") {
    at.skip();
    out.type = serial == "bigserial"
                   ? Type{"BIGINT", "bigint", {}}
                   : (serial == "serial" ? Type{"INTEGER", "integer", {}} : Type{"SMALLINT", "smallint", {}});
    out.identity = Identity{.seed = 1, .step = 1, .by_default = true};
    out.is_not_null = true;
  } else {
    TRY_ASSIGN(out.type, parse_type(at));
  }
  while (!at.is_at_end() && !at.sees_symbol(",") && !at.sees_symbol(")")) {
    TRY(column_option(at, out, constraints));
  }
  return out;
}

Result<Constraint> table_constraint(Cursor& at) {
  Constraint out;
  if (at.accept("constraint")) {
    TRY_ASSIGN(out.name, at.identifier("a constraint's name"));
  }
  if (at.accept("unique")) {
    TRY_ASSIGN(out.columns, at.column_list("a column"));
  } else if (at.accept_all({"primary", "key"})) {
    out.kind = Constraint::Kind::primary_key;
    TRY_ASSIGN(out.columns, at.column_list("a column"));
  } else if (at.accept_all({"foreign", "key"})) {
    TRY_ASSIGN(std::vector<std::string> columns, at.column_list("a column"));
    TRY(at.expect("references"));
    const std::string name = out.name;
    TRY_ASSIGN(out, references(at));
    out.name = name;
    out.columns = std::move(columns);
  } else if (at.sees("check")) {
    return at.unsupported("CHECK");
  } else {
    return at.expected("UNIQUE, PRIMARY KEY or FOREIGN KEY");
  }
  return out;
}

bool begins_constraint(const Cursor& at) {
  return at.sees("constraint") || (at.sees("unique") && at.sees_symbol("(", 1)) ||
         (at.sees("primary") && at.sees("key", 1)) || (at.sees("foreign") && at.sees("key", 1)) ||
         (at.sees("check") && at.sees_symbol("(", 1));
}

Status table_attributes(Cursor& at, TableAttributes& out) {
  for (;;) {
    if (at.accept("diststyle")) {
      out.diststyle = at.word();
      if (out.diststyle != "auto" && out.diststyle != "even" && out.diststyle != "key" && out.diststyle != "all") {
        return at.expected("AUTO, EVEN, KEY or ALL");
      }
      at.skip();
    } else if (at.accept("distkey")) {
      TRY_ASSIGN(const std::vector<std::string> columns, at.column_list("a column"));
      out.distkey = columns.front();
    } else if (at.sees("sortkey") || ((at.sees("compound") || at.sees("interleaved")) && at.sees("sortkey", 1))) {
      out.sortstyle = at.sees("sortkey") ? "compound" : at.word();
      if (!at.sees("sortkey")) at.skip();
      at.skip();
      if (at.accept("auto")) {
        out.sortstyle = "auto";
      } else {
        TRY_ASSIGN(out.sortkeys, at.column_list("a column"));
      }
    } else if (at.accept_all({"encode", "auto"})) {
    } else if (at.accept("backup")) {
      out.backup = at.accept("yes");
      if (!out.backup) {
        TRY(at.expect("no"));
      }
    } else if (at.accept_all({"on", "commit", "preserve", "rows"})) {
    } else {
      return {};
    }
  }
}

Result<Statement> create_table(Cursor& at, bool is_temporary) {
  CreateTable out;
  out.is_temporary = is_temporary;
  out.if_not_exists = at.accept_all({"if", "not", "exists"});
  TRY_ASSIGN(out.name, at.name("a table's name"));
  if (out.name.name.starts_with('#')) out.is_temporary = true;
  if (at.sees_symbol("(")) {
    // Names only: CREATE TABLE t (a, b) AS …
    Cursor ahead = at;
    const Result<std::vector<std::string>> names = ahead.column_list("a column");
    if (names) {
      out.column_names = *names;
      at.go_to(ahead.place());
    } else {
      at.accept_symbol("(");
      do {
        if (at.accept("like")) {
          TRY_ASSIGN(out.like, at.name("a table's name"));
          if (at.accept("including")) {
            if (!at.accept("defaults") && !at.accept("all")) return at.expected("DEFAULTS");
            out.like_defaults = true;
          } else if (at.accept("excluding")) {
            TRY(at.expect("defaults"));
          }
        } else if (begins_constraint(at)) {
          TRY_ASSIGN(Constraint constraint, table_constraint(at));
          out.constraints.push_back(std::move(constraint));
        } else {
          TRY_ASSIGN(ColumnDefinition one, column(at, out.constraints));
          out.columns.push_back(std::move(one));
        }
      } while (at.accept_symbol(","));
      TRY(at.expect_symbol(")"));
    }
  }
  TRY(table_attributes(at, out.attributes));
  if (at.accept("as")) {
    out.query = at.rest();
    if (out.query.empty()) return at.expected("a query");
    if (!out.columns.empty()) return at.expected("columns without types, as the query has them");
    const size_t last = out.query.last;
    Cursor tail = at;
    if (out.query.last - out.query.first > 3) {
      tail.go_to(last - 2);
      if (tail.accept_all({"with", "data"})) out.query.last = last - 2;
      tail.go_to(last - 3);
      if (tail.accept_all({"with", "no", "data"})) {
        out.query.last = last - 3;
        out.with_data = false;
      }
    }
    return Statement(std::move(out));
  }
  if (out.columns.empty() && !out.like) return at.expected("(columns), or AS and a query");
  if (!out.column_names.empty()) return at.expected("AS and a query, as the columns have no types");
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> create_view(Cursor& at, bool or_replace, bool is_materialized) {
  CreateView out;
  out.or_replace = or_replace;
  out.is_materialized = is_materialized;
  TRY_ASSIGN(out.name, at.name("a view's name"));
  if (at.sees_symbol("(")) {
    TRY_ASSIGN(out.column_names, at.column_list("a column"));
  }
  if (is_materialized) {
    TableAttributes attributes;
    for (;;) {
      const size_t before = at.place();
      TRY(table_attributes(at, attributes));
      if (at.accept_all({"auto", "refresh"})) {
        out.auto_refresh = at.accept("yes");
        if (!out.auto_refresh) {
          TRY(at.expect("no"));
        }
      }
      if (at.place() == before) break;
    }
  }
  TRY(at.expect("as"));
  out.query = at.rest();
  const size_t words = out.query.last - out.query.first;
  Cursor tail = at;
  if (words > 4) {
    tail.go_to(out.query.last - 4);
    if (tail.accept_all({"with", "no", "schema", "binding"})) {
      out.is_late_binding = true;
      out.query.last -= 4;
    }
  }
  if (out.query.empty()) return at.expected("a query");
  return Statement(std::move(out));
}

}  // namespace

Result<ColumnDefinition> parse_column(Cursor& at) {
  std::vector<Constraint> constraints;
  TRY_ASSIGN(ColumnDefinition out, column(at, constraints));
  if (!constraints.empty()) return at.unsupported("A key here");
  return out;
}

Result<Statement> parse_create(Cursor& at) {
  const bool or_replace = at.accept_all({"or", "replace"});
  if (at.accept("local")) {
    if (!at.sees("temp") && !at.sees("temporary")) return at.expected("TEMPORARY");
  }
  const bool is_temporary = at.accept("temp") || at.accept("temporary");
  if (at.accept("table")) return create_table(at, is_temporary);
  if (at.accept("view")) return create_view(at, or_replace, false);
  if (at.accept_all({"materialized", "view"})) return create_view(at, or_replace, true);
  if (at.accept("schema")) {
    CreateSchema out;
    out.if_not_exists = at.accept_all({"if", "not", "exists"});
    if (!at.sees("authorization")) {
      TRY_ASSIGN(out.name, at.identifier("a schema's name"));
    }
    if (at.accept("authorization")) {
      TRY_ASSIGN(out.owner, at.identifier("a user's name"));
      if (out.name.empty()) out.name = out.owner;
    }
    if (at.accept("quota")) return at.unsupported("QUOTA");
    TRY(at.expect_end());
    return Statement(std::move(out));
  }
  if (at.accept("external")) return parse_create_external(at);
  if (at.accept("user")) return parse_user(at, true);
  if (at.accept("role")) return parse_role(at, false, true);
  if (at.accept("group")) return parse_role(at, true, true);
  if (at.accept("function")) return parse_function(at, or_replace);
  if (at.sees("rls") || at.sees("masking")) return parse_policy(at, true);
  for (const char* what : {"procedure", "library", "database", "model", "datashare", "index", "trigger", "sequence",
                           "type", "extension", "domain", "identity"}) {
    if (!at.sees(what)) continue;
    std::string shown;
    for (const char* c = what; *c != 0; ++c) shown += static_cast<char>(*c - 'a' + 'A');
    return at.unsupported("CREATE " + shown);
  }
  return at.expected("TABLE, VIEW, MATERIALIZED VIEW, SCHEMA, USER, ROLE or GROUP");
}

Result<Statement> parse_drop(Cursor& at) {
  Drop out;
  if (at.accept("function")) return parse_drop_function(at);
  if (at.sees("rls") || at.sees("masking")) return parse_drop_policy(at);
  if (at.accept("table")) {
    out.kind = ObjectKind::table;
  } else if (at.accept("view")) {
    out.kind = ObjectKind::view;
  } else if (at.accept_all({"materialized", "view"})) {
    out.kind = ObjectKind::materialized_view;
  } else if (at.accept("schema")) {
    out.kind = ObjectKind::schema;
  } else if (at.accept("user")) {
    out.kind = ObjectKind::user;
  } else if (at.accept("role")) {
    out.kind = ObjectKind::role;
  } else if (at.accept("group")) {
    out.kind = ObjectKind::group;
  } else if (at.sees("procedure") || at.sees("database") || at.sees("model") || at.sees("external") ||
             at.sees("library") || at.sees("datashare")) {
    return at.unsupported("DROP of this kind of object");
  } else {
    return at.expected("TABLE, VIEW, MATERIALIZED VIEW, SCHEMA, USER, ROLE or GROUP");
  }
  out.if_exists = at.accept_all({"if", "exists"});
  do {
    TRY_ASSIGN(Name name, at.name("a name"));
    out.names.push_back(std::move(name));
  } while (at.accept_symbol(","));
  if (out.kind == ObjectKind::schema) out.drops_database = at.accept_all({"drop", "external", "database"});
  out.cascade = at.accept("cascade") || at.accept("force");
  if (!out.cascade) at.accept("restrict");
  TRY(at.expect_end());
  return Statement(std::move(out));
}

namespace {

Result<Statement> alter_column(Cursor& at, Alter out) {
  at.accept("column");
  TRY_ASSIGN(out.column, at.identifier("a column's name"));
  if (at.accept("type") || at.accept_all({"set", "data", "type"})) {
    out.what = Alter::What::column_type;
    TRY_ASSIGN(out.type, parse_type(at));
  } else if (at.accept("encode")) {
    out.what = Alter::What::encoding;
    TRY_ASSIGN(out.to, at.identifier("an encoding"));
  } else if (at.accept_all({"set", "not", "null"})) {
    out.what = Alter::What::set_not_null;
  } else if (at.accept_all({"drop", "not", "null"})) {
    out.what = Alter::What::drop_not_null;
  } else if (at.accept_all({"drop", "default"})) {
    out.what = Alter::What::drop_default;
  } else if (at.accept_all({"set", "default"})) {
    out.what = Alter::What::set_default;
    TRY_ASSIGN(out.to, default_value(at));
  } else {
    return at.expected("TYPE, ENCODE, SET or DROP");
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

// ROW LEVEL SECURITY has been read.
Status row_security(Cursor& at, Alter& out) {
  out.what = Alter::What::row_security;
  out.is_on = at.accept("on");
  if (!out.is_on) {
    TRY(at.expect("off"));
  }
  if (at.accept_all({"conjunction", "type"})) {
    out.to = at.word();
    if (out.to != "and" && out.to != "or") return at.expected("AND or OR");
    at.skip();
  }
  if (at.sees("for")) return at.unsupported("FOR DATASHARES");
  return {};
}

Result<Statement> alter_table(Cursor& at, Alter out) {
  if (out.kind == ObjectKind::table) {
    TRY_ASSIGN(std::optional<Statement> external, parse_alter_external(at));
    if (external) return *std::move(external);
  }
  at.accept_all({"if", "exists"});
  TRY_ASSIGN(out.name, at.name("a table's name"));
  if (at.accept_all({"owner", "to"})) {
    out.what = Alter::What::owner;
    TRY_ASSIGN(out.to, at.identifier("a user's name"));
  } else if (at.accept_all({"rename", "to"})) {
    out.what = Alter::What::rename;
    TRY_ASSIGN(out.to, at.identifier("a new name"));
  } else if (at.accept("rename")) {
    at.accept("column");
    out.what = Alter::What::rename_column;
    TRY_ASSIGN(out.column, at.identifier("a column's name"));
    TRY(at.expect("to"));
    TRY_ASSIGN(out.to, at.identifier("a new name"));
  } else if (at.accept_all({"row", "level", "security"})) {
    TRY(row_security(at, out));
  } else if (at.accept("append")) {
    TRY(at.expect("from"));
    out.what = Alter::What::append;
    TRY_ASSIGN(out.source, at.name("a table's name"));
    if (at.sees("ignoreextra") || at.sees("fillextra")) return at.unsupported("IGNOREEXTRA and FILLEXTRA");
  } else if (at.accept("add")) {
    if (begins_constraint(at)) {
      out.what = Alter::What::add_constraint;
      TRY_ASSIGN(out.constraint, table_constraint(at));
    } else {
      at.accept("column");
      out.if_exists = at.accept_all({"if", "not", "exists"});
      out.what = Alter::What::add_column;
      std::vector<Constraint> keys;
      TRY_ASSIGN(out.definition, column(at, keys));
      if (!keys.empty()) return at.unsupported("A key of an added column", "add the constraint by itself");
    }
  } else if (at.accept("drop")) {
    const bool is_constraint = at.accept("constraint");
    if (!is_constraint) at.accept("column");
    out.if_exists = at.accept_all({"if", "exists"});
    out.what = is_constraint ? Alter::What::drop_constraint : Alter::What::drop_column;
    TRY_ASSIGN(out.column, at.identifier(is_constraint ? "a constraint's name" : "a column's name"));
    out.cascade = at.accept("cascade");
    if (!out.cascade) at.accept("restrict");
  } else if (at.accept("alter")) {
    const bool is_attribute = at.sees("diststyle") || at.sees("distkey") || at.sees("sortkey") || at.sees("compound") ||
                              at.sees("interleaved") || at.sees("encode");
    if (!is_attribute) return alter_column(at, std::move(out));
    out.what = Alter::What::attributes;
    out.attributes.emplace();
    if (at.accept_all({"diststyle", "key", "distkey"}) || (at.sees("distkey") && !at.sees_symbol("(", 1))) {
      at.accept("distkey");
      out.attributes->diststyle = "key";
      TRY_ASSIGN(out.attributes->distkey, at.identifier("a column's name"));
    } else if (at.accept_all({"sortkey", "none"})) {
      out.attributes->sortstyle = "none";
    } else {
      TRY(table_attributes(at, *out.attributes));
    }
  } else {
    return at.expected("ADD, DROP, RENAME, ALTER, APPEND, ROW LEVEL SECURITY or OWNER TO");
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

}  // namespace

Result<Statement> parse_alter(Cursor& at) {
  if (at.accept("user")) return parse_user(at, false);
  if (at.accept("group")) return parse_role(at, true, false);
  if (at.accept("role")) return parse_role(at, false, false);
  if (at.accept_all({"default", "privileges"})) return parse_default_privileges(at);
  if (at.sees("rls") || at.sees("masking")) return parse_policy(at, false);
  Alter out;
  if (at.accept("table")) return alter_table(at, std::move(out));
  const bool is_materialized = at.accept_all({"materialized", "view"});
  if (is_materialized || at.accept("view")) {
    const size_t before = at.place();
    TRY_ASSIGN(out.name, at.name("a view's name"));
    if (is_materialized && at.accept_all({"auto", "refresh"})) {
      out.what = Alter::What::auto_refresh;
      out.is_on = at.accept("yes");
      if (!out.is_on) {
        TRY(at.expect("no"));
      }
      TRY(at.expect_end());
      return Statement(std::move(out));
    }
    at.go_to(before);
    out.kind = ObjectKind::view;
    return alter_table(at, std::move(out));
  }
  if (at.accept("schema")) {
    out.kind = ObjectKind::schema;
    TRY_ASSIGN(out.name.name, at.identifier("a schema's name"));
    if (at.accept("owner")) {
      out.what = Alter::What::owner;
    } else if (at.accept("rename")) {
      return at.unsupported("Renaming a schema");
    } else {
      return at.expected("OWNER TO");
    }
    TRY(at.expect("to"));
    TRY_ASSIGN(out.to, at.identifier("a user's name"));
    TRY(at.expect_end());
    return Statement(std::move(out));
  }
  if (at.sees("database") || at.sees("function") || at.sees("procedure") || at.sees("datashare") ||
      at.sees("external") || at.sees("system")) {
    return at.unsupported("ALTER of this kind of object");
  }
  return at.expected("TABLE, VIEW, SCHEMA, USER, ROLE, GROUP or DEFAULT PRIVILEGES");
}

Result<Statement> parse_comment(Cursor& at) {
  TRY(at.expect("on"));
  Comment out;
  if (at.accept("column")) {
    TRY_ASSIGN(out.name, at.name("table.column"));
    if (out.name.schema.empty()) return at.expected("table.column");
    out.column = std::move(out.name.name);
    out.name.name = std::move(out.name.schema);
    out.name.schema = std::move(out.name.database);
    out.name.database.clear();
  } else if (at.accept("table") || at.accept("view")) {
    TRY_ASSIGN(out.name, at.name("a table's name"));
  } else if (at.sees("database") || at.sees("constraint") || at.sees("schema")) {
    return at.unsupported("COMMENT ON this kind of object");
  } else {
    return at.expected("TABLE, VIEW or COLUMN");
  }
  TRY(at.expect("is"));
  if (!at.accept("null")) {
    TRY_ASSIGN(out.text, at.text("a text, or NULL"));
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

}  // namespace weir::dialect
