// The canonical form of a review that the control database keeps, and the JSON Schema of review.yaml.
#include "analysis/review/declaration.h"
#include "core/base/check.h"
#include "core/base/json_shape.h"

namespace weir::review {
namespace {

constexpr int kFormat = 1;

const std::vector<std::pair<std::string, Colour>>& colours() {
  static const std::vector<std::pair<std::string, Colour>> kWords = {{"yellow", Colour::yellow}, {"red", Colour::red}};
  return kWords;
}
const std::vector<std::pair<std::string, Impact>>& impacts() {
  static const std::vector<std::pair<std::string, Impact>> kWords = {
      {"low", Impact::low}, {"medium", Impact::medium}, {"high", Impact::high}};
  return kWords;
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

Json to_json(const Signal& signal);
Json to_json(const Observation& observation);
Json to_json(const Query& query);
Json to_json(const Recommendation& one);

template <class T>
Json each(const std::vector<T>& list) {
  Json out{Json::Array{}};
  for (const T& one : list) out.push(to_json(one));
  return out;
}

Json to_json(const Signal& signal) {
  return Json::Object{{"name", signal.name},
                      {"when", signal.when},
                      {"of", signal.of},
                      {"of_name", signal.of_name},
                      {"colour", colour_word(signal.colour)},
                      {"impact", impact_word(signal.impact)},
                      {"explanation", signal.explanation},
                      {"mend", signal.mend},
                      {"links", texts(signal.links)},
                      {"recommend", texts(signal.recommend)}};
}

Json to_json(const Observation& observation) {
  return Json::Object{{"text", observation.text}, {"recommend", texts(observation.recommend)}};
}

Json to_json(const Query& query) {
  return Json::Object{{"name", query.name},
                      {"title", query.title},
                      {"description", query.description},
                      {"section", query.section},
                      {"script", query.script},
                      {"sql", query.sql},
                      {"threshold", format_duration(query.threshold)},
                      {"result", query.result},
                      {"signals", each(query.signals)},
                      {"observations", each(query.observations)}};
}

Json to_json(const Recommendation& one) {
  return Json::Object{{"id", one.id}, {"text", one.text}, {"description", one.description}, {"effort", one.effort}};
}

Json to_json(const Workflow& workflow) {
  Json out{Json::Array{}};
  for (const Segment& segment : workflow) {
    Json list{Json::Array{}};
    for (const Planned& planned : segment) {
      list.push(Json::Object{{"query", planned.query}, {"threshold", format_duration(planned.threshold)}});
    }
    out.push(std::move(list));
  }
  return out;
}

Signal signal_from(const Json& json, std::string& wrong) {
  Signal out;
  JsonShape in(json, "a signal", wrong);
  in.text("name", out.name);
  in.text("when", out.when);
  in.text("of", out.of);
  in.text("of_name", out.of_name);
  in.choice("colour", out.colour, colours());
  in.choice("impact", out.impact, impacts());
  in.text("explanation", out.explanation);
  in.text("mend", out.mend);
  in.texts("links", out.links);
  in.texts("recommend", out.recommend);
  in.finish();
  return out;
}

Query query_from(const Json& json, std::string& wrong) {
  Query out;
  JsonShape in(json, "a query", wrong);
  in.text("name", out.name);
  in.text("title", out.title);
  in.text("description", out.description);
  in.text("section", out.section);
  in.text("script", out.script);
  in.text("sql", out.sql);
  in.duration("threshold", out.threshold);
  in.text("result", out.result);
  if (const auto* list = in.list("signals")) {
    for (const Json& one : *list) out.signals.push_back(signal_from(one, wrong));
  }
  if (const auto* list = in.list("observations")) {
    for (const Json& one : *list) {
      Observation observation;
      JsonShape shape(one, "an observation", wrong);
      shape.text("text", observation.text);
      shape.texts("recommend", observation.recommend);
      shape.finish();
      out.observations.push_back(std::move(observation));
    }
  }
  in.finish();
  return out;
}

Recommendation recommendation_from(const Json& json, std::string& wrong) {
  Recommendation out;
  JsonShape in(json, "a recommendation", wrong);
  in.text("id", out.id);
  in.text("text", out.text);
  in.text("description", out.description);
  in.text("effort", out.effort);
  in.finish();
  return out;
}

Workflow workflow_from(const Json& json, std::string& wrong) {
  Workflow out;
  for (const Json& list : json.array()) {
    Segment segment;
    for (const Json& one : list.array()) {
      Planned planned{};
      JsonShape in(one, "a query of a workflow", wrong);
      in.text("query", planned.query);
      in.duration("threshold", planned.threshold);
      in.finish();
      segment.push_back(std::move(planned));
    }
    out.push_back(std::move(segment));
  }
  return out;
}

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:review",
  "title": "A review: reviews/<name>/review.yaml",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "title": {"type": "string", "maxLength": 4096, "description": "What the report is called. By default the folder's name."},
    "description": {"type": "string", "maxLength": 4096, "description": "What it is for."},
    "target": {"type": "string", "default": "weir", "description": "A connection of weir.yaml; weir: this server."},
    "customer": {"type": "string", "maxLength": 4096, "description": "Whose warehouse it is, for the report."},
    "endpoint": {"type": "string", "maxLength": 4096, "description": "Its address, for the report."},
    "workflow": {"type": "string", "default": "all-serial", "description": "The workflow that runs where no other is asked for."},
    "workflows": {"type": "object", "maxProperties": 50,
      "additionalProperties": {"type": "array", "minItems": 1, "maxItems": 500, "items": {"type": "string"}},
      "description": "By name: texts that run at the same time, each with names of queries that run one after another, as \"Tables:600,Locks:30s\"; the time behind the colon is the query's threshold. all-serial and all-parallel are always there."},
    "rounds": {"type": "integer", "minimum": 1, "maximum": 20, "default": 3, "description": "How often a query that fails is tried, the first time included."},
    "parallel": {"type": "integer", "minimum": 1, "maximum": 64, "default": 16, "description": "Queries at once, at most."},
    "time_limit": {"type": "string", "description": "Of the whole run, 1s to 7d: what has not ended then is cancelled, and the report says so."},
    "csv": {"enum": ["standard", "bars"], "default": "standard", "description": "How results are written as CSV: by RFC 4180, or between bars as the automated review does, which is the default beside its config.json."},
    "notify": {"type": "array", "maxItems": 100, "items": {"type": "string"}, "description": "Channels that are told how a run ended. Without it: the page alone."},
    "next_actions": {"type": "array", "maxItems": 100, "items": {"type": "string"}, "description": "Shown at the report's end."},
    "queries": {"type": "object", "maxProperties": 500, "additionalProperties": {"$ref": "#/$defs/query"},
      "description": "By name; the SQL of each lies in scripts/<name>.sql."},
    "recommendations": {"type": "object", "additionalProperties": {"$ref": "#/$defs/recommendation"}, "description": "By name."}
  },
  "$defs": {
    "query": {
      "title": "A query", "type": "object", "additionalProperties": false,
      "properties": {
        "title": {"type": "string", "maxLength": 4096, "description": "By default its name."},
        "description": {"type": "string", "maxLength": 4096, "description": "What it looks at."},
        "section": {"type": "string", "maxLength": 4096, "description": "Under which heading the report shows it."},
        "threshold": {"type": "string", "default": "10m", "description": "After so long it is cancelled: 1ms to 24h."},
        "result": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,62}$", "description": "The name of its results' files. By default its own."},
        "signals": {"type": "array", "maxItems": 200, "items": {"$ref": "#/$defs/signal"}},
        "observations": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["observation"],
          "properties": {"observation": {"type": "string"}, "recommend": {"type": "array", "items": {"type": "string"}}}},
          "description": "What only a person can judge: listed in the report."}
      }
    },
    "signal": {
      "title": "A signal", "type": "object", "additionalProperties": false, "required": ["signal", "when"],
      "properties": {
        "signal": {"type": "string", "maxLength": 4096, "description": "What is the matter, in a few words."},
        "when": {"type": "string", "maxLength": 8192, "description": "A condition over columns, as in pandas or SQL; a SELECT over the table df; or a SELECT of one value, ||, and what it is compared with. skip before it switches it off."},
        "of": {"type": "string", "maxLength": 8192, "description": "A condition: the rows that are judged at all."},
        "of_name": {"type": "string", "maxLength": 4096, "description": "What these rows are: nodes, large tables."},
        "colour": {"enum": ["yellow", "red"], "default": "yellow", "description": "Once it is met."},
        "impact": {"enum": ["low", "medium", "high"], "default": "medium"},
        "explanation": {"type": "string", "maxLength": 4096, "description": "What it means, in plain words."},
        "mend": {"type": "string", "maxLength": 4096, "description": "SQL to copy, once a row; {column} stands for its value."},
        "links": {"type": "array", "maxItems": 100, "items": {"type": "string"}},
        "recommend": {"type": "array", "maxItems": 100, "items": {"type": "string"}, "description": "Names of recommendations."}
      }
    },
    "recommendation": {
      "title": "A recommendation", "type": "object", "additionalProperties": false, "required": ["text"],
      "properties": {
        "text": {"type": "string", "maxLength": 4096, "description": "In one sentence."},
        "description": {"type": "string", "maxLength": 4096, "description": "At length."},
        "effort": {"type": "string", "maxLength": 4096, "description": "Small, Medium, Large."}
      }
    }
  }
})json";

}  // namespace

