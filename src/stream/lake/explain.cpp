// `weir explain`: everything weir knows of one event, by its id.
#include "stream/lake/follower.h"

namespace weir::lake {
namespace {

std::string quoted(std::string_view identifier) {
  std::string out = "\"";
  for (char c : identifier) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

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
    const std::string time = stream->time_field.empty() ? "_arrived_at" : quoted(stream->time_field);
    TRY_ASSIGN(auto accepted,
               rows_of(*session,
                       "SELECT _seq, epoch_us(_arrived_at), epoch_us(" + time + ") FROM " + quoted(name) +
                           " WHERE lower(CAST(" + quoted(id_column) + " AS VARCHAR)) = lower($1)",
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
                                         quoted(name + "_quarantine") +
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
