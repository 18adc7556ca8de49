// External tables inside the engine: their catalog entries and scans. Internal to storage/engine.
#pragma once

#include <string>

#include "storage/engine/inside.h"

namespace weir::engine {

// The entry of "schema.name" as the connection's authority has it; null if there is none. It lives as long as the
// connection's transaction, and every plan over it.
duckdb::optional_ptr<duckdb::CatalogEntry> external_table(duckdb::ClientContext& context, const std::string& name,
                                                          duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema);

// What the scan of an external table reads.
const ExternalTable& external_read(const duckdb::FunctionData& data);

}  // namespace weir::engine
