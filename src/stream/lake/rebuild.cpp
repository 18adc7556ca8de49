// Rebuild: the Parquet of a stream made anew from its raw archive, by the declaration as it is now, with the same ids
// and sequences. What follows the archive, the journal and the rows in memory, is the follower's and is left to it.
//
// The archive is read once, in the order of its sequences, and its rows are written in pieces as memory fills, so
// memory does not grow with the stream; the pieces of a partition are then merged. A partition whose rows read the same
// as before, from files that are whole and have today's columns, is left as it is: so doing it again changes nothing.
// All others are swapped in one commit, which touches the days whose rows differ.
#include <algorithm>

#include "core/base/log.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "stream/capture/mark.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr uint64_t kRowOverhead = 64;
constexpr uint64_t kArchiveBytesMax = 4ull << 30;
constexpr size_t kProblemsMax = 100;

// A snapshot of one table, made for one question.
class OneTable final : public engine::Snapshot {
 public:
  explicit OneTable(engine::TableVersion version) : version_(std::move(version)) {}
  const engine::TableVersion* find(std::string_view table) const override {
    return table == version_.name ? &version_ : nullptr;
  }
  std::vector<std::string> names() const override { return {version_.name}; }

 private:
  const engine::TableVersion version_;
};

// Of each day: how many rows, and two sums over their content that do not depend on their order.
using Digest = std::map<int32_t, std::string>;

}  // namespace

class Rebuilder {
 public:
  Rebuilder(Follower& lake, Cancel cancel, const OnProgress& progress)
      : lake_(lake), cancel_(std::move(cancel)), progress_(progress) {}

  Result<Rebuilt> run(std::string_view stream) {
    TRY(open(stream));
    Follower::Swap change;
    change.keep = lake_.options_.replaced_keep;
    for (auto& table : tables_) {
      TRY(read_archive(table));
      TRY(merge_pieces(table));
      TRY(compare(table, change));
    }
    TRY(cancel_.check());
    if (!change.added.empty() || !change.replaced.empty()) {
      TRY(lake_.swap(std::move(change)));
    }
    return std::move(out_);
  }

 private:
  struct Partition {
    std::optional<PartitionTail> waiting;
    uint64_t bytes = 0;  // that wait
    std::vector<Follower::Output> pieces;
  };
  struct Target {
    Table table;  // as it was at the start
    std::unique_ptr<capture::RowWriter> writer;
    capture::RecordKind kind = capture::RecordKind::accepted;
    std::string time;  // the column that decides an event's day
    std::optional<int32_t> retained_from;
    std::vector<control::LakeFile> archive, parquet;
    std::map<std::vector<int64_t>, Partition> partitions;
  };

  // What the catalog lists at this moment: everything below one cursor. What is committed later stays beside it.
  Status open(std::string_view stream) {
    std::lock_guard no_commit(lake_.commit_mutex_);
    TRY_ASSIGN(const auto files, lake_.control_.lake_files());
    TRY_ASSIGN(const auto marks, lake_.control_.lake_retained());
    std::lock_guard lock(lake_.mutex_);
    const auto lane = std::find_if(lake_.lanes_.begin(), lake_.lanes_.end(),
                                   [&](const auto& one) { return one.second.table == stream; });
    if (lane == lake_.lanes_.end()) {
      return Error(Code::not_found, "no stream '" + std::string(stream) + "'",
                   "a derived table is computed again by `weir run TABLE --force`");
    }
    const Follower::Lane& found = lane->second;
    std::vector<capture::RecordKind> kinds = {capture::RecordKind::accepted};
    if (!found.system) kinds.insert(kinds.end(), {capture::RecordKind::quarantined, capture::RecordKind::mark});
    for (const auto kind : kinds) {
      Target target;
      target.kind = kind;
      const bool accepted = kind == capture::RecordKind::accepted,
                 quarantined = kind == capture::RecordKind::quarantined;
      target.table =
          lake_.tables_.find(accepted      ? found.table
                             : quarantined ? found.quarantine_table
                                           : found.intake_table)
              ->second;
      target.writer = quarantined ? capture::RowWriter::quarantined()
                                  : capture::RowWriter::accepted(accepted ? found.stream : capture::mark_stream());
      target.time = accepted && !found.stream->time_field.empty() ? found.stream->time_field : "_arrived_at";
      for (const auto& mark : marks) {
        if (mark.table == target.table.name) target.retained_from = mark.from_day;
      }
      for (const auto& file : files) {
        if (file.table != target.table.name) continue;
        (file.kind == control::FileKind::archive ? target.archive : target.parquet).push_back(file);
        if (file.kind == control::FileKind::archive) told_.total_bytes += file.bytes;
      }
      std::sort(target.archive.begin(), target.archive.end(),
                [](const auto& a, const auto& b) { return a.first_sequence < b.first_sequence; });
      tables_.push_back(std::move(target));
    }
    return {};
  }

