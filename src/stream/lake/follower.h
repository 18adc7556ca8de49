// The lake's one implementation: follows the journal, answers snapshots, commits. See lake.h for what it promises.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "stream/lake/lake.h"
#include "stream/lake/tail.h"

namespace weir::lake {

// Where files are written that replace others; .staging itself is the follower's.
inline constexpr std::string_view kRewriteStaging = ".staging/rewrite";
inline constexpr std::string_view kDerivedStaging = ".staging/derived";

// A table of the lake: a stream's, or its quarantine's.
struct Table {
  std::string name;
  std::string comment;
  std::vector<engine::Column> columns, partition_columns;
  std::shared_ptr<const engine::FileRowsReader> reader = {};  // of the raw archive; null: Parquet
  std::vector<engine::TableFile> files;                       // committed
  int32_t retained_from = INT32_MIN;                          // events of earlier days were removed
  std::shared_ptr<const CommittedTables::Days> days = std::make_shared<const CommittedTables::Days>();
  std::shared_ptr<const Derived> derived = {};  // null: a stream's
};

// The engine's RowDigest: as statements read the rows. rebuild.cpp
RowDigest engine_digest(engine::Engine& engine);

class LakeSnapshot : public engine::Snapshot {
 public:
  const engine::TableVersion* find(std::string_view table) const override;
  std::vector<std::string> names() const override;
  std::map<std::string, std::shared_ptr<const engine::TableVersion>, std::less<>> tables;
  std::shared_ptr<const uint64_t> pin;  // of the version whose files it reads
};

class Follower : public Lake {
 public:
  Follower(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal, control::Control& control,
           Options options);
  Status start();

  void set_engine(engine::Engine& engine, ParquetWriter writer, ParquetMerger merger, RowDigest digest) override;
  Status set_streams(std::vector<capture::AppliedStream> streams) override;
  Result<uint64_t> pump() override;
  Status commit() override;
  void run(const std::function<bool()>& stop, const std::function<journal::Sequence()>& sealed) override;
  Status drop(std::string_view stream) override;
  Status drain(Duration limit) override;
  Result<std::shared_ptr<const engine::Snapshot>> take() override;
  Result<Compaction> compact(const CompactRequest& request, const Cancel& cancel, const OnProgress& progress) override;
  Result<Retention> retain(const RetainRequest& request, const Cancel& cancel) override;
  Result<Rebuilt> rebuild(std::string_view stream, const Cancel& cancel, const OnProgress& progress) override;
  Result<Forgotten> forget(const ForgetRequest& request, const Cancel& cancel, const OnFound& found,
                           const OnProgress& progress) override;
  Result<std::vector<control::ReplacedFile>> replaced_of(std::string_view stream) override;
  Result<uint64_t> remove_replaced() override;
  Result<bool> maintain(const Cancel& cancel) override;
  StagedFile stage() override;
  Status unstage(const StagedFile& file) override;
  Status make_derived(const DerivedTable& table) override;
  Status publish_derived(const std::string& table, std::vector<DerivedPart> parts) override;
  Status promote_derived(const std::string& table, std::vector<DerivedPart> parts) override;
  Status retire_derived(const std::string& table) override;
  std::map<std::string, std::shared_ptr<const Derived>, std::less<>> derived() override;
  Result<uint64_t> expire_derived(const std::vector<std::string>& tables) override;
  Status drop_derived(const std::string& table) override;
  CommittedTables committed() override;
  std::shared_ptr<const CommittedTables::Days> days(std::string_view table) override;
  LakeStatus status() const override;
  Result<Verification> verify() override;
  Result<Json> manifest(std::string_view table) override;
  Result<std::vector<Place>> explain(std::string_view event_id) override;

 private:
  // What a record of one stream number needs to become a row.
  struct Lane {
    std::shared_ptr<const capture::Stream> stream;
    std::unique_ptr<capture::RowWriter> accepted, quarantined, marks;
    std::string table, quarantine_table, intake_table;
    bool system = false;  // it has neither quarantine nor intake nor raw table
    // Where its last record of each kind went in tail_: the next mostly goes there too.
    struct Open {
      TableTail* table = nullptr;
      ArchiveTail* lines = nullptr;
      PartitionTail* rows = nullptr;
      int64_t hour = 0;
      int32_t day = 0;
    };
    Open open_events, open_quarantine, open_marks;
  };

  Result<uint64_t> pump_locked(uint64_t until);
  Status read_group(const std::vector<journal::Entry>& group);
  void take_record(uint64_t sequence, const capture::Record& record);
  PartitionTail& open_partition(const std::string& table, TableTail& into, const std::vector<int64_t>& values);
  bool tail_is_full() const;
  void restart_tail(uint64_t at);
  void note_problem(const std::string& what);
  std::shared_ptr<const LakeSnapshot> snapshot_locked(bool with_tail);
  static std::vector<control::LakeDay> touched_days(const Tail& tail);
  void raise_days_locked(const std::vector<control::LakeDay>& touched);
  std::string path_of(std::string_view relative) const;

