// What there is to ask for: tables with their columns, and functions. Read from the engine's own catalog.
#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "platform/warehouse/run.h"
#include "storage/engine/functions.h"

namespace weir::warehouse {
namespace {

constexpr Duration kCatalogKept = seconds(5);
constexpr Duration kCatalogTime = seconds(30);
constexpr size_t kCatalogRowsMax = 1'000'000;

// Streams, their quarantine and the system views are tables of this catalog, and derived tables that are stored in the
// lake; those people made are not.
constexpr std::string_view kLakeCatalog = "lake";
constexpr std::string_view kQuarantine = "_quarantine", kIntake = "_intake", kRaw = "raw_";
constexpr std::string_view kNoTable = "Table with name ";  // as the engine begins that complaint

Result<Rows> read_all(engine::Engine& engine, std::string_view sql) {
  TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
  TRY_ASSIGN(const auto stream, session->query(sql, {}, {.time = kCatalogTime, .rows_max = kCatalogRowsMax}));
  Rows all;
  for (;;) {
    TRY_ASSIGN(Rows rows, stream->next());
    if (rows.empty()) return all;
    std::move(rows.begin(), rows.end(), std::back_inserter(all));
  }
}

std::string text_of(const engine::Cell& cell) {
  const std::string* text = std::get_if<std::string>(&cell);
  return text != nullptr ? *text : std::string();
}

TableKind kind_of(const std::string& name, const std::set<std::string>& lake, const std::set<std::string>& computed,
                  const std::set<std::string>& views) {
  if (!lake.contains(name) || computed.contains(name)) return TableKind::table;
  if (views.contains(name) || name.starts_with("weir_")) return TableKind::system;
  const auto is_beside_a_stream = [&](std::string_view suffix) {
    return name.ends_with(suffix) && lake.contains(name.substr(0, name.size() - suffix.size()));
  };
  if (name.starts_with(kRaw) && lake.contains(name.substr(kRaw.size()))) return TableKind::raw;
  return is_beside_a_stream(kQuarantine) ? TableKind::quarantine
         : is_beside_a_stream(kIntake)   ? TableKind::intake
                                         : TableKind::stream;
}

bool is_word(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Result<std::shared_ptr<const Catalog>> read_catalog(engine::Engine& engine) {
  auto catalog = std::make_shared<Catalog>();
  TRY_ASSIGN(const Rows columns,
             read_all(engine,
                      "SELECT table_catalog, CASE table_schema WHEN 'main' THEN '' ELSE 'public.' END || table_name "
                      "AS shown, column_name, data_type FROM information_schema.columns "
                      "WHERE table_schema IN ('main', 'public') AND table_catalog NOT IN ('system', 'temp') "
                      "ORDER BY shown, table_catalog, ordinal_position"));
  std::set<std::string> lake;
  for (const auto& row : columns) {
    if (text_of(row[0]) == kLakeCatalog) lake.insert(text_of(row[1]));
  }
  TRY_ASSIGN(const Rows tagged, read_all(engine,
                                         "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' "
                                         "AND tags['weir_computed'] = 'true'"));
  std::set<std::string> computed;
  for (const auto& row : tagged) computed.insert(text_of(row[0]));
  const auto view_names = engine.view_names();
  const std::set<std::string> views(view_names.begin(), view_names.end());
  std::string last_catalog;
  for (const auto& row : columns) {
    const std::string name = text_of(row[1]);
    const std::string in = text_of(row[0]);
    if (catalog->tables.empty() || catalog->tables.back().name != name) {
      catalog->tables.push_back({.name = name, .kind = kind_of(name, lake, computed, views), .columns = {}});
    } else if (in != last_catalog) {
      catalog->tables.back().columns.clear();
    }
    last_catalog = in;
    catalog->tables.back().columns.push_back({.name = text_of(row[2]), .type = text_of(row[3])});
  }
  TRY_ASSIGN(const Rows functions,
             read_all(engine, "SELECT DISTINCT function_name FROM duckdb_functions() ORDER BY function_name"));
  for (const auto& row : functions) {
    std::string name = text_of(row[0]);
    if (!is_word(name)) continue;
    if (engine::function_is_allowed(name) || engine::table_function_is_allowed(name)) {
      catalog->functions.push_back(std::move(name));
    }
  }
  return std::shared_ptr<const Catalog>(std::move(catalog));
}

}  // namespace

const char* table_kind_name(TableKind kind) {
  switch (kind) {
    case TableKind::stream:
      return "stream";
    case TableKind::quarantine:
      return "quarantine";
    case TableKind::intake:
      return "intake";
    case TableKind::raw:
      return "raw";
    case TableKind::system:
      return "system";
    case TableKind::table:
      return "table";
  }
  CHECK(false, "every kind has a name");
  return "";
}

Result<std::shared_ptr<const Catalog>> Warehouse::catalog(const User& user) {
  TRY(check_reader(user));
  return core_->current_catalog();
}

Result<std::shared_ptr<const Catalog>> Warehouse::Core::current_catalog() {
  const MutexLock lock(catalog_mutex);
  const int64_t now = parts.clock.steady_micros();
  const uint64_t changes = catalog_changes.load();
  if (catalog && catalog_seen == changes && now - catalog_at < kCatalogKept.micros) return catalog;
  TRY_ASSIGN(catalog, read_catalog(parts.engine));
  catalog_at = now;
  catalog_seen = changes;
  return catalog;
}

Error with_known_tables(Error error, const Catalog& catalog) {
  constexpr std::string_view kAfter = " does not exist!";
  const size_t end = error.message.find(kAfter);
  if (error.code != Code::invalid || !error.message.starts_with(kNoTable) || end == std::string::npos) return error;
  const std::string name = error.message.substr(kNoTable.size(), end - kNoTable.size());
  std::vector<std::string> known;
  for (const TableKind kind : {TableKind::stream, TableKind::table, TableKind::quarantine, TableKind::intake,
                               TableKind::raw, TableKind::system}) {
    for (const CatalogTable& table : catalog.tables) {
      if (table.kind == kind) known.push_back(table.name);
    }
  }
  error.message = "there is no table " + shown(name);
  error.hint = did_you_mean(name, known);
  return error;
}

Error Warehouse::Core::explained(Error error) {
  if (error.code != Code::invalid || !error.message.starts_with(kNoTable)) return error;
  const auto known = current_catalog();
  return known ? with_known_tables(std::move(error), **known) : error;
}

void Warehouse::catalog_changed() {
  core_->catalog_changes.fetch_add(1);
}

}  // namespace weir::warehouse
