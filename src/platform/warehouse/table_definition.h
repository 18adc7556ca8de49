// A table as its CREATE said it: what the engine knows of it, and what only we keep. Internal to platform/warehouse.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/warehouse/session_state.h"

namespace weir::warehouse {

struct TableDefinition {
  std::vector<dialect::ColumnDefinition> columns;  // none: the engine alone knows them (CREATE TABLE AS)
  std::vector<dialect::Constraint> constraints;
  std::string diststyle, distkey, sortstyle;
  std::vector<std::string> sortkeys;
  bool backup = true;
  std::map<std::string, std::string> sequences = {};  // of IDENTITY columns, by the column; set by make_table()

  static TableDefinition of(const dialect::CreateTable& order);
  // Of a table that is there, whoever made it: its columns are complete.
  static Result<TableDefinition> of_existing(SessionState& session, const Place& place);
  static TableDefinition from_json(const Json& attributes);
  Json to_json() const;
};

// Makes the table in the engine, with sequences for IDENTITY columns.
Status make_table(SessionState& session, const Place& place, TableDefinition& definition);
Status drop_sequences(SessionState& session, const Json& attributes);

// Views that read this relation and are bound to it.
std::vector<Place> views_over(const Rights& rights, const Place& place);

Result<Answer> alter(SessionState& session, const dialect::Alter& order);

}  // namespace weir::warehouse
