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
  bool reads_all = false;  // a token of the role read: SELECT on everything, and nothing else
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
  bool owns(const Subject& who, std::string_view schema, std::string_view name) const;
  bool may_use(const Subject& who, std::string_view schema) const;        // USAGE
  bool may_create_in(const Subject& who, std::string_view schema) const;  // CREATE
  bool may_grant(const Subject& who, std::string_view privilege, std::string_view schema, std::string_view name) const;
  const std::vector<GrantedRight>& of_relation(std::string_view schema, std::string_view name) const;
  const std::vector<GrantedRight>& of_schema(std::string_view schema) const;
  std::vector<GrantedRight> defaults_for(uint32_t owner, std::string_view schema) const;
  // What a user or role owns or was granted, in words.
  std::vector<std::string> holdings(uint32_t id) const;

 private:
  std::map<std::string, Relation> relations_;
  std::map<std::string, uint32_t> schemas_;
  std::map<std::string, std::vector<GrantedRight>> relation_grants_, schema_grants_;
  std::vector<DefaultRight> defaults_;
  std::map<std::string, ExternalSchema> external_schemas_;
  std::set<std::string> external_databases_;
  std::map<std::string, std::shared_ptr<const ExternalDefinition>> externals_;  // by "database.name"
};

Error permission_denied(std::string_view what);  // SQLSTATE 42501

}  // namespace weir::warehouse
