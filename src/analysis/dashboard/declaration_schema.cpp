// JSON Schema of dashboards/<name>.yaml, written as one text: it is read by people as much as by editors.
#include "analysis/dashboard/dashboard.h"
#include "core/base/check.h"

namespace weir::dashboard {
namespace {

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:dashboard",
  "title": "A dashboard: dashboards/<name>.yaml",
  "description": "Panels over metrics and SELECTs. The file's name is the dashboard's name.",
  "type": "object",
  "required": ["panels"],
  "additionalProperties": false,
  "properties": {
    "title": {"type": "string", "minLength": 1, "maxLength": 200, "description": "By default the file's name."},
    "description": {"type": "string", "maxLength": 4096, "description": "What the dashboard is for."},
    "range": {"$ref": "#/$defs/duration", "default": "1h", "description": "What the page begins with: 1m to 400d."},
    "refresh": {"$ref": "#/$defs/duration", "default": "10s", "description": "How often the page asks: 1s to 1h."},
    "panels": {"type": "array", "minItems": 1, "maxItems": 60, "items": {"$ref": "#/$defs/panel"},
      "description": "From left to right and from top to bottom."}
  },
  "$defs": {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
    "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$"},
    "axis": {
      "title": "An axis of a panel",
      "type": "object", "additionalProperties": false,
      "properties": {
        "label": {"type": "string", "minLength": 1, "maxLength": 200, "description": "What is counted."},
        "unit": {"type": "string", "minLength": 1, "maxLength": 200,
          "description": "bytes, seconds and ratio are written in their own ways, others behind the number."},
        "min": {"type": "number", "description": "Where the axis begins; by default at 0, or below it."},
        "max": {"type": "number", "description": "Where it ends; by default above the greatest number."}
      }
    },
    "panel": {
      "title": "A panel of a dashboard",
      "type": "object", "additionalProperties": false,
      "properties": {
        "name": {"$ref": "#/$defs/name", "description": "By default its kind and its place: number_2."},
        "title": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Stands above it."},
        "description": {"type": "string", "maxLength": 4096, "description": "What the numbers mean."},
        "kind": {"enum": ["time_series", "number", "bar", "table", "text"], "default": "time_series",
          "description": "How it looks."},
        "width": {"type": "integer", "minimum": 1, "maximum": 12,
          "description": "In twelfths of the page: by default 6, of a number 3, of a text 12."},
        "left": {"$ref": "#/$defs/axis", "description": "The left axis, and the unit of numbers and bars."},
        "right": {"$ref": "#/$defs/axis", "description": "The right axis."},
        "step": {"$ref": "#/$defs/duration",
          "description": "The least time between two points; divides a day. Without it: as the range needs."},
        "reduce": {"enum": ["last", "sum", "average", "min", "max"], "default": "last",
          "description": "How a series becomes the number of a panel of kind number or bar."},
        "sql": {"type": "string", "minLength": 1, "maxLength": 262144,
          "description": "One SELECT; may hold $from, $to and $step. The first column of a time series is its time."},
        "series": {"type": "array", "maxItems": 30, "items": {"$ref": "#/$defs/series"},
          "description": "What is drawn. With sql and without series: every column of numbers."},
        "text": {"type": "string", "minLength": 1, "maxLength": 16384, "description": "Of kind text: paragraphs."}
      }
    },
    "series": {
      "title": "A series of a panel",
      "description": "Exactly one of metric, column and expression.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "name": {"$ref": "#/$defs/name", "description": "What expressions call it."},
        "label": {"type": "string", "minLength": 1, "maxLength": 200, "description": "By default the name."},
        "metric": {"type": "string", "minLength": 1, "maxLength": 200,
          "description": "A metric's name, as on /metrics."},
        "labels": {"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string"},
          "description": "Only what has these labels."},
        "by": {"type": "string", "description": "A label: one series for each of its values, the 12 greatest."},
        "statistic": {"enum": ["sum", "rate", "count", "average", "min", "max", "last", "p50", "p95", "p99"],
          "default": "sum", "description": "What becomes of a metric's samples within a step."},
        "column": {"type": "string", "minLength": 1, "description": "A column of the panel's SELECT."},
        "expression": {"type": "string", "minLength": 1, "maxLength": 500,
          "description": "+ - * / over series above this one: clicks / impressions."},
        "axis": {"enum": ["left", "right"], "default": "left", "description": "Which axis it belongs to."},
        "hidden": {"type": "boolean", "default": false, "description": "Not drawn: only expressions use it."}
      },
      "oneOf": [{"required": ["metric"]}, {"required": ["column"]}, {"required": ["expression"]}]
    }
  }
})json";

}  // namespace

Json dashboard_schema() {
  auto schema = Json::parse(kSchema);
  CHECK(schema.has_value(), "the schema is JSON");
  Json properties = (*schema)["properties"];
  const Json common = project::common_schema();
  for (const auto& [key, value] : common.object()) properties.set(key, value);
  schema->set("properties", std::move(properties));
  return std::move(*schema);
}

}  // namespace weir::dashboard