Json to_json(const Review& review) {
  Json tags{Json::Object{}}, workflows{Json::Object{}};
  for (const auto& [name, value] : review.tags) tags.set(name, value);
  for (const auto& [name, workflow] : review.workflows) workflows.set(name, to_json(workflow));
  return Json::Object{{"format", kFormat},
                      {"name", review.name},
                      {"title", review.title},
                      {"description", review.description},
                      {"enabled", review.enabled},
                      {"tags", std::move(tags)},
                      {"target", review.target},
                      {"customer", review.customer},
                      {"endpoint", review.endpoint},
                      {"workflow", review.workflow},
                      {"workflows", std::move(workflows)},
                      {"rounds", review.rounds},
                      {"parallel", review.parallel},
                      {"time_limit", review.time_limit ? Json(format_duration(*review.time_limit)) : Json()},
                      {"seed_csv", review.seed_csv},
                      {"notify", texts(review.notify)},
                      {"queries", each(review.queries)},
                      {"recommendations", each(review.recommendations)},
                      {"next_actions", texts(review.next_actions)},
                      {"page", review.page}};
}

Result<Review> review_from_json(const Json& json) {
  if (json["format"].as_int() > kFormat) {
    return Error(Code::unsupported, "a newer weir wrote this review", "use that one");
  }
  Review out;
  std::string wrong;
  JsonShape in(json, "the review", wrong);
  int64_t format = 0, rounds = 0, parallel = 0;
  in.integer("format", format, 1, kFormat);
  in.text("name", out.name);
  in.text("title", out.title);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.text("target", out.target);
  in.text("customer", out.customer);
  in.text("endpoint", out.endpoint);
  in.text("workflow", out.workflow);
  if (const Json* workflows = in.need("workflows")) {
    for (const auto& [name, workflow] : workflows->object()) out.workflows[name] = workflow_from(workflow, wrong);
  }
  in.integer("rounds", rounds, 1, kRoundsMax);
  in.integer("parallel", parallel, 1, 64);
  in.duration("time_limit", out.time_limit);
  in.flag("seed_csv", out.seed_csv);
  in.texts("notify", out.notify);
  if (const auto* list = in.list("queries")) {
    for (const Json& one : *list) out.queries.push_back(query_from(one, wrong));
  }
  if (const auto* list = in.list("recommendations")) {
    for (const Json& one : *list) out.recommendations.push_back(recommendation_from(one, wrong));
  }
  in.texts("next_actions", out.next_actions);
  in.text("page", out.page);
  in.finish();
  out.rounds = static_cast<int>(rounds);
  out.parallel = static_cast<int>(parallel);
  if (!wrong.empty()) return Error(Code::corrupt, "an applied review cannot be read: " + wrong);
  return out;
}

Json review_schema() {
  auto parsed = Json::parse(kSchema);
  CHECK(parsed.has_value(), "the schema of reviews is JSON");
  Json out = std::move(*parsed);
  Json properties = out["properties"];
  const Json common = project::common_schema();
  for (const auto& [name, schema] : common.object()) properties.set(name, schema);
  out.set("properties", std::move(properties));
  return out;
}

}  // namespace weir::review
