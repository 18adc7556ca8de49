#include "app/deployment.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "app/columns_to_be.h"
#include "core/base/text.h"
#include "platform/flow/graph.h"
#include "platform/flow/lake_builder.h"
#include "platform/flow/table_checks.h"
#include "storage/engine/outside_settings.h"
#include "stream/capture/declaration.h"
#include "stream/capture/stream.h"

namespace weir::app {

namespace {

std::map<std::string, std::string> read_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace

const std::map<std::string, std::string>& process_environment() {
  static const std::map<std::string, std::string> at_start = read_environment();
  return at_start;
}

Deployment::Deployment(const Parts& parts, std::string folder, std::string environment)
    : parts_(parts),
      folder_(std::move(folder)),
      environment_(std::move(environment)),
      registry_(make_registry(
          {.stream = [this](std::string_view name, uint32_t) { return destroy_stream(name); },
           .live = [](std::string_view, uint32_t) { return Status(); },  // gone once detached
           .table = [this](std::string_view name, uint32_t) { return destroy_table(name); },
           .external = [this](std::string_view name, uint32_t) { return parts_.externals.drop(name); },
           .flow = [](std::string_view, uint32_t) { return Status(); },  // it has no data
           .endpoint = [this](std::string_view name, uint32_t) { return parts_.endpoints.destroy(std::string(name)); }},
          [this](const flow::Table& table) { return parts_.flow.examine(table); },
          {.metrics = [this] { return parts_.metrics.kinds(); },
           .examine = [this](const std::string& sql) -> Status {
             TRY(parts_.engine.examine(sql, false));
             return {};
           }})),
      state_(parts_.control) {}

project::ReadOptions Deployment::read_options() {
  project::ReadOptions out;
  out.environment = environment_;
  out.process_environment = process_environment();
  out.secret = parts_.secret;
  return out;
}

Result<project::Project> Deployment::read_folder() {
  return project::read_project(real_files(), folder_, registry_, read_options());
}

// Declarations from the network may name neither files nor variables of this machine.
project::Project Deployment::read_files(const project::Sources& sources) {
  project::ReadOptions options = read_options();
  options.expands_environment = false;
  char resolved[4096];
  const std::string whole = realpath(folder_.c_str(), resolved) == nullptr ? folder_ : resolved;
  options.default_name = whole.substr(whole.rfind('/') + 1);
  return project::parse_project(sources, registry_, options);
}

Status Deployment::refuse_taken_names(project::Plan& plan) {
  std::optional<std::set<std::string>> tables;  // asked for only where a stream is new
  for (project::Change& change : plan.changes) {
    if (change.action != project::Action::create) continue;
    if (!tables) {
      TRY_ASSIGN(tables, parts_.loaded_tables());
      TRY_ASSIGN(const auto stored, parts_.control.declarations());
      for (const auto& declaration : stored) {
        const bool is_table = declaration.kind == "table" || declaration.kind == "external";
        if (is_table) tables->erase(declaration.name);  // its own content, of before it was detached
      }
    }
    std::vector<std::string> names = {change.kind == "live" ? live::kTablePrefix + change.name : change.name};
    if (change.kind == "stream") names = capture::tables_of(change.name);
    for (const std::string& name : names) {
      if (!tables->contains(name)) continue;
      change.compatible = false;
      change.details.push_back("there is a loaded table '" + name +
                               "', which SQL would show instead: refused (give the " + change.kind + " another name)");
    }
  }
  return {};
}

Result<std::set<std::string>> Deployment::known_tables(const project::Project& project) {
  TRY_ASSIGN(std::set<std::string> known, parts_.loaded_tables());
  for (const auto& declaration : project.declarations) {
    if (declaration.kind == "stream") {
      for (std::string& table : capture::tables_of(declaration.name)) known.insert(std::move(table));
    } else if (declaration.kind == "table" || declaration.kind == "external") {
      known.insert(declaration.name);
    }
  }
  return known;
}

namespace {

void refuse(project::Plan& plan, const std::string& kind, const std::string& name, const std::string& why) {
  for (project::Change& change : plan.changes) {
    if (change.kind != kind || change.name != name) continue;
    change.compatible = false;
    change.details.push_back(why);
  }
}

}  // namespace

Status Deployment::check_tables(const project::Project& project, project::Plan& plan) {
  std::map<std::string, std::vector<std::string>> reads;
  std::set<std::string> raw;  // nothing tells when days of them change
  for (const auto& declaration : project.declarations) {
    if (declaration.kind == "stream") raw.insert("raw_" + declaration.name);
    if (declaration.kind != "table") continue;
    TRY_ASSIGN(const flow::Table table, flow::table_from_json(declaration.body));
    TRY_ASSIGN(reads[declaration.name], parts_.flow.examine(table));
  }
  if (reads.empty()) return {};
  TRY_ASSIGN(auto known, known_tables(project));
  for (const std::string& name : raw) known.erase(name);
  for (const auto& [name, inputs] : reads) {
    for (const std::string& input : inputs) {
      if (known.contains(input) || input.starts_with("weir_")) continue;
      refuse(plan, "table", name,
             "it reads '" + input + "', which is neither a stream nor a table: refused (" +
                 did_you_mean(input, {known.begin(), known.end()}) + ")");
    }
  }
  flow::Graph graph;
  for (const auto& [name, inputs] : reads) {
    std::vector<flow::Node> nodes;
    nodes.reserve(inputs.size());
    for (const std::string& input : inputs) nodes.push_back({flow::NodeKind::outside, input});
    TRY(graph.add({flow::NodeKind::table, name}, nodes));
  }
  for (const auto& circle : graph.cycles()) {
    std::vector<std::string> way;
    for (const auto& node : circle) way.push_back(node.name);
    way.push_back(way.front());
    for (const auto& node : circle)
      refuse(plan, "table", node.name, "it is made of itself: " + join(way, " → ") + ": refused");
  }
  return {};
}

Status Deployment::check_lake_tables(const project::Project& project, project::Plan& plan) {
  std::map<std::string, flow::Table> tables;
  std::vector<capture::Stream> streams;
  for (const auto& declaration : project.declarations) {
    if (declaration.kind == "stream") {
      TRY_ASSIGN(streams.emplace_back(), capture::stream_from_json(declaration.body));
    } else if (declaration.kind == "table") {
      TRY_ASSIGN(tables[declaration.name], flow::table_from_json(declaration.body));
    }
  }
  const ColumnsToBe columns(tables, streams, parts_.engine);
  const lake::CommittedTables lake = parts_.lake.committed();
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "table" || tables[declaration.name].stored != flow::Stored::lake) continue;
    for (project::Change& change : plan.changes) {
      if (change.kind != "table" || change.name != declaration.name || !change.compatible) continue;
      const auto refuse = [&](const std::string& why) {
        change.compatible = false;
        if (change.action == project::Action::none) change.action = project::Action::change;  // what it reads changes
        change.details.push_back(declaration.file + ": " + why + ": refused");
      };
      if (lake.tables->find(change.name) != nullptr && !lake.derived.contains(change.name)) {
        refuse(
            "the lake still has what the stream of that name left, which is detached (give the table another name, or "
            "remove that with `weir apply --drop`)");
        continue;
      }
      const auto made = columns.of(change.name);
      if (!made) continue;  // a run says it, as for a table of the engine
      const auto kept = flow::lake_table(flow::content_of(tables[change.name]), *made);
      if (!kept) refuse(kept.error().message + " (" + kept.error().hint + ")");
    }
  }
  return {};
}

