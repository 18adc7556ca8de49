// External schemas and tables: databases of the data catalog, their tables over files of the store, and where those
// files are. Internal to platform/warehouse.
//
// What weir_catalog keeps: external_databases; external_schemas, each a name for one of them (two schemas over one
// database show the same tables); external_tables; external_partitions. The database `lake` is always there: its tables
// are the streams and the tables of the lake.
//
// Sources: Redshift, r_CREATE_EXTERNAL_SCHEMA, r_CREATE_EXTERNAL_TABLE, r_ALTER_TABLE_external-table,
// c-spectrum-external-tables. Values are immutable and shared; any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "platform/access/users.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/buckets.h"
#include "storage/engine/engine.h"
#include "storage/engine/external.h"

namespace weir::warehouse {

inline constexpr std::string_view kLakeDatabase = "lake";

struct ExternalSchema {
  std::string database, role;
};

struct ExternalPartition {
  engine::PartitionValues values;
  std::string location;  // "s3://bucket/prefix/"
};

struct ExternalDefinition {
  std::string database, name;
  uint32_t owner = access::kOwnerUser;
  // {"columns":[{"name","type","shown"}],"partition_columns":[…],"format","delimiter","quote","escape","null",
  //  "header_lines","compression","ignores_malformed","location","registered","serde","properties":{}}
  Json definition;
  std::vector<ExternalPartition> partitions;  // of ADD PARTITION

  // Once a partition was registered only registered ones are read; before, those whose folders lie below the location.
  bool is_registered() const { return definition["registered"].as_bool(false); }
};

// What CREATE EXTERNAL TABLE says, as ExternalDefinition has it. `unsupported` with its name for what is not built.
// `ignored`: properties that change nothing here.
Result<Json> external_definition(const dialect::CreateExternalTable& order, std::vector<std::string>& ignored);
// Properties that are set later, over what is known.
Status set_properties(Json& definition, const std::map<std::string, std::string>& properties,
                      std::vector<std::string>& ignored);

// Told what a scan will read, when its files were found.
using NoteScan = std::function<void(const engine::ExternalTable& table, const engine::ExternalFiles& found)>;

// The table as the engine reads it, under a schema's name.
std::shared_ptr<const engine::ExternalTable> external_table(std::shared_ptr<const ExternalDefinition> definition,
                                                            std::string_view schema, Buckets& buckets, NoteScan note);

// 's3://bucket/prefix/' with its last '/'.
Result<ObjectPath> folder_of(std::string_view location);

}  // namespace weir::warehouse
