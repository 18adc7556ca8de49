// The canonical JSON of an endpoint, as the control database keeps it. Every key is written, so that a default that
// changes later changes no endpoint that is applied.
#include "core/base/json_shape.h"
#include "platform/endpoint/endpoint_declaration.h"
#include "platform/endpoint/endpoint_words.h"
#include "platform/flow/declaration_json.h"

namespace weir::endpoint {
namespace {

constexpr int kFormat = 1;

Json text_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

void optional_text(JsonShape& in, std::string_view key, std::optional<std::string>& into) {
  const Json* found = in.need(key);
  if (found == nullptr || found->is_null()) return;
  in.text(key, into.emplace());
}

Json parameter_json(const Parameter& parameter) {
  return Json::Object{{"name", parameter.name},
                      {"description", parameter.description},
                      {"type", type_word(parameter.type)},
                      {"use", use_word(parameter.use)},
                      {"column", parameter.column},
                      {"in_path", parameter.in_path},
                      {"default", text_or_null(parameter.otherwise)},
                      {"min", text_or_null(parameter.min)},
                      {"max", text_or_null(parameter.max)}};
}

Parameter parameter_from(const Json& json, std::string& wrong) {
  Parameter out;
  JsonShape in(json, "a parameter", wrong);
  in.text("name", out.name);
  in.text("description", out.description);
  in.choice("type", out.type, type_words());
  in.choice("use", out.use, use_words());
  in.text("column", out.column);
  in.flag("in_path", out.in_path);
  optional_text(in, "default", out.otherwise);
  optional_text(in, "min", out.min);
  optional_text(in, "max", out.max);
  in.finish();
  return out;
}

Ratio ratio_from(const Json& json, std::string& wrong) {
  Ratio out;
  int64_t digits = 0;
  JsonShape in(json, "a ratio", wrong);
  in.text("name", out.name);
  in.text("of", out.of);
  in.text("to", out.to);
  in.integer("digits", digits, 0, 15);
  in.finish();
  out.digits = static_cast<int>(digits);
  return out;
}

Page page_from(const Json& json, std::string& wrong) {
  Page out;
  int64_t otherwise = 1, max = 1;
  JsonShape in(json, "the page", wrong);
  in.text("cursor", out.cursor);
  in.text("limit", out.size);
  in.integer("default", otherwise, 1, kPageRowsMax);
  in.integer("max", max, 1, kPageRowsMax);
  in.finish();
  out.otherwise = static_cast<int>(otherwise);
  out.max = static_cast<int>(max);
  return out;
}

void endpoint_from(const Json& json, Endpoint& out, std::string& wrong) {
  JsonShape in(json, "it", wrong);
  in.need("format");
  in.text("name", out.name);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.text("path", out.path);
  in.text("table", out.table);
  if (const Json::Array* parameters = in.list("parameters")) {
    for (const Json& one : *parameters) out.parameters.push_back(parameter_from(one, wrong));
  }
  in.text("list", out.list);
  in.texts("columns", out.columns);
  if (const Json::Array* ratios = in.list("ratios")) {
    for (const Json& one : *ratios) out.ratios.push_back(ratio_from(one, wrong));
  }
  in.choice("order", out.order, order_words());
  if (const Json* page = in.need("page")) out.page = page_from(*page, wrong);
  in.choice("read", out.read, read_words());
  in.texts("cors", out.cors_origins);
  in.duration("cache", out.cache);
  in.finish();
}

}  // namespace

const Words<ParameterType>& type_words() {
  static const Words<ParameterType> kWords = {{"uuid", ParameterType::uuid},
                                              {"date", ParameterType::date},
                                              {"integer", ParameterType::integer},
                                              {"text", ParameterType::text},
                                              {"boolean", ParameterType::boolean}};
  return kWords;
}
const Words<ParameterUse>& use_words() {
  static const Words<ParameterUse> kWords = {
      {"equals", ParameterUse::equals}, {"from", ParameterUse::from}, {"to", ParameterUse::to}};
  return kWords;
}
const Words<Order>& order_words() {
  static const Words<Order> kWords = {{"ascending", Order::ascending}, {"descending", Order::descending}};
  return kWords;
}
const Words<WhoReads>& read_words() {
  static const Words<WhoReads> kWords = {{"key", WhoReads::key}, {"public", WhoReads::anyone}};
  return kWords;
}

Json to_json(const Endpoint& endpoint) {
  Json parameters(Json::Array{}), ratios(Json::Array{});
  for (const Parameter& one : endpoint.parameters) parameters.push(parameter_json(one));
  for (const Ratio& one : endpoint.ratios) {
    ratios.push(Json::Object{{"name", one.name}, {"of", one.of}, {"to", one.to}, {"digits", one.digits}});
  }
  return Json::Object{{"format", kFormat},
                      {"name", endpoint.name},
                      {"description", endpoint.description},
                      {"enabled", endpoint.enabled},
                      {"tags", flow::text_map_json(endpoint.tags)},
                      {"path", endpoint.path},
                      {"table", endpoint.table},
                      {"parameters", std::move(parameters)},
                      {"list", endpoint.list},
                      {"columns", flow::texts_json(endpoint.columns)},
                      {"ratios", std::move(ratios)},
                      {"order", word_of(order_words(), endpoint.order)},
                      {"page", Json::Object{{"cursor", endpoint.page.cursor},
                                            {"limit", endpoint.page.size},
                                            {"default", endpoint.page.otherwise},
                                            {"max", endpoint.page.max}}},
                      {"read", word_of(read_words(), endpoint.read)},
                      {"cors", flow::texts_json(endpoint.cors_origins)},
                      {"cache", format_duration(endpoint.cache)}};
}

Result<Endpoint> endpoint_from_json(const Json& json) {
  TRY(flow::check_format(json, "endpoint", kFormat));
  Endpoint out;
  std::string wrong;
  endpoint_from(json, out, wrong);
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of an endpoint does not read: " + wrong);
  return out;
}

std::vector<project::Difference> compare(const Endpoint& applied, const Endpoint& wanted) {
  std::vector<project::Difference> out;
  const Json from = to_json(applied), to = to_json(wanted);
  for (const auto& [key, value] : to.object()) {
    const Json& before = from[key];
    if (before == value) continue;
    const bool is_short = before.is_string() || before.is_bool();
    out.push_back({is_short && key != "description" ? key + " changes from " + before.dump() + " to " + value.dump()
                                                    : key + " changes"});
  }
  if (content_hash(applied) != content_hash(wanted)) out.push_back({"its index is written again from the table"});
  return out;
}

}  // namespace weir::endpoint
