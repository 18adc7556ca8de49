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
    "CREATE TABLE IF NOT EXISTS weir_catalog.external_databases(database_name VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.external_schemas(schema_name VARCHAR NOT NULL, database_name VARCHAR NOT "
    "NULL, role VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.external_tables(database_name VARCHAR NOT NULL, table_name VARCHAR NOT "
    "NULL, owner BIGINT NOT NULL, definition VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.external_partitions(database_name VARCHAR NOT NULL, table_name VARCHAR "
    "NOT NULL, partition_values VARCHAR NOT NULL, location VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.policies(kind VARCHAR NOT NULL, name VARCHAR NOT NULL, owner BIGINT NOT "
    "NULL, modified_by BIGINT NOT NULL, modified_at TIMESTAMPTZ NOT NULL, attributes VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.attachments(kind VARCHAR NOT NULL, policy VARCHAR NOT NULL, schema_name "
    "VARCHAR NOT NULL, relation_name VARCHAR NOT NULL, grantee BIGINT NOT NULL, grantor BIGINT NOT NULL, priority "
    "BIGINT NOT NULL, column_names VARCHAR[] NOT NULL, input_names VARCHAR[] NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.row_security(schema_name VARCHAR NOT NULL, relation_name VARCHAR NOT "
    "NULL, is_on BOOLEAN NOT NULL, conjunction VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_catalog.functions(schema_name VARCHAR NOT NULL, function_name VARCHAR NOT NULL, "
    "arguments BIGINT NOT NULL, owner BIGINT NOT NULL, attributes VARCHAR NOT NULL)",
};

const std::vector<GrantedRight> kNone;

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

// Schemas that are there without anybody having made them.
bool is_common(std::string_view schema) {
  return schema == "public" || schema == "main" || schema == "lake" || schema == "pg_catalog" ||
         schema == "information_schema";
}

bool covers(const GrantedRight& right, std::string_view privilege) {
  return right.privilege == privilege || right.privilege == "all";
}

}  // namespace

std::string relation_key(std::string_view schema, std::string_view name) {
  return std::string(schema) + "." + std::string(name);
}

std::string signature_of(const std::vector<std::string>& types) {
  std::string out;
  for (const std::string& one : types) out += (out.empty() ? "" : ",") + one.substr(0, one.find('('));
  return out;
}

const FunctionEntry* Rights::function(std::string_view schema, std::string_view name,
                                      const std::vector<std::string>& types) const {
  for (const FunctionEntry& one : functions(schema, name)) {
    if (one.function.types.size() == types.size() && signature_of(one.function.types) == signature_of(types)) {
      return &one;
    }
  }
  return nullptr;
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& one : list.array()) out.push_back(one.as_string());
  return out;
}

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
                                         .column_names = texts_of(one.attributes["column_names"]),
                                         .search_path = texts_of(one.attributes["search_path"]),
                                         .calls = {}};
      if (!one.attributes["late"].as_bool(false)) one.view->calls = texts_of(one.attributes["calls"]);
    }
    out->relations_.emplace(relation_key(one.schema, one.name), std::move(one));
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
    const std::string kind = text(row[0]);
    auto& all = kind == "schema"     ? out->schema_grants_[text(row[1])]
                : kind == "function" ? out->function_grants_[relation_key(text(row[1]), text(row[2]))]
                : kind == "system"   ? out->system_grants_
                                     : out->relation_grants_[relation_key(text(row[1]), text(row[2]))];
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
  TRY(out->load_external(session));
  TRY(out->load_policies(session));
  TRY(out->load_functions(session));
  return std::shared_ptr<const Rights>(std::move(out));
}

