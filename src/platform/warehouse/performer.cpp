// A statement by its kind: queries, transactions, settings, cursors, prepared statements, EXPLAIN, upkeep. Tables,
// users and grants have files of their own.
#include <algorithm>

#include "core/base/quotes.h"
#include "platform/warehouse/run.h"
#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

constexpr size_t kPreparedMax = 1'000, kCursorsMax = 100;

Answer tag(std::string text) {
  return Answer{.stream = nullptr, .tag = std::move(text)};
}

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

// --- cursors
// ----------------------------------------------------------------------------------------------------------

// Rows of a block from some row on.
class LaterRows final : public engine::ResultVector {
 public:
  LaterRows(const engine::ResultVector& all, size_t from) : all_(all), from_(from) {
    kind = all.kind;
    scale = all.scale;
  }
  bool is_null(size_t row) const override { return all_.is_null(row + from_); }
  bool truth(size_t row) const override { return all_.truth(row + from_); }
  int64_t integer(size_t row) const override { return all_.integer(row + from_); }
  engine::Wide wide(size_t row) const override { return all_.wide(row + from_); }
  double real(size_t row) const override { return all_.real(row + from_); }
  engine::Interval interval(size_t row) const override { return all_.interval(row + from_); }
  std::string_view text(size_t row) const override { return all_.text(row + from_); }

 private:
  const engine::ResultVector& all_;
  const size_t from_;
};

// Up to `count` rows of a cursor, which goes forward with them.
class FetchedRows final : public engine::ResultStream {
 public:
  FetchedRows(std::shared_ptr<SessionState::Cursor> cursor, uint64_t count)
      : cursor_(std::move(cursor)), left_(count) {}
  const std::vector<engine::ResultColumn>& columns() const override { return cursor_->rows->columns(); }

  Result<const engine::ResultBlock*> next_block() override {
    if (left_ == 0) return nullptr;
    if (cursor_->block == nullptr || cursor_->at == cursor_->block->rows) {
      TRY_ASSIGN(cursor_->block, cursor_->rows->next_block());
      cursor_->at = 0;
    }
    if (cursor_->block == nullptr) {
      left_ = 0;
      return nullptr;
    }
    shown_.rows = std::min<uint64_t>(left_, cursor_->block->rows - cursor_->at);
    shown_.columns.clear();
    vectors_.clear();
    for (const engine::ResultVector* one : cursor_->block->columns) {
      vectors_.push_back(std::make_unique<LaterRows>(*one, cursor_->at));
      shown_.columns.push_back(vectors_.back().get());
    }
    cursor_->at += shown_.rows;
    left_ -= shown_.rows;
    return &shown_;
  }
  Result<Rows> next() override {
    return error_of(Code::unsupported, "0A000", "FETCH gives its rows as columns only",
                    "cursors are for sessions of the wire");
  }
  // The cursor's rows are kept already.
  Status keep() override { return {}; }

 private:
  const std::shared_ptr<SessionState::Cursor> cursor_;
  uint64_t left_;
  engine::ResultBlock shown_;
  std::vector<std::unique_ptr<LaterRows>> vectors_;
};

// --- by kind
// ----------------------------------------------------------------------------------------------------------

class Performer {
 public:
  Performer(SessionState& session, const Words& words, const dialect::Statement& parsed,
            const engine::Parameters& parameters)
      : session_(session), words_(words), parsed_(parsed), parameters_(parameters) {}

  Result<Answer> operator()(const dialect::Query& query) {
    if (query.into) return define(session_, words_, parsed_);
    const engine::Scope scope = query.changes ? engine::Scope::change : engine::Scope::read;
    return session_.to_engine(words_, words_.range, parameters_, scope, query.verb);
  }

  Result<Answer> operator()(const dialect::Transaction& order) {
    TRY(session_.needs_session("a transaction"));
    using What = dialect::Transaction::What;
    if (order.what != What::begin) return session_.end_transaction(order.what == What::commit);
    if (session_.transaction == TransactionState::none) {
      TRY(session_.begin());
    } else {
      session_.notice("WARNING", "25001", "there is already a transaction in progress");
    }
    return tag("BEGIN");
  }

