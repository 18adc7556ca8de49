#include "surface/http/routes/openapi.h"

#include "core/base/time.h"
#include "surface/http/routes/body.h"

namespace weir::http {

namespace {

using capture::Field;
using capture::FieldType;
using capture::Stream;
using endpoint::Endpoint;
using endpoint::Parameter;
using endpoint::ParameterType;
using Object = Json::Object;
using Array = Json::Array;

Json reference(const std::string& to) {
  return Object{{"$ref", "#/components/" + to}};
}

Json json_content(Json schema) {
  return Object{{"application/json", Object{{"schema", std::move(schema)}}}};
}

// Who may: anybody, or whoever has a token.
void set_security(Json& operation, bool is_public) {
  operation.set("security", is_public ? Json(Array{}) : Json(Array{Object{{"token", Array{}}}}));
}

// --- events ---------------------------------------------------------------------------------------------------------

Json field_schema(const Field& field);

Json object_schema(const std::vector<Field>& fields, bool takes_others) {
  Json properties(Object{}), needed(Array{});
  for (const Field& field : fields) {
    properties.set(field.name, field_schema(field));
    if (field.required) needed.push(field.name);
  }
  Json out(Object{{"type", "object"}, {"properties", std::move(properties)}});
  if (!needed.array().empty()) out.set("required", std::move(needed));
  if (!takes_others) out.set("additionalProperties", false);
  return out;
}

Json type_schema(const Field& field) {
  switch (field.type) {
    case FieldType::boolean:
      return Object{{"type", "boolean"}};
    case FieldType::integer:
      return Object{{"type", "integer"}};
    case FieldType::number:
    case FieldType::decimal:
      return Object{{"type", "number"}};
    case FieldType::string:
      return Object{{"type", "string"}};
    case FieldType::uuid:
      return Object{{"type", "string"}, {"format", "uuid"}};
    case FieldType::timestamp:  // also without T and zone, so it is no `date-time`
      return Object{{"type", "string"}, {"examples", Array{"2026-11-21T08:00:00.000Z"}}};
    case FieldType::date:
      return Object{{"type", "string"}, {"format", "date"}};
    case FieldType::json:
      return Object{};
    case FieldType::object:
      return object_schema(field.fields, true);
    case FieldType::array:
      return Object{{"type", "array"}, {"items", field_schema(field.items.front())}};
  }
  return Object{};
}

Json field_schema(const Field& field) {
  Json out = type_schema(field);
  if (!field.description.empty()) out.set("description", field.description);
  if (!field.values.empty()) {
    Json values(Array{});
    for (const std::string& value : field.values) values.push(value);
    out.set("enum", std::move(values));
  }
  const auto set = [&](const char* key, const auto& value) {
    if (value) out.set(key, *value);
  };
  set("minimum", field.minimum);
  set("maximum", field.maximum);
  set(field.type == FieldType::array ? "minItems" : "minLength", field.length_min);
  set(field.type == FieldType::array ? "maxItems" : "maxLength", field.length_max);
  if (!field.nullable || out["type"].is_null()) return out;
  return Object{{"anyOf", Array{std::move(out), Object{{"type", "null"}}}}};
}

Json error_response(const std::string& description, const std::string& shape) {
  return Object{{"description", description}, {"content", json_content(reference("schemas/" + shape))}};
}

Json capture_operation(const Stream& stream, const std::string& id, Json request, const std::string& reply,
                       const std::string& error) {
  Json out(Object{{"operationId", id}, {"tags", Array{"stream " + stream.name}}});
  out.set("summary", "Sends events of the stream " + stream.name + ".");
  if (!stream.description.empty()) out.set("description", stream.description);
  out.set("requestBody", Object{{"required", true}, {"content", json_content(std::move(request))}});
  Json responses(Object{});
  responses.set("200", Object{{"description", "A verdict for each record; accepted ones are on disk."},
                              {"content", json_content(reference("schemas/" + reply))}});
  responses.set("400", error_response("The body cannot be read.", error));
  responses.set("429", error_response("Too much waits for the disk: send it again after Retry-After.", error));
  out.set("responses", std::move(responses));
  set_security(out, stream.write == capture::WhoWrites::anyone);
  return out;
}

void add_stream(const Stream& stream, const EventRoutes& events, Json& paths, Json& schemas) {
  const std::string event = "event_" + stream.name;
  schemas.set(event, object_schema(stream.fields, stream.unknown != capture::UnknownFields::refuse));
  const Json one = reference("schemas/" + event);
  const Json some(Object{{"anyOf", Array{one, Object{{"type", "array"}, {"items", one}}}}});
  for (const std::string& path : events.endpoints(stream)) {
    const bool is_beacon = path != "/v1/streams/" + stream.name;
    Json operation;
    if (is_beacon) {
      Json batch(Object{{"type", "object"}, {"required", Array{stream.beacon->batch}}});
      batch.set("properties",
                Object{{stream.beacon->batch,
                        Object{{"type", "array"}, {"maxItems", stream.beacon->records_max}, {"items", one}}}});
      operation = capture_operation(stream, "post" + path, std::move(batch), "beacon_reply", "error_text");
    } else {
      operation = capture_operation(stream, "send_" + stream.name, some, "reply", "error");
      operation.set("parameters", Array{Object{{"name", "Idempotency-Key"},
                                               {"in", "header"},
                                               {"description", "The same key with the same body gets the same reply."},
                                               {"schema", Object{{"type", "string"}, {"maxLength", 200}}}}});
    }
    paths.set(path, Object{{"post", std::move(operation)}});
  }
}

// --- endpoints ------------------------------------------------------------------------------------------------------

Json parameter_schema(const Parameter& parameter) {
  Json out(Object{});
  switch (parameter.type) {
    case ParameterType::uuid:
      out = Object{{"type", "string"}, {"format", "uuid"}};
      break;
    case ParameterType::date:
      out = Object{{"type", "string"}, {"format", "date"}};
      break;
    case ParameterType::integer:
      out = Object{{"type", "integer"}};
      break;
    case ParameterType::text:
      out = Object{{"type", "string"}, {"minLength", 1}, {"maxLength", endpoint::kTextBytesMax}};
      break;
    case ParameterType::boolean:
      out = Object{{"type", "boolean"}};
      break;
  }
  // A default like `today` is no value of the type: the description says it.
  const auto value = [&](const std::optional<std::string>& text) -> std::optional<Json> {
    const auto read = text ? endpoint::read_value(parameter.type, *text) : std::nullopt;
    if (!read) return std::nullopt;
    if (parameter.type == ParameterType::integer) return Json(read->number);
    if (parameter.type == ParameterType::boolean) return Json(read->number == 1);
    return Json(read->text);
  };
  if (const auto otherwise = value(parameter.otherwise)) out.set("default", *otherwise);
  if (parameter.type == ParameterType::integer) {
    if (const auto min = value(parameter.min)) out.set("minimum", *min);
    if (const auto max = value(parameter.max)) out.set("maximum", *max);
  }
  return out;
}

std::string described(const Parameter& parameter) {
  std::string out = parameter.description;
  const auto add = [&](const std::string& words) { out += (out.empty() ? "" : " ") + words; };
  if (parameter.otherwise) add("Without it: " + *parameter.otherwise + ".");
  if (parameter.min) add("Not before " + *parameter.min + ".");
  if (parameter.max) add("Not after " + *parameter.max + ".");
  return out;
}

Json query_parameter(const std::string& name, const std::string& description, Json schema) {
  return Object{{"name", name}, {"in", "query"}, {"description", description}, {"schema", std::move(schema)}};
}

Json parameters_of(const Endpoint& declared) {
  Json out(Array{});
  for (const Parameter& one : declared.parameters) {
    Json parameter(Object{{"name", one.name}, {"in", one.in_path ? "path" : "query"}});
    parameter.set("required", one.in_path || !one.otherwise);
    if (const std::string words = described(one); !words.empty()) parameter.set("description", words);
    parameter.set("schema", parameter_schema(one));
    out.push(std::move(parameter));
  }
  out.push(query_parameter(
      declared.page.size, "How many rows at most.",
      Object{
          {"type", "integer"}, {"minimum", 1}, {"maximum", declared.page.max}, {"default", declared.page.otherwise}}));
  out.push(query_parameter(declared.page.cursor, "`next` of the answer before, to the same parameters.",
                           Object{{"type", "string"}}));
  return out;
}

// By the engine's name of a column's type; any value if it is none of these.
Json column_schema(const std::string& type) {
  const auto nullable = [](Json schema) {
    return Json(Object{{"anyOf", Array{std::move(schema), Object{{"type", "null"}}}}});
  };
  if (type.ends_with("INT") || type == "INTEGER" || type == "UINTEGER") return nullable(Object{{"type", "integer"}});
  if (type == "DOUBLE" || type == "FLOAT" || type.starts_with("DECIMAL")) return nullable(Object{{"type", "number"}});
  if (type == "BOOLEAN") return nullable(Object{{"type", "boolean"}});
  if (type == "DATE") return nullable(Object{{"type", "string"}, {"format", "date"}});
  if (type == "UUID") return nullable(Object{{"type", "string"}, {"format", "uuid"}});
  if (type == "TIMESTAMP") return nullable(Object{{"type", "string"}, {"format", "date-time"}});
  if (type == "VARCHAR") return nullable(Object{{"type", "string"}});
  return Object{};
}

Json answer_schema(const Endpoint& declared, const std::vector<engine::ResultColumn>& columns) {
  std::map<std::string, std::string> types;
  for (const auto& column : columns) types[column.name] = column.type;
  Json properties(Object{}), needed(Array{});
  for (const std::string& column : declared.columns) {
    properties.set(column, column_schema(types[column]));
    needed.push(column);
  }
  for (const auto& ratio : declared.ratios) {
    Json schema = column_schema("DOUBLE");
    schema.set("description", ratio.of + " / " + ratio.to + "; null where " + ratio.to + " is 0.");
    properties.set(ratio.name, std::move(schema));
    needed.push(ratio.name);
  }
  Json row(Object{{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(needed)}});
  Json out(Object{{"type", "object"}, {"required", Array{"count", "next", declared.list}}});
  out.set("properties", Object{{"count", Object{{"type", "integer"}, {"description", "Rows of this page."}}},
                               {"next", Object{{"type", Array{"string", "null"}},
                                               {"description", "The next page; null: there is none."}}},
                               {declared.list, Object{{"type", "array"}, {"items", std::move(row)}}}});
  return out;
}

Json endpoint_operation(const Endpoint& declared, const std::string& path, const std::string& answer) {
  Json out(Object{{"operationId", "get" + path}, {"tags", Array{"endpoint " + declared.name}}});
  out.set("summary", declared.description.empty() ? "Reads the endpoint " + declared.name + "." : declared.description);
  out.set("parameters", parameters_of(declared));
  Json responses(Object{});
  responses.set("200", Object{{"description", "Its rows; none for a key that is not there."},
                              {"headers", Object{{"ETag", Object{{"description", "For If-None-Match."},
                                                                 {"schema", Object{{"type", "string"}}}}}}},
                              {"content", json_content(reference("schemas/" + answer))}});
  responses.set("304", Object{{"description", "What If-None-Match names is still the answer."}});
  responses.set("400", error_response("A parameter is wrong; the text names it.", "error_text"));
  if (declared.read == endpoint::WhoReads::key) {
    responses.set("401", error_response("No key.", "error_text"));
    responses.set("403", error_response("A key for something else.", "error_text"));
  }
  responses.set("409", error_response("What the last page ended in changed: begin again.", "error_text"));
  responses.set("503", error_response("An index is being written: ask again after Retry-After.", "error_text"));
  out.set("responses", std::move(responses));
  set_security(out, declared.read == endpoint::WhoReads::anyone);
  return out;
}

// --- the whole ------------------------------------------------------------------------------------------------------

Json common_schemas() {
  constexpr const char* kSchemas = R"json({
    "error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
      "required": ["code", "message"], "properties": {"code": {"type": "string"}, "message": {"type": "string"},
      "hint": {"type": "string"}}}}},
    "error_text": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    "reply": {"type": "object", "required": ["accepted", "duplicates", "quarantined", "refused", "records"],
      "properties": {"accepted": {"type": "integer"}, "duplicates": {"type": "integer"},
        "quarantined": {"type": "integer"}, "refused": {"type": "integer"},
        "records": {"type": "array", "items": {"type": "object", "required": ["status"], "properties": {
          "status": {"enum": ["accepted", "duplicate", "quarantined", "refused"]}, "id": {"type": "string"},
          "code": {"type": "string"}, "field": {"type": "string"}, "message": {"type": "string"},
          "retryable": {"type": "boolean"}}}}}},
    "beacon_reply": {"type": "object", "required": ["failed_count", "records"], "properties": {
      "failed_count": {"type": "integer"}, "records": {"type": "array", "items": {"type": "object",
        "required": ["failed"], "properties": {"failed": {"type": "boolean"}, "error_code": {"type": "string"},
          "error_message": {"type": "string"}}}}}}
  })json";
  auto schemas = Json::parse(kSchemas);
  return schemas ? std::move(*schemas) : Json(Object{});
}