  // --- reading
  // ---------------------------------------------------------------------------------------------------------

  Status read_archive(Target& target) {
    for (const auto& file : target.archive) {
      told_.what = target.table.name + " " + file.partition;
      if (progress_) progress_(told_);
      TRY(cancel_.check());
      TRY(check_whole(lake_.files_, lake_.path_of(file.path), file, {}, cancel_));
      TRY_ASSIGN(const std::string packed, read_file(lake_.files_, lake_.path_of(file.path), kArchiveBytesMax));
      TRY(read_lines(packed, [&](std::string_view text) { return take_line(target, file, text); }));
      told_.done_bytes += file.bytes;
      ++out_.archive_files;
    }
    return flush_all(target);
  }

  Status take_line(Target& target, const control::LakeFile& file, std::string_view text) {
    TRY_ASSIGN(const ArchiveLine line, read_archive_line(text));
    if (line.forgotten_at) {
      ++out_.forgotten;
      return {};
    }
    capture::Record record;
    record.arrived_at.micros = line.arrived_at;
    record.id = line.id;
    record.payload = line.event;
    Json members;
    std::string payload;
    record.kind = target.kind;
    if (target.kind == capture::RecordKind::quarantined) {
      TRY_ASSIGN(members, Json::parse(line.event));
      const Json* packed = members.find("payload_base64");
      if (packed != nullptr) {
        TRY_ASSIGN(payload, base64_decode(packed->as_string()));
      } else {
        payload = members["payload"].as_string();
      }
      record.payload = payload;
      record.reason = members["reason"].as_string();
      record.field = members["field"].as_string();
      record.message = members["message"].as_string();
    }
    ++out_.records;
    const auto told = [&](const Error& error) {
      if (out_.problems.size() < kProblemsMax) {
        out_.problems.push_back(file.path + ", sequence " + std::to_string(line.sequence) + ": " + error.text());
      }
    };
    const bool is_timed = target.kind == capture::RecordKind::accepted;
    const auto time = is_timed ? target.writer->event_time(record) : Result<EventTime>(EventTime{line.arrived_at});
    if (!time) {
      told(time.error());
      return {};
    }
    record.event_time = *time;
    const int32_t day = day_number(time->micros);
    if (target.retained_from && day < *target.retained_from) {
      ++out_.past;
      return {};
    }
    const std::vector<int64_t> values = values_of(target, *time);
    Partition& partition = target.partitions[values];
    if (!partition.waiting)
      partition.waiting.emplace(all_columns(target.table.columns, target.table.partition_columns));
    engine::RowBlock& block = partition.waiting->open();
    const auto added = is_timed ? target.writer->append_timed(record, line.sequence, block)
                                : target.writer->append(record, line.sequence, block);
    if (!added) {
      told(added.error());
      return {};
    }
    partition.waiting->added(line.sequence, *lake_.engine_);
    const uint64_t bytes = record.payload.size() + kRowOverhead;
    partition.bytes += bytes;
    waiting_bytes_ += bytes;
    while (waiting_bytes_ > lake_.options_.rebuild_memory) {
      const auto largest = std::max_element(target.partitions.begin(), target.partitions.end(),
                                            [](auto& a, auto& b) { return a.second.bytes < b.second.bytes; });
      TRY(flush(target, largest->first, largest->second));
    }
    return {};
  }

  static std::vector<int64_t> values_of(const Target& target, EventTime time) {
    if (target.table.partition_columns.size() == 1) return {day_number(time.micros)};
    const CivilTime civil = civil_from_micros(time.micros);
    return {civil.year, civil.month};
  }

  // --- writing
  // ---------------------------------------------------------------------------------------------------------

  std::string next_staging() {
    return std::string(kRewriteStaging) + "/rebuilt-" + std::to_string(staged_++) + ".parquet";
  }