  Result<Answer> operator()(const dialect::SetSetting& order) {
    TRY(session_.needs_session("SET"));
    if (order.name == "session_authorization") {
      if (order.values.empty()) return tag("SET");
      return error_of(Code::unsupported, "0A000", "SET SESSION AUTHORIZATION is not supported", "sign in as that user");
    }
    std::optional<std::string> value;
    for (const std::string& one : order.values) {
      const bool is_list = order.name == "search_path" && order.values.size() > 1;
      if (value) {
        *value += ", " + (is_list ? quoted_if_needed(one) : one);
      } else {
        value = is_list ? quoted_if_needed(one) : one;
      }
    }
    if (order.is_local && session_.transaction == TransactionState::none) {
      session_.notice("WARNING", "25P01", "SET LOCAL can only be used in transaction blocks");
      return tag("SET");
    }
    TRY_ASSIGN(const Settings::Change change, session_.settings->set(order.name, value));
    TRY(session_.apply(change));
    if (order.is_local) session_.is_local_setting(change.name);
    return tag("SET");
  }

  Result<Answer> operator()(const dialect::ShowSetting& order) {
    if (order.name == "all") {
      Rows rows;
      for (const auto& [name, value] : session_.settings->all()) rows.push_back({name, value, std::string()});
      return answer({{"name", "VARCHAR"}, {"setting", "VARCHAR"}, {"description", "VARCHAR"}}, std::move(rows), "SHOW");
    }
    const auto value = session_.settings->find(order.name);
    if (!value) {
      return error_of(Code::not_found, "42704", "unrecognized configuration parameter \"" + order.name + "\"",
                      "SHOW ALL lists them");
    }
    return answer({{order.name, "VARCHAR"}}, {{*value}}, "SHOW");
  }

  Result<Answer> operator()(const dialect::ResetSetting& order) {
    TRY(session_.needs_session("RESET"));
    if (order.name == "session_authorization") return tag("RESET");
    if (order.name == "all") {
      for (const Settings::Change& change : session_.settings->reset_all()) {
        TRY(session_.apply(change));
      }
      return tag("RESET");
    }
    TRY_ASSIGN(const Settings::Change change, session_.settings->set(order.name, std::nullopt));
    TRY(session_.apply(change));
    return tag("RESET");
  }

  Result<Answer> operator()(const dialect::Discard&) {
    TRY(session_.needs_session("DISCARD"));
    if (session_.transaction != TransactionState::none) {
      return error_of(Code::conflict, "25001", "DISCARD ALL cannot run inside a transaction block");
    }
    session_.reset();
    return tag("DISCARD ALL");
  }

  Result<Answer> operator()(const dialect::DeclareCursor& order) {
    TRY(session_.needs_session("a cursor"));
    if (session_.transaction != TransactionState::open) {
      return error_of(Code::conflict, "25P01", "DECLARE CURSOR can only be used in transaction blocks", "BEGIN first");
    }
    if (session_.cursors.contains(order.name)) {
      return error_of(Code::conflict, "42P03", "cursor \"" + order.name + "\" already exists", "CLOSE it first");
    }
    if (session_.cursors.size() >= kCursorsMax) {
      return error_of(Code::busy, "53400", "a session has no more than 100 open cursors", "CLOSE some");
    }
    TRY_ASSIGN(Answer rows, session_.to_engine(words_, order.query, parameters_, engine::Scope::read, "SELECT"));
    auto cursor = std::make_shared<SessionState::Cursor>();
    cursor->rows = std::move(rows.stream);
    TRY(cursor->rows->keep());
    session_.cursors.emplace(order.name, std::move(cursor));
    return tag("DECLARE CURSOR");
  }

  Result<Answer> operator()(const dialect::FetchCursor& order) {
    TRY(session_.needs_session("a cursor"));
    TRY_ASSIGN(const auto cursor, find_cursor(order.name));
    return Answer{.stream = std::make_unique<FetchedRows>(cursor, order.count), .tag = "FETCH", .has_count = true};
  }

  Result<Answer> operator()(const dialect::CloseCursor& order) {
    TRY(session_.needs_session("a cursor"));
    if (order.name.empty()) {
      session_.cursors.clear();
      return tag("CLOSE CURSOR ALL");
    }
    TRY(find_cursor(order.name));
    session_.cursors.erase(order.name);
    return tag("CLOSE CURSOR");
  }

