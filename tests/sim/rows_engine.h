// The one replaced part of the simulated spine: what holds the lake's rows in memory and writes them as files. DuckDB
// opens its files itself and cannot write to a simulated disk, so here rows are kept as they come, and a lake file is a
// text that describes itself:
//
//   {"weir_sim_rows":1,"columns":["id","n", …]}
//   {"id":"e1","n":1, …}                          one line a row
//   {"rows":1}                                    nothing follows
//
// It is written through Files like any other, so that a power cut, a full disk or a failed sync meets it. Everything
// else of the lake is the real thing. Single-threaded; seal() may be called from anywhere.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/io/files.h"
#include "storage/engine/engine.h"
#include "stream/lake/lake.h"

namespace weir::sim {

class RowsEngine final : public engine::Engine {
 public:
  std::shared_ptr<const engine::SealedChunk> seal(const engine::RowBlock& rows) override;
  // The rows of a chunk that seal() made, each an object by column name.
  static std::vector<Json> rows_of(const engine::SealedChunk& chunk);
  static lake::ParquetWriter writer(Files& files);
  static lake::ParquetMerger merger(Files& files);
  static lake::RowDigest digest(Files& files, const std::string& store_root);
  static Result<std::vector<Json>> read_file_text(std::string_view text);

  void set_views(std::vector<engine::SystemView>) override {}
  std::vector<std::string> view_names() const override { return {}; }
  void set_relations(std::vector<engine::SystemRelation>) override {}
  // Statements are not simulated: `unsupported`.
  Result<std::unique_ptr<engine::Session>> connect(engine::Trust trust) override;
  Result<engine::SelectShape> examine(std::string_view select, bool binds) override;
  Result<engine::ParquetFile> write_parquet(const std::vector<std::shared_ptr<const engine::SealedChunk>>& chunks,
                                            const std::vector<engine::Column>& columns, const std::string& path,
                                            const engine::ParquetOptions& options) override;
  Result<engine::ParquetFile> merge_parquet(const std::vector<std::string>& paths, const std::string& path,
                                            const engine::ParquetOptions& options, const Cancel& cancel) override;
  Result<std::vector<engine::ScriptStatement>> examine_script(std::string_view script,
                                                              const std::vector<engine::NamedValue>& values) override;
  Result<uint64_t> copy_result(engine::Session& session, std::string_view select, const std::string& path,
                               const std::vector<engine::NamedValue>& values, engine::QueryLimits limits) override;
  Result<uint64_t> load_file(engine::Session& session, const std::string& path, std::string_view format,
                             const std::string& table, engine::QueryLimits limits) override;
  Status checkpoint() override { return {}; }
  Result<engine::FilteredParquet> filter_parquet(const engine::FilterParquet&, const engine::ParquetOptions&,
                                                 const Cancel&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Status scrub(const std::vector<std::string>&, Duration, const Cancel&) override {
    return Error(Code::unsupported, "not scripted");
  }
};

}  // namespace weir::sim
