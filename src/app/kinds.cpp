#include "app/kinds.h"

#include <algorithm>

#include "platform/flow/calendar.h"
#include "platform/flow/flows.h"
#include "platform/flow/test_declaration.h"
#include "platform/warehouse/bucket_settings.h"
#include "storage/engine/outside_settings.h"
#include "stream/capture/declaration.h"
#include "stream/capture/stream.h"
#include "surface/awsapi/awsapi.h"
#include "surface/pgwire/pgwire.h"

namespace weir::app {
namespace {

constexpr const char* kSystemStream = "system_stream";  // a kind of the control database, not of the folder

project::Declared parse_stream_file(const project::DeclarationSource& source) {
  capture::ParsedStream parsed = capture::parse_stream(source.root, source.name);
  project::Declared out;
  out.name = parsed.stream.name;
  out.body = capture::to_json(parsed.stream);
  out.errors = std::move(parsed.errors);
  for (const std::string& table : capture::tables_of(out.name)) {
    out.claims.push_back({"the name " + table + " in SQL", {source.file, 1, 1}});
  }
  if (!parsed.stream.beacon) return out;
  const Yaml* beacon = source.root.find("beacon");
  const Yaml* path = beacon == nullptr ? nullptr : beacon->find("path");
  if (path == nullptr) return out;
  for (const std::string& mount : source.settings.texts("http.mounts")) {
    const std::string whole = mount + parsed.stream.beacon->path;
    out.claims.push_back({"POST " + whole, path->at, whole});
  }
  return out;
}

// The engine's places count from the SELECT's first word.
Position place_in_file(const project::DeclarationSource& source, const std::optional<Position>& at) {
  Position out{source.file, source.sql_line, 1};
  const size_t begin = source.sql.find_first_not_of(" \t\r\n");
  if (!at || begin == std::string_view::npos) return out;
  const std::string_view before = source.sql.substr(0, begin);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  out.line += static_cast<int>(std::count(before.begin(), before.end(), '\n')) + at->line - 1;
  out.column = at->line == 1 ? at->column + static_cast<int>(begin - line_start) : at->column;
  return out;
}

project::Declared parse_table_file(const project::DeclarationSource& source,
                                   const std::function<project::Declared(const project::DeclarationSource&)>& parse,
                                   const ExamineTable& examine) {
  project::Declared out = parse(source);
  if (!out.errors.empty()) return out;
  out.claims.push_back({"the name " + source.name + " in SQL", {source.file, 1, 1}});
  auto table = flow::table_from_json(out.body);
  if (!examine) return out;
  const auto reads = table ? examine(*table) : Result<std::vector<std::string>>(table.error());
  if (!reads) {
    Error error = reads.error();
    const auto at = error.position;
    out.errors.push_back(std::move(error).at(place_in_file(source, at)));
  }
  return out;
}

std::vector<project::Difference> compare_streams(const Json& from, const Json& to) {
  auto applied = capture::stream_from_json(from);
  auto wanted = capture::stream_from_json(to);
  if (!applied || !wanted) {
    project::Difference out;
    out.compatible = false;
    out.reason = applied ? wanted.error().text() : applied.error().text();
    return {out};
  }
  std::vector<project::Difference> out;
  for (auto& change : capture::compare(*applied, *wanted)) {
    project::Difference difference;
    difference.detail = change.what;
    difference.compatible = change.compatible;
    difference.way_out = change.way_out;
    out.push_back(std::move(difference));
  }
  return out;
}

// A body that does not read is compare_streams()' to tell.
Json carry_stream(const Json& from, const Json& to) {
  auto applied = capture::stream_from_json(from);
  auto wanted = capture::stream_from_json(to);
  if (!applied || !wanted) return to;
  return capture::to_json(capture::carry(*applied, std::move(*wanted)));
}

}  // namespace

project::Registry make_registry(Destroyers destroy, ExamineTable examine, WatchChecks watched) {
  project::Registry registry;
  registry.add_settings(pgwire::wire_settings());
  registry.add_settings(awsapi::aws_settings());
  registry.add_settings(warehouse::bucket_settings());
  registry.add_settings(engine::connection_settings());
  project::Kind stream;
  stream.name = "stream";
  stream.folder = "streams";
  stream.prose = "An event type: its fields, its key, who may send it.";
  stream.parse = parse_stream_file;
  stream.compare = compare_streams;
  stream.carry = carry_stream;
  stream.schema = capture::stream_schema;
  stream.destroy = std::move(destroy.stream);
  registry.add_kind(std::move(stream));
  project::Kind windows = live::live_kind();
  windows.destroy = std::move(destroy.live);
  registry.add_kind(std::move(windows));
  project::Kind table = flow::table_kind();
  table.parse = [parse = table.parse, examine = std::move(examine)](const project::DeclarationSource& source) {
    return parse_table_file(source, parse, examine);
  };
  table.destroy = std::move(destroy.table);
  registry.add_kind(std::move(table));
  project::Kind external = lake::external_kind();
  external.destroy = std::move(destroy.external);
  registry.add_kind(std::move(external));
  project::Kind flows = flow::flow_kind(flow::start_checks());
  flows.destroy = std::move(destroy.flow);
  registry.add_kind(std::move(flows));
  project::Kind endpoints = endpoint::endpoint_kind();
  endpoints.destroy = std::move(destroy.endpoint);
  registry.add_kind(std::move(endpoints));
  registry.add_kind(alarm::alert_kind(watched.metrics, std::move(watched.examine), flow::calendar()));
  registry.add_kind(dashboard::dashboard_kind(std::move(watched.metrics)));
  registry.add_kind(review::review_kind());
  registry.add_kind(flow::project_test_kind());
  return registry;
}

Result<std::vector<project::AppliedDeclaration>> ControlState::declarations() {
  TRY_ASSIGN(auto stored, control_.declarations());
  std::vector<project::AppliedDeclaration> out;
  for (auto& declaration : stored) {
    if (declaration.kind == kSystemStream) continue;
    project::AppliedDeclaration applied;
    applied.kind = declaration.kind;
    applied.name = declaration.name;
    applied.number = declaration.number;
    applied.revision = declaration.revision;
    applied.body = std::move(declaration.body);
    applied.detached = declaration.detached;
    out.push_back(std::move(applied));
  }
  return out;
}

Status ControlState::apply(const std::vector<project::Declaration>& changed,
                           const std::vector<std::pair<std::string, std::string>>& detached) {
  std::vector<control::Declaration> stored;
  for (const auto& declaration : changed) {
    control::Declaration made;
    made.kind = declaration.kind;
    made.name = declaration.name;
    made.body = declaration.body;
    stored.push_back(std::move(made));
  }
  TRY(control_.apply(stored, detached));
  return {};
}

Status ControlState::destroy(std::string_view kind, std::string_view name) {
  return control_.destroy(kind, name);
}

Status apply_system_streams(control::Control& control, const std::vector<capture::Stream>& streams) {
  TRY_ASSIGN(const auto stored, control.declarations());
  std::vector<control::Declaration> wanted;
  for (const capture::Stream& stream : streams) {
    control::Declaration made;
    made.kind = kSystemStream;
    made.name = stream.name;
    made.body = capture::to_json(stream);
    bool is_there = false;
    for (const auto& declaration : stored) {
      if (declaration.kind != made.kind || declaration.name != made.name) continue;
      made.body = carry_stream(declaration.body, made.body);
      is_there = made.body == declaration.body && !declaration.detached;
    }
    if (!is_there) wanted.push_back(std::move(made));
  }
  if (wanted.empty()) return {};  // a start changes nothing that need not be: the disk may be full
  TRY(control.apply(wanted, {}));
  return {};
}

Result<AppliedStreams> applied_streams(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  AppliedStreams out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "stream" && declaration.kind != kSystemStream) continue;
    TRY_ASSIGN(capture::Stream stream, capture::stream_from_json(declaration.body));
    capture::AppliedStream applied;
    applied.number = declaration.number;
    applied.revision = declaration.revision;
    applied.stream = std::make_shared<const capture::Stream>(std::move(stream));
    applied.system = declaration.kind == kSystemStream;
    if (!declaration.detached && !applied.system)
      out.captured.push_back(applied);  // a disabled one is known, and refused by name
    out.followed.push_back(std::move(applied));
  }
  return out;
}

