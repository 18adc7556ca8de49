// The control database: what is applied, the lake's catalog, tokens, users, secrets, bookmarks. SQLite in WAL mode with
// synchronous=FULL: every function that changes something returns success only after it is on disk, and either whole or
// not at all.
//
// Threads: any; calls are serialised inside and short (microseconds to a few milliseconds). The schema has a version:
// an older file is migrated forward in one transaction when opened, a newer one is refused. One process owns the file
// (.weir/lock guards the folder).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/files.h"

namespace weir::control {

// --- declarations ---------------------------------------------------------------------------------------------------

// One applied declaration. `number` is given once per (kind, name) and never reused while the database lives;
// `revision` counts changes. A removed declaration is detached: kept with its data until destroyed or applied again.
struct Declaration {
  std::string kind;  // "stream", "project"
  std::string name;
  uint32_t number = 0;
  uint32_t revision = 0;
  Json body;  // the kind's own canonical form
  bool detached = false;
  WallTime applied_at;
};

// --- the lake's catalog ---------------------------------------------------------------------------------------------

enum class FileKind { parquet, archive };

struct LakeFile {
  std::string table;  // stream name, or <stream>_quarantine
  FileKind kind = FileKind::parquet;
  std::string path;  // relative to the store's root; unique
  uint64_t rows = 0, bytes = 0;
  std::string partition;  // parquet: values joined by '/', as in the path: "dt=2026-11-21" or "year=2026/month=11";
                          // archive: "2026/11/21/08"
  uint64_t first_sequence = 0, last_sequence = 0;  // of the rows inside, both included
  uint64_t checksum = 0;                           // checksum64 of the whole file
  Json bounds;           // parquet: {"column": [min, max]}; archive: {"event_day": [min, max]}
  uint64_t layout = 0;   // parquet: files of one layout have the same columns; 0: not known
  uint64_t version = 0;  // the commit that added it; set by control
};

// The data version of one day of a table: the last commit that added, removed or corrected rows with an event of that
// day. Compaction raises nothing.
struct LakeDay {
  std::string table;
  int32_t day = 0;       // since 1970
  uint64_t version = 0;  // set by control
};

// A file that a commit took out of the catalog, and that still lies there for those who read it.
struct ReplacedFile {
  std::string table, path;
  uint64_t bytes = 0;
  uint64_t version = 0;   // of the commit that took it out: older snapshots read it
  WallTime remove_after;  // and no earlier, for readers outside
};

// Events of earlier days than `from_day` were removed by retention.
struct RetainedFrom {
  std::string table;
  int32_t from_day = 0;
};

// What somebody asked to be forgotten, as platform/forget keeps it: an open one goes on at the next start, a done one
// is the receipt.
struct Forget {
  std::string id;  // UUID; sorts by time
  std::string stream;
  std::string state;  // "open", "done"
  WallTime begun_at;
  std::optional<WallTime> ended_at;
  Json body;  // the room's own; never the value
};

// A derived table that is kept in the lake: its rows are computed from others, not captured.
struct LakeTable {
  std::string name;
  std::string partition;  // a DATE column; empty: the table is one whole
  Json columns;           // the lake's own form
};

// What one partition of such a table was computed from. It is part of the commit that lists the partition's files.
struct LakeMark {
  std::string table;
  std::optional<int32_t> day;  // since 1970; nothing: the table is one whole
  std::string fingerprint;     // of the inputs
  std::string content;         // of the declaration
  std::string digest;          // of the rows
  uint64_t rows = 0;
  std::string run;
  WallTime computed_at{};
  Duration took{};
  uint64_t version = 0;  // the commit that changed the rows; 0: this one
};

// One commit: everything of all streams in the journal below `through` is in committed files, exactly once.
struct LakeCommit {
  uint64_t from = 0;     // must equal the stored cursor, otherwise `conflict` and nothing is changed
  uint64_t through = 0;  // new cursor: first sequence that is not in the lake
  std::vector<LakeFile> added;
  std::vector<std::string> removed = {};    // paths that nobody may read any more
  std::vector<std::string> replaced = {};   // paths that become replaced files
  WallTime replaced_until = {};             // their remove_after
  std::vector<LakeDay> touched = {};        // their versions become this commit's
  std::vector<RetainedFrom> retained = {};  // never goes back
  std::vector<std::string> dropped = {};    // tables of which nothing is kept, replaced files neither
  std::vector<std::string> expired = {};    // tables whose replaced files are due now, also those of earlier commits
  std::optional<Forget> forget = {};        // put in the same transaction
  // Of derived tables, in this order:
  std::vector<std::string> unlisted = {};  // their entries and marks go
  std::optional<std::pair<std::string, std::string>> renamed =
      {};                              // entry, marks and files go over to an unlisted name
  std::vector<LakeTable> tables = {};  // added, or replaced
  std::vector<LakeMark> marks = {};    // added, or replaced
};

// --- runs -----------------------------------------------------------------------------------------------------------

// A run and its tasks outlive the program: one that was under way goes on at the next start with what is missing.
struct Run {
  std::string id;     // UUID; sorts by time
  std::string kind;   // "table", "flow", "backfill"
  std::string name;   // of the declaration
  Json cause;         // {"by": "person"|"schedule"|"arrival"|"stale"|"run"|"apply", …}
  Json parameters;    // the kind's own: {"from": …, "to": …}
  std::string state;  // "queued", "running", "done", "failed", "stopped"
  WallTime queued_at;
  std::optional<WallTime> started_at, ended_at;
  std::string error;
  Json result{};  // the kind's own: what it did, or has done so far; null: nothing to tell
};

struct RunTask {
  uint64_t number = 0;  // in the run, from 1
  std::string step;     // of the flow; the table's name in a run of tables
  std::string what;     // "2026-11-21", "command", …
  std::string state;    // "waiting", "running", "done", "failed", "skipped", "stopped"
  uint32_t attempts = 0;
  std::optional<WallTime> started_at, ended_at;
  std::optional<uint64_t> rows;
  std::string message;  // why it failed or was skipped
  double progress = 0;  // of one under way, up to 1; 0: not known
};

// --- findings and alarms --------------------------------------------------------------------------------------------

// Something that somebody should know of, as platform/notify keeps it.
struct Finding {
  std::string id;     // UUID; sorts by time
  std::string key;    // what it is about: one finding of a key is not closed
  std::string state;  // "open", "acknowledged", "closed"
  WallTime opened_at, updated_at;
  std::optional<WallTime> closed_at;
  Json body;  // the room's own
};

// A notice on its way to one receiver, as platform/notify keeps it: written before anybody is told, ended by a definite
// answer.
struct Delivery {
  std::string id;       // UUID; sorts by time; the same in every attempt
  std::string channel;  // whose thread delivers it
  // What waits under one bundle of a channel and was never tried is one delivery: what comes later has its
  // body["items"] appended to the one that waits. Empty: it goes alone.
  std::string bundle;
  std::string state = "waiting";  // "waiting", "sending", "delivered", "given_up", "discarded"
  WallTime created_at{};
  WallTime due_at{};      // not tried before
  WallTime give_up_at{};  // and not after
  std::optional<WallTime> ended_at{};
  uint32_t attempts = 0;  // begun
  std::string error{};    // of the last attempt
  Json body{};            // the room's own
  // Told under this key less than so long before: it waits until that time is over, together with what else comes under
  // the key until then. Only of a new one; not kept.
  std::string again_key{};
  Duration again_within{};
  bool once = false;  // within that time it is not told again at all: it was put in before a kill
};
inline constexpr size_t kBundleItemsMax = 200;  // a full one waits beside the next
struct DeliveryFilter {
  std::string state{}, channel{};  // empty: all
  std::string before{};            // ids below this one; empty: from the newest
  size_t limit = 100;
};
struct DeliveryCount {
  std::string channel, state;
  uint64_t count = 0;
  WallTime oldest{};  // created_at
};

// Who asked by mail to be told what a topic is told, as platform/notify keeps it.
struct Subscription {
  std::string id;
  std::string topic, address;
  bool is_confirmed = false;
  WallTime created_at{};
  Json body{};  // the room's own
};

// Where an alarm stands, as analysis/alarm keeps it.
struct AlarmState {
  std::string name;
  Json body;  // the room's own
};
struct AlarmChange {
  std::string name;
  WallTime at;
  std::string from, to;  // "ok", "alarm", "no_data"
  std::string reason;
};

// --- tokens and secrets ---------------------------------------------------------------------------------------------

struct Token {
  std::string id;                    // short, public: names the token in lists and logs
  std::string hash;                  // SHA-256 (hex) of the token's text; the text itself is never stored
  std::string role;                  // "admin", "read", "write"
  std::vector<std::string> streams;  // of a write token; empty: all
  std::string label;
  WallTime created_at;
  std::optional<WallTime> expires_at, last_used_at;
  bool revoked = false;
  std::vector<std::string> endpoints = {};  // of a read token; empty: everything
  std::optional<uint32_t> user = {};        // whose it is; a number of `users`
  std::string scram = {};                   // a SCRAM-SHA-256 verifier of the text; empty: made before there were any
  std::string sealed = {};  // the text, encrypted by the caller (platform/access): of access keys, whose holders sign
                            // requests with it; empty for all others
};

// --- users and roles ------------------------------------------------------------------------------------------------

// As platform/access/users keeps them. Numbers are one space: a member is a user or a role, and none is given twice.
struct User {
  uint32_t id = 0;
  std::string name;  // unique among users
  Json body;         // the room's own; of a password verifiers only
  WallTime created_at;
};
struct Role {
  uint32_t id = 0;
  std::string name;  // unique in its kind
  std::string kind;  // "role", "group"
  uint32_t owner = 0;
  WallTime created_at;
};
struct RoleMember {
  uint32_t role = 0, member = 0;
  bool with_admin = false;
};
struct Users {
  std::vector<User> users;  // by id, like the roles
  std::vector<Role> roles;
  std::vector<RoleMember> members;        // by role and member
  uint32_t last_user = 0, last_role = 0;  // numbers given, also to those who are gone; 0: none yet
  uint64_t version = 0;                   // counts changes
};
// One change, whole or not at all.
struct UsersChange {
  uint64_t from = 0;                   // must equal the stored version, otherwise `conflict` and nothing is changed
  std::vector<uint32_t> dropped = {};  // users and roles; what they are members of and their members go along
  std::vector<User> users = {};        // added, or replaced by id; `conflict` if the name is another's, like the roles
  std::vector<Role> roles = {};
  std::vector<RoleMember> removed = {};  // memberships; no mistake if there is none
  std::vector<RoleMember> members = {};  // added, or replaced
};

// A statement that was handed over to be run (platform/warehouse/jobs.h). Its result, while it is small, lies here.
struct Job {
  std::string id;     // UUID; sorts by time
  std::string owner;  // whose it is
  std::string token;  // the client's, so that it is taken once; may be empty
  bool is_open = true;
  WallTime created_at;
  Json body;                // the room's own
  std::string result = {};  // the room's own
};

struct Secret {
  std::string name;
  std::string sealed;  // encrypted by the caller (platform/access); control never sees the text
  WallTime changed_at;
};

// --------------------------------------------------------------------------------------------------------------------

class Control {
 public:
  virtual ~Control() = default;
  static Result<std::unique_ptr<Control>> open(const std::string& path, Clock& clock);
  // The same over any Files, by one process and one opener at a time: tests/sim cuts its power with the rest of the
  // disk's.
  static Result<std::unique_ptr<Control>> open(Files& files, const std::string& path, Clock& clock);

