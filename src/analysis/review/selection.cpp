// SELECTs over a result, answered by SQLite in memory: a database for one question, that may read the table df and
// nothing else.
#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <set>

#include "analysis/review/criteria.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::review {
namespace {

using engine::Cell;
using Clock = std::chrono::steady_clock;

constexpr int kStepsBetweenLooks = 10'000;  // of SQLite's machine
constexpr int kSqlBytesMax = 64 << 10;
constexpr int kValueBytesMax = 16 << 20;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct EndStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, EndStatement>;

int allow_reading(void*, int action, const char*, const char* b, const char*, const char*) {
  if (action == SQLITE_SELECT || action == SQLITE_RECURSIVE) return SQLITE_OK;
  if (action == SQLITE_READ) return SQLITE_OK;  // df is all there is; sqlite_master says no more than its columns
  // Names of functions stand in the second place. What loads code is off by itself; this is said twice.
  if (action == SQLITE_FUNCTION) return std::string_view(b) == "load_extension" ? SQLITE_DENY : SQLITE_OK;
  return SQLITE_DENY;
}

class Selection {
 public:
  Result<Frame> answer(const Frame& frame, const std::string& select) {
    TRY(open());
    TRY(fill(frame));
    sqlite3_set_authorizer(database_.get(), allow_reading, nullptr);
    end_ = Clock::now() + std::chrono::microseconds(kSelectTimeMax.micros);
    sqlite3_progress_handler(database_.get(), kStepsBetweenLooks, &Selection::is_out_of_time, this);
    TRY_ASSIGN(const Statement statement, prepared(select));
    return rows_of(statement.get());
  }

 private:
  static int is_out_of_time(void* self) { return Clock::now() > static_cast<Selection*>(self)->end_ ? 1 : 0; }

  Status open() {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (opened != SQLITE_OK) return Error(Code::internal, "SQLite does not open a database in memory");
    sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, kSqlBytesMax);
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, kValueBytesMax);
    sqlite3_limit(database, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
    return {};
  }

  Error failed() const {
    if (Clock::now() > end_ && sqlite3_errcode(database_.get()) == SQLITE_INTERRUPT) {
      return Error(Code::timed_out, "the SELECT took longer than " + format_duration(kSelectTimeMax));
    }
    return Error(Code::invalid, sqlite3_errmsg(database_.get()));
  }

  Result<Statement> prepared(const std::string& sql) {
    sqlite3_stmt* made = nullptr;
    const char* rest = nullptr;
    const int is_good = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &made, &rest);
    Statement out(made);
    if (is_good != SQLITE_OK) return failed();
    if (made == nullptr) return Error(Code::invalid, "an empty SELECT");
    const std::string_view left = trim(std::string_view(rest, static_cast<size_t>(sql.data() + sql.size() - rest)));
    if (!left.empty()) return Error(Code::invalid, "one SELECT was expected, and " + shown(left) + " follows it");
    return out;
  }

  // Types as the values have them, so that '10' > '9' is asked of numbers where the column holds numbers.
  Status fill(const Frame& frame) {
    std::string create = "CREATE TABLE df (", insert = "INSERT INTO df VALUES (";
    std::set<std::string> names;  // SQLite's do not differ by case
    for (size_t i = 0; i < frame.columns.size(); ++i) {
      const char* type = frame.columns[i].kind == ColumnKind::text ? "TEXT" : "NUMERIC";
      std::string name = frame.columns[i].name;
      while (!names.insert(to_lower(name)).second) name += "_" + std::to_string(i + 1);
      create += (i == 0 ? "" : ", ") + quoted_name(name) + " " + type;
      insert += i == 0 ? "?" : ", ?";
    }
    if (frame.columns.empty()) return Error(Code::invalid, "the result has no columns");
    TRY_ASSIGN(Statement made, prepared(create + ")"));
    if (sqlite3_step(made.get()) != SQLITE_DONE) return failed();
    TRY_ASSIGN(const Statement into, prepared(insert + ")"));
    for (const auto& row : frame.rows) {
      for (size_t i = 0; i < row.size(); ++i) bind(into.get(), static_cast<int>(i) + 1, row[i]);
      if (sqlite3_step(into.get()) != SQLITE_DONE) return failed();
      sqlite3_reset(into.get());
    }
    return {};
  }

  static void bind(sqlite3_stmt* statement, int at, const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) {
      sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else if (const auto* whole = std::get_if<int64_t>(&cell)) {
      sqlite3_bind_int64(statement, at, *whole);
    } else if (const auto* number = std::get_if<double>(&cell)) {
      sqlite3_bind_double(statement, at, *number);
    } else if (const auto* truth = std::get_if<bool>(&cell)) {
      sqlite3_bind_int64(statement, at, *truth ? 1 : 0);
    } else {
      sqlite3_bind_null(statement, at);
    }
  }

  static Cell value_at(sqlite3_stmt* statement, int at) {
    switch (sqlite3_column_type(statement, at)) {
      case SQLITE_NULL:
        return nullptr;
      case SQLITE_INTEGER:
        return static_cast<int64_t>(sqlite3_column_int64(statement, at));
      case SQLITE_FLOAT:
        return sqlite3_column_double(statement, at);
      default: {
        const auto* text = static_cast<const char*>(sqlite3_column_blob(statement, at));
        return text == nullptr ? std::string()
                               : std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement, at)));
      }
    }
  }

  Result<Frame> rows_of(sqlite3_stmt* statement) {
    std::vector<engine::ResultColumn> columns;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const char* name = sqlite3_column_name(statement, i);
      columns.push_back({name == nullptr ? "" : name, "VARCHAR"});
    }
    std::vector<std::vector<Cell>> rows;
    int step = 0;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
      if (rows.size() == kSelectRowsMax) {
        return Error(Code::too_large, "the SELECT gives more than " + std::to_string(kSelectRowsMax) + " rows");
      }
      std::vector<Cell> row;
      row.reserve(columns.size());
      for (int i = 0; i < static_cast<int>(columns.size()); ++i) row.push_back(value_at(statement, i));
      rows.push_back(std::move(row));
    }
    if (step != SQLITE_DONE) return failed();
    return Frame::of(columns, std::move(rows));
  }

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  Clock::time_point end_ = Clock::time_point::max();
};

}  // namespace

Result<Frame> select_from(const Frame& frame, const std::string& select) {
  return Selection().answer(frame, select);
}

// Columns are known when there is a result; what is no SELECT at all is known now.
Status check_select(const std::string& select) {
  if (select.size() > kExpressionBytesMax) {
    return Error(Code::too_large, "a SELECT of " + std::to_string(select.size()) + " bytes, allowed are " +
                                      std::to_string(kExpressionBytesMax));
  }
  Frame frame;
  frame.columns.push_back({"no_column", "VARCHAR", ColumnKind::text});
  const auto answer = select_from(frame, select);
  if (answer || answer.error().message.starts_with("no such column")) return {};
  return answer.error();
}

}  // namespace weir::review
