#include "platform/flow/start_rules.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/json_shape.h"
#include "core/base/text.h"
#include "platform/flow/declaration_json.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/flow_words.h"
#include "platform/flow/schedule.h"
#include "platform/flow/zone.h"
#include "platform/warehouse/buckets.h"

namespace weir::flow {
namespace {

constexpr size_t kZoneBytesMax = 64;
constexpr size_t kColumnBytesMax = 256;
constexpr int64_t kFormatWithWork = 4;
constexpr std::string_view kReviewPrefix = "review/";

// The place of a mistake within a text of one line.
Position inside(const Yaml& node, const Error& error) {
  Position at = node.at;
  const bool is_plain = node.text == node.written && node.text.find('\n') == std::string::npos;
  if (is_plain && error.position && error.position->column > 1) {
    at.column += error.position->column - 1 + (node.quoted ? 1 : 0);
  }
  return at;
}

void read_schedule(YamlReader& in, const StartChecks& checks, StartRules& into) {
  if (!read_text_or_texts(in, "schedule", into.schedules)) return;
  const Yaml& node = *in.value("schedule");
  if (into.schedules.empty()) in.refuse("schedule", "the list is empty", "remove it: there need not be one");
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

void read_zone(YamlReader& in, const StartChecks& checks, StartRules& into) {
  if (!in.text("zone", into.zone)) return;
  if (into.zone.empty() || into.zone.size() > kZoneBytesMax) {
    in.refuse("zone", shown(into.zone) + " is no zone", "for example Europe/Berlin");
  } else if (checks.zone) {
    const Status judged = checks.zone(into.zone);
    if (!judged) in.refuse("zone", judged.error().message, judged.error().hint);
  }
}

bool waits_for_quiet(TriggerKind kind) {
  return kind == TriggerKind::arrival || kind == TriggerKind::object || kind == TriggerKind::job_log;
}

// Keys that belong to some kinds only.
void read_particulars(YamlSection& section, bool is_one, Trigger& out) {
  const bool has_quiet = section.duration("quiet", out.quiet, {seconds(0), days(1)});
  const bool has_state = section.choice("state", out.state, state_words());
  const bool has_where = section.text_map("where", out.where);
  if (!is_one) return;
  if (has_quiet && !waits_for_quiet(out.kind)) {
    section.refuse("quiet", "belongs to arrival, object and job_log", "remove it");
  }
  if (has_state && out.kind != TriggerKind::run) section.refuse("state", "belongs to run", "remove it");
  if (!has_where) return;
  if (out.kind != TriggerKind::job_log) section.refuse("where", "belongs to job_log", "remove it");
  if (out.where.size() > kTriggerColumnsMax) section.refuse("where", "has more than 16 columns");
  for (const auto& [column, value] : out.where) {
    if (column.empty() || column.size() > kColumnBytesMax || value.size() > kColumnBytesMax) {
      section.refuse("where", "a column and its value have 1 to 256 bytes");
    }
  }
}

bool read_started_by(YamlSection& section, std::string_view kind, const std::string& name, Trigger& out) {
  if (!section.text("run", out.name)) return false;
  if (out.name.starts_with(kReviewPrefix)) {
    out.work = kReviewRunKind;
    out.name.erase(0, kReviewPrefix.size());
  }
  if (!is_identifier(out.name)) {
    section.refuse("run", shown(out.name) + " is no name", "run: nightly is a flow's, run: review/health a review's");
    return false;
  }
  if (out.work == kind && out.name == name) {
    section.refuse("run", "the " + std::string(kind) + " " + shown(name) + " would start itself again and again",
                   "write a schedule, or retries");
  }
  return true;
}

// One of the kinds, each with what belongs to it.
std::optional<Trigger> read_trigger(YamlSection& section, std::string_view kind, const std::string& name) {
  std::vector<std::string> given, known;
  Trigger out;
  for (const auto& [word, one] : trigger_words()) {
    known.push_back(word);
    if (section.value(word) == nullptr) continue;
    given.push_back(word);
    out.kind = one;
  }
  read_particulars(section, given.size() == 1, out);
  if (given.size() != 1) {
    section.refuse_at(section.node().at,
                      "a trigger is one of " + join(known, ", ") +
                          (given.empty() ? "; this names none" : "; this is " + join(given, " and ")));
    return std::nullopt;
  }
  if (out.kind == TriggerKind::apply) {
    bool is_on = false;
    if (!section.flag("apply", is_on)) return std::nullopt;
    if (!is_on) section.refuse("apply", "is true or not there", "remove this trigger");
    return out;
  }
  if (out.kind == TriggerKind::object) {
    if (!section.text("object", out.name)) return std::nullopt;
    const auto place = warehouse::ObjectPath::of(out.name);
    if (place && out.name.size() <= kPathBytesMax) return out;
    section.refuse("object", "is no place in the store", "write s3://bucket/prefix, of up to 1024 bytes");
    return std::nullopt;
  }
  if (out.kind == TriggerKind::run) {
    if (!read_started_by(section, kind, name, out)) return std::nullopt;
    return out;
  }
  if (!section.identifier(given.front(), out.name)) return std::nullopt;
  return out;
}

// What two triggers of one declaration may not share.
bool is_same_start(const Trigger& one, const Trigger& other) {
  return one.kind == other.kind && one.name == other.name && one.state == other.state && one.work == other.work &&
         one.where == other.where;
}

void read_triggers(YamlReader& in, std::string_view kind, const std::string& name, StartRules& into) {
  if (!check_entries(in, "triggers", kTriggersMax)) return;
  for (YamlSection& section : in.sections("triggers", "a trigger")) {
    auto trigger = read_trigger(section, kind, name);
    if (!trigger) continue;
    const bool is_known = std::any_of(into.triggers.begin(), into.triggers.end(),
                                      [&](const Trigger& one) { return is_same_start(one, *trigger); });
    if (is_known) section.refuse_at(section.node().at, trigger_text(*trigger) + " is listed twice");
    into.triggers.push_back(std::move(*trigger));
  }
}

constexpr const char* kRulesSchema = R"json({
    "schedule": {"type": ["string", "array"], "minItems": 1, "maxItems": 32, "uniqueItems": true,
      "items": {"type": "string", "maxLength": 200},
      "description": "When it runs, one text or a list of them. Without it: by triggers and by hand."},
    "zone": {"type": "string", "minLength": 1, "maxLength": 64, "default": "UTC",
      "description": "The time zone of the schedule and of the window, for example Europe/Berlin."},
    "triggers": {"type": "array", "maxItems": 32, "items": {"$ref": "#/$defs/trigger"},
      "description": "What starts a run besides the schedule."}
})json";

constexpr const char* kTriggerSchema = R"json({
      "title": "A trigger",
      "description": "Exactly one of the first six keys.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "arrival": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$",
          "description": "A stream that something arrives in."},
        "stale": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$",
          "description": "A table of which a partition becomes stale."},
        "run": {"type": "string", "pattern": "^(review/)?[a-z][a-z0-9_]{0,62}$",
          "description": "Another flow of which a run ends; review/NAME: a review."},
        "object": {"type": "string", "pattern": "^s3://", "maxLength": 1024,
          "description": "A place in the store, s3://bucket/prefix, below which an object is written."},
        "job_log": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$",
          "description": "A connection to a PostgreSQL into whose job log a row is written."},
        "apply": {"const": true, "description": "An apply has made or changed the declaration."},
        "quiet": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$", "default": "10s",
          "description": "Of arrival, object and job_log: once nothing has arrived for so long; 0s to 1d."},
        "state": {"enum": ["done", "failed"], "default": "done", "description": "Of run: how it ends."},
        "where": {"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string"},
          "description": "Of job_log: what columns of the logged row hold. Without it: any row."}
      },
      "oneOf": [{"required": ["arrival"]}, {"required": ["stale"]}, {"required": ["run"]}, {"required": ["object"]},
        {"required": ["job_log"]}, {"required": ["apply"]}]
})json";