  // Declarations. apply() gives numbers and raises revisions (only if the body differs), detaches
  // `detached`, all in one transaction; returns what is stored now of `changed`, in its order.
  virtual Result<std::vector<Declaration>> declarations() = 0;  // detached ones too
  virtual Result<std::vector<Declaration>> apply(const std::vector<Declaration>& changed,
                                                 const std::vector<std::pair<std::string, std::string>>& detached) = 0;
  virtual Status destroy(std::string_view kind, std::string_view name) = 0;  // forgets a detached declaration

  // Lake.
  virtual Result<uint64_t> lake_cursor() = 0;              // first sequence that is not in the lake; 1 at first
  virtual Result<uint64_t> lake_version() = 0;             // number of the last commit
  virtual Result<std::vector<LakeFile>> lake_files() = 0;  // all current ones, ordered by table and first_sequence
  virtual Result<uint64_t> commit_lake(const LakeCommit& commit) = 0;  // returns the new version
  virtual Result<std::vector<LakeFile>> lake_files_holding(uint64_t sequence) = 0;
  virtual Result<std::vector<LakeDay>> lake_days() = 0;                                      // ordered by table and day
  virtual Result<std::vector<ReplacedFile>> lake_replaced(std::optional<WallTime> due) = 0;  // until then; or all
  virtual Status forget_replaced(const std::vector<std::string>& paths) = 0;                 // after the files are gone
  virtual Result<std::vector<RetainedFrom>> lake_retained() = 0;
  virtual Result<std::vector<LakeTable>> lake_tables() = 0;
  virtual Result<std::vector<LakeMark>> lake_marks() = 0;

