// What is found after all: in the files that the catalog lists, in the journal behind the cursor, in a snapshot.
#include <algorithm>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "core/io/compression.h"
#include "spine_actor.h"
#include "stream/lake/archive.h"

namespace weir::sim {

std::string mark_text(const Json& mark) {
  return mark["source"].as_string() + " " + std::to_string(mark["records_from"].as_int()) + " " +
         std::to_string(mark["records_through"].as_int());
}

namespace {

constexpr uint64_t kFileBytesMax = 16u << 20;

// A time as a table holds it, or as an archive writes it.
int32_t day_of(const Json& time) {
  if (time.is_integer()) return day_number(time.as_int());
  return day_number(parse_timestamp(time.as_string()).value_or(0));
}

Row row_of_json(const std::string& table, const Json& json) {
  Row row;
  row.table = table;
  row.sequence = static_cast<uint64_t>(json["_seq"].as_int());
  row.quarantined = table.ends_with("_quarantine");
  row.is_mark = table.ends_with("_intake");
  row.day = day_of(json[row.quarantined || row.is_mark ? "_arrived_at" : "at"]);
  if (row.is_mark) {
    row.id = json["_id"].as_string();
    row.content = mark_text(json);
    return row;
  }
  if (row.quarantined) {
    row.id = json["quarantine_id"].as_string();
    row.content = json["payload"].as_string();
    return row;
  }
  row.id = json.find("id") != nullptr ? json["id"].as_string() : json["_id"].as_string();
  row.number = static_cast<uint64_t>(json["n"].as_int());
  row.content = json["pad"].as_string();
  return row;
}

Result<std::vector<Row>> archived_rows(const std::string& table, std::string_view text) {
  std::vector<Row> rows;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    TRY_ASSIGN(const lake::ArchiveLine line, lake::read_archive_line(text.substr(0, end)));
    TRY_ASSIGN(Json event, Json::parse(text.substr(0, end)));
    event.set("quarantine_id", line.id);
    Row row = row_of_json(table, event);
    row.id = line.id;
    row.sequence = line.sequence;
    rows.push_back(std::move(row));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

void sort_rows(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.sequence < b.sequence; });
}

}  // namespace

// False if the disk went away while looking; the next start looks again.
bool SpineActor::take_inventory(bool is_start) {
  if (world_.bits_flipped > 0) name_damage();
  const auto snapshot = lake_->take();  // may commit to make room, so it comes before the catalog is read
  if (!snapshot) {
    check_failure("a snapshot", snapshot.error());
    if (is_start) was_damage_reported_ = was_damage_reported_ || !journal_->recovery().damage.empty();
    return false;
  }
  EventBook::Found found;
  found.is_start = is_start;
  found.is_provisional = is_provisional_;
  found.unknown_damage = was_damage_reported_ && world_.bits_flipped > 0;
  found.index_is_damaged = world_.bits_flipped > 0;
  const auto cursor = control_->lake_cursor();
  if (!cursor) return false;
  found.cursor = *cursor;
  if (*cursor < cursor_) world_.problem("spine: the lake's cursor went back from " + std::to_string(cursor_));
  std::vector<Row> tail;
  if (!read_files(found) || !read_journal(*cursor, tail, found)) return false;
  cursor_ = *cursor;
  for (const journal::Damage& damage : journal_->recovery().damage) {
    if (world_.bits_flipped > 0 && (damage.cut || damage.segment != "released")) {
      found.cut_at = journal_->durable_end().value;
      if (is_start) damaged_.emplace_back(*found.cut_at, journal_->recovery().next.value);
    }
  }
  if (!is_start) found.cut_at.reset();
  found.damaged = damaged_;
  if (!compare_snapshot(*cursor, tail)) return false;
  found.rows.insert(found.rows.end(), tail.begin(), tail.end());
  book_.check(found);
  learn_marks(found.rows);
  was_damage_reported_ = false;
  return true;
}

