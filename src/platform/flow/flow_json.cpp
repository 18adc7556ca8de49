// The canonical JSON of a flow, as the control database keeps it. Every key is written, so that a default that changes
// later changes no flow that is applied; of a step, what belongs to its kind.
#include "platform/flow/flow_json.h"

#include "core/base/json_shape.h"
#include "platform/flow/declaration_json.h"
#include "platform/flow/flow_words.h"

namespace weir::flow {
namespace {

// 3 knew neither job logs nor reviews as triggers; 2 did not know triggers by objects; 1 had neither late of a window
// nor by of a load.
constexpr int kFormat = 4;

Json window_json(const Window& window) {
  return Json::Object{{"days", window.days}, {"offset", window.offset}, {"late", window.late}};
}

Json environment_json(const Command& command) {
  Json out(Json::Object{});
  for (const auto& [name, value] : command.environment) {
    out.set(name, Json::Object{{"text", value.text}, {"secret", value.secret}});
  }
  return out;
}

Retries retries_from(const Json& json, std::string& wrong) {
  Retries out;
  JsonShape in(json, "retries", wrong);
  int64_t times = 0;
  in.integer("times", times, 0, kRetriesMax);
  out.times = static_cast<int>(times);
  in.duration("wait", out.wait);
  in.number("factor", out.factor);
  in.duration("max", out.max);
  in.finish();
  return out;
}

Window window_from(const Json& json, int64_t format, std::string& wrong) {
  int64_t days = 1, offset = 0;
  std::string late;
  JsonShape in(json, "the window", wrong);
  in.integer("days", days, 1, 366);
  in.integer("offset", offset, -3'660, 366);
  if (format > 1) in.text("late", late);
  in.finish();
  return {static_cast<int>(days), static_cast<int>(offset), std::move(late)};
}

void environment_from(const Json& json, Command& into, std::string& wrong) {
  for (const auto& [name, value] : json.object()) {
    JsonShape in(value, "env." + name, wrong);
    EnvironmentValue& out = into.environment[name];
    in.text("text", out.text);
    in.flag("secret", out.secret);
    in.finish();
  }
}

void work_from(JsonShape& in, int64_t format, Step& out, std::string& wrong) {
  switch (out.kind) {
    case StepKind::tables:
      return in.texts("tables", out.tables);
    case StepKind::sql:
      return in.text("sql", out.sql);
    case StepKind::load:
      in.text("file", out.load.file);
      in.text("table", out.load.table);
      in.choice("format", out.load.format, format_words());
      if (format > 1) in.text("by", out.load.by);
      return in.choice("mode", out.load.mode, mode_words());
    case StepKind::unload:
      in.text("select", out.unload.select);
      in.text("table", out.unload.table);
      in.text("to", out.unload.to);
      in.choice("format", out.unload.format, format_words());
      return in.flag("header", out.unload.header);
    case StepKind::check:
      return in.text("check", out.check);
    case StepKind::command:
      in.texts("command", out.command.arguments);
      if (const Json* environment = in.need("env")) {
        if (!environment->is_object()) return in.fail("has an env that is no object");
        environment_from(*environment, out.command, wrong);
      }
  }
}

Step step_from(const Json& json, int64_t format, std::string& wrong) {
  Step out;
  JsonShape in(json, "a step", wrong);
  in.text("name", out.name);
  in.choice("kind", out.kind, step_words());
  work_from(in, format, out, wrong);
  if (const Json* after = in.need("after"); after != nullptr && !after->is_null()) {
    out.after.emplace();
    in.texts("after", *out.after);
  }
  if (const Json* retries = in.need("retries"); retries != nullptr && !retries->is_null()) {
    out.retries = retries_from(*retries, wrong);
  }
  in.duration("time_limit", out.time_limit);
  in.choice("on_failure", out.on_failure, step_failure_words());
  in.finish();
  return out;
}

void flow_from(const Json& json, FlowDeclaration& out, std::string& wrong) {
  JsonShape in(json, "it", wrong);
  int64_t format = kFormat;
  in.integer("format", format, 1, kFormat);
  in.text("name", out.name);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.texts("schedules", out.schedules);
  in.text("zone", out.zone);
  if (const Json::Array* triggers = in.list("triggers")) {
    for (const Json& trigger : *triggers) out.triggers.push_back(trigger_from_json(trigger, format, wrong));
  }
  if (const Json* window = in.need("window")) out.window = window_from(*window, format, wrong);
  if (const Json::Array* steps = in.list("steps")) {
    for (const Json& step : *steps) out.steps.push_back(step_from(step, format, wrong));
    if (steps->empty()) in.fail("has no steps");
  }
  in.choice("order", out.order, order_words());
  if (const Json* retries = in.need("retries")) out.retries = retries_from(*retries, wrong);
  in.duration("time_limit", out.time_limit);
  int64_t max_active = 1;
  in.integer("max_active", max_active, 1, kActiveMax);
  out.max_active = static_cast<int>(max_active);
  in.choice("on_failure", out.on_failure, flow_failure_words());
  in.finish();
}

}  // namespace

Json retries_json(const Retries& retries) {
  return Json::Object{{"times", retries.times},
                      {"wait", format_duration(retries.wait)},
                      {"factor", retries.factor},
                      {"max", format_duration(retries.max)}};
}

Json step_json(const Step& step) {
  Json out(Json::Object{{"name", step.name}, {"kind", step_word(step.kind)}});
  switch (step.kind) {
    case StepKind::tables:
      out.set("tables", texts_json(step.tables));
      break;
    case StepKind::sql:
      out.set("sql", step.sql);
      break;
    case StepKind::load:
      out.set("file", step.load.file);
      out.set("table", step.load.table);
      out.set("format", format_word(step.load.format));
      out.set("mode", word_of(mode_words(), step.load.mode));
      out.set("by", step.load.by);
      break;
    case StepKind::unload:
      out.set("select", step.unload.select);
      out.set("table", step.unload.table);
      out.set("to", step.unload.to);
      out.set("format", format_word(step.unload.format));
      out.set("header", step.unload.header);
      break;
    case StepKind::check:
      out.set("check", step.check);
      break;
    case StepKind::command:
      out.set("command", texts_json(step.command.arguments));
      out.set("env", environment_json(step.command));
      break;
  }
  out.set("after", step.after ? texts_json(*step.after) : Json());
  out.set("retries", step.retries ? retries_json(*step.retries) : Json());
  out.set("time_limit", duration_json(step.time_limit));
  out.set("on_failure", word_of(step_failure_words(), step.on_failure));
  return out;
}

Json to_json(const FlowDeclaration& flow) {
  Json triggers(Json::Array{}), steps(Json::Array{});
  for (const Trigger& trigger : flow.triggers) triggers.push(trigger_json(trigger));
  for (const Step& step : flow.steps) steps.push(step_json(step));
  return Json::Object{{"format", kFormat},
                      {"name", flow.name},
                      {"description", flow.description},
                      {"enabled", flow.enabled},
                      {"tags", text_map_json(flow.tags)},
                      {"schedules", texts_json(flow.schedules)},
                      {"zone", flow.zone},
                      {"triggers", std::move(triggers)},
                      {"window", window_json(flow.window)},
                      {"steps", std::move(steps)},
                      {"order", word_of(order_words(), flow.order)},
                      {"retries", retries_json(flow.retries)},
                      {"time_limit", duration_json(flow.time_limit)},
                      {"max_active", flow.max_active},
                      {"on_failure", word_of(flow_failure_words(), flow.on_failure)}};
}

Result<FlowDeclaration> flow_from_json(const Json& json) {
  TRY(check_format(json, "flow", kFormat));
  FlowDeclaration out;
  std::string wrong;
  flow_from(json, out, wrong);
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of a flow does not read: " + wrong);
  return out;
}

}  // namespace weir::flow
