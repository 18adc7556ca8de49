// `weir lake verify`: compares, commit by commit, what the catalog lists, what the files hold, and what the journal
// still has. Memory is bounded by one commit's records.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "core/base/hash.h"
#include "core/io/compression.h"
#include "storage/engine/bare.h"
#include "stream/capture/record.h"
#include "stream/lake/archive.h"
#include "stream/lake/follower.h"

namespace weir::lake {
namespace {

constexpr uint64_t kFileBytesMax = 4ull << 30;
constexpr size_t kProblemsMax = 100;

}  // namespace

class Verifier {
 public:
  explicit Verifier(Follower& lake) : lake_(lake) {}

  Result<Verification> run() {
    uint64_t cursor = 0;
    {
      std::lock_guard lock(lake_.mutex_);
      cursor = lake_.cursor_;
    }
    TRY_ASSIGN(auto files, lake_.control_.lake_files());
    std::map<uint64_t, std::vector<control::LakeFile>> commits;
    for (auto& file : files) {
      if (file.last_sequence < cursor) commits[file.version].push_back(std::move(file));
    }
    TRY_ASSIGN(reader_, engine::BareReader::open());
    for (const auto& [version, members] : commits) {
      TRY(check_commit(members));
      if (out_.problems.size() >= kProblemsMax) {
        problem("more problems follow; mend these first");
        break;
      }
    }
    return std::move(out_);
  }

 private:
  struct Contents {
    std::vector<uint64_t> archive, parquet;  // sequences
  };

  void problem(std::string what) { out_.problems.push_back(std::move(what)); }

  Status check_commit(const std::vector<control::LakeFile>& files) {
    std::map<std::string, Contents> tables;
    std::unordered_map<uint64_t, uint64_t> events;  // sequence → checksum of the archived event
    SequenceRange range;
    for (const auto& file : files) {
      range.include(file.first_sequence);
      range.include(file.last_sequence);
      auto bytes = read_file(lake_.files_, lake_.path_of(file.path), kFileBytesMax);
      if (!bytes) {
        problem(file.path + ": " + bytes.error().text());
        continue;
      }
      if (bytes->size() != file.bytes || checksum64(*bytes) != file.checksum) {
        problem(file.path + ": the file differs from what was committed (" + std::to_string(bytes->size()) +
                " bytes, " + std::to_string(file.bytes) + " committed)");
        continue;
      }
      Contents& contents = tables[file.table];
      if (file.kind == control::FileKind::archive) {
        TRY(read_archive(file, *bytes, contents.archive, events));
      } else {
        TRY(read_parquet(file, contents.parquet));
      }
    }
    for (auto& [table, contents] : tables) compare(table, contents);
    return compare_journal(range, events);
  }

  Status read_archive(const control::LakeFile& file, const std::string& bytes, std::vector<uint64_t>& sequences,
                      std::unordered_map<uint64_t, uint64_t>& events) {
    ++out_.archive_files;
    auto text = gunzip(bytes, {.decoded_bytes_max = kFileBytesMax, .ratio_max = 2000});
    if (!text) {
      problem(file.path + ": " + text.error().text());
      return {};
    }
    uint64_t lines = 0;
    for (size_t at = 0; at < text->size();) {
      size_t end = std::min(text->find('\n', at), text->size());
      auto line = read_archive_line(std::string_view(*text).substr(at, end - at));
      ++lines;
      if (!line) {
        problem(file.path + ", line " + std::to_string(lines) + ": " + line.error().text());
      } else {
        sequences.push_back(line->sequence);
        events[line->sequence] = checksum64(line->event);
      }
      at = end + 1;
    }
    out_.archive_records += lines;
    if (lines != file.rows)
      problem(file.path + ": " + std::to_string(lines) + " lines, " + std::to_string(file.rows) + " committed");
    return {};
  }

  Status read_parquet(const control::LakeFile& file, std::vector<uint64_t>& sequences) {
    ++out_.parquet_files;
    auto rows = reader_->read_integers(lake_.path_of(file.path), "_seq");
    if (!rows) {
      problem(file.path + ": " + rows.error().text());
      return {};
    }
    const uint64_t count = rows->size();
    for (const int64_t sequence : *rows) sequences.push_back(static_cast<uint64_t>(sequence));
    out_.parquet_rows += count;
    if (count != file.rows)
      problem(file.path + ": " + std::to_string(count) + " rows, " + std::to_string(file.rows) + " committed");
    return {};
  }

  void report_difference(const std::string& table, const char* what, const std::vector<uint64_t>& sequences) {
    if (sequences.empty()) return;
    problem(table + ": " + std::to_string(sequences.size()) + " records " + what + ", the first has sequence " +
            std::to_string(sequences[0]));
  }

  void compare(const std::string& table, Contents& contents) {
    std::sort(contents.archive.begin(), contents.archive.end());
    std::sort(contents.parquet.begin(), contents.parquet.end());
    for (auto* sequences : {&contents.archive, &contents.parquet}) {
      auto twice = std::adjacent_find(sequences->begin(), sequences->end());
      if (twice != sequences->end()) problem(table + ": sequence " + std::to_string(*twice) + " is there twice");
    }
    std::vector<uint64_t> missing;
    std::set_difference(contents.archive.begin(), contents.archive.end(), contents.parquet.begin(),
                        contents.parquet.end(), std::back_inserter(missing));
    report_difference(table, "are in the archive and not in Parquet", missing);
    missing.clear();
    std::set_difference(contents.parquet.begin(), contents.parquet.end(), contents.archive.begin(),
                        contents.archive.end(), std::back_inserter(missing));
    report_difference(table, "are in Parquet and not in the archive", missing);
  }

  // What the journal still holds of the range must be in the archive, byte for byte.
  Status compare_journal(const SequenceRange& range, const std::unordered_map<uint64_t, uint64_t>& events) {
    const uint64_t kept = lake_.journal_.stats().first.value;
    if (kept > range.last) return {};
    TRY_ASSIGN(auto reader, lake_.journal_.read_from({std::max(kept, range.first)}));
    while (reader->position().value <= range.last) {
      auto group = reader->next_group();
      if (!group) {
        if (group.error().code != Code::corrupt) return group.error();
        problem("journal: " + group.error().text());
        continue;
      }
      if (group->empty()) break;
      for (const auto& entry : *group) {
        if (entry.sequence.value > range.last) return {};
        TRY_ASSIGN(auto record, capture::decode(entry.bytes));
        ++out_.journal_records;
        auto archived = events.find(entry.sequence.value);
        if (archived == events.end()) {
          problem("journal record " + std::to_string(entry.sequence.value) + " is committed and not in the archive");
        } else if (record.kind != capture::RecordKind::quarantined && checksum64(record.payload) != archived->second) {
          problem("journal record " + std::to_string(entry.sequence.value) + " differs from its line in the archive");
        }
        if (out_.problems.size() >= kProblemsMax) return {};
      }
    }
    return {};
  }

  Follower& lake_;
  std::unique_ptr<engine::BareReader> reader_;  // independent of what wrote the files
  Verification out_;
};

Result<Verification> Follower::verify() {
  std::lock_guard no_commit_meanwhile(commit_mutex_);
  return Verifier(*this).run();
}

}  // namespace weir::lake