bool SpineActor::read_journal(uint64_t from, std::vector<Row>& rows, EventBook::Found& found) {
  auto reader = journal_->read_from({from});
  if (!reader) return false;
  while (true) {
    const uint64_t begin = (*reader)->position().value;
    const auto group = (*reader)->next_group();
    if (!group && group.error().code != Code::corrupt) return false;
    if (!group) {
      if (world_.bits_flipped == 0 && world_.syncs_failed == 0) {
        world_.problem("spine: records were called corrupt, and nothing was damaged: " + group.error().text());
      }
      if (world_.bits_flipped > 0) damaged_.emplace_back(begin, (*reader)->position().value);
      continue;
    }
    if (group->empty()) break;
    for (const journal::Entry& entry : *group) {
      rows.push_back(row_of(entry.sequence.value, std::string(entry.bytes)));
    }
  }
  if (!rows.empty() && rows.front().sequence < found.cursor) world_.problem("spine: a reader began before its place");
  return true;
}

// Where the journal cannot be read now, before the lake goes by.
void SpineActor::name_damage() {
  std::vector<Row> rows;
  EventBook::Found found;
  static_cast<void>(read_journal(journal_->stats().first.value, rows, found));
  std::sort(damaged_.begin(), damaged_.end());
  damaged_.erase(std::unique(damaged_.begin(), damaged_.end()), damaged_.end());
  book_.damaged(damaged_);
}

bool SpineActor::read_files(EventBook::Found& found) {
  const auto files = control_->lake_files();
  if (!files) {
    check_failure("the catalog", files.error());
    return false;
  }
  const auto retained = control_->lake_retained();
  if (!retained) {
    check_failure("the catalog", retained.error());
    return false;
  }
  for (const auto& mark : *retained) found.retained_from[mark.table] = mark.from_day;
  std::vector<Row> archived;
  uint64_t version = 0;
  for (const control::LakeFile& file : *files) {
    version = std::max(version, file.version);
    if (!read_lake_file(file, file.kind == control::FileKind::archive ? archived : found.rows, found)) return false;
  }
  commits_ = std::max(commits_, version);
  sort_rows(archived);
  sort_rows(found.rows);
  for (const Row& row : found.rows) {
    if (row.sequence >= found.cursor) {
      world_.problem("spine: a committed file holds sequence " + std::to_string(row.sequence) + ", and the cursor is " +
                     std::to_string(found.cursor));
    }
  }
  if (world_.bits_flipped == 0) check_archived(found, archived, world_);
  return true;
}

// Of the days that are kept archive and tables hold the same. Of earlier ones an archive file may hold more: it stays
// while it has a younger event.
void SpineActor::check_archived(const EventBook::Found& found, const std::vector<Row>& archived, World& world) {
  const auto is_kept = [&found](const Row& row) {
    const auto from = found.retained_from.find(row.table);
    return from == found.retained_from.end() || row.day >= from->second;
  };
  auto row = found.rows.begin();
  for (const Row& line : archived) {
    const bool is_there = row != found.rows.end() && *row == line;
    if (is_there) {
      ++row;
    } else if (is_kept(line)) {
      break;
    }
  }
  const bool is_all = row == found.rows.end() && std::count_if(archived.begin(), archived.end(), is_kept) ==
                                                     std::count_if(found.rows.begin(), found.rows.end(), is_kept);
  if (is_all) return;
  world.problem("spine: archive and table files differ: " + std::to_string(archived.size()) + " and " +
                std::to_string(found.rows.size()) + " records");
}

bool SpineActor::read_lake_file(const control::LakeFile& file, std::vector<Row>& rows, EventBook::Found& found) {
  const std::string path = lake_options_.store_root + "/" + file.path;
  const auto bytes = read_file(process_->files(), path, kFileBytesMax);
  if (!bytes && bytes.error().code != Code::not_found) return false;
  const auto known = known_files_.find(file.path);
  if (!bytes || bytes->size() != file.bytes || checksum64(*bytes) != file.checksum) {
    if (bytes && world_.flipped_paths.count(path) != 0) {
      // Its damage is plain from the catalog's checksum. What it held is known if it was read before.
      if (known != known_files_.end()) rows.insert(rows.end(), known->second.rows.begin(), known->second.rows.end());
      if (known == known_files_.end()) damaged_.emplace_back(file.first_sequence, file.last_sequence + 1);
      return true;
    }
    world_.problem("spine: the committed file " + file.path + (bytes ? " is torn" : " is missing"));
    return true;
  }
  if (known == known_files_.end() || known->second.checksum != file.checksum) {
    auto parsed = parse_file(file, *bytes);
    if (!parsed) {
      world_.problem("spine: the committed file " + file.path + ": " + parsed.error().text());
      return true;
    }
    for (const Row& row : *parsed) {
      if (row.sequence < file.first_sequence || row.sequence > file.last_sequence) {
        world_.problem("spine: " + file.path + " holds sequence " + std::to_string(row.sequence));
      }
    }
    if (parsed->size() != file.rows) world_.problem("spine: " + file.path + " has not the rows that were committed");
    known_files_[file.path] = {file.checksum, std::move(*parsed)};
  }
  const auto& parsed = known_files_[file.path].rows;
  rows.insert(rows.end(), parsed.begin(), parsed.end());
  static_cast<void>(found);
  return true;
}

