#include "app/deployment.h"

#include <unistd.h>

#include <map>

#include "core/base/text.h"
#include "platform/flow/graph.h"

namespace weir::app {

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

Deployment::Deployment(const Parts& parts, std::string folder, std::string environment)
    : parts_(parts),
      folder_(std::move(folder)),
      environment_(std::move(environment)),
      registry_(make_registry({.stream = [this](std::string_view name, uint32_t) { return destroy_stream(name); },
                               .table = [this](std::string_view name, uint32_t) { return destroy_table(name); },
                               .flow = [](std::string_view, uint32_t) { return Status(); }},  // it has no data
                              [this](const flow::Table& table) { return parts_.flow.examine(table); })),
      state_(parts_.control) {}

project::ReadOptions Deployment::read_options() {
  project::ReadOptions out;
  out.environment = environment_;
  out.process_environment = process_environment();
  out.secret = [this](std::string_view name) { return parts_.secrets.find(name); };
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
        if (declaration.kind == "table") tables->erase(declaration.name);  // its own content, of before it was detached
      }
    }
    std::vector<std::string> names = {change.name};
    if (change.kind == "stream") names.push_back(change.name + "_quarantine");
    for (const std::string& name : names) {
      if (!tables->contains(name)) continue;
      change.compatible = false;
      change.details.push_back("there is a loaded table '" + name +
                               "', which SQL would show instead: refused (give the " + change.kind + " another name)");
    }
  }
  return {};
}

Status Deployment::check_tables(const project::Project& project, project::Plan& plan) {
  std::map<std::string, std::vector<std::string>> reads;
  std::set<std::string> known;
  for (const auto& declaration : project.declarations) {
    known.insert(declaration.name);
    if (declaration.kind == "stream") known.insert(declaration.name + "_quarantine");
    if (declaration.kind != "table") continue;
    TRY_ASSIGN(const flow::Table table, flow::table_from_json(declaration.body));
    TRY_ASSIGN(reads[declaration.name], parts_.flow.examine(table));
  }
  if (reads.empty()) return {};
  TRY_ASSIGN(const auto loaded, parts_.loaded_tables());
  known.insert(loaded.begin(), loaded.end());
  const auto refuse = [&](const std::string& name, std::string why) {
    for (project::Change& change : plan.changes) {
      if (change.kind != "table" || change.name != name) continue;
      change.compatible = false;
      change.details.push_back(std::move(why));
    }
  };
  for (const auto& [name, inputs] : reads) {
    for (const std::string& input : inputs) {
      if (known.contains(input) || input.starts_with("weir_")) continue;
      refuse(name, "it reads '" + input + "', which is neither a stream nor a table: refused (" +
                       did_you_mean(input, {known.begin(), known.end()}) + ")");
    }
  }
  flow::Graph graph;
  for (const auto& [name, inputs] : reads) {
    std::vector<flow::Node> nodes;
    for (const std::string& input : inputs) nodes.push_back({flow::NodeKind::outside, input});
    TRY(graph.add({flow::NodeKind::table, name}, nodes));
  }
  for (const auto& circle : graph.cycles()) {
    std::vector<std::string> way;
    for (const auto& node : circle) way.push_back(node.name);
    way.push_back(way.front());
    for (const auto& node : circle) refuse(node.name, "it is made of itself: " + join(way, " → ") + ": refused");
  }
  return {};
}

Status Deployment::check_flows(const project::Project& project, project::Plan& plan) {
  std::map<std::string, std::set<std::string>> known;  // by kind
  for (const auto& declaration : project.declarations) known[declaration.kind].insert(declaration.name);
  for (const auto& declaration : project.declarations) {
    if (declaration.kind != "flow") continue;
    TRY_ASSIGN(const flow::FlowDeclaration flow, flow::flow_from_json(declaration.body));
    std::vector<std::pair<std::string, std::string>> named;  // kind, name
    for (const auto& step : flow.steps) {
      for (const std::string& table : step.tables) named.emplace_back("table", table);
    }
    for (const auto& trigger : flow.triggers) {
      named.emplace_back(trigger.kind == flow::TriggerKind::arrival ? "stream"
                         : trigger.kind == flow::TriggerKind::stale ? "table"
                                                                    : "flow",
                         trigger.name);
    }
    for (const auto& [kind, name] : named) {
      if (known[kind].contains(name)) continue;
      for (project::Change& change : plan.changes) {
        if (change.kind != "flow" || change.name != flow.name) continue;
        change.compatible = false;
        change.details.push_back("it names the " + kind + " '" + name + "', which is not declared: refused (" +
                                 did_you_mean(name, {known[kind].begin(), known[kind].end()}) + ")");
      }
    }
  }
  return {};
}

Result<http::Deployment::Outcome> Deployment::plan(project::Project project, bool drop) {
  TRY_ASSIGN(auto applied, state_.declarations());
  Outcome out;
  out.plan = project::make_plan(project, registry_, applied, drop);
  TRY(refuse_taken_names(out.plan));
  TRY(check_tables(project, out.plan));
  TRY(check_flows(project, out.plan));
  out.project = std::move(project);
  return out;
}

Result<http::Deployment::Outcome> Deployment::apply(project::Project project, bool drop) {
  std::lock_guard lock(mutex_);
  TRY_ASSIGN(Outcome out, plan(std::move(project), drop));
  if (!out.project.is_good() || !out.plan.is_compatible()) return out;
  TRY_ASSIGN(out.plan, project::apply_project(out.project, registry_, state_, drop));
  TRY(reload());
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
  TRY(parts_.lake.set_streams(std::move(streams.followed)));
  parts_.capture.set_streams(std::move(streams.captured));
  TRY_ASSIGN(auto tables, applied_tables(parts_.control));
  parts_.flow.set_tables(std::move(tables));
  TRY_ASSIGN(auto flows, applied_flows(parts_.control));
  TRY(parts_.flows.set_flows(std::move(flows)));
  TRY_ASSIGN(auto dashboards, applied_dashboards(parts_.control));
  parts_.dashboards.set_dashboards(std::move(dashboards));
  return {};
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
