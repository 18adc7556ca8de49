// CREATE EXTERNAL SCHEMA and TABLE, ALTER TABLE of an external one. What is kept of them lies in weir_catalog and
// changes in the statement's transaction; no file is touched or looked for, but by CREATE EXTERNAL TABLE AS.
#include <algorithm>

#include "core/base/text.h"
#include "platform/warehouse/external.h"
#include "platform/warehouse/run.h"
#include "platform/warehouse/session_state.h"

namespace weir::warehouse {
namespace {

constexpr size_t kPartitionsMax = 100'000;

Error error_of(Code code, const char* sqlstate, std::string message, std::string hint = {}) {
  Error out(code, std::move(message), std::move(hint));
  out.sqlstate = sqlstate;
  return out;
}

void tell_ignored(SessionState& session, const std::vector<std::string>& ignored) {
  for (const std::string& name : ignored) {
    session.notice("NOTICE", "00000", "the property \"" + name + "\" changes nothing here; it is kept");
  }
}

// Where a new one goes.
Result<Place> place_for_external(SessionState& session, const dialect::Name& name) {
  if (name.schema.empty()) {
    return error_of(Code::invalid, "42601", "an external table is named with its external schema: schema." + name.name);
  }
  if (name.name.find_first_of("./\\:*?[") != std::string::npos || name.name.empty()) {
    return error_of(Code::invalid, "42602", "unacceptable name \"" + name.name + "\": it looks like a file's");
  }
  TRY_ASSIGN(const bool exists, schema_exists(session, name.schema));
  if (!exists) return error_of(Code::not_found, "3F000", "schema \"" + name.schema + "\" does not exist");
  TRY_ASSIGN(const auto rights, session.rights());
  const ExternalSchema* schema = rights->external_schema(name.schema);
  if (schema == nullptr) {
    return error_of(Code::invalid, "42809", "schema \"" + name.schema + "\" is no external schema",
                    "CREATE EXTERNAL SCHEMA … FROM DATA CATALOG DATABASE '…' makes one");
  }
  if (!rights->may_create_in(session.subject(), name.schema)) return permission_denied("schema " + name.schema);
  if (schema->database == kLakeDatabase) {
    return error_of(Code::unsupported, "0A000", "tables of the database lake are declared in the project's folder",
                    "use an external schema over another database");
  }
  if (!rights->has_external_database(schema->database)) {
    return error_of(Code::not_found, "3D000", "the external database \"" + schema->database + "\" was dropped",
                    "DROP SCHEMA and CREATE EXTERNAL SCHEMA … CREATE EXTERNAL DATABASE IF NOT EXISTS");
  }
  return Place{.schema = name.schema, .name = name.name, .kind = "external table"};
}

Status insert_table(SessionState& session, const Place& place, const Json& definition) {
  TRY_ASSIGN(const auto rights, session.rights());
  const std::string& database = rights->external_schema(place.schema)->database;
  TRY(session.own("INSERT INTO weir_catalog.external_tables VALUES ($1, $2, $3, $4)",
                  {database, place.name, static_cast<int64_t>(session.subject().id), definition.dump()}));
  session.catalog_was_changed();
  return {};
}

// --- CREATE EXTERNAL TABLE AS
// --------------------------------------------------------------------------------------------

// The columns are those of the query, the partition's behind the others.
Status take_columns(SessionState& session, const Words& words, dialect::CreateExternalTable& order) {
  TRY_ASSIGN(const engine::Description described, session.describe_query(words, order.query, {}));
  if (!described.parameters.empty()) return error_of(Code::invalid, "42601", "the query of a table has no parameters");
  for (const dialect::ColumnDefinition& column : order.partition_columns) {
    const auto found = std::find_if(described.columns.begin(), described.columns.end(),
                                    [&](const auto& one) { return one.name == column.name; });
    if (found == described.columns.end()) {
      return error_of(Code::not_found, "42703",
                      "PARTITIONED BY names \"" + column.name + "\", which the query does not have");
    }
  }
  for (const engine::ResultColumn& one : described.columns) {
    dialect::ColumnDefinition column;
    column.name = one.name;
    column.type = {.engine = one.type, .shown = to_lower(one.type), .bytes_max = {}};
    const auto partition = std::find_if(order.partition_columns.begin(), order.partition_columns.end(),
                                        [&](const auto& known) { return known.name == one.name; });
    if (partition != order.partition_columns.end()) {
      partition->type = column.type;
    } else {
      order.columns.push_back(std::move(column));
    }
  }
  if (order.columns.empty()) return error_of(Code::invalid, "42601", "no column is left beside PARTITIONED BY");
  return {};
}

// As UNLOAD writes them, into a location that must be empty.
Result<uint64_t> write_files(SessionState& session, const Words& words, const dialect::CreateExternalTable& order,
                             const Json& definition) {
  const std::string& format = definition["format"].as_string();
  if (format == "json" || !definition["quote"].as_string().empty() || definition["header_lines"].as_int() > 0) {
    return error_of(Code::unsupported, "0A000",
                    "CREATE EXTERNAL TABLE AS writes PARQUET, or TEXTFILE with ROW FORMAT "
                    "DELIMITED");
  }
  dialect::Unload files;
  const size_t first = words.tokens[order.query.first].begin, last = words.tokens[order.query.last - 1].end;
  files.select = words.sql.substr(first, last - first);
  TRY_ASSIGN(const ObjectPath folder, folder_of(order.location));
  files.to = folder.url();
  files.format = format == "parquet" ? dialect::DataFormat::parquet : dialect::DataFormat::delimited;
  files.delimiter = files.format == dialect::DataFormat::delimited ? definition["delimiter"].as_string() : "";
  for (const auto& column : order.partition_columns) files.partition_by.push_back(column.name);
  if (definition["compression"].as_string() == "gzip") files.compression = "gzip";
  TRY_ASSIGN(const Answer written, unload(session, files));
  return written.changed.value_or(0);
}

class ExternalAlterer {
 public:
  ExternalAlterer(SessionState& session, const dialect::AlterExternalTable& order) : session_(session), order_(order) {}

