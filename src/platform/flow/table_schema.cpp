// JSON Schema of a table's front matter, written as one text: it is read by people as much as by editors.
#include "core/base/check.h"
#include "platform/flow/table.h"

namespace weir::flow {
namespace {

constexpr const char* kTableSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:table",
  "title": "A derived table: the front matter of tables/<name>.sql",
  "description": "What is known about the rows of the SELECT below it. The file's name is the table's name.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "description": {"type": "string", "maxLength": 4096, "description": "What the table holds."},
    "stored": {"enum": ["engine", "lake"], "default": "engine",
      "description": "Where its rows lie: in the warehouse's own tables, or as Parquet files of the lake."},
    "partition": {"$ref": "#/$defs/name",
      "description": "A DATE column of the SELECT: the table is computed day by day. Without it, as one whole."},
    "inputs": {
      "description": "The streams and tables that the SELECT reads, and which days each one touches.",
      "type": "object", "maxProperties": 100,
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/input"}
    },
    "grain": {"$ref": "#/$defs/columns",
      "description": "What one row is: no two rows have the same values in these columns (it becomes a test)."},
    "columns": {
      "description": "What the columns mean, and their tests.",
      "type": "object", "maxProperties": 1000,
      "propertyNames": {"$ref": "#/$defs/name"},
      "additionalProperties": {"$ref": "#/$defs/column"}
    },
    "tests": {"type": "array", "maxItems": 200, "items": {"$ref": "#/$defs/test"},
      "description": "Run after each computation, over the partitions that it wrote."},
    "time_limit": {"$ref": "#/$defs/duration", "description": "Of one computation: 1s to 7d."}
  },
  "$defs": {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
    "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$"},
    "columns": {"type": "array", "minItems": 1, "maxItems": 32, "uniqueItems": true,
      "items": {"$ref": "#/$defs/name"}},
    "severity": {"enum": ["error", "warn"], "default": "error",
      "description": "error: what depends on the table is not computed; warn: it is only told."},
    "values": {"type": "array", "minItems": 1, "maxItems": 1000, "uniqueItems": true,
      "items": {"type": ["string", "number", "boolean"]}},
    "affects_word": {"type": "string",
      "description": "week: the Monday of its week. month: the first of its month. all: every partition."},
    "input": {
      "title": "An input of a table",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "affects": {
          "description":
          "The table's days that an input's day touches: words such as day, day-1, day-2..day+1, week, month, all.",
          "default": "day", "type": ["string", "array"], "minItems": 1, "maxItems": 16,
          "items": {"$ref": "#/$defs/affects_word"}
        }
      }
    },
    "column": {
      "title": "A column of a table",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "description": {"type": "string", "maxLength": 4096, "description": "What it means."},
        "tests": {"type": "array", "items": {"$ref": "#/$defs/column_test"},
          "description": "What holds for its values."}
      }
    },
    "column_test": {
      "title": "column test",
      "anyOf": [{"enum": ["not_null", "unique"]}, {"$ref": "#/$defs/column_rule"}]
    },
    "column_rule": {
      "title": "A test of a column",
      "description": "not_null or unique alone, or a mapping with one of the first four keys:",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "not_null": {"const": true, "description": "No value is NULL."},
        "unique": {"const": true, "description": "No value appears twice."},
        "accepted_values": {"$ref": "#/$defs/values", "description": "No other value appears."},
        "relation": {"type": "object", "required": ["table"], "additionalProperties": false,
          "description": "Each value stands in a column of another table.",
          "properties": {
            "table": {"$ref": "#/$defs/name", "description": "That table."},
            "column": {"$ref": "#/$defs/name", "description": "Its column; without it, one of the same name."}
          }
        },
        "name": {"$ref": "#/$defs/name", "description": "Of the test; by default made of its kind and column."},
        "severity": {"$ref": "#/$defs/severity"}
      },
      "oneOf": [{"required": ["not_null"]}, {"required": ["unique"]}, {"required": ["accepted_values"]},
        {"required": ["relation"]}]
    },
    "test": {
      "title": "A test of a table",
      "description": "Exactly one of the first five keys.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "unique": {"$ref": "#/$defs/columns", "description": "No two rows have the same values in them together."},
        "not_null": {"$ref": "#/$defs/columns", "description": "None of them is NULL."},
        "accepted_values": {"type": "object", "required": ["column", "values"], "additionalProperties": false,
          "description": "No other value appears.",
          "properties": {
            "column": {"$ref": "#/$defs/name", "description": "The column."},
            "values": {"$ref": "#/$defs/values", "description": "What it may hold; NULL is not_null's."}
          }
        },
        "relation": {"type": "object", "required": ["column", "table"], "additionalProperties": false,
          "description": "Each value stands in a column of another table.",
          "properties": {
            "column": {"$ref": "#/$defs/name", "description": "The column of this table."},
            "table": {"$ref": "#/$defs/name", "description": "The other table."},
            "to": {"$ref": "#/$defs/name", "description": "Its column; without it, one of the same name."}
          }
        },
        "sql": {"type": "string", "minLength": 1, "maxLength": 262144,
          "description": "A SELECT; each row that it returns is a failure."},
        "name": {"$ref": "#/$defs/name", "description": "Of the test; by default made of its kind and columns."},
        "severity": {"$ref": "#/$defs/severity"}
      },
      "oneOf": [{"required": ["unique"]}, {"required": ["not_null"]}, {"required": ["accepted_values"]},
        {"required": ["relation"]}, {"required": ["sql"]}]
    }
  }
})json";

}  // namespace

Json table_schema() {
  auto schema = Json::parse(kTableSchema);
  CHECK(schema.has_value(), "the schema is JSON");
  Json properties = (*schema)["properties"];
  const Json common = project::common_schema();
  for (const auto& [key, value] : common.object()) properties.set(key, value);
  schema->set("properties", std::move(properties));
  return std::move(*schema);
}

}  // namespace weir::flow
