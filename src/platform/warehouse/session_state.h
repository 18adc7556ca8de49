// What a session remembers, and how it runs one statement. Internal to platform/warehouse.
//
// A Session shares it with the Runs of its statements; one thread at a time uses it. A statement that comes without a
// session (POST /v1/sql) has one of its own, for its time.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/quotes.h"
#include "platform/dialect/rewrite.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/copy_stream.h"
#include "platform/warehouse/materialized_views.h"
#include "platform/warehouse/rights.h"
#include "platform/warehouse/session.h"
#include "platform/warehouse/session_authority.h"
#include "platform/warehouse/settings.h"
#include "platform/warehouse/warehouse.h"

namespace weir::warehouse {

// What a statement gives: rows, or only a tag.
struct Answer {
  std::unique_ptr<engine::ResultStream> stream;  // null: no rows
  std::string tag;                               // "SELECT", "INSERT 0", "CREATE TABLE"
  bool has_count = false;                        // of rows, behind the tag
  std::optional<uint64_t> changed = {};          // that count; nothing: the rows that were handed out
  std::optional<CopyStream> copy = {};           // of COPY over the connection …
  std::unique_ptr<Loader> loader = {};           // … into a table: it goes on with the client's rows
};

// A statement with its words.
struct Words {
  std::string sql;
  std::vector<dialect::Token> tokens;
  dialect::TokenRange range;  // of the one statement

  static Result<Words> of(const std::string& sql);  // `invalid` if there are several
};

class SessionState {
 public:
  SessionState(Warehouse::Core& core, SessionOptions options, bool is_single);
  ~SessionState();

  // A connection of the engine, and the settings given at the start.
  Status open();
  Result<Answer> run(const Statement& statement);
  Result<uint64_t> write_file(const Statement& statement, const std::string& path);  // the result of a query
  Result<Shape> describe(const std::string& statement, const std::vector<std::string>& types);
  void set_stop(Cancel stop);  // of the statement that waits or runs now
  Cancel stop();               // the same, for what the engine cannot stop
  void cancel();               // from any thread
  // After a statement: a failure inside of a transaction fails it, also while rows are read.
  void ended(bool is_good);
  // The same for a failure that another thread found, while nobody read: told at the session's next step.
  void fail_later() { has_failed_.store(true); }
  TransactionState state();  // of the transaction, as the client is told
  std::unique_ptr<engine::Session> take_engine() { return std::move(engine_); }
  void reset();  // DISCARD ALL, and at the end
  Status end_block(bool is_good);

  // --- for those who run statements: performer.cpp, define.cpp, grants.cpp ---
  engine::Session& engine() { return *engine_; }
  access::Users* core_users() const;
  Result<std::shared_ptr<const Rights>> rights();
  Subject subject() const;
  StatementMark mark() const;  // of the statement that runs, for the logs
  std::shared_ptr<const access::Directory> directory() const;
  // Puts the statements from now on under this session's rights, or under those of another user. `notes_scans`: what
  // they read of external tables is told to the log.
  Status govern(std::optional<uint32_t> as_user = std::nullopt, bool notes_scans = true);
  // Runs `work` in the transaction that is open, or in one of its own.
  Status in_transaction(const std::function<Status()>& work);
  void catalog_was_changed();
  // The rows of the relation are another ones once this statement, or its transaction, is committed. What the engine
  // checks is noted by itself.
  void rows_change(const std::string& schema, const std::string& name);
  // Tells it, when no transaction is open any more.
  void tell_changes();
  // A query in the engine's words.
  Result<Answer> to_engine(const Words& words, dialect::TokenRange range, const engine::Parameters& parameters,
                           engine::Scope scope, std::string verb);
  Result<engine::Description> describe_query(const Words& words, dialect::TokenRange range,
                                             const std::vector<std::string>& types);
  Result<Rows> own(std::string_view sql, const engine::Parameters& parameters = {});
  // The same on another connection, so that it stays when this one's transaction is rolled back.
  Result<Rows> own_apart(std::string_view sql, const engine::Parameters& parameters = {});
  Status define(const std::string& sql);  // a definition in the engine's words
  void notice(const char* severity, std::string sqlstate, std::string message);
  Status needs_session(std::string_view what) const;  // an error if this is a single statement
  std::vector<std::string> search_path() const;  // schemas that exist or not, without the user's own if it is not there

  Warehouse::Core& core;
  const SessionOptions options;
  const bool is_single;
  const int32_t process_id;  // pg_backend_pid()
  std::shared_ptr<Settings> settings;
  TransactionState transaction = TransactionState::none;
  bool is_implicit_block = false;  // of a message with several statements
  uint64_t statement_number = 0;   // of the one that runs, in the log
  std::vector<Notice> notices;
  std::vector<std::pair<std::string, std::string>> changed_settings;
  std::weak_ptr<Run> reading;  // the Run whose rows are being read

