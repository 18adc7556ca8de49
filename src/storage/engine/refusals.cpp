#include "storage/engine/refusals.h"

namespace weir::engine {
namespace {

using duckdb::StatementType;

struct Refusal {
  std::string what;    // as people call the statement
  std::string advice;  // or empty
};

constexpr const char* kLoad = "weir load FILE --table NAME makes a table of a CSV, JSON or Parquet file, or adds to it";
constexpr const char* kWriteFile = "weir sql -o FILE 'SELECT …' writes a result as CSV, JSON or Parquet";
constexpr const char* kSettings = "the engine is set up in weir.yaml; weir plan --settings shows how";

Refusal of_create(const duckdb::CreateInfo& info) {
  switch (info.type) {
    case duckdb::CatalogType::TABLE_ENTRY:
      return {"CREATE TABLE", std::string(kLoad) + "; a stream is declared in streams/NAME.yaml"};
    case duckdb::CatalogType::VIEW_ENTRY:
      return {"CREATE VIEW", "WITH name AS (SELECT …) SELECT … names a result within one statement"};
    default:
      return {"CREATE", {}};
  }
}

Refusal of_copy(const duckdb::CopyInfo& info) {
  if (info.is_from) return {"COPY … FROM", kLoad};
  return {"COPY … TO", kWriteFile};
}

// PIVOT without its values is written by the parser as a type of the values, made by one statement, and a SELECT.
Refusal of_several(const duckdb::MultiStatement& several) {
  const bool makes_type =
      !several.statements.empty() && several.statements[0]->type == StatementType::CREATE_STATEMENT &&
      several.statements[0]->Cast<duckdb::CreateStatement>().info->type == duckdb::CatalogType::TYPE_ENTRY;
  if (makes_type) return {"PIVOT without its values written out", kPivotAdvice};
  return {"a statement of several steps", {}};
}

// The parser makes a PRAGMA of these two.
Refusal of_pragma(const duckdb::PragmaInfo& info) {
  if (info.name == "copy_database") return {"COPY FROM DATABASE", kLoad};
  if (info.name == "import_database") return {"IMPORT DATABASE", kLoad};
  return {"PRAGMA", kSettings};
}

Refusal of_kind(const duckdb::SQLStatement& statement) {
  switch (statement.type) {
    case StatementType::INSERT_STATEMENT:
    case StatementType::MERGE_INTO_STATEMENT:
      return {duckdb::StatementTypeToString(statement.type),
              std::string(kLoad) + "; events are sent to /v1/streams/NAME"};
    case StatementType::UPDATE_STATEMENT:
      return {"UPDATE", "what arrived is kept as it came; compute what you want to read in the SELECT"};
    case StatementType::DELETE_STATEMENT:
      return {"DELETE", "what arrived is kept as it came; leave rows out with WHERE"};
    case StatementType::CREATE_STATEMENT:
      return of_create(*statement.Cast<duckdb::CreateStatement>().info);
    case StatementType::ALTER_STATEMENT:
    case StatementType::DROP_STATEMENT:
      return {duckdb::StatementTypeToString(statement.type),
              "a stream is changed in streams/NAME.yaml: weir plan shows what that does, weir apply does it"};
    case StatementType::COPY_STATEMENT:
      return of_copy(*statement.Cast<duckdb::CopyStatement>().info);
    case StatementType::EXPORT_STATEMENT:
      return {"EXPORT", kWriteFile};
    case StatementType::LOAD_STATEMENT:
      return {statement.Cast<duckdb::LoadStatement>().info->load_type == duckdb::LoadType::LOAD ? "LOAD" : "INSTALL",
              "what the engine can do is built in; " + std::string(kLoad)};
    case StatementType::UPDATE_EXTENSIONS_STATEMENT:
      return {"UPDATE EXTENSIONS", "what the engine can do is built in"};
    case StatementType::ATTACH_STATEMENT:
    case StatementType::DETACH_STATEMENT:
      return {duckdb::StatementTypeToString(statement.type),
              "export what you need of another database; " + std::string(kLoad)};
    case StatementType::SET_STATEMENT:
    case StatementType::VARIABLE_SET_STATEMENT:
      return {duckdb::StatementTypeToString(statement.type), kSettings};
    case StatementType::PRAGMA_STATEMENT:
      return of_pragma(*statement.Cast<duckdb::PragmaStatement>().info);
    case StatementType::TRANSACTION_STATEMENT:
      return {"a transaction (BEGIN, COMMIT, ROLLBACK)", "each statement reads one snapshot by itself"};
    case StatementType::PREPARE_STATEMENT:
    case StatementType::EXECUTE_STATEMENT:
      return {duckdb::StatementTypeToString(statement.type), "write $1, $2 and send \"parameters\" to /v1/sql"};
    case StatementType::MULTI_STATEMENT:
      return of_several(statement.Cast<duckdb::MultiStatement>());
    default:
      return {duckdb::StatementTypeToString(statement.type), {}};
  }
}

}  // namespace

Error refusal_of(const duckdb::SQLStatement& statement) {
  const Refusal refusal = of_kind(statement);
  return Error(Code::denied,
               refusal.what +
                   " is not allowed here; allowed are SELECT, VALUES, FROM …, DESCRIBE, SHOW TABLES and "
                   "EXPLAIN of one of them",
               refusal.advice);
}

}  // namespace weir::engine