  Status run() {
    TRY_ASSIGN(const Place place, relation(session_, order_.name));
    TRY_ASSIGN(const auto rights, session_.rights());
    table_ = rights->external_table(place.schema, place.name);
    if (!table_) {
      return error_of(Code::invalid, "42809", "\"" + place.name + "\" is a " + place.kind + ", not an external table");
    }
    TRY(check_owner(session_, place));
    TRY(change());
    session_.catalog_was_changed();
    return {};
  }

 private:
  Status change() {
    using What = dialect::AlterExternalTable::What;
    switch (order_.what) {
      case What::add_partitions:
        return add_partitions();
      case What::drop_partition:
        return drop_partition();
      case What::set_location:
        return set_location();
      case What::set_properties:
        return change_properties();
    }
    return {};
  }

  Status change_properties() {
    Json changed = table_->definition;
    std::vector<std::string> ignored;
    TRY(set_properties(changed, order_.properties, ignored));
    TRY(keep(changed));
    tell_ignored(session_, ignored);
    return {};
  }

  Status keep(const Json& definition) {
    TRY(session_.own(
        "UPDATE weir_catalog.external_tables SET definition = $3 WHERE database_name = $1 AND table_name = "
        "$2",
        {table_->database, table_->name, definition.dump()}));
    return {};
  }

  // The values in the order of the table's partition columns, each as its type writes it.
  Result<Json> values_of(const dialect::AlterExternalTable::Partition& partition) {
    const auto& columns = table_->definition["partition_columns"].array();
    if (columns.empty()) {
      return error_of(Code::invalid, "42809", "\"" + table_->name + "\" is not partitioned");
    }
    Json out{Json::Array{}};
    for (const Json& column : columns) {
      const auto said = std::find_if(partition.values.begin(), partition.values.end(),
                                     [&](const auto& one) { return one.first == column["name"].as_string(); });
      if (said == partition.values.end()) {
        return error_of(Code::invalid, "42703", "PARTITION says no value of " + column["name"].as_string());
      }
      if (!said->second) {
        out.push(Json());
        continue;
      }
      const auto value =
          session_.own("SELECT CAST(CAST($1 AS " + column["type"].as_string() + ") AS VARCHAR)", {Json(*said->second)});
      if (!value) {
        return error_of(Code::invalid, "22P02",
                        "'" + *said->second + "' is no value of the partition column " + column["name"].as_string() +
                            " " + column["shown"].as_string());
      }
      const auto* text = std::get_if<std::string>(&value->front().front());
      out.push(Json(text != nullptr ? *text : *said->second));
    }
    if (partition.values.size() != columns.size()) {
      return error_of(Code::invalid, "42703",
                      "PARTITION names a column that the table is not partitioned by, or twice");
    }
    return out;
  }

  Result<bool> is_there(const Json& values) {
    TRY_ASSIGN(const Rows rows,
               session_.own("SELECT 1 FROM weir_catalog.external_partitions WHERE database_name = $1 AND table_name = "
                            "$2 AND partition_values = $3",
                            {table_->database, table_->name, values.dump()}));
    return !rows.empty();
  }

  Status add_partitions() {
    if (table_->partitions.size() + order_.partitions.size() > kPartitionsMax) {
      return error_of(Code::too_large, "54000", "a table has no more than 100000 partitions");
    }
    for (const auto& partition : order_.partitions) {
      TRY_ASSIGN(const Json values, values_of(partition));
      TRY(folder_of(partition.location));
      TRY_ASSIGN(const bool there, is_there(values));
      if (there && order_.if_not_exists) {
        session_.notice("NOTICE", "42710", "partition " + values.dump() + " already exists, skipping");
        continue;
      }
      if (there) return error_of(Code::conflict, "42710", "partition " + values.dump() + " already exists");
      TRY(session_.own("INSERT INTO weir_catalog.external_partitions VALUES ($1, $2, $3, $4)",
                       {table_->database, table_->name, values.dump(), partition.location}));
    }
    if (table_->is_registered()) return {};
    Json changed = table_->definition;
    changed.set("registered", true);
    return keep(changed);
  }

