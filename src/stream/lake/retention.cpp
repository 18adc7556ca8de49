// Retention by the event's day: what a stream's declaration no longer keeps. A Parquet file goes when its partition is
// past, an archive file when all its events are; one commit takes them out together and says how far retention went
// (control::RetainedFrom), which verify() and rebuild() honour: an archive file may still hold events of earlier days.
//
// The versions of the days stay as they are: what was computed from a day that is gone stays what it was.
#include <algorithm>

#include "core/base/log.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;
constexpr uint64_t kArchiveBytesMax = 4ull << 30;

// The first day that is kept: all earlier ones ended at least `retention` ago. Of a table by months the month's first.
int32_t first_kept(WallTime now, Duration retention, bool by_months) {
  const int32_t day = day_number(now.micros - retention.micros);
  if (!by_months) return day;
  return day - (civil_from_micros(int64_t{day} * kMicrosPerDay).day - 1);
}

}  // namespace

class Retainer {
 public:
  Retainer(Follower& lake, Cancel cancel) : lake_(lake), cancel_(std::move(cancel)) {}

  Result<Retention> run(const RetainRequest& request) {
    TRY_ASSIGN(files_, lake_.control_.lake_files());
    std::vector<std::shared_ptr<const capture::Stream>> streams;
    {
      std::lock_guard lock(lake_.mutex_);
      for (const auto& [number, lane] : lake_.lanes_) streams.push_back(lane.stream);
    }
    bool found = request.stream.empty();
    Retention out;
    for (const auto& stream : streams) {
      if (!request.stream.empty() && stream->name != request.stream) continue;
      found = true;
      if (!stream->retention) continue;
      Follower::Swap change;
      change.keep = Duration{0};  // only for those who read them now
      const bool by_months = stream->partition == capture::PartitionBy::year_month;
      TRY(choose({stream->name, stream.get(), first_kept(lake_.clock_.wall(), *stream->retention, by_months)}, change,
                 out));
      TRY(choose({stream->name + "_quarantine", nullptr, first_kept(lake_.clock_.wall(), *stream->retention, false)},
                 change, out));
      if (request.dry_run || change.replaced.empty()) continue;
      TRY(cancel_.check());
      TRY(lake_.swap(std::move(change)));
      lake_.retired_files_.add(out.files.size());
      log_event(Level::info, "lake.retained", {{"stream", stream->name}, {"files", out.files.size()}});
    }
    if (!found) return Error(Code::not_found, "no stream '" + request.stream + "'");
    return out;
  }

 private:
  struct Table {
    std::string name;
    const capture::Stream* stream;  // null: a quarantine, whose day is that of arrival
    int32_t from_day;
  };

  Status choose(const Table& table, Follower::Swap& change, Retention& out) {
    const size_t before = change.replaced.size();
    for (const auto& file : files_) {
      if (file.table != table.name) continue;
      TRY(cancel_.check());
      TRY_ASSIGN(const int32_t end, end_of_file(file, table));
      if (end > table.from_day) continue;
      TRY(check_past(file, table));
      change.replaced.push_back(file.path);
      out.files.push_back({file.table, file.path, file.bytes, file.rows, end - 1});
    }
    if (change.replaced.size() > before) change.retained.push_back({table.name, table.from_day});
    return {};
  }

  // The day after that of the file's last event.
  Result<int32_t> end_of_file(const control::LakeFile& file, const Table& table) {
    if (file.kind == control::FileKind::parquet) {
      TRY_ASSIGN(const auto partition, parse_partition(file.partition));
      return partition_end(partition);
    }
    const Json* days = file.bounds.find("event_day");
    if (days != nullptr && days->is_array() && days->array().size() == 2) {
      return static_cast<int32_t>(days->array()[1].as_int()) + 1;
    }
    return last_day_inside(file, table);  // of an older weir
  }

  Result<int32_t> last_day_inside(const control::LakeFile& file, const Table& table) {
    int32_t last = INT32_MIN;
    const auto writer = table.stream != nullptr
                            ? capture::RowWriter::accepted(std::make_shared<const capture::Stream>(*table.stream))
                            : capture::RowWriter::quarantined();
    TRY(check_whole(lake_.files_, lake_.path_of(file.path), file, {}, cancel_));
    TRY_ASSIGN(const std::string bytes, read_file(lake_.files_, lake_.path_of(file.path), kArchiveBytesMax));
    TRY(read_lines(bytes, [&](std::string_view text) -> Status {
      TRY_ASSIGN(const ArchiveLine line, read_archive_line(text));
      if (line.forgotten_at) return {};
      capture::Record record;
      record.arrived_at.micros = line.arrived_at;
      record.payload = line.event;
      TRY_ASSIGN(const EventTime time, writer->event_time(record));
      last = std::max(last, day_number(time.micros));
      return {};
    }));
    return last + 1;
  }

  // What the file says of its own rows must agree with its folder before it goes.
  Status check_past(const control::LakeFile& file, const Table& table) {
    if (file.kind != control::FileKind::parquet) return {};
    const bool by_arrival = table.stream == nullptr || table.stream->time_field.empty();
    const std::string time = by_arrival ? "_arrived_at" : table.stream->time_field;
    const capture::Field* field = by_arrival ? nullptr : table.stream->find(time);
    if (field != nullptr && field->otherwise) return {};  // of an event without a time its arrival decides
    const Json* bounds = file.bounds.find(time);
    if (bounds == nullptr || !bounds->is_array() || bounds->array().size() != 2) return {};
    const int64_t last = bounds->array()[1].as_int();
    if (last < int64_t{table.from_day} * kMicrosPerDay) return {};
    return Error(Code::corrupt,
                 file.path + " lies in a partition that is past, and the catalog says that it has an event of " +
                     format_timestamp(last) + "; nothing was removed",
                 "`weir lake rebuild` puts it in order");
  }

  Follower& lake_;
  const Cancel cancel_;
  std::vector<control::LakeFile> files_;
};

Json Retention::to_json(bool dry_run) const {
  Json listed{Json::Array{}};
  uint64_t bytes = 0;
  for (const RetiredFile& file : files) {
    bytes += file.bytes;
    listed.push(Json(Json::Object{{"table", file.table},
                                  {"path", file.path},
                                  {"last_day", format_date(file.last_day)},
                                  {"rows", file.rows},
                                  {"bytes", file.bytes}}));
  }
  return Json::Object{{"dry_run", dry_run}, {"count", files.size()}, {"bytes", bytes}, {"files", std::move(listed)}};
}

Result<Retention> Follower::retain(const RetainRequest& request, const Cancel& cancel) {
  std::lock_guard one_at_a_time(maintenance_mutex_);
  Retainer retainer(*this, begin_maintenance(cancel));
  TRY_ASSIGN(const Retention done, retainer.run(request));
  if (!request.dry_run) {
    TRY(remove_replaced());
  }
  return done;
}

}  // namespace weir::lake