  // Forgets. put_forget() adds or replaces by id.
  virtual Status put_forget(const Forget& forget) = 0;
  virtual Result<std::vector<Forget>> forgets() = 0;  // newest first
  // Nothing of what was changed or removed before the call is left in the database's files. What is removed is always
  // written over; this empties the log.
  virtual Status scrub() = 0;

  // Runs. put_run() and put_task() add or replace by id, and by (run, number).
  virtual Status put_run(const Run& run) = 0;
  virtual Status put_tasks(std::string_view run, const std::vector<RunTask>& tasks) = 0;
  virtual Result<std::optional<Run>> find_run(std::string_view id) = 0;
  // Newest first; of one name if it is not empty, and those under way only if `open`.
  virtual Result<std::vector<Run>> runs(std::string_view name, bool open, size_t limit) = 0;
  virtual Result<std::vector<RunTask>> run_tasks(std::string_view run) = 0;

  // Findings. put_finding() adds or replaces by id; `conflict` if another one of its key is not closed. Of the closed
  // ones the newest `closed_max` are kept. `deliveries` are added in the same transaction: all of them, or none if
  // there is no room for them beside those that are not ended; false then. One that joins a bundle gets its id; one
  // that was to be told once and was is taken out.
  virtual Result<bool> put_finding(const Finding& finding, size_t closed_max, std::vector<Delivery>& deliveries,
                                   size_t open_max) = 0;
  virtual Result<std::optional<Finding>> find_finding(std::string_view id) = 0;
  virtual Result<std::optional<Finding>> open_finding(std::string_view key) = 0;     // not closed
  virtual Result<std::vector<Finding>> findings(bool closed_too, size_t limit) = 0;  // newest first