Status Deployment::check_live(const project::Project& project, project::Plan& plan) {
  std::vector<capture::AppliedStream> streams;
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "stream") continue;
    TRY_ASSIGN(capture::Stream stream, capture::stream_from_json(declaration.body));
    streams.push_back({0, 0, std::make_shared<const capture::Stream>(std::move(stream))});
  }
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "live") continue;
    TRY_ASSIGN(live::Declaration windows, live::live_from_json(declaration.body));
    const live::Binding binding =
        live::bind_live(std::make_shared<const live::Declaration>(std::move(windows)), streams);
    for (const Error& error : binding.errors) {
      for (project::Change& change : plan.changes) {
        if (change.kind != "live" || change.name != declaration.name) continue;
        change.compatible = false;
        change.details.push_back(error.message + ": refused (" + error.hint + ")");
      }
    }
  }
  return {};
}

namespace {

using Named = std::pair<std::string, std::string>;  // kind, name

// What triggers wait for, other than runs (core/project knows those) and buckets, which are there once something is
// written to them.
std::vector<Named> named_by(const flow::StartRules& rules) {
  std::vector<Named> out;
  for (const flow::Trigger& trigger : rules.triggers) {
    if (trigger.kind == flow::TriggerKind::arrival) out.emplace_back("stream", trigger.name);
    if (trigger.kind == flow::TriggerKind::stale) out.emplace_back("table", trigger.name);
    if (trigger.kind == flow::TriggerKind::job_log) out.emplace_back("job log", trigger.name);
  }
  return out;
}

// What declarations may name.
class KnownNames {
 public:
  static Result<KnownNames> of(const project::Project& project) {
    KnownNames out;
    for (const auto& declaration : project.declarations) out.names_[declaration.kind].insert(declaration.name);
    TRY_ASSIGN(const auto connections, engine::declared_connections(project.settings, "", {}));
    for (const auto& connection : connections) {
      out.names_["connection"].insert(connection.name);
      if (connection.kind == engine::OutsideKind::postgresql) out.names_["job log"].insert(connection.name);
    }
    return out;
  }
  // Why it may not be named; nothing: it may.
  std::optional<std::string> check(const std::string& kind, const std::string& name) const {
    static const std::set<std::string> kNone;
    const auto found = names_.find(kind);
    const auto& known = found == names_.end() ? kNone : found->second;
    if (known.contains(name)) return std::nullopt;
    const auto connections = names_.find("connection");
    if (kind == "job log" && connections != names_.end() && connections->second.contains(name)) {
      return "it follows the job log of '" + name + "', which is no PostgreSQL and has no NOTIFY: refused";
    }
    const bool is_connection = kind == "job log" || kind == "connection";
    const std::string hint = is_connection && known.empty() ? "declare it in `connections:` of weir.yaml"
                                                            : did_you_mean(name, {known.begin(), known.end()});
    return "it names the " + (is_connection ? std::string("connection") : kind) + " '" + name +
           "', which is not declared: refused (" + hint + ")";
  }

