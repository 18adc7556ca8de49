// JSON Schema of reviews/<name>/review.yaml, written as one text: it is read by people as much as by editors.
#include "analysis/review/declaration.h"
#include "core/base/check.h"

namespace weir::review {
namespace {

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:review",
  "title": "A review: reviews/<name>/review.yaml",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "title": {
      "type": "string",
      "maxLength": 4096,
      "description": "What the report is called. By default the folder's name."},
    "description": {"type": "string", "maxLength": 4096, "description": "What it is for."},
    "base": {
      "type": "string",
      "description": "A review that comes with weir, to begin with; what is here is added or takes its place."},
    "leave_out": {
      "type": "array",
      "maxItems": 100,
      "items": {"type": "string"},
      "description": "Queries of the base that are not asked."},
    "target": {
      "type": "string",
      "default": "weir",
      "description": "A connection of weir.yaml; weir: this server."},
    "as": {
      "type": "string",
      "maxLength": 127,
      "description": "Who asks, where the target is weir. Without it: the owner, who sees all."},
    "customer": {"type": "string", "maxLength": 4096, "description": "Whose warehouse it is, for the report."},
    "endpoint": {"type": "string", "maxLength": 4096, "description": "Its address, for the report."},
    "schedule": {}, "zone": {}, "triggers": {},
    "scheduled": {
      "type": "boolean",
      "default": true,
      "description": "false: neither schedule nor triggers start it, people and the API do."},
    "workflow": {
      "type": "string",
      "default": "all-serial",
      "description": "The workflow that runs where no other is asked for."},
    "workflows": {
      "type": "object",
      "maxProperties": 50,
      "additionalProperties": {"type": "array", "minItems": 1, "maxItems": 500, "items": {"type": "string"}},
      "description": "By name: texts that run at the same time, each with queries one after another."},
    "rounds": {
      "type": "integer",
      "minimum": 1,
      "maximum": 20,
      "default": 3,
      "description": "How often a query that fails is tried, the first time included."},
    "parallel": {
      "type": "integer",
      "minimum": 1,
      "maximum": 64,
      "default": 16,
      "description": "Queries at once, at most."},
    "time_limit": {
      "type": "string",
      "description": "Of the whole run, 1s to 7d: what has not ended then is cancelled."},
    "csv": {
      "enum": ["standard", "bars"],
      "default": "standard",
      "description": "The form of CSV: RFC 4180, or between bars, the default beside config.json."},
    "notify": {
      "type": "array",
      "maxItems": 100,
      "items": {"type": "string"},
      "description": "Channels that are told how a run ended. Without it: the page alone."},
    "brand": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "name": {"type": "string", "maxLength": 500, "description": "Stands above the title."},
        "logo": {"type": "string", "description": "An SVG or PNG in the review's folder, at most 128 KiB."},
        "colour": {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$", "description": "Of the line above the title."},
        "footer": {"type": "string", "maxLength": 500, "description": "Stands at the end."}},
      "description": "Whose report it is."},
    "template": {
      "type": "string",
      "description": "HTML with {{placeholders}} in the review's folder, in place of the program's own page."},
    "next_actions": {
      "type": "array",
      "maxItems": 100,
      "items": {"type": "string"},
      "description": "Shown at the report's end."},
    "queries": {
      "type": "object",
      "maxProperties": 500,
      "additionalProperties": {"$ref": "#/$defs/query"},
      "description": "By name; the SQL of each lies in scripts/<name>.sql, or scripts/<name>.<engine>.sql."},
    "recommendations": {
      "type": "object",
      "additionalProperties": {"$ref": "#/$defs/recommendation"},
      "description": "By name."}},
  "$defs": {
    "query": {
      "title": "A query",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "title": {"type": "string", "maxLength": 4096, "description": "By default its name."},
        "description": {"type": "string", "maxLength": 4096, "description": "What it looks at."},
        "section": {
          "type": "string",
          "maxLength": 4096,
          "description": "Under which heading the report shows it."},
        "engines": {
          "type": "array",
          "items": {"enum": ["weir", "redshift", "postgresql"]},
          "description": "Where it can be asked at all. By default everywhere that there is SQL for."},
        "not_on": {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "weir": {"type": "string"},
            "redshift": {"type": "string"},
            "postgresql": {"type": "string"}},
          "description": "Engine and why it is not asked there, in plain words."},
        "needs": {
          "type": "array",
          "maxItems": 50,
          "items": {"type": "string", "pattern": "^([a-z_][a-z0-9_$]*[.])?[a-z_][a-z0-9_$]*$"},
          "description": "Relations, rows_of_others, all_tables, all_sequences: if unreadable, it is not measured."},
        "threshold": {
          "type": "string",
          "default": "10m",
          "description": "After so long it is cancelled: 1ms to 24h."},
        "result": {
          "type": "string",
          "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,62}$",
          "description": "The name of its results' files. By default its own."},
        "signals": {"type": "array", "maxItems": 200, "items": {"$ref": "#/$defs/signal"}},
        "observations": {
          "type": "array",
          "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["observation"],
            "properties": {
              "observation": {"type": "string"},
              "recommend": {"type": "array", "items": {"type": "string"}}}},
          "description": "What only a person can judge: listed in the report."}}},
    "signal": {
      "title": "A signal",
      "type": "object",
      "additionalProperties": false,
      "required": ["signal", "when"],
      "properties": {
        "signal": {"type": "string", "maxLength": 4096, "description": "What is the matter, in a few words."},
        "when": {
          "type": "string",
          "maxLength": 8192,
          "description": "A condition, a SELECT over df, or a SELECT of one value, || and a comparison."},
        "of": {
          "type": "string",
          "maxLength": 8192,
          "description": "A condition: the rows that are judged at all."},
        "of_name": {
          "type": "string",
          "maxLength": 4096,
          "description": "What these rows are: nodes, large tables."},
        "colour": {"enum": ["yellow", "red"], "default": "yellow", "description": "Once it is met."},
        "impact": {"enum": ["low", "medium", "high"], "default": "medium"},
        "explanation": {"type": "string", "maxLength": 4096, "description": "What it means, in plain words."},
        "mend": {
          "type": "string",
          "maxLength": 4096,
          "description": "SQL to copy, once a row; {column} stands for its value."},
        "links": {"type": "array", "maxItems": 100, "items": {"type": "string"}},
        "recommend": {
          "type": "array",
          "maxItems": 100,
          "items": {"type": "string"},
          "description": "Names of recommendations."}}},
    "recommendation": {
      "title": "A recommendation",
      "type": "object",
      "additionalProperties": false,
      "required": ["text"],
      "properties": {
        "text": {"type": "string", "maxLength": 4096, "description": "In one sentence."},
        "description": {"type": "string", "maxLength": 4096, "description": "At length."},
        "effort": {"type": "string", "maxLength": 4096, "description": "Small, Medium, Large."}}}}})json";

}  // namespace

Json review_schema() {
  auto parsed = Json::parse(kSchema);
  CHECK(parsed.has_value(), "the schema of reviews is JSON");
  Json out = std::move(*parsed);
  Json properties = out["properties"];
  const Json common = project::common_schema();
  for (const auto& [name, schema] : common.object()) properties.set(name, schema);
  const Json rules = flow::start_rules_schema();
  for (const auto& [name, schema] : rules.object()) properties.set(name, schema);
  out.set("properties", std::move(properties));
  Json definitions = out["$defs"];
  definitions.set("trigger", flow::trigger_schema());
  out.set("$defs", std::move(definitions));
  return out;
}

}  // namespace weir::review