  // Outbox. Concurrent writers share a sync.
  virtual Result<bool> add_deliveries(std::vector<Delivery>& deliveries, size_t open_max) = 0;  // as above
  // What is due in this channel, longest first, or nothing: it is "sending" and its attempts count one more. `ended` is
  // an earlier one with what became of it, recorded in the same transaction, so that one sync does for both.
  virtual Result<std::optional<Delivery>> next_delivery(std::string_view channel, WallTime now,
                                                        const std::optional<Delivery>& ended) = 0;
  // Replaces what changes of one: state, times, attempts, error. not_found if it is gone; `conflict` if its state is
  // not `from` any more (empty: whatever it is).
  virtual Status put_delivery(const Delivery& delivery, std::string_view from) = 0;
  virtual Result<std::optional<WallTime>> next_due(std::string_view channel) = 0;  // of those that wait
  // What was being sent when the program ended, or in a channel whose thread has ended, waits. Empty: in all.
  virtual Status wait_again(std::string_view channel = {}) = 0;
  virtual Result<std::optional<Delivery>> find_delivery(std::string_view id) = 0;
  virtual Result<std::vector<Delivery>> deliveries(const DeliveryFilter& filter) = 0;  // newest first
  virtual Result<std::vector<DeliveryCount>> delivery_counts() = 0;                    // by channel and state
  // Those that wait although their time is over: their state becomes "given_up".
  virtual Result<size_t> give_up_deliveries(WallTime now) = 0;
  // Of the ended ones those since `before`, and at most `kept_max`, are kept.
  virtual Status trim_deliveries(WallTime before, size_t kept_max) = 0;