 private:
  std::map<std::string, std::set<std::string>> names_;  // by kind
};

}  // namespace

Status Deployment::check_flows(const project::Project& project, project::Plan& plan) {
  TRY_ASSIGN(const KnownNames known, KnownNames::of(project));
  std::set<std::string> taken;  // what no step may change
  for (const auto& declaration : project.declarations) {
    const bool is_external = declaration.kind == "external";
    if (declaration.kind == "table" || declaration.kind == "stream" || is_external) taken.insert(declaration.name);
    if (declaration.kind == "stream") taken.insert(declaration.name + "_quarantine");
  }
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "flow") continue;
    TRY_ASSIGN(const flow::FlowDeclaration flow, flow::flow_from_json(declaration.body));
    std::vector<Named> named = named_by(flow);
    for (const auto& step : flow.steps) {
      for (const std::string& table : step.tables) named.emplace_back("table", table);
    }
    if (!flow.window.late.empty()) named.emplace_back("table", flow.window.late);
    for (const auto& [kind, name] : named) {
      if (const auto error = known.check(kind, name)) refuse(plan, "flow", flow.name, *error);
    }
    for (const Error& error : parts_.flow.examine_flow(flow, taken)) {
      refuse(plan, "flow", flow.name, error.text() + ": refused");
    }
  }
  return {};
}

