// One client's place in the warehouse: who it is, what it has set, the transaction it is in, and the statements that it
// sends one after another. The wire holds one for each connection, the Data API one for each of its sessions; a door
// that takes single statements (POST /v1/sql) is served by sessions that live for one statement.
//
// A session takes every statement: queries in Redshift's words and PostgreSQL's, changes of tables, and the platform's
// own (GRANT, CREATE USER, COPY, SET, cursors …). They pass the Warehouse's queue, its limits and its log like all
// others.
//
// Transactions are as on Redshift and PostgreSQL: a statement outside of BEGIN … COMMIT is one by itself; after an
// error inside of one everything but its end is refused (SQLSTATE 25P02) and COMMIT is ROLLBACK. Ending a session rolls
// back.
//
// Threads: one at a time, but for cancel(). describe() and Admission::start() block: run them on a work lane. One
// Execution is read at a time; when another statement is admitted while one is open, the open one's remaining rows are
// kept aside first (`too_large` beyond Limits::kept_bytes_max), so that portals can be read in turn.
// Errors carry the SQLSTATE where their code is not exact enough (Error::sqlstate).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "platform/warehouse/warehouse.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

// Whom clients believe to speak to: PostgreSQL 15, or Redshift (8.0.2).
enum class Profile { postgres, redshift };

enum class TransactionState { none, open, failed };

struct SessionOptions {
  User user;
  std::string database = "weir";  // as the client calls it; current_database()
  std::string client;             // for the log, for example "wire"
  std::string peer;               // for pg_stat_activity and the audit; may be empty
  Profile profile = Profile::postgres;
  // Settings of the start-up message and of drivers. One that nobody knows is kept and can be shown.
  std::vector<std::pair<std::string, std::string>> settings = {};
};

// What a statement needs and gives, known without running it.
struct Shape {
  bool returns_rows = false;  // false: columns is empty, and only a tag comes
  std::vector<engine::ResultColumn> columns;
  std::vector<std::string> parameters;  // of $1, $2 …: the engine's type names ("INTEGER"); "VARCHAR" if anything does
};

// Said to the client beside the answer.
struct Notice {
  const char* severity = "NOTICE";  // or "WARNING", "INFO"
  std::string sqlstate = "00000";
  std::string message;
};

class SessionState;  // internal

class Session {
 public:
  // `denied` if they may not open one (no right to connect, too many of theirs).
  static Result<std::unique_ptr<Session>> open(Warehouse& warehouse, SessionOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The statements of a text, without the ';' between them; empty ones are left out. Errors say the place.
  Result<std::vector<std::string>> split(std::string_view text) const;
  // `parameter_types` as the client declared them: the engine's type names, "" or missing where it did not say.
  Result<Shape> describe(const std::string& statement, const std::vector<std::string>& parameter_types);
  // As Warehouse::admit(), in this session. The Session must outlive what comes of it.
  Result<std::unique_ptr<Admission>> admit(Statement statement, const Cancel& cancel = {});

  TransactionState transaction() const;
  // Several statements of one message are one transaction if they do not say otherwise: PostgreSQL's "simple query".
  void begin_implicit_block();
  Status end_implicit_block(bool is_good);  // commits, or rolls back; nothing if the client began or ended one itself

  // Keeps a mark in the engine, in the transaction that is open: it is there if what the transaction did is.
  Status leave_mark(const std::string& mark);

  // For rooms that run declared work here. Streams as `snapshot` has them, from the next transaction on; and the
  // engine's connection, for what of theirs belongs into the transaction that is open.
  void read_from(std::shared_ptr<const engine::Snapshot> snapshot);
  engine::Session& engine();

  // The values of settings that are told to the client when they change: name, value. Cleared by the call.
  std::vector<std::pair<std::string, std::string>> take_changed_settings();
  std::string setting(std::string_view name) const;  // as SHOW shows it; empty if nobody knows it
  std::vector<Notice> take_notices();
  Profile profile() const;
  int32_t process_id() const;  // pg_backend_pid()
  const User& user() const;
  // ALTER USER … SESSION TIMEOUT, as it was when the session began: the door ends it after so long without a statement.
  std::optional<Duration> idle_limit() const;

  // From any thread: ends the statement that waits or runs.
  void cancel();

  // DISCARD ALL, for a pool: everything as it was after open(); an open transaction is rolled back.
  void reset();

 private:
  explicit Session(std::shared_ptr<SessionState> state);
  std::shared_ptr<SessionState> state_;
};

}  // namespace weir::warehouse
