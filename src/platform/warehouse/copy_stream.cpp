#include "platform/warehouse/copy_stream.h"

#include <algorithm>
#include <set>

#include "platform/warehouse/load_log.h"
#include "platform/warehouse/run.h"
#include "platform/warehouse/table_definition.h"

namespace weir::warehouse {
namespace {

constexpr size_t kValueShown = 100;  // bytes of a value that fails, as PostgreSQL shows

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

std::string value_name(size_t index) {
  return "c" + std::to_string(index + 1);
}

// A place among those that load at once, for as long as it lives.
class LoadSlot {
 public:
  static Result<std::unique_ptr<LoadSlot>> take(std::atomic<size_t>& open) {
    if (open.fetch_add(1) < kLoadsMax) return std::make_unique<LoadSlot>(open);
    open.fetch_sub(1);
    return error_of(Code::busy, "53400", std::to_string(kLoadsMax) + " COPY … FROM STDIN are under way already",
                    "try again when one has ended");
  }
  explicit LoadSlot(std::atomic<size_t>& open) : open_(open) {}
  ~LoadSlot() { open_.fetch_sub(1); }
  LoadSlot(const LoadSlot&) = delete;
  LoadSlot& operator=(const LoadSlot&) = delete;

 private:
  std::atomic<size_t>& open_;
};

class TableLoader final : public Loader {
 public:
  TableLoader(SessionState& session, Place place, std::vector<dialect::ColumnDefinition> columns,
              std::unique_ptr<LoadSlot> slot)
      : session_(session), table_(std::move(place)), columns_(std::move(columns)), slot_(std::move(slot)) {
    std::string into, values;
    for (size_t i = 0; i < columns_.size(); ++i) {
      into += (i > 0 ? ", " : "") + quoted_name(columns_[i].name);
      values += (i > 0 ? ", " : "") + typed(i);
    }
    insert_ = "INSERT INTO " + table_.quoted() + " (" + into + ") SELECT " + values + " FROM given";
  }

  Status add(const engine::GivenRows& rows, const std::vector<uint64_t>& lines) override {
    const auto done = session_.engine().run_own_with(insert_, rows);
    if (done) {
      rows_ += rows.rows;
      return {};
    }
    Error error = done.error();
    error.position.reset();  // of our own text
    if (error.code == Code::invalid || error.code == Code::conflict) error = explained(std::move(error), rows, lines);
    note(error, place_);
    return error;
  }

  void note(const Error& error, const LoadPlace& place) override {
    if (session_.core.parts.loads == nullptr) return;
    LoadError out{.at = session_.core.parts.clock.wall(),
                  .user = session_.options.user.name,
                  .table = table_.name,
                  .file = "stdin",
                  .line = static_cast<int64_t>(place.line),
                  .column = place.column,
                  .type = {},
                  .raw_line = place.value.value_or(""),
                  .reason = error.message,
                  .by = session_.mark()};
    for (const auto& one : columns_) {
      if (one.name == place.column) out.type = shown_type(one);
    }
    session_.core.parts.loads->add(std::vector<LoadError>{std::move(out)});
  }

  Result<uint64_t> finish() override {
    TRY(session_.end_load());
    return rows_;
  }

  const LoadPlace& place() const override { return place_; }

 private:
  static std::string shown_type(const dialect::ColumnDefinition& column) {
    if (!column.type.shown.empty()) return column.type.shown;
    std::string out;
    for (const char c : column.type.engine) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  }
  bool is_text(size_t index) const { return columns_[index].type.engine == "VARCHAR"; }
  std::string typed(size_t index) const {
    return is_text(index) ? value_name(index)
                          : "CAST(" + value_name(index) + " AS " + columns_[index].type.engine + ")";
  }