Status Deployment::check_reviews(const project::Project& project, project::Plan& plan) {
  TRY_ASSIGN(const KnownNames known, KnownNames::of(project));
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "review") continue;
    TRY_ASSIGN(const review::Review review, review::review_from_json(declaration.body));
    std::vector<Named> named = named_by(review.starts);
    if (review.target != review::kThisTarget) named.emplace_back("connection", review.target);
    for (const auto& [kind, name] : named) {
      if (const auto error = known.check(kind, name)) refuse(plan, "review", review.name, *error);
    }
  }
  return {};
}

Status Deployment::check_externals(const project::Project& project, project::Plan& plan) {
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "external") continue;
    TRY_ASSIGN(const lake::ExternalTable table, lake::external_from_json(declaration.body));
    lake::ForeignRules rules = parts_.foreign;
    rules.allowed = project.settings.texts("lake.foreign");
    const auto folder = lake::resolve_foreign(rules, table.from);
    if (folder || folder.error().code != Code::denied) continue;  // one that is not there yet may come
    for (project::Change& change : plan.changes) {
      if (change.kind != "external" || change.name != table.name) continue;
      change.compatible = false;
      change.details.push_back(folder.error().message + ": refused (" + folder.error().hint + ")");
    }
  }
  return {};
}

namespace {

struct DeclaredTables {
  std::map<std::string, flow::Table> tables;
  std::vector<capture::Stream> streams;

  static Result<DeclaredTables> of(const project::Project& project) {
    DeclaredTables out;
    for (const auto& declaration : project.declarations) {
      if (declaration.kind == "stream") {
        TRY_ASSIGN(out.streams.emplace_back(), capture::stream_from_json(declaration.body));
      } else if (declaration.kind == "table") {
        TRY_ASSIGN(out.tables[declaration.name], flow::table_from_json(declaration.body));
      }
    }
    return out;
  }
};

}  // namespace

Status Deployment::check_endpoints(const project::Project& project, project::Plan& plan) {
  TRY_ASSIGN(const DeclaredTables declared, DeclaredTables::of(project));
  const auto& tables = declared.tables;
  const ColumnsToBe columns(tables, declared.streams, parts_.engine);
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "endpoint") continue;
    TRY_ASSIGN(const endpoint::Endpoint endpoint, endpoint::endpoint_from_json(declaration.body));
    std::vector<std::string> wrong;
    const auto table = tables.find(endpoint.table);
    if (table == tables.end()) {
      std::vector<std::string> known;
      for (const auto& [name, one] : tables) known.push_back(name);
      wrong.push_back("it reads '" + endpoint.table + "', which is no derived table (" +
                      did_you_mean(endpoint.table, known) + ")");
    } else if (const auto made = columns.of(endpoint.table)) {
      wrong = endpoint::check_columns(endpoint, table->second, *made);
    } else {
      wrong.push_back("the columns of table " + endpoint.table + " cannot be told: " + made.error().message);
    }
    for (project::Change& change : plan.changes) {
      if (wrong.empty() || change.kind != "endpoint" || change.name != endpoint.name) continue;
      change.compatible = false;
      if (change.action == project::Action::none) change.action = project::Action::change;  // its table changes
      for (const std::string& why : wrong) change.details.push_back(declaration.file + ": " + why + ": refused");
    }
  }
  return {};
}

