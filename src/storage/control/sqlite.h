// A thin, typed skin over SQLite for this room only: one Database (a connection), prepared Statements kept for reuse, a
// Transaction that is committed whole or rolled back. Errors become our own, with the file's name in them.
//
// A failed fsync is never tried again: what SQLite wrote before it may or may not be on the disk, so the Database is
// poisoned and every later change answers `io` until the program opens the file anew. Not thread-safe: Control's mutex
// guards it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/io/files.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weir::control {

class Database;
class FilesVfs;

// A prepared statement on loan: going out of scope resets it and hands it back. Parameters and columns count as in
// SQLite (from 1, from 0).
class Statement {
 public:
  Statement(Database& database, sqlite3_stmt* prepared) : database_(&database), prepared_(prepared) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, int64_t number);
  Statement& bind_real(int parameter, double number);
  Statement& bind_null(int parameter);

  Result<bool> step();  // true: a row is there
  Status run();         // for statements without rows

  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  Database* database_;
  sqlite3_stmt* prepared_;
  int bind_failure_ = 0;
};

class Database {
 public:
  // `files` empty: the machine's own disk through SQLite's own code. Otherwise everything goes through it (tests/sim).
  static Result<std::unique_ptr<Database>> open(const std::string& path, Files* files);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<Statement> prepare(const std::string& sql);
  Status execute(const std::string& sql);  // statements without parameters: schema, PRAGMA, BEGIN
  // Moves everything from the log into the file. What is appended to a log that a cut left in the middle of a sector
  // could tear what was synced before: on a full disk changes wait for room.
  Status empty_log();
  int64_t changed_rows() const;

  // The last failure of this connection in our words; `doing` starts the sentence. Poisons after a failed fsync.
  Error failure(std::string_view doing);
  Status check_usable() const;  // `io` once poisoned
  const std::string& path() const { return path_; }

 private:
  Database(std::string path, sqlite3* handle, std::unique_ptr<FilesVfs> vfs);
  std::string path_;
  sqlite3* handle_;
  std::unique_ptr<FilesVfs> vfs_;
  std::map<std::string, sqlite3_stmt*, std::less<>> idle_;
  bool poisoned_ = false;
  bool log_is_old_ = false;  // an earlier program's, and the disk was too full to empty it
  friend class Statement;
  friend class Transaction;
};

// BEGIN IMMEDIATE … COMMIT with crash points around the commit; rolls back when it goes out of scope uncommitted.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace weir::control