Result<std::vector<live::Declaration>> applied_live(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<live::Declaration> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "live" || declaration.detached) continue;
    TRY_ASSIGN(live::Declaration windows, live::live_from_json(declaration.body));
    out.push_back(std::move(windows));
  }
  return out;
}

Result<std::vector<flow::FlowDeclaration>> applied_flows(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<flow::FlowDeclaration> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "flow" || declaration.detached) continue;
    TRY_ASSIGN(flow::FlowDeclaration flow, flow::flow_from_json(declaration.body));
    out.push_back(std::move(flow));
  }
  return out;
}

Result<std::vector<dashboard::Dashboard>> applied_dashboards(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<dashboard::Dashboard> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "dashboard" || declaration.detached) continue;
    TRY_ASSIGN(dashboard::Dashboard dashboard, dashboard::dashboard_from_json(declaration.body));
    out.push_back(std::move(dashboard));
  }
  return out;
}

Result<std::vector<flow::Table>> applied_tables(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<flow::Table> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "table" || declaration.detached) continue;
    TRY_ASSIGN(flow::Table table, flow::table_from_json(declaration.body));
    out.push_back(std::move(table));
  }
  return out;
}

Result<std::vector<endpoint::Endpoint>> applied_endpoints(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<endpoint::Endpoint> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "endpoint" || declaration.detached) continue;
    TRY_ASSIGN(endpoint::Endpoint endpoint, endpoint::endpoint_from_json(declaration.body));
    out.push_back(std::move(endpoint));
  }
  return out;
}

Result<std::vector<lake::ExternalTable>> applied_externals(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<lake::ExternalTable> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "external" || declaration.detached) continue;
    TRY_ASSIGN(lake::ExternalTable table, lake::external_from_json(declaration.body));
    out.push_back(std::move(table));
  }
  return out;
}

Result<std::vector<review::Review>> applied_reviews(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  std::vector<review::Review> out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "review" || declaration.detached) continue;
    TRY_ASSIGN(review::Review review, review::review_from_json(declaration.body));
    out.push_back(std::move(review));
  }
  return out;
}

Result<alarm::AlertFile> applied_alerts(control::Control& control) {
  TRY_ASSIGN(auto stored, control.declarations());
  alarm::AlertFile out;
  for (const auto& declaration : stored) {
    if (declaration.kind != "alert" || declaration.detached) continue;
    TRY_ASSIGN(alarm::AlertFile file, alarm::alerts_from_json(declaration.body));
    std::move(file.channels.begin(), file.channels.end(), std::back_inserter(out.channels));
    std::move(file.topics.begin(), file.topics.end(), std::back_inserter(out.topics));
    std::move(file.alarms.begin(), file.alarms.end(), std::back_inserter(out.alarms));
    std::move(file.runs.begin(), file.runs.end(), std::back_inserter(out.runs));
  }
  return out;
}

}  // namespace weir::app