Status Deployment::check_alerts(const project::Project& project, project::Plan& plan) {
  std::optional<std::set<std::string>> known;  // asked for only where an alarm has SQL
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "alert") continue;
    TRY_ASSIGN(const alarm::AlertFile file, alarm::alerts_from_json(declaration.body));
    for (const alarm::Alarm& alarm : file.alarms) {
      if (!alarm.is_sql()) continue;
      if (!known) {
        TRY_ASSIGN(known, known_tables(project));
      }
      TRY_ASSIGN(const auto shape, parts_.engine.examine(alarm.sql, false));
      for (const auto& read : shape.reads) {
        if (known->contains(read.name) || read.name.starts_with(capture::kSystemPrefix)) continue;
        for (project::Change& change : plan.changes) {
          if (change.kind != "alert" || change.name != declaration.name) continue;
          change.compatible = false;
          change.details.push_back("the alarm " + alarm.name + " reads '" + read.name +
                                   "', which is neither a stream nor a table: refused (" +
                                   did_you_mean(read.name, {known->begin(), known->end()}) + ")");
        }
      }
    }
  }
  return {};
}

// Windows and tables over files become tables when they are applied, and a flow's steps make theirs when it runs.
Result<std::set<std::string>> Deployment::made_later(const project::Project& project) {
  std::set<std::string> out;
  for (const auto& declaration : project.declarations) {
    if (declaration.kind == "live") out.insert(live::kTablePrefix + declaration.name);
    if (declaration.kind == "external") out.insert(declaration.name);
    if (declaration.kind != "flow") continue;
    TRY_ASSIGN(const flow::FlowDeclaration flow, flow::flow_from_json(declaration.body));
    out.merge(parts_.flow.tables_written(flow));
  }
  return out;
}

Status Deployment::check_dashboards(const project::Project& project, project::Plan& plan) {
  DeclaredTables declared;
  const bool data_changes = std::any_of(plan.changes.begin(), plan.changes.end(), [](const project::Change& change) {
    return change.action != project::Action::none && (change.kind == "stream" || change.kind == "table");
  });
  std::optional<ColumnsToBe> columns;  // made only where a dashboard has SQL
  std::set<std::string> later;
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "dashboard") continue;
    TRY_ASSIGN(const dashboard::Dashboard dashboard, dashboard::dashboard_from_json(declaration.body));
    for (const dashboard::Panel& panel : dashboard.panels) {
      if (panel.sql.empty()) continue;
      if (!columns) {
        TRY_ASSIGN(declared, DeclaredTables::of(project));
        columns.emplace(declared.tables, declared.streams, parts_.engine);
        TRY_ASSIGN(later, made_later(project));
      }
      const Status bound = columns->bind(dashboard::select_of(panel), later);
      if (bound) continue;
      for (project::Change& change : plan.changes) {
        if (change.kind != "dashboard" || change.name != declaration.name) continue;
        // As it was before, over data as it was before: that a loaded table is gone stops no start.
        if (change.action == project::Action::none && !data_changes) continue;
        change.compatible = false;
        if (change.action == project::Action::none) change.action = project::Action::change;
        change.details.push_back("the panel " + panel.name + ": " + bound.error().message + ": refused" +
                                 (bound.error().hint.empty() ? "" : " (" + bound.error().hint + ")"));
      }
    }
  }
  return {};
}

Result<std::vector<flow::Forecast>> Deployment::forecast(const project::Project& project) {
  std::vector<flow::Table> tables;
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "table") continue;
    TRY_ASSIGN(flow::Table table, flow::table_from_json(declaration.body));
    tables.push_back(std::move(table));
  }
  return parts_.flow.forecast(tables);
}

Result<http::Deployment::Outcome> Deployment::plan(project::Project project, bool drop) {
  TRY_ASSIGN(auto applied, state_.declarations());
  Outcome out;
  out.plan = project::make_plan(project, registry_, applied, drop);
  TRY(refuse_taken_names(out.plan));
  TRY(check_tables(project, out.plan));
  TRY(check_lake_tables(project, out.plan));
  TRY(check_flows(project, out.plan));
  TRY(check_reviews(project, out.plan));
  TRY(check_endpoints(project, out.plan));
  TRY(check_live(project, out.plan));
  TRY(check_externals(project, out.plan));
  if (project.is_good() && out.plan.is_compatible()) {
    TRY_ASSIGN(out.computes, forecast(project));
  }
  TRY(check_alerts(project, out.plan));
  TRY(check_dashboards(project, out.plan));
  out.project = std::move(project);
  return out;
}

