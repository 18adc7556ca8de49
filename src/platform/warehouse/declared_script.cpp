#include "platform/warehouse/declared_script.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "platform/dialect/rewrite.h"
#include "platform/dialect/statement.h"

namespace weir::warehouse {
namespace {

using engine::NamedValue;
using Kind = DeclaredStatement::Kind;

Error not_for_a_script(const std::string& what, std::string hint = {}) {
  return Error(Code::denied,
               what +
                   " is not for a step; it takes SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY, UNLOAD, CREATE "
                   "TABLE, DROP TABLE, external schemas and tables, REFRESH MATERIALIZED VIEW, VACUUM and ANALYZE",
               std::move(hint));
}

// --- values ---------------------------------------------------------------------------------------------------------

class Values {
 public:
  explicit Values(const std::vector<NamedValue>& values) : values_(values) {}

  Result<std::string> fill(std::string_view text) const {
    TRY_ASSIGN(const std::vector<dialect::Token> tokens, dialect::tokenize(text));
    std::string out;
    size_t copied = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const dialect::Token& token = tokens[i];
      std::string with;
      if (token.kind == dialect::TokenKind::parameter) {
        TRY_ASSIGN(with, value_of(text, token));
      } else if (token.kind == dialect::TokenKind::text && follows_unload(text, tokens, i)) {
        TRY_ASSIGN(const std::string query, dialect::text_of(text, token, {}));
        TRY_ASSIGN(const std::string filled, fill(query));
        with = quoted_text(filled);
      } else if (token.kind == dialect::TokenKind::text && token.in(text).starts_with("'s3://")) {
        with = with_places(std::string(token.in(text)));
      } else {
        continue;
      }
      out.append(text.substr(copied, token.begin - copied)).append(with);
      copied = token.end;
    }
    return out.append(text.substr(copied));
  }

 private:
  // UNLOAD ('…
  static bool follows_unload(std::string_view text, const std::vector<dialect::Token>& tokens, size_t at) {
    return at >= 2 && dialect::is_symbol(text, tokens[at - 1], "(") && dialect::is_word(text, tokens[at - 2], "unload");
  }
  Result<std::string> value_of(std::string_view text, const dialect::Token& token) const {
    const std::string name = to_lower(token.in(text).substr(1));
    const auto found =
        std::find_if(values_.begin(), values_.end(), [&](const NamedValue& one) { return one.name == name; });
    if (found != values_.end()) {
      return found->is_date ? "CAST(" + quoted_text(found->text) + " AS DATE)" : quoted_text(found->text);
    }
    std::string known;
    for (const NamedValue& one : values_) known += (known.empty() ? "$" : ", $") + one.name;
    Error error(Code::invalid, "there is no parameter " + std::string(token.in(text)) + "; known are " + known);
    error.at(dialect::place_of(text, token.begin));
    return error;
  }
  std::string with_places(std::string text) const {
    for (const NamedValue& one : values_) {
      const std::string name = "{" + one.name + "}";
      for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + one.text.size())) {
        text.replace(at, name.size(), one.text);
      }
    }
    return text;
  }
  const std::vector<NamedValue>& values_;
};

// --- statements -----------------------------------------------------------------------------------------------------

class Reader {
 public:
  Reader(engine::Engine& engine, const std::string& sql, const std::vector<dialect::Token>& tokens,
         dialect::TokenRange range)
      : engine_(engine), sql_(sql), tokens_(tokens), range_(range) {
    out_.sql = sql.substr(tokens[range.first].begin, tokens[range.last - 1].end - tokens[range.first].begin);
  }

  Result<DeclaredStatement> read() {
    TRY_ASSIGN(const dialect::Statement parsed, dialect::parse_statement(sql_, tokens_, range_));
    TRY(std::visit(*this, parsed));
    return std::move(out_);
  }

