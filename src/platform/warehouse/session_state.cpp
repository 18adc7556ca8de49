#include "platform/warehouse/session_state.h"

#include <algorithm>
#include <set>

#include "core/base/log.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/run.h"

namespace weir::warehouse {
namespace {

Error failed_transaction() {
  Error out(Code::conflict, "current transaction is aborted, commands ignored until end of transaction block",
            "ROLLBACK ends it");
  out.sqlstate = "25P02";
  return out;
}

Error needs_wire() {
  Error out(Code::unsupported, "COPY over the connection needs a client of the PostgreSQL wire",
            "psql's \\copy sends a file; COPY … FROM 's3://bucket/key' and UNLOAD use the store");
  out.sqlstate = "0A000";
  return out;
}

// What kind of command a policy is applied to: SVV_RLS_APPLIED_POLICY.
char command_of(const dialect::Statement& parsed) {
  if (std::holds_alternative<dialect::DeclareCursor>(parsed) || std::holds_alternative<dialect::Unload>(parsed) ||
      std::holds_alternative<dialect::CopyOut>(parsed)) {
    return 's';
  }
  if (std::holds_alternative<dialect::ExecutePrepared>(parsed)) return 'k';
  const std::string tag = dialect::tag_of(parsed);
  if (!std::holds_alternative<dialect::Query>(parsed)) return 'y';
  return tag.starts_with("INSERT") ? 'i' : tag.starts_with("UPDATE") ? 'u' : tag.starts_with("DELETE") ? 'd' : 's';
}

bool ends_transaction(const dialect::Statement& parsed) {
  const auto* one = std::get_if<dialect::Transaction>(&parsed);
  return one != nullptr && one->what != dialect::Transaction::What::begin;
}

}  // namespace

Result<Words> Words::of(const std::string& sql) {
  Words out{.sql = sql, .tokens = {}, .range = {}};
  TRY_ASSIGN(out.tokens, dialect::tokenize(out.sql));
  const std::vector<dialect::TokenRange> found = dialect::split_statements(out.sql, out.tokens);
  if (found.size() > 1) {
    Error error(Code::invalid, "one statement at a time: found " + std::to_string(found.size()),
                "weir sql < FILE runs several, one after another");
    error.at(dialect::place_of(out.sql, out.tokens[found[1].first].begin));
    error.sqlstate = "42601";
    return error;
  }
  if (!found.empty()) out.range = found.front();
  return out;
}

SessionState::SessionState(Warehouse::Core& core_in, SessionOptions options_in, bool is_single_in)
    : core(core_in),
      options(std::move(options_in)),
      is_single(is_single_in),
      process_id(static_cast<int32_t>(core_in.next_process_id.fetch_add(1) & 0x7fffffff)),
      settings(std::make_shared<Settings>(options.profile, options.user.name)) {}

SessionState::~SessionState() {
  tell_changes();
  cursors.clear();
  if (!is_single) core.parts.log.close_session(process_id);
}

Status SessionState::open() {
  TRY_ASSIGN(engine_, core.sessions.take());
  if (is_single) return {};
  for (const auto& [name, value] : options.settings) {
    TRY_ASSIGN(const Settings::Change change, settings->set(name, value));
    TRY(apply(change));
  }
  // A superuser comes in however many there are, to see why.
  std::optional<int> limit;
  if (core.parts.users != nullptr && options.user.id != 0 && !directory()->is_superuser(options.user.id)) {
    if (const access::UserInfo* user = directory()->user(options.user.id)) limit = user->connection_limit;
  }
  TRY(core.parts.log.open_session({.process_id = process_id,
                                   .user_id = options.user.id,
                                   .user = options.user.name,
                                   .database = options.database,
                                   .client = options.client,
                                   .peer = options.peer,
                                   .application = settings->find("application_name").value_or(""),
                                   .started_at = core.parts.clock.wall()},
                                  limit));
  return engine_->set_search_path(search_path());
}

std::shared_ptr<const access::Directory> SessionState::directory() const {
  return core.parts.users->directory();
}

access::Users* SessionState::core_users() const {
  return core.parts.users;
}

void SessionState::set_stop(Cancel stop) {
  const MutexLock lock(stop_mutex_);
  stop_ = std::move(stop);
}

Cancel SessionState::stop() {
  const MutexLock lock(stop_mutex_);
  return stop_ ? *stop_ : Cancel();
}

void SessionState::cancel() {
  const MutexLock lock(stop_mutex_);
  if (stop_) stop_->cancel(Error(Code::cancelled, "canceling statement due to user request"));
}

Subject SessionState::subject() const {
  return subject_of(*directory(), options.user);
}

StatementMark SessionState::mark() const {
  return {.user_id = options.user.id, .query = statement_number, .process_id = process_id};
}

Result<std::shared_ptr<const Rights>> SessionState::rights() {
  if (changed_catalog_) {
    if (!rights_) {
      TRY_ASSIGN(rights_, Rights::load(*engine_));
    }
    return rights_;
  }
  return core.current_rights();
}

void SessionState::catalog_was_changed() {
  changed_catalog_ = true;
  rights_ = nullptr;
}

void SessionState::rows_change(const std::string& schema, const std::string& name) {
  changes_->insert(MaterializedViews::key_of(schema, name));
}

// Also what was rolled back: a refresh too many changes nothing.
void SessionState::tell_changes() {
  if (changes_->empty()) return;
  if (core.parts.views != nullptr) core.parts.views->changed(*changes_);
  changes_->clear();
}

std::vector<std::string> SessionState::search_path() const {
  std::vector<std::string> out = is_single ? std::vector<std::string>{"public"} : settings->search_path();
  // "$user" stands for a schema that few have.
  std::erase_if(out, [&](const std::string& one) { return one == options.user.name && one != "public"; });
  const std::vector<std::string> all = settings->search_path();
  if (!is_single && std::find(all.begin(), all.end(), options.user.name) != all.end()) {
    if (const auto rights = core.current_rights(); rights && (*rights)->schema_owner(options.user.name)) {
      out.insert(out.begin(), options.user.name);
    }
  }
  if (out.empty()) out.emplace_back("public");
  return out;
}

Status SessionState::govern(std::optional<uint32_t> as_user, bool notes_scans) {
  if (core.parts.users == nullptr) return {};
  SessionAuthority::Parts parts;
  TRY_ASSIGN(parts.rights, rights());
  parts.directory = directory();
  parts.settings = settings;
  parts.subject = as_user ? subject_of(*parts.directory, *as_user) : subject();
  parts.search_path = search_path();
  parts.database = options.database;
  parts.profile = options.profile;
  parts.process_id = process_id;
  parts.buckets = core.parts.buckets;
  if (core.parts.loads != nullptr && notes_scans) {
    // Once a table: one that is described first, or stands there twice, is told once.
    const auto noted = std::make_shared<std::set<std::string>>();
    parts.note_scan = [&parts = core.parts, by = mark(), user = options.user.name, noted](
                          const engine::ExternalTable& table, const engine::ExternalFiles& found) {
      if (!noted->insert(table.schema + "." + table.name).second) return;
      parts.loads->add(external_scan(parts.clock.wall(), user, by, table, found));
    };
  }
  if (core.parts.loads != nullptr && notes_scans) {
    const auto noted = std::make_shared<std::set<std::string>>();
    parts.note_guard = [&parts = core.parts, by = mark(), user = options.user.name, database = options.database,
                        command = command_,
                        noted](const engine::RelationGuard& guard, const std::vector<std::string>& policies) {
      if (!noted->insert(relation_key(guard.schema, guard.name)).second) return;
      AppliedPolicy applied{.at = parts.clock.wall(),
                            .user = user,
                            .database = database,
                            .schema = guard.schema,
                            .relation = guard.name,
                            .policy = {},
                            .command = command,
                            .by = by};
      if (policies.empty()) parts.loads->add(applied);
      for (const std::string& one : policies) {
        applied.policy = one;
        parts.loads->add(applied);
      }
    };
  }
  if (!said_) said_ = std::make_shared<std::vector<std::pair<std::string, std::string>>>();
  parts.said = said_;
  parts.changes = changes_;
  if (core.parts.views != nullptr) {
    parts.is_stale = [&views = *core.parts.views, rights = parts.rights](const Relation& view) {
      return views.is_stale(*rights, view);
    };
  }
  engine_->govern(std::make_shared<const SessionAuthority>(std::move(parts)));
  return {};
}

Status SessionState::start_implicit() {
  if (!is_implicit_block || transaction != TransactionState::none) return {};
  TRY(begin());
  is_own_block_ = true;
  return {};
}

Status SessionState::begin() {
  TRY(engine_->begin());
  transaction = TransactionState::open;
  is_own_block_ = false;
  before_ = std::make_shared<const Settings>(*settings);
  local_settings_.clear();
  return {};
}

Result<Answer> SessionState::end_transaction(bool commits) {
  const bool was_good = transaction == TransactionState::open;
  if (transaction == TransactionState::none) {
    notice("WARNING", "25P01", "there is no transaction in progress");
    return Answer{.stream = nullptr, .tag = commits ? "COMMIT" : "ROLLBACK"};
  }
  transaction = TransactionState::none;
  is_own_block_ = is_loads_own_ = false;
  cursors.clear();
  const bool changed = std::exchange(changed_catalog_, false);
  rights_ = nullptr;
  Status ended;
  if (commits && was_good) {
    ended = engine_->commit();
  } else if (was_good) {
    ended = engine_->rollback();
  }
  const bool is_kept = commits && was_good && ended;
  tell_changes();
  if (is_kept && changed) core.rights_changed();
  if (!is_kept && before_) {
    const std::map<std::string, std::string> now = settings->all();
    *settings = *before_;
    for (const auto& [name, value] : settings->all()) {
      const auto was = now.find(name);
      if (was != now.end() && was->second == value) continue;
      TRY_ASSIGN(const Settings::Change change, settings->set(name, value));
      TRY(apply(change));
    }
  } else if (before_) {
    for (const std::string& name : local_settings_) {
      TRY_ASSIGN(const Settings::Change change, settings->set(name, before_->find(name)));
      TRY(apply(change));
    }
  }
  before_ = nullptr;
  TRY(std::move(ended));
  return Answer{.stream = nullptr, .tag = commits && was_good ? "COMMIT" : "ROLLBACK"};
}

Status SessionState::begin_load() {
  if (transaction == TransactionState::open) return {};
  TRY(begin());
  is_loads_own_ = true;
  return {};
}

Status SessionState::end_load() {
  if (!is_loads_own_) return {};
  auto ended = end_transaction(true);
  if (!ended) return ended.error();
  return {};
}

Status SessionState::in_transaction(const std::function<Status()>& work) {
  if (transaction == TransactionState::open) return work();
  TRY(begin());
  Status done = work();
  auto ended = end_transaction(done.has_value());
  TRY(std::move(done));
  if (!ended) return ended.error();
  return {};
}

Status SessionState::end_block(bool is_good) {
  is_implicit_block = false;
  if (!is_own_block_) return {};
  auto ended = end_transaction(is_good);
  if (!ended) return ended.error();
  return {};
}

Status SessionState::apply(const Settings::Change& change) {
  if (!change.is_known) {
    notice("WARNING", "42704", "nobody knows the setting " + change.name + "; it is kept, and changes nothing");
  }
  if (change.is_reported) {
    // In the spelling that clients know from the start.
    std::string name = change.name;
    if (name == "datestyle") name = "DateStyle";
    if (name == "timezone") name = "TimeZone";
    if (name == "intervalstyle") name = "IntervalStyle";
    changed_settings.emplace_back(std::move(name), change.value);
  }
  if (change.name == "timezone") return engine_->set_time_zone(change.value);
  if (change.name == "search_path") return engine_->set_search_path(search_path());
  return {};
}

Status SessionState::needs_session(std::string_view what) const {
  if (!is_single) return {};
  Error out(Code::unsupported, std::string(what) + " needs a session, and this statement came by itself",
            "connect to the PostgreSQL wire (psql), or to the Data API with a session");
  out.sqlstate = "0A000";
  return out;
}

void SessionState::notice(const char* severity, std::string sqlstate, std::string message) {
  notices.push_back({severity, std::move(sqlstate), std::move(message)});
}

Result<Rows> SessionState::own(std::string_view sql, const engine::Parameters& parameters) {
  return engine_->run_own(sql, parameters);
}

Result<Rows> SessionState::own_apart(std::string_view sql, const engine::Parameters& parameters) {
  TRY_ASSIGN(auto session, core.sessions.take());
  auto rows = session->run_own(sql, parameters);
  core.sessions.give_back(std::move(session));
  return rows;
}

Status SessionState::define(const std::string& sql) {
  TRY_ASSIGN(const auto stream, engine_->execute({.sql = sql, .scope = engine::Scope::define}));
  for (;;) {
    TRY_ASSIGN(const Rows rows, stream->next());
    if (rows.empty()) return {};
  }
}

Result<Answer> SessionState::to_engine(const Words& words, dialect::TokenRange range,
                                       const engine::Parameters& parameters, engine::Scope scope, std::string verb) {
  TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words.sql, words.tokens, range));
  auto stream = engine_->execute({.sql = text.sql, .parameters = parameters, .scope = scope});
  if (!stream) return dialect::to_user(std::move(stream).error(), words.sql, text);
  Answer out{.stream = std::move(*stream), .tag = std::move(verb)};
  out.has_count = true;
  const bool is_insert = out.tag == "INSERT";
  if (is_insert) out.tag = "INSERT 0";
  if (!out.stream->counts_changes()) return out;
  out.changed = 0;
  for (;;) {
    auto rows = out.stream->next();
    if (!rows) return dialect::to_user(std::move(rows).error(), words.sql, text);
    if (rows->empty()) break;
    if (const auto* count = std::get_if<int64_t>(&rows->front().front())) out.changed = static_cast<uint64_t>(*count);
  }
  out.stream = nullptr;
  return out;
}

