// What is known of relations beside the engine's own catalog (owners, grants, views, attributes), and what somebody may
// do with them. It lies in tables of the engine's schema weir_catalog, which no statement of a user names, so that it
// changes in the same transaction as the tables that it speaks of; this is a copy in memory of one moment.
//
// Sources of the rules: Redshift, "Managing database security" (r_Database_objects), r_GRANT, r_Privileges;
// PostgreSQL 15, ddl-priv. Internal to platform/warehouse. A Rights is immutable and shared by statements under way.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "platform/access/users.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/external.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

inline constexpr uint32_t kEverybody = 0;  // as a grantee: PUBLIC

struct Relation {
  std::string schema, name;
  std::string kind;  // "table", "view", "materialized view", "external table"
  uint32_t owner = access::kOwnerUser;
  Json attributes;                                   // see define.h
  std::optional<engine::Authority::View> view = {};  // of a view
};

struct GrantedRight {
  std::string column;     // empty: of all columns
  std::string privilege;  // "select", "insert", "usage", …
  uint32_t grantee = kEverybody, grantor = access::kOwnerUser;
  bool with_option = false;
};

// Of row-level security, or a mask. Sources: CREATE RLS POLICY (r_CREATE_RLS_POLICY), CREATE MASKING POLICY.
struct Policy {
  dialect::PolicyKind kind = dialect::PolicyKind::rows;
  std::string name;
  Json attributes;  // see policies.cpp
};
struct Attachment {
  dialect::PolicyKind kind = dialect::PolicyKind::rows;
  std::string policy;
  uint32_t grantee = kEverybody;
  int64_t priority = 0;
  std::vector<std::string> columns, inputs;  // of a mask
};
struct FunctionEntry {
  engine::StoredFunction function;
  uint32_t owner = access::kOwnerUser;
  Json attributes;  // see stored_functions.cpp
};

struct DefaultRight {
  uint32_t owner = 0;
  std::string schema;  // empty: every one
  GrantedRight right;
};

// Who acts: a user with all that they are a member of.
struct Subject {
  uint32_t id = access::kOwnerUser;
  std::string name;
  bool is_superuser = false;
  bool reads_all = false;        // a token of the role read: SELECT on everything, and nothing else
  bool is_secadmin = false;      // of the role sys:secadmin: policies are theirs
  bool is_operator = false;      // of the role sys:operator
  bool creates_schemas = false;  // CREATEDB
  std::set<uint32_t> roles = {};

  bool is(uint32_t grantee) const { return grantee == kEverybody || grantee == id || roles.contains(grantee); }
};

class Rights {
 public:
  // Reads the tables on this session, in its transaction.
  static Result<std::shared_ptr<const Rights>> load(engine::Session& session);
  Status load_external(engine::Session& session);

  const Relation* find(std::string_view schema, std::string_view name) const;
  const std::map<std::string, Relation>& relations() const { return relations_; }  // by "schema.name"
  // Of a schema that somebody made; public, main and lake have none.
  std::optional<uint32_t> schema_owner(std::string_view schema) const;

  // Null: it is no external one.
  const ExternalSchema* external_schema(std::string_view schema) const;
  bool has_external_database(std::string_view database) const;  // of the data catalog; "lake" is always there
  std::shared_ptr<const ExternalDefinition> external_table(std::string_view schema, std::string_view name) const;

  // `privilege` of a relation: "select", "insert", "update", "delete", "references", "alter", "drop", "truncate".
  // `columns`: all of them are needed, empty: any one is enough.
  bool may(const Subject& who, std::string_view privilege, std::string_view schema, std::string_view name,
           const std::vector<std::string>& columns = {}) const;
  // (Of an external schema USAGE lets read all its tables, and nothing lets anybody change them.)
  // The same for the whole relation, as has_table_privilege() asks: a grant on some of its columns is not enough.
  bool may_whole(const Subject& who, std::string_view privilege, std::string_view schema, std::string_view name) const;
  bool owns(const Subject& who, std::string_view schema, std::string_view name) const;
  bool may_use(const Subject& who, std::string_view schema) const;        // USAGE
  bool may_create_in(const Subject& who, std::string_view schema) const;  // CREATE
  bool may_grant(const Subject& who, std::string_view privilege, std::string_view schema, std::string_view name) const;
  const std::vector<GrantedRight>& of_relation(std::string_view schema, std::string_view name) const;
  const std::vector<GrantedRight>& of_schema(std::string_view schema) const;
  std::vector<GrantedRight> defaults_for(uint32_t owner, std::string_view schema) const;