  struct Prepared {
    Words words;
    dialect::TokenRange query;
    std::vector<std::string> types;
  };
  std::map<std::string, Prepared> prepared;
  struct Cursor {
    std::unique_ptr<engine::ResultStream> rows;
    const engine::ResultBlock* block = nullptr;
    size_t at = 0;  // in the block
  };
  std::map<std::string, std::shared_ptr<Cursor>> cursors;

  // Of a COPY that goes on after its statement was started, in the open transaction or in one of its own.
  Status begin_load();
  Status end_load();  // commits its own

  Status begin();
  Result<Answer> end_transaction(bool commits);
  Status apply(const Settings::Change& change);
  void is_local_setting(const std::string& name) { local_settings_.push_back(name); }

 private:
  Status start_implicit();

  std::atomic<bool> has_failed_{false};
  char command_ = 'k';  // of the statement that runs, as svv_rls_applied_policy has it
  std::unique_ptr<engine::Session> engine_;
  std::shared_ptr<const Rights> rights_;
  uint64_t rights_version_ = 0;
  bool changed_catalog_ = false;             // in the open transaction
  bool is_own_block_ = false;                // the open transaction is an implicit block's
  bool is_loads_own_ = false;                // the open transaction is a COPY's
  std::shared_ptr<const Settings> before_;   // as they were when the transaction began
  std::vector<std::string> local_settings_;  // SET LOCAL in it
  std::shared_ptr<std::vector<std::pair<std::string, std::string>>> said_;
  std::shared_ptr<std::set<std::string>> changes_ = std::make_shared<std::set<std::string>>();
  Mutex stop_mutex_;
  std::optional<Cancel> stop_ GUARDED_BY(stop_mutex_);
};

// Rows that are there already, as a stream.
std::unique_ptr<engine::ResultStream> rows_in_memory(std::vector<engine::ResultColumn> columns, Rows rows);

// Of AUTO REFRESH YES: `unsupported` where nobody is told when something of `reads` changes.
Status check_is_told(const Rights& rights, const Json& reads);

struct Place;

// One statement of its kind. performer.cpp sorts them, the others are one file a subject.
Result<Answer> perform(SessionState& session, const Words& words, const dialect::Statement& parsed,
                       const engine::Parameters& parameters);
Result<Answer> define(SessionState& session, const Words& words, const dialect::Statement& parsed);
Result<Answer> refresh_view(SessionState& session, const dialect::RefreshView& order);
Result<Answer> change_users(SessionState& session, const dialect::Statement& parsed);
Result<Answer> change_grants(SessionState& session, const dialect::Statement& parsed);

Result<Answer> create_external(SessionState& session, const dialect::CreateExternalSchema& order);
Result<Answer> create_external(SessionState& session, const Words& words, const dialect::CreateExternalTable& order);
Result<Answer> alter_external(SessionState& session, const dialect::AlterExternalTable& order);
Result<Answer> change_policies(SessionState& session, const dialect::Statement& parsed);
Status set_row_security(SessionState& session, const Place& place, const dialect::Alter& order);
Result<Answer> change_functions(SessionState& session, const dialect::Statement& parsed);

Result<Answer> copy(SessionState& session, const dialect::Copy& order);  // from the store
Result<Answer> unload(SessionState& session, const dialect::Unload& order);

Answer only_tag(const dialect::Statement& parsed);

// Which relation a name means, and where it lies in the engine.
struct Place {
  std::string schema;  // "public", "main", "lake", another one; "temp" for a temporary table
  std::string name;
  std::string kind;  // "table", "view", "materialized view", "stream", "external table"
  std::string quoted() const;
};
Result<std::optional<Place>> find_relation(SessionState& session, const dialect::Name& name);
Result<Place> relation(SessionState& session, const dialect::Name& name);  // SQLSTATE 42P01 if there is none
// Where a new relation of this name goes; `denied` without CREATE there.
Result<Place> place_for(SessionState& session, const dialect::Name& name);
Result<bool> schema_exists(SessionState& session, const std::string& schema);
Status check_owner(SessionState& session, const Place& place);
// Makes a schema of the engine with its owner; true if it was there already, an error without `if_not_exists`.
Result<bool> make_schema(SessionState& session, const std::string& name, bool if_not_exists, uint32_t owner);
// Of the data catalog; the files stay.
Status drop_external_table(SessionState& session, const Place& place);
// What reaches all rows of a relation, past its policies: `denied` to those whom these hold.
Status check_unguarded(SessionState& session, const Place& place, std::string_view what);
// What is kept of a relation's policies, when it goes or has another name.
Status forget_policies(SessionState& session, const Place& place);
Status rename_policies(SessionState& session, const Place& place, const std::string& to);

}  // namespace weir::warehouse
