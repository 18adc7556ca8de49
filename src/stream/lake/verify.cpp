// `weir lake verify`: compares what the catalog lists, what the files hold, and what the journal still has. Parquet is
// read first, then the archive in the order of its sequences, and beside it the journal. Memory holds the sequences of
// all tables, at a bit to two bytes each, and of one archive file its checksums.
#include <algorithm>
#include <map>
#include <set>

#include "core/base/hash.h"
#include "core/io/compression.h"
#include "storage/engine/bare.h"
#include "stream/capture/record.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/sequence_set.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr uint64_t kFileBytesMax = 4ull << 30;
constexpr size_t kProblemsMax = 100;

}  // namespace

class Verifier {
 public:
  explicit Verifier(Follower& lake) : lake_(lake) {}

  Result<Verification> run() {
    std::vector<control::LakeFile> archive;
    TRY(open(archive));
    if (is_full()) return std::move(out_);
    // Neighbours whose sequences overlap are compared with the journal together.
    SequenceRange range;
    for (const auto& file : archive) {
      if (range.first != 0 && file.first_sequence > range.last) {
        TRY(compare_journal(range.last + 1));
        range = {};
      }
      range.include(file.first_sequence);
      range.include(file.last_sequence);
      TRY(read_archive(file));
      if (is_full()) return std::move(out_);
    }
    TRY(compare_journal(cursor_));
    for (const auto& [name, table] : tables_) {
      if (table.derived) {
        compare_marks(name, table);
        continue;
      }
      report_difference(name, "are in the archive and not in Parquet", table.missing);
      report_difference(name, "are in Parquet and not in the archive", table.parquet.without(table.archive));
    }
    return std::move(out_);
  }

 private:
  struct Contents {
    SequenceSet parquet, archive;
    SequenceSet::Difference missing;
    bool is_doubled = false;                          // told already
    std::optional<int32_t> retained_from;             // earlier days are in the archive at most
    std::shared_ptr<const Derived> derived;           // null: a stream's
    std::map<std::optional<int32_t>, uint64_t> rows;  // of a derived table's files, by partition
    std::unique_ptr<capture::RowWriter> accepted;     // null for quarantine
  };

  void problem(std::string what) { out_.problems.push_back(std::move(what)); }
  bool is_full() {
    if (out_.problems.size() < kProblemsMax) return false;
    if (out_.problems.size() == kProblemsMax) problem("more problems follow; mend these first");
    return true;
  }

  // Reads the catalog and every Parquet file; `archive` is what is left to read, in order.
  Status open(std::vector<control::LakeFile>& archive) {
    {
      std::lock_guard lock(lake_.mutex_);
      cursor_ = lake_.cursor_;
      for (const auto& [number, lane] : lake_.lanes_) {
        tables_[lane.table].accepted = capture::RowWriter::accepted(lane.stream);
        if (!lane.system) {
          tables_[lane.quarantine_table];
          tables_[lane.intake_table];
        }
        names_[number] = {lane.table, lane.quarantine_table, lane.intake_table};
      }
      for (const auto& [name, table] : lake_.tables_) {
        if (table.derived) tables_[name].derived = table.derived;
      }
    }
    TRY_ASSIGN(const auto marks, lake_.control_.lake_retained());
    for (const auto& mark : marks) tables_[mark.table].retained_from = mark.from_day;
    journal_at_ = lake_.journal_.stats().first.value;
    TRY_ASSIGN(reader_, engine::BareReader::open());
    TRY_ASSIGN(auto files, lake_.control_.lake_files());
    for (auto& file : files) {
      if (file.last_sequence >= cursor_) continue;
      if (file.kind == control::FileKind::archive) {
        archive.push_back(std::move(file));
        continue;
      }
      TRY(read_parquet(file));
      if (is_full()) return {};
    }
    std::sort(archive.begin(), archive.end(),
              [](const auto& a, const auto& b) { return a.first_sequence < b.first_sequence; });
    return {};
  }

  void note(const std::string& name, Contents& table, SequenceSet& into, uint64_t sequence) {
    if (into.insert(sequence) || table.is_doubled) return;
    table.is_doubled = true;
    problem(name + ": sequence " + std::to_string(sequence) + " is there twice");
  }

