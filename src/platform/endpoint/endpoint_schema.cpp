// JSON Schema of endpoints/<name>.yaml, written as one text: it is read by people as much as by editors.
#include "core/base/check.h"
#include "platform/endpoint/endpoint_declaration.h"

namespace weir::endpoint {
namespace {

constexpr const char* kEndpointSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:endpoint",
  "title": "An endpoint: endpoints/<name>.yaml",
  "description": "A GET that is answered from a derived table. The file's name is the endpoint's name.",
  "type": "object",
  "required": ["path", "table", "columns"],
  "additionalProperties": false,
  "properties": {
    "description": {"type": "string", "maxLength": 4096, "description": "What it answers, for its readers."},
    "path": {"type": "string", "maxLength": 200, "pattern": "^/",
      "description": "Where it answers, below each of http.mounts: /traffic/{ad_id}."},
    "table": {"$ref": "#/$defs/name", "description": "The derived table."},
    "parameters": {"type": "object", "maxProperties": 16, "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/parameter"},
      "description": "What a request says: those of the path, and those behind the question mark."},
    "list": {"$ref": "#/$defs/name", "default": "rows", "description": "The answer's name for its rows."},
    "columns": {"type": "array", "minItems": 1, "maxItems": 100, "uniqueItems": true,
      "items": {"$ref": "#/$defs/name"}, "description": "Columns of the table that are answered, in this order."},
    "ratios": {"type": "object", "maxProperties": 20, "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/ratio"}, "description": "Quotients of columns, behind them."},
    "order": {"enum": ["ascending", "descending"], "default": "ascending",
      "description": "Of the rows, by the range's column."},
    "page": {"type": "object", "additionalProperties": false, "description": "How many rows one answer has.",
      "properties": {
        "cursor": {"$ref": "#/$defs/name", "default": "page", "description": "The parameter that takes next."},
        "limit": {"$ref": "#/$defs/name", "default": "limit", "description": "The parameter for the number of rows."},
        "default": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100, "description": "Without it."},
        "max": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100, "description": "At most."}
      }
    },
    "read": {"enum": ["key", "public"], "default": "key", "description": "Who may ask: a read key, or anybody."},
    "cors": {"type": "array", "maxItems": 20, "uniqueItems": true, "items": {"type": "string"},
      "description": "Origins whose pages may read the answer; \"*\" for all."},
    "cache": {"$ref": "#/$defs/duration", "default": "0us",
      "description": "How long a client may use an answer without asking again: up to 1d."}
  },
  "$defs": {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
    "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$"},
    "parameter": {
      "title": "A parameter of an endpoint",
      "description": "At most one of column, from and to; without them it equals the column of its name.",
      "type": "object", "required": ["type"], "additionalProperties": false,
      "properties": {
        "type": {"enum": ["uuid", "date", "integer", "text", "boolean"], "description": "What is taken."},
        "description": {"type": "string", "maxLength": 4096, "description": "For readers."},
        "column": {"$ref": "#/$defs/name", "description": "The column that equals it."},
        "from": {"$ref": "#/$defs/name", "description": "The column that begins with it, included."},
        "to": {"$ref": "#/$defs/name", "description": "The column that ends with it, included."},
        "default": {"type": ["string", "number", "boolean"],
          "description": "Where a request leaves it out; of a date also today, today-7. Without it, it must be given."},
        "min": {"type": ["string", "number"], "description": "Of dates and integers: the least."},
        "max": {"type": ["string", "number"], "description": "The greatest."}
      }
    },
    "ratio": {
      "title": "A ratio of an endpoint",
      "type": "object", "required": ["of", "to"], "additionalProperties": false,
      "properties": {
        "of": {"$ref": "#/$defs/name", "description": "The dividend."},
        "to": {"$ref": "#/$defs/name", "description": "The divisor; where it is 0 the ratio is null."},
        "digits": {"type": "integer", "minimum": 0, "maximum": 15, "default": 4, "description": "It is rounded to."}
      }
    }
  }
})json";

}  // namespace

Json endpoint_schema() {
  auto schema = Json::parse(kEndpointSchema);
  CHECK(schema.has_value(), "the schema is JSON");
  Json properties = (*schema)["properties"];
  const Json common = project::common_schema();
  for (const auto& [key, value] : common.object()) properties.set(key, value);
  schema->set("properties", std::move(properties));
  return std::move(*schema);
}

}  // namespace weir::endpoint