  Result<Answer> operator()(const dialect::PrepareStatement& order) {
    TRY(session_.needs_session("PREPARE"));
    if (session_.prepared.contains(order.name)) {
      return error_of(Code::conflict, "42P05", "prepared statement \"" + order.name + "\" already exists",
                      "DEALLOCATE it first");
    }
    if (session_.prepared.size() >= kPreparedMax) {
      return error_of(Code::busy, "53400", "a session keeps no more than 1000 prepared statements", "DEALLOCATE some");
    }
    TRY(session_.describe_query(words_, order.query, order.types));
    session_.prepared.emplace(order.name, SessionState::Prepared{words_, order.query, order.types});
    return tag("PREPARE");
  }

  Result<Answer> operator()(const dialect::ExecutePrepared& order) {
    TRY(session_.needs_session("EXECUTE"));
    const auto found = session_.prepared.find(order.name);
    if (found == session_.prepared.end()) {
      return error_of(Code::not_found, "26000", "prepared statement \"" + order.name + "\" does not exist");
    }
    TRY_ASSIGN(engine::Parameters values, values_of(order.arguments));
    const SessionState::Prepared& prepared = found->second;
    for (size_t i = 0; i < std::min(values.size(), prepared.types.size()); ++i) values[i].type = prepared.types[i];
    TRY_ASSIGN(const dialect::Statement inner,
               dialect::parse_statement(prepared.words.sql, prepared.words.tokens, prepared.query));
    const auto* query = std::get_if<dialect::Query>(&inner);
    if (query == nullptr) return error_of(Code::unsupported, "0A000", "only queries and changes can be prepared");
    return session_.to_engine(prepared.words, prepared.query, values,
                              query->changes ? engine::Scope::change : engine::Scope::read, query->verb);
  }

  Result<Answer> operator()(const dialect::Deallocate& order) {
    TRY(session_.needs_session("DEALLOCATE"));
    if (order.name.empty()) {
      session_.prepared.clear();
      return tag("DEALLOCATE ALL");
    }
    if (session_.prepared.erase(order.name) == 0) {
      return error_of(Code::not_found, "26000", "prepared statement \"" + order.name + "\" does not exist");
    }
    return tag("DEALLOCATE");
  }

  Result<Answer> operator()(const dialect::Explain& order) {
    TRY_ASSIGN(const dialect::Statement inner, dialect::parse_statement(words_.sql, words_.tokens, order.statement));
    const auto* query = std::get_if<dialect::Query>(&inner);
    if (query == nullptr || query->into) {
      return error_of(Code::unsupported, "0A000", "EXPLAIN takes SELECT, INSERT, UPDATE, DELETE and MERGE");
    }
    TRY_ASSIGN(dialect::EngineText text, dialect::rewrite_query(words_.sql, words_.tokens, order.statement));
    std::string word = order.analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ";
    if (order.as_json) word = order.analyze ? "EXPLAIN (ANALYZE, FORMAT JSON) " : "EXPLAIN (FORMAT JSON) ";
    const engine::Scope scope = query->changes ? engine::Scope::change : engine::Scope::read;
    auto stream = session_.engine().execute({.sql = word + text.sql, .parameters = parameters_, .scope = scope});
    if (!stream) {
      Error error = std::move(stream).error();
      // The word stands before the statement's first line only.
      if (error.position && error.position->line == 1) error.position->column -= static_cast<int>(word.size());
      return dialect::to_user(std::move(error), words_.sql, text);
    }
    // A plan is a drawing of several lines; clients of the wire show one a row.
    if (session_.is_single) return Answer{.stream = std::move(*stream), .tag = "EXPLAIN"};
    Rows lines;
    for (;;) {
      TRY_ASSIGN(const Rows rows, (*stream)->next());
      if (rows.empty()) break;
      for (const auto& row : rows) add_lines(row.back(), lines);
    }
    return answer({{"QUERY PLAN", "VARCHAR"}}, std::move(lines), "EXPLAIN");
  }

