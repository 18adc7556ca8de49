#include "storage/control/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/io/crash_point.h"
#include "storage/control/files_vfs.h"

namespace weir::control {
namespace {

constexpr uint64_t kLogBytesMax = 1ull << 30;  // SQLite starts it anew from 4 MB on, unless a transaction is larger

Code code_of(int extended) {
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return Code::no_space;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::busy;
    case SQLITE_CONSTRAINT:
      return Code::conflict;
    case SQLITE_TOOBIG:
      return Code::too_large;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return Code::io;
    case SQLITE_IOERR:
      if (extended == SQLITE_IOERR_CORRUPTFS || extended == SQLITE_IOERR_DATA) return Code::corrupt;
      return Code::io;
    default:
      return Code::internal;
  }
}

const char* hint_of(Code code) {
  switch (code) {
    case Code::no_space:
      return "free some space on this disk; the change was not made and can be repeated";
    case Code::corrupt:
      return "restore it from a backup; the lake's files and the journal are not affected";
    case Code::busy:
      return "another program holds the file; close it and try again";
    default:
      return "";
  }
}

bool is_failed_sync(int extended) {
  return extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC;
}

// SQLite would create the file readable by everybody (less the umask); token hashes are nobody else's business.
Status create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    const Code code = errno == ENOSPC || errno == EDQUOT ? Code::no_space : Code::io;
    return Error(code, "cannot open the control database " + path + ": " + std::generic_category().message(errno));
  }
  ::close(fd);
  return {};
}

// The log of a program that was killed may be in the system's memory only. SQLite would believe it, the lake and the
// journal would go on from there, and the next power cut would take it all back. So it is made durable before anybody
// reads it, and as a sync may have failed before, after which the system shows bytes that no later sync writes, it is
// written once more, beside itself. On a full disk it can only be synced.
Status settle_log(const std::string& path, Files& files) {
  const std::string log = path + "-wal";
  TRY_ASSIGN(const bool there, files.exists(log));
  if (!there) return {};
  TRY_ASSIGN(const std::string bytes, read_file(files, log, kLogBytesMax));
  if (bytes.empty()) return {};
  Status settled = replace_file(files, log, bytes);
  if (settled || settled.error().code != Code::no_space) return settled;
  TRY_ASSIGN(const auto file, files.open(log, OpenMode::read_write));
  TRY(file->sync());
  return files.sync_directory(parent_path(log));
}

}  // namespace

// --- Statement ------------------------------------------------------------------------------------------------------

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      prepared_(std::exchange(other.prepared_, nullptr)),
      bind_failure_(other.bind_failure_) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  sqlite3_reset(prepared_);
  sqlite3_clear_bindings(prepared_);
  const auto [place, inserted] = database_->idle_.try_emplace(sqlite3_sql(prepared_), prepared_);
  if (!inserted) sqlite3_finalize(prepared_);
}

Statement& Statement::bind(int parameter, std::string_view text) {
  const int result = sqlite3_bind_text64(prepared_, parameter, text.empty() ? "" : text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);  // NOLINT: SQLite's own cast
  if (bind_failure_ == SQLITE_OK) bind_failure_ = result;
  return *this;
}

Statement& Statement::bind(int parameter, int64_t number) {
  const int result = sqlite3_bind_int64(prepared_, parameter, number);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = result;
  return *this;
}

Statement& Statement::bind_real(int parameter, double number) {
  const int result = sqlite3_bind_double(prepared_, parameter, number);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = result;
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  const int result = sqlite3_bind_null(prepared_, parameter);
  if (bind_failure_ == SQLITE_OK) bind_failure_ = result;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_failure_ != SQLITE_OK) {
    return Error(code_of(bind_failure_),
                 std::string("a value does not fit into the control database: ") + sqlite3_errstr(bind_failure_));
  }
  switch (sqlite3_step(prepared_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return database_->failure("cannot use");
  }
}

Status Statement::run() {
  TRY_ASSIGN([[maybe_unused]] const bool row, step());
  return {};
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(prepared_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(prepared_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(prepared_, column));
  if (bytes == nullptr) return {};
  return std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(prepared_, column)));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(prepared_, column) == SQLITE_NULL;
}

