// CREATE FUNCTION … LANGUAGE sql, and DROP FUNCTION.
#include "platform/dialect/cursor.h"
#include "platform/dialect/rewrite.h"

namespace weir::dialect {
namespace {

constexpr size_t kArgumentsMax = 32;  // udf-constraints

// "plpythonu", wherever it stands.
std::string language_of(Cursor at) {
  for (; !at.is_at_end(); at.skip()) {
    if (!at.accept("language")) continue;
    if (!at.sees_text()) return at.word();
    const auto text = at.text("a language");
    return text ? *text : std::string();
  }
  return {};
}

Result<std::vector<Type>> types(Cursor& at) {
  std::vector<Type> out;
  TRY(at.expect_symbol("("));
  if (at.accept_symbol(")")) return out;
  do {
    TRY_ASSIGN(Type one, parse_type(at));
    if (!at.sees_symbol(",") && !at.sees_symbol(")")) {
      return at.expected("\",\" or \")\": an argument of a function in SQL has a type and no name, and is called $1");
    }
    out.push_back(std::move(one));
  } while (at.accept_symbol(","));
  TRY(at.expect_symbol(")"));
  if (out.size() > kArgumentsMax) {
    return Error(Code::too_large, "a function takes up to " + std::to_string(kArgumentsMax) + " arguments");
  }
  return out;
}

// SELECT expression: nothing that reads, as udf-creating-a-scalar-sql-udf says.
Result<std::string> selected(const std::string& body) {
  const auto wrong = [](std::string what) {
    Error out(Code::invalid, "the body of a function in SQL " + std::move(what),
              "AS $$ SELECT an expression over $1, $2 … $$; FROM stands in the statement that calls it");
    out.sqlstate = "42P13";
    return out;
  };
  TRY_ASSIGN(const std::vector<Token> tokens, tokenize(body));
  const std::vector<TokenRange> statements = split_statements(body, tokens);
  if (statements.size() != 1) return wrong("is one SELECT");
  const TokenRange all = statements.front();
  if (!is_word(body, tokens[all.first], "select")) return wrong("begins with SELECT");
  const TokenRange rest{all.first + 1, all.last};
  if (rest.empty()) return wrong("selects an expression");
  int depth = 0;
  for (size_t i = rest.first; i < rest.last; ++i) {
    if (is_symbol(body, tokens[i], "(")) ++depth;
    if (is_symbol(body, tokens[i], ")")) --depth;
    if (is_word(body, tokens[i], "select")) return wrong("has no SELECT in it but the first");
    for (const char* word : {"from", "into", "where", "group", "having", "order", "limit", "union", "intersect",
                             "except", "minus", "qualify", "window", "over"}) {
      if (depth == 0 && is_word(body, tokens[i], word)) return wrong("has no " + std::string(word));
    }
    if (depth == 0 && is_symbol(body, tokens[i], ",")) return wrong("selects one expression");
  }
  TRY_ASSIGN(const EngineText text, rewrite_query(body, tokens, rest));
  return text.sql;
}

}  // namespace

Result<std::vector<Type>> parse_argument_types(Cursor& at) {
  return types(at);
}

Result<std::vector<Type>> parse_types(std::string_view text) {
  const std::string sql = "(" + std::string(text) + ")";
  TRY_ASSIGN(const std::vector<Token> tokens, tokenize(sql));
  Cursor at(sql, tokens, {0, tokens.size()});
  TRY_ASSIGN(std::vector<Type> out, types(at));
  TRY(at.expect_end());
  return out;
}

Result<Statement> parse_function(Cursor& at, bool or_replace) {
  const std::string language = language_of(at);
  if (!language.empty() && language != "sql") {
    const bool is_python = language == "plpythonu";
    return at.unsupported("LANGUAGE " + language,
                          is_python ? "functions are written in SQL here: docs/reference/statements.md, CREATE FUNCTION"
                                    : "LANGUAGE sql is");
  }
  CreateFunction out;
  out.or_replace = or_replace;
  TRY_ASSIGN(out.name, at.name("a function's name"));
  TRY_ASSIGN(out.types, types(at));
  TRY(at.expect("returns"));
  TRY_ASSIGN(out.returns, parse_type(at));
  for (bool has_body = false;;) {
    if (out.volatility.empty() && (at.sees("volatile") || at.sees("stable") || at.sees("immutable"))) {
      out.volatility = at.word();
      at.skip();
    } else if (!has_body && at.accept("as")) {
      TRY_ASSIGN(out.body, at.text("$$ SELECT … $$"));
      has_body = true;
    } else if (at.accept("language")) {
      at.skip();
    } else if (at.is_at_end()) {
      if (out.volatility.empty()) return at.expected("VOLATILE, STABLE or IMMUTABLE");
      if (!has_body) return at.expected("AS $$ SELECT … $$");
      if (language.empty()) return at.expected("LANGUAGE sql");
      break;
    } else {
      return at.expected("VOLATILE, STABLE, IMMUTABLE, AS or LANGUAGE sql");
    }
  }
  auto expression = selected(out.body);
  if (!expression) {
    const Error& inner = expression.error();  // its place is one in the body
    Error error(inner.code, inner.message, inner.hint);
    error.sqlstate = inner.sqlstate;
    return error;
  }
  out.expression = std::move(*expression);
  return Statement(std::move(out));
}

Result<Statement> parse_drop_function(Cursor& at) {
  DropFunction out;
  out.if_exists = at.accept_all({"if", "exists"});
  TRY_ASSIGN(out.name, at.name("a function's name"));
  TRY_ASSIGN(out.types, parse_argument_types(at));
  out.cascade = at.accept("cascade");
  if (!out.cascade) at.accept("restrict");
  TRY(at.expect_end());
  return Statement(std::move(out));
}

}  // namespace weir::dialect
