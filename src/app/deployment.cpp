#include "app/deployment.h"

#include <unistd.h>

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
      registry_(make_registry([this](std::string_view name, uint32_t) { return destroy_stream(name); })),
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
    if (change.kind != "stream" || change.action != project::Action::create) continue;
    if (!tables) {
      TRY_ASSIGN(tables, parts_.loaded_tables());
    }
    for (const std::string& name : {change.name, change.name + "_quarantine"}) {
      if (!tables->contains(name)) continue;
      change.compatible = false;
      change.details.push_back("there is a loaded table '" + name +
                               "', which SQL would show instead: refused (give the stream another name)");
    }
  }
  return {};
}

Result<http::Deployment::Outcome> Deployment::plan(project::Project project, bool drop) {
  TRY_ASSIGN(auto applied, state_.declarations());
  Outcome out;
  out.plan = project::make_plan(project, registry_, applied, drop);
  TRY(refuse_taken_names(out.plan));
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
  return {};
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
