// The tables that a .test file writes: rows become Parquet files below a store and sealed chunks of a tail, published
// as one snapshot.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/engine/scripted_tables.h"
#include "target.h"
#include "test_file.h"

namespace weir::sql_test {

class World {
 public:
  static Result<std::unique_ptr<World>> open();

  Status add_table(const Record& record);
  Status add_file(const Record& record);
  Status add_tail(const Record& record);
  void publish();
  Status run_own(const std::string& sql);
  // ${DATABASE}, ${STORE} and ${FOLDER}: paths of this world.
  std::string expand(std::string sql) const;
  // A user's session, or one of our own rooms.
  Result<std::unique_ptr<Target>> connect(engine::Trust trust);

 private:
  World() = default;
  Result<engine::RowBlock> select(const std::string& sql, const std::vector<engine::Column>& columns);
  Result<engine::TableVersion*> table(const std::string& name);

  engine::ScratchFolder folder_{"weir-sql-test"};
  engine::ScriptedTables tables_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::Session> own_;
  std::vector<engine::TableVersion> versions_;
};

std::string cell_text(const engine::Cell& cell);

}  // namespace weir::sql_test