// The tables of a database are relations of every schema over it.
Status Rights::load_external(engine::Session& session) {
  TRY_ASSIGN(const Rows databases, session.run_own("SELECT database_name FROM weir_catalog.external_databases", {}));
  for (const auto& row : databases) external_databases_.insert(text(row[0]));
  TRY_ASSIGN(const Rows schemas,
             session.run_own("SELECT schema_name, database_name, role FROM weir_catalog.external_schemas", {}));
  for (const auto& row : schemas) external_schemas_[text(row[0])] = {text(row[1]), text(row[2])};
  if (external_schemas_.empty()) return {};
  std::map<std::string, std::shared_ptr<ExternalDefinition>> tables;
  TRY_ASSIGN(
      const Rows rows,
      session.run_own("SELECT database_name, table_name, owner, definition FROM weir_catalog.external_tables", {}));
  for (const auto& row : rows) {
    auto one = std::make_shared<ExternalDefinition>();
    one->database = text(row[0]);
    one->name = text(row[1]);
    one->owner = number(row[2]);
    TRY_ASSIGN(one->definition, Json::parse(text(row[3])));
    tables.emplace(relation_key(one->database, one->name), std::move(one));
  }
  TRY_ASSIGN(const Rows partitions, session.run_own("SELECT database_name, table_name, partition_values, location FROM "
                                                    "weir_catalog.external_partitions ORDER BY ALL",
                                                    {}));
  for (const auto& row : partitions) {
    const auto table = tables.find(relation_key(text(row[0]), text(row[1])));
    if (table == tables.end()) continue;
    TRY_ASSIGN(const Json values, Json::parse(text(row[2])));
    ExternalPartition one{.values = {}, .location = text(row[3])};
    for (const Json& value : values.array()) {
      one.values.push_back(value.is_null() ? std::nullopt : std::optional<std::string>(value.as_string()));
    }
    table->second->partitions.push_back(std::move(one));
  }
  for (const auto& [schema, external] : external_schemas_) {
    for (const auto& [name, table] : tables) {
      if (table->database != external.database) continue;
      relations_.emplace(relation_key(schema, table->name), Relation{.schema = schema,
                                                                     .name = table->name,
                                                                     .kind = "external table",
                                                                     .owner = table->owner,
                                                                     .attributes = table->definition});
    }
  }
  externals_.insert(tables.begin(), tables.end());
  return {};
}

const ExternalSchema* Rights::external_schema(std::string_view schema) const {
  const auto found = external_schemas_.find(std::string(schema));
  return found == external_schemas_.end() ? nullptr : &found->second;
}

bool Rights::has_external_database(std::string_view database) const {
  return database == kLakeDatabase || external_databases_.contains(std::string(database));
}

std::shared_ptr<const ExternalDefinition> Rights::external_table(std::string_view schema, std::string_view name) const {
  const ExternalSchema* in = external_schema(schema);
  if (in == nullptr) return nullptr;
  const auto found = externals_.find(relation_key(in->database, name));
  return found == externals_.end() ? nullptr : found->second;
}

Status Rights::load_policies(engine::Session& session) {
  TRY_ASSIGN(const Rows policies, session.run_own("SELECT kind, name, attributes FROM weir_catalog.policies", {}));
  for (const auto& row : policies) {
    Policy one{.kind = text(row[0]) == "mask" ? dialect::PolicyKind::mask : dialect::PolicyKind::rows,
               .name = text(row[1]),
               .attributes = {}};
    TRY_ASSIGN(one.attributes, Json::parse(text(row[2])));
    policies_.emplace(relation_key(text(row[0]), one.name), std::move(one));
  }
  TRY_ASSIGN(const Rows attached,
             session.run_own("SELECT kind, policy, schema_name, relation_name, grantee, priority, "
                             "CAST(to_json(column_names) AS VARCHAR), CAST(to_json(input_names) AS VARCHAR) FROM "
                             "weir_catalog.attachments",
                             {}));
  for (const auto& row : attached) {
    TRY_ASSIGN(const Json columns, Json::parse(text(row[6])));
    TRY_ASSIGN(const Json inputs, Json::parse(text(row[7])));
    const auto* priority = std::get_if<int64_t>(&row[5]);
    attachments_[relation_key(text(row[2]), text(row[3]))].push_back(
        {.kind = text(row[0]) == "mask" ? dialect::PolicyKind::mask : dialect::PolicyKind::rows,
         .policy = text(row[1]),
         .grantee = number(row[4]),
         .priority = priority != nullptr ? *priority : 0,
         .columns = texts_of(columns),
         .inputs = texts_of(inputs)});
  }
  TRY_ASSIGN(
      const Rows secured,
      session.run_own("SELECT schema_name, relation_name, is_on, conjunction FROM weir_catalog.row_security", {}));
  for (const auto& row : secured) {
    row_security_[relation_key(text(row[0]), text(row[1]))] = {.is_on = truth(row[2]),
                                                               .joins_by_or = text(row[3]) == "or"};
  }
  return {};
}

