#include "platform/warehouse/rights.h"

#include <algorithm>

#include "platform/warehouse/warehouse.h"

namespace weir::warehouse {
namespace {

using Rows = std::vector<std::vector<engine::Cell>>;

constexpr const char* kCatalog[] = {
    "CREATE SCHEMA IF NOT EXISTS weir_catalog",
    "CREATE TABLE IF NOT EXISTS weir_catalog.relations(schema_name VARCHAR NOT NULL, relation_name VARCHAR NOT NULL, "
    "kind VARCHAR NOT NULL, owner BIGINT NOT NULL, attributes VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.schemas(schema_name VARCHAR NOT NULL, owner BIGINT NOT NULL, attributes "
    "VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.grants(kind VARCHAR NOT NULL, schema_name VARCHAR NOT NULL, object_name "
    "VARCHAR NOT NULL, column_name VARCHAR NOT NULL, privilege VARCHAR NOT NULL, grantee BIGINT NOT NULL, grantor "
    "BIGINT NOT NULL, with_option BOOLEAN NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.marks(mark VARCHAR NOT NULL, left_at TIMESTAMPTZ NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.unloads(target VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.default_grants(owner BIGINT NOT NULL, schema_name VARCHAR NOT NULL, "
    "privilege VARCHAR NOT NULL, grantee BIGINT NOT NULL, grantor BIGINT NOT NULL, with_option BOOLEAN NOT NULL)",
};

const std::vector<GrantedRight> kNone;

std::string key(std::string_view schema, std::string_view name) {
  return std::string(schema) + "." + std::string(name);
}

std::string text(const engine::Cell& cell) {
  const auto* value = std::get_if<std::string>(&cell);
  return value != nullptr ? *value : std::string();
}
uint32_t number(const engine::Cell& cell) {
  const auto* value = std::get_if<int64_t>(&cell);
  return value != nullptr ? static_cast<uint32_t>(*value) : 0;
}
bool truth(const engine::Cell& cell) {
  const auto* value = std::get_if<bool>(&cell);
  return value != nullptr && *value;
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& one : list.array()) out.push_back(one.as_string());
  return out;
}

// Schemas that are there without anybody having made them.
bool is_common(std::string_view schema) {
  return schema == "public" || schema == "main" || schema == "lake" || schema == "pg_catalog" ||
         schema == "information_schema";
}

bool covers(const GrantedRight& right, std::string_view privilege) {
  return right.privilege == privilege || right.privilege == "all";
}

}  // namespace

Error permission_denied(std::string_view what) {
  Error out(Code::denied, "permission denied for " + std::string(what));
  out.sqlstate = "42501";
  return out;
}

Status make_catalog(engine::Engine& engine) {
  TRY_ASSIGN(const std::unique_ptr<engine::Session> session, engine.connect(engine::Trust::own));
  for (const char* sql : kCatalog) {
    TRY_ASSIGN(const auto stream, session->query(sql, {}, {}));
    TRY(stream->next());
  }
  return {};
}

Result<std::shared_ptr<const Rights>> Rights::load(engine::Session& session) {
  auto out = std::make_shared<Rights>();
  TRY_ASSIGN(
      const Rows relations,
      session.run_own("SELECT schema_name, relation_name, kind, owner, attributes FROM weir_catalog.relations", {}));
  for (const auto& row : relations) {
    Relation one{
        .schema = text(row[0]), .name = text(row[1]), .kind = text(row[2]), .owner = number(row[3]), .attributes = {}};
    TRY_ASSIGN(one.attributes, Json::parse(text(row[4])));
    if (one.kind == "view") {
      one.view = engine::Authority::View{.schema = one.schema,
                                         .name = one.name,
                                         .select = one.attributes["select"].as_string(),
                                         .column_names = texts(one.attributes["column_names"]),
                                         .search_path = texts(one.attributes["search_path"])};
    }
    out->relations_.emplace(key(one.schema, one.name), std::move(one));
  }
  TRY_ASSIGN(const Rows schemas, session.run_own("SELECT schema_name, owner FROM weir_catalog.schemas", {}));
  for (const auto& row : schemas) out->schemas_[text(row[0])] = number(row[1]);
  TRY_ASSIGN(const Rows grants,
             session.run_own("SELECT kind, schema_name, object_name, column_name, privilege, grantee, grantor, "
                             "with_option FROM weir_catalog.grants",
                             {}));
  for (const auto& row : grants) {
    GrantedRight right{.column = text(row[3]),
                       .privilege = text(row[4]),
                       .grantee = number(row[5]),
                       .grantor = number(row[6]),
                       .with_option = truth(row[7])};
    auto& all = text(row[0]) == "schema" ? out->schema_grants_[text(row[1])]
                                         : out->relation_grants_[key(text(row[1]), text(row[2]))];
    all.push_back(std::move(right));
  }
  TRY_ASSIGN(const Rows defaults,
             session.run_own("SELECT owner, schema_name, privilege, grantee, grantor, with_option FROM "
                             "weir_catalog.default_grants",
                             {}));
  for (const auto& row : defaults) {
    out->defaults_.push_back({number(row[0]),
                              text(row[1]),
                              {.column = {},
                               .privilege = text(row[2]),
                               .grantee = number(row[3]),
                               .grantor = number(row[4]),
                               .with_option = truth(row[5])}});
  }
  return std::shared_ptr<const Rights>(std::move(out));
}

