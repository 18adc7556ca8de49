#include "platform/flow/flows.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::flow {

Startable Flows::startable(const FlowDeclaration& flow) const {
  Startable out;
  out.kind = kFlowRunKind;
  out.name = flow.name;
  out.enabled = flow.enabled;
  out.rules = flow;
  out.at_once = flow.max_active;
  out.declaration = to_json(flow).dump();
  out.goes_on_behind = flow.on_failure == FlowFailure::keep_going;
  out.start = [this, flow](const StartReason& due) -> Result<std::string> {
    FlowRequest request;
    if (due.from && due.to) {
      TRY_ASSIGN(const Zone zone, Zone::find(flow.zone));
      // For the days of the first of the times to those of the last.
      request.from = days_of(flow.window, zone.day_of(due.from->micros)).first;
      request.to = days_of(flow.window, zone.day_of(due.to->micros)).last + 1;
    }
    request.cause = due.cause;
    return parts_.flow.start_flow(flow, request);
  };
  return out;
}

Status Flows::set_flows(std::vector<FlowDeclaration> flows) {
  std::map<std::string, FlowDeclaration, std::less<>> made;
  std::vector<Startable> startables;
  for (FlowDeclaration& flow : flows) {
    startables.push_back(startable(flow));
    std::string name = flow.name;
    made.emplace(std::move(name), std::move(flow));
  }
  TRY(parts_.starts.set(kFlowRunKind, std::move(startables)));
  const MutexLock lock(mutex_);
  flows_ = std::move(made);
  return {};
}

Result<std::vector<FlowState>> Flows::flows() {
  std::vector<FlowState> out;
  {
    const MutexLock lock(mutex_);
    for (const auto& [name, flow] : flows_) out.push_back({flow, {}, std::nullopt});
  }
  for (FlowState& state : out) {
    state.start = parts_.starts.state(kFlowRunKind, state.flow.name);
    TRY_ASSIGN(const auto runs, parts_.flow.runs(state.flow.name, false, 50));
    const auto last = std::find_if(runs.begin(), runs.end(), [](const auto& run) { return run.kind == kFlowRunKind; });
    if (last != runs.end()) state.last = *last;
  }
  return out;
}

Result<std::string> Flows::start(std::string_view name, const FlowRequest& request) {
  const MutexLock lock(mutex_);
  const auto found = flows_.find(name);
  if (found == flows_.end()) {
    std::vector<std::string> known;
    for (const auto& [other, declared] : flows_) known.push_back(other);
    return Error(Code::not_found, "there is no flow " + shown(name), did_you_mean(name, known));
  }
  if (!found->second.enabled) {
    return Error(Code::conflict, "flow " + std::string(name) + " is disabled", "set enabled: true in its declaration");
  }
  return parts_.flow.start_flow(found->second, request);
}

Json FlowState::to_json() const {
  Json out{Json::Object{}};
  out.set("name", flow.name);
  out.set("description", flow.description);
  out.set("enabled", flow.enabled);
  start.add_to(out);
  Json steps{Json::Array{}};
  for (const Step& step : flow.steps) {
    Json one{Json::Object{}};
    one.set("name", step.name);
    one.set("kind", step_word(step.kind));
    Json tables{Json::Array{}};
    for (const std::string& table : step.tables) tables.push(table);
    one.set("tables", std::move(tables));
    steps.push(std::move(one));
  }
  out.set("steps", std::move(steps));
  out.set("last_run", last ? run_json(*last) : Json());
  return out;
}

}  // namespace weir::flow