  // --- policies ---
  const Policy* policy(dialect::PolicyKind kind, std::string_view name) const;
  const std::map<std::string, Policy>& policies() const { return policies_; }
  // By "schema.name" of the relation.
  const std::map<std::string, std::vector<Attachment>>& attachments() const { return attachments_; }
  struct RowSecurity {
    bool is_on = false, joins_by_or = false;
  };
  std::optional<RowSecurity> row_security(std::string_view schema, std::string_view name) const;
  // Past row-level security: superusers, sys:secadmin, and who was granted IGNORE RLS.
  bool ignores_rows(const Subject& who) const;
  bool has_system_right(const Subject& who, std::string_view privilege) const;
  // What stands between somebody and the rows of each relation that has policies. Those of a stream hold for the tables
  // beside it too: its archive raw_S shows the rows whose events are seen, with masks, and S_quarantine and S_intake
  // show none where they lack a column that a policy names. Those of an external table hold under every schema over its
  // database.
  std::map<std::string, engine::RelationGuard> guards(const Subject& who) const;
  bool has_policies(const std::string& relation) const;  // "schema.name": attached there, or row-level security is on
  // The RLS policies among them, by name; empty: by default no row is seen.
  std::vector<std::string> row_policies(const Subject& who, std::string_view schema, std::string_view name) const;
  // Whether anything stands before its rows for anybody, there or where its rows come from.
  bool is_secured(std::string_view schema, std::string_view name) const;
  // The names of an external table under the other schemas over its database.
  std::vector<std::string> other_names(std::string_view schema, std::string_view name) const;

  // --- functions ---
  const std::vector<FunctionEntry>& functions(std::string_view schema, std::string_view name) const;
  // The one with arguments of these types, whatever their lengths and precisions; null: none.
  const FunctionEntry* function(std::string_view schema, std::string_view name,
                                const std::vector<std::string>& types) const;
  const std::map<std::string, std::vector<FunctionEntry>>& functions() const { return functions_; }  // "schema.name"
  bool may_execute(const Subject& who, const FunctionEntry& function) const;
  const std::vector<GrantedRight>& of_function(const FunctionEntry& function) const;
  bool may_grant_function(const Subject& who, const FunctionEntry& function) const;

  // What a user or role owns or was granted, in words.
  std::vector<std::string> holdings(uint32_t id) const;

 private:
  Status load_policies(engine::Session& session);
  std::vector<const Policy*> row_policies_of(const Subject& who, const std::string& relation) const;
  void add_masks(const Subject& who, std::map<std::string, engine::RelationGuard>& out) const;
  void add_beside(std::map<std::string, engine::RelationGuard>& out) const;
  Status load_functions(engine::Session& session);
  std::map<std::string, Relation> relations_;
  std::map<std::string, uint32_t> schemas_;
  std::map<std::string, std::vector<GrantedRight>> relation_grants_, schema_grants_, function_grants_;
  std::vector<GrantedRight> system_grants_;
  std::map<std::string, Policy> policies_;
  std::map<std::string, std::vector<Attachment>> attachments_;
  std::map<std::string, RowSecurity> row_security_;
  std::map<std::string, std::vector<FunctionEntry>> functions_;
  std::vector<DefaultRight> defaults_;
  std::map<std::string, ExternalSchema> external_schemas_;
  std::set<std::string> external_databases_;
  std::map<std::string, std::shared_ptr<const ExternalDefinition>> externals_;  // by "database.name"
};

Error permission_denied(std::string_view what);                            // SQLSTATE 42501
std::string relation_key(std::string_view schema, std::string_view name);  // "schema.name"
std::vector<std::string> texts_of(const Json& list);
// Of a function's arguments, without lengths and precisions: "INTEGER,VARCHAR".
std::string signature_of(const std::vector<std::string>& types);

}  // namespace weir::warehouse