const Relation* Rights::find(std::string_view schema, std::string_view name) const {
  const auto found = relations_.find(key(schema, name));
  return found == relations_.end() ? nullptr : &found->second;
}

std::optional<uint32_t> Rights::schema_owner(std::string_view schema) const {
  const auto found = schemas_.find(std::string(schema));
  if (found == schemas_.end()) return std::nullopt;
  return found->second;
}

const std::vector<GrantedRight>& Rights::of_relation(std::string_view schema, std::string_view name) const {
  const auto found = relation_grants_.find(key(schema, name));
  return found == relation_grants_.end() ? kNone : found->second;
}

const std::vector<GrantedRight>& Rights::of_schema(std::string_view schema) const {
  const auto found = schema_grants_.find(std::string(schema));
  return found == schema_grants_.end() ? kNone : found->second;
}

bool Rights::owns(const Subject& who, std::string_view schema, std::string_view name) const {
  if (who.is_superuser) return true;
  if (who.reads_all) return false;
  const Relation* relation = find(schema, name);
  return relation != nullptr && relation->owner != kEverybody && who.is(relation->owner);
}

bool Rights::may(const Subject& who, std::string_view privilege, std::string_view schema, std::string_view name,
                 const std::vector<std::string>& columns) const {
  if (who.is_superuser) return true;
  if (who.reads_all) return privilege == "select";
  if (!may_use(who, schema)) return false;
  if (owns(who, schema, name)) return true;
  const std::vector<GrantedRight>& rights = of_relation(schema, name);
  const auto has = [&](std::string_view column) {
    return std::any_of(rights.begin(), rights.end(), [&](const GrantedRight& one) {
      return covers(one, privilege) && who.is(one.grantee) && (one.column.empty() || one.column == column);
    });
  };
  const bool has_whole = has("");
  if (has_whole) return true;
  if (columns.empty()) {
    return std::any_of(rights.begin(), rights.end(),
                       [&](const GrantedRight& one) { return covers(one, privilege) && who.is(one.grantee); });
  }
  return std::all_of(columns.begin(), columns.end(), has);
}

bool Rights::may_use(const Subject& who, std::string_view schema) const {
  if (who.is_superuser || who.reads_all || is_common(schema)) return true;
  const std::optional<uint32_t> owner = schema_owner(schema);
  if (owner && who.is(*owner)) return true;
  const auto& rights = of_schema(schema);
  return std::any_of(rights.begin(), rights.end(),
                     [&](const GrantedRight& one) { return covers(one, "usage") && who.is(one.grantee); });
}

// As on Redshift, everybody may create in public, unless that was revoked from PUBLIC.
bool Rights::may_create_in(const Subject& who, std::string_view schema) const {
  if (who.is_superuser) return true;
  if (who.reads_all || schema == "main" || schema == "lake") return false;
  const std::optional<uint32_t> owner = schema_owner(schema);
  if (owner && who.is(*owner)) return true;
  const auto& rights = of_schema(schema);
  const bool is_revoked = std::any_of(rights.begin(), rights.end(), [](const GrantedRight& one) {
    return one.privilege == "no create" && one.grantee == kEverybody;
  });
  if (schema == "public" && !is_revoked) return true;
  return std::any_of(rights.begin(), rights.end(),
                     [&](const GrantedRight& one) { return covers(one, "create") && who.is(one.grantee); });
}

bool Rights::may_grant(const Subject& who, std::string_view privilege, std::string_view schema,
                       std::string_view name) const {
  if (name.empty()) {
    if (who.is_superuser) return true;
    const std::optional<uint32_t> owner = schema_owner(schema);
    if (owner && who.is(*owner)) return true;
    const auto& rights = of_schema(schema);
    return std::any_of(rights.begin(), rights.end(), [&](const GrantedRight& one) {
      return covers(one, privilege) && one.with_option && who.is(one.grantee);
    });
  }
  if (owns(who, schema, name)) return true;
  const auto& rights = of_relation(schema, name);
  return std::any_of(rights.begin(), rights.end(), [&](const GrantedRight& one) {
    return covers(one, privilege) && one.column.empty() && one.with_option && who.is(one.grantee);
  });
}

std::vector<GrantedRight> Rights::defaults_for(uint32_t owner, std::string_view schema) const {
  std::vector<GrantedRight> out;
  for (const DefaultRight& one : defaults_) {
    if (one.owner == owner && (one.schema.empty() || one.schema == schema)) out.push_back(one.right);
  }
  return out;
}

std::vector<std::string> Rights::holdings(uint32_t id) const {
  std::vector<std::string> out;
  for (const auto& [name, relation] : relations_) {
    if (relation.owner == id) out.push_back("owns the " + relation.kind + " " + name);
  }
  for (const auto& [name, owner] : schemas_) {
    if (owner == id) out.push_back("owns the schema " + name);
  }
  for (const auto& [name, rights] : relation_grants_) {
    for (const GrantedRight& one : rights) {
      if (one.grantee == id) out.push_back("has " + one.privilege + " on " + name);
    }
  }
  for (const auto& [name, rights] : schema_grants_) {
    for (const GrantedRight& one : rights) {
      if (one.grantee == id) out.push_back("has " + one.privilege + " on the schema " + name);
    }
  }
  for (const DefaultRight& one : defaults_) {
    if (one.owner == id || one.right.grantee == id) out.push_back("is in default privileges");
  }
  return out;
}

}  // namespace weir::warehouse