  // Subscriptions. put_subscription() adds or replaces by id; remove_subscription() not_found if there is none.
  virtual Status put_subscription(const Subscription& subscription) = 0;
  virtual Result<std::vector<Subscription>> subscriptions() = 0;  // by topic and id
  virtual Status remove_subscription(std::string_view id) = 0;

  // Alarms: states by name, added or replaced together with what changed; of each alarm the newest `changes_max`
  // changes are kept.
  virtual Status put_alarms(const std::vector<AlarmState>& states, const std::vector<AlarmChange>& changes,
                            size_t changes_max) = 0;
  virtual Result<std::vector<AlarmState>> alarm_states() = 0;
  virtual Result<std::vector<AlarmChange>> alarm_changes(std::string_view name, size_t limit) = 0;  // newest first
  virtual Status forget_alarm(std::string_view name) = 0;  // its state; the changes stay

  // Tokens.
  virtual Status add_token(const Token& token) = 0;
  virtual Result<std::vector<Token>> tokens() = 0;
  virtual Result<std::optional<Token>> find_token(std::string_view hash) = 0;
  virtual Status revoke_token(std::string_view id) = 0;
  virtual Status touch_token(std::string_view id,
                             WallTime at) = 0;  // not synced on its own: a lost last_used_at is harmless

  // Users and roles.
  virtual Result<Users> users() = 0;
  virtual Status change_users(const UsersChange& change) = 0;

  // Jobs. put_job() adds, or replaces an open one by id; what has ended stays. `conflict` if another of its owner's has
  // its token.
  virtual Status put_job(const Job& job) = 0;
  virtual Result<std::optional<Job>> find_job(std::string_view id) = 0;
  virtual Result<std::optional<Job>> find_job_by_token(std::string_view owner, std::string_view token) = 0;
  struct JobFilter {
    std::string owner = {};   // empty: everybody's
    std::string before = {};  // ids below this one; empty: from the newest
    bool open_only = false;
    size_t limit = 1'000;
  };
  virtual Result<std::vector<Job>> jobs(const JobFilter& filter) = 0;  // newest first, without results
  // Ended ones that were made before; their ids.
  virtual Result<std::vector<std::string>> remove_jobs(WallTime before) = 0;

  // Secrets.
  virtual Status put_secret(const Secret& secret) = 0;
  virtual Result<std::vector<Secret>> secrets() = 0;
  virtual Status remove_secret(std::string_view name) = 0;

  // Small values of other rooms, by key ("access.sign_in_shown", "load.last").
  virtual Result<std::optional<Json>> value(std::string_view key) = 0;
  virtual Status set_value(std::string_view key, const Json& value) = 0;
};

}  // namespace weir::control
