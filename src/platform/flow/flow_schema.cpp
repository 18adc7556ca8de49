// JSON Schema of flows/<name>.yaml, written as one text: it is read by people as much as by editors.
#include "core/base/check.h"
#include "platform/flow/flow_declaration.h"

namespace weir::flow {
namespace {

constexpr const char* kFlowSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:flow",
  "title": "A flow: flows/<name>.yaml",
  "description": "Steps in an order, and when they run. The file's name is the flow's name.",
  "type": "object",
  "required": ["steps"],
  "additionalProperties": false,
  "properties": {
    "description": {"type": "string", "maxLength": 4096, "description": "What the flow is for."},
    "schedule": {}, "zone": {}, "triggers": {},
    "window": {"type": "object", "additionalProperties": false,
      "description": "The days that a scheduled run is for. Without it: yesterday.",
      "properties": {
        "days": {"type": "integer", "minimum": 1, "maximum": 366, "default": 1, "description": "How many."},
        "offset": {"type": "integer", "minimum": -3660, "maximum": 366, "default": -1,
          "description": "The last of them, from the day of the start in the flow's zone."},
        "late": {"$ref": "#/$defs/name",
          "description":
          "A table: the window begins at the earliest day that changed since the last good run, inputs included."}
      }
    },
    "order": {"enum": ["serial", "parallel"], "default": "serial",
      "description": "Steps without after run behind the one above them, or from the beginning."},
    "steps": {"type": "array", "minItems": 1, "maxItems": 200, "items": {"$ref": "#/$defs/step"},
      "description": "What is done."},
    "retries": {"$ref": "#/$defs/retries", "description": "Of each step that does not say its own."},
    "time_limit": {"$ref": "#/$defs/duration", "description": "Of a run: 1s to 30d."},
    "max_active": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1, "description": "Runs at once."},
    "on_failure": {"enum": ["cascade", "continue"], "default": "cascade",
      "description": "After a failed run, what depends on the flow does not run either; or it does."}
  },
  "$defs": {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
    "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$"},
    "table": {"type": "string", "pattern": "^(public\\.)?[a-z][a-z0-9_]{0,62}$"},
    "path": {"type": "string", "minLength": 1, "maxLength": 1024},
    "format": {"enum": ["csv", "json", "parquet"]},
    "retries": {
      "title": "retries",
      "anyOf": [{"type": "integer", "minimum": 0, "maximum": 100}, {"$ref": "#/$defs/back_off"}]
    },
    "back_off": {
      "title": "Retries",
      "description": "A number alone, or a mapping:",
      "type": "object", "required": ["times"], "additionalProperties": false,
      "properties": {
        "times": {"type": "integer", "minimum": 0, "maximum": 100, "description": "How often beyond the first time."},
        "wait": {"$ref": "#/$defs/duration", "default": "10s", "description": "Before the first one: 0s to 1d."},
        "factor": {"type": "number", "minimum": 1, "maximum": 10, "default": 2,
          "description": "How much longer each next one waits."},
        "max": {"$ref": "#/$defs/duration", "default": "10m", "description": "The longest wait: at most 1d."}
      }
    },
    "trigger": {},
    "step": {
      "title": "A step of a flow",
      "description": "Exactly one of tables, sql, load, unload, check and command.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "name": {"$ref": "#/$defs/name", "description": "By default its kind and its place: sql_2."},
        "tables": {"type": "array", "minItems": 1, "maxItems": 1000, "uniqueItems": true,
          "items": {"$ref": "#/$defs/name"}, "description": "Tables to build, as far as they are stale."},
        "sql": {"type": "string", "minLength": 1, "maxLength": 262144,
          "description":
          "Statements, done together or not at all; $start, $end (excluded), $day and $run stand for the run's."},
        "load": {"type": "object", "required": ["file", "table"], "additionalProperties": false,
          "description": "A file into a table.",
          "properties": {
            "file": {"$ref": "#/$defs/path", "description": "May hold {start}, {end}, {day} and {run}."},
            "table": {"$ref": "#/$defs/table", "description": "The table; also public.NAME."},
            "format": {"$ref": "#/$defs/format", "description": "By default what the file's name ends with."},
            "mode": {"enum": ["append", "replace"], "default": "append",
              "description": "Behind the rows that are there, or instead of them."},
            "by": {"$ref": "#/$defs/name",
              "description": "Only the rows of the window are replaced, by this column: a time or a day."}
          }
        },
        "unload": {"type": "object", "required": ["to"], "additionalProperties": false,
          "description": "A table or the rows of a SELECT into a file, which is replaced as a whole.",
          "properties": {
            "select": {"type": "string", "minLength": 1, "maxLength": 262144, "description": "A SELECT; or"},
            "table": {"$ref": "#/$defs/table", "description": "a table."},
            "to": {"$ref": "#/$defs/path", "description": "May hold {start}, {end}, {day} and {run}."},
            "format": {"$ref": "#/$defs/format", "description": "By default what the file's name ends with."},
            "header": {"type": "boolean", "default": true, "description": "Of csv: the names in the first line."}
          },
          "oneOf": [{"required": ["select"]}, {"required": ["table"]}]
        },
        "check": {"type": "string", "minLength": 1, "maxLength": 262144,
          "description": "A SELECT, each row of which is a failure."},
        "command": {"type": "array", "minItems": 1, "maxItems": 200, "items": {"type": "string"},
          "description": "A program and its arguments; no shell."},
        "env": {"type": "object", "maxProperties": 100,
          "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"},
          "additionalProperties": {"type": ["string", "number", "boolean"]},
          "description": "Variables of the command; may hold ${secret:NAME}."},
        "after": {"type": "array", "maxItems": 200, "uniqueItems": true, "items": {"$ref": "#/$defs/name"},
          "description": "The steps that end before it begins; []: from the beginning."},
        "retries": {"$ref": "#/$defs/retries", "description": "Instead of the flow's."},
        "time_limit": {"$ref": "#/$defs/duration", "description": "Of one attempt: 1s to 7d."},
        "on_failure": {"enum": ["stop", "continue"], "default": "stop",
          "description": "Whether the steps behind it still run."}
      },
      "oneOf": [{"required": ["tables"]}, {"required": ["sql"]}, {"required": ["load"]}, {"required": ["unload"]},
        {"required": ["check"]}, {"required": ["command"]}]
    }
  }
})json";

}  // namespace

Json flow_schema() {
  auto schema = Json::parse(kFlowSchema);
  CHECK(schema.has_value(), "the schema is JSON");
  Json properties = (*schema)["properties"];
  const Json common = project::common_schema();
  for (const auto& [key, value] : common.object()) properties.set(key, value);
  const Json rules = start_rules_schema();
  for (const auto& [key, value] : rules.object()) properties.set(key, value);
  schema->set("properties", std::move(properties));
  Json definitions = (*schema)["$defs"];
  definitions.set("trigger", trigger_schema());
  schema->set("$defs", std::move(definitions));
  return std::move(*schema);
}

}  // namespace weir::flow
