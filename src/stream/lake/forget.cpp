// Forgetting: what a person's field names becomes tombstones in the archive, and is gone from Parquet.
//
// The archive is read once, in the order of its sequences. What is found is handed out before anything is changed, so
// that journal and index can let go of it first: they are told by sequences, which only the archive can tell. Then each
// file that holds any of it is written anew beside the old one, and all are swapped in one commit. So a crash before
// that commit leaves everything to be found again, and one after it leaves nothing to be found.
#include <algorithm>
#include <thread>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/io/crash_point.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr uint64_t kArchiveBytesMax = 4ull << 30;
constexpr size_t kMemberBytes = 256u << 10;
constexpr Duration kBusyAtMost = minutes(1);  // so long a commit that has failed is waited for
constexpr auto kBusyPause = std::chrono::milliseconds(200);

bool holds_any(const std::vector<uint64_t>& sequences, const control::LakeFile& file) {
  const auto first = std::lower_bound(sequences.begin(), sequences.end(), file.first_sequence);
  return first != sequences.end() && *first <= file.last_sequence;
}

}  // namespace

class Forgetter {
 public:
  Forgetter(Follower& lake, Cancel cancel, const ForgetRequest& request, const OnProgress& progress)
      : lake_(lake), cancel_(std::move(cancel)), request_(request), progress_(progress) {}

  Result<Forgotten> run(const Lake::OnFound& found) {
    TRY(open());
    for (auto& target : targets_) {
      TRY(find(target));
    }
    std::sort(out_.sequences.begin(), out_.sequences.end());
    if (request_.only_counts || out_.sequences.empty()) return std::move(out_);
    crash_point("forget.found");
    Follower::Swap change;
    for (const auto& target : targets_) {
      TRY(rewrite(target, change));
      change.expired.push_back(target.table.name);
    }
    out_.touched = change.touched;
    crash_point("forget.rewritten");
    TRY_ASSIGN(change.forget, found(out_));
    TRY(cancel_.check());
    TRY(swap(std::move(change)));
    crash_point("forget.swapped");
    return std::move(out_);
  }

 private:
  enum class Kind { events, quarantine, notes };
  struct Target {
    Kind kind = Kind::events;
    Table table;  // as it was at the start
    std::unique_ptr<capture::RowWriter> writer;
    std::vector<control::LakeFile> archive, parquet;
    std::set<std::string> holding;                              // archive files
    std::map<std::string, std::vector<uint64_t>> by_partition;  // of Parquet
    std::set<int32_t> days;
  };

  Status open() {
    std::lock_guard no_commit(lake_.commit_mutex_);
    TRY_ASSIGN(const auto files, lake_.control_.lake_files());
    std::lock_guard lock(lake_.mutex_);
    const auto lane = std::find_if(lake_.lanes_.begin(), lake_.lanes_.end(), [&](const auto& one) {
      return one.second.table == request_.stream && !one.second.system;
    });
    if (lane == lake_.lanes_.end()) return Error(Code::not_found, "no stream " + shown(request_.stream));
    const Follower::Lane& found = lane->second;
    for (const Kind kind : {Kind::events, Kind::quarantine, Kind::notes}) {
      Target target;
      target.kind = kind;
      target.table = lake_.tables_
                         .find(kind == Kind::events       ? found.table
                               : kind == Kind::quarantine ? found.quarantine_table
                                                          : found.intake_table)
                         ->second;
      if (kind == Kind::events) target.writer = capture::RowWriter::accepted(found.stream);
      for (const auto& file : files) {
        if (file.table != target.table.name || file.first_sequence >= request_.through) continue;
        (file.kind == control::FileKind::archive ? target.archive : target.parquet).push_back(file);
        if (file.kind == control::FileKind::archive) told_.total_bytes += file.bytes;
      }
      targets_.push_back(std::move(target));
    }
    return {};
  }

  // --- finding -------------------------------------------------------------------------------------------------------

  Status find(Target& target) {
    for (const auto& file : target.archive) {
      told_.what = target.table.name + " " + file.partition;
      if (progress_) progress_(told_);
      TRY(read(file, [&](std::string_view text) -> Status {
        TRY_ASSIGN(const ArchiveLine line, read_archive_line(text));
        if (line.forgotten_at || line.sequence >= request_.through) return {};
        TRY_ASSIGN(const bool wanted, is_wanted(target, line));
        if (!wanted) return {};
        target.holding.insert(file.path);
        return note(target, line);
      }));
      told_.done_bytes += file.bytes;
    }
    for (auto& [partition, sequences] : target.by_partition) std::sort(sequences.begin(), sequences.end());
    return {};
  }