Result<engine::Description> SessionState::describe_query(const Words& words, dialect::TokenRange range,
                                                         const std::vector<std::string>& types) {
  TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words.sql, words.tokens, range));
  auto described = engine_->describe({.sql = text.sql, .scope = engine::Scope::change}, types);
  if (!described) return dialect::to_user(std::move(described).error(), words.sql, text);
  return described;
}

TransactionState SessionState::state() {
  if (has_failed_.exchange(false)) ended(false);
  return transaction;
}

Result<Answer> SessionState::run(const Statement& statement) {
  (void)state();
  TRY_ASSIGN(const Words words, Words::of(statement.sql));
  if (words.range.empty()) {
    if (is_single) return Error(Code::invalid, "there is no statement");
    return Answer();
  }
  TRY_ASSIGN(const dialect::Statement parsed, dialect::parse_statement(words.sql, words.tokens, words.range));
  if (transaction == TransactionState::failed && !ends_transaction(parsed)) return failed_transaction();
  if (const auto run = reading.lock()) {
    TRY(run->keep_rows());
  }
  reading.reset();
  if (!std::holds_alternative<dialect::Transaction>(parsed)) {
    TRY(start_implicit());
  }
  command_ = command_of(parsed);
  TRY(govern());
  const bool is_copy =
      std::holds_alternative<dialect::CopyIn>(parsed) || std::holds_alternative<dialect::CopyOut>(parsed);
  if (is_copy && !statement.may_copy) return needs_wire();
  TRY_ASSIGN(Answer answer, perform(*this, words, parsed, statement.parameters));
  if (said_ && !said_->empty()) {
    for (const auto& [name, value] : std::exchange(*said_, {})) {
      TRY_ASSIGN(const Settings::Change change, settings->set(name, value));
      TRY(apply(change));
    }
  }
  return answer;
}