  Status read_parquet(const control::LakeFile& file) {
    if (Contents& table = tables_[file.table]; table.derived) {
      TRY_ASSIGN(const auto partition, parse_partition(file.partition));
      const auto day = partition.empty() ? std::optional<int32_t>() : static_cast<int32_t>(partition[0]);
      table.rows[day] += file.rows;
    }
    const auto whole = check_whole(lake_.files_, lake_.path_of(file.path), file);
    if (!whole) {
      problem(whole.error().code == Code::corrupt ? whole.error().message : file.path + ": " + whole.error().text());
      return {};
    }
    ++out_.parquet_files;
    if (tables_[file.table].derived) return read_derived(file);
    auto rows = reader_->read_integers(lake_.path_of(file.path), "_seq");
    if (!rows) {
      problem(file.path + ": " + rows.error().text());
      return {};
    }
    Contents& table = tables_[file.table];
    for (const int64_t sequence : *rows) note(file.table, table, table.parquet, static_cast<uint64_t>(sequence));
    out_.parquet_rows += rows->size();
    if (rows->size() != file.rows) {
      problem(file.path + ": " + std::to_string(rows->size()) + " rows, " + std::to_string(file.rows) + " committed");
    }
    return {};
  }

  // What it was computed from is not looked at: only that the rows are there that its mark counts.
  Status read_derived(const control::LakeFile& file) {
    const auto rows = reader_->rows(lake_.path_of(file.path));
    if (!rows) {
      problem(file.path + ": " + rows.error().text());
      return {};
    }
    out_.parquet_rows += *rows;
    if (*rows != file.rows) {
      problem(file.path + ": " + std::to_string(*rows) + " rows, " + std::to_string(file.rows) + " committed");
    }
    return {};
  }

  void compare_marks(const std::string& name, const Contents& table) {
    for (const auto& [day, mark] : table.derived->marks) {
      const auto found = table.rows.find(day);
      const uint64_t rows = found == table.rows.end() ? 0 : found->second;
      if (rows == mark.rows) continue;
      problem(name + ", " + (day ? format_date(*day) : "all") + ": files with " + std::to_string(rows) +
              " rows are committed, computed were " + std::to_string(mark.rows));
    }
    for (const auto& [day, rows] : table.rows) {
      if (!table.derived->marks.contains(day))
        problem(name + ", " + (day ? format_date(*day) : "all") + ": there are rows that no mark tells of");
    }
  }

  Status read_archive(const control::LakeFile& file) {
    auto bytes = read_file(lake_.files_, lake_.path_of(file.path), kFileBytesMax);
    if (!bytes) {
      problem(file.path + ": " + bytes.error().text());
      return {};
    }
    if (bytes->size() != file.bytes || checksum64(*bytes) != file.checksum) {
      problem(file.path + ": the file differs from what was committed (" + std::to_string(bytes->size()) + " bytes, " +
              std::to_string(file.bytes) + " committed)");
      return {};
    }
    ++out_.archive_files;
    uint64_t lines = 0;
    const uint64_t before = out_.forgotten;
    const auto read = read_lines(*bytes, [&](std::string_view text) {
      ++lines;
      take_line(file, lines, text);
      return Status();
    });
    if (!read) problem(file.path + ": " + read.error().text());
    const uint64_t forgotten = out_.forgotten - before;
    out_.archive_records += lines - forgotten;
    if (lines - forgotten != file.rows || forgotten != tombstones_of(file)) {
      problem(file.path + ": " + std::to_string(lines - forgotten) + " lines and " + std::to_string(forgotten) +
              " tombstones, " + std::to_string(file.rows) + " and " + std::to_string(tombstones_of(file)) +
              " committed");
    }
    return {};
  }

  void take_line(const control::LakeFile& file, uint64_t number, std::string_view text) {
    const auto line = read_archive_line(text);
    if (!line) {
      problem(file.path + ", line " + std::to_string(number) + ": " + line.error().text());
      return;
    }
    Contents& table = tables_[file.table];
    if (line->forgotten_at) {
      ++out_.forgotten;
      // Its sequence is used up. Parquet must not have it, which is told below, nor the journal.
      if (line->sequence >= journal_at_) forgotten_.insert(line->sequence);
      return;
    }
    note(file.table, table, table.archive, line->sequence);
    if (line->sequence >= journal_at_) events_.emplace_back(line->sequence, checksum64(line->event));
    if (table.parquet.contains(line->sequence) || is_past(table, *line)) return;
    if (table.missing.count++ == 0) table.missing.first = line->sequence;
  }

