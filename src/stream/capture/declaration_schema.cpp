// JSON Schema of streams/<name>.yaml, written as one text: it is read by people as much as by editors.
#include "core/base/check.h"
#include "stream/capture/declaration.h"

namespace weir::capture {
namespace {

constexpr const char* kStreamSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:stream",
  "title": "A stream: streams/<name>.yaml",
  "description": "What an event looks like and who may send it. The file's name is the stream's name.",
  "type": "object",
  "required": ["fields"],
  "additionalProperties": false,
  "properties": {
    "description": {"type": "string", "maxLength": 4096, "description": "What an event of this stream means."},
    "enabled": {"type": "boolean", "default": true, "description": "false: events are refused, what is there stays."},
    "tags": {
      "description": "Cost and ownership, for example {team: advertising}.",
      "type": "object", "maxProperties": 32,
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"type": ["string", "number", "boolean"]}
    },
    "fields": {
      "description": "The fields of an event, each a type's word or a mapping; in this order they are the columns.",
      "type": "object",
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/field"}
    },
    "key": {"$ref": "#/$defs/name",
      "description":
      "Identifies an event: sent again within dedup_window, it counts once. Without it ids are assigned."},
    "assign_key": {"type": "boolean",
      "description":
      "A missing key is assigned as a UUID. Default: true for a uuid or string key that is not required."},
    "time": {"$ref": "#/$defs/name",
      "description": "The timestamp that decides an event's day. Without it, the arrival does."},
    "unknown": {"enum": ["keep", "drop", "refuse"], "default": "keep",
      "description": "Fields that are not declared: kept in the column _extra, dropped, or the event is refused."},
    "write": {"enum": ["key", "public"], "default": "key",
      "description": "Who may send events: holders of a write key (weir token create --write STREAM), or anybody."},
    "off_loopback": {"type": "boolean", "default": false,
      "description": "With write: public, also on listeners that other machines reach."},
    "cors": {
      "description": "Origins whose pages may send events from a browser, or \"*\".",
      "type": "array", "maxItems": 100, "uniqueItems": true,
      "items": {"type": "string", "pattern": "^(\\*|https?://[^/]+)$"}
    },
    "beacon": {
      "description": "A path of its own that takes {\"<batch>\": [events]}.",
      "type": "object", "required": ["path", "batch"], "additionalProperties": false,
      "properties": {
        "path": {"type": "string", "pattern": "^(/[A-Za-z0-9._~-]+)+$", "maxLength": 200,
          "description": "For example /impressions."},
        "batch": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,63}$",
          "description": "The key of the list in the body."},
        "records_max": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 500,
          "description": "Events in one request."}
      }
    },
    "partition": {"enum": ["day", "year_month"], "default": "day",
      "description": "Folders and columns of the lake: dt, or year and month."},
    "dedup_window": {"$ref": "#/$defs/duration", "default": "7d",
      "description": "How long a key is remembered: 1m to 90d."},
    "past_max": {"$ref": "#/$defs/duration", "default": "30d",
      "description": "An event that is older at its arrival goes to quarantine; at most retention."},
    "future_max": {"$ref": "#/$defs/duration", "default": "1h",
      "description": "An event that is further ahead goes to quarantine: 0s to 366d."},
    "retention": {"$ref": "#/$defs/duration",
      "description": "Days of events older than this are deleted: 1d at least. Without it they are kept."}
  },
  "$defs": {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
    "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$"},
    "word": {"enum": ["boolean", "integer", "number", "decimal", "string", "uuid", "timestamp", "date", "json"]},
    "length": {"type": "integer", "minimum": 0, "maximum": 1048576},
    "field": {
      "title": "field",
      "anyOf": [{"$ref": "#/$defs/word"}, {"$ref": "#/$defs/rules"}]
    },
    "rules": {
      "title": "A field of a stream",
      "description": "Either one of the type's words alone (`amount: decimal`), or a mapping:",
      "type": "object",
      "required": ["type"],
      "additionalProperties": false,
      "properties": {
        "type": {"enum": ["boolean", "integer", "number", "decimal", "string", "uuid", "timestamp", "date", "json",
          "object", "array"], "description": "What its values are; a column of SQL has the matching type."},
        "required": {"type": "boolean", "default": false, "description": "An event without it goes to quarantine."},
        "nullable": {"type": "boolean", "default": false,
          "description": "null counts as a value of a required field."},
        "values": {"type": "array", "minItems": 1, "maxItems": 1000, "uniqueItems": true,
          "items": {"type": ["string", "number", "boolean"]}, "description": "The texts that are allowed (string)."},
        "min": {"type": "number", "description": "Smallest value (integer, number, decimal)."},
        "max": {"type": "number", "description": "Largest value (integer, number, decimal)."},
        "min_length": {"$ref": "#/$defs/length", "description": "Characters of a string, items of an array."},
        "max_length": {"$ref": "#/$defs/length", "description": "Characters of a string, items of an array."},
        "pattern": {"type": "string", "minLength": 1, "maxLength": 1000,
          "description": "RE2, must match the whole text (string)."},
        "default": {"description":
          "The value of the column where an event has none, and in events from before the field was added."},
        "fields": {"type": "object", "minProperties": 1, "propertyNames": {"$ref": "#/$defs/name"},
          "additionalProperties": {"$ref": "#/$defs/field"}, "description": "Of an object."},
        "items": {"$ref": "#/$defs/field", "description": "The type of an array's items."},
        "description": {"type": "string", "maxLength": 4096, "description": "What it means."},
        "was": {"$ref": "#/$defs/name",
          "description":
          "Its former name: events and files under that name are read as this field (top-level fields)."},
        "subject": {"type": "boolean", "default": false,
          "description": "Names a person: weir lake forget may select by it (top-level string, uuid, integer)."},
        "precision": {"type": "integer", "minimum": 1, "maximum": 18, "default": 18,
          "description": "Digits of a decimal."},
        "scale": {"type": "integer", "minimum": 0, "maximum": 18, "default": 3,
          "description": "Those of them behind the point."}
      },
      "allOf": [
        {"if": {"properties": {"type": {"const": "object"}}, "required": ["type"]}, "then": {"required": ["fields"]},
          "else": {"not": {"required": ["fields"]}}},
        {"if": {"properties": {"type": {"const": "array"}}, "required": ["type"]}, "then": {"required": ["items"]},
          "else": {"not": {"required": ["items"]}}}
      ]
    }
  }
})json";

}  // namespace

Json stream_schema() {
  auto schema = Json::parse(kStreamSchema);
  CHECK(schema.has_value(), "the schema is JSON");
  return std::move(*schema);
}

}  // namespace weir::capture