Result<uint64_t> SessionState::write_file(const Statement& statement, const std::string& path) {
  TRY_ASSIGN(const Words words, Words::of(statement.sql));
  if (words.range.empty()) return Error(Code::invalid, "there is no statement");
  command_ = 's';
  TRY(govern());
  TRY_ASSIGN(const dialect::EngineText text, dialect::rewrite_query(words.sql, words.tokens, words.range));
  auto rows = core.parts.engine.copy_result(*engine_, text.sql, path);
  if (!rows) return dialect::to_user(std::move(rows).error(), words.sql, text);
  return rows;
}

void SessionState::ended(bool is_good) {
  if (transaction == TransactionState::none) tell_changes();
  if (is_good || transaction != TransactionState::open) return;
  if (is_loads_own_) {
    if (const auto undone = end_transaction(false); !undone) {
      log_event(Level::warn, "sql.rollback_failed", {{"reason", undone.error().text()}});
    }
    return;
  }
  transaction = TransactionState::failed;
  cursors.clear();
  changed_catalog_ = false;
  rights_ = nullptr;
  if (const Status undone = engine_->rollback(); !undone) {
    log_event(Level::warn, "sql.rollback_failed", {{"reason", undone.error().text()}});
  }
}

void SessionState::reset() {
  cursors.clear();
  prepared.clear();
  notices.clear();
  is_implicit_block = false;
  if (transaction != TransactionState::none) (void)end_transaction(false);
  for (const Settings::Change& change : settings->reset_all()) (void)apply(change);
}

}  // namespace weir::warehouse