  Result<Answer> operator()(const dialect::Maintain& order) {
    if (order.what == "compression") {
      return error_of(Code::unsupported, "0A000", "ANALYZE COMPRESSION is not supported",
                      "the engine chooses how columns are encoded by itself");
    }
    if (session_.transaction == TransactionState::open && !order.analyze) {
      return error_of(Code::conflict, "25001", "VACUUM cannot run inside a transaction block");
    }
    if (order.name) {
      TRY_ASSIGN(const Place place, relation(session_, *order.name));
      TRY(check_owner(session_, place));
      const bool has_nothing = place.kind == "stream" || place.kind == "view" || place.kind == "external table";
      if (has_nothing) return tag(order.analyze ? "ANALYZE" : "VACUUM");
      TRY(session_.own(std::string(order.analyze ? "ANALYZE " : "VACUUM ") + place.quoted()));
    } else if (!session_.subject().is_superuser) {
      return permission_denied("maintenance of the whole database; name a table of your own");
    } else {
      TRY(session_.own(order.analyze ? "ANALYZE" : "VACUUM"));
    }
    return tag(order.analyze ? "ANALYZE" : "VACUUM");
  }

  // Transactions see snapshots and conflict when they write the same rows, so there is nothing to lock.
  Result<Answer> operator()(const dialect::LockTables& order) {
    TRY(session_.needs_session("LOCK"));
    for (const dialect::Name& name : order.names) {
      TRY(relation(session_, name));
    }
    return tag("LOCK TABLE");
  }

  Result<Answer> operator()(const dialect::Copy& order) { return copy(session_, order); }
  Result<Answer> operator()(const dialect::CopyIn& order) { return copy_in(session_, order); }
  Result<Answer> operator()(const dialect::CopyOut& order) { return copy_out(session_, words_, order); }
  Result<Answer> operator()(const dialect::Unload& order) { return unload(session_, order); }
  Result<Answer> operator()(const dialect::UserChange&) { return change_users(session_, parsed_); }
  Result<Answer> operator()(const dialect::RoleChange&) { return change_users(session_, parsed_); }
  Result<Answer> operator()(const dialect::Grant&) { return change_grants(session_, parsed_); }
  Result<Answer> operator()(const dialect::DefaultPrivileges&) { return change_grants(session_, parsed_); }
  Result<Answer> operator()(const dialect::DefinePolicy&) { return change_policies(session_, parsed_); }
  Result<Answer> operator()(const dialect::DropPolicy&) { return change_policies(session_, parsed_); }
  Result<Answer> operator()(const dialect::AttachPolicy&) { return change_policies(session_, parsed_); }
  Result<Answer> operator()(const dialect::CreateFunction&) { return change_functions(session_, parsed_); }
  Result<Answer> operator()(const dialect::DropFunction&) { return change_functions(session_, parsed_); }
  Result<Answer> operator()(const dialect::Drop& order) {
    const bool is_person = order.kind == dialect::ObjectKind::user || order.kind == dialect::ObjectKind::role ||
                           order.kind == dialect::ObjectKind::group;
    return is_person ? change_users(session_, parsed_) : define(session_, words_, parsed_);
  }
  template <class Definition>
  Result<Answer> operator()(const Definition&) {
    return define(session_, words_, parsed_);
  }

 private:
  Result<Answer> answer(std::vector<engine::ResultColumn> columns, Rows rows, std::string text) {
    return Answer{.stream = rows_in_memory(std::move(columns), std::move(rows)), .tag = std::move(text)};
  }

  static std::string quoted_if_needed(const std::string& name) {
    const bool is_plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
    });
    return is_plain ? name : quoted_name(name);
  }

  Result<std::shared_ptr<SessionState::Cursor>> find_cursor(const std::string& name) {
    const auto found = session_.cursors.find(name);
    if (found != session_.cursors.end()) return found->second;
    return error_of(Code::not_found, "34000", "cursor \"" + name + "\" does not exist",
                    "a cursor lives as long as its transaction");
  }

  // What the expressions are.
  Result<engine::Parameters> values_of(const std::vector<dialect::TokenRange>& arguments) {
    engine::Parameters out;
    if (arguments.empty()) return out;
    std::string sql = "SELECT ";
    for (const dialect::TokenRange& one : arguments) {
      TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words_.sql, words_.tokens, one));
      sql += (sql.size() > 7 ? ", (" : "(") + text.sql + ")";
    }
    TRY_ASSIGN(const auto stream, session_.engine().execute({.sql = sql, .parameters = parameters_}));
    TRY_ASSIGN(const Rows rows, stream->next());
    for (size_t i = 0; i < rows.front().size(); ++i) {
      const engine::Cell& cell = rows.front()[i];
      engine::Parameter value;
      if (const auto* text = std::get_if<std::string>(&cell)) {
        value.value = *text;
        if (stream->columns()[i].type != "VARCHAR") value.type = stream->columns()[i].type;
      } else if (const auto* number = std::get_if<int64_t>(&cell)) {
        value.value = *number;
      } else if (const auto* real = std::get_if<double>(&cell)) {
        value.value = *real;
      } else if (const auto* truth = std::get_if<bool>(&cell)) {
        value.value = *truth;
      }
      out.push_back(std::move(value));
    }
    return out;
  }

  static void add_lines(const engine::Cell& cell, Rows& out) {
    const auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr) return;
    for (size_t begin = 0; begin < text->size();) {
      const size_t end = std::min(text->find('\n', begin), text->size());
      out.push_back({text->substr(begin, end - begin)});
      begin = end + 1;
    }
  }

  SessionState& session_;
  const Words& words_;
  const dialect::Statement& parsed_;
  const engine::Parameters& parameters_;
};

