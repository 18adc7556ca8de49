#include "storage/journal/local_journal.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/check.h"
#include "core/base/log.h"
#include "core/runtime/thread.h"
#include "storage/journal/batch.h"
#include "storage/journal/release_mark.h"
#include "storage/journal/segment_reader.h"

namespace weir::journal {

namespace {

// A segment that has to be made ready while somebody waits for the start is small; the next ones have their full size.
constexpr uint64_t kFirstSegmentBytes = 8u << 20;
constexpr uint64_t kSegmentBytesMin = 4 * kBlockBytes;
constexpr uint64_t kSegmentBytesMax = 2ull << 30;

uint64_t largest_batch(const Options& options) {
  // A header, the block kept for write_gap(), and the group's own header.
  const uint64_t fits = options.segment_bytes - 2 * kBlockBytes - kGroupHeaderBytes;
  return std::min(options.queued_bytes_max, fits);
}

Status check_options(const Options& options) {
  const auto wrong = [](const char* name, uint64_t value, uint64_t least, uint64_t most) {
    return Error(Code::invalid, std::string(name) + " is " + std::to_string(value) + ", allowed are " +
                                    std::to_string(least) + " to " + std::to_string(most));
  };
  if (options.segment_bytes < kSegmentBytesMin || options.segment_bytes > kSegmentBytesMax) {
    return wrong("segment_bytes", options.segment_bytes, kSegmentBytesMin, kSegmentBytesMax);
  }
  if (options.segment_bytes % kBlockBytes != 0) {
    return Error(Code::invalid, "segment_bytes is " + std::to_string(options.segment_bytes) +
                                    ", it must be a multiple of " + std::to_string(kBlockBytes));
  }
  if (options.queued_bytes_max < kBlockBytes || options.queued_bytes_max > kSegmentBytesMax) {
    return wrong("queued_bytes_max", options.queued_bytes_max, kBlockBytes, kSegmentBytesMax);
  }
  if (options.group_bytes_max < kBlockBytes || options.group_bytes_max > kSegmentBytesMax) {
    return wrong("group_bytes_max", options.group_bytes_max, kBlockBytes, kSegmentBytesMax);
  }
  if (options.gather_max.micros < 0 || options.gather_max > seconds(1)) {
    return Error(Code::invalid, "gather_max is " + format_duration(options.gather_max) + ", allowed are 0us to 1s");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(Files& files, Clock& clock, Metrics& metrics, Options options) {
  TRY(check_options(options));
  auto journal = std::make_unique<LocalJournal>(files, clock, metrics, std::move(options));
  TRY(journal->start());
  return std::unique_ptr<Journal>(std::move(journal));
}

LocalJournal::Numbers LocalJournal::numbers(Metrics& metrics) {
  const auto refused = [&](const char* why) -> Counter& {
    return metrics.counter("weir_journal_refused_total", "Appends that were not accepted.", {{"reason", why}});
  };
  return {
      metrics.counter("weir_journal_groups_total", "Groups that were written and synced."),
      metrics.counter("weir_journal_records_total", "Records that became durable."),
      metrics.counter("weir_journal_written_bytes_total", "Bytes written to segments, padding included."),
      metrics.counter("weir_journal_sync_failures_total", "Groups whose write or sync failed; each ends a segment."),
      refused("busy"),
      refused("no_space"),
      refused("unavailable"),
      metrics.counter("weir_journal_damages_total", "Damaged places that a start or a reader met."),
      metrics.histogram("weir_journal_sync_seconds", "Time to write and sync one group."),
      metrics.histogram("weir_journal_group_records", "Records in one group.", {}, doubling_bounds(1, 65'536)),
      metrics.gauge("weir_journal_full", "1 while the disk is too full to make the next segment ready.")};
}

LocalJournal::LocalJournal(Files& files, Clock& clock, Metrics& metrics, Options options)
    : files_(files),
      clock_(clock),
      metrics_(metrics),
      options_(std::move(options)),
      batch_bytes_max_(largest_batch(options_)),
      numbers_(numbers(metrics)),
      spare_(files, clock, options_.folder, [this](const std::optional<Error>& failure) { spare_changed(failure); }),
      writer_({files, clock, options_.folder, options_.segment_bytes}, table_, spare_) {}

LocalJournal::~LocalJournal() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  work_.notify_all();
  seal_done_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  } else if (!options_.own_thread) {
    while (step()) {
    }
  }
}

Status LocalJournal::start() {
  TRY_ASSIGN(Recovered recovered, recover(files_, options_.folder, options_.segment_bytes));
  for (const Segment& segment : recovered.segments) table_.add(segment, SegmentTable::Trust::found);
  recovery_ = recovered.report;
  numbers_.damaged.add(recovery_.damage.size());
  next_sequence_ = recovery_.next.value;
  log_recovery();

  if (recovered.spare_bytes) {
    const std::string path = join_path(options_.folder, segment_name(recovered.next_number));
    TRY_ASSIGN(auto file, files_.open(path, OpenMode::read_write));
    spare_.offer({recovered.next_number, *recovered.spare_bytes, std::move(file)});
  } else {
    const uint64_t needed = 2 * kBlockBytes + group_bytes_on_disk(recovered.last_group.payload.size());
    const uint64_t small = std::min(options_.segment_bytes, std::max(kFirstSegmentBytes, round_up_to_block(needed)));
    spare_.want(recovered.next_number, std::max(small, round_up_to_block(needed)));
  }
  writer_.continue_from(recovered);
  const Status opened = writer_.open_next({next_sequence_});
  // With a full disk there is still everything to read, and it may have room later.
  if (!opened && opened.error().code != Code::no_space) return opened;
  {
    const std::lock_guard lock(mutex_);
    room_ = writer_.room();
    if (!opened) refusal_ = opened.error();
  }
  if (!opened) open_again_at_ = clock_.steady_micros() + SpareSegment::kRetry.micros;
  gauges_.push_back(metrics_.callback_gauge("weir_journal_queued_bytes", "Bytes accepted and not yet durable.",
                                            [this] { return static_cast<double>(stats().queued_bytes); }));
  gauges_.push_back(metrics_.callback_gauge("weir_journal_segments", "Segments kept.",
                                            [this] { return static_cast<double>(table_.totals().segments); }));
  gauges_.push_back(metrics_.callback_gauge("weir_journal_disk_bytes", "Bytes of the segments kept.",
                                            [this] { return static_cast<double>(table_.totals().bytes); }));
  if (!options_.own_thread) {
    spare_.poll();
    return {};
  }
  spare_.start_thread();
  thread_ = start_thread("journal", [this] { run(); });
  return {};
}

void LocalJournal::log_recovery() const {
  for (const Damage& damage : recovery_.damage) {
    log_event(damage.cut ? Level::warn : Level::error, damage.cut ? "journal.tail_cut" : "journal.corrupt",
              {{"segment", damage.segment}, {"from", damage.from}, {"to", damage.to}, {"what", damage.what}});
  }
}

// --- any thread --------------------------------------------------------------------------------------------------

Status LocalJournal::check_batch(const Batch& batch) const {
  CHECK(!BatchAccess::is_open(batch), "every record of a batch is closed before it is appended");
  if (BatchAccess::largest(batch) > options_.record_bytes_max) {
    return Error(Code::too_large, "a record has " + std::to_string(BatchAccess::largest(batch)) + " bytes, at most " +
                                      std::to_string(options_.record_bytes_max) + " are allowed");
  }
  if (batch.bytes() + sizeof(Waiting) > batch_bytes_max_) {
    return Error(Code::too_large,
                 "a batch has " + std::to_string(batch.bytes()) + " bytes, at most " +
                     std::to_string(batch_bytes_max_ - sizeof(Waiting)) + " fit into the journal at once",
                 "append it in parts, or raise queued_bytes_max and segment_bytes");
  }
  return {};
}

// Called with mutex_ held.
Status LocalJournal::admit(const Waiting& waiting) const {
  if (is_stopping_) return Error(Code::unavailable, "the journal is stopping");
  if (refusal_) return *refusal_;
  if (queued_bytes_ + waiting.memory_bytes > options_.queued_bytes_max) {
    return Error(Code::busy,
                 "the journal has " + std::to_string(queued_bytes_) + " bytes waiting for the disk, at most " +
                     std::to_string(options_.queued_bytes_max) + " are allowed",
                 "try again later");
  }
  // What fits into the open segment can be promised: its blocks are on disk already.
  if (spare_failure_ && waiting.disk_bytes > 0 && queued_disk_bytes_ + waiting.disk_bytes > room_) {
    if (spare_failure_->code == Code::no_space) return *spare_failure_;
    return Error(Code::unavailable, "the journal cannot make its next segment ready: " + spare_failure_->message,
                 "it tries again every second");
  }
  return {};
}

Result<Sequence> LocalJournal::append(Batch batch, Completion done) {
  TRY(check_batch(batch));
  Waiting waiting;
  waiting.memory_bytes = batch.bytes() + sizeof(Waiting);
  waiting.disk_bytes = batch.empty() ? 0 : group_bytes_on_disk(batch.bytes());
  waiting.batch = std::move(batch);
  waiting.done = std::move(done);
  Sequence first;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const Status admitted = admit(waiting);
    if (!admitted) {
      const Code code = admitted.error().code;
      (code == Code::busy       ? numbers_.refused_busy
       : code == Code::no_space ? numbers_.refused_full
                                : numbers_.refused_unavailable)
          .add();
      return admitted.error();
    }
    first = {next_sequence_};
    waiting.first = first;
    next_sequence_ += waiting.batch.count();
    queued_bytes_ += waiting.memory_bytes;
    queued_disk_bytes_ += waiting.disk_bytes;
    incoming_.push_back(std::move(waiting));
    if (wake_at_ != 0 && (incoming_.size() >= wake_at_ || queued_bytes_ >= options_.group_bytes_max)) {
      wake = true;
      wake_at_ = 0;  // once is enough
    }
  }
  if (wake) work_.notify_one();
  return first;
}

bool LocalJournal::wait_past(Sequence after, Duration limit) {
  // Without a thread nothing can move while the only caller waits.
  if (!options_.own_thread) return table_.durable_end() > after;
  return table_.wait_past(after, limit);
}

Result<std::unique_ptr<Reader>> LocalJournal::read_from(Sequence from) {
  return std::unique_ptr<Reader>(
      std::make_unique<SegmentReader>(files_, options_.folder, table_, numbers_.damaged, from));
}

Status LocalJournal::release(Sequence below) {
  const std::lock_guard lock(release_mutex_);
  const auto first = table_.oldest_after_release(below);
  if (!first) return {};
  // On disk before the first file goes: what is gone without it is missing.
  if (table_.oldest_after_release({0})->number < first->number) {
    TRY(write_mark(files_, options_.folder, {first->number, first->first.value}));
    for (const Segment& segment : table_.remove_below(below)) {
      if (!segment.missing) unremoved_.push_back(segment.name);
    }
  }
  while (!unremoved_.empty()) {
    const Status removed = files_.remove(join_path(options_.folder, unremoved_.back()));
    if (!removed && removed.error().code != Code::not_found) return removed.error();
    unremoved_.pop_back();
  }
  return {};
}

Status LocalJournal::seal() {
  std::unique_lock lock(mutex_);
  if (is_stopping_) return Error(Code::unavailable, "the journal is stopping");
  const uint64_t mine = ++seals_asked_;
  if (!options_.own_thread) {
    lock.unlock();
    seal_if_asked();
    return sealed_;
  }
  wake_at_ = 0;
  work_.notify_one();
  seal_done_.wait(lock, [&] { return seals_done_ >= mine || is_stopping_; });
  if (seals_done_ < mine) return Error(Code::unavailable, "the journal is stopping");
  return sealed_;
}

Stats LocalJournal::stats() const {
  Stats stats;
  const SegmentTable::Totals totals = table_.totals();
  stats.segments = totals.segments;
  stats.bytes_on_disk = totals.bytes;
  stats.first = totals.first;
  stats.durable_end = table_.durable_end();
  stats.groups = numbers_.groups.value();
  stats.records = numbers_.records.value();
  stats.syncs_failed = numbers_.syncs_failed.value();
  const std::lock_guard lock(mutex_);
  stats.queued_bytes = queued_bytes_;
  stats.full = spare_failure_ && spare_failure_->code == Code::no_space;
  return stats;
}

Result<std::string> LocalJournal::segment_of(Sequence sequence) const {
  const auto segment = table_.holding(sequence);
  if (!segment || segment->first > sequence) {
    return Error(Code::not_found, "no segment holds record " + std::to_string(sequence.value) + ": kept are " +
                                      std::to_string(table_.totals().first.value) + " to before " +
                                      std::to_string(table_.durable_end().value));
  }
  return segment->name;
}

void LocalJournal::spare_changed(const std::optional<Error>& failure) {
  bool was_full = false;
  bool is_full = false;
  {
    const std::lock_guard lock(mutex_);
    was_full = spare_failure_ && spare_failure_->code == Code::no_space;
    spare_failure_ = failure;
    is_full = failure && failure->code == Code::no_space;
  }
  numbers_.full.set(is_full ? 1 : 0);
  if (is_full && !was_full) log_event(Level::error, "journal.disk_full", {{"reason", failure->message}});
  if (was_full && !failure) log_event(Level::info, "journal.disk_has_room_again", {});
}

}  // namespace weir::journal
