// What a statement is, by its first words; transactions, settings, cursors.
#include <algorithm>

#include "platform/dialect/cursor.h"

namespace weir::dialect {
namespace {

std::string capitals(std::string_view word) {
  std::string out;
  for (const char c : word) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// BEGIN [WORK | TRANSACTION] [ISOLATION LEVEL …] [READ ONLY | READ WRITE]: every transaction is serializable's little
// sister, snapshot isolation, whatever is asked for.
Result<Statement> begin(Cursor& at) {
  if (!at.accept("work")) at.accept("transaction");
  while (!at.is_at_end()) {
    if (at.accept_all({"isolation", "level"})) {
      const bool is_known = at.accept("serializable") || at.accept("snapshot") ||
                            at.accept_all({"repeatable", "read"}) || at.accept_all({"read", "committed"}) ||
                            at.accept_all({"read", "uncommitted"});
      if (!is_known) return at.expected("SERIALIZABLE");
    } else if (!at.accept_all({"read", "write"}) && !at.accept_all({"read", "only"}) && !at.accept("deferrable") &&
               !at.accept_all({"not", "deferrable"}) && !at.accept_symbol(",")) {
      return at.expected("ISOLATION LEVEL, READ WRITE or the end");
    }
  }
  return Statement(Transaction{Transaction::What::begin});
}

Result<Statement> end(Cursor& at, Transaction::What what) {
  if (!at.accept("work")) at.accept("transaction");
  if (at.accept_all({"and", "no", "chain"})) {
  } else if (at.sees("and")) {
    return at.unsupported("AND CHAIN");
  }
  if (at.sees("to")) return at.unsupported("ROLLBACK TO a savepoint");
  TRY(at.expect_end());
  return Statement(Transaction{what});
}

Result<std::string> setting_value(Cursor& at) {
  if (at.sees_text()) return at.text("a value");
  if (at.is_at_end()) return at.expected("a value");
  const size_t first = at.place();
  const bool is_signed = at.accept_symbol("-") || at.accept_symbol("+");
  const Token& token = at.tokens()[at.place()];
  if (token.kind == TokenKind::symbol) return at.expected("a value");
  const std::string sign = is_signed ? std::string(at.tokens()[first].in(at.sql())) : "";
  std::string out = token.kind == TokenKind::quoted ? name_of(at.sql(), token) : std::string(token.in(at.sql()));
  at.skip();
  return sign + out;
}

Result<Statement> set(Cursor& at) {
  SetSetting out;
  if (at.accept("local")) {
    out.is_local = true;
  } else if (at.accept("session")) {
    if (at.accept_all({"characteristics", "as", "transaction"})) {
      TRY(begin(at));  // the same words, and the same for all of them
      out.name = "transaction_isolation";
      out.values = {"serializable"};
      return Statement(std::move(out));
    }
    if (at.accept("authorization")) {
      out.name = "session_authorization";
      if (!at.accept("default")) {
        if (at.sees_text()) {
          TRY_ASSIGN(std::string user, at.text("a user's name"));
          out.values = {std::move(user)};
        } else {
          TRY_ASSIGN(std::string user, at.identifier("a user's name"));
          out.values = {std::move(user)};
        }
      }
      TRY(at.expect_end());
      return Statement(std::move(out));
    }
  }
  if (at.accept("transaction")) {
    TRY(begin(at));
    out.name = "transaction_isolation";
    out.values = {"serializable"};
    return Statement(std::move(out));
  }
  if (at.accept_all({"time", "zone"})) {
    out.name = "timezone";
    if (at.accept("local") || at.accept("default")) return Statement(std::move(out));
    TRY_ASSIGN(std::string zone, setting_value(at));
    out.values = {std::move(zone)};
    TRY(at.expect_end());
    return Statement(std::move(out));
  }
  if (at.accept("names")) {
    out.name = "client_encoding";
  } else {
    TRY_ASSIGN(Name name, at.name("a setting's name"));
    out.name = name.schema.empty() ? name.name : name.schema + "." + name.name;
    if (!at.accept("to") && !at.accept_symbol("=")) return at.expected("TO or =");
  }
  if (at.accept("default")) {
    TRY(at.expect_end());
    return Statement(std::move(out));
  }
  do {
    TRY_ASSIGN(std::string value, setting_value(at));
    out.values.push_back(std::move(value));
  } while (at.accept_symbol(","));
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> show(Cursor& at) {
  // What the engine lists, and what Redshift's drivers ask for.
  if (at.sees("tables") && at.rest().last - at.rest().first == 1) {
    return Statement(Query{.changes = false, .verb = "SHOW"});
  }
  for (const char* what : {"tables", "schemas", "databases", "columns", "table", "view", "grants", "model",
                           "procedures", "datashares", "external", "constraints", "functions", "parameters"}) {
    if (at.sees(what) && !(at.sees("table") && at.sees_symbol(".", 1))) {
      return at.unsupported("SHOW " + capitals(what));
    }
  }
  if (at.accept_all({"transaction", "isolation", "level"})) {
    return Statement(ShowSetting{"transaction_isolation"});
  }
  if (at.accept_all({"time", "zone"})) return Statement(ShowSetting{"timezone"});
  if (at.accept_all({"session", "authorization"})) return Statement(ShowSetting{"session_authorization"});
  TRY_ASSIGN(Name name, at.name("a setting's name, or ALL"));
  TRY(at.expect_end());
  return Statement(ShowSetting{name.schema.empty() ? name.name : name.schema + "." + name.name});
}

Result<Statement> reset(Cursor& at) {
  if (at.accept_all({"session", "authorization"})) return Statement(ResetSetting{"session_authorization"});
  TRY_ASSIGN(Name name, at.name("a setting's name, or ALL"));
  TRY(at.expect_end());
  return Statement(ResetSetting{name.schema.empty() ? name.name : name.schema + "." + name.name});
}

Result<Statement> declare(Cursor& at) {
  DeclareCursor out;
  TRY_ASSIGN(out.name, at.identifier("a cursor's name"));
  while (at.accept("binary") || at.accept("insensitive") || at.accept_all({"no", "scroll"})) {
  }
  if (at.sees("scroll")) return at.unsupported("SCROLL");
  TRY(at.expect("cursor"));
  if (at.sees("with") && at.sees("hold", 1)) return at.unsupported("WITH HOLD");
  at.accept_all({"without", "hold"});
  TRY(at.expect("for"));
  out.query = at.rest();
  if (out.query.empty()) return at.expected("a query");
  return Statement(std::move(out));
}

Result<Statement> fetch(Cursor& at) {
  FetchCursor out;
  if (at.accept("next")) {
  } else if (at.accept("all")) {
    out.count = UINT64_MAX;
  } else if (at.accept("forward")) {
    if (at.accept("all")) {
      out.count = UINT64_MAX;
    } else if (!at.is_at_end() && at.tokens()[at.place()].kind == TokenKind::number) {
      TRY_ASSIGN(const int64_t count, at.integer("a number of rows"));
      out.count = static_cast<uint64_t>(count);
    }
  } else if (at.sees("prior") || at.sees("first") || at.sees("last") || at.sees("absolute") || at.sees("relative") ||
             at.sees("backward")) {
    return at.unsupported("FETCH " + capitals(at.word()), "a cursor goes forward only");
  } else if (!at.is_at_end() && at.tokens()[at.place()].kind == TokenKind::number) {
    TRY_ASSIGN(const int64_t count, at.integer("a number of rows"));
    out.count = static_cast<uint64_t>(count);
  }
  if (!at.accept("from")) at.accept("in");
  TRY_ASSIGN(out.name, at.identifier("a cursor's name"));
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<std::string> name_or_all(Cursor& at, std::string_view what) {
  std::string out;
  if (!at.accept("all")) {
    TRY_ASSIGN(out, at.identifier(what));
  }
  TRY(at.expect_end());
  return out;
}

Result<Statement> prepare(Cursor& at) {
  PrepareStatement out;
  TRY_ASSIGN(out.name, at.identifier("a statement's name"));
  if (at.accept_symbol("(")) {
    do {
      TRY_ASSIGN(const Type type, parse_type(at));
      out.types.push_back(type.engine);
    } while (at.accept_symbol(","));
    TRY(at.expect_symbol(")"));
  }
  TRY(at.expect("as"));
  out.query = at.rest();
  if (out.query.empty()) return at.expected("a statement");
  return Statement(std::move(out));
}

Result<Statement> execute(Cursor& at) {
  ExecutePrepared out;
  TRY_ASSIGN(out.name, at.identifier("a statement's name"));
  if (at.accept_symbol("(")) {
    if (!at.accept_symbol(")")) {
      for (;;) {
        const size_t first = at.place();
        while (!at.is_at_end() && !at.sees_symbol(",") && !at.sees_symbol(")")) at.skip();
        if (at.place() == first) return at.expected("a value");
        out.arguments.push_back({first, at.place()});
        if (at.accept_symbol(")")) break;
        TRY(at.expect_symbol(","));
      }
    }
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

bool begins_option_of_explain(const Cursor& at) {
  static constexpr std::string_view kOptions[] = {"analyze", "verbose", "format",  "costs",   "buffers",
                                                  "wal",     "timing",  "summary", "settings"};
  return at.sees_symbol("(") &&
         std::any_of(std::begin(kOptions), std::end(kOptions), [&](std::string_view word) { return at.sees(word, 1); });
}

// TRUE, ON, or nothing at all say yes: PostgreSQL 15, sql-explain.
bool explain_option_is_on(Cursor& at) {
  if (at.accept("false") || at.accept("off")) return false;
  static_cast<void>(at.accept("true") || at.accept("on"));
  return true;
}

// (ANALYZE, VERBOSE, FORMAT JSON)
Status explain_options(Cursor& at, Explain& out) {
  TRY(at.expect_symbol("("));
  do {
    if (at.accept("analyze")) {
      out.analyze = explain_option_is_on(at);
    } else if (at.accept("verbose")) {
      out.verbose = explain_option_is_on(at);
    } else if (at.accept("format")) {
      out.as_json = at.accept("json");
      if (!out.as_json && !at.accept("text")) return at.unsupported("A format of EXPLAIN but TEXT and JSON");
    } else {
      return at.unsupported("An option of EXPLAIN but ANALYZE, VERBOSE and FORMAT");
    }
  } while (at.accept_symbol(","));
  return at.expect_symbol(")");
}

Result<Statement> explain(Cursor& at) {
  Explain out;
  if (begins_option_of_explain(at)) {
    TRY(explain_options(at, out));
  }
  for (;;) {
    if (at.accept("verbose")) {
      out.verbose = true;
    } else if (at.accept("analyze")) {
      out.analyze = true;
    } else {
      break;
    }
  }
  out.statement = at.rest();
  if (out.statement.empty()) return at.expected("a statement");
  return Statement(out);
}

Result<Statement> maintain(Cursor& at, bool analyze) {
  Maintain out;
  out.analyze = analyze;
  const std::vector<std::string_view> words =
      analyze ? std::vector<std::string_view>{"verbose", "compression"}
              : std::vector<std::string_view>{"full",      "sort",    "delete",  "only",  "reindex",
                                              "recluster", "verbose", "analyze", "freeze"};
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view word : words) {
      if (!at.accept(word)) continue;
      out.what += (out.what.empty() ? "" : " ") + std::string(word);
      found = true;
    }
  }
  if (!at.is_at_end() && !at.sees("predicate")) {
    TRY_ASSIGN(out.name, at.name("a table's name"));
    if (at.sees_symbol("(")) {
      TRY(at.column_list("a column"));
    }
    if (at.accept("to")) {
      TRY(at.integer("a percentage"));
      TRY(at.expect("percent"));
    }
    at.accept("boost");
    if (at.accept("comprows")) {
      TRY(at.integer("a number of rows"));
    }
  }
  at.accept_all({"predicate", "columns"});
  at.accept_all({"all", "columns"});
  TRY(at.expect_end());
  return Statement(std::move(out));
}

// SELECT … INTO [TEMP] [TABLE] name FROM …: the words are looked for outside of brackets.
Status find_into(Cursor at, Query& out) {
  while (!at.is_at_end() && !at.sees("from") && !at.sees("union")) {
    if (!at.sees("into")) {
      at.skip();
      continue;
    }
    out.into_words.first = at.place();
    at.skip();
    out.into_temporary = at.accept("temp") || at.accept("temporary");
    at.accept("table");
    TRY_ASSIGN(out.into, at.name("a table's name"));
    if (out.into->name.starts_with('#')) out.into_temporary = true;
    out.into_words.last = at.place();
    return {};
  }
  return {};
}

Result<Statement> query(Cursor at) {
  Query out;
  // WITH … and brackets before the verb.
  Cursor ahead = at;
  while (ahead.accept_symbol("(")) {
  }
  if (ahead.accept("with")) {
    ahead.accept("recursive");
    for (;;) {
      ahead.skip();                              // the name
      if (ahead.sees_symbol("(")) ahead.skip();  // its columns
      if (!ahead.accept("as")) break;
      ahead.accept("not");
      ahead.accept("materialized");
      ahead.skip();  // the query
      if (!ahead.accept_symbol(",")) break;
    }
  }
  const std::string verb = ahead.word();
  out.changes = verb == "insert" || verb == "update" || verb == "delete" || verb == "merge";
  out.verb = verb == "with" || verb == "values" || verb == "from" || verb == "table" || verb.empty() ||
                     verb == "pivot" || verb == "unpivot"
                 ? "SELECT"
                 : capitals(verb);
  if (verb == "select" && !at.sees_symbol("(")) {
    TRY(find_into(ahead, out));
  }
  return Statement(std::move(out));
}

Result<Statement> refresh(Cursor& at) {
  TRY(at.expect("materialized"));
  TRY(at.expect("view"));
  TRY_ASSIGN(Name name, at.name("a view's name"));
  at.accept("cascade");
  at.accept("restrict");
  TRY(at.expect_end());
  return Statement(RefreshView{std::move(name)});
}

Result<Statement> truncate(Cursor& at) {
  at.accept("table");
  TRY_ASSIGN(Name name, at.name("a table's name"));
  TRY(at.expect_end());
  return Statement(Truncate{std::move(name)});
}

Result<Statement> lock(Cursor& at) {
  at.accept("table");
  LockTables out;
  do {
    TRY_ASSIGN(Name name, at.name("a table's name"));
    out.names.push_back(std::move(name));
  } while (at.accept_symbol(","));
  if (at.accept("in")) {  // a mode: there is one
    while (!at.is_at_end() && !at.sees("nowait")) at.skip();
  }
  at.accept("nowait");
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> discard(Cursor& at) {
  if (!at.accept("all") && !at.accept("temp") && !at.accept("plans")) return at.expected("ALL");
  TRY(at.expect_end());
  return Statement(Discard{});
}

Result<Statement> close(Cursor& at) {
  TRY_ASSIGN(std::string name, name_or_all(at, "a cursor's name"));
  return Statement(CloseCursor{std::move(name)});
}

Result<Statement> deallocate(Cursor& at) {
  at.accept("prepare");
  TRY_ASSIGN(std::string name, name_or_all(at, "a statement's name"));
  return Statement(Deallocate{std::move(name)});
}

Result<Statement> start(Cursor& at) {
  TRY(at.expect("transaction"));
  return begin(at);
}

using Parse = Result<Statement> (*)(Cursor&);
struct FirstWord {
  std::string_view word;
  Parse parse;  // of what follows
};
constexpr FirstWord kFirstWords[] = {
    {"abort", [](Cursor& at) { return end(at, Transaction::What::rollback); }},
    {"alter", parse_alter},
    {"attach", [](Cursor& at) { return parse_attach(at, false); }},
    {"detach", [](Cursor& at) { return parse_attach(at, true); }},
    {"analyse", [](Cursor& at) { return maintain(at, true); }},
    {"analyze", [](Cursor& at) { return maintain(at, true); }},
    {"begin", begin},
    {"close", close},
    {"comment", parse_comment},
    {"commit", [](Cursor& at) { return end(at, Transaction::What::commit); }},
    {"copy", parse_copy},
    {"create", parse_create},
    {"deallocate", deallocate},
    {"declare", declare},
    {"discard", discard},
    {"drop", parse_drop},
    {"end", [](Cursor& at) { return end(at, Transaction::What::commit); }},
    {"execute", execute},
    {"explain", explain},
    {"fetch", fetch},
    {"grant", [](Cursor& at) { return parse_grant(at, false); }},
    {"lock", lock},
    {"prepare", prepare},
    {"refresh", refresh},
    {"reset", reset},
    {"revoke", [](Cursor& at) { return parse_grant(at, true); }},
    {"rollback", [](Cursor& at) { return end(at, Transaction::What::rollback); }},
    {"set", set},
    {"show", show},
    {"start", start},
    {"truncate", truncate},
    {"unload", parse_unload},
    {"vacuum", [](Cursor& at) { return maintain(at, false); }},
};
constexpr std::string_view kUnsupported[] = {"copy",   "unload", "call",   "savepoint", "release",
                                             "cancel", "use",    "listen", "notify",    "do"};

}  // namespace

Result<Statement> parse_statement(std::string_view sql, const std::vector<Token>& tokens, TokenRange range) {
  Cursor at(sql, tokens, range);
  const std::string word = at.word();
  for (const FirstWord& known : kFirstWords) {
    if (word != known.word) continue;
    at.skip();
    return known.parse(at);
  }
  for (const std::string_view known : kUnsupported) {
    if (word == known) return at.unsupported(capitals(word));
  }
  return query(at);
}

namespace {

const char* object_name(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::table:
      return "TABLE";
    case ObjectKind::view:
      return "VIEW";
    case ObjectKind::materialized_view:
      return "MATERIALIZED VIEW";
    case ObjectKind::schema:
      return "SCHEMA";
    case ObjectKind::user:
      return "USER";
    case ObjectKind::role:
      return "ROLE";
    case ObjectKind::group:
      return "GROUP";
    case ObjectKind::function:
      return "FUNCTION";
    case ObjectKind::procedure:
      return "PROCEDURE";
    case ObjectKind::database:
      return "DATABASE";
  }
  return "TABLE";
}

struct Tags {
  std::string operator()(const Query& query) const { return query.into ? "SELECT" : query.verb; }
  std::string operator()(const Transaction& one) const {
    if (one.what == Transaction::What::begin) return "BEGIN";
    return one.what == Transaction::What::commit ? "COMMIT" : "ROLLBACK";
  }
  std::string operator()(const SetSetting&) const { return "SET"; }
  std::string operator()(const ShowSetting&) const { return "SHOW"; }
  std::string operator()(const ResetSetting&) const { return "RESET"; }
  std::string operator()(const Discard&) const { return "DISCARD ALL"; }
  std::string operator()(const DeclareCursor&) const { return "DECLARE CURSOR"; }
  std::string operator()(const FetchCursor&) const { return "FETCH"; }
  std::string operator()(const CloseCursor&) const { return "CLOSE CURSOR"; }
  std::string operator()(const PrepareStatement&) const { return "PREPARE"; }
  std::string operator()(const ExecutePrepared&) const { return "EXECUTE"; }
  std::string operator()(const Deallocate&) const { return "DEALLOCATE"; }
  std::string operator()(const CreateTable& one) const { return one.query.empty() ? "CREATE TABLE" : "SELECT"; }
  std::string operator()(const CreateView& one) const {
    return one.is_materialized ? "CREATE MATERIALIZED VIEW" : "CREATE VIEW";
  }
  std::string operator()(const RefreshView&) const { return "REFRESH MATERIALIZED VIEW"; }
  std::string operator()(const Drop& one) const { return std::string("DROP ") + object_name(one.kind); }
  std::string operator()(const CreateSchema&) const { return "CREATE SCHEMA"; }
  std::string operator()(const CreateExternalSchema&) const { return "CREATE SCHEMA"; }
  std::string operator()(const CreateExternalTable& one) const {
    return one.query.empty() ? "CREATE EXTERNAL TABLE" : "SELECT";
  }
  std::string operator()(const AlterExternalTable&) const { return "ALTER TABLE"; }
  std::string operator()(const Alter& one) const { return std::string("ALTER ") + object_name(one.kind); }
  std::string operator()(const Comment&) const { return "COMMENT"; }
  std::string operator()(const Truncate&) const { return "TRUNCATE TABLE"; }
  std::string operator()(const Copy&) const { return "COPY"; }
  std::string operator()(const CopyIn&) const { return "COPY"; }
  std::string operator()(const CopyOut&) const { return "COPY"; }
  std::string operator()(const Unload&) const { return "UNLOAD"; }
  std::string operator()(const LockTables&) const { return "LOCK TABLE"; }
  std::string operator()(const Maintain& one) const { return one.analyze ? "ANALYZE" : "VACUUM"; }
  std::string operator()(const Explain&) const { return "EXPLAIN"; }
  std::string operator()(const UserChange& one) const { return one.is_new ? "CREATE USER" : "ALTER USER"; }
  std::string operator()(const RoleChange& one) const {
    return std::string(one.is_new ? "CREATE " : "ALTER ") + (one.is_group ? "GROUP" : "ROLE");
  }
  std::string operator()(const Grant& one) const { return one.revokes ? "REVOKE" : "GRANT"; }
  std::string operator()(const DefaultPrivileges&) const { return "ALTER DEFAULT PRIVILEGES"; }
  static std::string policy(PolicyKind kind) { return kind == PolicyKind::rows ? " RLS POLICY" : " MASKING POLICY"; }
  std::string operator()(const DefinePolicy& one) const { return (one.is_new ? "CREATE" : "ALTER") + policy(one.kind); }
  std::string operator()(const DropPolicy& one) const { return "DROP" + policy(one.kind); }
  std::string operator()(const AttachPolicy& one) const {
    return (one.detaches ? "DETACH" : "ATTACH") + policy(one.kind);
  }
  std::string operator()(const CreateFunction&) const { return "CREATE FUNCTION"; }
  std::string operator()(const DropFunction&) const { return "DROP FUNCTION"; }
};

}  // namespace

std::string tag_of(const Statement& statement) {
  return std::visit(Tags(), statement);
}

}  // namespace weir::dialect
