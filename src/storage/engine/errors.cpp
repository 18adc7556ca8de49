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