// --- what it will give
// ------------------------------------------------------------------------------------------------

Shape shape_of(engine::Description described) {
  Shape out{.returns_rows = described.returns_rows, .columns = std::move(described.columns), .parameters = {}};
  for (std::string& type : described.parameters) out.parameters.push_back(type.empty() ? "VARCHAR" : std::move(type));
  for (engine::ResultColumn& column : out.columns) {
    if (column.type.empty()) column.type = "VARCHAR";
  }
  return out;
}

}  // namespace

Answer only_tag(const dialect::Statement& parsed) {
  return tag(dialect::tag_of(parsed));
}

Result<Answer> perform(SessionState& session, const Words& words, const dialect::Statement& parsed,
                       const engine::Parameters& parameters) {
  return std::visit(Performer(session, words, parsed, parameters), parsed);
}

Result<Shape> SessionState::describe(const std::string& statement, const std::vector<std::string>& types) {
  TRY_ASSIGN(const Words words, Words::of(statement));
  Shape none{.returns_rows = false, .columns = {}, .parameters = {}};
  for (const std::string& type : types) none.parameters.push_back(type.empty() ? "VARCHAR" : type);
  if (words.range.empty()) return none;
  TRY_ASSIGN(const dialect::Statement parsed, dialect::parse_statement(words.sql, words.tokens, words.range));
  if (transaction == TransactionState::failed && !std::holds_alternative<dialect::Transaction>(parsed)) {
    return error_of(Code::conflict, "25P02",
                    "current transaction is aborted, commands ignored until end of transaction block",
                    "ROLLBACK ends it");
  }
  if (const auto run = reading.lock()) {
    TRY(run->keep_rows());
  }
  const auto rows_of = [&](std::vector<engine::ResultColumn> columns) {
    Shape out = none;
    out.returns_rows = true;
    out.columns = std::move(columns);
    return out;
  };
  if (const auto* query = std::get_if<dialect::Query>(&parsed)) {
    if (query->into) return none;
    TRY(govern(std::nullopt, false));
    TRY_ASSIGN(engine::Description described, describe_query(words, words.range, types));
    return shape_of(std::move(described));
  }
  if (std::holds_alternative<dialect::Explain>(parsed)) return rows_of({{"QUERY PLAN", "VARCHAR"}});
  if (const auto* show = std::get_if<dialect::ShowSetting>(&parsed)) {
    if (show->name != "all") return rows_of({{show->name, "VARCHAR"}});
    return rows_of({{"name", "VARCHAR"}, {"setting", "VARCHAR"}, {"description", "VARCHAR"}});
  }
  if (const auto* fetch = std::get_if<dialect::FetchCursor>(&parsed)) {
    const auto found = cursors.find(fetch->name);
    if (found == cursors.end()) {
      return error_of(Code::not_found, "34000", "cursor \"" + fetch->name + "\" does not exist");
    }
    return rows_of(found->second->rows->columns());
  }
  if (const auto* execute = std::get_if<dialect::ExecutePrepared>(&parsed)) {
    const auto found = prepared.find(execute->name);
    if (found == prepared.end()) {
      return error_of(Code::not_found, "26000", "prepared statement \"" + execute->name + "\" does not exist");
    }
    TRY(govern(std::nullopt, false));
    TRY_ASSIGN(engine::Description described,
               describe_query(found->second.words, found->second.query, found->second.types));
    Shape out = shape_of(std::move(described));
    out.parameters = none.parameters;
    return out;
  }
  return none;
}

}  // namespace weir::warehouse