  Result<bool> is_wanted(const Target& target, const ArchiveLine& line) {
    capture::Subject& subject = *request_.subject;
    if (target.kind == Kind::events) return subject.names(line.event);
    TRY_ASSIGN(const Json members, Json::parse(line.event));
    if (target.kind == Kind::notes) {
      // Of an entry that is forgotten: it may say under which key the event came.
      const auto entry = members["entry"].as_uint();
      return (entry && entries_.contains(*entry)) || subject.is_in(line.event);
    }
    const Json* packed = members.find("payload_base64");
    std::string payload = members["payload"].as_string();
    if (packed != nullptr) {
      TRY_ASSIGN(payload, base64_decode(packed->as_string()));
    }
    const bool wanted = subject.is_in(payload) || subject.is_in(members["message"].as_string());
    if (wanted) entries_.insert(line.sequence);
    return wanted;
  }

  Status note(Target& target, const ArchiveLine& line) {
    EventTime time{line.arrived_at};
    if (target.kind == Kind::events) {
      capture::Record record;
      record.arrived_at.micros = line.arrived_at;
      record.payload = line.event;
      TRY_ASSIGN(time, target.writer->event_time(record));
    }
    std::vector<int64_t> values = {day_number(time.micros)};
    if (target.table.partition_columns.size() == 2) {
      const CivilTime civil = civil_from_micros(time.micros);
      values = {civil.year, civil.month};
    }
    target.by_partition[capture::partition_folder(target.table.partition_columns, values)].push_back(line.sequence);
    target.days.insert(day_number(time.micros));
    out_.sequences.push_back(line.sequence);
    ++(target.kind == Kind::events ? out_.events : target.kind == Kind::quarantine ? out_.quarantined : out_.notes);
    return {};
  }

  Status read(const control::LakeFile& file, const std::function<Status(std::string_view)>& take) {
    TRY(cancel_.check());
    TRY(check_whole(lake_.files_, lake_.path_of(file.path), file, {}, cancel_));
    TRY_ASSIGN(const std::string packed, read_file(lake_.files_, lake_.path_of(file.path), kArchiveBytesMax));
    return read_lines(packed, take);
  }

  // --- writing anew --------------------------------------------------------------------------------------------------

  Status rewrite(const Target& target, Follower::Swap& change) {
    for (const auto& file : target.archive) {
      if (!target.holding.contains(file.path)) continue;
      TRY(rewrite_archive(file, change));
    }
    for (const auto& file : target.parquet) {
      const auto sequences = target.by_partition.find(file.partition);
      if (sequences == target.by_partition.end() || !holds_any(sequences->second, file)) continue;
      TRY(rewrite_parquet(target, file, sequences->second, change));
    }
    for (const int32_t day : target.days) change.touched.push_back({target.table.name, day, 0});
    return {};
  }

  Follower::Output beside(const control::LakeFile& file, const char* ending) {
    Follower::Output out;
    out.file = file;
    out.staging = std::string(kRewriteStaging) + "/forgotten-" + std::to_string(staged_++) + ending;
    return out;
  }

  static void count(Forgotten::Place& place, const control::LakeFile& before, uint64_t bytes, uint64_t records) {
    ++place.files;
    place.records += records;
    place.bytes_before += before.bytes;
    place.bytes_after += bytes;
  }

  Status rewrite_archive(const control::LakeFile& file, Follower::Swap& change) {
    Follower::Output out = beside(file, ".json.gz");
    TRY_ASSIGN(auto into, lake_.files_.open(lake_.path_of(out.staging), OpenMode::create));
    TRY(into->truncate(0));
    GzipCompressor compressor(lake_.options_.gzip_level);
    std::string lines;
    uint64_t at = 0, forgotten = 0;
    const auto flush = [&]() -> Status {
      if (lines.empty()) return {};
      TRY_ASSIGN(const std::string member, compressor.member(lines));
      TRY(into->write_at(at, member));
      at += member.size();
      lines.clear();
      return {};
    };
    TRY(read(file, [&](std::string_view text) -> Status {
      TRY_ASSIGN(const ArchiveLine line, read_archive_line(text));
      const bool goes =
          !line.forgotten_at && std::binary_search(out_.sequences.begin(), out_.sequences.end(), line.sequence);
      if (goes) {
        append_tombstone(line, request_.at.micros, request_.keeps_ids, lines);
        ++forgotten;
      } else {
        lines.append(text).append("\n");
      }
      return lines.size() < kMemberBytes ? Status() : flush();
    }));
    TRY(flush());
    into.reset();
    TRY(lake_.measure_output(out));
    out.file.rows -= forgotten;
    out.file.bounds.set(kTombstones, tombstones_of(file) + forgotten);
    count(out_.archive, file, out.file.bytes, forgotten);
    change.replaced.push_back(file.path);
    change.added.push_back(std::move(out));
    return {};
  }