  // Which row and column it was. The engine does not say; so each condition is asked for, on another connection, as
  // this one's transaction is lost.
  Error explained(Error error, const engine::GivenRows& rows, const std::vector<uint64_t>& lines) {
    std::string conditions;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string value = value_name(i);
      std::string wrong = "false";
      if (columns_[i].is_not_null) wrong += " OR " + value + " IS NULL";
      if (columns_[i].type.bytes_max)
        wrong += " OR strlen(" + value + ") > " + std::to_string(*columns_[i].type.bytes_max);
      if (!is_text(i)) {
        wrong += " OR (" + value + " IS NOT NULL AND TRY_" + typed(i) + " IS NULL)";
      }
      conditions += (i > 0 ? ", " : "") + std::string("min(\"row\") FILTER (WHERE ") + wrong + ")";
    }
    const auto apart = session_.core.parts.engine.connect(engine::Trust::own);
    if (!apart) return error;
    const auto found = (*apart)->run_own_with("SELECT " + conditions + " FROM given", rows);
    if (!found || found->empty()) return error;
    std::optional<std::pair<size_t, size_t>> first;  // row and column
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto* row = std::get_if<int64_t>(&found->front()[i]);
      if (row == nullptr) continue;
      const auto at = static_cast<size_t>(*row);
      if (!first || at < first->first) first = {at, i};
    }
    if (!first || first->first >= lines.size()) return error;
    return told(std::move(error), rows.columns[first->second], *first, lines);
  }

  Error told(Error error, const engine::GivenRows::Column& values, std::pair<size_t, size_t> at,
             const std::vector<uint64_t>& lines) {
    const auto [row, index] = at;
    const dialect::ColumnDefinition& column = columns_[index];
    place_.line = lines[row];
    place_.column = column.name;
    if (values.nulls[row]) {
      return error_of(Code::conflict, "23502",
                      "null value in column \"" + column.name + "\" of relation \"" + table_.name +
                          "\" violates not-null constraint");
    }
    std::string value;
    if (values.kind == engine::GivenRows::Kind::whole) {
      value = std::to_string(values.wholes[row]);
    } else {
      const uint32_t begin = row == 0 ? 0 : values.ends[row - 1];
      value = values.bytes.substr(begin, values.ends[row] - begin);
    }
    place_.value = value.size() > kValueShown ? value.substr(0, kValueShown) + "..." : value;
    if (column.type.bytes_max && value.size() > static_cast<size_t>(*column.type.bytes_max)) {
      return error_of(Code::invalid, "22001", "value too long for type " + shown_type(column));
    }
    if (values.kind == engine::GivenRows::Kind::whole) {
      return error_of(Code::invalid, "22003", "value \"" + value + "\" is out of range for type " + shown_type(column));
    }
    const bool is_number = value.find_first_not_of("0123456789+-. ") == std::string::npos && !value.empty();
    if (is_number && column.type.engine.starts_with("DECIMAL")) {
      return error_of(Code::invalid, "22003",
                      "numeric field overflow: " + shown_type(column) + " does not hold " + value);
    }
    if (error.sqlstate != nullptr && std::string_view(error.sqlstate) != "22P02") return error;
    return error_of(Code::invalid, "22P02",
                    "invalid input syntax for type " + shown_type(column) + ": \"" + *place_.value + "\"");
  }

  SessionState& session_;
  const Place table_;
  const std::vector<dialect::ColumnDefinition> columns_;
  const std::unique_ptr<LoadSlot> slot_;
  std::string insert_;
  uint64_t rows_ = 0;
  LoadPlace place_;
};

Status check_table(SessionState& session, const Place& place, const std::vector<std::string>& columns) {
  if (place.kind != "table") {
    return error_of(Code::invalid, "42809", "cannot copy to " + place.kind + " \"" + place.name + "\"");
  }
  if (place.schema == "temp") return {};
  TRY_ASSIGN(const auto rights, session.rights());
  if (!rights->may(session.subject(), "insert", place.schema, place.name, columns)) {
    return permission_denied((place.kind == "table" ? "table " : "relation ") + place.name);
  }
  return {};
}