Result<Json> document(const OpenapiParts& parts, const SiteFacts& facts) {
  Json paths(Object{}), schemas = common_schemas();
  TRY_ASSIGN(const auto streams, parts.directory.declared());
  for (const StreamDirectory::Declared& one : streams) {
    if (!one.detached && one.stream.enabled) add_stream(one.stream, parts.events, paths, schemas);
  }
  for (const auto& [name, served] : *parts.endpoints.all()) {
    const Endpoint& declared = *served->endpoint;
    if (!declared.enabled) continue;
    const std::string answer = "answer_" + name;
    schemas.set(answer, answer_schema(declared, parts.endpoints.columns(declared)));
    for (const std::string& path : parts.routes.paths_of(declared)) {
      paths.set(path, Object{{"get", endpoint_operation(declared, path, answer)}});
    }
  }
  Json out(Object{{"openapi", "3.1.0"}});
  out.set("info", Object{{"title", facts.project},
                         {"version", facts.version},
                         {"description", "What this warehouse takes and answers. Made from its declarations."}});
  out.set("paths", std::move(paths));
  out.set("components", Object{{"schemas", std::move(schemas)},
                               {"securitySchemes", Object{{"token", Object{{"type", "http"}, {"scheme", "bearer"}}}}}});
  return out;
}

}  // namespace

void add_openapi_routes(Router& router, const OpenapiParts& parts, const SiteFacts& facts) {
  Route route;
  route.access = Access::operations;
  route.pattern = "/openapi.json";
  route.summary = "Streams and endpoints as OpenAPI 3.1.";
  route.handler = json_answers([parts, &facts](Request&) { return document(parts, facts); });
  router.add(std::move(route));
}

}  // namespace weir::http
