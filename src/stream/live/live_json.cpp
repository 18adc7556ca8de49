// The JSON of live windows, and their tables in SQL.
#include <cmath>

#include "stream/live/live.h"

namespace weir::live {
namespace {

constexpr Duration kCatchUp = seconds(5);

Json time_or_null(const std::optional<EventTime>& time) {
  return time ? Json(format_timestamp(time->micros)) : Json();
}

Json measures_json(const Declaration& live) {
  Json out(Json::Array{});
  for (const Measure& measure : live.measures) {
    Json one(Json::Object{{"name", measure.name}, {"kind", kind_word(measure.kind)}, {"of", operand_text(measure)}});
    if (!measure.metric.empty()) one.set("metric", measure.metric);
    out.push(std::move(one));
  }
  return out;
}

Json texts_json(const std::vector<std::string>& texts) {
  Json out(Json::Array{});
  for (const std::string& text : texts) out.push(text);
  return out;
}

Json misfits_json(const Misfits& misfits) {
  Json out(Json::Array{});
  for (const auto& [place, misfit] : misfits) {
    out.push(Json::Object{{"stream", place.stream},
                          {"reason", place.reason},
                          {"field", place.field.empty() ? Json() : Json(place.field)},
                          {"count", misfit.count},
                          {"last_at", misfit.last_at == 0 ? Json() : Json(format_timestamp(misfit.last_at))},
                          {"last_sequence", misfit.last_sequence}});
  }
  return out;
}

uint64_t too_late(const Misfits& misfits) {
  uint64_t out = 0;
  for (const auto& [place, misfit] : misfits) {
    if (place.reason == "too_late") out += misfit.count;
  }
  return out;
}

Json value_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::none:
      return Json();
    case Value::Kind::whole:
      return Json(value.whole);
    case Value::Kind::decimal:
    case Value::Kind::real:
      return std::isfinite(value.real) ? Json(value.real) : Json();
  }
  return Json();
}

Json row_json(const Declaration& live, const WindowRow& row) {
  Json out(Json::Object{{"start", format_timestamp(row.start.micros)}});
  if (!live.keys.empty()) {
    Json key(Json::Object{});
    for (size_t i = 0; i < live.keys.size(); ++i) {
      key.set(live.keys[i], row.key[i] ? Json(*row.key[i]) : Json());
    }
    out.set("key", std::move(key));
    if (row.is_other) out.set("other", true);
  }
  Json values(Json::Object{});
  for (size_t i = 0; i < live.measures.size(); ++i) values.set(live.measures[i].name, value_json(row.values[i]));
  out.set("values", std::move(values));
  out.set("late", row.late);
  out.set("corrected_at", row.corrected_at ? Json(format_timestamp(row.corrected_at->micros)) : Json());
  return out;
}

Json rows_json(const Reading& reading) {
  Json out(Json::Array{});
  for (const WindowRow& row : reading.rows) out.push(row_json(*reading.state.live, row));
  return out;
}

engine::Column column(const char* name, engine::ColumnType type) {
  engine::Column out;
  out.name = name;
  out.type = type;
  return out;
}

engine::SystemView table_view(Live& live, const Live::Table& table) {
  engine::SystemView out;
  out.name = table.name;
  out.comment = "live windows, up to the newest acknowledged event";
  out.columns = table.columns;
  out.rows = [&live, name = table.name]() {
    static_cast<void>(live.catch_up(kCatchUp));  // what is not there in time is shown by the next statement
    return live.table_rows(name);
  };
  return out;
}

engine::SystemView states_view(Live& live) {
  engine::SystemView out;
  out.name = "weir_live";
  out.comment = "live windows: how far they are, and what is in them";
  out.columns = {column("live", engine::ColumnType::text),
                 column("state", engine::ColumnType::text),
                 column("problem", engine::ColumnType::text),
                 column("lag_records", engine::ColumnType::int64),
                 column("windows", engine::ColumnType::int64),
                 column("rows", engine::ColumnType::int64),
                 column("events", engine::ColumnType::int64),
                 column("late", engine::ColumnType::int64),
                 column("complete_since", engine::ColumnType::timestamp)};
  out.rows = [&live, columns = out.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const LiveState& state : live.states()) {
      rows.column(0).add_text(state.live->name);
      rows.column(1).add_text(phase_word(state.phase));
      rows.column(2).add_text(state.problem);
      const uint64_t numbers[] = {state.lag_records, state.windows, state.rows, state.events, state.late};
      for (size_t i = 0; i < 5; ++i) rows.column(3 + i).add_int(static_cast<int64_t>(numbers[i]));
      rows.column(8).add_int(state.complete_since.micros);
    }
    return rows;
  };
  return out;
}

