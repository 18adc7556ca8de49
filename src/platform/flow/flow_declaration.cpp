#include "platform/flow/flow_declaration.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/flow_steps.h"
#include "platform/flow/flow_words.h"
#include "platform/warehouse/buckets.h"

namespace weir::flow {
namespace {

constexpr size_t kZoneBytesMax = 64;

// The place of a mistake within a text of one line.
Position inside(const Yaml& node, const Error& error) {
  Position at = node.at;
  const bool is_plain = node.text == node.written && node.text.find('\n') == std::string::npos;
  if (is_plain && error.position && error.position->column > 1) {
    at.column += error.position->column - 1 + (node.quoted ? 1 : 0);
  }
  return at;
}

void read_schedule(YamlReader& in, const FlowChecks& checks, FlowDeclaration& into) {
  if (!read_text_or_texts(in, "schedule", into.schedules)) return;
  const Yaml& node = *in.value("schedule");
  if (into.schedules.empty()) in.refuse("schedule", "the list is empty", "remove it: a flow may have none");
  if (!check_count(in, "schedule", into.schedules.size(), kSchedulesMax)) return;
  std::set<std::string> seen;
  for (size_t i = 0; i < into.schedules.size(); ++i) {
    const std::string& text = into.schedules[i];
    const Yaml& item = node.is_sequence() ? node.items[i] : node;
    if (!seen.insert(text).second) in.refuse_at(item.at, "schedule: " + shown(text) + " is listed twice");
    if (text.size() > kFlowScheduleBytesMax) {
      in.refuse_at(item.at, "schedule: a text has " + std::to_string(text.size()) + " bytes, allowed are " +
                                std::to_string(kFlowScheduleBytesMax));
    } else if (checks.schedule) {
      const Status judged = checks.schedule(text);
      if (!judged)
        in.refuse_at(inside(item, judged.error()), "schedule: " + judged.error().message, judged.error().hint);
    }
  }
}

void read_zone(YamlReader& in, const FlowChecks& checks, FlowDeclaration& into) {
  if (!in.text("zone", into.zone)) return;
  if (into.zone.empty() || into.zone.size() > kZoneBytesMax) {
    in.refuse("zone", shown(into.zone) + " is no zone", "for example Europe/Berlin");
  } else if (checks.zone) {
    const Status judged = checks.zone(into.zone);
    if (!judged) in.refuse("zone", judged.error().message, judged.error().hint);
  }
}

// One of three kinds, each with what belongs to it.
std::optional<Trigger> read_trigger(YamlSection& section, const std::string& flow) {
  std::vector<std::string> given, known;
  Trigger out;
  for (const auto& [word, kind] : trigger_words()) {
    known.push_back(word);
    if (section.value(word) == nullptr) continue;
    given.push_back(word);
    out.kind = kind;
  }
  const bool has_quiet = section.duration("quiet", out.quiet, {seconds(0), days(1)});
  const bool has_state = section.choice("state", out.state, state_words());
  if (given.size() != 1) {
    section.refuse_at(section.node().at,
                      "a trigger is one of " + join(known, ", ") +
                          (given.empty() ? "; this names none" : "; this is " + join(given, " and ")));
    return std::nullopt;
  }
  if (has_quiet && out.kind != TriggerKind::arrival && out.kind != TriggerKind::object) {
    section.refuse("quiet", "belongs to arrival and object", "remove it");
  }
  if (has_state && out.kind != TriggerKind::run) section.refuse("state", "belongs to run", "remove it");
  if (out.kind == TriggerKind::object) {
    if (!section.text("object", out.name)) return std::nullopt;
    const auto place = warehouse::ObjectPath::of(out.name);
    if (place && out.name.size() <= kPathBytesMax) return out;
    section.refuse("object", "is no place in the store", "write s3://bucket/prefix, of up to 1024 bytes");
    return std::nullopt;
  }
  if (!section.identifier(given.front(), out.name)) return std::nullopt;
  if (out.kind == TriggerKind::run && out.name == flow) {
    section.refuse("run", "the flow " + shown(flow) + " would start itself again and again",
                   "write a schedule, or retries");
  }
  return out;
}

void read_triggers(YamlReader& in, FlowDeclaration& into) {
  if (!check_entries(in, "triggers", kTriggersMax)) return;
  for (YamlSection& section : in.sections("triggers", "a trigger")) {
    auto trigger = read_trigger(section, into.name);
    if (!trigger) continue;
    const bool is_known = std::any_of(into.triggers.begin(), into.triggers.end(), [&](const Trigger& one) {
      return one.kind == trigger->kind && one.name == trigger->name && one.state == trigger->state;
    });
    if (is_known) {
      section.refuse_at(section.node().at,
                        std::string(trigger_word(trigger->kind)) + " of " + trigger->name + " is listed twice");
    }
    into.triggers.push_back(std::move(*trigger));
  }
}

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

ParsedFlow parse_flow(const Yaml& root, const std::string& name, const FlowChecks& checks) {
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
  read_schedule(in, checks, flow);
  read_zone(in, checks, flow);
  read_triggers(in, flow);
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
                      const FlowChecks& checks) {
  auto root = parse_yaml(text, {file, 1});
  if (root) return parse_flow(*root, name, checks);
  ParsedFlow out;
  out.flow.name = name;
  out.errors.push_back(std::move(root).error());
  return out;
}

project::Kind flow_kind(FlowChecks checks) {
  project::Kind kind;
  kind.name = "flow";
  kind.folder = "flows";
  kind.prose = "A flow: steps in an order, when they run and what happens when one fails.";
  kind.parse = [checks = std::move(checks)](const project::DeclarationSource& source) {
    ParsedFlow parsed = parse_flow(source.root, source.name, checks);
    project::Declared out;
    out.name = source.name;
    out.errors = std::move(parsed.errors);
    if (out.errors.empty()) out.body = to_json(parsed.flow);
    return out;
  };
  kind.compare = compare_json;
  kind.schema = flow_schema;
  return kind;
}

}  // namespace weir::flow