  Result<Json> known_partition() {
    TRY_ASSIGN(const Json values, values_of(order_.partitions.front()));
    TRY_ASSIGN(const bool there, is_there(values));
    if (there) return values;
    return error_of(Code::not_found, "42704", "there is no partition " + values.dump() + " of " + table_->name,
                    table_->is_registered() ? "svv_external_partitions lists them"
                                            : "none was added: those that are read are found by their folders");
  }

  Status drop_partition() {
    TRY_ASSIGN(const Json values, known_partition());
    TRY(
        session_.own("DELETE FROM weir_catalog.external_partitions WHERE database_name = $1 AND table_name = $2 AND "
                     "partition_values = $3",
                     {table_->database, table_->name, values.dump()}));
    return {};
  }

  Status set_location() {
    TRY(folder_of(order_.location));
    if (order_.partitions.empty()) {
      Json changed = table_->definition;
      changed.set("location", order_.location);
      return keep(changed);
    }
    TRY_ASSIGN(const Json values, known_partition());
    TRY(session_.own(
        "UPDATE weir_catalog.external_partitions SET location = $4 WHERE database_name = $1 AND table_name "
        "= $2 AND partition_values = $3",
        {table_->database, table_->name, values.dump(), order_.location}));
    return {};
  }

  SessionState& session_;
  const dialect::AlterExternalTable& order_;
  std::shared_ptr<const ExternalDefinition> table_;
};

}  // namespace

Result<Answer> create_external(SessionState& session, const dialect::CreateExternalSchema& order) {
  bool is_there = false;
  TRY(session.in_transaction([&]() -> Status {
    TRY_ASSIGN(const auto rights, session.rights());
    const bool has_database = rights->has_external_database(order.database);
    if (!has_database && !order.creates_database) {
      return error_of(Code::not_found, "3D000", "the external database \"" + order.database + "\" does not exist",
                      "CREATE EXTERNAL DATABASE IF NOT EXISTS at the statement's end makes it");
    }
    TRY_ASSIGN(is_there, make_schema(session, order.name, order.if_not_exists, session.subject().id));
    if (is_there) return {};
    TRY(session.own("INSERT INTO weir_catalog.external_schemas VALUES ($1, $2, $3)",
                    {order.name, order.database, order.role}));
    if (!has_database) {
      TRY(session.own("INSERT INTO weir_catalog.external_databases VALUES ($1)", {order.database}));
      session.notice("INFO", "00000", "External database \"" + order.database + "\" created");
    }
    session.catalog_was_changed();
    return {};
  }));
  if (is_there) session.notice("NOTICE", "42P06", "schema \"" + order.name + "\" already exists, skipping");
  return Answer{.stream = nullptr, .tag = "CREATE SCHEMA"};
}

Result<Answer> create_external(SessionState& session, const Words& words, const dialect::CreateExternalTable& order) {
  if (session.core.parts.buckets == nullptr) return Error(Code::unsupported, "there is no store for external tables");
  std::vector<std::string> ignored;
  bool is_there = false;
  std::optional<uint64_t> rows;
  TRY(session.in_transaction([&]() -> Status {
    TRY_ASSIGN(const Place place, place_for_external(session, order.name));
    TRY_ASSIGN(const auto rights, session.rights());
    is_there = rights->external_table(place.schema, place.name) != nullptr;
    if (is_there && order.if_not_exists) return {};
    if (is_there) return error_of(Code::conflict, "42P07", "relation \"" + place.name + "\" already exists");
    dialect::CreateExternalTable complete = order;
    if (!order.query.empty()) {
      TRY(take_columns(session, words, complete));
    }
    TRY_ASSIGN(const Json definition, external_definition(complete, ignored));
    if (!order.query.empty()) {
      TRY_ASSIGN(rows, write_files(session, words, complete, definition));
    }
    return insert_table(session, place, definition);
  }));
  if (is_there) {
    session.notice("NOTICE", "42P07", "relation \"" + order.name.name + "\" already exists, skipping");
  } else {
    tell_ignored(session, ignored);
  }
  if (order.query.empty()) return Answer{.stream = nullptr, .tag = "CREATE EXTERNAL TABLE"};
  return Answer{.stream = nullptr, .tag = "SELECT", .has_count = true, .changed = rows.value_or(0)};
}

Result<Answer> alter_external(SessionState& session, const dialect::AlterExternalTable& order) {
  TRY(session.in_transaction([&] { return ExternalAlterer(session, order).run(); }));
  return Answer{.stream = nullptr, .tag = "ALTER TABLE"};
}

Status drop_external_table(SessionState& session, const Place& place) {
  TRY_ASSIGN(const auto rights, session.rights());
  const auto table = rights->external_table(place.schema, place.name);
  if (!table) return {};
  for (const char* sql :
       {"DELETE FROM weir_catalog.external_tables WHERE database_name = $1 AND table_name = $2",
        "DELETE FROM weir_catalog.external_partitions WHERE database_name = $1 AND table_name = $2"}) {
    TRY(session.own(sql, {table->database, table->name}));
  }
  session.catalog_was_changed();
  return {};
}

}  // namespace weir::warehouse