  Status flush(Target& target, const std::vector<int64_t>& values, Partition& partition) {
    waiting_bytes_ -= partition.bytes;
    partition.bytes = 0;
    if (!partition.waiting || partition.waiting->rows() == 0) return {};
    TRY(cancel_.check());
    Follower::Output out;
    out.file.table = target.table.name;
    out.file.partition = capture::partition_folder(target.table.partition_columns, values);
    out.file.first_sequence = partition.waiting->sequences().first;
    out.file.last_sequence = partition.waiting->sequences().last;
    out.file.layout = layout_of(target.table.columns);
    out.staging = next_staging();
    std::vector<std::shared_ptr<const engine::SealedChunk>> chunks;
    partition.waiting->collect(*lake_.engine_, chunks);
    TRY_ASSIGN(const auto written, lake_.write_parquet_(chunks, target.table.columns, lake_.path_of(out.staging)));
    out.file.rows = written.rows;
    out.file.bytes = written.bytes;
    out.file.bounds = bounds_to_json(target.table.columns, written);
    if (written.rows != partition.waiting->rows()) {
      return Error(Code::internal, "the engine wrote " + std::to_string(written.rows) + " of " +
                                       std::to_string(partition.waiting->rows()) + " rows; nothing was committed");
    }
    partition.waiting.reset();
    partition.pieces.push_back(std::move(out));
    return {};
  }

  Status flush_all(Target& target) {
    for (auto& [values, partition] : target.partitions) {
      TRY(flush(target, values, partition));
    }
    return {};
  }

  // Pieces become files of about lake.compact_bytes.
  Status merge_pieces(Target& target) {
    for (auto& [values, partition] : target.partitions) {
      std::vector<Follower::Output> merged;
      for (size_t from = 0; from < partition.pieces.size();) {
        size_t until = from;
        uint64_t bytes = 0;
        while (until < partition.pieces.size() &&
               (until == from || bytes + partition.pieces[until].file.bytes <= lake_.options_.compact_bytes)) {
          bytes += partition.pieces[until++].file.bytes;
        }
        TRY_ASSIGN(auto out, merge_range(partition.pieces, from, until));
        TRY(lake_.measure_output(out));
        merged.push_back(std::move(out));
        from = until;
      }
      partition.pieces = std::move(merged);
    }
    return {};
  }

  Result<Follower::Output> merge_range(const std::vector<Follower::Output>& pieces, size_t from, size_t until) {
    Follower::Output out = pieces[from];
    if (until == from + 1) return out;
    out.staging = next_staging();
    out.file.rows = 0;
    std::vector<std::string> paths;
    std::vector<control::LakeFile> files;
    for (size_t i = from; i < until; ++i) {
      paths.push_back(lake_.path_of(pieces[i].staging));
      files.push_back(pieces[i].file);
      out.file.rows += pieces[i].file.rows;
      out.file.first_sequence = std::min(out.file.first_sequence, pieces[i].file.first_sequence);
      out.file.last_sequence = std::max(out.file.last_sequence, pieces[i].file.last_sequence);
    }
    out.file.bounds = merged_bounds(files);
    TRY_ASSIGN(const auto written, lake_.merge_parquet_(paths, lake_.path_of(out.staging), cancel_));
    if (written.rows != out.file.rows) return Error(Code::internal, "the engine lost rows of a rebuild");
    for (const auto& path : paths) {
      TRY(lake_.files_.remove(path));
    }
    return out;
  }

  // --- comparing
  // -------------------------------------------------------------------------------------------------------

  Status compare(Target& target, Follower::Swap& change) {
    std::map<std::string, std::vector<control::LakeFile>> old;
    for (const auto& file : target.parquet) {
      TRY_ASSIGN(const auto values, parse_partition(file.partition));
      if (target.retained_from && partition_end(values) <= *target.retained_from) continue;
      old[file.partition].push_back(file);
    }
    std::map<std::string, std::vector<Follower::Output>> fresh;
    for (auto& [values, partition] : target.partitions) {
      if (partition.pieces.empty()) continue;
      fresh[partition.pieces.front().file.partition] = std::move(partition.pieces);
    }
    std::set<std::string> names;
    for (const auto& [name, files] : old) names.insert(name);
    for (const auto& [name, files] : fresh) names.insert(name);
    std::set<int32_t> touched;
    for (const auto& name : names) {
      ++out_.partitions;
      TRY(compare_partition(target, name, old[name], fresh[name], change, touched));
    }
    for (const int32_t day : touched) change.touched.push_back({target.table.name, day, 0});
    return {};
  }

