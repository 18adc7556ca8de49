// `weir explain`: everything weir knows of one event, by its id.
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"

namespace weir::lake {
namespace {

constexpr uint64_t kArchiveBytesMax = 4ull << 30;

int64_t int_of(const engine::Cell& cell) {
  const auto* value = std::get_if<int64_t>(&cell);
  return value ? *value : 0;
}

std::string text_of(const engine::Cell& cell) {
  const auto* value = std::get_if<std::string>(&cell);
  return value ? *value : std::string();
}

Result<std::vector<std::vector<engine::Cell>>> rows_of(engine::Session& session, const std::string& sql,
                                                       std::string_view id) {
  TRY_ASSIGN(auto stream, session.query(sql, {Json(id)}, {seconds(60), 100}));
  std::vector<std::vector<engine::Cell>> out;
  while (true) {
    TRY_ASSIGN(auto batch, stream->next());
    if (batch.empty()) return out;
    for (auto& row : batch) out.push_back(std::move(row));
  }
}

}  // namespace

// Only archive files with tombstones are read.
Result<std::vector<Place>> Follower::forgotten_places(std::string_view event_id) {
  std::map<std::string, std::string> streams;  // by table
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, lane] : lanes_) {
      if (!lane.system) streams[lane.table] = streams[lane.quarantine_table] = lane.table;
    }
  }
  std::vector<Place> out;
  TRY_ASSIGN(const auto files, control_.lake_files());
  for (const auto& file : files) {
    const auto stream = streams.find(file.table);
    if (stream == streams.end() || tombstones_of(file) == 0) continue;
    TRY_ASSIGN(const std::string packed, read_file(files_, path_of(file.path), kArchiveBytesMax));
    TRY(read_lines(packed, [&](std::string_view text) -> Status {
      TRY_ASSIGN(const ArchiveLine line, read_archive_line(text));
      if (!line.forgotten_at || line.id.empty() || to_lower(line.id) != to_lower(event_id)) return {};
      Place place;
      place.stream = stream->second;
      place.verdict = "forgotten";
      place.forgotten_at = WallTime{*line.forgotten_at};
      place.sequence.value = line.sequence;
      place.arrived_at.micros = line.arrived_at;
      place.archive_file = file.path;
      out.push_back(std::move(place));
      return {};
    }));
  }
  return out;
}

Result<std::vector<Place>> Follower::explain(std::string_view event_id) {
  std::map<std::string, std::shared_ptr<const capture::Stream>> streams;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, lane] : lanes_) {
      if (!lane.system) streams[lane.table] = lane.stream;
    }
  }
  TRY_ASSIGN(auto session, engine_->connect(engine::Trust::own));
  std::vector<Place> out;
  for (const auto& [name, stream] : streams) {
    const std::string id_column = stream->key.empty() ? "_id" : stream->key;
    const std::string time = stream->time_field.empty() ? "_arrived_at" : quoted_name(stream->time_field);
    TRY_ASSIGN(auto accepted,
               rows_of(*session,
                       "SELECT _seq, epoch_us(_arrived_at), epoch_us(" + time + ") FROM " + quoted_name(name) +
                           " WHERE lower(CAST(" + quoted_name(id_column) + " AS VARCHAR)) = lower($1)",
                       event_id));
    for (const auto& row : accepted) {
      Place place;
      place.stream = name;
      place.verdict = "accepted";
      place.sequence.value = static_cast<uint64_t>(int_of(row[0]));
      place.arrived_at.micros = int_of(row[1]);
      place.event_time = EventTime{int_of(row[2])};
      out.push_back(std::move(place));
    }
    TRY_ASSIGN(auto refused, rows_of(*session,
                                     "SELECT _seq, epoch_us(_arrived_at), reason, field, message FROM " +
                                         quoted_name(name + "_quarantine") +
                                         " WHERE CAST(quarantine_id AS VARCHAR) = $1 OR contains(payload, $1)",
                                     event_id));
    for (const auto& row : refused) {
      Place place;
      place.stream = name;
      place.verdict = "quarantined";
      place.sequence.value = static_cast<uint64_t>(int_of(row[0]));
      place.arrived_at.micros = int_of(row[1]);
      place.reason = text_of(row[2]);
      place.field = text_of(row[3]);
      place.message = text_of(row[4]);
      out.push_back(std::move(place));
    }
  }
  if (out.empty()) return forgotten_places(event_id);
  for (auto& place : out) {
    if (auto segment = journal_.segment_of(place.sequence)) place.segment = *segment;
    TRY_ASSIGN(auto files, control_.lake_files_holding(place.sequence.value));
    const std::string table = place.verdict == "accepted" ? place.stream : place.stream + "_quarantine";
    const auto& stream = *streams.at(place.stream);
    const std::string partition = place.event_time
                                      ? capture::partition_folder(capture::partition_columns(stream),
                                                                  capture::partition_values(stream, *place.event_time))
                                      : "";
    for (const auto& file : files) {
      // Ranges of different days overlap: an accepted row is in the file of its own day.
      if (file.table != table ||
          (file.kind == control::FileKind::parquet && !partition.empty() && file.partition != partition))
        continue;
      (file.kind == control::FileKind::archive ? place.archive_file : place.lake_file) = file.path;
    }
  }
  return out;
}

}  // namespace weir::lake
