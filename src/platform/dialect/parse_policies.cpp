// Row-level security and masking: CREATE, ALTER, DROP, ATTACH and DETACH of policies.
#include "platform/dialect/cursor.h"
#include "platform/dialect/rewrite.h"

namespace weir::dialect {
namespace {

Result<PolicyKind> kind(Cursor& at) {
  if (at.accept_all({"rls", "policy"})) return PolicyKind::rows;
  if (at.accept_all({"masking", "policy"})) return PolicyKind::mask;
  return at.expected("RLS POLICY or MASKING POLICY");
}

// WITH (a int, b varchar(10)) [[AS] t]
Status columns(Cursor& at, DefinePolicy& out) {
  TRY(at.expect_symbol("("));
  do {
    PolicyColumn one;
    TRY_ASSIGN(one.name, at.identifier("a column's name"));
    TRY_ASSIGN(one.type, parse_type(at));
    out.columns.push_back(std::move(one));
  } while (at.accept_symbol(","));
  TRY(at.expect_symbol(")"));
  if (out.kind == PolicyKind::mask || at.sees("using")) return {};
  at.accept("as");
  TRY_ASSIGN(out.alias, at.identifier("the relation's alias, or USING"));
  return {};
}

// USING (a, b): the expressions that stand between the commas.
Status expressions(Cursor& at, DefinePolicy& out) {
  TRY(at.expect("using"));
  TRY(at.expect_symbol("("));
  const size_t begin = at.place();
  const Cursor here = at;
  TRY_ASSIGN(const TokenRange all, at.in_brackets());
  if (all.empty()) return here.expected("an expression");
  const auto add = [&](size_t first, size_t last) -> Status {
    TRY_ASSIGN(const EngineText text, rewrite_query(at.sql(), at.tokens(), {first, last}));
    out.expressions.push_back(text.sql);
    return {};
  };
  Cursor inside(at.sql(), at.tokens(), all);
  size_t first = begin;
  while (!inside.is_at_end()) {
    if (out.kind == PolicyKind::mask && inside.sees_symbol(",")) {
      if (inside.place() == first) return inside.expected("an expression");
      TRY(add(first, inside.place()));
      first = inside.place() + 1;
    }
    inside.skip();
  }
  if (first >= all.last) return inside.expected("an expression");
  TRY(add(first, all.last));
  out.written =
      at.sql().substr(at.tokens()[all.first].begin, at.tokens()[all.last - 1].end - at.tokens()[all.first].begin);
  return {};
}

}  // namespace

Result<Statement> parse_policy(Cursor& at, bool is_new) {
  DefinePolicy out;
  out.is_new = is_new;
  TRY_ASSIGN(out.kind, kind(at));
  out.if_not_exists = is_new && at.accept_all({"if", "not", "exists"});
  TRY_ASSIGN(out.name, at.identifier("a policy's name"));
  if (is_new && at.accept("with")) {
    TRY(columns(at, out));
  }
  if (is_new && out.kind == PolicyKind::mask && out.columns.empty()) return at.expected("WITH (column type)");
  TRY(expressions(at, out));
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> parse_drop_policy(Cursor& at) {
  DropPolicy out;
  TRY_ASSIGN(out.kind, kind(at));
  out.if_exists = at.accept_all({"if", "exists"});
  TRY_ASSIGN(out.names, at.identifiers("a policy's name"));
  out.cascade = at.accept("cascade");
  if (!out.cascade) at.accept("restrict");
  TRY(at.expect_end());
  return Statement(std::move(out));
}

Result<Statement> parse_attach(Cursor& at, bool detaches) {
  AttachPolicy out;
  out.detaches = detaches;
  TRY_ASSIGN(out.kind, kind(at));
  TRY_ASSIGN(out.policy, at.identifier("a policy's name"));
  TRY(at.expect("on"));
  at.accept("table");
  do {
    TRY_ASSIGN(Name name, at.name("a table's name"));
    out.relations.push_back(std::move(name));
  } while (out.kind == PolicyKind::rows && at.accept_symbol(","));
  if (out.kind == PolicyKind::mask) {
    TRY_ASSIGN(out.columns, at.column_list("a column"));
    if (!detaches && at.accept("using")) {
      TRY_ASSIGN(out.inputs, at.column_list("a column"));
    }
  }
  TRY(at.expect(detaches ? "from" : "to"));
  TRY_ASSIGN(out.grantees, parse_grantees(at));
  if (out.kind == PolicyKind::mask && !detaches && at.accept("priority")) {
    TRY_ASSIGN(out.priority, at.integer("a priority"));
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

}  // namespace weir::dialect
