// JSON Schema of alerts/<name>.yaml, written as one text: it is read by people as much as by editors.
#include "analysis/alarm/declaration.h"
#include "core/base/check.h"

namespace weir::alarm {
namespace {

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:alert",
  "title": "Alarms: alerts/<name>.yaml",
  "description": "Alarms on metrics and SQL, and the channels that are told.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "description": {"type": "string", "maxLength": 4096, "description": "What these alarms are for."},
    "channels": {"type": "object", "maxProperties": 16, "additionalProperties": {"$ref": "#/$defs/channel"},
      "description": "By name. log and page are always there."},
    "topics": {"type": "object", "maxProperties": 50, "additionalProperties": {"$ref": "#/$defs/topic"},
      "description": "By name; notify: may list them like channels."},
    "alarms": {"type": "object", "maxProperties": 200, "additionalProperties": {"$ref": "#/$defs/alarm"},
      "description": "By name; a name is taken once in the whole project."},
    "runs": {"type": "object", "additionalProperties": false,
      "description": "Who is told of runs that failed, beside the page.",
      "properties": {
        "of": {"type": "array", "minItems": 1, "maxItems": 200, "items": {"type": "string"},
          "description": "Flows, tables and other work by name. Without it: of all."},
        "severity": {"enum": ["info", "warning", "critical"], "default": "warning"},
        "notify": {"type": "array", "minItems": 1, "items": {"type": "string"},
          "description":
            "Channels and topics. Without it: page, log, all topics of this file and the channels that none uses."}
      }}
  },
  "$defs": {
    "alarm": {
      "title": "An alarm",
      "description": "One of metric and sql, and one of above, below, at_least and at_most.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "description": {"type": "string", "maxLength": 4096, "description": "What it means when it goes off."},
        "enabled": {"type": "boolean", "default": true},
        "metric": {"type": "string", "description": "One of docs/reference/metrics.md."},
        "labels": {"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string"},
          "description": "Of metric: series that have all of them, added together. Without it: all series."},
        "statistic": {"enum": ["sum", "avg", "min", "max", "count", "rate", "p50", "p95", "p99"],
          "description": "Of metric, over the period. A counter: sum is its increase, the others are per second."},
        "sql": {"type": "string", "maxLength": 65536,
          "description": "One SELECT that gives one number, asked at the end of each period. No row or NULL: missing."},
        "above": {"type": "number"}, "below": {"type": "number"},
        "at_least": {"type": "number"}, "at_most": {"type": "number"},
        "period": {"type": "string", "default": "1m", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$",
          "description": "Of one datapoint: 1s to 1d, by the clock."},
        "datapoints": {"type": "string", "default": "1 of 1", "pattern": "^[0-9]{1,3} of [0-9]{1,3}$",
          "description": "So many of the newest must breach the limit; at most 100."},
        "missing": {"enum": ["no_data", "breaching", "ok", "ignore"], "default": "no_data",
          "description": "What a period without data counts as."},
        "severity": {"enum": ["info", "warning", "critical"], "default": "warning"},
        "todo": {"type": "string", "maxLength": 4096, "description": "What to do when it goes off."},
        "notify": {"type": "array", "minItems": 1, "items": {"type": "string"},
          "description":
            "Channels and topics. Without it: page, log, all topics of this file and the channels that none uses."}
      }
    }
  }
})json";

}  // namespace

Json alert_schema() {
  auto parsed = Json::parse(kSchema);
  CHECK(parsed.has_value(), "the schema of alarms is JSON");
  Json out = std::move(*parsed);
  Json definitions = out["$defs"];
  definitions.set("channel", notify::channel_schema());
  definitions.set("topic", notify::topic_schema());
  out.set("$defs", std::move(definitions));
  Json properties = out["properties"];
  const Json common = project::common_schema();
  for (const auto& [name, schema] : common.object()) properties.set(name, schema);
  out.set("properties", std::move(properties));
  return out;
}

}  // namespace weir::alarm