  Status compare_partition(const Target& target, const std::string& name, const std::vector<control::LakeFile>& old,
                           std::vector<Follower::Output>& fresh, Follower::Swap& change, std::set<int32_t>& touched) {
    std::vector<engine::TableFile> now;
    for (const auto& out : fresh) {
      out_.rows += out.file.rows;
      control::LakeFile staged = out.file;
      staged.path = out.staging;
      TRY_ASSIGN(auto file, table_file(staged, target.table.columns));
      now.push_back(std::move(file));
    }
    TRY_ASSIGN(const auto values, parse_partition(name));
    TRY_ASSIGN(const Digest after, digest(target, values, std::move(now)));
    bool is_whole = true, is_of_today = true;
    std::vector<engine::TableFile> before;
    for (const auto& file : old) {
      const auto whole = check_whole(lake_.files_, lake_.path_of(file.path), file, {}, cancel_);
      if (!whole && whole.error().code != Code::corrupt) return whole.error();
      if (!whole) {
        ++out_.damaged_files;
        is_whole = false;
      }
      is_of_today = is_of_today && file.layout == layout_of(target.table.columns);
      TRY_ASSIGN(auto entry, table_file(file, target.table.columns));
      before.push_back(std::move(entry));
    }
    // What cannot be read could have been anything.
    Digest was;
    if (is_whole) {
      TRY_ASSIGN(was, digest(target, values, std::move(before)));
    } else {
      for (const auto& [day, sum] : after) was[day] = "";
    }
    if (is_whole && is_of_today && was == after) {
      for (const auto& out : fresh) {
        TRY(lake_.files_.remove(lake_.path_of(out.staging)));
      }
      return {};
    }
    for (const auto& [day, sum] : after) {
      const auto known = was.find(day);
      if (known == was.end() || known->second != sum) touched.insert(day);
    }
    for (const auto& [day, sum] : was) {
      if (!after.contains(day)) touched.insert(day);
    }
    ++out_.partitions_changed;
    out_.files_before += old.size();
    out_.files_after += fresh.size();
    for (const auto& file : old) change.replaced.push_back(file.path);
    for (auto& out : fresh) change.added.push_back(std::move(out));
    return {};
  }

  Result<Digest> digest(const Target& target, const std::vector<int64_t>& partition,
                        std::vector<engine::TableFile> files) {
    if (files.empty()) return Digest();
    engine::TableVersion version;
    version.name = target.table.name;
    version.columns = target.table.columns;
    version.files = std::move(files);
    for (auto& file : version.files) file.partition.clear();
    std::optional<int32_t> day;
    if (partition.size() == 1) day = static_cast<int32_t>(partition[0]);
    return lake_.digest_rows_(version, day, target.time, cancel_);
  }

  Follower& lake_;
  const Cancel cancel_;
  const OnProgress& progress_;
  Progress told_;
  std::vector<Target> tables_;
  uint64_t waiting_bytes_ = 0;
  uint64_t staged_ = 0;
  Rebuilt out_;
};

RowDigest engine_digest(engine::Engine& engine) {
  return [&engine](const engine::TableVersion& version, std::optional<int32_t> of_all, const std::string& time,
                   const Cancel& cancel) -> Result<Digest> {
    TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
    session->read_from(std::make_shared<OneTable>(version));
    const auto stop = cancel.attach([&session] { session->cancel(); });
    std::string row;
    for (const auto& column : version.columns) row += (row.empty() ? "" : ", ") + quoted_name(column.name);
    const std::string day = of_all ? "CAST(" + std::to_string(*of_all) + " AS BIGINT)"
                                   : "CAST(epoch_us(date_trunc('day', coalesce(" + quoted_name(time) +
                                         ", _arrived_at))) // 86400000000 AS BIGINT)";
    TRY_ASSIGN(const auto rows,
               session->query("SELECT " + day + ", count(*) || ' ' || bit_xor(hash(" + row + ")) || ' ' || sum(hash(" +
                                  row + ")) FROM " + quoted_name(version.name) + " GROUP BY 1",
                              {}, {}));
    Digest out;
    while (true) {
      TRY_ASSIGN(const auto batch, rows->next());
      if (batch.empty()) return out;
      for (const auto& cells : batch) {
        out[static_cast<int32_t>(std::get<int64_t>(cells[0]))] = std::get<std::string>(cells[1]);
      }
    }
  };
}

Json Rebuilt::to_json(std::string_view stream) const {
  Json told{Json::Array{}};
  for (const std::string& problem : problems) told.push(problem);
  return Json::Object{{"stream", std::string(stream)},
                      {"archive_files", archive_files},
                      {"records", records},
                      {"rows", rows},
                      {"past", past},
                      {"forgotten", forgotten},
                      {"partitions", partitions},
                      {"partitions_changed", partitions_changed},
                      {"damaged_files", damaged_files},
                      {"files_before", files_before},
                      {"files_after", files_after},
                      {"problems", std::move(told)}};
}

Result<Rebuilt> Follower::rebuild(std::string_view stream, const Cancel& cancel, const OnProgress& progress) {
  std::lock_guard one_at_a_time(maintenance_mutex_);
  auto done = Rebuilder(*this, begin_maintenance(cancel), progress).run(stream);
  TRY(clear_staging(kRewriteStaging));
  return done;
}

}  // namespace weir::lake
