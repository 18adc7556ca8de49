#include <algorithm>

#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

Code code_of(duckdb::ExceptionType type) {
  using Type = duckdb::ExceptionType;
  switch (type) {
    case Type::PERMISSION:
      return Code::denied;
    case Type::INTERRUPT:
      return Code::cancelled;
    case Type::OUT_OF_MEMORY:
    case Type::OBJECT_SIZE:
      return Code::too_large;
    case Type::IO:
    case Type::HTTP:
    case Type::NETWORK:
      return Code::io;
    case Type::TRANSACTION:
    case Type::CONSTRAINT:
    case Type::DEPENDENCY:
      return Code::conflict;
    case Type::NOT_IMPLEMENTED:
    case Type::MISSING_EXTENSION:
    case Type::AUTOLOAD:
      return Code::unsupported;
    case Type::FATAL:
    case Type::INTERNAL:
    case Type::NULL_POINTER:
    case Type::SERIALIZATION:
      return Code::internal;
    default:
      return Code::invalid;
  }
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// PostgreSQL 15, "PostgreSQL Error Codes". DuckDB's kinds are wider, its messages tell them apart.
const char* sqlstate_of(duckdb::ExceptionType type, const std::string& message) {
  using Type = duckdb::ExceptionType;
  switch (type) {
    case Type::PARSER:
    case Type::SYNTAX:
      return "42601";
    case Type::CATALOG:
      if (has(message, "already exists")) return has(message, "Schema") ? "42P06" : "42P07";
      if (has(message, "Function with name")) return "42883";
      if (has(message, "Schema with name") || has(message, "schema \"")) return "3F000";
      if (has(message, "Type with name")) return "42704";
      return "42P01";
    case Type::BINDER:
      if (has(message, "Catalog \"")) return "3D000";
      if (has(message, "Ambiguous")) return "42702";
      if (has(message, "Referenced column") || has(message, "does not have a column") ||
          has(message, "not found in FROM")) {
        return "42703";
      }
      if (has(message, "Referenced table")) return "42P01";
      if (has(message, "No function matches")) return "42883";
      if (has(message, "must appear in the GROUP BY")) return "42803";
      return "42601";
    case Type::CONVERSION:
    case Type::MISMATCH_TYPE:
      return "22P02";
    case Type::OUT_OF_RANGE:
    case Type::DECIMAL:
      return "22003";
    case Type::DIVIDE_BY_ZERO:
      return "22012";
    case Type::INVALID_INPUT:
    case Type::INVALID_TYPE:
      return has(message, "ivision by zero") ? "22012" : "22023";
    case Type::TRANSACTION:
      return "40001";
    case Type::CONSTRAINT:
      if (has(message, "NOT NULL")) return "23502";
      return has(message, "CHECK") ? "23514" : "23505";
    case Type::DEPENDENCY:
      return "2BP01";
    case Type::PERMISSION:
      return "42501";
    case Type::INTERRUPT:
      return "57014";
    case Type::OUT_OF_MEMORY:
      return "53200";
    default:
      return nullptr;
  }
}

// A column's length is a CHECK of ours: CHECK((strlen(c) <= 10)).
void say_length(Error& error) {
  const size_t at = error.message.find("CHECK((strlen(");
  const size_t end = at == std::string::npos ? at : error.message.find(") <= ", at);
  if (end == std::string::npos) return;
  const std::string column = error.message.substr(at + 14, end - at - 14);
  const std::string length =
      error.message.substr(end + 5, error.message.find_first_not_of("0123456789", end + 5) - end - 5);
  error.message = "value too long for type character varying(" + length + "): column " + column;
  error.code = Code::invalid;
  error.sqlstate = "22001";
}

// DuckDB's messages carry the query's line, advice about its own settings and stack traces after the first paragraph.
std::string first_part(const std::string& message) {
  size_t end = message.size();
  for (const char* mark : {"\n\nLINE ", "\n\nStack Trace", "\n\nPossible solutions", "\nPossible solutions"}) {
    end = std::min(end, message.find(mark));
  }
  return message.substr(0, end);
}

}  // namespace

Position place_in(std::string_view sql, size_t offset) {
  Position place{.file = "sql", .line = 1, .column = 1};
  for (size_t i = 0; i < std::min(offset, sql.size()); ++i) {
    if (sql[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(sql[i]) & 0xC0) != 0x80) {  // characters, not bytes
      ++place.column;
    }
  }
  return place;
}

Error to_error(const duckdb::ErrorData& error, std::string_view sql) {
  Error ours(code_of(error.Type()), first_part(error.RawMessage()));
  if (ours.message.empty()) ours.message = first_part(error.Message());
  ours.sqlstate = sqlstate_of(error.Type(), ours.message);
  if (error.Type() == duckdb::ExceptionType::CONSTRAINT) say_length(ours);
  if (error.Type() == duckdb::ExceptionType::OUT_OF_MEMORY) {
    ours.hint =
        "the statement needs more than the engine's memory limit; select fewer rows or columns, or raise engine.memory";
  }
  const auto position = error.ExtraInfo().find("position");
  if (position != error.ExtraInfo().end() && !position->second.empty() &&
      position->second.find_first_not_of("0123456789") == std::string::npos && position->second.size() < 10) {
    ours.at(place_in(sql, std::stoul(position->second)));
  }
  return ours;
}

Error to_error(const std::exception& thrown, std::string_view sql) {
  return to_error(duckdb::ErrorData(thrown), sql);
}

}  // namespace weir::engine