Json parsed(const char* schema) {
  auto out = Json::parse(schema);
  CHECK(out.has_value(), "the schema is JSON");
  return std::move(*out);
}

std::string or_none(const std::vector<std::string>& texts) {
  return texts.empty() ? "none" : join(texts, ", ");
}

}  // namespace

StartChecks start_checks() {
  StartChecks out;
  out.zone = [](std::string_view name) -> Status {
    TRY(Zone::find(name));
    return {};
  };
  out.schedule = [](std::string_view text) -> Status {
    TRY(Schedule::parse(text, Zone::utc()));
    return {};
  };
  return out;
}

void read_start_rules(YamlReader& in, const StartChecks& checks, std::string_view kind, const std::string& name,
                      StartRules& into) {
  read_schedule(in, checks, into);
  read_zone(in, checks, into);
  read_triggers(in, kind, name, into);
}

std::vector<project::Starter> starters_of(const Yaml& root, const StartRules& rules) {
  std::vector<project::Starter> out;
  const Yaml* triggers = root.find("triggers");
  for (size_t i = 0; i < rules.triggers.size(); ++i) {
    const Trigger& trigger = rules.triggers[i];
    if (trigger.kind != TriggerKind::run) continue;
    const bool has_place = triggers != nullptr && i < triggers->items.size();
    out.push_back({trigger.work, trigger.name, has_place ? triggers->items[i].at : root.at});
  }
  return out;
}

