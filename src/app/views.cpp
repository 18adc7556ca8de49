#include "app/views.h"

#include <filesystem>

#include "core/base/text.h"

namespace weir::app {
namespace {

using engine::Column;
using engine::ColumnType;
using engine::RowBlock;
using engine::SystemView;

Column column(const char* name, ColumnType type) {
  Column out;
  out.name = name;
  out.type = type;
  return out;
}

constexpr size_t kRunsShownMax = 10'000;

int64_t number(uint64_t value) {
  return static_cast<int64_t>(value);
}

SystemView streams(const capture::Capture& capture) {
  SystemView out;
  out.name = "weir_streams";
  out.comment = "what was captured since the server started, by stream";
  out.columns = {column("stream", ColumnType::text),           column("accepted", ColumnType::int64),
                 column("duplicates", ColumnType::int64),      column("quarantined", ColumnType::int64),
                 column("refused", ColumnType::int64),         column("bytes", ColumnType::int64),
                 column("last_arrival", ColumnType::timestamp)};
  out.rows = [&capture, columns = out.columns]() -> Result<RowBlock> {
    RowBlock rows(columns);
    for (const auto& counts : capture.counts()) {
      rows.column(0).add_text(counts.stream);
      rows.column(1).add_int(number(counts.accepted));
      rows.column(2).add_int(number(counts.duplicates));
      rows.column(3).add_int(number(counts.quarantined));
      rows.column(4).add_int(number(counts.refused));
      rows.column(5).add_int(number(counts.bytes));
      if (counts.last_arrival.micros == 0) {
        rows.column(6).add_null();
      } else {
        rows.column(6).add_int(counts.last_arrival.micros);
      }
    }
    return rows;
  };
  return out;
}

SystemView lake_files(control::Control& control) {
  SystemView out;
  out.name = "weir_lake_files";
  out.comment = "the committed files of the lake: Parquet and archive";
  out.columns = {column("table_name", ColumnType::text),    column("kind", ColumnType::text),
                 column("path", ColumnType::text),          column("partition", ColumnType::text),
                 column("rows", ColumnType::int64),         column("bytes", ColumnType::int64),
                 column("version", ColumnType::int64),      column("first_sequence", ColumnType::int64),
                 column("last_sequence", ColumnType::int64)};
  out.rows = [&control, columns = out.columns]() -> Result<RowBlock> {
    TRY_ASSIGN(auto files, control.lake_files());
    RowBlock rows(columns);
    for (const auto& file : files) {
      rows.column(0).add_text(file.table);
      rows.column(1).add_text(file.kind == control::FileKind::parquet ? "parquet" : "archive");
      rows.column(2).add_text(file.path);
      rows.column(3).add_text(file.partition);
      rows.column(4).add_int(number(file.rows));
      rows.column(5).add_int(number(file.bytes));
      rows.column(6).add_int(number(file.version));
      rows.column(7).add_int(number(file.first_sequence));
      rows.column(8).add_int(number(file.last_sequence));
    }
    return rows;
  };
  return out;
}

SystemView runs(control::Control& control) {
  SystemView out;
  out.name = "weir_runs";
  out.comment = "the newest runs of flows and tables";
  out.columns = {column("run", ColumnType::text),
                 column("name", ColumnType::text),
                 column("kind", ColumnType::text),
                 column("state", ColumnType::text),
                 column("queued_at", ColumnType::timestamp),
                 column("started_at", ColumnType::timestamp),
                 column("ended_at", ColumnType::timestamp),
                 column("seconds", ColumnType::float64),
                 column("error", ColumnType::text)};
  out.rows = [&control, columns = out.columns]() -> Result<RowBlock> {
    TRY_ASSIGN(const auto listed, control.runs("", false, kRunsShownMax));
    RowBlock rows(columns);
    const auto add_time = [&rows](size_t at, const std::optional<WallTime>& time) {
      if (time) {
        rows.column(at).add_int(time->micros);
      } else {
        rows.column(at).add_null();
      }
    };
    for (const control::Run& run : listed) {
      rows.column(0).add_text(run.id);
      rows.column(1).add_text(run.name);
      rows.column(2).add_text(run.kind);
      rows.column(3).add_text(run.state);
      add_time(4, run.queued_at);
      add_time(5, run.started_at);
      add_time(6, run.ended_at);
      if (run.started_at && run.ended_at) {
        rows.column(7).add_double(static_cast<double>(run.ended_at->micros - run.started_at->micros) / 1e6);
      } else {
        rows.column(7).add_null();
      }
      if (run.error.empty()) {
        rows.column(8).add_null();
      } else {
        rows.column(8).add_text(run.error);
      }
    }
    return rows;
  };
  return out;
}

SystemView journal_state(const journal::Journal& journal, const lake::Lake& lake) {
  SystemView out;
  out.name = "weir_journal";
  out.comment = "the journal's extent and how far the lake has followed it; one row";
  out.columns = {column("segments", ColumnType::int64),       column("bytes", ColumnType::int64),
                 column("first_sequence", ColumnType::int64), column("durable_end", ColumnType::int64),
                 column("lake_cursor", ColumnType::int64),    column("groups", ColumnType::int64),
                 column("syncs_failed", ColumnType::int64),   column("disk_full", ColumnType::boolean)};
  out.rows = [&journal, &lake, columns = out.columns]() -> Result<RowBlock> {
    const journal::Stats stats = journal.stats();
    RowBlock rows(columns);
    rows.column(0).add_int(number(stats.segments));
    rows.column(1).add_int(number(stats.bytes_on_disk));
    rows.column(2).add_int(number(stats.first.value));
    rows.column(3).add_int(number(stats.durable_end.value));
    rows.column(4).add_int(number(lake.status().cursor.value));
    rows.column(5).add_int(number(stats.groups));
    rows.column(6).add_int(number(stats.syncs_failed));
    rows.column(7).add_bool(stats.full);
    return rows;
  };
  return out;
}

SystemView tables(const std::unique_ptr<flow::Flow>& flow) {
  SystemView out;
  out.name = "weir_tables";
  out.comment = "derived tables: what is computed, stale and failed of them";
  out.columns = {column("table_name", ColumnType::text),       column("stored", ColumnType::text),
                 column("partitions", ColumnType::int64),      column("stale", ColumnType::int64),
                 column("failed", ColumnType::int64),          column("rows", ColumnType::int64),
                 column("computed_at", ColumnType::timestamp), column("reads", ColumnType::text),
                 column("problem", ColumnType::text)};
  out.rows = [&flow, columns = out.columns]() -> Result<RowBlock> {
    RowBlock rows(columns);
    if (!flow) return rows;
    for (const flow::TableState& state : flow->tables()) {
      rows.column(0).add_text(state.table.name);
      rows.column(1).add_text(state.table.stored == flow::Stored::lake ? "lake" : "engine");
      rows.column(2).add_int(number(state.marks.size()));
      rows.column(3).add_int(number(state.stale.size()));
      rows.column(4).add_int(number(state.failures.size()));
      rows.column(5).add_int(number(state.rows));
      if (state.computed_at) {
        rows.column(6).add_int(state.computed_at->micros);
      } else {
        rows.column(6).add_null();
      }
      rows.column(7).add_text(join(state.reads, " "));
      if (state.problem.empty()) {
        rows.column(8).add_null();
      } else {
        rows.column(8).add_text(state.problem);
      }
    }
    return rows;
  };
  return out;
}

SystemView disk(const std::string& store_root) {
  SystemView out;
  out.name = "weir_disk";
  out.comment = "the disk that the store lies on; one row";
  out.columns = {column("size_bytes", ColumnType::int64), column("free_bytes", ColumnType::int64)};
  out.rows = [store_root, columns = out.columns]() -> Result<RowBlock> {
    std::error_code error;
    const auto space = std::filesystem::space(store_root, error);
    if (error) return Error(Code::io, "the size of the store's disk is not known: " + error.message());
    RowBlock rows(columns);
    rows.column(0).add_int(number(space.capacity));
    rows.column(1).add_int(number(space.available));
    return rows;
  };
  return out;
}

}  // namespace

std::vector<SystemView> system_views(const SpineRooms& rooms) {
  return {streams(rooms.capture), lake_files(rooms.control), journal_state(rooms.journal, rooms.lake),
          runs(rooms.control),    tables(rooms.flow),        disk(rooms.store_root)};
}

void add_warehouse_views(std::vector<SystemView>& views, const warehouse::StatementLog& statements,
                         const warehouse::LoadLog& loads, const warehouse::MaterializedViews& materialized,
                         const std::unique_ptr<access::Users>& users) {
  views.push_back(warehouse::statements_view(statements));
  for (auto& view : warehouse::load_views(loads)) views.push_back(std::move(view));
  views.push_back(warehouse::view_refreshes(materialized));
  for (auto& view : warehouse::system_facts(statements, users)) views.push_back(std::move(view));
}

}  // namespace weir::app
