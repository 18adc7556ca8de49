// What builders of both stores share. For engine_builder.cpp and lake_builder.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/flow/builder.h"
#include "stream/lake/lake.h"

namespace weir::flow {

// Tables of the lake as they were committed, each with the files of the days that are wanted only.
std::shared_ptr<const engine::Snapshot> chosen_days(const BuildRequest& request);
// Streams as `streams` has them, derived tables as they are now: one run computes tables that read each other.
std::shared_ptr<const engine::Snapshot> with_derived(std::shared_ptr<const engine::Snapshot> streams,
                                                     const lake::CommittedTables& now);
// All of `base`, and `table` in place of what has its name there.
std::shared_ptr<const engine::Snapshot> with_table(std::shared_ptr<const engine::Snapshot> base,
                                                   engine::TableVersion table);

// The columns that the SELECT makes now.
Result<std::vector<engine::ResultColumn>> columns_of(engine::Engine& engine, const TableContent& content);
// Of a table that is there, in the engine's own catalog or in the lake's; empty: there is none.
Result<std::vector<engine::ResultColumn>> columns_there(engine::Session& session, const std::string& table,
                                                        bool in_lake = false);
const engine::ResultColumn* find_column(const std::vector<engine::ResultColumn>& columns, std::string_view name);

// Holds for the rows of the partition.
std::string condition(const TableContent& content, const Partition& partition);
bool is_made_by(const TableContent& content, const TableMarks& marks);
// Past partitions can be taken over only if they can be told apart in both tables.
Error no_partition_column(const TableContent& content, const Partition& partition);

Result<std::vector<TestFailure>> run_tests(engine::Engine& engine, engine::Session& session,
                                           const TableContent& content, const std::string& where,
                                           std::vector<TestFailure>& warnings);
Error failed_tests(const TableContent& content, const Partition& partition, const std::vector<TestFailure>& failures);
// Why something was stopped, rather than that.
Error told(const Cancel& cancel, Error error);

TableMarks marks_of(const lake::Derived& derived);

}  // namespace weir::flow