// Those that the rows have: as listed, or all that are not numbered by the table itself, as COPY from the store has it.
Result<std::vector<dialect::ColumnDefinition>> chosen_columns(const TableDefinition& table, const std::string& name,
                                                              const std::vector<std::string>& listed) {
  std::vector<dialect::ColumnDefinition> out;
  if (listed.empty()) {
    for (const auto& column : table.columns) {
      if (!column.identity) out.push_back(column);
    }
    return out;
  }
  std::set<std::string> seen;
  for (const std::string& one : listed) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const auto& column) { return column.name == one; });
    if (found == table.columns.end()) {
      return error_of(Code::not_found, "42703", "column \"" + one + "\" of relation \"" + name + "\" does not exist");
    }
    if (!seen.insert(one).second) {
      return error_of(Code::invalid, "42701", "column \"" + one + "\" specified more than once");
    }
    if (found->identity && !found->identity->by_default) {
      return error_of(Code::invalid, "428C9",
                      "cannot insert a value into column \"" + one + "\", which is an IDENTITY");
    }
    out.push_back(*found);
  }
  return out;
}

Status check_forced(const dialect::CopyOptions& options, const std::vector<engine::ResultColumn>& columns) {
  for (const auto* list : {&options.force_quote, &options.force_null, &options.force_not_null}) {
    for (const std::string& name : *list) {
      if (std::any_of(columns.begin(), columns.end(), [&](const auto& one) { return one.name == name; })) continue;
      return error_of(Code::invalid, "42P10", "FORCE_… column \"" + name + "\" is not among those of COPY");
    }
  }
  return {};
}

}  // namespace

Result<Answer> copy_in(SessionState& session, const dialect::CopyIn& order) {
  TRY_ASSIGN(const Place place, relation(session, order.table));
  TRY(check_table(session, place, order.columns));
  TRY_ASSIGN(const TableDefinition definition, TableDefinition::of_existing(session, place));
  TRY_ASSIGN(std::vector<dialect::ColumnDefinition> columns, chosen_columns(definition, place.name, order.columns));
  CopyStream stream{.is_in = true, .table = place.name, .options = order.options, .columns = {}};
  for (const auto& column : columns) stream.columns.push_back({column.name, column.type.engine});
  TRY(check_forced(stream.options, stream.columns));
  TRY_ASSIGN(auto slot, LoadSlot::take(session.core.loads));
  session.rows_change(place.schema, place.name);
  TRY(session.begin_load());
  Answer out{.stream = nullptr, .tag = "COPY", .has_count = true};
  out.loader = std::make_unique<TableLoader>(session, place, std::move(columns), std::move(slot));
  out.copy = std::move(stream);
  return out;
}

Result<Answer> copy_out(SessionState& session, const Words& words, const dialect::CopyOut& order) {
  CopyStream stream{.is_in = false, .table = "query", .options = order.options, .columns = {}};
  Answer out;
  if (order.table) {
    TRY_ASSIGN(const Place place, relation(session, *order.table));
    stream.table = place.name;
    std::string list;
    for (const std::string& one : order.columns) list += (list.empty() ? "" : ", ") + quoted_name(one);
    std::string name = quoted_name(order.table->name);
    if (!order.table->schema.empty()) name = quoted_name(order.table->schema) + "." + name;
    TRY_ASSIGN(const Words select, Words::of("SELECT " + (list.empty() ? "*" : list) + " FROM " + name));
    auto answer = session.to_engine(select, select.range, {}, engine::Scope::read, "COPY");
    if (!answer) {
      Error error = std::move(answer).error();
      error.position.reset();  // of the text that we made
      return error;
    }
    out = std::move(*answer);
  } else {
    TRY_ASSIGN(const dialect::Statement inner, dialect::parse_statement(words.sql, words.tokens, order.query));
    const auto* query = std::get_if<dialect::Query>(&inner);
    if (query == nullptr || query->changes || query->into) {
      return error_of(Code::unsupported, "0A000", "COPY takes a SELECT, VALUES or WITH that changes nothing");
    }
    TRY_ASSIGN(out, session.to_engine(words, order.query, {}, engine::Scope::read, "COPY"));
  }
  stream.columns = out.stream->columns();
  TRY(check_forced(stream.options, stream.columns));
  out.copy = std::move(stream);
  return out;
}

}  // namespace weir::warehouse
