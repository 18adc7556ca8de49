// A bare DuckDB, in memory, with nothing of ours in it: what a reader outside sees in the lake's files.
#include "storage/engine/duck.h"
#include "storage/engine/engine.h"

namespace weir::engine {

Result<std::pair<uint64_t, uint64_t>> count_parquet(const std::vector<std::string>& paths, const std::string& column) {
  try {
    duckdb::DuckDB database(nullptr);
    duckdb::Connection connection(database);
    duckdb::vector<duckdb::Value> files;
    for (const auto& path : paths) files.emplace_back(path);
    std::string name;
    for (const char c : column) name += c == '"' ? "\"\"" : std::string(1, c);
    const std::string sql = "SELECT count(*), count(DISTINCT \"" + name + "\") FROM read_parquet($1)";
    auto statement = connection.Prepare(sql);
    if (statement->HasError()) return Error(Code::invalid, statement->GetError());
    auto result = statement->Execute(duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, std::move(files)));
    if (result->HasError()) return Error(Code::io, result->GetError());
    auto chunk = result->Fetch();
    return std::pair<uint64_t, uint64_t>(chunk->GetValue(0, 0).GetValue<uint64_t>(),
                                         chunk->GetValue(1, 0).GetValue<uint64_t>());
  } catch (const std::exception& failed) {
    return Error(Code::io, std::string("counting Parquet files: ") + failed.what());
  }
}

}  // namespace weir::engine
