// What the identity of a connection may see, before something that needs it begins: who and where it is, and for each
// thing that it cannot see the statement that mends it. Nothing is changed there.
//
// Errors: as OutsideConnection::run(). Blocks: run it on a work lane.
// Source: PostgreSQL 15 documentation, "Predefined Roles"; Redshift Database Developer Guide, "Visibility of data in
// system tables and views", ALTER USER, GRANT.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "storage/engine/outside.h"

namespace weir::engine {

// A thing that is to be seen.
struct Need {
  enum class Kind {
    relation,        // rows of the table or view `relation`
    rows_of_others,  // what other users did, in statistics and system tables
    all_tables,      // rows of every table and view that is no system's
    all_sequences,   // where every sequence is; Redshift has none
  };
  Kind kind = Kind::relation;
  std::string relation = {};  // "schema.name", or a name that is found along the search path
  std::string why = {};       // what it is for: "the slowest statements"
};

// One that cannot be seen.
struct Gap {
  Need need;
  std::string what;       // "no SELECT on public.orders"
  std::string statement;  // that mends it; empty: none does
  std::string by;         // who is to run it: "a superuser"
};

struct Preflight {
  std::vector<Need> met;
  std::vector<Gap> gaps;
  bool is_good() const { return gaps.empty(); }
};

// A SELECT that fails where the relation ([schema.]name) cannot be read; in brackets, so that many make one statement
// with UNION ALL.
std::string probe_of(const std::string& relation);
// One statement asks for all relations; where one cannot be read, each is asked for by itself.
Result<Preflight> check_rights(OutsideConnection& connection, const std::vector<Need>& needs, const Cancel& cancel);
// What a review of a server typically reads.
std::vector<Need> usual_needs(OutsideKind kind);

struct OutsideFacts {
  OutsideKind kind = OutsideKind::postgresql;  // what it is, whatever was declared
  std::string product;                         // its own words: "PostgreSQL 15.8 on x86_64-pc-linux-gnu, …"
  std::string database, user;
  bool is_superuser = false;
  OutsideServer server;
  Duration latency{};  // of a statement that does nothing, with its transaction
};
Result<OutsideFacts> ask_facts(OutsideConnection& connection, const Cancel& cancel);

// Both, with what was declared, as the API shows it.
Result<Json> check_outside(OutsidePool& pool, const Cancel& cancel);
// One declared connection, without reaching it.
Json outside_json(const OutsidePool& pool);

}  // namespace weir::engine