Result<std::vector<Row>> SpineActor::parse_file(const control::LakeFile& file, const std::string& bytes) {
  if (file.kind == control::FileKind::archive) {
    TRY_ASSIGN(const std::string text, gunzip(bytes, {.decoded_bytes_max = kFileBytesMax, .ratio_max = 2000}));
    return archived_rows(file.table, text);
  }
  TRY_ASSIGN(const auto lines, RowsEngine::read_file_text(bytes));
  std::vector<Row> rows;
  for (const Json& line : lines) rows.push_back(row_of_json(file.table, line));
  return rows;
}

// What a statement would see: the same files, and as its tail what the journal holds behind the cursor.
bool SpineActor::compare_snapshot(uint64_t cursor, const std::vector<Row>& tail) {
  const auto snapshot = lake_->take();
  const auto files = control_->lake_files();
  if (!snapshot || !files) return false;
  if (lake_->status().cursor.value != cursor) return true;  // it committed meanwhile
  std::set<std::string> listed, seen;
  for (const auto& file : *files) {
    if (file.kind == control::FileKind::parquet) listed.insert(file.path);
  }
  std::vector<Row> rows;
  for (const std::string& name : (*snapshot)->names()) {
    const engine::TableVersion& table = *(*snapshot)->find(name);
    if (table.reader) continue;  // the raw archive, which the catalog lists for the stream's own table
    for (const auto& file : table.files) seen.insert(file.path);
    for (const auto& chunk : table.tail) {
      for (const Json& json : RowsEngine::rows_of(*chunk)) rows.push_back(row_of_json(name, json));
    }
  }
  if (listed != seen) world_.problem("spine: a snapshot lists other files than the catalog");
  sort_rows(rows);
  if (rows != tail && world_.bits_flipped == 0) {
    world_.problem("spine: a snapshot's tail holds " + std::to_string(rows.size()) + " rows, the journal " +
                   std::to_string(tail.size()));
  }
  return true;
}

void SpineActor::list_files(const std::string& folder, std::vector<std::string>& into) {
  const auto entries = process_->files().list(folder);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = join_path(folder, entry.name);
    if (entry.is_directory) {
      list_files(path, into);
    } else {
      into.push_back(path);
    }
  }
}

// After a start only what is committed lies in the lake's folders.
void SpineActor::check_leftovers() {
  // With a flipped bit in it the list of what to remove names something else.
  if (world_.flipped_paths.count(lake_options_.store_root + "/.staging/intent.json") != 0) return;
  const auto files = control_->lake_files();
  if (!files) return;
  std::set<std::string> listed;
  for (const auto& file : *files) listed.insert(lake_options_.store_root + "/" + file.path);
  const auto replaced = control_->lake_replaced(std::nullopt);
  if (!replaced) return;
  for (const auto& file : *replaced) listed.insert(lake_options_.store_root + "/" + file.path);
  std::vector<std::string> there;
  for (const char* folder : {"/lake", "/raw", "/.staging"}) list_files(lake_options_.store_root + folder, there);
  for (const std::string& path : there) {
    if (path.ends_with("/manifest.json") || path.ends_with("/manifest.json.staging")) continue;
    if (listed.count(path) == 0) world_.problem("spine: a start left " + path + ", which no commit names");
  }
}

}  // namespace weir::sim