Json start_rules_schema() {
  return parsed(kRulesSchema);
}

Json trigger_schema() {
  return parsed(kTriggerSchema);
}

std::string trigger_text(const Trigger& trigger) {
  if (trigger.kind == TriggerKind::apply) return "apply";
  std::string out = std::string(trigger_word(trigger.kind)) + " of ";
  if (trigger.work != kFlowRunKind) out += trigger.work + "/";
  out += trigger.name;
  for (const auto& [column, value] : trigger.where) out += " where " + column + " is " + shown(value);
  if (waits_for_quiet(trigger.kind)) out += " (quiet for " + format_duration(trigger.quiet) + ")";
  if (trigger.kind == TriggerKind::run) out += std::string(" (") + word_of(state_words(), trigger.state) + ")";
  return out;
}

Json trigger_json(const Trigger& trigger) {
  return Json::Object{{"kind", trigger_word(trigger.kind)},
                      {"name", trigger.name},
                      {"quiet", format_duration(trigger.quiet)},
                      {"state", word_of(state_words(), trigger.state)},
                      {"work", trigger.work},
                      {"where", text_map_json(trigger.where)}};
}

Trigger trigger_from_json(const Json& json, int64_t format, std::string& wrong) {
  Trigger out;
  JsonShape in(json, "a trigger", wrong);
  in.choice("kind", out.kind, trigger_words());
  in.text("name", out.name);
  in.duration("quiet", out.quiet);
  in.choice("state", out.state, state_words());
  if (format >= kFormatWithWork) {
    in.text("work", out.work);
    in.text_map("where", out.where);
  }
  in.finish();
  return out;
}

Json to_json(const StartRules& rules) {
  Json triggers{Json::Array{}};
  for (const Trigger& trigger : rules.triggers) triggers.push(trigger_json(trigger));
  return Json::Object{
      {"schedules", texts_json(rules.schedules)}, {"zone", rules.zone}, {"triggers", std::move(triggers)}};
}

StartRules start_rules_from_json(const Json& json, std::string& wrong) {
  StartRules out;
  JsonShape in(json, "what starts it", wrong);
  in.texts("schedules", out.schedules);
  in.text("zone", out.zone);
  if (const Json::Array* triggers = in.list("triggers")) {
    for (const Json& trigger : *triggers) out.triggers.push_back(trigger_from_json(trigger, kFormatWithWork, wrong));
  }
  in.finish();
  return out;
}

std::vector<project::Difference> compare(const StartRules& applied, const StartRules& wanted) {
  std::vector<project::Difference> out;
  const auto changes = [&](const std::string& key, const std::string& before, const std::string& after) {
    if (before != after) out.push_back({key + " changes from " + before + " to " + after});
  };
  changes("schedule", or_none(applied.schedules), or_none(wanted.schedules));
  changes("zone", applied.zone, wanted.zone);
  const size_t before_count = out.size();
  const auto has = [](const std::vector<Trigger>& list, const Trigger& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  for (const Trigger& one : wanted.triggers) {
    if (!has(applied.triggers, one)) out.push_back({"it starts by " + trigger_text(one)});
  }
  for (const Trigger& one : applied.triggers) {
    if (!has(wanted.triggers, one)) out.push_back({"it no longer starts by " + trigger_text(one)});
  }
  if (out.size() == before_count && applied.triggers != wanted.triggers) {
    out.push_back({"the triggers are listed in another order"});
  }
  return out;
}

}  // namespace weir::flow