  Status operator()(const dialect::Query& query) {
    if (query.into) {
      if (query.into_temporary) return Error(Code::denied, "a step makes no temporary tables: use WITH");
      return changes(*query.into);
    }
    return examine(range_);
  }
  Status operator()(const dialect::CreateTable& order) {
    if (order.is_temporary) return Error(Code::denied, "a step makes no temporary tables: use WITH");
    if (!order.query.empty()) {
      TRY(examine(order.query));
    }
    return changes(order.name);
  }
  Status operator()(const dialect::Drop& order) {
    if (order.kind != dialect::ObjectKind::table) return not_for_a_script(dialect::tag_of(order));
    for (const dialect::Name& name : order.names) {
      TRY(changes(name));
    }
    return {};
  }
  Status operator()(const dialect::Truncate& order) { return changes(order.name); }
  Status operator()(const dialect::Copy& order) { return changes(order.table); }
  Status operator()(const dialect::RefreshView& order) { return changes(order.name); }
  Status operator()(const dialect::Unload& order) {
    out_.kind = Kind::outside;
    TRY_ASSIGN(const std::vector<dialect::Token> tokens, dialect::tokenize(order.select));
    const auto ranges = dialect::split_statements(order.select, tokens);
    if (ranges.size() != 1) return Error(Code::invalid, "UNLOAD takes one query");
    TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(order.select, tokens, ranges.front()));
    TRY_ASSIGN(const auto statements, engine_.examine_script(text.sql, {}));
    if (statements.size() == 1 && statements.front().kind == engine::ScriptStatement::Kind::read) return {};
    return Error(Code::invalid, "UNLOAD takes one SELECT");
  }
  Status operator()(const dialect::Maintain&) {
    out_.kind = Kind::maintain;
    return {};
  }
  // What they change lies in the data catalog: nothing that is declared is made of it.
  Status operator()(const dialect::CreateExternalSchema&) { return writes_nothing(); }
  Status operator()(const dialect::AlterExternalTable&) { return writes_nothing(); }
  Status operator()(const dialect::CreateExternalTable& order) {
    if (!order.query.empty()) {
      TRY(examine(order.query));
      out_.kind = Kind::outside;
      return {};
    }
    return writes_nothing();
  }
  Status operator()(const dialect::Transaction& order) {
    return not_for_a_script(dialect::tag_of(order), "a step is one transaction by itself");
  }
  template <class Other>
  Status operator()(const Other& order) {
    return not_for_a_script(dialect::tag_of(order));
  }

 private:
  Status writes_nothing() {
    out_.kind = Kind::write;
    return {};
  }
  Status changes(const dialect::Name& name) {
    out_.kind = Kind::write;
    const bool is_ours = name.schema.empty() || name.schema == "main" || name.schema == "public";
    if (!is_ours || !name.database.empty()) {
      Error error(Code::denied, "\"" + (name.database.empty() ? "" : name.database + ".") + name.schema + "." +
                                    name.name +
                                    "\" is not for steps to change: tables of theirs lie in main and public");
      error.at(dialect::place_of(sql_, name.at));
      return error;
    }
    out_.writes.push_back((name.schema == "public" ? "public." : "") + to_lower(name.name));
    return {};
  }
  // A query or a change, as the engine takes it apart.
  Status examine(dialect::TokenRange range) {
    TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(sql_, tokens_, range));
    auto statements = engine_.examine_script(text.sql, {});
    if (!statements) return dialect::to_user(statements.error(), sql_, text);
    for (const engine::ScriptStatement& one : *statements) {
      for (const engine::TableRead& table : one.writes) out_.writes.push_back(table.name);
      if (one.kind == engine::ScriptStatement::Kind::write) out_.kind = Kind::write;
      if (one.kind == engine::ScriptStatement::Kind::maintain) out_.kind = Kind::maintain;
    }
    return {};
  }

  engine::Engine& engine_;
  const std::string& sql_;
  const std::vector<dialect::Token>& tokens_;
  const dialect::TokenRange range_;
  DeclaredStatement out_;
};

}  // namespace

Result<std::vector<DeclaredStatement>> read_script(engine::Engine& engine, std::string_view text,
                                                   const std::vector<NamedValue>& values) {
  TRY_ASSIGN(const std::string sql, Values(values).fill(text));
  TRY_ASSIGN(const std::vector<dialect::Token> tokens, dialect::tokenize(sql));
  std::vector<DeclaredStatement> out;
  for (const dialect::TokenRange& range : dialect::split_statements(sql, tokens)) {
    TRY_ASSIGN(DeclaredStatement one, Reader(engine, sql, tokens, range).read());
    out.push_back(std::move(one));
  }
  if (out.empty()) return Error(Code::invalid, "there is no statement");
  const bool maintains =
      std::any_of(out.begin(), out.end(), [](const auto& one) { return one.kind == Kind::maintain; });
  if (maintains && out.size() > 1) {
    return Error(Code::invalid, "VACUUM and ANALYZE share no transaction with other statements",
                 "put them into a step of their own");
  }
  return out;
}

}  // namespace weir::warehouse
