#include "stream/lake/follower.h"

#include "core/base/check.h"
#include "core/base/log.h"
#include "stream/capture/mark.h"
#include "stream/capture/raw_rows.h"
#include "stream/capture/record.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/raw_tables.h"

namespace weir::lake {
namespace {

constexpr int64_t kMicrosPerHour = 3'600'000'000;
constexpr Duration kWakeEvery = milliseconds(100);
constexpr Duration kRetryAfter = seconds(1);

int64_t hour_number(int64_t micros) {
  return micros >= 0 ? micros / kMicrosPerHour : (micros - kMicrosPerHour + 1) / kMicrosPerHour;
}

}  // namespace

const engine::TableVersion* LakeSnapshot::find(std::string_view table) const {
  auto found = tables.find(table);
  return found == tables.end() ? nullptr : found->second.get();
}

std::vector<std::string> LakeSnapshot::names() const {
  std::vector<std::string> out;
  for (const auto& [name, version] : tables) out.push_back(name);
  return out;
}

Result<std::unique_ptr<Lake>> Lake::open(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal,
                                         control::Control& control, Options options) {
  auto follower = std::make_unique<Follower>(files, clock, metrics, journal, control, std::move(options));
  TRY(follower->start());
  return std::unique_ptr<Lake>(std::move(follower));
}

Follower::Follower(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal, control::Control& control,
                   Options options)
    : files_(files),
      clock_(clock),
      journal_(journal),
      control_(control),
      options_(std::move(options)),
      compressor_(options_.gzip_level),
      lag_records_(metrics.gauge("weir_lake_lag_records", "Journal records that no committed lake file holds yet.")),
      oldest_waiting_(metrics.gauge("weir_lake_oldest_waiting_timestamp_seconds",
                                    "Arrival of the oldest record that no committed lake file holds yet; 0: none.")),
      tail_bytes_(metrics.gauge("weir_lake_tail_bytes", "Memory of the rows that wait for their files.")),
      commits_(metrics.counter("weir_lake_commits_total", "Commits of the lake.")),
      commit_failures_(
          metrics.counter("weir_lake_commit_failures_total", "Commits of the lake that failed and are tried again.")),
      damage_(metrics.counter("weir_lake_damage_total", "Damaged journal ranges or records met by the lake.")),
      merged_files_(metrics.counter("weir_lake_merged_files_total", "Small files of the lake that were merged.")),
      merged_bytes_(metrics.counter("weir_lake_merged_bytes_total", "Bytes of the files that they became.")),
      replaced_removed_(metrics.counter("weir_lake_replaced_files_removed_total",
                                        "Files that were replaced before, and that nobody reads any more.")),
      retired_files_(metrics.counter("weir_lake_retired_files_total", "Files that a stream's retention removed.")) {}

Status Follower::start() {
  for (const std::string_view folder : {kRewriteStaging, kDerivedStaging}) {
    TRY(files_.make_directories(path_of(folder)));
    TRY(clear_staging(folder));
  }
  TRY(remove_leftovers());
  TRY_ASSIGN(cursor_, control_.lake_cursor());
  TRY_ASSIGN(const uint64_t version, control_.lake_version());
  note_version_locked(version);
  restart_tail(cursor_);
  TRY_ASSIGN(reader_, journal_.read_from({cursor_}));
  return {};
}

Status Follower::clear_staging(std::string_view folder) {
  TRY_ASSIGN(const auto unfinished, files_.list(path_of(folder)));
  for (const auto& entry : unfinished) {
    TRY(files_.remove(join_path(path_of(folder), entry.name)));
  }
  return {};
}

void Follower::set_engine(engine::Engine& engine, ParquetWriter writer, ParquetMerger merger, RowDigest digest) {
  engine_ = &engine;
  write_parquet_ = std::move(writer);
  merge_parquet_ = std::move(merger);
  digest_rows_ = digest ? std::move(digest) : engine_digest(engine);
  if (!write_parquet_) {
    write_parquet_ = [&engine](const auto& chunks, const auto& columns, const std::string& path) {
      return engine.write_parquet(chunks, columns, path, engine::ParquetOptions{});
    };
  }
  if (!merge_parquet_) {
    merge_parquet_ = [&engine](const auto& from, const std::string& path, const Cancel& cancel) {
      return engine.merge_parquet(from, path, engine::ParquetOptions{}, cancel);
    };
  }
}

std::string Follower::path_of(std::string_view relative) const {
  return join_path(options_.store_root, relative);
}

void Follower::restart_tail(uint64_t at) {
  tail_ = Tail{};
  tail_.from = tail_.through = at;
  for (auto& [number, lane] : lanes_) lane.open_events = lane.open_quarantine = lane.open_marks = {};
}

void Follower::note_problem(const std::string& what) {
  ++damage_seen_;
  damage_.add();
  error_ = what;
  log_event(Level::error, "lake.damage", {{"what", what}});
}

Status Follower::set_streams(std::vector<capture::AppliedStream> streams) {
  std::lock_guard lock(mutex_);
  for (auto& applied : streams) {
    Lane& lane = lanes_[applied.number];
    if (lane.stream && *lane.stream == *applied.stream) continue;
    // Rows of the open blocks have the old columns: they become chunks of their own, which later ones may differ from.
    for (auto& [name, table] : tail_.tables) {
      for (auto& [values, rows] : table.partitions) rows.freeze(*engine_);
    }
    lane.open_events = lane.open_quarantine = lane.open_marks = {};
    lane.stream = applied.stream;
    lane.table = applied.stream->name;
    lane.quarantine_table = applied.stream->name + "_quarantine";
    lane.accepted = capture::RowWriter::accepted(applied.stream);
    lane.quarantined = capture::RowWriter::quarantined();
    Table& table = tables_[lane.table];
    table.name = lane.table;
    table.comment = applied.stream->description;
    table.columns = capture::table_columns(*applied.stream);
    table.partition_columns = capture::partition_columns(*applied.stream);
    lane.system = applied.system;
    if (!lane.system) {
      Table& quarantine = tables_[lane.quarantine_table];
      quarantine.name = lane.quarantine_table;
      quarantine.comment = "records of " + lane.table + " that did not fit, with the reason";
      quarantine.columns = capture::quarantine_columns();
      quarantine.partition_columns = capture::quarantine_partition_columns();
      lane.intake_table = applied.stream->name + "_intake";
      lane.marks = capture::RowWriter::accepted(capture::mark_stream());
      Table& intake = tables_[lane.intake_table];
      intake.name = lane.intake_table;
      intake.comment = "what was requeued and loaded into " + lane.table;
      intake.columns = capture::table_columns(*capture::mark_stream());
      intake.partition_columns = capture::partition_columns(*capture::mark_stream());
      Table& raw = tables_[raw_table_name(lane.table)];
      raw.name = raw_table_name(lane.table);
      raw.comment = "the raw archive of " + lane.table + ", by hour of arrival; what no file holds yet is not there";
      raw.columns = capture::raw_columns(*applied.stream);
      raw.partition_columns = raw_partition_columns();
      raw.reader = raw_reader(files_, options_.store_root, applied.stream);
    }
    auto open = tail_.tables.find(lane.table);
    if (open != tail_.tables.end()) {
      for (auto& [values, rows] : open->second.partitions)
        rows.set_columns(all_columns(table.columns, table.partition_columns));
    }
  }
  return load_catalog();
}

Status Follower::load_catalog() {
  TRY(load_derived_locked());
  TRY_ASSIGN(auto listed, control_.lake_files());
  for (auto& [name, table] : tables_) table.files.clear();
  for (const auto& file : listed) {
    TRY(list_file_locked(file));
  }
  TRY_ASSIGN(const auto days, control_.lake_days());
  for (auto& [name, table] : tables_) table.days = std::make_shared<const CommittedTables::Days>();
  raise_days_locked(days);
  TRY_ASSIGN(const auto retained, control_.lake_retained());
  for (const auto& mark : retained) {
    const auto table = tables_.find(mark.table);
    if (table != tables_.end()) table->second.retained_from = mark.from_day;
  }
  return {};
}

// A file of the catalog belongs to its own table, one of the archive to the raw table; not every table has one.
Status Follower::list_file_locked(const control::LakeFile& file) {
  const bool is_archive = file.kind == control::FileKind::archive;
  const auto table = tables_.find(is_archive ? raw_table_name(file.table) : file.table);
  if (table == tables_.end()) return {};
  const std::vector<engine::Column>& columns = table->second.columns;
  TRY_ASSIGN(auto entry, is_archive ? raw_table_file(file, columns) : table_file(file, columns));
  table->second.files.push_back(std::move(entry));
  return {};
}

std::vector<control::LakeDay> Follower::touched_days(const Tail& tail) {
  std::vector<control::LakeDay> out;
  for (const auto& [name, table] : tail.tables) {
    for (const int32_t day : table.days) out.push_back({name, day, 0});
  }
  return out;
}

// Days that somebody was handed never change: a table's are copied once a commit.
void Follower::raise_days_locked(const std::vector<control::LakeDay>& touched) {
  std::map<std::string_view, CommittedTables::Days> raised;
  for (const auto& day : touched) {
    const auto table = tables_.find(day.table);
    if (table == tables_.end()) continue;
    raised.try_emplace(table->first, *table->second.days).first->second[day.day] = day.version;
  }
  for (auto& [name, days] : raised) {
    tables_.find(name)->second.days = std::make_shared<const CommittedTables::Days>(std::move(days));
  }
}

bool Follower::tail_is_full() const {
  return tail_.bytes >= options_.tail_bytes_max || tail_.partitions >= options_.partitions_max;
}

Result<uint64_t> Follower::pump() {
  std::lock_guard lock(mutex_);
  return pump_locked(journal_.durable_end().value);
}

// Up to `until` and no further, so that a statement waits for what was acknowledged before it and not for what arrives
// meanwhile.
Result<uint64_t> Follower::pump_locked(uint64_t until) {
  CHECK(engine_ != nullptr, "set_engine() comes before pump()");
  uint64_t taken = 0;
  while (tail_.through < until && !tail_is_full()) {
    auto group = reader_->next_group();
    if (!group && group.error().code != Code::corrupt) return group.error();
    if (!group) {
      note_problem(group.error().text());
    } else if (group->empty()) {
      break;
    } else {
      TRY(read_group(*group));
      for (const auto& [sequence, record] : group_) take_record(sequence, record);
      taken += group->size();
    }
    tail_.through = reader_->position().value;
  }
  tail_bytes_.set(static_cast<double>(tail_.bytes));
  lag_records_.set(static_cast<double>(lag_locked()));
  const auto oldest = oldest_waiting_locked();
  oldest_waiting_.set(oldest ? static_cast<double>(oldest->micros) / 1e6 : 0);
  return taken;
}

// The whole group before the first of it is taken: one that cannot be taken is read again, and nothing of it twice.
Status Follower::read_group(const std::vector<journal::Entry>& group) {
  group_.clear();
  for (const auto& entry : group) {
    auto record = capture::decode(entry.bytes);
    if (!record) {
      note_problem("record " + std::to_string(entry.sequence.value) + ": " + record.error().text());
    } else if (!lanes_.contains(record->stream)) {
      TRY_ASSIGN(reader_, journal_.read_from({tail_.through}));
      return Error(Code::corrupt,
                   "journal record " + std::to_string(entry.sequence.value) + " belongs to stream number " +
                       std::to_string(record->stream) + ", which the control database does not know",
                   "restore .weir/control.db from the backup that belongs to this journal");
    } else if (record->kind != capture::RecordKind::accepted && lanes_.find(record->stream)->second.system) {
      note_problem("record " + std::to_string(entry.sequence.value) + " of a system stream is no event");
    } else {
      group_.emplace_back(entry.sequence.value, *record);
    }
  }
  return {};
}

void Follower::take_record(uint64_t sequence, const capture::Record& record) {
  Lane& lane = lanes_.find(record.stream)->second;
  const bool accepted = record.kind == capture::RecordKind::accepted;
  const bool quarantined = record.kind == capture::RecordKind::quarantined;
  const std::string& table = accepted ? lane.table : quarantined ? lane.quarantine_table : lane.intake_table;
  capture::RowWriter& writer = accepted ? *lane.accepted : quarantined ? *lane.quarantined : *lane.marks;
  Lane::Open& open = accepted ? lane.open_events : quarantined ? lane.open_quarantine : lane.open_marks;
  const EventTime time{accepted ? record.event_time.micros : record.arrived_at.micros};
  const int32_t day = day_number(time.micros);
  const int64_t hour = hour_number(record.arrived_at.micros);
  if (open.table == nullptr) open.table = &tail_.tables[table];
  if (open.lines == nullptr || hour != open.hour) open.lines = &open.table->hours[hour];
  if (open.rows == nullptr || day != open.day) {
    open.rows = &open_partition(table, *open.table,
                                accepted ? capture::partition_values(*lane.stream, time) : std::vector<int64_t>{day});
  }
  open.hour = hour;
  open.day = day;
  open.table->note_day(day);
  tail_.bytes -= open.lines->bytes();
  append_archive_line(record, sequence, open.lines->open());
  open.lines->added(sequence, day, compressor_);
  tail_.bytes += open.lines->bytes();
  int64_t& oldest = lane.system ? tail_.oldest_system_arrival : tail_.oldest_arrival;
  oldest = std::min(oldest, record.entered_at().micros);
  if (lane.system) ++tail_.system_records;
  auto added = writer.append(record, sequence, open.rows->open());
  if (!added) {
    // The archive holds the record; its row is missing until the damage is mended and the table rebuilt. verify() finds
    // it too.
    note_problem(table + ", record " + std::to_string(sequence) + ": " + added.error().text());
    return;
  }
  open.rows->added(sequence, *engine_);
  ++tail_.rows;
  tail_.bytes += record.payload.size() + 64;
}

PartitionTail& Follower::open_partition(const std::string& table_name, TableTail& into,
                                        const std::vector<int64_t>& values) {
  const auto found = into.partitions.find(values);
  if (found != into.partitions.end()) return found->second;
  const Table& table = tables_.find(table_name)->second;
  ++tail_.partitions;
  return into.partitions.emplace(values, PartitionTail(all_columns(table.columns, table.partition_columns)))
      .first->second;
}

std::shared_ptr<const LakeSnapshot> Follower::snapshot_locked(bool with_tail) {
  auto out = std::make_shared<LakeSnapshot>();
  out->pin = pin_;
  for (const auto& [name, table] : tables_) {
    if (with_tail && is_shadow(name)) continue;  // statements read with the tail, builders without
    auto version = std::make_shared<engine::TableVersion>();
    version->name = name;
    version->comment = table.comment;
    version->columns = table.columns;
    version->partition_columns = table.partition_columns;
    version->reader = table.reader;
    version->is_computed = table.derived != nullptr;
    version->files = table.files;
    for (Tail* tail : {committing_.get(), &tail_}) {
      if (tail == nullptr || !with_tail) continue;
      auto rows = tail->tables.find(name);
      if (rows == tail->tables.end()) continue;
      for (auto& [values, partition] : rows->second.partitions) partition.collect(*engine_, version->tail);
    }
    out->tables.emplace(name, std::move(version));
  }
  return out;
}

Result<std::shared_ptr<const engine::Snapshot>> Follower::take() {
  const uint64_t wanted = journal_.durable_end().value;
  while (true) {
    {
      std::lock_guard lock(mutex_);
      TRY(pump_locked(wanted));
      if (tail_.through >= wanted || !tail_is_full())
        return std::shared_ptr<const engine::Snapshot>(snapshot_locked(true));
    }
    // The tail is at its limit and does not reach far enough yet: make room, then go on.
    TRY(commit());
  }
}

CommittedTables Follower::committed() {
  std::lock_guard lock(mutex_);
  CommittedTables out;
  out.tables = snapshot_locked(false);
  out.version = version_;
  for (const auto& [name, table] : tables_) {
    if (table.derived) {
      out.derived.emplace(name, table.derived);
      continue;
    }
    out.days.emplace(name, table.days);
    if (table.retained_from != INT32_MIN) out.retained_from.emplace(name, table.retained_from);
  }
  return out;
}

std::shared_ptr<const CommittedTables::Days> Follower::days(std::string_view table) {
  std::lock_guard lock(mutex_);
  const auto found = tables_.find(table);
  return found == tables_.end() ? std::make_shared<const CommittedTables::Days>() : found->second.days;
}

void Follower::follow_once(const std::function<journal::Sequence()>& sealed, int64_t& retry_at) {
  auto pumped = pump();
  if (!pumped) log_event(Level::error, "lake.follow_failed", {{"error", pumped.error().text()}});
  bool due = commit_now_.exchange(false);
  {
    std::lock_guard lock(mutex_);
    if (!pumped) error_ = pumped.error().text();
    const int64_t now = clock_.wall().micros;
    const bool is_old = now - tail_.oldest_arrival >= options_.commit_interval.micros ||
                        now - tail_.oldest_system_arrival >= options_.system_commit_interval.micros;
    due = due || tail_is_full() || tail_.bytes >= options_.commit_bytes ||
          (!tail_.empty() && (tail_.rows == 0 || is_old));
  }
  if (!due || clock_.steady_micros() < retry_at) return;
  auto done = commit();
  if (!done) {
    retry_at = clock_.steady_micros() + kRetryAfter.micros;
    return;
  }
  journal::Sequence through;
  {
    std::lock_guard lock(mutex_);
    through.value = cursor_;
  }
  auto released = journal_.release(std::min(through, sealed()));
  if (!released) log_event(Level::warn, "lake.release_failed", {{"error", released.error().text()}});
}

void Follower::run(const std::function<bool()>& stop, const std::function<journal::Sequence()>& sealed) {
  int64_t retry_at = 0;
  while (!stop()) {
    journal::Sequence followed;
    {
      std::lock_guard lock(mutex_);
      followed.value = tail_.through;
    }
    if (!commit_now_.load()) (void)journal_.wait_past(followed, kWakeEvery);
    follow_once(sealed, retry_at);
  }
}

Status Follower::drain(Duration limit) {
  const uint64_t wanted = journal_.durable_end().value;
  const int64_t deadline = clock_.steady_micros() + limit.micros;
  while (true) {
    {
      std::lock_guard lock(mutex_);
      if (cursor_ >= wanted) return {};
      TRY(pump_locked(wanted));
    }
    TRY(commit());
    if (clock_.steady_micros() > deadline) {
      return Error(Code::timed_out, "the lake did not commit everything within " + format_duration(limit),
                   "`weir status` shows how far it is");
    }
  }
}

LakeStatus Follower::status() const {
  std::lock_guard lock(mutex_);
  return status_locked();
}

std::optional<ArrivalTime> Follower::oldest_waiting_locked() const {
  int64_t oldest = tail_.oldest_arrival;
  if (committing_ != nullptr) oldest = std::min(oldest, committing_->oldest_arrival);
  if (oldest == INT64_MAX) return std::nullopt;
  return ArrivalTime{oldest};
}

uint64_t Follower::lag_locked() const {
  const uint64_t end = journal_.durable_end().value;
  const uint64_t system = tail_.system_records + (committing_ == nullptr ? 0 : committing_->system_records);
  return end > cursor_ + system ? end - cursor_ - system : 0;
}

LakeStatus Follower::status_locked() const {
  LakeStatus out;
  out.cursor.value = cursor_;
  out.followed.value = tail_.through;
  out.version = version_;
  for (const Tail* tail : {static_cast<const Tail*>(committing_.get()), &tail_}) {
    if (tail == nullptr) continue;
    out.tail_rows += tail->rows;
    out.tail_bytes += tail->bytes;
  }
  out.oldest_waiting = oldest_waiting_locked();
  out.lag_records = lag_locked();
  for (const auto& [name, table] : tables_) {
    if (table.reader) continue;
    out.files += table.files.size();
    for (const auto& file : table.files) out.bytes += file.bytes;
  }
  out.last_commit_at = last_commit_at_;
  out.error = error_;
  return out;
}

}  // namespace weir::lake