  // One commit, step by step; files written so far are in `written`.
  struct Output {
    control::LakeFile file;
    std::string staging;
  };
  Status write_outputs(Tail& tail, std::vector<Output>& outputs);
  Status write_partition(const Table& table, const std::vector<int64_t>& values, PartitionTail& rows,
                         std::vector<Output>& outputs);
  Status write_archive(const std::string& table, int64_t hour, const ArchiveTail& lines, std::vector<Output>& outputs);
  Status publish_outputs(const std::vector<Output>& outputs);
  Status finish_intent();
  Status remove_files(const std::vector<std::string>& paths);  // below the store's root
  Status write_manifest(const std::string& table);

  // A commit beside the follower's, which leaves its cursor where it is: new files in place of old ones.
  struct Swap {
    std::vector<Output> added;  // in staging; named by the commit
    std::vector<std::string> replaced;
    Duration keep;  // the replaced ones
    std::vector<control::LakeDay> touched = {};
    std::vector<control::RetainedFrom> retained = {};
    std::vector<std::string> expired = {};  // tables; see control::LakeCommit
    std::optional<control::Forget> forget = {};
    control::LakeCommit derived = {};  // what is said of derived tables: unlisted, renamed, tables, marks
  };
  Status swap(Swap change);
  // Derived tables; derived.cpp.
  Result<Table> derived_table(const std::string& name);
  Status add_part(const Table& into, const std::string& name, DerivedPart part, Swap& change);
  Result<bool> is_whole(const Table& table, const std::vector<std::string>& paths);
  class Unstaging;
  Status load_derived_locked();
  Status note_derived_locked(const control::LakeCommit& commit, uint64_t version);
  Status drop_tables(const std::vector<std::string>& tables, const std::string& why);
  // `staging` below the store's root: synced, measured and summed piece by piece.
  Status measure_output(Output& out);
  Status clear_staging(std::string_view folder);
  // A handle that drop() cancels too.
  Cancel begin_maintenance(const Cancel& cancel);
  void note_version_locked(uint64_t version);
  uint64_t oldest_pinned_locked();
  Status remove_leftovers();
  Status load_catalog();
  Status list_file_locked(const control::LakeFile& file);
  std::optional<ArrivalTime> oldest_waiting_locked() const;
  uint64_t lag_locked() const;
  LakeStatus status_locked() const;
  Result<std::vector<Place>> forgotten_places(std::string_view event_id);
  Result<Json> manifest_locked(const Table& table) const;
  // One round of run(): true if it made progress.
  void follow_once(const std::function<journal::Sequence()>& sealed, int64_t& retry_at);

  friend class Verifier;
  friend class Compactor;
  friend class Retainer;
  friend class Rebuilder;
  friend class Forgetter;

  Files& files_;
  Clock& clock_;
  journal::Journal& journal_;
  control::Control& control_;
  const Options options_;
  engine::Engine* engine_ = nullptr;  // set once before anything is followed
  ParquetWriter write_parquet_;
  ParquetMerger merge_parquet_;
  RowDigest digest_rows_;

  std::mutex maintenance_mutex_;  // compaction, retention, rebuild, drop: one at a time; taken before commit_mutex_
  std::mutex commit_mutex_;       // one commit at a time; taken before mutex_
  // Files that were published by a swap whose commit failed: named in every intent until a later commit tells that it
  // never was. Guarded by commit_mutex_.
  std::set<std::string> unsettled_;
  mutable std::mutex mutex_;  // guards everything below
  std::map<uint32_t, Lane> lanes_;
  std::map<std::string, Table, std::less<>> tables_;
  Tail tail_;  // being filled
  GzipCompressor compressor_;
  std::shared_ptr<Tail> committing_;  // frozen, still part of every snapshot
  std::unique_ptr<journal::Reader> reader_;
  std::vector<std::pair<uint64_t, capture::Record>> group_;  // being taken; views into what the reader holds
  uint64_t cursor_ = 1, version_ = 0;
  std::shared_ptr<const uint64_t> pin_ = std::make_shared<const uint64_t>(0);  // of version_
  std::vector<std::weak_ptr<const uint64_t>> pins_;                            // of versions that snapshots hold
  Cancel maintenance_;                                                         // of what holds maintenance_mutex_
  std::optional<WallTime> last_commit_at_;
  std::string error_;
  uint64_t damage_seen_ = 0;
  std::condition_variable committed_;
  std::atomic<bool> commit_now_{false};
  std::atomic<uint64_t> staged_{0};                          // files of derived tables so far
  std::atomic<int64_t> retain_at_{INT64_MIN};                // by the wall's clock, in micros
  std::atomic<uint64_t> commits_unplanned_{UINT64_MAX / 2};  // since maintain() found nothing to merge

  Gauge& lag_records_;
  Gauge& oldest_waiting_;
  Gauge& tail_bytes_;
  Counter& commits_;
  Counter& commit_failures_;
  Counter& damage_;
  Counter& merged_files_;
  Counter& merged_bytes_;
  Counter& replaced_removed_;
  Counter& retired_files_;
};

}  // namespace weir::lake