Status Rights::load_functions(engine::Session& session) {
  TRY_ASSIGN(const Rows rows,
             session.run_own("SELECT schema_name, function_name, owner, attributes FROM weir_catalog.functions", {}));
  for (const auto& row : rows) {
    FunctionEntry one;
    one.function.schema = text(row[0]);
    one.function.name = text(row[1]);
    one.owner = number(row[2]);
    TRY_ASSIGN(one.attributes, Json::parse(text(row[3])));
    one.function.types = texts_of(one.attributes["types"]);
    one.function.returns = one.attributes["returns"].as_string();
    one.function.expression = one.attributes["expression"].as_string();
    one.function.calls = texts_of(one.attributes["calls"]);
    // Those that were made before there could be several with as many arguments are called by their number.
    one.function.key = relation_key(one.function.schema, one.function.name) + "(" +
                       (one.attributes["signature"].is_string() ? one.attributes["signature"].as_string()
                                                                : std::to_string(one.function.types.size())) +
                       ")";
    functions_[relation_key(one.function.schema, one.function.name)].push_back(std::move(one));
  }
  return {};
}

const std::vector<FunctionEntry>& Rights::functions(std::string_view schema, std::string_view name) const {
  static const std::vector<FunctionEntry> kNoFunctions;
  const auto found = functions_.find(relation_key(schema, name));
  return found == functions_.end() ? kNoFunctions : found->second;
}

const std::vector<GrantedRight>& Rights::of_function(const FunctionEntry& entry) const {
  const auto found = function_grants_.find(entry.function.key);
  return found == function_grants_.end() ? kNone : found->second;
}

bool Rights::may_execute(const Subject& who, const FunctionEntry& entry) const {
  if (who.is_superuser || who.is(entry.owner)) return true;
  const auto& rights = of_function(entry);
  return may_use(who, entry.function.schema) &&
         std::any_of(rights.begin(), rights.end(), [&](const GrantedRight& one) { return who.is(one.grantee); });
}

bool Rights::may_grant_function(const Subject& who, const FunctionEntry& entry) const {
  if (who.is_superuser || who.is(entry.owner)) return true;
  const auto& rights = of_function(entry);
  return std::any_of(rights.begin(), rights.end(),
                     [&](const GrantedRight& one) { return one.with_option && who.is(one.grantee); });
}

const Relation* Rights::find(std::string_view schema, std::string_view name) const {
  const auto found = relations_.find(relation_key(schema, name));
  return found == relations_.end() ? nullptr : &found->second;
}

std::optional<uint32_t> Rights::schema_owner(std::string_view schema) const {
  const auto found = schemas_.find(std::string(schema));
  if (found == schemas_.end()) return std::nullopt;
  return found->second;
}

const std::vector<GrantedRight>& Rights::of_relation(std::string_view schema, std::string_view name) const {
  const auto found = relation_grants_.find(relation_key(schema, name));
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

bool Rights::may_whole(const Subject& who, std::string_view privilege, std::string_view schema,
                       std::string_view name) const {
  if (external_schema(schema) != nullptr || who.reads_all) return may(who, privilege, schema, name);
  if (who.is_superuser || owns(who, schema, name)) return true;
  const std::vector<GrantedRight>& rights = of_relation(schema, name);
  return std::any_of(rights.begin(), rights.end(), [&](const GrantedRight& one) {
    return covers(one, privilege) && who.is(one.grantee) && one.column.empty();
  });
}

bool Rights::may(const Subject& who, std::string_view privilege, std::string_view schema, std::string_view name,
                 const std::vector<std::string>& columns) const {
  if (external_schema(schema) != nullptr) return privilege == "select" && may_use(who, schema);
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
  for (const auto& [relation, all] : attachments_) {
    for (const Attachment& one : all) {
      if (one.grantee == id) out.push_back("has the policy " + one.policy + " on " + relation);
    }
  }
  for (const auto& [name, all] : functions_) {
    for (const FunctionEntry& one : all) {
      if (one.owner == id) out.push_back("owns the function " + name);
    }
  }
  for (const auto& [name, rights] : function_grants_) {
    for (const GrantedRight& one : rights) {
      if (one.grantee == id) out.push_back("has " + one.privilege + " on the function " + name);
    }
  }
  for (const GrantedRight& one : system_grants_) {
    if (one.grantee == id) out.push_back("has " + one.privilege);
  }
  return out;
}

}  // namespace weir::warehouse