engine::SystemView misfits_view(Live& live) {
  engine::SystemView out;
  out.name = "weir_live_misfits";
  out.comment = "records that live windows do not show, or not wholly, by reason";
  out.columns = {column("live", engine::ColumnType::text),          column("stream", engine::ColumnType::text),
                 column("reason", engine::ColumnType::text),        column("field", engine::ColumnType::text),
                 column("count", engine::ColumnType::int64),        column("last_at", engine::ColumnType::timestamp),
                 column("last_sequence", engine::ColumnType::int64)};
  out.rows = [&live, columns = out.columns]() -> Result<engine::RowBlock> {
    static_cast<void>(live.catch_up(kCatchUp));
    engine::RowBlock rows(columns);
    for (const LiveState& state : live.states()) {
      for (const auto& [place, misfit] : state.misfits) {
        rows.column(0).add_text(state.live->name);
        rows.column(1).add_text(place.stream);
        rows.column(2).add_text(place.reason);
        rows.column(3).add_text(place.field);
        rows.column(4).add_int(static_cast<int64_t>(misfit.count));
        rows.column(5).add_int(misfit.last_at);
        rows.column(6).add_int(static_cast<int64_t>(misfit.last_sequence));
      }
    }
    return rows;
  };
  return out;
}

}  // namespace

Json state_json(const LiveState& state) {
  const Declaration& live = *state.live;
  Json out(Json::Object{{"name", live.name},
                        {"description", live.description},
                        {"state", phase_word(state.phase)},
                        {"problem", state.problem.empty() ? Json() : Json(state.problem)},
                        {"size", format_duration(live.size)},
                        {"keep", format_duration(live.keep)},
                        {"allowed_lateness", format_duration(live.allowed_lateness)},
                        {"settle", format_duration(live.settle)},
                        {"streams", texts_json(live.streams())},
                        {"keys", texts_json(live.keys)},
                        {"measures", measures_json(live)},
                        {"table", kTablePrefix + live.name},
                        {"version", state.version.text()},
                        {"lag_records", state.lag_records},
                        {"windows_kept", state.windows},
                        {"rows_kept", state.rows},
                        {"oldest", time_or_null(state.oldest)},
                        {"newest", time_or_null(state.newest)},
                        {"events", state.events},
                        {"late", state.late},
                        {"too_late", too_late(state.misfits)},
                        {"misfits", misfits_json(state.misfits)}});
  out.set("complete_since",
          state.complete_since.micros == 0 ? Json() : Json(format_timestamp(state.complete_since.micros)));
  out.set("checkpoint_at", state.checkpoint_at ? Json(format_timestamp(state.checkpoint_at->micros)) : Json());
  Json tags(Json::Object{});
  for (const auto& [key, value] : live.tags) tags.set(key, value);
  out.set("tags", std::move(tags));
  return out;
}

Json reading_json(const Reading& reading) {
  Json out = state_json(reading.state);
  out.set("windows", rows_json(reading));
  out.set("truncated", reading.truncated);
  return out;
}

Json change_json(const Reading& reading) {
  const LiveState& state = reading.state;
  return Json::Object{{"version", state.version.text()},
                      {"state", phase_word(state.phase)},
                      {"lag_records", state.lag_records},
                      {"oldest", time_or_null(state.oldest)},
                      {"late", state.late},
                      {"too_late", too_late(state.misfits)},
                      {"misfits", misfits_json(state.misfits)},
                      {"windows", rows_json(reading)},
                      {"truncated", reading.truncated}};
}

std::vector<engine::SystemView> live_views(Live& live) {
  std::vector<engine::SystemView> out = {states_view(live), misfits_view(live)};
  for (const Live::Table& table : live.tables()) out.push_back(table_view(live, table));
  return out;
}

}  // namespace weir::live
