// Statements, sign-ins and loads as records of the HistoryFile, and back. Pure, any thread.
//
// What is kept for long holds nothing of whom it is about, as a person is forgotten everywhere: statements are kept
// without their texts and numbers, lines that could not be loaded not at all, errors without what stands in quotes.
#pragma once

#include <vector>

#include "core/base/json.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/statement_log.h"

namespace weir::warehouse {

Json record_of(const StatementInfo& info);
StatementInfo statement_of(const Json& record);
Json record_of(const ConnectionEvent& event);
ConnectionEvent connection_of(const Json& record);
Json record_of(const LoadError& error);
LoadError load_error_of(const Json& record);
Json record_of_loaded(const LoadedFile& file);
Json record_of_unloaded(const LoadedFile& file);
LoadedFile file_of(const Json& record);

// What HistoryFile::take_kept() gave, into the logs; of a kind that nobody knows nothing. Before they are used.
void restore_history(std::vector<Json> records, StatementLog& statements, LoadLog& loads);

}  // namespace weir::warehouse