  Status rewrite_parquet(const Target& target, const control::LakeFile& file, const std::vector<uint64_t>& sequences,
                         Follower::Swap& change) {
    TRY(check_whole(lake_.files_, lake_.path_of(file.path), file, {}, cancel_));
    Follower::Output out = beside(file, ".parquet");
    engine::FilterParquet order;
    order.from = lake_.path_of(file.path);
    order.to = lake_.path_of(out.staging);
    order.column = "_seq";
    const auto first = std::lower_bound(sequences.begin(), sequences.end(), file.first_sequence);
    order.without.assign(first, std::upper_bound(first, sequences.end(), file.last_sequence));
    for (const auto& [name, bounds] : file.bounds.object()) {
      if (bounds.is_array()) order.bounds_of.push_back(name);
    }
    TRY_ASSIGN(const auto left, lake_.engine_->filter_parquet(order, engine::ParquetOptions{}, cancel_));
    if (left.rows > file.rows || file.rows - left.rows > order.without.size()) {
      return Error(Code::internal, "the engine wrote " + std::to_string(left.rows) + " of " +
                                       std::to_string(file.rows) + " rows of " + target.table.name + " without " +
                                       std::to_string(order.without.size()) + "; nothing was committed");
    }
    if (left.rows == file.rows) return lake_.files_.remove(order.to);  // they are in a neighbour
    change.replaced.push_back(file.path);
    if (left.rows == 0) {
      count(out_.parquet, file, 0, file.rows);
      return lake_.files_.remove(order.to);
    }
    TRY(lake_.measure_output(out));
    out.file.rows = left.rows;
    for (const auto& name : order.bounds_of) {
      const auto bounds = left.bounds.find(name);
      out.file.bounds.set(name, bounds == left.bounds.end()
                                    ? Json()
                                    : Json(Json::Array{Json(bounds->second.first), Json(bounds->second.second)}));
    }
    count(out_.parquet, file, out.file.bytes, file.rows - left.rows);
    change.added.push_back(std::move(out));
    return {};
  }

  // A commit of the follower that has failed is tried again first.
  Status swap(Follower::Swap change) {
    const int64_t give_up_at = lake_.clock_.steady_micros() + kBusyAtMost.micros;
    while (true) {
      const Status swapped = lake_.swap(change);
      if (swapped || swapped.error().code != Code::busy || lake_.clock_.steady_micros() > give_up_at) return swapped;
      TRY(cancel_.check());
      std::this_thread::sleep_for(kBusyPause);
    }
  }

  Follower& lake_;
  const Cancel cancel_;
  const ForgetRequest& request_;
  const OnProgress& progress_;
  Progress told_;
  std::vector<Target> targets_;
  std::set<uint64_t> entries_;  // of the quarantine
  uint64_t staged_ = 0;
  Forgotten out_;
};

Result<Forgotten> Follower::forget(const ForgetRequest& request, const Cancel& cancel, const OnFound& found,
                                   const OnProgress& progress) {
  std::lock_guard one_at_a_time(maintenance_mutex_);
  auto done = Forgetter(*this, begin_maintenance(cancel), request, progress).run(found);
  TRY(clear_staging(kRewriteStaging));
  return done;
}

Result<std::vector<control::ReplacedFile>> Follower::replaced_of(std::string_view stream) {
  TRY_ASSIGN(auto replaced, control_.lake_replaced(std::nullopt));
  const std::vector<std::string> tables = capture::tables_of(stream);
  std::erase_if(replaced,
                [&](const auto& file) { return std::find(tables.begin(), tables.end(), file.table) == tables.end(); });
  return replaced;
}

}  // namespace weir::lake
