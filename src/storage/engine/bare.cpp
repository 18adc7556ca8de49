#include "storage/engine/bare.h"

#include "core/base/quotes.h"
#include "storage/engine/duck.h"

namespace weir::engine {

struct BareReader::State {
  duckdb::DuckDB database{nullptr};
  duckdb::Connection connection{database};

  Result<duckdb::unique_ptr<duckdb::QueryResult>> run(const std::string& select,
                                                      const std::vector<std::string>& paths) {
    duckdb::vector<duckdb::Value> files;
    for (const auto& path : paths) files.emplace_back(path);
    auto statement = connection.Prepare("SELECT " + select + " FROM read_parquet($1)");
    if (statement->HasError()) return Error(Code::corrupt, statement->GetError());
    duckdb::vector<duckdb::Value> parameters{duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, std::move(files))};
    auto result = statement->Execute(parameters);
    if (result->HasError()) return Error(Code::corrupt, result->GetError());
    return result;
  }
};

BareReader::BareReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
BareReader::~BareReader() = default;

Result<std::unique_ptr<BareReader>> BareReader::open() {
  try {
    return std::unique_ptr<BareReader>(new BareReader(std::make_unique<State>()));
  } catch (const std::exception& failed) {
    return Error(Code::internal, std::string("a bare engine did not open: ") + failed.what());
  }
}

Result<std::vector<int64_t>> BareReader::read_integers(const std::string& path, const std::string& column) {
  try {
    TRY_ASSIGN(auto result, state_->run("CAST(" + quoted_name(column) + " AS BIGINT)", {path}));
    std::vector<int64_t> out;
    while (auto chunk = result->Fetch()) {
      chunk->Flatten();
      const auto* values = duckdb::FlatVector::GetData<int64_t>(chunk->data[0]);
      if (!duckdb::FlatVector::Validity(chunk->data[0]).CheckAllValid(chunk->size()))
        return Error(Code::corrupt, path + ": column " + column + " has NULLs");
      out.insert(out.end(), values, values + chunk->size());
    }
    return out;
  } catch (const std::exception& failed) {
    return Error(Code::corrupt, path + ": " + failed.what());
  }
}

// Every column is unpacked, so that what cannot be read is found.
Result<uint64_t> BareReader::rows(const std::string& path) {
  try {
    TRY_ASSIGN(auto result, state_->run("*", {path}));
    uint64_t out = 0;
    while (auto chunk = result->Fetch()) out += chunk->size();
    if (result->HasError()) return Error(Code::corrupt, path + ": " + result->GetError());
    return out;
  } catch (const std::exception& failed) {
    return Error(Code::corrupt, path + ": " + failed.what());
  }
}

Result<std::pair<uint64_t, uint64_t>> BareReader::count(const std::vector<std::string>& paths,
                                                        const std::string& column) {
  try {
    TRY_ASSIGN(auto result, state_->run("count(*), count(DISTINCT " + quoted_name(column) + ")", paths));
    auto chunk = result->Fetch();
    return std::pair<uint64_t, uint64_t>(chunk->GetValue(0, 0).GetValue<uint64_t>(),
                                         chunk->GetValue(1, 0).GetValue<uint64_t>());
  } catch (const std::exception& failed) {
    return Error(Code::corrupt, std::string("counting Parquet files: ") + failed.what());
  }
}

}  // namespace weir::engine
