#include "platform/flow/flow_declaration.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/flow_steps.h"
#include "platform/flow/flow_words.h"

namespace weir::flow {
namespace {

void read_window(YamlReader& in, Window& into) {
  auto section = in.section("window", "the window");
  if (!section) return;
  section->integer("days", into.days, {1, 366});
  section->integer("offset", into.offset, {-3'660, 366});
  section->identifier("late", into.late);
}

std::vector<project::Difference> compare_json(const Json& from, const Json& to) {
  auto applied = flow_from_json(from);
  auto wanted = flow_from_json(to);
  if (applied && wanted) return compare(*applied, *wanted);
  // What is applied cannot be read (a newer weir wrote it): it is not overwritten.
  const Error& error = applied ? wanted.error() : applied.error();
  return {{"the flow's declaration", false, error.message, error.hint}};
}

}  // namespace

Duration Retries::wait_before(int number) const {
  const double micros = static_cast<double>(wait.micros) * std::pow(factor, std::max(number, 1) - 1);
  if (!(micros < static_cast<double>(max.micros))) return max;
  return microseconds(static_cast<int64_t>(micros));
}

WindowDays days_of(const Window& window, int32_t start_day) {
  const int32_t last = start_day + window.offset;
  return {last - (window.days - 1), last};
}

std::vector<std::vector<size_t>> steps_before(const FlowDeclaration& flow) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < flow.steps.size(); ++i) places.emplace(flow.steps[i].name, i);
  std::vector<std::vector<size_t>> out(flow.steps.size());
  for (size_t i = 0; i < flow.steps.size(); ++i) {
    const Step& step = flow.steps[i];
    if (step.after) {
      for (const std::string& name : *step.after) {
        if (const auto found = places.find(name); found != places.end()) out[i].push_back(found->second);
      }
      std::sort(out[i].begin(), out[i].end());
    } else if (flow.order == StepOrder::serial && i > 0) {
      out[i].push_back(i - 1);
    }
  }
  return out;
}

ParsedFlow parse_flow(const Yaml& root, const std::string& name, const StartChecks& checks) {
  ParsedFlow out;
  FlowDeclaration& flow = out.flow;
  flow.name = name;
  YamlReader in(root, "the flow");
  check_file_name(in, name, "flow");
  read_description(in, flow.description);
  project::Common common;
  project::read_common(in, common);
  flow.enabled = common.enabled;
  flow.tags = std::move(common.tags);
  read_start_rules(in, checks, kFlowRunKind, name, flow);
  read_window(in, flow.window);
  in.choice("order", flow.order, order_words());
  FlowSteps(in, flow).read();
  read_retries(in, flow.retries);
  in.duration("time_limit", flow.time_limit, {seconds(1), days(30)});
  in.integer("max_active", flow.max_active, {1, kActiveMax});
  in.choice("on_failure", flow.on_failure, flow_failure_words());
  out.errors = in.finish();
  return out;
}

ParsedFlow parse_flow(std::string_view text, const std::string& file, const std::string& name,
                      const StartChecks& checks) {
  auto root = parse_yaml(text, {file, 1});
  if (root) return parse_flow(*root, name, checks);
  ParsedFlow out;
  out.flow.name = name;
  out.errors.push_back(std::move(root).error());
  return out;
}

project::Kind flow_kind(StartChecks checks) {
  project::Kind kind;
  kind.name = "flow";
  kind.folder = "flows";
  kind.prose = "A flow: steps in an order, when they run and what happens when one fails.";
  kind.parse = [checks = std::move(checks)](const project::DeclarationSource& source) {
    ParsedFlow parsed = parse_flow(source.root, source.name, checks);
    project::Declared out;
    out.name = source.name;
    out.errors = std::move(parsed.errors);
    if (out.errors.empty()) {
      out.body = to_json(parsed.flow);
      out.started_by = starters_of(source.root, parsed.flow);
    }
    return out;
  };
  kind.compare = compare_json;
  kind.schema = flow_schema;
  return kind;
}

}  // namespace weir::flow
