// The relations of the system: pg_catalog, information_schema and Redshift's SVV_, STV_, STL_ and SVL_ families, each a
// SELECT over what weir knows of itself. docs/reference/system-relations.md says which are filled, and from what.
//
// Everybody may read them, so what not everybody may see (what others ran, who is connected) is left out inside of
// them, by weir_word('sees_all'). A family is one file with one list; what weir has no such thing for is a line in
// system_relations_empty.cpp with its columns. Whole numbers of PostgreSQL's type oid are BIGINT here.
//
// Sources of names and columns: PostgreSQL 15, "System Catalogs" and "The Information Schema"; Redshift Database
// Developer Guide, "System tables and views reference" (cm_chap_system-tables).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/access/users.h"
#include "platform/warehouse/statement_log.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

// All of them, for Engine::set_relations().
std::vector<engine::SystemRelation> system_relations();

// Whether the relation is there with its columns and never has a row, as weir has no such thing. `name` with or without
// its schema, in any case.
bool is_never_filled(std::string_view name);

// What they read beside the engine's own listings, for Engine::open(): statements, sessions, users, roles. `users` may
// be filled later; both outlive the engine.
std::vector<engine::SystemView> system_facts(const StatementLog& log, const std::unique_ptr<access::Users>& users);

// --- the families; internal ---
struct SystemSelect {
  const char* schema;
  const char* name;
  const char* select;
};
std::vector<SystemSelect> catalog_relations();      // pg_catalog
std::vector<SystemSelect> information_relations();  // information_schema
std::vector<SystemSelect> svv_relations();          // SVV_ and what describes tables
std::vector<SystemSelect> external_relations();     // external schemas and tables, and what was read of them
std::vector<SystemSelect> rights_relations();       // functions and policies
std::vector<SystemSelect> history_relations();      // STL_, SVL_, STV_: statements and sessions
// Lines "name column type, column type, …": they have no rows.
std::string_view empty_relations();

}  // namespace weir::warehouse
