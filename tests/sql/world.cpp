#include "world.h"

#include <charconv>
#include <cmath>

#include "platform/dialect/rewrite.h"

namespace weir::sql_test {
namespace {

using engine::Cell;
using engine::Column;
using engine::ColumnType;

class SessionTarget final : public Target {
 public:
  explicit SessionTarget(std::unique_ptr<engine::Session> session) : session_(std::move(session)) {}
  Result<Table> run(const std::string& sql, const std::vector<Json>& parameters) override {
    TRY_ASSIGN(const dialect::EngineText text, dialect::to_engine(sql));
    auto begun = session_->query(text.sql, parameters, {.time = seconds(30), .rows_max = 100'000});
    if (!begun) return dialect::to_user(begun.error(), sql, text);
    const auto stream = std::move(*begun);
    Table table{.columns = stream->columns().size(), .rows = {}};
    for (;;) {
      TRY_ASSIGN(const auto rows, stream->next());
      if (rows.empty()) return table;
      for (const auto& row : rows) {
        std::vector<std::string> texts;
        for (const Cell& cell : row) texts.push_back(cell_text(cell));
        table.rows.push_back(std::move(texts));
      }
    }
  }

 private:
  std::unique_ptr<engine::Session> session_;
};

int64_t scaled(const std::string& text, int scale) {
  const size_t point = text.find('.');
  std::string digits = text.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  fraction.resize(static_cast<size_t>(scale), '0');
  return std::stoll(digits + fraction);
}

Status add_text(engine::ColumnValues& values, const Column& column, const std::string& text) {
  switch (column.type) {
    case ColumnType::decimal:
      values.add_int(scaled(text, column.scale));
      return {};
    case ColumnType::timestamp: {
      TRY_ASSIGN(const int64_t micros, parse_timestamp(text));
      values.add_int(micros);
      return {};
    }
    case ColumnType::date: {
      TRY_ASSIGN(const int32_t day, parse_date(text));
      values.add_int(day);
      return {};
    }
    case ColumnType::uuid: {
      std::string hex;
      for (const char c : text) {
        if (c != '-') hex += c;
      }
      values.add_uuid(std::stoull(hex.substr(0, 16), nullptr, 16), std::stoull(hex.substr(16), nullptr, 16));
      return {};
    }
    case ColumnType::text:
    case ColumnType::json:
      values.add_text(text);
      return {};
    default:
      return Error(Code::invalid, "column " + column.name + " cannot hold \"" + text + "\"");
  }
}

Status add_cell(engine::ColumnValues& values, const Column& column, const Cell& cell) {
  if (std::holds_alternative<std::nullptr_t>(cell)) {
    values.add_null();
  } else if (const bool* truth = std::get_if<bool>(&cell); truth && column.type == ColumnType::boolean) {
    values.add_bool(*truth);
  } else if (const int64_t* number = std::get_if<int64_t>(&cell)) {
    if (column.type == ColumnType::float64) {
      values.add_double(static_cast<double>(*number));
    } else if (column.type == ColumnType::decimal) {
      values.add_int(*number * static_cast<int64_t>(std::llround(std::pow(10, column.scale))));
    } else if (column.type == ColumnType::text) {
      values.add_text(std::to_string(*number));
    } else {
      values.add_int(*number);
    }
  } else if (const double* real = std::get_if<double>(&cell)) {
    if (column.type == ColumnType::decimal) {
      values.add_int(std::llround(*real * std::pow(10, column.scale)));
    } else {
      values.add_double(*real);
    }
  } else if (const std::string* text = std::get_if<std::string>(&cell)) {
    if (column.type == ColumnType::float64) {
      values.add_double(std::stod(*text));
    } else {
      return add_text(values, column, *text);
    }
  } else {
    return Error(Code::invalid, "column " + column.name + " cannot hold " + cell_text(cell));
  }
  return {};
}

}  // namespace

std::string cell_text(const Cell& cell) {
  if (std::holds_alternative<std::nullptr_t>(cell)) return "NULL";
  if (const bool* value = std::get_if<bool>(&cell)) return *value ? "true" : "false";
  if (const int64_t* value = std::get_if<int64_t>(&cell)) return std::to_string(*value);
  if (const double* value = std::get_if<double>(&cell)) {
    char digits[64];
    return std::string(digits, std::to_chars(digits, digits + sizeof(digits), *value).ptr);
  }
  const std::string& text = std::get<std::string>(cell);
  return text.empty() ? "(empty)" : text;
}

Result<std::unique_ptr<World>> World::open() {
  std::unique_ptr<World> world(new World);
  engine::EngineOptions options;
  options.database = world->folder_.file("warehouse.duckdb");
  options.store_root = world->folder_.file("store");
  options.temp_directory = world->folder_.file("tmp");
  options.threads = 2;
  options.memory_bytes = 256u << 20;
  std::filesystem::create_directories(options.store_root + "/lake");
  TRY_ASSIGN(world->engine_, engine::Engine::open(options, world->tables_, {}));
  TRY_ASSIGN(world->own_, world->engine_->connect(engine::Trust::own));
  return world;
}

Result<std::unique_ptr<Target>> World::connect(engine::Trust trust) {
  TRY_ASSIGN(auto session, engine_->connect(trust));
  return std::unique_ptr<Target>(std::make_unique<SessionTarget>(std::move(session)));
}

Result<engine::TableVersion*> World::table(const std::string& name) {
  for (engine::TableVersion& version : versions_) {
    if (version.name == name) return &version;
  }
  return Error(Code::not_found, "there is no weir table " + name);
}

Status World::add_table(const Record& record) {
  std::erase_if(versions_, [&](const engine::TableVersion& version) { return version.name == record.table; });
  engine::TableVersion version;
  version.name = record.table;
  version.columns = record.columns;
  version.partition_columns = record.partition;
  versions_.push_back(std::move(version));
  return {};
}

Result<engine::RowBlock> World::select(const std::string& sql, const std::vector<Column>& columns) {
  TRY_ASSIGN(const auto stream, own_->query(sql, {}, {}));
  if (stream->columns().size() != columns.size()) {
    return Error(Code::invalid, "the rows have " + std::to_string(stream->columns().size()) + " columns, the table " +
                                    std::to_string(columns.size()));
  }
  engine::RowBlock block(columns);
  for (;;) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return block;
    for (const auto& row : rows) {
      for (size_t i = 0; i < columns.size(); ++i) {
        TRY(add_cell(block.column(i), columns[i], row[i]));
      }
    }
  }
}

Status World::add_file(const Record& record) {
  TRY_ASSIGN(engine::TableVersion * version, table(record.table));
  const std::vector<Column>& columns = record.columns.empty() ? version->columns : record.columns;
  TRY_ASSIGN(const engine::RowBlock block, select(record.sql, columns));
  engine::TableFile file;
  file.path = "lake/" + record.table + "-" + std::to_string(version->files.size()) + "-" + std::to_string(record.line) +
              ".parquet";
  TRY_ASSIGN(const engine::ParquetFile written,
             engine_->write_parquet({engine_->seal(block)}, columns, folder_.file("store/") + file.path, {}));
  file.rows = written.rows;
  file.bytes = written.bytes;
  for (size_t i = 0; i < record.partition_values.size(); ++i) {
    const std::string& value = record.partition_values[i];
    if (version->partition_columns.at(i).type == ColumnType::date) {
      TRY_ASSIGN(const int32_t day, parse_date(value));
      file.partition.push_back(day);
    } else {
      file.partition.push_back(std::stoll(value));
    }
  }
  if (record.columns.empty()) file.int_bounds = written.int_bounds;
  version->files.push_back(std::move(file));
  return {};
}

Status World::add_tail(const Record& record) {
  TRY_ASSIGN(engine::TableVersion * version, table(record.table));
  std::vector<Column> columns = record.columns;
  if (columns.empty()) {
    columns = version->columns;
    columns.insert(columns.end(), version->partition_columns.begin(), version->partition_columns.end());
  }
  TRY_ASSIGN(const engine::RowBlock block, select(record.sql, columns));
  version->tail.push_back(engine_->seal(block));
  return {};
}

std::string World::expand(std::string sql) const {
  const std::pair<const char*, std::string> names[] = {{"${DATABASE}", folder_.file("warehouse.duckdb")},
                                                       {"${STORE}", folder_.file("store")},
                                                       {"${FOLDER}", folder_.path()}};
  for (const auto& [name, path] : names) {
    for (size_t at = 0; (at = sql.find(name, at)) != std::string::npos;) {
      sql.replace(at, std::string(name).size(), path);
    }
  }
  return sql;
}

void World::publish() {
  tables_.publish(versions_);
}

Status World::run_own(const std::string& sql) {
  TRY_ASSIGN(const auto target, connect(engine::Trust::own));
  TRY(target->run(sql, {}));
  return {};
}

}  // namespace weir::sql_test