Result<http::Deployment::Outcome> Deployment::apply(project::Project project, bool drop) {
  std::lock_guard lock(mutex_);
  TRY_ASSIGN(Outcome out, plan(std::move(project), drop));
  if (!out.project.is_good() || !out.plan.is_compatible()) return out;
  TRY_ASSIGN(out.plan, project::apply_project(out.project, registry_, state_, drop));
  TRY(reload());
  out.runs = parts_.begin_loads();
  out.applied = true;
  return out;
}

Result<http::Deployment::Outcome> Deployment::plan_folder(bool drop) {
  TRY_ASSIGN(auto project, read_folder());
  return plan(std::move(project), drop);
}

Result<http::Deployment::Outcome> Deployment::apply_folder(bool drop) {
  TRY_ASSIGN(auto project, read_folder());
  return apply(std::move(project), drop);
}

Result<http::Deployment::Outcome> Deployment::plan_files(project::Sources sources, bool drop) {
  return plan(read_files(sources), drop);
}

Result<http::Deployment::Outcome> Deployment::apply_files(project::Sources sources, bool drop) {
  return apply(read_files(sources), drop);
}

Status Deployment::reload() {
  TRY_ASSIGN(AppliedStreams streams, applied_streams(parts_.control));
  // The lake first: a record may only be captured once there is somebody who knows what to do with it.
  TRY(parts_.lake.set_streams(streams.followed));
  TRY_ASSIGN(auto windows, applied_live(parts_.control));
  parts_.live.set_declarations(std::move(windows), streams.followed);
  parts_.engine.set_views(live::live_views(parts_.live));
  parts_.capture.set_streams(std::move(streams.captured));
  TRY_ASSIGN(auto externals, applied_externals(parts_.control));
  TRY(parts_.externals.set_tables(std::move(externals)));
  const std::vector<std::string> filled = parts_.externals.names();
  parts_.flow.set_filled_tables({filled.begin(), filled.end()});
  TRY_ASSIGN(auto tables, applied_tables(parts_.control));
  parts_.flow.set_tables(std::move(tables));
  TRY_ASSIGN(auto endpoints, applied_endpoints(parts_.control));
  TRY(parts_.endpoints.set_endpoints(std::move(endpoints)));
  TRY_ASSIGN(auto flows, applied_flows(parts_.control));
  TRY(parts_.flows.set_flows(std::move(flows)));
  TRY_ASSIGN(auto dashboards, applied_dashboards(parts_.control));
  parts_.dashboards.set_dashboards(std::move(dashboards));
  TRY_ASSIGN(auto reviews, applied_reviews(parts_.control));
  TRY(parts_.reviews.set_reviews(std::move(reviews)));
  TRY_ASSIGN(const auto alerts, applied_alerts(parts_.control));
  // Channels first: an alarm that goes off finds who is to be told.
  parts_.notifier.set_channels(alerts.channels, alerts.topics);
  parts_.run_findings.set_alerts(alerts.runs);
  return parts_.alarms.set_alarms(alerts.alarms);
}

Status Deployment::destroy_table(std::string_view name) {
  return parts_.flow.drop_table(std::string(name));
}

// Called while its declaration is detached: nothing more arrives. What is under way is committed first, then the files
// go.
Status Deployment::destroy_stream(std::string_view name) {
  TRY_ASSIGN(AppliedStreams streams, applied_streams(parts_.control));
  std::erase_if(streams.captured, [&](const auto& applied) { return applied.stream->name == name; });
  parts_.capture.set_streams(std::move(streams.captured));
  TRY(parts_.lake.drain(minutes(1)));
  return parts_.lake.drop(name);
}

}  // namespace weir::app
