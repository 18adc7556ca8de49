#include "storage/engine/engine.h"

#include <algorithm>
#include <filesystem>

#include "core/base/hash.h"
#include "storage/engine/call_child.h"
#include "storage/engine/catalog_functions.h"
#include "storage/engine/division.h"
#include "storage/engine/inside.h"
#include "storage/engine/platform_functions.h"
#include "storage/engine/platform_macros.h"
#include "storage/engine/sealed.h"
#include "storage/engine/session.h"
#include "storage/engine/statement_walk.h"
#include "storage/engine/watched_calls.h"

namespace weir::engine {

Status run(duckdb::Connection& connection, const std::string& sql) {
  const auto result = connection.Query(sql);
  if (result->HasError()) return to_error(result->GetErrorObject(), sql);
  return {};
}

namespace {

constexpr const char* kVersion = "v1.4.4";
constexpr const char* kSourceId = "6ddac802ff";

// The C++ interface of DuckDB is the interface of exactly one build of it.
Status check_library() {
  const std::string version = duckdb::DuckDB::LibraryVersion(), source = duckdb::DuckDB::SourceID();
  if (version == kVersion && source == kSourceId) return {};
  return Error(Code::unsupported,
               "libduckdb.so is " + version + " (" + source + "), this program needs exactly " + kVersion + " (" +
                   kSourceId + ")",
               "install the library that came with the program, in ../lib beside its bin folder");
}

void configure(duckdb::DBConfig& config, const EngineOptions& options) {
  config.options.autoinstall_known_extensions = false;
  config.options.autoload_known_extensions = false;
  config.options.allow_community_extensions = false;
  config.options.maximum_threads = static_cast<duckdb::idx_t>(std::max(1, options.threads));
  config.options.maximum_memory = options.memory_bytes;
  config.options.temporary_directory = options.temp_directory;
  config.options.use_temporary_directory = !options.temp_directory.empty();
  // The lake's files are local and read through the page cache; a second copy would count against the memory limit.
  config.options.enable_external_file_cache = false;
  config.SetOptionByName("default_null_order", duckdb::Value("nulls_last_on_asc_first_on_desc"));
}

// Statements of our own that run once at open, before the locks are armed.
Status prepare(Database& database, const DuckEngine&) {
  duckdb::Connection connection(*database.duck);
  connection.context->registered_state->Insert("weir", duckdb::make_shared_ptr<ConnectionState>(Trust::own));
  TRY(run(connection, std::string("ATTACH '' AS ") + kLakeCatalog + " (TYPE weir)"));
  TRY(run(connection, "SET GLOBAL TimeZone = 'UTC'"));
  register_sealed_rows(connection);
  register_functions(connection);
  register_macros(connection);
  register_view_function(connection);
  register_guard_function(connection);
  register_choice_function(connection);
  register_catalog_functions(connection);
  TRY(run(connection, "CREATE SCHEMA IF NOT EXISTS public"));
  const auto views = connection.Query(
      "SELECT DISTINCT view_name FROM duckdb_views() WHERE internal AND schema_name <> 'information_schema'");
  if (views->HasError()) return to_error(views->GetErrorObject(), "");
  for (const auto& row : *views) database.own_views.push_back(row.GetValue<std::string>(0));
  TRY(run(connection, "SET GLOBAL enable_external_access = false"));
  TRY(run(connection, "SET GLOBAL lock_configuration = true"));
  return {};
}

}  // namespace

bool Database::is_invalidated() const {
  return duckdb::ValidChecker::IsInvalidated(*duck->instance);
}

// --- ConnectionState -------------------------------------------------------------------------------------------------

duckdb::shared_ptr<ConnectionState> ConnectionState::of(duckdb::ClientContext& context) {
  return context.registered_state->Get<ConnectionState>("weir");
}

void ConnectionState::QueryBegin(duckdb::ClientContext& context) {
  if (!pin_at_begin) return;
  try {
    if (auto lake = duckdb::Catalog::GetCatalogEntry(context, kLakeCatalog)) pinned_tables(context, *lake);
  } catch (const std::exception&) {  // the lookup of a stream will say it
    take_error();
  }
}

std::shared_ptr<const Tables> ConnectionState::pinned() {
  const std::lock_guard lock(mutex_);
  return tables_;
}

void ConnectionState::pin(std::shared_ptr<const Tables> tables) {
  const std::lock_guard lock(mutex_);
  tables_ = std::move(tables);
}

void ConnectionState::read_from(std::shared_ptr<const Tables> tables) {
  std::shared_ptr<const Tables> last;  // as in release()
  const std::lock_guard lock(mutex_);
  last = std::exchange(given_, std::move(tables));
}

std::shared_ptr<const Tables> ConnectionState::given() {
  const std::lock_guard lock(mutex_);
  return given_;
}

void ConnectionState::release() {
  std::shared_ptr<const Tables> last;  // ends outside the lock: letting a snapshot go may remove files
  std::vector<std::shared_ptr<duckdb::CatalogEntry>> externals;  // the same
  const std::lock_guard lock(mutex_);
  last.swap(tables_);
  externals.swap(externals_);
}

void ConnectionState::keep_external(std::shared_ptr<duckdb::CatalogEntry> entry) {
  const std::lock_guard lock(mutex_);
  externals_.push_back(std::move(entry));
}

void ConnectionState::allow_files(const std::vector<ExternalFile>& files) {
  const std::lock_guard lock(mutex_);
  for (const ExternalFile& file : files) urls_[file.path] = file.url;
}

void ConnectionState::forget_files() {
  const std::lock_guard lock(mutex_);
  urls_.clear();
}

bool ConnectionState::may_read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return urls_.contains(path);
}

