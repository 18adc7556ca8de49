// What there is to ask for: tables with their columns, and functions. Read from the engine's own catalog.
#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "platform/warehouse/run.h"
#include "storage/engine/functions.h"

namespace weir::warehouse {
namespace {

constexpr Duration kCatalogKept = seconds(5);
constexpr Duration kCatalogTime = seconds(30);
constexpr size_t kCatalogRowsMax = 1'000'000;

// Streams, their quarantine and the system views are tables of this catalog; those people made are not.
constexpr std::string_view kLakeCatalog = "lake";
constexpr std::string_view kQuarantine = "_quarantine";

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

TableKind kind_of(const std::string& name, const std::set<std::string>& lake) {
  if (!lake.contains(name)) return TableKind::table;
  if (name.starts_with("weir_")) return TableKind::system;
  const bool is_quarantine =
      name.ends_with(kQuarantine) && lake.contains(name.substr(0, name.size() - kQuarantine.size()));
  return is_quarantine ? TableKind::quarantine : TableKind::stream;
}

bool is_word(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Result<std::shared_ptr<const Catalog>> read_catalog(engine::Engine& engine) {
  auto catalog = std::make_shared<Catalog>();
  TRY_ASSIGN(const Rows columns,
             read_all(engine,
                      "SELECT table_catalog, table_name, column_name, data_type FROM information_schema.columns "
                      "WHERE table_schema = 'main' AND table_catalog NOT IN ('system', 'temp') "
                      "ORDER BY table_name, table_catalog, ordinal_position"));
  std::set<std::string> lake;
  for (const auto& row : columns) {
    if (text_of(row[0]) == kLakeCatalog) lake.insert(text_of(row[1]));
  }
  std::string last_catalog;
  for (const auto& row : columns) {
    const std::string name = text_of(row[1]);
    const std::string in = text_of(row[0]);
    if (catalog->tables.empty() || catalog->tables.back().name != name) {
      catalog->tables.push_back({.name = name, .kind = kind_of(name, lake), .columns = {}});
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
  Core& core = *core_;
  const MutexLock lock(core.catalog_mutex);
  const int64_t now = core.parts.clock.steady_micros();
  const uint64_t changes = core.catalog_changes.load();
  if (core.catalog && core.catalog_seen == changes && now - core.catalog_at < kCatalogKept.micros) return core.catalog;
  TRY_ASSIGN(core.catalog, read_catalog(core.parts.engine));
  core.catalog_at = now;
  core.catalog_seen = changes;
  return core.catalog;
}

void Warehouse::catalog_changed() {
  core_->catalog_changes.fetch_add(1);
}

}  // namespace weir::warehouse