  // Retention removes a day's Parquet, and an archive file once all its days are past.
  bool is_past(Contents& table, const ArchiveLine& line) {
    if (!table.retained_from) return false;
    capture::Record record;
    record.arrived_at.micros = line.arrived_at;
    record.payload = line.event;
    EventTime time{line.arrived_at};
    if (table.accepted) {
      const auto judged = table.accepted->event_time(record);
      if (!judged) return false;
      time = *judged;
    }
    return day_number(time.micros) < *table.retained_from;
  }

  void report_difference(const std::string& table, const char* what, const SequenceSet::Difference& difference) {
    if (difference.count == 0) return;
    problem(table + ": " + std::to_string(difference.count) + " records " + what + ", the first has sequence " +
            std::to_string(difference.first));
  }

  // What the journal still holds below `until` must be in the archive, byte for byte; `events_` are all archived ones
  // there.
  Status compare_journal(uint64_t until) {
    std::sort(events_.begin(), events_.end());
    const auto events = std::move(events_);
    events_ = {};
    if (journal_at_ >= until) return {};
    TRY_ASSIGN(auto reader, lake_.journal_.read_from({journal_at_}));
    while (reader->position().value < until && !is_full()) {
      auto group = reader->next_group();
      if (!group) {
        if (group.error().code != Code::corrupt) return group.error();
        problem("journal: " + group.error().text());
        continue;
      }
      if (group->empty()) break;
      for (const auto& entry : *group) {
        if (entry.sequence.value < journal_at_) continue;
        if (entry.sequence.value >= until) break;
        compare_record(entry, events);
      }
    }
    journal_at_ = until;
    return {};
  }

  void compare_record(const journal::Entry& entry, const std::vector<std::pair<uint64_t, uint64_t>>& events) {
    const auto record = capture::decode(entry.bytes);
    if (!record) {
      problem("journal record " + std::to_string(entry.sequence.value) + ": " + record.error().text());
      return;
    }
    const auto names = names_.find(record->stream);
    if (names == names_.end()) return;  // its stream was removed with all it had
    if (forgotten_.contains(entry.sequence.value)) {
      problem("journal record " + std::to_string(entry.sequence.value) + " is forgotten and still in the journal");
      return;
    }
    ++out_.journal_records;
    const bool accepted = record->kind == capture::RecordKind::accepted;
    const bool quarantined = record->kind == capture::RecordKind::quarantined;
    const auto archived =
        std::lower_bound(events.begin(), events.end(), std::pair<uint64_t, uint64_t>(entry.sequence.value, 0));
    if (archived == events.end() || archived->first != entry.sequence.value) {
      const Names& named = names->second;
      const Contents& table = tables_[accepted ? named.events : quarantined ? named.quarantine : named.intake];
      const int64_t time = accepted ? record->event_time.micros : record->arrived_at.micros;
      if (table.retained_from && day_number(time) < *table.retained_from) return;
      problem("journal record " + std::to_string(entry.sequence.value) + " is committed and not in the archive");
    } else if (!quarantined && checksum64(record->payload) != archived->second) {
      problem("journal record " + std::to_string(entry.sequence.value) + " differs from its line in the archive");
    }
  }

  Follower& lake_;
  std::unique_ptr<engine::BareReader> reader_;  // independent of what wrote the files
  uint64_t cursor_ = 0;
  uint64_t journal_at_ = 0;  // compared so far
  std::map<std::string, Contents, std::less<>> tables_;
  struct Names {
    std::string events, quarantine, intake;
  };
  std::map<uint32_t, Names> names_;                    // of the tables, by number of the stream
  std::vector<std::pair<uint64_t, uint64_t>> events_;  // sequence, checksum of the archived event
  std::set<uint64_t> forgotten_;                       // of what the journal may still hold
  Verification out_;
};

Result<Verification> Follower::verify() {
  std::lock_guard no_commit_meanwhile(commit_mutex_);
  return Verifier(*this).run();
}

}  // namespace weir::lake