std::string ConnectionState::with_urls(std::string text) {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, url] : urls_) {
    // Messages name the file with its scheme or without.
    for (const std::string& written : {path, path.substr(std::min(path.find("://") + 3, path.size()))}) {
      for (size_t at = text.find(written); at != std::string::npos; at = text.find(written, at + url.size())) {
        text.replace(at, written.size(), url);
      }
    }
  }
  return text;
}

void ConnectionState::remember(Error error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

std::optional<Error> ConnectionState::take_error() {
  const std::lock_guard lock(mutex_);
  return std::exchange(error_, std::nullopt);
}

Cancel ConnectionState::begin_statement(std::string_view sql) {
  char id[17];
  std::snprintf(id, sizeof id, "%016llx", static_cast<unsigned long long>(checksum64(sql)));
  Statement last;
  {
    const std::lock_guard lock(mutex_);
    last = std::exchange(statement_, Statement{Cancel(), id});
  }
  last.stop.cancel();
  return statement().stop;
}

ConnectionState::Statement ConnectionState::statement() {
  const std::lock_guard lock(mutex_);
  return statement_;
}

// --- DuckEngine ------------------------------------------------------------------------------------------------------

DuckEngine::DuckEngine(EngineOptions options, TableSource& source, std::vector<SystemView> views)
    : options_(std::move(options)),
      source_(source),
      fixed_views_(std::move(views)),
      calls_(std::make_unique<CallChildren>(CallChildren::Options{
          .program = options_.program, .memory_bytes = options_.memory_bytes, .metrics = options_.metrics})),
      watchdog_(options_.metrics) {
  set_views({});
}

DuckEngine::~DuckEngine() = default;

void DuckEngine::set_views(std::vector<SystemView> views) {
  std::vector<SystemView> all = fixed_views_;
  std::move(views.begin(), views.end(), std::back_inserter(all));
  const std::lock_guard lock(views_mutex_);
  views_ = std::make_shared<const std::vector<SystemView>>(std::move(all));
}

Views DuckEngine::views() const {
  const std::lock_guard lock(views_mutex_);
  return views_;
}

std::vector<std::string> DuckEngine::view_names() const {
  std::vector<std::string> out;
  for (const SystemView& view : *views()) out.push_back(view.name);
  return out;
}

void DuckEngine::set_relations(std::vector<SystemRelation> relations) {
  auto known = std::make_shared<Relations>();
  for (const SystemRelation& one : relations) known->names.insert(one.schema + "." + one.name);
  known->all = std::move(relations);
  {
    const std::lock_guard lock(views_mutex_);
    relations_ = known;
  }
  const std::lock_guard lock(mutex_);
  if (database_) database_->relations = known;
}

std::shared_ptr<const Relations> DuckEngine::relations() const {
  const std::lock_guard lock(views_mutex_);
  return relations_;
}

Status DuckEngine::start() {
  TRY(check_library());
  const std::string stem = std::filesystem::path(options_.database).stem().string();
  if (stem == kLakeCatalog || stem == "system" || stem == "temp" || stem == "memory") {
    return Error(Code::invalid, "the engine's database file cannot be named " + stem, "name it warehouse.duckdb");
  }
  for (const SystemView& view : fixed_views_) {
    if (view.columns.empty()) return Error(Code::internal, "system view " + view.name + " has no columns");
  }
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(database_, open_database());
  return {};
}

Result<std::shared_ptr<Database>> DuckEngine::open_database() {
  auto database = std::make_shared<Database>();
  try {
    duckdb::DBConfig config;
    configure(config, options_);
    config.file_system = guarded_file_system(database->armed);
    config.storage_extensions["weir"] =
        lake_storage({source_, [this] { return views(); }, [this] { return relations(); }});
    config.AddAllowedDirectory(kOwnScheme);
    config.AddAllowedDirectory(kObjectScheme);
    config.AddAllowedDirectory(kLakeScheme);
    database->duck =
        std::make_unique<duckdb::DuckDB>(options_.database.empty() ? ":memory:" : options_.database, &config);
    duckdb::DatabaseInstance& instance = *database->duck->instance;
    instance.GetFileSystem().RegisterSubSystem(lake_file_system(options_.store_root));
    instance.GetFileSystem().RegisterSubSystem(own_file_system());
    if (options_.objects != nullptr) instance.GetFileSystem().RegisterSubSystem(object_file_system(*options_.objects));
    database->catalog = options_.database.empty() ? "memory" : std::filesystem::path(options_.database).stem().string();
    TRY(prepare(*database, *this));
    // Unlike other extensions this one is not copied from the configuration given at open.
    instance.config.optimizer_extensions.push_back(plan_lock());
    instance.config.optimizer_extensions.push_back(checked_division());
    instance.config.optimizer_extensions.push_back(watched_calls());
  } catch (const std::exception& thrown) {
    Error error = to_error(thrown, "");
    return Error(error.code, "the engine's database " + options_.database + " cannot be opened: " + error.message,
                 "if another process has it open, stop that one first");
  }
  database->relations = relations();
  database->calls = calls_.get();
  database->armed->store(true);
  return database;
}

Result<std::shared_ptr<Database>> DuckEngine::usable_database() {
  const std::lock_guard lock(mutex_);
  if (database_ && !database_->is_invalidated()) return database_;
  if (database_) {
    const std::string why = duckdb::ValidChecker::InvalidatedMessage(*database_->duck->instance);
    if (database_.use_count() > 1) {
      return Error(Code::unavailable, "the engine stopped after an internal error: " + why,
                   "it reopens by itself when the statements that still hold it have ended");
    }
    database_.reset();  // one process must not have a file open twice
  }
  TRY_ASSIGN(database_, open_database());
  return database_;
}

Result<std::shared_ptr<Link>> DuckEngine::link(Trust trust) {
  auto link = std::make_shared<Link>();
  TRY_ASSIGN(link->database, usable_database());
  try {
    link->connection = std::make_unique<duckdb::Connection>(*link->database->duck);
    duckdb::ClientContext& context = link->context();
    link->state = duckdb::make_shared_ptr<ConnectionState>(trust);
    link->state->database = link->database.get();
    context.registered_state->Insert("weir", link->state);
    context.config.use_replacement_scans = false;
    context.config.enable_progress_bar = true;
    context.config.print_progress_bar = false;
    context.config.wait_time = 0;
    duckdb::vector<duckdb::CatalogSearchEntry> path;
    path.emplace_back(link->database->catalog, DEFAULT_SCHEMA);
    path.emplace_back(kLakeCatalog, DEFAULT_SCHEMA);
    path.emplace_back(link->database->catalog, kPublic);  // last: what is loaded there may be called as what it is from
    duckdb::ClientData::Get(context).catalog_search_path->Set(std::move(path),
                                                              duckdb::CatalogSetPathType::SET_DIRECTLY);
  } catch (const std::exception& thrown) {
    return to_error(thrown, "");
  }
  return link;
}

void DuckEngine::invalidate(const std::string& why) {
  const std::lock_guard lock(mutex_);
  duckdb::ValidChecker::Invalidate(*database_->duck->instance, why);
}

Result<std::unique_ptr<Session>> DuckEngine::connect(Trust trust) {
  TRY_ASSIGN(std::shared_ptr<Link> link, this->link(trust));
  divide_whole_numbers(*link, trust);
  return std::unique_ptr<Session>(std::make_unique<DuckSession>(*this, trust, std::move(link)));
}

Result<SelectShape> DuckEngine::examine(std::string_view select, bool binds) {
  TRY_ASSIGN(std::shared_ptr<Link> link, this->link(Trust::user));
  return DuckSession(*this, Trust::user, std::move(link)).examine(select, binds);
}

Result<std::vector<ScriptStatement>> DuckEngine::examine_script(std::string_view script,
                                                                const std::vector<NamedValue>& values) {
  TRY_ASSIGN(std::shared_ptr<Link> link, this->link(Trust::user));
  return DuckSession(*this, Trust::user, std::move(link)).examine_script(script, values);
}

std::shared_ptr<const SealedChunk> DuckEngine::seal(const RowBlock& rows) {
  return seal_rows(rows);
}

Status DuckEngine::checkpoint() {
  TRY_ASSIGN(const std::shared_ptr<Link> link, this->link(Trust::own));
  return run(*link->connection, "CHECKPOINT");
}

// --- Engine ----------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options, TableSource& source,
                                             std::vector<SystemView> views) {
  auto engine = std::make_unique<DuckEngine>(options, source, std::move(views));
  TRY(engine->start());
  return std::unique_ptr<Engine>(std::move(engine));
}

std::string Engine::own_file(const std::string& path) {
  return kOwnScheme + path;
}

std::string Engine::own_object(const std::string& object) {
  return kObjectScheme + object;
}

std::string Engine::version() {
  return std::string("DuckDB ") + duckdb::DuckDB::LibraryVersion();
}

uint64_t Engine::chunk_rows(const SealedChunk& chunk) {
  return chunk.rows;
}

}  // namespace weir::engine
