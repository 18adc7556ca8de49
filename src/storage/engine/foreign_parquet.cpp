#include "storage/engine/foreign_parquet.h"

#include "core/base/json.h"
#include "storage/engine/duck.h"

namespace weir::engine {
namespace {

using duckdb::LogicalTypeId;

// How a column's values are written.
enum class Form { bare, quoted, json };

struct Reading {
  std::string key;     // "name":
  std::string select;  // what is read of it
  Form form = Form::quoted;
};

std::string in_double_quotes(const std::string& identifier) {
  std::string out = "\"";
  for (const char c : identifier) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

Reading reading_of(const std::string& name, const duckdb::LogicalType& type) {
  Reading out;
  Json::append_quoted(out.key, name);
  out.key += ":";
  const std::string column = out.select = in_double_quotes(name);
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
      out.form = Form::bare;
      break;
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY:
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::MAP:
      out.select = "CAST(to_json(" + column + ") AS VARCHAR)";
      out.form = Form::json;
      break;
    case LogicalTypeId::TIMESTAMP_TZ:
      out.select = "make_timestamp(epoch_us(" + column + "))";
      break;
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
      out.select = "CAST(" + column + " AS TIMESTAMP)";
      break;
    case LogicalTypeId::BLOB:
      out.select = "base64(" + column + ")";
      break;
    default:
      if (type.IsJSONType()) out.form = Form::json;
  }
  return out;
}

void append(std::string& out, const duckdb::Value& value, Form form) {
  const std::string text = value.ToString();
  const bool is_number = form == Form::bare && text.find_first_of("nN") == std::string::npos;  // NaN, infinity
  const bool is_word = form == Form::bare && (text == "true" || text == "false");
  const bool is_json = form == Form::json && text.find_first_of("\r\n") == std::string::npos;
  if (is_number || is_word || is_json) {
    out += text;
  } else {
    Json::append_quoted(out, text);
  }
}

}  // namespace

struct ForeignParquet::State {
  explicit State(duckdb::DBConfig& config) : database(nullptr, &config), connection(database) {}
  duckdb::DuckDB database;
  duckdb::Connection connection;
  std::string path;
  std::vector<ResultColumn> columns;
  std::vector<Reading> readings;

  // The path is a literal: the columns are known only once it is bound.
  Result<duckdb::unique_ptr<duckdb::PreparedStatement>> prepare(const std::string& select) {
    auto statement =
        connection.Prepare("SELECT " + select + " FROM read_parquet(" + duckdb::Value(path).ToSQLString() + ")");
    if (statement->HasError()) return damaged(statement->GetErrorObject());
    return statement;
  }
  static Error damaged(const duckdb::ErrorData& error) {
    return Error(Code::corrupt, "the Parquet file does not read: " + error.RawMessage());
  }
};

ForeignParquet::ForeignParquet(std::unique_ptr<State> state) : state_(std::move(state)) {}
ForeignParquet::~ForeignParquet() = default;

const std::vector<ResultColumn>& ForeignParquet::columns() const {
  return state_->columns;
}

Result<std::unique_ptr<ForeignParquet>> ForeignParquet::open(const std::string& path, uint64_t memory_bytes) {
  try {
    duckdb::DBConfig config;
    config.options.maximum_threads = 1;
    config.options.maximum_memory = memory_bytes;
    config.options.use_temporary_directory = false;
    config.options.autoload_known_extensions = false;
    config.options.autoinstall_known_extensions = false;
    auto state = std::make_unique<State>(config);
    state->path = path;
    TRY_ASSIGN(const auto statement, state->prepare("*"));
    const auto& types = statement->GetTypes();
    const auto& names = statement->GetNames();
    for (size_t i = 0; i < names.size(); ++i) {
      state->columns.push_back({names[i], types[i].ToString()});
      state->readings.push_back(reading_of(names[i], types[i]));
    }
    return std::unique_ptr<ForeignParquet>(new ForeignParquet(std::move(state)));
  } catch (const std::exception& failed) {
    return State::damaged(duckdb::ErrorData(failed));
  }
}

Status ForeignParquet::read(uint64_t skip, const std::function<Status(std::string_view row)>& take) {
  try {
    std::string select;
    for (const Reading& one : state_->readings) select += (select.empty() ? "" : ", ") + one.select;
    TRY_ASSIGN(const auto statement, state_->prepare(select));
    duckdb::vector<duckdb::Value> parameters;
    auto rows = statement->Execute(parameters, true);
    if (rows->HasError()) return State::damaged(rows->GetErrorObject());
    std::string text;
    uint64_t row = 0;
    while (auto chunk = rows->Fetch()) {
      for (size_t i = 0; i < chunk->size(); ++i) {
        if (row++ < skip) continue;
        text = "{";
        for (size_t column = 0; column < state_->readings.size(); ++column) {
          const duckdb::Value value = chunk->GetValue(column, i);
          if (value.IsNull()) continue;
          if (text.size() > 1) text += ',';
          text += state_->readings[column].key;
          append(text, value, state_->readings[column].form);
        }
        TRY(take(text += '}'));
      }
    }
    if (rows->HasError()) return State::damaged(rows->GetErrorObject());
    return {};
  } catch (const std::exception& failed) {
    return State::damaged(duckdb::ErrorData(failed));
  }
}

}  // namespace weir::engine
