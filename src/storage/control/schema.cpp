#include "storage/control/schema.h"

#include <string>

namespace weir::control {
namespace {

constexpr int64_t kApplicationId = 0x77656972;  // "weir", in the file's header

constexpr const char* kVersion1 = R"sql(
CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('declaration', 0), ('lake_cursor', 1), ('lake_version', 0);

CREATE TABLE declarations(
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,
  body TEXT NOT NULL, detached INTEGER NOT NULL, applied_at INTEGER NOT NULL, UNIQUE(kind, name));

CREATE TABLE lake_commits(
  version INTEGER PRIMARY KEY, from_sequence INTEGER NOT NULL, through_sequence INTEGER NOT NULL,
  files_added INTEGER NOT NULL, files_removed INTEGER NOT NULL, committed_at INTEGER NOT NULL);
CREATE TABLE lake_files(
  path TEXT PRIMARY KEY, table_name TEXT NOT NULL, kind INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
  partition TEXT NOT NULL, first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL, checksum INTEGER NOT NULL,
  bounds TEXT NOT NULL, version INTEGER NOT NULL REFERENCES lake_commits(version)) WITHOUT ROWID;
CREATE INDEX lake_files_by_sequence ON lake_files(last_sequence, first_sequence);

CREATE TABLE tokens(
  id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL, streams TEXT NOT NULL, label TEXT NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER, last_used_at INTEGER, revoked INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE secrets(name TEXT PRIMARY KEY, sealed TEXT NOT NULL, changed_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE key_values(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql";

// Which days of a table were touched last by which commit. Files from before are counted as touching the days of their
// partition.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE lake_days(
  table_name TEXT NOT NULL, day INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(table_name, day)) WITHOUT ROWID;
INSERT INTO lake_days
  SELECT table_name, CAST(julianday(substr(partition, 4)) - 2440587.5 AS INTEGER), max(version)
  FROM lake_files WHERE kind = 0 AND partition LIKE 'dt=%' GROUP BY 1, 2;
INSERT INTO lake_days
  WITH RECURSIVE months(table_name, first, version) AS (
    SELECT table_name,
           date(printf('%04d-%02d-01', CAST(substr(partition, 6) AS INTEGER),
                       CAST(substr(partition, instr(partition, 'month=') + 6) AS INTEGER))), max(version)
    FROM lake_files WHERE kind = 0 AND partition LIKE 'year=%/month=%' GROUP BY 1, 2),
  days(table_name, day, until, version) AS (
    SELECT table_name, CAST(julianday(first) - 2440587.5 AS INTEGER),
           CAST(julianday(date(first, '+1 month')) - 2440587.5 AS INTEGER), version FROM months
    UNION ALL SELECT table_name, day + 1, until, version FROM days WHERE day + 1 < until)
  SELECT table_name, day, version FROM days;

CREATE TABLE runs(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, cause TEXT NOT NULL, parameters TEXT NOT NULL,
  state TEXT NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, error TEXT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX runs_by_state ON runs(state);
CREATE TABLE run_tasks(
  run_id TEXT NOT NULL REFERENCES runs(id), number INTEGER NOT NULL, step TEXT NOT NULL, what TEXT NOT NULL,
  state TEXT NOT NULL, attempts INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, rows INTEGER,
  message TEXT NOT NULL,
  PRIMARY KEY(run_id, number)) WITHOUT ROWID;
)sql";

// Files that compaction and retention replaced, until nobody reads them; how far retention went. Older files have no
// layout, so they are not merged with others.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE lake_files ADD COLUMN layout INTEGER NOT NULL DEFAULT 0;
CREATE TABLE lake_replaced(
  path TEXT PRIMARY KEY, table_name TEXT NOT NULL, bytes INTEGER NOT NULL, version INTEGER NOT NULL,
  remove_after INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lake_retained(table_name TEXT PRIMARY KEY, from_day INTEGER NOT NULL) WITHOUT ROWID;
)sql";

// Tokens that read some endpoints and nothing else.
constexpr const char* kVersion4 = R"sql(
ALTER TABLE tokens ADD COLUMN endpoints TEXT NOT NULL DEFAULT '[]';
)sql";

// Findings of every source, and where alarms stand.
constexpr const char* kVersion5 = R"sql(
CREATE TABLE findings(
  id TEXT PRIMARY KEY, key TEXT NOT NULL, state TEXT NOT NULL, opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  closed_at INTEGER, body TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX findings_by_key ON findings(key) WHERE state <> 'closed';
CREATE TABLE alarm_states(name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE alarm_changes(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL,
  reason TEXT NOT NULL);
CREATE INDEX alarm_changes_by_name ON alarm_changes(name, id);
)sql";

constexpr const char* kVersion6 = R"sql(
CREATE TABLE forgets(
  id TEXT PRIMARY KEY, stream TEXT NOT NULL, state TEXT NOT NULL, begun_at INTEGER NOT NULL, ended_at INTEGER,
  body TEXT NOT NULL) WITHOUT ROWID;
)sql";

// What a run of work did, and how far a task is.
constexpr const char* kVersion7 = R"sql(
ALTER TABLE runs ADD COLUMN result TEXT NOT NULL DEFAULT 'null';
ALTER TABLE run_tasks ADD COLUMN progress REAL NOT NULL DEFAULT 0;
)sql";

// Derived tables that are kept in the lake, and what each of their partitions was computed from.
constexpr const char* kVersion8 = R"sql(
CREATE TABLE lake_tables(name TEXT PRIMARY KEY, partition TEXT NOT NULL, columns TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lake_marks(
  table_name TEXT NOT NULL, partition TEXT NOT NULL, fingerprint TEXT NOT NULL, content TEXT NOT NULL,
  digest TEXT NOT NULL, rows INTEGER NOT NULL, run TEXT NOT NULL, computed_at INTEGER NOT NULL, took INTEGER NOT NULL,
  version INTEGER NOT NULL, PRIMARY KEY(table_name, partition)) WITHOUT ROWID;
)sql";

// Users, roles and groups; whose a token is, and its verifier for the wire.
constexpr const char* kVersion9 = R"sql(
CREATE TABLE users(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE roles(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, owner INTEGER NOT NULL, created_at INTEGER NOT NULL,
  UNIQUE(kind, name));
CREATE TABLE role_members(
  role_id INTEGER NOT NULL, member_id INTEGER NOT NULL, with_admin INTEGER NOT NULL, PRIMARY KEY(role_id, member_id))
  WITHOUT ROWID;
INSERT INTO counters VALUES ('last_user', 0), ('last_role', 0), ('users_version', 0);
ALTER TABLE tokens ADD COLUMN user_id INTEGER;
ALTER TABLE tokens ADD COLUMN scram TEXT NOT NULL DEFAULT '';
)sql";

// Access keys; statements that were handed over.
constexpr const char* kVersion10 = R"sql(
ALTER TABLE tokens ADD COLUMN sealed TEXT NOT NULL DEFAULT '';
CREATE TABLE jobs(
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, token TEXT, is_open INTEGER NOT NULL, created_at INTEGER NOT NULL,
  body TEXT NOT NULL, result TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX jobs_by_token ON jobs(owner, token);
CREATE INDEX jobs_open ON jobs(id) WHERE is_open;
)sql";

// Notices on their way, and who was told what when; who subscribed to topics by mail.
constexpr const char* kVersion11 = R"sql(
CREATE TABLE outbox(
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, bundle TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL, give_up_at INTEGER NOT NULL, ended_at INTEGER, attempts INTEGER NOT NULL,
  error TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox(channel, due_at) WHERE state = 'waiting';
CREATE INDEX outbox_bundles ON outbox(channel, bundle) WHERE state = 'waiting' AND bundle <> '';
CREATE INDEX outbox_by_state ON outbox(state, channel, created_at);
CREATE INDEX outbox_ended ON outbox(ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE outbox_told(
  channel TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(channel, key)) WITHOUT ROWID;
INSERT INTO counters VALUES ('outbox_open', 0);
CREATE TABLE subscriptions(
  id TEXT PRIMARY KEY, topic TEXT NOT NULL, address TEXT NOT NULL, is_confirmed INTEGER NOT NULL,
  created_at INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
)sql";

constexpr Migration kMigrations[] = {{1, kVersion1}, {2, kVersion2}, {3, kVersion3}, {4, kVersion4}, {5, kVersion5},
                                     {6, kVersion6}, {7, kVersion7}, {8, kVersion8}, {9, kVersion9}, {10, kVersion10},
                                     {11, kVersion11}};

Result<int64_t> number_of(Database& database, const std::string& sql) {
  TRY_ASSIGN(Statement statement, database.prepare(sql));
  TRY_ASSIGN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Status refuse_foreign(Database& database) {
  TRY_ASSIGN(const int64_t application, number_of(database, "PRAGMA application_id"));
  TRY_ASSIGN(const int64_t objects, number_of(database, "SELECT count(*) FROM sqlite_schema"));
  if (application == kApplicationId || (application == 0 && objects == 0)) return {};
  return Error(Code::invalid, database.path() + " is an SQLite database of another program",
               "move it away; weir keeps its control database under this name");
}

}  // namespace

std::span<const Migration> migrations() {
  return kMigrations;
}

Status migrate(Database& database, std::span<const Migration> steps, WallTime now) {
  TRY(refuse_foreign(database));
  TRY_ASSIGN(const int64_t known,
             number_of(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'"));
  int64_t present = 0;
  if (known > 0) {
    TRY_ASSIGN(present, number_of(database, "SELECT max(version) FROM schema_version"));
  }
  const int newest = steps.back().version;
  if (present == newest) return {};
  if (present > newest) {
    return Error(Code::unsupported,
                 "the control database " + database.path() + " has schema version " + std::to_string(present) +
                     ", this program knows versions up to " + std::to_string(newest),
                 "open it with the newer weir that wrote it");
  }
  TRY_ASSIGN(Transaction transaction, Transaction::begin(database));
  if (known == 0) {
    TRY(database.execute("CREATE TABLE schema_version(version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)"));
    TRY(database.execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
  }
  for (const Migration& step : steps) {
    if (step.version <= present) continue;
    TRY(database.execute(step.sql));
    TRY_ASSIGN(Statement mark, database.prepare("INSERT INTO schema_version VALUES (?, ?)"));
    TRY(mark.bind(1, int64_t{step.version}).bind(2, now.micros).run());
  }
  return transaction.commit();
}

}  // namespace weir::control