// --- Database -------------------------------------------------------------------------------------------------------

Database::Database(std::string path, sqlite3* handle, std::unique_ptr<FilesVfs> vfs)
    : path_(std::move(path)), handle_(handle), vfs_(std::move(vfs)) {}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Files* files) {
  std::unique_ptr<FilesVfs> vfs;
  if (files != nullptr) {
    TRY_ASSIGN(vfs, FilesVfs::install(*files));
  } else {
    TRY(create_private(path));
  }
  TRY(settle_log(path, files != nullptr ? *files : real_files()));
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, vfs ? vfs->name() : nullptr);
  const bool exclusive = vfs != nullptr;
  // A torn sector must not reach back into what was synced before it: commits in the log are padded to whole sectors.
  int powersafe_overwrite = 0;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE, &powersafe_overwrite);
  std::unique_ptr<Database> database(new Database(path, handle, std::move(vfs)));
  if (result != SQLITE_OK) return database->failure("cannot open");
  sqlite3_busy_timeout(handle, 5'000);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  if (exclusive) {
    TRY(database->execute("PRAGMA locking_mode=EXCLUSIVE"));
  }
  TRY(database->execute("PRAGMA temp_store=MEMORY"));
  TRY(database->execute("PRAGMA secure_delete=ON"));  // what is removed is written over
  TRY(database->execute("PRAGMA cell_size_check=ON"));
  TRY(database->execute("PRAGMA trusted_schema=OFF"));
  TRY(database->execute("PRAGMA foreign_keys=ON"));
  return database;
}

Database::~Database() {
  // After a failed sync nobody knows what of the log is on the disk. Closing would move it into the file and take the
  // log away; if a power cut brings back the log's durable part, that would lie over newer pages. The next start makes
  // the log durable first.
  if (poisoned_) sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  for (const auto& [sql, prepared] : idle_) sqlite3_finalize(prepared);
  sqlite3_close_v2(handle_);
}

Result<Statement> Database::prepare(const std::string& sql) {
  if (const auto found = idle_.find(sql); found != idle_.end()) {
    sqlite3_stmt* prepared = found->second;
    idle_.erase(found);
    return Statement(*this, prepared);
  }
  sqlite3_stmt* prepared = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &prepared, nullptr);
  if (result != SQLITE_OK) return failure("cannot use");
  return Statement(*this, prepared);
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return failure("cannot use");
  return {};
}

Status Database::empty_log() {
  TRY_ASSIGN(Statement checkpoint, prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
  const auto row = checkpoint.step();
  log_is_old_ = !row && row.error().code == Code::no_space;
  if (!row && !log_is_old_) return row.error();
  return {};
}

int64_t Database::changed_rows() const {
  return sqlite3_changes64(handle_);
}

Error Database::failure(std::string_view doing) {
  const int extended = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(handle_);
  if (is_failed_sync(extended)) poisoned_ = true;
  const Code code = code_of(extended);
  const char* said = handle_ == nullptr ? sqlite3_errstr(extended) : sqlite3_errmsg(handle_);
  return Error(code, std::string(doing) + " the control database " + path_ + ": " + said, hint_of(code));
}

Status Database::check_usable() const {
  if (!poisoned_) return {};
  return Error(Code::io, "the control database " + path_ + " takes no changes since the disk failed to sync it",
               "check the disk, then restart: what was acknowledged before is kept");
}

// --- Transaction ----------------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.check_usable());
  if (database.log_is_old_) {
    TRY(database.empty_log());
    if (database.log_is_old_) {
      return Error(Code::no_space, "the disk is too full to change the control database " + database.path_,
                   hint_of(Code::no_space));
    }
  }
  TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // A failed commit may have rolled back already; then there is nothing to do and the answer does not matter.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK").has_value());
}

Status Transaction::commit() {
  crash_point("control/before_commit");
  TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  crash_point("control/commit");
  return {};
}

}  // namespace weir::control
